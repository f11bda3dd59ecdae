//! Programs use roles: no user has an active access key.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::users;
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "iam-user-long-lived-keys",
    title: "No user has a long-lived access key",
    severity: SeverityWord::Medium,
    points: &["CC7.1"],
    nist: &["IA-5", "AC-6"],
    cis: &["1.16 (roles)"],
    serves: &["R-308"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:ListUsers"],
    why: "A key of a user works until somebody deletes it; a role's credentials end by themselves.",
    remedy: "Give the program a role (instance profile, IRSA, OIDC, Roles Anywhere) and deactivate the \
             key.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let users = users::all(view)?;
    Ok(view.each(
        users,
        |user| (*user).to_owned(),
        |view, user, _| {
            let keys = view.list_of("iam:ListAccessKeys", user, &["AccessKeyMetadata"])?;
            let active = keys.into_iter().filter(|key| word(key, "Status") == "Active");
            let ids: Vec<&str> = active.filter_map(|key| text(key, "AccessKeyId")).collect();
            if ids.is_empty() {
                return Ok(view.good(user, "the user has no active key"));
            }
            // When a key was used last helps whoever removes it; that it cannot be told changes nothing.
            let used = ids.iter().map(|id| match view.one_of("iam:GetAccessKeyLastUsed", id) {
                Ok(Some(page)) => match text(page, "AccessKeyLastUsed.LastUsedDate") {
                    Some(at) => format!("{id} was used last at {at}"),
                    None => format!("{id} was never used"),
                },
                _ => (*id).to_owned(),
            });
            let used: Vec<String> = used.collect();
            Ok(view.bad(user, format!("active keys: {}", used.join(", "))))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::users::made::users;
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(keys: Value) -> Vec<Made> {
        let keys = Made::global("iam:ListAccessKeys", json!({"AccessKeyMetadata": keys}));
        let used = json!({"AccessKeyLastUsed": {"LastUsedDate": "2026-11-01T00:00:00Z"}});
        let used = Made::global("iam:GetAccessKeyLastUsed", used).with("AccessKeyId", "AKIA1");
        vec![users(&["ana"]), keys.with("UserName", "ana"), used]
    }

    #[test]
    fn any_active_key_is_one_too_many() {
        let key = |status: &str| json!([{"AccessKeyId": "AKIA1", "Status": status}]);
        assert_eq!(verdicts(&CHECK, &made(json!([]))), "COMPLIANT ana");
        assert_eq!(verdicts(&CHECK, &made(key("Inactive"))), "COMPLIANT ana");
        assert_eq!(verdicts(&CHECK, &made(key("Active"))), "NON_COMPLIANT ana");
        assert!(why(&CHECK, &made(key("Active"))).contains("used last at 2026-11-01"));
    }
}
