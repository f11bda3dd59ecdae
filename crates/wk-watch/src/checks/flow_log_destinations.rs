//! Every VPC's traffic goes to CloudWatch Logs, to be searched, and to S3, to be kept. The mission's
//! document asks for both and makes the first.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "flow-log-destinations",
    title: "Every VPC's flow logs go to CloudWatch Logs and to S3",
    points: &["CC7.2"],
    nist: &["AU-4", "AU-11"],
    serves: &["R-037"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeFlowLogs", "ec2:DescribeVpcs"],
    why: "A log group is searched and kept for weeks; what an audit asks for lies in S3 for years.",
    remedy: "aws ec2 create-flow-logs a second time, with the other --log-destination-type.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let vpcs = view.list("ec2:DescribeVpcs", &["Vpcs", "vpcSet"])?;
    let logs = view.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"])?;
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for log in logs.into_iter().filter(|log| word(log, "FlowLogStatus") == "ACTIVE") {
        // AWS leaves the type out where it is the oldest one.
        let kind = match word(log, "LogDestinationType") {
            "" => "cloud-watch-logs",
            kind => kind,
        };
        kinds.entry(word(log, "ResourceId")).or_default().insert(kind);
    }
    Ok(view.each(
        vpcs,
        |vpc| word(vpc, "VpcId").to_owned(),
        |view, id, _| {
            let have = kinds.get(id).cloned().unwrap_or_default();
            let missing =
                ["cloud-watch-logs", "s3"].into_iter().filter(|kind| !have.contains(kind));
            let missing: Vec<&str> = missing.collect();
            let why = if missing.is_empty() {
                "to both".to_owned()
            } else {
                format!("not to {}", missing.join(", not to "))
            };
            Ok(view.judged(id, missing.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(kinds: &[&str]) -> String {
        let log = |kind: &&str| json!({"resourceId": "v", "logDestinationType": kind, "flowLogStatus": "ACTIVE"});
        let logs: Vec<Value> = kinds.iter().map(log).collect();
        why(
            &CHECK,
            &[
                Made::answer("eu-west-1", "ec2:DescribeVpcs", json!({"vpcSet": [{"vpcId": "v"}]})),
                Made::answer("eu-west-1", "ec2:DescribeFlowLogs", json!({"flowLogSet": logs})),
            ],
        )
    }

    #[test]
    fn both_destinations_are_wanted() {
        assert_eq!(said(&["s3", "cloud-watch-logs"]), "to both");
        assert_eq!(said(&["s3", ""]), "to both");
        assert_eq!(said(&["cloud-watch-logs"]), "not to s3");
        assert_eq!(said(&["s3"]), "not to cloud-watch-logs");
        assert_eq!(said(&[]), "not to cloud-watch-logs, not to s3");
    }
}
