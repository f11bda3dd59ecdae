//! Active access keys of users are not old.
//! <https://docs.aws.amazon.com/config/latest/developerguide/access-keys-rotated.html>

use wk_model::check::CheckResult;

use super::facts::users;
use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::{text, time, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "ACCESS_KEYS_ROTATED",
    title: "Active access keys are younger than 90 days",
    points: &["CC7.1"],
    nist: &["IA-5(1)", "AC-2"],
    cis: &["1.14"],
    serves: &["R-308"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:ListAccessKeys", "iam:ListUsers"],
    parameters: &[Parameter { name: "maxAccessKeyAge", default: "90", doc: "days at most" }],
    why: "A key that leaked years ago still opens what it opened then.",
    remedy: "Make a new key, move its users over, deactivate the old one; better, use roles.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let days = parameters.number("maxAccessKeyAge").unwrap_or(90);
    let mut rows = Vec::new();
    for user in users::all(view)? {
        let of_user = view.aside();
        let keys = match of_user.list_of("iam:ListAccessKeys", user, &["AccessKeyMetadata"]) {
            Ok(keys) => keys,
            Err(blind) => {
                rows.push(of_user.blind(user, &blind));
                continue;
            }
        };
        let active = keys.into_iter().filter(|key| word(key, "Status") == "Active");
        for key in active {
            let name = format!("{user}/{}", text(key, "AccessKeyId").unwrap_or("?"));
            rows.push(match time(key, "CreateDate") {
                None => {
                    of_user.verdict(name, wk_model::check::Verdict::NoData, "its age is not told")
                }
                Some(made) => {
                    let age = (view.now().seconds() - made.seconds()).div_euclid(86_400);
                    of_user.judged(
                        name,
                        age <= days,
                        format!("it is {age} days old; {days} is the most"),
                    )
                }
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::facts::users::made::users;
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    fn said(status: &str, made: &str) -> String {
        let key = json!({"AccessKeyId": "AKIA1", "Status": status, "CreateDate": made});
        let keys = Made::global("iam:ListAccessKeys", json!({"AccessKeyMetadata": [key]}));
        verdicts(&CHECK, &[users(&["ana"]), keys.with("UserName", "ana")])
    }

    #[test]
    fn only_active_keys_have_an_age_that_matters() {
        assert_eq!(said("Active", "2026-11-01T10:00:00Z"), "COMPLIANT ana/AKIA1");
        assert_eq!(said("Active", "2026-01-01T10:00:00Z"), "NON_COMPLIANT ana/AKIA1");
        assert_eq!(said("Inactive", "2020-01-01T10:00:00Z"), "NOT_APPLICABLE 111122223333");
        let denied = Made::denied("global", "iam:ListAccessKeys").with("UserName", "ana");
        assert_eq!(verdicts(&CHECK, &[users(&["ana"]), denied]), "NO_DATA ana");
    }
}
