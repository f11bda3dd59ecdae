//! Buckets with logs encrypt under KMS by default.

use wk_model::check::CheckResult;

use super::facts::{buckets, log_buckets};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "log-bucket-encrypted-by-kms",
    title: "Buckets with logs encrypt under a KMS key",
    points: &["CC7.2"],
    nist: &["SC-28", "AU-9"],
    serves: &["R-029", "R-187"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "config:DescribeDeliveryChannels",
        "ec2:DescribeFlowLogs",
        "s3:GetBucketEncryption",
        "s3:ListBuckets",
    ],
    why: "Under a key of their own, logs are read only by whom both bucket and key let in.",
    remedy: "aws s3api put-bucket-encryption with aws:kms and a key whose policy lets the services \
             write.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let kept = log_buckets::own(view)?;
    Ok(view.each(
        kept,
        |(name, _)| (*name).to_owned(),
        |view, name, (_, what)| {
            Ok(match buckets::encryption(view, name)? {
                Some((by, key)) if by.starts_with("aws:kms") => {
                    let key = if key.is_empty() { "AWS's own key of S3" } else { key };
                    view.good(name, format!("{what}: it encrypts by {by} under {key}"))
                }
                Some((by, _)) => view.bad(name, format!("{what}: it encrypts by {by}, not by KMS")),
                None => view.bad(name, format!("{what}: it has no default encryption")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::buckets::made::{bucket, of};
    use super::super::facts::trails::made::trail;
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(encryption: Option<Value>) -> [Made; 3] {
        [
            trail(&json!({})),
            bucket("org-trail"),
            of("s3:GetBucketEncryption", "org-trail", encryption),
        ]
    }

    fn by(algorithm: &str) -> Value {
        json!({"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, "KMSMasterKeyID": "k"}}})
    }

    #[test]
    fn kms_is_wanted_for_buckets_with_logs_alone() {
        assert_eq!(verdicts(&CHECK, &made(Some(by("aws:kms")))), "COMPLIANT org-trail");
        assert_eq!(verdicts(&CHECK, &made(Some(by("aws:kms:dsse")))), "COMPLIANT org-trail");
        assert_eq!(verdicts(&CHECK, &made(Some(by("AES256")))), "NON_COMPLIANT org-trail");
        assert_eq!(verdicts(&CHECK, &made(None)), "NON_COMPLIANT org-trail");
        let other = [trail(&json!({})), bucket("photos")];
        assert_eq!(verdicts(&CHECK, &other), "NOT_APPLICABLE 111122223333");
    }
}
