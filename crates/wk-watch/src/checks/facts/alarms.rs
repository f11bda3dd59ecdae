//! Alarms of a region, and whether anybody hears them.

use serde_json::Value;

use crate::posture::members::{flag, text, texts, word};
use crate::posture::{Blind, View};

/// The alarms on single metrics.
pub(in crate::checks) fn all<'a>(view: &View<'a>) -> Result<Vec<&'a Value>, Blind> {
    view.list("monitoring:DescribeAlarms", &["MetricAlarms"])
}

/// Whether somebody hears what an alarm says: its actions are on, and one is a topic with a confirmed
/// subscriber, or is no topic (a function, an automation).
pub(in crate::checks) fn heard(
    view: &View<'_>,
    alarm: &Value,
) -> Result<Result<(), String>, Blind> {
    if flag(alarm, "ActionsEnabled") == Some(false) {
        return Ok(Err("its actions are off".into()));
    }
    let actions = texts(alarm, "AlarmActions");
    if actions.is_empty() {
        return Ok(Err("it has no action for ALARM".into()));
    }
    let mut deaf = Vec::new();
    for action in actions {
        if !action.contains(":sns:") {
            return Ok(Ok(()));
        }
        match confirmed(view, action)? {
            0 => deaf.push(action),
            _ => return Ok(Ok(())),
        }
    }
    Ok(Err(format!("nobody has confirmed a subscription to {}", deaf.join(", "))))
}

/// Subscriptions to a topic that were confirmed.
pub(in crate::checks) fn confirmed(view: &View<'_>, topic: &str) -> Result<usize, Blind> {
    let all = view.list_of("sns:ListSubscriptionsByTopic", topic, &["Subscriptions"])?;
    Ok(all.into_iter().filter(|s| is_confirmed(s)).count())
}

/// What waits, and what was deleted, has a word in the place of its ARN.
pub(in crate::checks) fn is_confirmed(subscription: &Value) -> bool {
    text(subscription, "SubscriptionArn").is_some_and(|arn| arn.starts_with("arn:"))
}

/// The metric that an alarm looks at: name space and name.
pub(in crate::checks) fn metric(alarm: &Value) -> Option<(&str, &str)> {
    Some((text(alarm, "Namespace")?, text(alarm, "MetricName")?))
}

/// Whether a metric filter of the region publishes this metric.
pub(in crate::checks) fn published(filters: &[&Value], space: &str, name: &str) -> bool {
    filters.iter().any(|filter| {
        crate::posture::members::list(filter, "metricTransformations")
            .into_iter()
            .any(|t| word(t, "metricNamespace") == space && word(t, "metricName") == name)
    })
}

#[cfg(test)]
pub(in crate::checks) mod made {
    use crate::checks::testing::Made;
    use serde_json::{Value, json};

    pub(in crate::checks) const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";

    pub(in crate::checks) fn alarm(name: &str, space: &str, metric: &str, more: &Value) -> Value {
        let mut alarm = json!({
            "AlarmName": name, "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}"),
            "Namespace": space, "MetricName": metric, "ActionsEnabled": "true",
            "AlarmActions": [TOPIC], "StateValue": "OK",
        });
        for (name, value) in more.as_object().unwrap() {
            alarm[name] = value.clone();
        }
        alarm
    }

    pub(in crate::checks) fn alarms(alarms: &[Value]) -> Made {
        Made::answer("eu-west-1", "monitoring:DescribeAlarms", json!({"MetricAlarms": alarms}))
    }

    pub(in crate::checks) fn subscribed(arn: &str) -> Made {
        let of = json!({"Subscriptions": [{"SubscriptionArn": arn, "Protocol": "email", "Endpoint": "security-team@example.com"}]});
        Made::answer("eu-west-1", "sns:ListSubscriptionsByTopic", of).with("TopicArn", TOPIC)
    }
}
