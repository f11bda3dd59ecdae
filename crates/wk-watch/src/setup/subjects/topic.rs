//! The topic of critical alerts, and who hears it.

use serde_json::{Value, json};

use super::{Subject, Where};
use crate::posture::members::{entry, text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "topic",
    title: "The topic of critical alerts has subscribers who confirmed",
    serves: &["R-069", "R-070"],
    at: Where::Topics,
    cost: "",
    reads: &["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTopics"],
    drift,
};

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let arn = f.topic_arn(view.account());
    let topics = view.list("sns:ListTopics", &["Topics.member", "Topics"])?;
    let there = topics.iter().any(|topic| word(topic, "TopicArn") == arn);
    if there {
        draft.good();
    } else {
        let to = json!({"Name": f.alarms.topic});
        draft.step(
            call!("sns", "CreateTopic"),
            to,
            format!("the topic {} is not there", f.alarms.topic),
        );
    }
    policy(f, view, &arn, there, draft)?;
    let subscribed = match there {
        true => view.list_of(
            "sns:ListSubscriptionsByTopic",
            &arn,
            &["Subscriptions.member", "Subscriptions"],
        )?,
        false => Vec::new(),
    };
    for contact in &f.contacts {
        let own = |s: &&&Value| {
            word(s, "Protocol") == contact.protocol && word(s, "Endpoint") == contact.endpoint
        };
        match subscribed.iter().find(own) {
            Some(s) if word(s, "SubscriptionArn").starts_with("arn:") => draft.good(),
            Some(_) => draft.by_hand(format!(
                "{} has not confirmed the subscription to {}: who waits hears nothing",
                contact.endpoint, f.alarms.topic
            )),
            None => {
                let to = json!({"TopicArn": arn, "Protocol": contact.protocol, "Endpoint": contact.endpoint});
                draft.step(
                    call!("sns", "Subscribe"),
                    to,
                    format!("{} does not hear it", contact.endpoint),
                );
            }
        }
    }
    Ok(())
}

fn policy(
    f: &Foundation,
    view: &View<'_>,
    arn: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = match there {
        true => view.one_of("sns:GetTopicAttributes", arn)?,
        false => None,
    };
    let has = page.and_then(|p| entry(p, "Attributes", "Policy")).and_then(Value::as_str);
    let has: Option<Value> = has.and_then(|text| serde_json::from_str(text).ok());
    let wanted = policies::topic(f, view.account());
    let lacks = policies::lacks(&wanted, has.as_ref());
    if lacks.is_empty() {
        draft.good();
        return Ok(());
    }
    let names: Vec<&str> = lacks.iter().filter_map(|s| text(s, "Sid")).collect();
    let document = policies::joined(&wanted, has.as_ref()).to_string();
    let to = json!({"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document});
    let why = format!("the policy of {} lacks {}", f.alarms.topic, names.join(", "));
    draft.step(call!("sns", "SetTopicAttributes"), to, why);
    Ok(())
}
