//! The password policy of an account is at least as strict as asked for.
//! <https://docs.aws.amazon.com/config/latest/developerguide/iam-password-policy.html>

use serde_json::Value;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::{is, member, whole};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "IAM_PASSWORD_POLICY",
    title: "The password policy of the account is strict enough",
    points: &["CC7.1"],
    nist: &["IA-5(1)", "AC-2"],
    cis: &["1.8", "1.9"],
    serves: &["R-048"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["iam:GetAccountPasswordPolicy"],
    parameters: &[
        parameter("RequireUppercaseCharacters", "true", "at least one capital letter"),
        parameter("RequireLowercaseCharacters", "true", "at least one small letter"),
        parameter("RequireSymbols", "true", "at least one sign"),
        parameter("RequireNumbers", "true", "at least one digit"),
        parameter("MinimumPasswordLength", "14", "characters at least"),
        parameter("PasswordReusePrevention", "24", "earlier passwords that may not come again"),
        parameter("MaxPasswordAge", "90", "days after which it must be changed"),
    ],
    why: "Passwords of people open the console; short and old ones are guessed and bought.",
    remedy: "aws iam update-account-password-policy with the values that the reason names.",
    ..Check::NATIVE
};

const fn parameter(name: &'static str, default: &'static str, doc: &'static str) -> Parameter {
    Parameter { name, default, doc }
}

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let account = view.account();
    let Some(pages) = view.ask("iam:GetAccountPasswordPolicy")? else {
        return Ok(vec![view.bad(account, "AWS's default policy holds: the account has none")]);
    };
    let Some(page) = pages.first() else { return Ok(Vec::new()) };
    let policy = member(page, "PasswordPolicy").unwrap_or(page);
    let lacking = lacking(policy, parameters);
    let why = if lacking.is_empty() {
        "it is as strict as asked for".to_owned()
    } else {
        lacking.join("; ")
    };
    Ok(vec![view.judged(account, lacking.is_empty(), why)])
}

fn lacking(policy: &Value, parameters: &Parameters) -> Vec<String> {
    let mut lacking = Vec::new();
    for name in [
        "RequireUppercaseCharacters",
        "RequireLowercaseCharacters",
        "RequireSymbols",
        "RequireNumbers",
    ] {
        if parameters.is_true(name) && !is(policy, name) {
            lacking.push(format!("{name} is off"));
        }
    }
    for name in ["MinimumPasswordLength", "PasswordReusePrevention"] {
        let Some(wanted) = parameters.number(name) else { continue };
        match whole(policy, name) {
            Some(have) if have >= wanted => {}
            Some(have) => {
                lacking.push(format!("{name} is {have}, at least {wanted} are asked for"))
            }
            None => lacking.push(format!("{name} is not set, at least {wanted} are asked for")),
        }
    }
    if let Some(wanted) = parameters.number("MaxPasswordAge") {
        match whole(policy, "MaxPasswordAge").filter(|days| *days > 0) {
            Some(days) if days <= wanted => {}
            Some(days) => {
                lacking.push(format!("MaxPasswordAge is {days}, at most {wanted} is asked for"))
            }
            None => lacking.push("passwords never expire".into()),
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ACCOUNT, Made, verdicts, verdicts_with, why, world};
    use super::CHECK;
    use serde_json::{Value, json};

    fn policy(different: &Value) -> Made {
        let mut policy = json!({
            "RequireUppercaseCharacters": "true", "RequireLowercaseCharacters": "true",
            "RequireSymbols": "true", "RequireNumbers": "true", "ExpirePasswords": "true",
            "MinimumPasswordLength": "14", "PasswordReusePrevention": "24", "MaxPasswordAge": "90",
        });
        for (name, value) in different.as_object().unwrap() {
            policy[name] = value.clone();
        }
        Made::global("iam:GetAccountPasswordPolicy", json!({"PasswordPolicy": policy}))
    }

    #[test]
    fn each_of_the_seven_parameters_counts_alone() {
        assert_eq!(verdicts(&CHECK, &[policy(&json!({}))]), "COMPLIANT 111122223333");
        for (name, value) in [
            ("RequireUppercaseCharacters", json!("false")),
            ("RequireLowercaseCharacters", json!(false)),
            ("RequireSymbols", json!("false")),
            ("RequireNumbers", json!(null)),
            ("MinimumPasswordLength", json!("13")),
            ("PasswordReusePrevention", json!(23)),
            ("PasswordReusePrevention", json!(null)),
            ("MaxPasswordAge", json!("91")),
            ("MaxPasswordAge", json!(null)),
        ] {
            let made = [policy(&json!({name: value}))];
            assert_eq!(verdicts(&CHECK, &made), format!("NON_COMPLIANT {ACCOUNT}"), "{name}");
        }
        assert_eq!(
            why(&CHECK, &[policy(&json!({"MaxPasswordAge": null}))]),
            "passwords never expire"
        );
    }

    #[test]
    fn the_default_policy_is_none() {
        let none = Made::absent("global", "iam:GetAccountPasswordPolicy");
        assert_eq!(verdicts(&CHECK, &[none]), "NON_COMPLIANT 111122223333");
        assert!(!world(&[]).accounts().any(|_| true));
    }

    #[test]
    fn a_boolean_that_is_not_spelt_true_is_false() {
        let made = [policy(&json!({"RequireSymbols": "false"}))];
        for (set, expected) in
            [("true", "NON_COMPLIANT 111122223333"), ("True", "COMPLIANT 111122223333")]
        {
            assert_eq!(verdicts_with(&CHECK, &made, &[("RequireSymbols", set)]), expected);
        }
        let shorter = [policy(&json!({"MinimumPasswordLength": 8}))];
        let set = [("MinimumPasswordLength", "8")];
        assert_eq!(verdicts_with(&CHECK, &shorter, &set), "COMPLIANT 111122223333");
    }
}
