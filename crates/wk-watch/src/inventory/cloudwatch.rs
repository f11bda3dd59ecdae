//! Alarms, dashboards, and whether what alarms look at has data.

use serde_json::{Value, json};

use super::ask::{asking, each};
use super::item::{Asking, Fan, Item, Place, paged, read};
use crate::posture::members::{list, text};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        paged(read!("monitoring", "DescribeAlarms", "cloudwatch:DescribeAlarms"), "NextToken"),
        "alarms, composite ones too",
    )
    .asking(|| json!({"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]})),
    Item::of(
        Fan::Each {
            of: "monitoring:ListDashboards",
            ask: |_, page, _| each(page, &["DashboardEntries"], "DashboardName", "DashboardName"),
        },
        read!("monitoring", "GetDashboard", "cloudwatch:GetDashboard"),
        "what a dashboard shows",
    ),
    Item::of(
        Fan::Region,
        paged(read!("monitoring", "ListDashboards", "cloudwatch:ListDashboards"), "NextToken"),
        "dashboards",
    ),
    Item::of(
        Fan::Each { of: "monitoring:DescribeAlarms", ask: metrics },
        paged(read!("monitoring", "ListMetrics", "cloudwatch:ListMetrics"), "NextToken"),
        "whether an alarm's metric had data in the last two weeks",
    )
    .at_most(5),
];

/// The metric of each alarm, once. Names of metrics may be shared by namespaces, so both are asked
/// for.
fn metrics(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let mut asked = Vec::new();
    for alarm in list(page, "MetricAlarms") {
        let (Some(space), Some(name)) = (text(alarm, "Namespace"), text(alarm, "MetricName"))
        else {
            continue;
        };
        let asking = asking(json!({"Namespace": space, "MetricName": name}));
        if !asked.contains(&asking) {
            asked.push(asking);
        }
    }
    asked
}
