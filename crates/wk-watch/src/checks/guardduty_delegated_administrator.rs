//! A security account administers GuardDuty for the organisation, in every region.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::text;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "guardduty-delegated-administrator",
    title: "A security account administers GuardDuty in every region",
    points: &["CC7.2"],
    nist: &["SI-4", "AC-5"],
    serves: &["R-055"],
    scope: Scope::Organization,
    kind: Kind::Native(judge),
    reads: &["guardduty:ListOrganizationAdminAccounts", "organizations:ListAccounts"],
    parameters: &[Parameter { name: "account", default: "", doc: "the account that it must be" }],
    why: "The delegation is by region: a region without it has detectors that nobody watches.",
    remedy: "aws guardduty enable-organization-admin-account, from the management account, in every \
             region.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let management = view.account();
    let judged = view.regions().into_iter().map(|region| {
        let here = view.of_account(management, region);
        here.also(view);
        let told = here.list("guardduty:ListOrganizationAdminAccounts", &["AdminAccounts"]);
        let admins = match told {
            Ok(admins) => admins,
            Err(blind) => return here.blind(management, &blind),
        };
        let ids: Vec<&str> = admins.into_iter().filter_map(|a| text(a, "AdminAccountId")).collect();
        match (ids.as_slice(), parameters.text("account")) {
            ([], _) => here.bad(management, "no account administers it here"),
            (ids, Some(wanted)) if !ids.contains(&wanted) => {
                here.bad(management, format!("{} does, {wanted} should", ids.join(", ")))
            }
            (ids, None) if ids.contains(&management) => {
                here.bad(management, "the management account does it itself")
            }
            (ids, _) => here.good(management, format!("{} does", ids.join(", "))),
        }
    });
    Ok(judged.collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(admins: Value) -> [Made; 3] {
        [
            Made::global("organizations:ListAccounts", json!({"Accounts": []})),
            Made::answer(
                "eu-west-1",
                "guardduty:ListOrganizationAdminAccounts",
                json!({"adminAccounts": admins}),
            ),
            Made::denied("us-east-1", "guardduty:ListOrganizationAdminAccounts"),
        ]
    }

    #[test]
    fn another_account_than_the_management_s_does_it_in_each_region() {
        let security = json!([{"adminAccountId": "222233334444"}]);
        let here = |verdict: &str| format!("{verdict} 111122223333, NO_DATA 111122223333");
        assert_eq!(verdicts(&CHECK, &made(security.clone())), here("COMPLIANT"));
        assert_eq!(verdicts(&CHECK, &made(json!([]))), here("NON_COMPLIANT"));
        let itself = json!([{"adminAccountId": "111122223333"}]);
        assert_eq!(verdicts(&CHECK, &made(itself)), here("NON_COMPLIANT"));
        let other = verdicts_with(&CHECK, &made(security), &[("account", "333344445555")]);
        assert_eq!(other, here("NON_COMPLIANT"));
    }
}
