//! What has to be done so that an organisation is as its foundation says.
//!
//! * A plan is made of what AWS answered. What was denied, failed or never asked is unknown: no step is
//!   planned on it, and the plan is not whole.
//! * A step is one call with all its parameters. What only an earlier call can tell stands there as
//!   `${service:Operation.Member}`.
//! * Nothing is weakened: a term is not shortened, a service not switched off, a rule of the user's own
//!   not written over. What would do that is told instead of planned.
//! * The same answers give the same plan; after its steps, the next one is empty.

pub(in crate::setup) mod draft;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::posture::{Posture, View};
use crate::setup::foundation::Foundation;
use crate::setup::subjects::{ALL, Subject, Where};

pub use draft::Draft;
pub(in crate::setup) use draft::call;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it is for: the name of a subject.
    pub subject: &'static str,
    /// The account in which it is called.
    pub account: String,
    /// The region.
    pub region: String,
    /// Why it is needed.
    pub why: String,
    /// The service, as the AWS CLI calls it.
    pub service: &'static str,
    /// The operation: `CreateTrail`.
    pub operation: &'static str,
    /// All parameters.
    pub parameters: Value,
    /// What it needs permission for.
    pub permissions: Vec<&'static str>,
    /// What is lost by it, where that was asked for.
    pub dies: Option<String>,
}

/// What cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The name of a subject.
    pub subject: &'static str,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// What, and why.
    pub why: String,
}

/// What somebody decides before a plan is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    /// Terms may be made shorter.
    pub shorten: bool,
}

/// A plan.
#[derive(Debug, Default)]
pub struct Plan {
    /// The calls in their order.
    pub steps: Vec<Step>,
    /// What cannot be told.
    pub unknown: Vec<Told>,
    /// What would weaken what there is, and is not done.
    pub refused: Vec<Told>,
    /// What a person has to do.
    pub by_hand: Vec<Told>,
    /// What is left out by the foundation.
    pub left_out: Vec<Told>,
    /// What is there and not in the foundation.
    pub beyond: Vec<Told>,
    /// How many things are as they should be.
    pub good: usize,
    /// The subjects that were looked at.
    pub subjects: Vec<&'static Subject>,
}

/// Makes a plan.
pub fn plan(
    foundation: &Foundation,
    posture: &Posture,
    subjects: &[&'static Subject],
    choices: Choices,
) -> Plan {
    let accounts = accounts(foundation, posture);
    let mut plan = Plan { subjects: subjects.to_vec(), ..Plan::default() };
    beyond(foundation, posture, &accounts, &mut plan);
    for subject in subjects {
        for (account, region) in places(subject.at, foundation, &accounts) {
            if let Some(out) = foundation.left_out(subject.id, account, region) {
                plan.left_out.push(told(subject.id, account, region, out.reason.clone()));
                continue;
            }
            let view = posture.view(account, region);
            let mut draft = Draft::new(subject, &view, choices, &mut plan);
            if let Err(blind) = (subject.drift)(foundation, &view, &mut draft) {
                draft.unknown(&blind);
            }
        }
    }
    plan
}

/// The accounts: those that the foundation names, and where it names no members, those of the
/// inventory.
fn accounts<'a>(foundation: &'a Foundation, posture: &'a Posture) -> Vec<&'a str> {
    let mut accounts = foundation.named_accounts();
    if foundation.accounts.members.is_empty() {
        accounts.extend(posture.accounts());
        accounts.sort_unstable();
        accounts.dedup();
    }
    accounts
}

fn places<'a>(
    at: Where,
    foundation: &'a Foundation,
    accounts: &[&'a str],
) -> Vec<(&'a str, &'a str)> {
    let own = &foundation.accounts;
    let home = foundation.home();
    let everywhere =
        |account: &'a str| foundation.regions.iter().map(move |r| (account, r.as_str()));
    match at {
        Where::Archive => vec![(&own.archive, home)],
        Where::Management => vec![(&own.management, home)],
        Where::ManagementRegions => everywhere(&own.management).collect(),
        Where::Topics => foundation.topic_accounts().into_iter().map(|a| (a, home)).collect(),
        Where::Accounts => accounts.iter().map(|a| (*a, home)).collect(),
        Where::Regions => accounts.iter().flat_map(|account| everywhere(account)).collect(),
    }
}

fn told(subject: &'static str, account: &str, region: &str, why: impl Into<String>) -> Told {
    Told { subject, account: account.to_owned(), region: region.to_owned(), why: why.into() }
}

/// Accounts and regions that are there and that the foundation does not name.
fn beyond(foundation: &Foundation, posture: &Posture, accounts: &[&str], plan: &mut Plan) {
    let home = foundation.home();
    for account in posture.accounts().filter(|account| !accounts.contains(account)) {
        let why = "the account was walked and is not in the foundation: nothing is planned there";
        plan.beyond.push(told("accounts", account, home, why));
    }
    let organization = posture.view(&foundation.accounts.management, wk_model::capture::GLOBAL);
    match organization.list("organizations:ListAccounts", &["Accounts"]) {
        Ok(all) => {
            let active = all
                .into_iter()
                .filter(|a| crate::posture::members::word(a, "Status") != "SUSPENDED");
            for id in active.filter_map(|a| crate::posture::members::text(a, "Id")) {
                if !accounts.contains(&id) {
                    let why = "the organization has this account, and it is neither in the foundation nor was it walked";
                    plan.beyond.push(told("accounts", id, home, why));
                }
            }
        }
        Err(blind) => {
            plan.unknown.push(told("accounts", &foundation.accounts.management, home, blind.why))
        }
    }
    for account in accounts {
        match regions_on(&posture.view(account, wk_model::capture::GLOBAL)) {
            Ok(on) => {
                for region in on.into_iter().filter(|r| !foundation.regions.iter().any(|f| f == r))
                {
                    let why = "the region is switched on and is not in the foundation: nothing is planned there";
                    plan.beyond.push(told("regions", account, region, why));
                }
            }
            Err(blind) => plan.unknown.push(told("regions", account, home, blind.why)),
        }
    }
}

fn regions_on<'a>(view: &View<'a>) -> Result<BTreeSet<&'a str>, crate::posture::Blind> {
    use crate::posture::members::{text, word};
    let all = view.list("ec2:DescribeRegions", &["Regions", "regionInfo"])?;
    let on = all.into_iter().filter(|r| word(r, "OptInStatus") != "not-opted-in");
    Ok(on.filter_map(|r| text(r, "RegionName")).collect())
}

impl Plan {
    /// Whether everything could be seen.
    pub fn is_whole(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Every permission that the steps need, by account.
    pub fn permissions(&self) -> Vec<(String, Vec<&'static str>)> {
        let mut accounts: Vec<&String> = self.steps.iter().map(|s| &s.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let of = |account: &String| {
            let steps = self.steps.iter().filter(|s| s.account == *account);
            let mut all: Vec<&str> = steps.flat_map(|s| s.permissions.iter().copied()).collect();
            all.sort_unstable();
            all.dedup();
            (account.clone(), all)
        };
        accounts.into_iter().map(of).collect()
    }

    /// What the steps cost, for the subjects that have some.
    pub fn costs(&self) -> Vec<(&'static str, &'static str)> {
        let has = |s: &&&'static Subject| {
            !s.cost.is_empty() && self.steps.iter().any(|step| step.subject == s.id)
        };
        self.subjects.iter().filter(has).map(|s| (s.id, s.cost)).collect()
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let told = |all: &[Told]| -> Vec<Value> {
            let one = |t: &Told| json!({"subject": t.subject, "account": t.account, "region": t.region, "why": t.why});
            all.iter().map(one).collect()
        };
        let step = |(n, s): (usize, &Step)| {
            json!({
                "step": n + 1,
                "subject": s.subject,
                "account": s.account,
                "region": s.region,
                "why": s.why,
                "service": s.service,
                "operation": s.operation,
                "parameters": s.parameters,
                "permissions": s.permissions,
                "dies": s.dies,
                "command": s.command(),
            })
        };
        json!({
            "steps": self.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
            "unknown": told(&self.unknown),
            "refused": told(&self.refused),
            "by_hand": told(&self.by_hand),
            "left_out": told(&self.left_out),
            "beyond": told(&self.beyond),
            "as_it_should_be": self.good,
            "permissions": self.permissions().into_iter().map(|(account, all)| json!({"account": account, "permissions": all})).collect::<Vec<_>>(),
            "costs": self.costs().into_iter().map(|(subject, cost)| json!({"subject": subject, "cost": cost})).collect::<Vec<_>>(),
        })
    }
}

impl Step {
    /// The call as a line for the AWS CLI.
    pub fn command(&self) -> String {
        let parameters = self.parameters.to_string().replace('\'', "'\\''");
        let operation = kebab(self.operation);
        format!(
            "aws {} {operation} --region {} --cli-input-json '{parameters}'",
            self.service, self.region
        )
    }
}

/// `PutBucketPolicy` as `put-bucket-policy`.
fn kebab(name: &str) -> String {
    let mut said = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !said.is_empty() {
            said.push('-');
        }
        said.push(c.to_ascii_lowercase());
    }
    said
}

/// Every subject, or those of these names.
///
/// # Errors
/// The first name that no subject has.
pub fn subjects(names: &[String]) -> Result<Vec<&'static Subject>, String> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    if let Some(stray) = names.iter().find(|name| !ALL.iter().any(|s| s.id == *name)) {
        return Err(stray.clone());
    }
    Ok(ALL.iter().filter(|s| names.iter().any(|name| name == s.id)).collect())
}

#[cfg(test)]
pub(in crate::setup) mod tests;
