//! Metric filters and alarms.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, block, name, refer, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::subjects::{alarms, cis};

/// The filters, in the stack that holds the trail's log group.
pub(super) fn filters_stack(f: &Foundation, stack: &mut Stack) {
    for cis in &cis::ALL {
        let mut counts = alarms::transformation(f, cis);
        let members: Vec<(String, Value)> = counts
            .as_object_mut()
            .map(std::mem::take)
            .into_iter()
            .flatten()
            .map(|(key, value)| (capital(&key), value))
            .collect();
        stack.add(
            &format!("Filter{}", cis.metric),
            "AWS::Logs::MetricFilter",
            json!({
                "FilterName": cis.metric,
                "LogGroupName": {"Ref": "TrailLogGroup"},
                "FilterPattern": cis.pattern(),
                "MetricTransformations": [Value::Object(members.into_iter().collect())],
            }),
        );
    }
}

fn capital(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

pub(super) fn stack(f: &Foundation, account: &str, topic: &Value, stack: &mut Stack) {
    for alarm in alarms::wanted(f, account) {
        let mut properties = alarms::parameters(&alarm, "", &[]);
        properties["AlarmActions"] = json!([topic]);
        let id: String = alarm.name.chars().filter(char::is_ascii_alphanumeric).collect();
        stack.add(&format!("Alarm{id}"), "AWS::CloudWatch::Alarm", properties);
    }
}

pub(super) fn filters_module(f: &Foundation) -> Vec<Hcl> {
    let one = |cis: &cis::Cis| {
        resource(
            "aws_cloudwatch_log_metric_filter",
            &name(cis.metric),
            vec![
                set("name", cis.metric),
                refer("log_group_name", "aws_cloudwatch_log_group.trail.name"),
                set("pattern", cis.pattern()),
                block(
                    "metric_transformation",
                    vec![
                        set("name", cis.metric),
                        set("namespace", f.alarms.namespace.clone()),
                        set("value", "1"),
                        set("default_value", "0"),
                    ],
                ),
            ],
        )
    };
    cis::ALL.iter().map(one).collect()
}

pub(super) fn module(f: &Foundation, account: &str) -> Vec<Hcl> {
    let one = |alarm: &alarms::Alarm| {
        let mut body = vec![
            set("alarm_name", alarm.name.clone()),
            set("alarm_description", alarm.about.clone()),
            set("namespace", alarm.namespace.clone()),
            set("metric_name", alarm.metric.clone()),
            set("statistic", "Sum"),
            set("period", alarm.period),
            set("evaluation_periods", 1),
            set("threshold", alarm.threshold),
            set("comparison_operator", alarm.comparison),
            set("treat_missing_data", "notBreaching"),
            refer("alarm_actions", "[aws_sns_topic.critical.arn]"),
        ];
        if !alarm.dimensions.is_empty() {
            let all: serde_json::Map<String, Value> =
                alarm.dimensions.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
            body.push(set("dimensions", Value::Object(all)));
        }
        resource("aws_cloudwatch_metric_alarm", &name(&alarm.name), body)
    };
    alarms::wanted(f, account).iter().map(one).collect()
}
