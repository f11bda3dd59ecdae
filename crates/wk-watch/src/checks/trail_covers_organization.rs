//! A trail of the organisation covers each of its accounts.

use wk_model::SeverityWord;
use wk_model::capture::GLOBAL;
use wk_model::check::CheckResult;

use super::facts::trails;
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "trail-covers-organization",
    title: "The organization's trail covers every account",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-2", "AU-12"],
    serves: &["R-027", "R-097"],
    scope: Scope::Organization,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "organizations:ListAccounts",
    ],
    why: "The account that nobody thought of is the one without logs.",
    remedy: "Make the trail from the management account or its delegate with --is-organization-trail; \
             walk every account, so that each is seen.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let accounts = view.list("organizations:ListAccounts", &["Accounts"])?;
    let active = accounts.into_iter().filter(|a| matches!(word(a, "Status"), "" | "ACTIVE"));
    let ids: Vec<&str> = active.filter_map(|account| text(account, "Id")).collect();
    let judged = ids.into_iter().map(|id| {
        let there = view.of_account(id, GLOBAL);
        there.also(view);
        covered(&there).unwrap_or_else(|blind| there.blind(id, &blind))
    });
    Ok(judged.collect())
}

fn covered(view: &View<'_>) -> Result<CheckResult, Blind> {
    let account = view.account();
    if !view.posture().accounts().any(|walked| walked == account) {
        let why = format!("account {account} was not walked");
        return Err(Blind { why, evidence: Vec::new() });
    }
    let mut seen = Vec::new();
    for trail in trails::all(view)?.into_iter().filter(|t| t.organization) {
        // Whether another account's trail logs is told by that account, where it is walked.
        let owner = trail.arn.split(':').nth(4).unwrap_or(account);
        let at_owner = view.of_account(owner, GLOBAL);
        let logs = if trail.is_own(view) { trail.logs(view) } else { trail.logs(&at_owner) };
        view.also(&at_owner);
        match (logs?, trail.multi_region) {
            (true, true) => return Ok(view.good(account, format!("{} covers it", trail.name()))),
            (true, false) => seen.push(format!("{} is of one region only", trail.name())),
            (false, _) => seen.push(format!("{} does not log", trail.name())),
        }
    }
    let why = if seen.is_empty() {
        "no trail of the organization is seen there".into()
    } else {
        seen.join("; ")
    };
    Ok(view.bad(account, why))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{logging, no_trail, trail};
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    fn accounts() -> Made {
        let account = |id: &str, status: &str| json!({"Id": id, "Status": status});
        let accounts = json!([
            account("111122223333", "ACTIVE"),
            account("222233334444", "ACTIVE"),
            account("333344445555", "SUSPENDED")
        ]);
        Made::global("organizations:ListAccounts", json!({"Accounts": accounts}))
    }

    #[test]
    fn each_active_account_is_covered_or_named() {
        let there = trail(&json!({})).of("222233334444");
        let made = [accounts(), trail(&json!({})), logging(true), there];
        assert_eq!(verdicts(&CHECK, &made), "COMPLIANT 111122223333, COMPLIANT 222233334444");
        let without = no_trail("eu-west-1").of("222233334444");
        let made = [accounts(), trail(&json!({})), logging(true), without];
        assert_eq!(verdicts(&CHECK, &made), "COMPLIANT 111122223333, NON_COMPLIANT 222233334444");
        let own = json!({"IsOrganizationTrail": false});
        let made = [accounts(), trail(&own), logging(true)];
        assert_eq!(verdicts(&CHECK, &made), "NON_COMPLIANT 111122223333, NO_DATA 222233334444");
    }

    #[test]
    fn without_an_organization_there_is_nothing_to_cover_and_a_denial_is_no_answer() {
        let none = Made::absent("global", "organizations:ListAccounts");
        assert_eq!(verdicts(&CHECK, &[none]), "NOT_APPLICABLE 111122223333");
        let denied = Made::denied("global", "organizations:ListAccounts");
        assert_eq!(verdicts(&CHECK, &[denied]), "NO_DATA 111122223333");
    }
}
