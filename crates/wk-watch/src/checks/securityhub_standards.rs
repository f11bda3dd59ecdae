//! The standards that are asked for are on and ready. The mission's document names CIS 1.2.0 by an ARN
//! that AWS gives to no standard of that version, and PCI DSS 3.2.1, which 4.0.1 has followed.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "securityhub-standards",
    title: "Security Hub judges by the standards that are asked for",
    points: &["CC7.1"],
    nist: &["CA-7", "RA-5"],
    serves: &["R-058", "R-059", "R-060"],
    kind: Kind::Native(judge),
    reads: &["securityhub:DescribeHub", "securityhub:GetEnabledStandards"],
    parameters: &[Parameter {
        name: "standards",
        default: "aws-foundational-security-best-practices,cis-aws-foundations-benchmark",
        doc: "names in the ARNs of standards, between commas; add pci-dss where it applies",
    }],
    why: "A hub without standards collects findings and judges nothing.",
    remedy: "aws securityhub batch-enable-standards with an ARN that describe-standards tells.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    if view.ask("securityhub:DescribeHub")?.is_none() {
        return Ok(vec![view.bad(view.account(), "Security Hub is not on in this region")]);
    }
    let on = view.list("securityhub:GetEnabledStandards", &["StandardsSubscriptions"])?;
    Ok(view.each(
        parameters.list("standards"),
        |name| (*name).to_owned(),
        |view, name, _| {
            let of_name =
                |s: &&&serde_json::Value| word(s, "StandardsArn").contains(&format!("/{name}/"));
            let found: Vec<&serde_json::Value> = on.iter().filter(of_name).copied().collect();
            let ready = found.iter().find(|s| text(s, "StandardsStatus") == Some("READY"));
            Ok(match (ready, found.first()) {
                (Some(standard), _) => view.good(
                    name,
                    format!(
                        "{} is ready{}",
                        word(standard, "StandardsArn"),
                        age(word(standard, "StandardsArn"))
                    ),
                ),
                (None, Some(standard)) => {
                    view.bad(name, format!("it is {}", word(standard, "StandardsStatus")))
                }
                (None, None) => view.bad(name, "it is not on"),
            })
        },
    ))
}

/// What is known of old versions.
fn age(arn: &str) -> &'static str {
    let old = ["benchmark/v/1.2.0", "benchmark/v/1.4.0", "pci-dss/v/3.2.1"];
    if old.iter().any(|version| arn.ends_with(version)) { "; newer versions are out" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(standards: &[(&str, &str)]) -> [Made; 2] {
        let of = |(arn, status): &(&str, &str)| json!({"StandardsArn": format!("arn:aws:securityhub:eu-west-1::standards/{arn}"), "StandardsStatus": status});
        let standards: Vec<Value> = standards.iter().map(of).collect();
        [
            Made::answer("eu-west-1", "securityhub:DescribeHub", json!({"HubArn": "h"})),
            Made::answer(
                "eu-west-1",
                "securityhub:GetEnabledStandards",
                json!({"StandardsSubscriptions": standards}),
            ),
        ]
    }

    #[test]
    fn each_standard_must_be_on_and_ready() {
        let fsbp = ("aws-foundational-security-best-practices/v/1.0.0", "READY");
        let cis = "cis-aws-foundations-benchmark/v/3.0.0";
        let names = ["aws-foundational-security-best-practices", "cis-aws-foundations-benchmark"];
        let said = verdicts(&CHECK, &made(&[fsbp, (cis, "READY")]));
        assert_eq!(said, format!("COMPLIANT {}, COMPLIANT {}", names[0], names[1]));
        let said = verdicts(&CHECK, &made(&[fsbp, (cis, "INCOMPLETE")]));
        assert_eq!(said, format!("COMPLIANT {}, NON_COMPLIANT {}", names[0], names[1]));
        let said = verdicts_with(&CHECK, &made(&[fsbp]), &[("standards", "pci-dss")]);
        assert_eq!(said, "NON_COMPLIANT pci-dss");
        let off = [Made::absent("eu-west-1", "securityhub:DescribeHub")];
        assert_eq!(verdicts(&CHECK, &off), "NON_COMPLIANT 111122223333");
    }
}
