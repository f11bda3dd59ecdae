//! New volumes are encrypted without anybody asking.
//! <https://docs.aws.amazon.com/config/latest/developerguide/ec2-ebs-encryption-by-default.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::is;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "EC2_EBS_ENCRYPTION_BY_DEFAULT",
    title: "New EBS volumes are encrypted by default",
    points: &["CC7.1"],
    nist: &["SC-28", "SC-13"],
    cis: &["2.2.1"],
    serves: &["R-045"],
    kind: Kind::Native(judge),
    reads: &["ec2:GetEbsEncryptionByDefault"],
    why: "What is encrypted by default cannot be forgotten.",
    remedy: "aws ec2 enable-ebs-encryption-by-default, in every region.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let pages = view.ask("ec2:GetEbsEncryptionByDefault")?.unwrap_or_default();
    let on = pages.iter().any(|page| is(page, "EbsEncryptionByDefault"));
    let why = if on { "it is on in this region" } else { "it is off in this region" };
    Ok(vec![view.judged(view.account(), on, why)])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn each_region_has_its_own_switch() {
        let of = |region, on: &str| {
            Made::answer(
                region,
                "ec2:GetEbsEncryptionByDefault",
                json!({"ebsEncryptionByDefault": on}),
            )
        };
        let made = [of("eu-west-1", "true"), of("us-east-1", "false")];
        assert_eq!(verdicts(&CHECK, &made), "COMPLIANT 111122223333, NON_COMPLIANT 111122223333");
    }
}
