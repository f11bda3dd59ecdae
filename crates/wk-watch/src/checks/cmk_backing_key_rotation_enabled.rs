//! Keys of our own rotate.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cmk-backing-key-rotation-enabled.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{is, member, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CMK_BACKING_KEY_ROTATION_ENABLED",
    title: "Symmetric customer keys rotate",
    points: &["CC7.1"],
    nist: &["SC-12"],
    cis: &["3.6"],
    serves: &["R-187"],
    kind: Kind::Native(judge),
    reads: &["kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListKeys"],
    why: "The less is encrypted under one secret, the less is lost with it.",
    remedy: "aws kms enable-key-rotation.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let keys = view.list("kms:ListKeys", &["Keys"])?;
    Ok(view.each(
        keys,
        |key| word(key, "KeyId").to_owned(),
        |view, id, _| {
            let Some(page) = view.one_of("kms:DescribeKey", id)? else {
                return Ok(view.beside(id, "it is gone"));
            };
            let key = member(page, "KeyMetadata").unwrap_or(page);
            let rotates =
                word(key, "KeySpec") == "SYMMETRIC_DEFAULT" && word(key, "Origin") == "AWS_KMS";
            if word(key, "KeyManager") == "AWS" {
                return Ok(view.beside(id, "AWS manages it"));
            }
            if !rotates || word(key, "KeyState") != "Enabled" {
                return Ok(
                    view.beside(id, "it is none that rotates: not symmetric, imported, or not on")
                );
            }
            let status = view.one_of("kms:GetKeyRotationStatus", id)?;
            let on = status.is_some_and(|status| is(status, "KeyRotationEnabled"));
            Ok(view.judged(id, on, if on { "it rotates" } else { "it does not rotate" }))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    fn of(manager: &str, spec: &str, on: bool) -> String {
        let key = json!({"KeyMetadata": {"KeyManager": manager, "KeySpec": spec, "Origin": "AWS_KMS", "KeyState": "Enabled"}});
        verdicts(
            &CHECK,
            &[
                Made::answer("eu-west-1", "kms:ListKeys", json!({"Keys": [{"KeyId": "k"}]})),
                Made::answer("eu-west-1", "kms:DescribeKey", key).with("KeyId", "k"),
                Made::answer(
                    "eu-west-1",
                    "kms:GetKeyRotationStatus",
                    json!({"KeyRotationEnabled": on}),
                )
                .with("KeyId", "k"),
            ],
        )
    }

    #[test]
    fn symmetric_keys_of_the_customer_rotate() {
        assert_eq!(of("CUSTOMER", "SYMMETRIC_DEFAULT", true), "COMPLIANT k");
        assert_eq!(of("CUSTOMER", "SYMMETRIC_DEFAULT", false), "NON_COMPLIANT k");
        assert_eq!(of("CUSTOMER", "RSA_2048", false), "NOT_APPLICABLE k");
        assert_eq!(of("AWS", "SYMMETRIC_DEFAULT", false), "NOT_APPLICABLE k");
    }
}
