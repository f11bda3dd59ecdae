//! Flow logs of every VPC of every region: all traffic, every field, to CloudWatch Logs and to S3.

use serde_json::{Value, json};

use super::{Subject, Where, log_groups, roles};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "flow-logs",
    title: "Flow logs of every VPC: all traffic, every field, both destinations",
    serves: &["R-033", "R-034", "R-035", "R-037", "R-038", "R-039"],
    at: Where::Regions,
    cost: "CloudWatch Logs asks for each GB that flow logs bring, at the price of vended logs, S3 about half of that.",
    reads: &["ec2:DescribeFlowLogs", "ec2:DescribeVpcs", "iam:ListRoles", "logs:DescribeLogGroups"],
    drift,
};

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let vpcs = view.list("ec2:DescribeVpcs", &["Vpcs", "vpcSet"])?;
    let logs = view.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"])?;
    let ids: Vec<&str> = vpcs.into_iter().filter_map(|vpc| text(vpc, "VpcId")).collect();
    let by_group = f.flow_logs.destinations.iter().any(|d| d == "cloud-watch-logs");
    if by_group && view.region() == f.home() {
        let trust = policies::trust("vpc-flow-logs.amazonaws.com");
        let may = policies::flow_logs_write(f, view.account());
        roles::make(view, roles::FLOW_LOGS, &trust, &may, draft)?;
    }
    for id in ids {
        for destination in &f.flow_logs.destinations {
            one(f, view, id, destination, &logs, draft)?;
        }
    }
    Ok(())
}

fn one(
    f: &Foundation,
    view: &View<'_>,
    vpc: &str,
    destination: &str,
    logs: &[&Value],
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    if destination == "cloud-watch-logs"
        && let Some(out) = f.left_out("flow-logs-cloudwatch", view.account(), view.region())
    {
        draft.left_out(format!("{vpc} to CloudWatch Logs: {}", out.reason));
        return Ok(());
    }
    let of_vpc = logs.iter().filter(|log| {
        let to = text(log, "LogDestinationType").unwrap_or("cloud-watch-logs");
        word(log, "ResourceId") == vpc
            && to == destination
            && word(log, "FlowLogStatus") == "ACTIVE"
    });
    let mut narrow = Vec::new();
    for log in of_vpc {
        match lacks(f, log) {
            None => {
                draft.good();
                return Ok(());
            }
            Some(why) => narrow.push(format!("{} {why}", word(log, "FlowLogId"))),
        }
    }
    if destination == "cloud-watch-logs" {
        log_groups::make(f, view, &group(f, vpc), draft)?;
    }
    let why = if narrow.is_empty() {
        format!("{vpc} has no flow log to {destination}")
    } else {
        format!(
            "{vpc}: {}; a flow log cannot be changed, so a second one is made and the old one stays",
            narrow.join("; ")
        )
    };
    let call = call!(
        "ec2",
        "CreateFlowLogs",
        "ec2:CreateFlowLogs",
        "ec2:CreateTags",
        "iam:PassRole",
        "logs:CreateLogDelivery"
    );
    draft.step(call, wanted(f, view.account(), vpc, destination), why);
    Ok(())
}

/// What a flow log lacks of what is asked for.
fn lacks(f: &Foundation, log: &Value) -> Option<String> {
    if !matches!(word(log, "TrafficType"), "ALL" | "") {
        return Some(format!("logs {} alone", word(log, "TrafficType")));
    }
    let format = word(log, "LogFormat");
    let has: Vec<&str> = format
        .split_whitespace()
        .map(|field| field.trim_start_matches("${").trim_end_matches('}'))
        .collect();
    let missing: Vec<&str> = f
        .flow_logs
        .fields
        .iter()
        .map(String::as_str)
        .filter(|field| !has.contains(field))
        .collect();
    (!missing.is_empty()).then(|| format!("lacks {}", missing.join(", ")))
}

/// The log group of a VPC.
pub(in crate::setup) fn group(f: &Foundation, vpc: &str) -> String {
    format!("{}/{vpc}", f.flow_logs.log_group)
}

fn wanted(f: &Foundation, account: &str, vpc: &str, destination: &str) -> Value {
    let mut log = json!({
        "ResourceIds": [vpc],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": destination,
        "LogFormat": f.flow_format(),
        "MaxAggregationInterval": f.flow_logs.interval_seconds,
    });
    if destination == "s3" {
        log["LogDestination"] = f.bucket_arn(&f.buckets.flow_logs).into();
    } else {
        log["LogGroupName"] = group(f, vpc).into();
        log["DeliverLogsPermissionArn"] =
            f.arn("iam", "", account, &format!("role/{}", roles::FLOW_LOGS)).into();
    }
    if !f.flow_logs.tags.is_empty() {
        let tags: Vec<Value> =
            f.flow_logs.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
        log["TagSpecifications"] = json!([{"ResourceType": "vpc-flow-log", "Tags": tags}]);
    }
    log
}
