//! GuardDuty is on in the region, and where a central account is named, that one is told.
//! <https://docs.aws.amazon.com/config/latest/developerguide/guardduty-enabled-centralized.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "GUARDDUTY_ENABLED_CENTRALIZED",
    title: "GuardDuty is on in every region",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["SI-4", "RA-5"],
    serves: &["R-052", "R-053"],
    kind: Kind::Native(judge),
    reads: &[
        "guardduty:GetAdministratorAccount",
        "guardduty:GetDetector",
        "guardduty:ListDetectors",
    ],
    parameters: &[Parameter {
        name: "CentralMonitoringAccount",
        default: "",
        doc: "accounts, between commas, one of which must be the administrator",
    }],
    why: "GuardDuty sees by region; an intruder chooses the one that is left out.",
    remedy: "Let the delegated administrator enable it for all accounts, and do so in every region.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let detectors = view.list("guardduty:ListDetectors", &["DetectorIds"])?;
    let wanted = parameters.list("CentralMonitoringAccount");
    let mut off = Vec::new();
    for id in detectors.into_iter().filter_map(serde_json::Value::as_str) {
        let detector = view.one_of("guardduty:GetDetector", id)?;
        if detector.is_none_or(|detector| word(detector, "Status") != "ENABLED") {
            off.push(id);
            continue;
        }
        if wanted.is_empty() || wanted.contains(&view.account()) {
            return Ok(vec![view.good(id, "it is on")]);
        }
        let told = view.one_of("guardduty:GetAdministratorAccount", id)?;
        let administrator = told.and_then(|t| {
            text(t, "Administrator.AccountId").or_else(|| text(t, "Master.AccountId"))
        });
        return Ok(vec![match administrator {
            Some(account) if wanted.contains(&account) => {
                view.good(id, format!("it is on, and account {account} is told"))
            }
            Some(account) => {
                let wanted = wanted.join(", ");
                view.bad(id, format!("account {account} is told; it should be one of {wanted}"))
            }
            None => view.bad(id, "it is on, and no administrator is told"),
        }]);
    }
    let why = if off.is_empty() { "there is no detector" } else { "the detector is suspended" };
    Ok(vec![view.bad(off.first().copied().unwrap_or(view.account()), why)])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn detector(status: &str) -> [Made; 2] {
        [
            Made::answer("eu-west-1", "guardduty:ListDetectors", json!({"DetectorIds": ["d"]})),
            Made::answer("eu-west-1", "guardduty:GetDetector", json!({"Status": status}))
                .with("DetectorId", "d"),
        ]
    }

    fn central(administrator: Value, wanted: &str) -> String {
        let told = Made::answer("eu-west-1", "guardduty:GetAdministratorAccount", administrator);
        let made = [&detector("ENABLED")[..], &[told.with("DetectorId", "d")]].concat();
        verdicts_with(&CHECK, &made, &[("CentralMonitoringAccount", wanted)])
    }

    #[test]
    fn it_must_be_there_and_on() {
        assert_eq!(verdicts(&CHECK, &detector("ENABLED")), "COMPLIANT d");
        assert_eq!(verdicts(&CHECK, &detector("DISABLED")), "NON_COMPLIANT d");
        let none = Made::answer("eu-west-1", "guardduty:ListDetectors", json!({"DetectorIds": []}));
        assert_eq!(verdicts(&CHECK, &[none]), "NON_COMPLIANT 111122223333");
    }

    #[test]
    fn a_central_account_that_is_named_must_be_the_administrator() {
        let of = |account: &str| json!({"administrator": {"accountId": account}});
        assert_eq!(central(of("222233334444"), "222233334444"), "COMPLIANT d");
        assert_eq!(central(of("222233334444"), "999, 222233334444"), "COMPLIANT d");
        assert_eq!(central(of("333344445555"), "222233334444"), "NON_COMPLIANT d");
        assert_eq!(central(json!({}), "222233334444"), "NON_COMPLIANT d");
        assert_eq!(central(json!({}), "111122223333"), "COMPLIANT d", "it is the central one");
    }

    #[test]
    fn each_region_is_judged_for_itself() {
        let denied = Made::denied("us-east-1", "guardduty:ListDetectors");
        let made = [&detector("ENABLED")[..], &[denied]].concat();
        assert_eq!(verdicts(&CHECK, &made), "COMPLIANT d, NO_DATA 111122223333");
    }
}
