//! Web ACLs that protect something limit the rate of requests.

use serde_json::Value;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{at, list, texts, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "waf-rate-rule",
    title: "Every web ACL in use has a rate-based rule that blocks",
    points: &["CC7.1", "CC7.2"],
    nist: &["SC-5", "SC-7"],
    serves: &["R-289"],
    kind: Kind::Native(judge),
    reads: &["wafv2:GetWebACL", "wafv2:ListResourcesForWebACL", "wafv2:ListWebACLs"],
    why: "Without a limit, passwords are tried and pages are fetched as fast as anybody can.",
    remedy: "Add a rate-based rule with the action BLOCK.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let acls = view.list("wafv2:ListWebACLs", &["WebACLs"])?;
    Ok(view.each(
        acls,
        |acl| word(acl, "ARN").to_owned(),
        |view, arn, acl| {
            let used = view.one_of("wafv2:ListResourcesForWebACL", arn)?;
            if used.is_none_or(|page| texts(page, "ResourceArns").is_empty()) {
                return Ok(view.beside(arn, "it protects nothing"));
            }
            let told = view.one_of("wafv2:GetWebACL", word(acl, "Id"))?;
            let rules = told.map(|told| list(told, "WebACL.Rules")).unwrap_or_default();
            let rate: Vec<&Value> = rules
                .into_iter()
                .filter(|r| at(r, "Statement.RateBasedStatement").is_some())
                .collect();
            Ok(match (rate.iter().find(|r| at(r, "Action.Block").is_some()), rate.first()) {
                (Some(rule), _) => view.good(arn, format!("rule {} blocks", word(rule, "Name"))),
                (None, Some(rule)) => view.bad(
                    arn,
                    format!("rule {} limits the rate and does not block", word(rule, "Name")),
                ),
                (None, None) => view.bad(arn, "no rule limits the rate"),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(rules: Value, protects: Value) -> [Made; 3] {
        [
            Made::answer(
                "eu-west-1",
                "wafv2:ListWebACLs",
                json!({"WebACLs": [{"Name": "n", "Id": "i", "ARN": "arn:acl"}]}),
            ),
            Made::answer(
                "eu-west-1",
                "wafv2:ListResourcesForWebACL",
                json!({"ResourceArns": protects}),
            )
            .with("WebACLArn", "arn:acl"),
            Made::answer("eu-west-1", "wafv2:GetWebACL", json!({"WebACL": {"Rules": rules}}))
                .with("Id", "i"),
        ]
    }

    #[test]
    fn a_rate_rule_that_blocks_is_wanted_where_something_is_protected() {
        let rule = |action: Value| json!([{"Name": "r", "Statement": {"RateBasedStatement": {"Limit": 2000}}, "Action": action}]);
        let block = || rule(json!({"Block": {}}));
        assert_eq!(verdicts(&CHECK, &made(block(), json!(["arn:alb"]))), "COMPLIANT arn:acl");
        assert_eq!(verdicts(&CHECK, &made(json!([]), json!(["arn:alb"]))), "NON_COMPLIANT arn:acl");
        let counts = made(rule(json!({"Count": {}})), json!(["arn:alb"]));
        assert_eq!(why(&CHECK, &counts), "rule r limits the rate and does not block");
        assert_eq!(verdicts(&CHECK, &made(block(), json!([]))), "NOT_APPLICABLE arn:acl");
    }
}
