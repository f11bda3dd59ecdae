//! Databases are encrypted.
//! <https://docs.aws.amazon.com/config/latest/developerguide/rds-storage-encrypted.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{is, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "RDS_STORAGE_ENCRYPTED",
    title: "Every database is encrypted",
    points: &["CC7.1"],
    nist: &["SC-28", "SC-13"],
    cis: &["2.3.1"],
    serves: &["R-045"],
    kind: Kind::Native(judge),
    reads: &["rds:DescribeDBInstances"],
    parameters: &[Parameter {
        name: "kmsKeyId",
        default: "",
        doc: "id or ARN of the key that it must be",
    }],
    why: "A copy of a database leaves with its data readable unless it is encrypted.",
    remedy: "Restore an encrypted copy of a snapshot and move over to it.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let all = view.list("rds:DescribeDBInstances", &["DBInstances.DBInstance"])?;
    Ok(view.each(
        all,
        |db| word(db, "DBInstanceIdentifier").to_owned(),
        |view, id, db| {
            if !is(db, "StorageEncrypted") {
                return Ok(view.bad(id, "it is not encrypted"));
            }
            let key = word(db, "KmsKeyId");
            let last = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
            Ok(match parameters.text("kmsKeyId") {
                Some(wanted) if last(wanted) != last(key) => {
                    view.bad(id, format!("it is under {key}, not under {wanted}"))
                }
                _ => view.good(id, format!("it is under {key}")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn encrypted_and_under_the_key_that_is_asked_for() {
        let of = |on: &str, wanted: &str| {
            let db = json!({"DBInstanceIdentifier": "db", "StorageEncrypted": on, "KmsKeyId": "arn:aws:kms:r:1:key/k1"});
            let page = json!({"DBInstances": {"DBInstance": [db]}});
            let made = [Made::answer("eu-west-1", "rds:DescribeDBInstances", page)];
            verdicts_with(&CHECK, &made, &[("kmsKeyId", wanted)])
        };
        assert_eq!(of("true", ""), "COMPLIANT db");
        assert_eq!(of("true", "k1"), "COMPLIANT db");
        assert_eq!(of("true", "k2"), "NON_COMPLIANT db");
        assert_eq!(of("false", ""), "NON_COMPLIANT db");
    }
}
