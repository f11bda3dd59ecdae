//! Users with a password for the console have a second factor.
//! <https://docs.aws.amazon.com/config/latest/developerguide/mfa-enabled-for-iam-console-access.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::users;
use super::{Check, Kind, Parameters, Scope};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
    title: "Users with a console password have MFA",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["IA-2(1)", "IA-2(2)"],
    cis: &["1.10"],
    serves: &["R-049", "R-287"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:GetLoginProfile", "iam:ListMFADevices", "iam:ListUsers"],
    why: "A password alone is guessed, bought or phished.",
    remedy: "Let the user register a device, or take the password away and use Identity Center.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let users = users::all(view)?;
    Ok(view.each(
        users,
        |name| (*name).to_owned(),
        |view, name, _| {
            if view.one_of("iam:GetLoginProfile", name)?.is_none() {
                return Ok(view.beside(name, "the user has no console password"));
            }
            let devices = view.list_of("iam:ListMFADevices", name, &["MFADevices"])?;
            Ok(match devices.len() {
                0 => view.bad(name, "the user has a console password and no second factor"),
                1 => view.good(name, "the user has a second factor"),
                many => view.good(name, format!("the user has {many} second factors")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::users::made::users;
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    fn password(user: &str, has: bool) -> Made {
        let key = "iam:GetLoginProfile";
        let page = json!({"LoginProfile": {"UserName": user}});
        let made = if has { Made::global(key, page) } else { Made::absent("global", key) };
        made.with("UserName", user)
    }

    fn devices(user: &str, devices: Value) -> Made {
        Made::global("iam:ListMFADevices", json!({"MFADevices": devices})).with("UserName", user)
    }

    fn one(has_password: bool, of: Value) -> String {
        verdicts(&CHECK, &[users(&["ana"]), password("ana", has_password), devices("ana", of)])
    }

    #[test]
    fn a_password_asks_for_a_device_and_none_asks_for_nothing() {
        let device = json!({"SerialNumber": "s"});
        assert_eq!(one(true, json!([device])), "COMPLIANT ana");
        assert_eq!(one(true, json!([device, device])), "COMPLIANT ana");
        assert_eq!(one(true, json!([])), "NON_COMPLIANT ana");
        assert_eq!(one(true, json!(null)), "NON_COMPLIANT ana");
        assert_eq!(one(false, json!([])), "NOT_APPLICABLE ana");
        assert_eq!(one(false, json!([device])), "NOT_APPLICABLE ana");
    }

    #[test]
    fn each_user_is_told_and_no_users_is_nothing_to_judge() {
        let made = [
            users(&["ana", "ben"]),
            password("ana", true),
            devices("ana", json!([])),
            password("ben", true),
            Made::denied("global", "iam:ListMFADevices").with("UserName", "ben"),
        ];
        assert_eq!(verdicts(&CHECK, &made), "NON_COMPLIANT ana, NO_DATA ben");
        assert_eq!(verdicts(&CHECK, &[users(&[])]), "NOT_APPLICABLE 111122223333");
    }
}
