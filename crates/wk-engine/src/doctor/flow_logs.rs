//! Flow logs, and the networks that have none.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsRead, Call, Operation, Paging, Target, ask, list};

use super::{Line, Verdict};

pub(super) struct DescribeFlowLogs;

#[derive(Debug, Deserialize)]
pub(super) struct FlowLogs {
    #[serde(rename = "flowLogSet", default, deserialize_with = "list")]
    flow_logs: Vec<FlowLog>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlowLog {
    flow_log_id: String,
    resource_id: String,
    flow_log_status: Option<String>,
    deliver_logs_status: Option<String>,
    deliver_logs_error_message: Option<String>,
    log_destination: Option<String>,
    log_group_name: Option<String>,
}

impl Call for DescribeFlowLogs {
    const OPERATION: &'static Operation = &Operation {
        service: "ec2",
        name: "DescribeFlowLogs",
        permission: "ec2:DescribeFlowLogs",
        pages: Paging::Token { input: "NextToken", output: "nextToken" },
        ..Operation::READ
    };
    type Answer = FlowLogs;
    fn parameters(&self) -> Value {
        json!({"MaxResults": 1000})
    }
}

pub(super) struct DescribeVpcs;

#[derive(Debug, Deserialize)]
pub(super) struct Vpcs {
    #[serde(rename = "vpcSet", default, deserialize_with = "list")]
    vpcs: Vec<Vpc>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vpc {
    vpc_id: String,
}

impl Call for DescribeVpcs {
    const OPERATION: &'static Operation = &Operation {
        service: "ec2",
        name: "DescribeVpcs",
        permission: "ec2:DescribeVpcs",
        pages: Paging::Token { input: "NextToken", output: "nextToken" },
        ..Operation::READ
    };
    type Answer = Vpcs;
    fn parameters(&self) -> Value {
        json!({"MaxResults": 1000})
    }
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target) -> Vec<Line> {
    let logs = match ask(aws, &DescribeFlowLogs, target.clone()).await {
        Ok(whole) => whole,
        Err(error) => return vec![Line::of_error("flow log", "flow logs", target, &error)],
    };
    let cut = !logs.is_whole();
    let logs: Vec<FlowLog> = logs.pages.into_iter().flat_map(|page| page.flow_logs).collect();
    let mut lines: Vec<Line> = logs.iter().map(|log| judge(log, target)).collect();
    lines.extend(cut.then(|| Line::cut("flow log", target, logs.len())));
    match ask(aws, &DescribeVpcs, target.clone()).await {
        Ok(whole) => {
            let cut = !whole.is_whole();
            let vpcs: Vec<Vpc> = whole.pages.into_iter().flat_map(|page| page.vpcs).collect();
            lines.extend(bare(&vpcs, &logs, target));
            lines.extend(cut.then(|| Line::cut("flow log", target, vpcs.len())));
        }
        Err(error) => lines.push(Line::of_error("flow log", "networks", target, &error)),
    }
    lines
}

fn judge(log: &FlowLog, target: &Target) -> Line {
    let what = format!("{} of {}", log.flow_log_id, log.resource_id);
    let place = log.log_destination.as_deref().or(log.log_group_name.as_deref());
    let place = place.unwrap_or("an unknown place");
    let delivers = log.deliver_logs_status.as_deref().unwrap_or("not yet");
    if log.flow_log_status.as_deref() != Some("ACTIVE") || delivers == "FAILED" {
        let why = log.deliver_logs_error_message.as_deref().unwrap_or("without a reason");
        return Line::new(
            "flow log",
            what,
            target,
            Verdict::Stale,
            format!("does not reach {place}: {why}"),
        )
        .to_do("check that the destination exists and lets vpc-flow-logs write");
    }
    Line::new("flow log", what, target, Verdict::Ok, format!("to {place}, delivery {delivers}"))
}

/// Networks without a flow log of their own. One of a subnet or interface counts for that only.
fn bare(vpcs: &[Vpc], logs: &[FlowLog], target: &Target) -> Option<Line> {
    let logged: BTreeSet<&str> = logs.iter().map(|log| log.resource_id.as_str()).collect();
    let without: Vec<&str> =
        vpcs.iter().map(|vpc| vpc.vpc_id.as_str()).filter(|id| !logged.contains(id)).collect();
    if without.is_empty() {
        return None;
    }
    let shown = without.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = without.len().saturating_sub(5);
    let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
    let say = format!("{} of {} networks have none: {shown}", without.len(), vpcs.len());
    Some(
        Line::new("flow log", "networks", target, Verdict::None, say)
            .to_do("log what flows to S3, or say in writing why not"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_counts_as_logged_only_by_a_log_of_its_own() {
        let vpc = |id: &str| Vpc { vpc_id: id.into() };
        let log = |resource: &str| FlowLog {
            flow_log_id: "fl-1".into(),
            resource_id: resource.into(),
            flow_log_status: Some("ACTIVE".into()),
            deliver_logs_status: None,
            deliver_logs_error_message: None,
            log_destination: None,
            log_group_name: None,
        };
        let line = |logs: &[FlowLog]| bare(&[vpc("vpc-1"), vpc("vpc-2")], logs, &Target::default());
        assert!(line(&[log("vpc-1"), log("vpc-2")]).is_none());
        let said = line(&[log("vpc-1"), log("subnet-9")]).unwrap().say;
        assert_eq!(said, "1 of 2 networks have none: vpc-2");
    }
}
