//! The metric that an alarm looks at exists: it had data lately, or a metric filter publishes it. The
//! mission's alarms look at metrics that nobody makes.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::alarms;
use super::{Check, Kind, Parameters};
use crate::posture::members::{list, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "alarm-metric-has-data",
    title: "Every alarm looks at a metric that somebody makes",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["SI-4", "AU-6"],
    serves: &["R-071", "R-107"],
    kind: Kind::Native(judge),
    reads: &["logs:DescribeMetricFilters", "monitoring:DescribeAlarms", "monitoring:ListMetrics"],
    why: "An alarm on a metric without data stays in INSUFFICIENT_DATA, and looks like a quiet night.",
    remedy: "Make the metric filter that publishes it, or look at a metric that exists.",
    ..Check::NATIVE
};

/// Metrics that documents name and AWS does not publish, and what to look at instead.
const NEVER: &[(&str, &str, &str)] = &[
    (
        "AWS/GuardDuty",
        "FindingCount",
        "GuardDuty publishes no FindingCount with a Severity; filter on severity >= 7 and look at \
         FindingsMatchedByFilter, or let an EventBridge rule tell",
    ),
    (
        "AWS/Config",
        "ComplianceViolations",
        "AWS Config publishes no ComplianceViolations; let an EventBridge rule on compliance changes \
         tell",
    ),
    (
        "AWS/CloudTrail",
        "UnauthorizedAPICallCount",
        "CloudTrail publishes no UnauthorizedAPICallCount; make a metric filter on the trail's log \
         group, in a name space of your own",
    ),
];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let alarms = alarms::all(view)?;
    Ok(view.each(
        alarms,
        |alarm| word(alarm, "AlarmName").to_owned(),
        |view, name, alarm| {
            let Some((space, metric)) = alarms::metric(alarm) else {
                return Ok(view.beside(name, "it computes over several metrics"));
            };
            if let Some((_, _, why)) = NEVER.iter().find(|(s, m, _)| (*s, *m) == (space, metric)) {
                return Ok(view.bad(name, *why));
            }
            let filters = view.list("logs:DescribeMetricFilters", &["metricFilters"]);
            if let Ok(filters) = &filters
                && alarms::published(filters, space, metric)
            {
                return Ok(view.good(name, format!("a metric filter publishes {space}/{metric}")));
            }
            let pages = view.ask_of("monitoring:ListMetrics", metric)?.unwrap_or_default();
            let mut metrics = pages.into_iter().flat_map(|page| list(page, "Metrics"));
            if metrics.any(|m| word(m, "Namespace") == space && word(m, "MetricName") == metric) {
                return Ok(
                    view.good(name, format!("{space}/{metric} had data in the last two weeks"))
                );
            }
            filters?;
            let why = format!(
                "{space}/{metric} had no data for two weeks, and no metric filter publishes it"
            );
            Ok(view.bad(name, why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::alarms::made::{alarm, alarms};
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(space: &str, metrics: Value, filters: Value) -> [Made; 3] {
        [
            alarms(&[alarm("a", space, "M", &json!({}))]),
            Made::answer("eu-west-1", "monitoring:ListMetrics", json!({"Metrics": metrics}))
                .with("Namespace", space)
                .with("MetricName", "M"),
            Made::answer(
                "eu-west-1",
                "logs:DescribeMetricFilters",
                json!({"metricFilters": filters}),
            ),
        ]
    }

    #[test]
    fn data_or_a_filter_is_wanted() {
        let data = json!([{"Namespace": "Own", "MetricName": "M"}]);
        let filter =
            json!([{"metricTransformations": [{"metricNamespace": "Own", "metricName": "M"}]}]);
        assert_eq!(verdicts(&CHECK, &made("Own", data.clone(), json!([]))), "COMPLIANT a");
        assert_eq!(verdicts(&CHECK, &made("Own", json!([]), filter)), "COMPLIANT a");
        assert_eq!(verdicts(&CHECK, &made("Own", json!([]), json!([]))), "NON_COMPLIANT a");
        assert_eq!(verdicts(&CHECK, &made("CISBenchmark", data, json!([]))), "NON_COMPLIANT a");
    }

    #[test]
    fn metrics_that_aws_never_publishes_are_explained() {
        let made = [alarms(&[alarm("a", "AWS/GuardDuty", "FindingCount", &json!({}))])];
        assert!(why(&CHECK, &made).contains("FindingsMatchedByFilter"));
        assert_eq!(verdicts(&CHECK, &made), "NON_COMPLIANT a");
    }

    #[test]
    fn a_filter_that_cannot_be_seen_may_be_there() {
        let mut made = made("Own", json!([]), json!([]));
        made[2] = Made::denied("eu-west-1", "logs:DescribeMetricFilters");
        assert_eq!(verdicts(&CHECK, &made), "NO_DATA a");
    }
}
