//! Metric filters on the trail's log group, and alarms on what they count: the fifteen subjects of CIS
//! with the document's thresholds for root and for unauthorised calls, GuardDuty's high findings
//! counted by a rule, and the user's own.

use serde_json::{Value, json};

use super::{Subject, Where, cis, events};
use crate::posture::members::{list, number, text, texts, whole, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};

pub(super) const SUBJECT: Subject = Subject {
    id: "alarms",
    title: "CIS's metric filters and alarms, the document's three among them, on metrics that have data",
    serves: &["R-071", "R-356"],
    at: Where::Topics,
    cost: "CloudWatch asks for each alarm, and for each metric of a filter, by month.",
    reads: &["logs:DescribeMetricFilters", "monitoring:DescribeAlarms"],
    drift,
};

/// An alarm as it is wanted.
pub(in crate::setup) struct Alarm {
    pub(in crate::setup) name: String,
    pub(in crate::setup) about: String,
    pub(in crate::setup) namespace: String,
    pub(in crate::setup) metric: String,
    pub(in crate::setup) dimensions: Vec<(&'static str, String)>,
    pub(in crate::setup) period: u32,
    pub(in crate::setup) threshold: f64,
    pub(in crate::setup) comparison: &'static str,
}

const AT_LEAST: &str = "GreaterThanOrEqualToThreshold";

/// The alarms of an account: those of the trail lie with the trail, that of findings with their
/// administrator.
pub(in crate::setup) fn wanted(f: &Foundation, account: &str) -> Vec<Alarm> {
    let mut all = Vec::new();
    if account == f.accounts.management {
        all.extend(cis::ALL.iter().map(|cis| of_cis(f, cis)));
        all.extend(f.alarms.also.iter().map(|own| Alarm {
            name: own.name.clone(),
            about: format!("{} {}", own.namespace, own.metric),
            namespace: own.namespace.clone(),
            metric: own.metric.clone(),
            dimensions: Vec::new(),
            period: 300,
            threshold: own.threshold,
            comparison: AT_LEAST,
        }));
    }
    if account == f.accounts.security {
        all.push(Alarm {
            name: "GuardDutyHighSeverity".to_owned(),
            about: "high findings of GuardDuty, counted by the rule that meets them".to_owned(),
            namespace: "AWS/Events".to_owned(),
            metric: "TriggeredRules".to_owned(),
            dimensions: vec![("RuleName", events::HIGH.to_owned())],
            period: 300,
            threshold: 1.0,
            comparison: AT_LEAST,
        });
    }
    all
}

fn of_cis(f: &Foundation, cis: &cis::Cis) -> Alarm {
    // Root at once; unauthorised calls happen all day, so only many alarm.
    let (period, threshold, comparison) = match cis.number {
        "4.1" => (300, f64::from(f.alarms.unauthorized_above), "GreaterThanThreshold"),
        "4.3" => (60, 1.0, AT_LEAST),
        _ => (300, 1.0, AT_LEAST),
    };
    Alarm {
        name: cis.metric.to_owned(),
        about: format!("CIS {}: {}", cis.number, cis.about),
        namespace: f.alarms.namespace.clone(),
        metric: cis.metric.to_owned(),
        dimensions: Vec::new(),
        period,
        threshold,
        comparison,
    }
}

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    if view.account() == f.accounts.management {
        filters(f, view, draft)?;
    }
    let there = view.list("monitoring:DescribeAlarms", &["MetricAlarms.member", "MetricAlarms"])?;
    let topic = f.topic_arn(view.account());
    for alarm in wanted(f, view.account()) {
        let own = there.iter().find(|a| word(a, "AlarmName") == alarm.name);
        let differs = own.map(|own| differs(own, &alarm, &topic));
        let why = match &differs {
            Some(differs) if differs.is_empty() => {
                draft.good();
                continue;
            }
            Some(differs) => format!("the alarm {} differs in {}", alarm.name, differs.join(", ")),
            None => format!("there is no alarm {}", alarm.name),
        };
        // Whom the alarm tells besides stays told.
        let told = own.map(|own| texts(own, "AlarmActions")).unwrap_or_default();
        let step = parameters(&alarm, &topic, &told);
        draft.step(call!("cloudwatch", "PutMetricAlarm"), step, why);
    }
    Ok(())
}

fn filters(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let there = view.list("logs:DescribeMetricFilters", &["metricFilters"])?;
    for cis in &cis::ALL {
        let good = there.iter().any(|filter| {
            let counts = list(filter, "metricTransformations").into_iter().any(|t| {
                word(t, "metricNamespace") == f.alarms.namespace
                    && word(t, "metricName") == cis.metric
            });
            word(filter, "logGroupName") == f.trail.log_group
                && word(filter, "filterPattern") == cis.pattern()
                && counts
        });
        if good {
            draft.good();
            continue;
        }
        let to = json!({
            "logGroupName": f.trail.log_group,
            "filterName": cis.metric,
            "filterPattern": cis.pattern(),
            "metricTransformations": [transformation(f, cis)],
        });
        let why = format!("no filter counts {} (CIS {})", cis.about, cis.number);
        draft.step(call!("logs", "PutMetricFilter"), to, why);
    }
    Ok(())
}

/// What a filter counts. Where events come and none meets, it says zero.
pub(in crate::setup) fn transformation(f: &Foundation, cis: &cis::Cis) -> Value {
    json!({
        "metricName": cis.metric,
        "metricNamespace": f.alarms.namespace,
        "metricValue": "1",
        "defaultValue": 0.0,
    })
}

fn differs(own: &Value, alarm: &Alarm, topic: &str) -> Vec<&'static str> {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let dimensions: Vec<(&str, &str)> =
        crate::posture::members::first_list(own, &["Dimensions.member", "Dimensions"])
            .into_iter()
            .filter_map(|d| Some((text(d, "Name")?, text(d, "Value")?)))
            .collect();
    let wanted: Vec<(&str, &str)> =
        alarm.dimensions.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let tells = |path: &str| texts(own, path).contains(&topic);
    [
        (
            "its metric",
            word(own, "Namespace") == alarm.namespace
                && word(own, "MetricName") == alarm.metric
                && dimensions == wanted,
        ),
        ("its period", whole(own, "Period") == Some(i64::from(alarm.period))),
        (
            "its threshold",
            number(own, "Threshold").is_some_and(|t| near(t, alarm.threshold))
                && word(own, "ComparisonOperator") == alarm.comparison,
        ),
        ("missing data", word(own, "TreatMissingData") == "notBreaching"),
        ("its topic", tells("AlarmActions.member") || tells("AlarmActions")),
        (
            "actions that are off",
            crate::posture::members::flag(own, "ActionsEnabled") != Some(false),
        ),
    ]
    .into_iter()
    .filter(|(_, good)| !good)
    .map(|(what, _)| what)
    .collect()
}

/// The alarm as PutMetricAlarm takes it.
pub(in crate::setup) fn parameters(alarm: &Alarm, topic: &str, told: &[&str]) -> Value {
    let mut actions = vec![topic];
    actions.extend(told.iter().filter(|t| **t != topic));
    let mut to = json!({
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.about,
        "ActionsEnabled": true,
        "AlarmActions": actions,
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Statistic": "Sum",
        "Period": alarm.period,
        "EvaluationPeriods": 1,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": "notBreaching",
    });
    if !alarm.dimensions.is_empty() {
        to["Dimensions"] =
            alarm.dimensions.iter().map(|(k, v)| json!({"Name": k, "Value": v})).collect();
    }
    to
}
