//! Topics that alarms and rules send to have a subscriber who confirmed.

use std::collections::BTreeSet;

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::alarms;
use super::{Check, Kind, Parameters};
use crate::posture::members::{text, texts};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "topic-subscription-confirmed",
    title: "Topics of alarms have a subscriber who confirmed",
    severity: SeverityWord::High,
    points: &["CC7.3"],
    nist: &["IR-6", "SI-4(5)"],
    serves: &["R-069", "R-070", "R-112", "R-113"],
    kind: Kind::Native(judge),
    reads: &["monitoring:DescribeAlarms", "sns:ListSubscriptionsByTopic", "sns:ListTopics"],
    why: "Mail to somebody who never confirmed is not sent: the alarm is raised for nobody.",
    remedy: "Confirm the subscription by the link in AWS's mail, or subscribe an address that can.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let topics = view.list("sns:ListTopics", &["Topics"])?;
    let topics: Vec<&str> =
        topics.into_iter().filter_map(|topic| text(topic, "TopicArn")).collect();
    let told: BTreeSet<&str> = alarms::all(view)?
        .into_iter()
        .flat_map(|alarm| {
            ["AlarmActions", "OKActions", "InsufficientDataActions"].map(|m| texts(alarm, m))
        })
        .flatten()
        .filter(|action| action.contains(":sns:"))
        .collect();
    Ok(view.each(
        told,
        |topic| (*topic).to_owned(),
        |view, topic, _| {
            let own = topic.split(':').nth(4) == Some(view.account());
            if own && topic.split(':').nth(3) == Some(view.region()) && !topics.contains(&topic) {
                return Ok(view.bad(topic, "an alarm sends to it, and it does not exist"));
            }
            if !own {
                return Ok(view.beside(topic, "it is a topic of another account"));
            }
            let all = view.list_of("sns:ListSubscriptionsByTopic", topic, &["Subscriptions"])?;
            let confirmed = all.iter().filter(|s| alarms::is_confirmed(s)).count();
            Ok(match (confirmed, all.len()) {
                (0, 0) => view.bad(topic, "nobody is subscribed to it"),
                (0, waiting) => {
                    view.bad(topic, format!("{waiting} subscribed, and none has confirmed"))
                }
                (confirmed, _) => view.good(topic, format!("{confirmed} confirmed subscribers")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::alarms::made::{TOPIC, alarm, alarms, subscribed};
    use super::super::testing::{Made, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(topics: Value, subscription: Option<&str>) -> String {
        let topics = Made::answer("eu-west-1", "sns:ListTopics", json!({"Topics": topics}));
        let mut made = vec![topics, alarms(&[alarm("a", "N", "M", &json!({}))])];
        made.extend(subscription.map(subscribed));
        why(&CHECK, &made)
    }

    #[test]
    fn who_waits_hears_nothing() {
        let there = || json!([{"TopicArn": TOPIC}]);
        let arn = "arn:aws:sns:eu-west-1:111122223333:alerts:1";
        assert_eq!(said(there(), Some(arn)), "1 confirmed subscribers");
        assert_eq!(
            said(there(), Some("PendingConfirmation")),
            "1 subscribed, and none has confirmed"
        );
        assert!(said(json!([]), None).contains("it does not exist"));
        assert!(said(there(), None).contains("was not asked"));
    }
}
