//! The essential rules of AWS Config are there.

use std::collections::BTreeSet;

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "config-rules-present",
    title: "The essential rules of AWS Config are on",
    points: &["CC7.1"],
    nist: &["CM-6", "CA-7"],
    serves: &["R-044", "R-145", "R-225", "R-240", "R-359"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["config:DescribeConfigRules"],
    parameters: &[Parameter {
        name: "rules",
        default: "ENCRYPTED_VOLUMES,S3_BUCKET_PUBLIC_READ_PROHIBITED,\
                  S3_BUCKET_PUBLIC_WRITE_PROHIBITED,IAM_PASSWORD_POLICY,\
                  MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS,ROOT_ACCOUNT_MFA_ENABLED,CLOUD_TRAIL_ENABLED,\
                  GUARDDUTY_ENABLED_CENTRALIZED",
        doc: "identifiers of rules, between commas; each must be on in one region at least",
    }],
    why: "AWS Config judges only what a rule asks.",
    remedy: "aws configservice put-organization-config-rule, or put-config-rule, with the identifier.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let (mut on, mut blind) = (BTreeSet::new(), None);
    for region in view.regions() {
        let here = view.in_region(region);
        match here.list("config:DescribeConfigRules", &["ConfigRules"]) {
            Ok(rules) => {
                let active = rules
                    .into_iter()
                    .filter(|r| matches!(word(r, "ConfigRuleState"), "" | "ACTIVE"));
                on.extend(active.map(|rule| word(rule, "Source.SourceIdentifier")));
            }
            Err(why) => blind = Some(why),
        }
        view.also(&here);
    }
    Ok(view.each(
        parameters.list("rules"),
        |rule| (*rule).to_owned(),
        |view, name, rule| match (on.contains(rule), &blind) {
            (true, _) => Ok(view.good(name, "it is on")),
            (false, Some(blind)) => Err(blind.clone()),
            (false, None) => Ok(view.bad(name, "no region has it")),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    fn rule(region: &'static str, id: &str) -> Made {
        let rule = json!({"ConfigRuleName": "n", "Source": {"SourceIdentifier": id}, "ConfigRuleState": "ACTIVE"});
        Made::answer(region, "config:DescribeConfigRules", json!({"ConfigRules": [rule]}))
    }

    #[test]
    fn each_rule_is_on_somewhere_or_named() {
        let set = [("rules", "ENCRYPTED_VOLUMES,IAM_PASSWORD_POLICY")];
        let made =
            [rule("eu-west-1", "ENCRYPTED_VOLUMES"), rule("us-east-1", "IAM_PASSWORD_POLICY")];
        let both = "COMPLIANT ENCRYPTED_VOLUMES, COMPLIANT IAM_PASSWORD_POLICY";
        assert_eq!(verdicts_with(&CHECK, &made, &set), both);
        let one = "COMPLIANT ENCRYPTED_VOLUMES, NON_COMPLIANT IAM_PASSWORD_POLICY";
        assert_eq!(verdicts_with(&CHECK, &made[..1], &set), one);
        let denied = [made[0].clone(), Made::denied("us-east-1", "config:DescribeConfigRules")];
        let open = "COMPLIANT ENCRYPTED_VOLUMES, NO_DATA IAM_PASSWORD_POLICY";
        assert_eq!(verdicts_with(&CHECK, &denied, &set), open);
    }
}
