//! Dashboards show what exists: metrics that AWS publishes, and errors in every spelling. The mission's
//! dashboard shows three metrics that nobody makes, and misses EC2's `Client.UnauthorizedOperation`.

use serde_json::Value;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "dashboard-metrics",
    title: "Dashboards show metrics that exist, and every spelling of an error",
    severity: SeverityWord::Low,
    points: &["CC7.2"],
    nist: &["AU-6", "SI-4"],
    serves: &["R-115"],
    kind: Kind::Native(judge),
    reads: &["monitoring:GetDashboard", "monitoring:ListDashboards"],
    why: "An empty graph looks like a quiet day.",
    remedy: "Show metrics of your own metric filters; match error codes by pattern: errorCode like \
             /UnauthorizedOperation|AccessDenied/.",
    ..Check::NATIVE
};

/// Metrics that documents name and AWS does not publish.
const NEVER: [(&str, &str); 3] = [
    ("AWS/GuardDuty", "FindingCount"),
    ("AWS/Config", "ComplianceViolations"),
    ("AWS/CloudTrail", "UnauthorizedAPICallCount"),
];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let all = view.list("monitoring:ListDashboards", &["DashboardEntries"])?;
    Ok(view.each(
        all,
        |d| word(d, "DashboardName").to_owned(),
        |view, name, _| {
            let page = view.one_of("monitoring:GetDashboard", name)?;
            let body = page.and_then(|page| text(page, "DashboardBody")).unwrap_or_default();
            let Ok(body) = serde_json::from_str::<Value>(body) else {
                return Ok(view.bad(name, "its body cannot be read"));
            };
            let mut wrong = Vec::new();
            look(&body, &mut wrong);
            wrong.sort();
            wrong.dedup();
            let why = if wrong.is_empty() {
                "nothing strange in it".to_owned()
            } else {
                wrong.join("; ")
            };
            Ok(view.judged(name, wrong.is_empty(), why))
        },
    ))
}

/// Bodies are a few levels deep; serde_json reads no deeper than 128.
fn look(value: &Value, wrong: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            if let [Value::String(space), Value::String(metric), ..] = items.as_slice()
                && NEVER.contains(&(space.as_str(), metric.as_str()))
            {
                wrong.push(format!("AWS publishes no {space} {metric}"));
            }
            items.iter().for_each(|item| look(item, wrong));
        }
        Value::Object(members) => members.values().for_each(|member| look(member, wrong)),
        Value::String(query) if query.contains("errorCode = 'UnauthorizedOperation'") => {
            wrong.push("a query wants errorCode = 'UnauthorizedOperation'; EC2 writes Client.UnauthorizedOperation".into());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(widgets: Value) -> String {
        let body = json!({"widgets": widgets}).to_string();
        why(
            &CHECK,
            &[
                Made::answer(
                    "eu-west-1",
                    "monitoring:ListDashboards",
                    json!({"DashboardEntries": [{"DashboardName": "d"}]}),
                ),
                Made::answer(
                    "eu-west-1",
                    "monitoring:GetDashboard",
                    json!({"DashboardBody": body}),
                )
                .with("DashboardName", "d"),
            ],
        )
    }

    #[test]
    fn metrics_that_nobody_makes_and_one_spelling_of_many() {
        let metric = |space: &str, name: &str| json!([{"type": "metric", "properties": {"metrics": [[space, name, {"stat": "Sum"}]]}}]);
        assert_eq!(said(metric("AWS/RDS", "CPUUtilization")), "nothing strange in it");
        assert_eq!(
            said(metric("AWS/Config", "ComplianceViolations")),
            "AWS publishes no AWS/Config ComplianceViolations"
        );
        let log = json!([{"type": "log", "properties": {"query": "fields a | filter errorCode = 'UnauthorizedOperation'"}}]);
        assert!(said(log).contains("Client.UnauthorizedOperation"));
    }
}
