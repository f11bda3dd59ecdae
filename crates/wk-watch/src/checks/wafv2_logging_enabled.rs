//! Web ACLs log what they see.
//! <https://docs.aws.amazon.com/config/latest/developerguide/wafv2-logging-enabled.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "WAFV2_LOGGING_ENABLED",
    title: "Every web ACL logs",
    points: &["CC7.2"],
    nist: &["AU-12", "SI-4"],
    serves: &["R-225", "R-387"],
    kind: Kind::Native(judge),
    reads: &["wafv2:GetLoggingConfiguration", "wafv2:ListWebACLs"],
    why: "What was blocked, and what was not, shows who is trying.",
    remedy: "aws wafv2 put-logging-configuration.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let acls = view.list("wafv2:ListWebACLs", &["WebACLs"])?;
    Ok(view.each(
        acls,
        |acl| word(acl, "ARN").to_owned(),
        |view, arn, _| {
            let logs = view.one_of("wafv2:GetLoggingConfiguration", arn)?.is_some();
            Ok(view.judged(arn, logs, if logs { "it logs" } else { "it does not log" }))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn a_configuration_is_there_or_not() {
        let acls = Made::answer(
            "eu-west-1",
            "wafv2:ListWebACLs",
            json!({"WebACLs": [{"ARN": "arn:acl"}]}),
        );
        let key = "wafv2:GetLoggingConfiguration";
        let on = Made::answer("eu-west-1", key, json!({"LoggingConfiguration": {}}));
        let off = Made::absent("eu-west-1", key);
        let of =
            |made: Made| verdicts(&CHECK, &[acls.clone(), made.with("ResourceArn", "arn:acl")]);
        assert_eq!(of(on), "COMPLIANT arn:acl");
        assert_eq!(of(off), "NON_COMPLIANT arn:acl");
        assert_eq!(of(Made::denied("eu-west-1", key)), "NO_DATA arn:acl");
    }
}
