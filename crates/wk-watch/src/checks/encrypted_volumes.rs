//! Volumes of EBS that are attached are encrypted.
//! <https://docs.aws.amazon.com/config/latest/developerguide/encrypted-volumes.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{is, list, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "ENCRYPTED_VOLUMES",
    title: "Attached EBS volumes are encrypted",
    points: &["CC7.1"],
    nist: &["SC-28", "SC-13"],
    cis: &["2.2.1"],
    serves: &["R-045"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeVolumes"],
    parameters: &[Parameter {
        name: "kmsId",
        default: "",
        doc: "id or ARN of the KMS key that must encrypt them",
    }],
    why: "A copy of a disk leaves with its data readable unless it is encrypted.",
    remedy: "Copy a snapshot of the volume with encryption and attach a volume made of the copy; \
             switch on encryption by default in the region.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let volumes = view.list("ec2:DescribeVolumes", &["Volumes", "volumeSet"])?;
    let name = |volume: &&_| word(volume, "VolumeId").to_owned();
    Ok(view.each(volumes, name, |view, id, volume| {
        let attached = ["Attachments", "attachmentSet"].iter().any(|n| !list(volume, n).is_empty());
        if !attached && word(volume, "State") != "in-use" {
            return Ok(view.beside(id, "it is attached to nothing"));
        }
        if !is(volume, "Encrypted") {
            return Ok(view.bad(id, "it is not encrypted"));
        }
        let key = word(volume, "KmsKeyId");
        Ok(match parameters.text("kmsId") {
            Some(wanted) if !same_key(key, wanted) => {
                view.bad(id, format!("it is encrypted under {key}, not under {wanted}"))
            }
            _ => view.good(id, format!("it is encrypted under {key}")),
        })
    }))
}

/// The same key, by id or by ARN.
fn same_key(key: &str, wanted: &str) -> bool {
    let id = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
    !key.is_empty() && id(key) == id(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k1";

    fn volume(state: &str, encrypted: bool, key: &str) -> Made {
        let attached = if state == "in-use" { json!([{"InstanceId": "i-1"}]) } else { json!([]) };
        let volume = json!({"VolumeId": "v", "State": state, "Encrypted": encrypted, "KmsKeyId": key, "Attachments": attached});
        Made::answer("eu-west-1", "ec2:DescribeVolumes", json!({"Volumes": [volume]}))
    }

    fn of(state: &str, encrypted: bool, key: &str, wanted: &str) -> String {
        verdicts_with(&CHECK, &[volume(state, encrypted, key)], &[("kmsId", wanted)])
    }

    #[test]
    fn attached_volumes_must_be_encrypted_and_under_the_key_that_is_asked_for() {
        assert_eq!(of("in-use", true, KEY, ""), "COMPLIANT v");
        assert_eq!(of("in-use", true, KEY, "k1"), "COMPLIANT v");
        assert_eq!(of("in-use", true, KEY, KEY), "COMPLIANT v");
        assert_eq!(of("in-use", false, "", ""), "NON_COMPLIANT v");
        assert_eq!(of("in-use", true, KEY, "k2"), "NON_COMPLIANT v");
        assert_eq!(of("in-use", false, "", "k1"), "NON_COMPLIANT v");
    }

    #[test]
    fn what_is_attached_to_nothing_is_not_judged() {
        assert_eq!(of("available", false, "", ""), "NOT_APPLICABLE v");
        assert_eq!(of("available", true, KEY, "k2"), "NOT_APPLICABLE v");
    }

    #[test]
    fn the_form_of_the_wire_is_read_too_and_a_denied_region_is_no_region_without_volumes() {
        let wire: Value = json!({"volumeSet": [{"volumeId": "v", "status": "in-use", "encrypted": "true", "attachmentSet": [{"instanceId": "i"}]}]});
        let made = Made::answer("eu-west-1", "ec2:DescribeVolumes", wire);
        assert_eq!(verdicts(&CHECK, &[made]), "COMPLIANT v");
        let denied = Made::denied("eu-west-1", "ec2:DescribeVolumes");
        assert_eq!(verdicts(&CHECK, &[denied]), "NO_DATA 111122223333");
        let none = Made::answer("eu-west-1", "ec2:DescribeVolumes", json!({"volumeSet": null}));
        assert_eq!(verdicts(&CHECK, &[none]), "NOT_APPLICABLE 111122223333");
    }
}
