//! The root user has no access keys.
//! <https://docs.aws.amazon.com/config/latest/developerguide/iam-root-access-key-check.html>

use wk_model::SeverityWord;
use wk_model::check::{CheckResult, Verdict};

use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::entry;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "IAM_ROOT_ACCESS_KEY_CHECK",
    title: "The root user has no access key",
    severity: SeverityWord::Critical,
    points: &["CC7.1"],
    nist: &["AC-6", "IA-2"],
    cis: &["1.4"],
    serves: &["R-308"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:GetAccountSummary"],
    why: "A key of root opens everything, from anywhere, and no policy limits it.",
    remedy: "Sign in as root and delete the key.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let pages = view.ask("iam:GetAccountSummary")?.unwrap_or_default();
    let Some(page) = pages.first() else { return Ok(Vec::new()) };
    let count = entry(page, "SummaryMap", "AccountAccessKeysPresent");
    let count = count.and_then(|n| n.as_i64().or_else(|| n.as_str()?.parse().ok()));
    let account = view.account();
    Ok(vec![match count {
        Some(0) => view.good(account, "root has none"),
        Some(_) => view.bad(account, "root has an access key"),
        None => view.verdict(account, Verdict::NoData, "the account's summary does not say"),
    }])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(summary: Value) -> String {
        verdicts(&CHECK, &[Made::global("iam:GetAccountSummary", json!({"SummaryMap": summary}))])
    }

    #[test]
    fn a_key_of_root_is_one_too_many() {
        assert_eq!(of(json!({"AccountAccessKeysPresent": 0})), "COMPLIANT 111122223333");
        assert_eq!(of(json!({"AccountAccessKeysPresent": "1"})), "NON_COMPLIANT 111122223333");
        assert_eq!(of(json!({})), "NO_DATA 111122223333");
    }
}
