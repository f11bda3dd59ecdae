//! Log groups are encrypted under a KMS key.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloudwatch-log-group-encrypted.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUDWATCH_LOG_GROUP_ENCRYPTED",
    title: "Log groups are encrypted under a KMS key",
    points: &["CC7.2"],
    nist: &["AU-9", "SC-28"],
    serves: &["R-187"],
    kind: Kind::Native(judge),
    reads: &["logs:DescribeLogGroups"],
    parameters: &[Parameter {
        name: "KmsKeyId",
        default: "",
        doc: "ARN of the key that it must be",
    }],
    why: "Under a key of their own, logs are read only by whom the key lets in.",
    remedy: "aws logs associate-kms-key.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let groups = view.list("logs:DescribeLogGroups", &["logGroups"])?;
    Ok(view.each(
        groups,
        |group| word(group, "logGroupName").to_owned(),
        |view, name, group| {
            Ok(match (text(group, "kmsKeyId"), parameters.text("KmsKeyId")) {
                (None, _) => view.bad(name, "it names no KMS key"),
                (Some(key), Some(wanted)) if key != wanted => {
                    view.bad(name, format!("it is under {key}, not under {wanted}"))
                }
                (Some(key), _) => view.good(name, format!("it is under {key}")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    #[test]
    fn a_key_is_named_and_is_the_one_that_is_asked_for() {
        let of = |key: Value| {
            let groups = json!({"logGroups": [{"logGroupName": "g", "kmsKeyId": key}]});
            [Made::answer("eu-west-1", "logs:DescribeLogGroups", groups)]
        };
        assert_eq!(verdicts(&CHECK, &of(json!("arn:k"))), "COMPLIANT g");
        assert_eq!(verdicts(&CHECK, &of(Value::Null)), "NON_COMPLIANT g");
        let other = verdicts_with(&CHECK, &of(json!("arn:k")), &[("KmsKeyId", "arn:other")]);
        assert_eq!(other, "NON_COMPLIANT g");
    }
}
