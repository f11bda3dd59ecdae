//! Flow logs. CloudFormation has to be told each VPC, as the inventory saw it; Terraform asks for them.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, json as document, labelled, refer, resource, set};
use super::roles;
use crate::setup::foundation::Foundation;
use crate::setup::subjects::{flow_logs, roles as names};
use crate::setup::{policies, retention::Keep};

/// The role that delivers, once for the account.
pub(super) fn role_stack(f: &Foundation, stack: &mut Stack) {
    let trust = policies::trust("vpc-flow-logs.amazonaws.com");
    let mut may = policies::flow_logs_write(f, "*");
    let groups = format!(
        "arn:${{AWS::Partition}}:logs:*:${{AWS::AccountId}}:log-group:{}/*",
        f.flow_logs.log_group
    );
    may["Statement"][0]["Resource"] =
        json!([{"Fn::Sub": groups}, {"Fn::Sub": format!("{groups}:*")}]);
    roles::stack("FlowLogsRole", names::FLOW_LOGS, &trust, &may, stack);
}

/// The flow logs of the VPCs of one region.
pub(super) fn stack(f: &Foundation, account: &str, vpcs: &[&str], stack: &mut Stack) {
    for vpc in vpcs {
        let id: String = vpc.chars().filter(char::is_ascii_alphanumeric).collect();
        for destination in &f.flow_logs.destinations {
            one(f, account, vpc, &id, destination, stack);
        }
    }
}

fn one(f: &Foundation, account: &str, vpc: &str, id: &str, destination: &str, stack: &mut Stack) {
    let mut log = json!({
        "ResourceId": vpc,
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": destination,
        "LogFormat": f.flow_format(),
        "MaxAggregationInterval": f.flow_logs.interval_seconds,
    });
    if !f.flow_logs.tags.is_empty() {
        log["Tags"] = f.flow_logs.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    }
    if destination == "s3" {
        log["LogDestination"] = f.bucket_arn(&f.buckets.flow_logs).into();
        stack.kept(&format!("FlowLogS3{id}"), "AWS::EC2::FlowLog", log);
        return;
    }
    let name = flow_logs::group(f, vpc);
    let mut group = json!({"LogGroupName": name});
    if let Keep::Days(days) = f.retention.wanted(&name).keep {
        group["RetentionInDays"] = days.into();
    }
    stack.kept(&format!("FlowLogGroup{id}"), "AWS::Logs::LogGroup", group);
    log["LogGroupName"] = json!({"Ref": format!("FlowLogGroup{id}")});
    let role = f.arn("iam", "", account, &format!("role/{}", names::FLOW_LOGS));
    log["DeliverLogsPermissionArn"] = Value::String(role);
    stack.kept(&format!("FlowLogGroupOf{id}"), "AWS::EC2::FlowLog", log);
}

pub(super) fn role_module(f: &Foundation) -> Vec<Hcl> {
    let trust = policies::trust("vpc-flow-logs.amazonaws.com");
    let may = policies::flow_logs_write(f, "*");
    roles::module("flow_logs", names::FLOW_LOGS, &trust, document("policy", &may))
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    let common = || {
        let mut body = vec![
            refer("for_each", "toset(data.aws_vpcs.all.ids)"),
            refer("vpc_id", "each.value"),
            set("traffic_type", "ALL"),
            set("log_format", f.flow_format()),
            set("max_aggregation_interval", f.flow_logs.interval_seconds),
        ];
        if !f.flow_logs.tags.is_empty() {
            let tags: serde_json::Map<String, Value> = f
                .flow_logs
                .tags
                .iter()
                .map(|(k, v)| (k.clone(), Value::String(v.clone())))
                .collect();
            body.push(set("tags", Value::Object(tags)));
        }
        body
    };
    let mut all = vec![Hcl::Block("data \"aws_vpcs\" \"all\"".to_owned(), Vec::new())];
    if f.flow_logs.destinations.iter().any(|d| d == "s3") {
        let mut body = common();
        body.push(set("log_destination_type", "s3"));
        body.push(set("log_destination", f.bucket_arn(&f.buckets.flow_logs)));
        all.push(resource("aws_flow_log", "s3", body));
    }
    if f.flow_logs.destinations.iter().any(|d| d == "cloud-watch-logs") {
        let mut group = vec![
            refer("for_each", "toset(data.aws_vpcs.all.ids)"),
            refer("name", &format!("\"{}/${{each.value}}\"", f.flow_logs.log_group)),
        ];
        if let Keep::Days(days) = f.retention.wanted(&flow_logs::group(f, "vpc-0")).keep {
            group.push(set("retention_in_days", days));
        }
        group.push(super::terraform::kept());
        all.push(resource("aws_cloudwatch_log_group", "flow_logs", group));
        let mut body = common();
        body.push(set("log_destination_type", "cloud-watch-logs"));
        body.push(refer("log_destination", "aws_cloudwatch_log_group.flow_logs[each.value].arn"));
        let role = format!(
            "\"arn:${{data.aws_partition.current.partition}}:iam::${{data.aws_caller_identity.current.account_id}}:role/{}\"",
            names::FLOW_LOGS
        );
        body.push(refer("iam_role_arn", &role));
        all.push(resource("aws_flow_log", "cloudwatch", body));
    }
    all.push(labelled("output", "vpcs", vec![refer("value", "data.aws_vpcs.all.ids")]));
    all
}
