//! Trails encrypt under a key of their own. The mission's document asks for SSE-KMS and passes no key.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloud-trail-encryption-enabled.html>

use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::text;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUD_TRAIL_ENCRYPTION_ENABLED",
    title: "Every trail encrypts under a KMS key",
    points: &["CC7.2"],
    nist: &["AU-9", "SC-28"],
    cis: &["3.5"],
    serves: &["R-029", "R-187"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails"],
    why: "Who may read the bucket may still not read the logs unless the key lets him, and every use \
          of the key is logged.",
    remedy: "aws cloudtrail update-trail --name NAME --kms-key-id ARN, with a key policy that lets \
             CloudTrail encrypt.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let trails = trails::own(view)?;
    Ok(view.each(
        trails,
        |t: &Trail<'_>| t.arn.to_owned(),
        |view, arn, trail| {
            Ok(match text(trail.told, "KmsKeyId") {
                Some(key) => view.good(arn, format!("it encrypts under {key}")),
                None => view.bad(arn, "it names no KMS key: files are under S3's own keys at best"),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{ARN, trail};
    use super::super::testing::verdicts;
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn a_key_is_named_or_not() {
        assert_eq!(verdicts(&CHECK, &[trail(&json!({}))]), format!("COMPLIANT {ARN}"));
        for none in [json!({"KmsKeyId": null}), json!({"KmsKeyId": ""})] {
            assert_eq!(verdicts(&CHECK, &[trail(&none)]), format!("NON_COMPLIANT {ARN}"));
        }
    }
}
