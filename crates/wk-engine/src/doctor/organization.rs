//! The organisation: its accounts, and who speaks for it.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_model::AccountId;
use wk_seam::aws::{AwsRead, Call, Operation, Paging, Target, ask};

use super::{Line, Verdict};

pub(super) struct DescribeOrganization;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    organization: Organization,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    id: String,
    master_account_id: String,
    feature_set: Option<String>,
}

impl Call for DescribeOrganization {
    const OPERATION: &'static Operation = &Operation {
        service: "organizations",
        name: "DescribeOrganization",
        permission: "organizations:DescribeOrganization",
        ..Operation::READ
    };
    type Answer = Described;
    fn parameters(&self) -> Value {
        json!({})
    }
}

pub(super) struct ListAccounts;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Accounts {
    #[serde(default)]
    accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: AccountId,
    status: Option<String>,
}

impl Call for ListAccounts {
    const OPERATION: &'static Operation = &Operation {
        service: "organizations",
        name: "ListAccounts",
        permission: "organizations:ListAccounts",
        pages: Paging::next_token("NextToken"),
        ..Operation::READ
    };
    type Answer = Accounts;
    fn parameters(&self) -> Value {
        json!({})
    }
}

pub(super) struct ListDelegatedAdministrators;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Administrators {
    #[serde(default)]
    delegated_administrators: Vec<Administrator>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Administrator {
    id: String,
    name: Option<String>,
}

impl Call for ListDelegatedAdministrators {
    const OPERATION: &'static Operation = &Operation {
        service: "organizations",
        name: "ListDelegatedAdministrators",
        permission: "organizations:ListDelegatedAdministrators",
        pages: Paging::next_token("NextToken"),
        ..Operation::READ
    };
    type Answer = Administrators;
    fn parameters(&self) -> Value {
        json!({})
    }
}

/// The lines, and the accounts that are active.
pub(super) async fn examine(aws: &dyn AwsRead) -> (Vec<Line>, Vec<AccountId>) {
    let target = Target::default();
    let mut lines = vec![match ask(aws, &DescribeOrganization, target.clone()).await {
        Ok(whole) => organization(&target, &whole.pages[0].organization),
        Err(error) => Line::of_error("organization", "the organization", &target, &error),
    }];
    if lines[0].verdict == Verdict::None {
        return (lines, Vec::new());
    }
    let mut active = Vec::new();
    match ask(aws, &ListAccounts, target.clone()).await {
        Ok(whole) => {
            let cut = !whole.is_whole();
            let all: Vec<Account> = whole.pages.into_iter().flat_map(|p| p.accounts).collect();
            let count = all.len();
            let is_active = |a: &Account| a.status.as_deref().is_none_or(|s| s == "ACTIVE");
            active = all.into_iter().filter(is_active).map(|a| a.id).collect();
            let say =
                format!("{} active, {} suspended or closing", active.len(), count - active.len());
            let what = format!("{count} accounts");
            lines.push(Line::new("organization", what, &target, Verdict::Ok, say));
            lines.extend(cut.then(|| Line::cut("organization", &target, count)));
        }
        Err(error) => lines.push(Line::of_error("organization", "its accounts", &target, &error)),
    }
    match ask(aws, &ListDelegatedAdministrators, target.clone()).await {
        Ok(whole) => {
            let cut = !whole.is_whole();
            let all: Vec<Administrator> =
                whole.pages.into_iter().flat_map(|p| p.delegated_administrators).collect();
            lines.push(administrators(&target, &all));
            lines.extend(cut.then(|| Line::cut("organization", &target, all.len())));
        }
        Err(error) => {
            let what = "delegated administrators";
            lines.push(Line::of_error("organization", what, &target, &error));
        }
    }
    (lines, active)
}

fn organization(target: &Target, found: &Organization) -> Line {
    let say = format!("management account {}", found.master_account_id);
    let line = Line::new("organization", found.id.clone(), target, Verdict::Ok, say);
    if found.feature_set.as_deref() == Some("CONSOLIDATED_BILLING") {
        return Line { verdict: Verdict::Note, ..line }.to_do(
            "only billing is shared: trails and detectors for the organization need all features",
        );
    }
    line
}

fn administrators(target: &Target, all: &[Administrator]) -> Line {
    let what = "delegated administrators";
    if all.is_empty() {
        return Line::new("organization", what, target, Verdict::None, "no account is one").to_do(
            "delegate CloudTrail, GuardDuty, Security Hub and Config to a security account",
        );
    }
    let named: Vec<String> = all
        .iter()
        .map(|a| format!("{} {}", a.id, a.name.as_deref().unwrap_or_default()).trim().to_owned())
        .collect();
    Line::new("organization", what, target, Verdict::Ok, named.join(", "))
}
