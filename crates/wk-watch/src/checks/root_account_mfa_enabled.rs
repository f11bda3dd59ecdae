//! The root user has a second factor.
//! <https://docs.aws.amazon.com/config/latest/developerguide/root-account-mfa-enabled.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{entry, number};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "ROOT_ACCOUNT_MFA_ENABLED",
    title: "The root user has MFA",
    severity: SeverityWord::Critical,
    points: &["CC7.1"],
    nist: &["IA-2(1)", "AC-6"],
    cis: &["1.5"],
    serves: &["R-050", "R-287"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:GetAccountSummary"],
    why: "No policy of the account limits the root user.",
    remedy: "Register two devices for the root user, or remove its credentials from member accounts \
             (centralized root access).",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let account = view.account();
    let pages = view.ask("iam:GetAccountSummary")?.unwrap_or_default();
    let Some(page) = pages.first() else { return Ok(Vec::new()) };
    let count = |name: &str| {
        let value = entry(page, "SummaryMap", name)?;
        number(&serde_json::json!({"n": value}), "n")
    };
    // Only accounts whose root credentials were removed tell that there is no password.
    if count("AccountPasswordPresent") == Some(0.0) {
        return Ok(vec![view.beside(account, "the root user has no credentials")]);
    }
    Ok(vec![match count("AccountMFAEnabled") {
        Some(n) if n > 0.0 => view.good(account, "the root user has a second factor"),
        Some(_) => view.bad(account, "the root user has no second factor"),
        None => {
            let why = "the summary of the account does not say whether root has a second factor";
            view.verdict(account, wk_model::check::Verdict::NoData, why)
        }
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
    fn a_device_is_wanted_unless_root_has_no_credentials() {
        assert_eq!(of(json!({"AccountMFAEnabled": 1})), "COMPLIANT 111122223333");
        assert_eq!(of(json!({"AccountMFAEnabled": "1"})), "COMPLIANT 111122223333");
        assert_eq!(of(json!({"AccountMFAEnabled": 0})), "NON_COMPLIANT 111122223333");
        let with_password = json!({"AccountMFAEnabled": 0, "AccountPasswordPresent": 1});
        assert_eq!(of(with_password), "NON_COMPLIANT 111122223333");
        let without = json!({"AccountMFAEnabled": 0, "AccountPasswordPresent": 0});
        assert_eq!(of(without), "NOT_APPLICABLE 111122223333");
    }

    #[test]
    fn the_map_of_the_wire_is_read_and_silence_is_no_data() {
        let wire = json!({"entry": [{"key": "Users", "value": "3"}, {"key": "AccountMFAEnabled", "value": "1"}]});
        assert_eq!(of(wire), "COMPLIANT 111122223333");
        assert_eq!(of(json!({"Users": 3})), "NO_DATA 111122223333");
        let denied = Made::denied("global", "iam:GetAccountSummary");
        assert_eq!(verdicts(&CHECK, &[denied]), "NO_DATA 111122223333");
    }
}
