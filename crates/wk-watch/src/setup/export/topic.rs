//! The topic of critical alerts in one account.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, json as document, refer, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::policies;

pub(super) fn stack(f: &Foundation, account: &str, stack: &mut Stack) {
    stack.add("Topic", "AWS::SNS::Topic", json!({"TopicName": f.alarms.topic}));
    stack.add(
        "TopicPolicy",
        "AWS::SNS::TopicPolicy",
        json!({
            "Topics": [{"Ref": "Topic"}],
            "PolicyDocument": policies::topic(f, account),
        }),
    );
    for (n, contact) in f.contacts.iter().enumerate() {
        stack.add(
            &format!("Subscription{}", n + 1),
            "AWS::SNS::Subscription",
            json!({
                "TopicArn": {"Ref": "Topic"},
                "Protocol": contact.protocol,
                "Endpoint": contact.endpoint,
            }),
        );
    }
}

pub(super) fn module(f: &Foundation, account: &str) -> Vec<Hcl> {
    let mut all = vec![
        resource("aws_sns_topic", "critical", vec![set("name", f.alarms.topic.clone())]),
        resource(
            "aws_sns_topic_policy",
            "critical",
            vec![
                refer("arn", "aws_sns_topic.critical.arn"),
                document("policy", &policies::topic(f, account)),
            ],
        ),
    ];
    all.extend(f.contacts.iter().enumerate().map(|(n, contact)| {
        resource(
            "aws_sns_topic_subscription",
            &format!("critical_{}", n + 1),
            vec![
                refer("topic_arn", "aws_sns_topic.critical.arn"),
                set("protocol", contact.protocol.clone()),
                set("endpoint", contact.endpoint.clone()),
            ],
        )
    }));
    all
}
