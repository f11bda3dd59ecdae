//! The dashboard: what the mission's shows, on metrics that are published.

use serde_json::{Value, json};

use super::{Subject, Where, cis, events};
use crate::posture::{Blind, View, members::word};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};

pub(super) const SUBJECT: Subject = Subject {
    id: "dashboard",
    title: "A dashboard of security events, sign-ins, the application and the databases",
    serves: &["R-065", "R-066", "R-067"],
    at: Where::Management,
    cost: "Three dashboards are free; CloudWatch asks for each further one by month.",
    reads: &["monitoring:ListDashboards"],
    drift,
};

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let all =
        view.list("monitoring:ListDashboards", &["DashboardEntries.member", "DashboardEntries"])?;
    // What somebody drew under this name is his.
    if all.into_iter().any(|d| word(d, "DashboardName") == f.dashboard) {
        draft.good();
        return Ok(());
    }
    let to = json!({"DashboardName": f.dashboard, "DashboardBody": body(f).to_string()});
    draft.step(
        call!("cloudwatch", "PutDashboard"),
        to,
        format!("there is no dashboard {}", f.dashboard),
    );
    Ok(())
}

/// What the dashboard shows.
pub(in crate::setup) fn body(f: &Foundation) -> Value {
    let space = f.alarms.namespace.as_str();
    let events: Vec<Value> = cis::ALL
        .iter()
        .map(|c| json!([space, c.metric, {"stat": "Sum", "label": c.about}]))
        .chain([json!(["AWS/Events", "TriggeredRules", "RuleName", events::HIGH, {"stat": "Sum", "label": "GuardDuty, high", "accountId": f.accounts.security}])])
        .collect();
    let refused = format!(
        "SOURCE '{}' | fields @timestamp, userIdentity.arn, sourceIPAddress, eventName, errorCode | filter errorCode like /UnauthorizedOperation|AccessDenied/ or errorMessage = 'Failed authentication' | sort @timestamp desc | limit 100",
        f.trail.log_group
    );
    let search = |text: &str, stat: &str| json!([{"expression": format!("SEARCH('{text}', '{stat}', 300)")}]);
    let application = [
        search("{AWS/ApplicationELB,LoadBalancer} MetricName=\"TargetResponseTime\"", "Average"),
        search("{AWS/ApplicationELB,LoadBalancer} MetricName=\"HTTPCode_Target_5XX_Count\"", "Sum"),
        search("{AWS/ApplicationELB,LoadBalancer} MetricName=\"RequestCount\"", "Sum"),
    ];
    let database =
        ["CPUUtilization", "DatabaseConnections", "ReadLatency", "WriteLatency"].map(|name| {
            search(&format!("{{AWS/RDS,DBInstanceIdentifier}} MetricName=\"{name}\""), "Average")
        });
    json!({"widgets": [
        metrics(f, "Security events, last 24 hours", json!(events), 0, 0),
        {
            "type": "log", "x": 12, "y": 0, "width": 12, "height": 8,
            "properties": {"title": "Refused calls and failed sign-ins", "query": refused, "region": f.home(), "view": "table"},
        },
        metrics(f, "Application", json!(application), 0, 8),
        metrics(f, "Databases", json!(database), 12, 8),
    ]})
}

fn metrics(f: &Foundation, title: &str, metrics: Value, x: u32, y: u32) -> Value {
    let mut properties = json!({
        "title": title,
        "period": 300,
        "stat": "Sum",
        "region": f.home(),
        "view": "timeSeries",
        "yAxis": {"left": {"min": 0}},
    });
    properties["metrics"] = metrics;
    json!({
        "type": "metric", "x": x, "y": y, "width": 12, "height": 8, "properties": properties,
    })
}
