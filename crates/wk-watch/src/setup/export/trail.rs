//! The organisation's trail with its log group and role.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, block, json as document, refer, resource, set};
use super::roles;
use crate::setup::foundation::Foundation;
use crate::setup::subjects::{roles as names, trail};
use crate::setup::{policies, retention::Keep};

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    let mut group = json!({"LogGroupName": f.trail.log_group});
    if let Keep::Days(days) = f.retention.wanted(&f.trail.log_group).keep {
        group["RetentionInDays"] = days.into();
    }
    stack.kept("TrailLogGroup", "AWS::Logs::LogGroup", group);
    let trust = policies::trust("cloudtrail.amazonaws.com");
    roles::stack("TrailRole", names::TRAIL, &trust, &policies::trail_writes(f), stack);
    stack.kept("Trail", "AWS::CloudTrail::Trail", json!({
        "TrailName": f.trail.name,
        "S3BucketName": f.buckets.trail,
        "IsLogging": true,
        "IsMultiRegionTrail": true,
        "IsOrganizationTrail": true,
        "IncludeGlobalServiceEvents": true,
        "EnableLogFileValidation": true,
        "KMSKeyId": f.key_arn(),
        "CloudWatchLogsLogGroupArn": {"Fn::GetAtt": ["TrailLogGroup", "Arn"]},
        "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["TrailRole", "Arn"]},
        "InsightSelectors": insights(f).iter().map(|kind| json!({"InsightType": kind})).collect::<Vec<_>>(),
        "AdvancedEventSelectors": trail::wanted_selectors(f),
    }));
}

fn insights(f: &Foundation) -> Vec<&str> {
    match f.left_out("insights", &f.accounts.management, f.home()) {
        Some(_) => Vec::new(),
        None => f.trail.insights.iter().map(String::as_str).collect(),
    }
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    let mut group = vec![set("name", f.trail.log_group.clone())];
    if let Keep::Days(days) = f.retention.wanted(&f.trail.log_group).keep {
        group.push(set("retention_in_days", days));
    }
    group.push(super::terraform::kept());
    let mut body = vec![
        set("name", f.trail.name.clone()),
        set("s3_bucket_name", f.buckets.trail.clone()),
        set("enable_logging", true),
        set("is_multi_region_trail", true),
        set("is_organization_trail", true),
        set("include_global_service_events", true),
        set("enable_log_file_validation", true),
        refer("kms_key_id", "var.log_key_arn"),
        refer("cloud_watch_logs_group_arn", "\"${aws_cloudwatch_log_group.trail.arn}:*\""),
        refer("cloud_watch_logs_role_arn", "aws_iam_role.trail.arn"),
    ];
    body.extend(
        insights(f)
            .into_iter()
            .map(|kind| block("insight_selector", vec![set("insight_type", kind)])),
    );
    body.extend(trail::wanted_selectors(f).iter().map(selector));
    body.push(super::terraform::kept());
    let mut all = vec![resource("aws_cloudwatch_log_group", "trail", group)];
    let trust = policies::trust("cloudtrail.amazonaws.com");
    all.extend(roles::module(
        "trail",
        names::TRAIL,
        &trust,
        document("policy", &policies::trail_writes(f)),
    ));
    all.push(resource("aws_cloudtrail", "organization", body));
    all
}

fn selector(selector: &Value) -> Hcl {
    let fields = selector["FieldSelectors"].as_array().into_iter().flatten();
    let field = |field: &Value| {
        let mut body = vec![set("field", field["Field"].clone())];
        for (ours, theirs) in [("Equals", "equals"), ("NotStartsWith", "not_starts_with")] {
            if field[ours].is_array() {
                body.push(set(theirs, field[ours].clone()));
            }
        }
        block("field_selector", body)
    };
    let mut body = vec![set("name", selector["Name"].clone())];
    body.extend(fields.map(field));
    block("advanced_event_selector", body)
}
