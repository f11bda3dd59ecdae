//! Amazon SNS: one message to a topic, and from there to whoever subscribed.
//!
//! Limits: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, SnsTarget};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, json, words};

/// Printable ASCII characters of a subject.
const SUBJECT_CHARS: usize = 100;
/// A message with its attributes; SNS takes 256 KiB.
const MESSAGE_BYTES: usize = 250 * 1024;
/// Characters of an attribute; a filter policy compares whole values.
const ATTRIBUTE_CHARS: usize = 200;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "sns",
    title: "A topic of Amazon SNS",
    doc: "Publishes the notice as plain text or as JSON. The message attributes kind, severity, account, region, product, rule and key let each subscription filter what it gets.",
    limits: "subject: 100 printable ASCII characters, whatever else becomes `?`; only the title is cut, between words. Message: 250 KiB.",
    needs: &[
        Need {
            key: "form",
            required: false,
            shape: Shape::Word(&["text", "json"]),
            doc: "text (default) for people, json for programs",
        },
        Need { key: "topic", required: true, shape: Shape::Topic, doc: "the ARN of the topic" },
    ],
    keeps_open: false,
    follows: true,
    per_minute: 300,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if notice.kind == NoticeKind::Heartbeat {
        return None;
    }
    let message = match channel.text("form") {
        Some("json") => json::of(notice).to_string(),
        _ => words::bytes(&words::text(notice), MESSAGE_BYTES),
    };
    Some(Parcel::Sns {
        to: SnsTarget::Topic(channel.text("topic")?.to_owned()),
        subject: Some(words::ascii(&words::subject(notice, SUBJECT_CHARS), SUBJECT_CHARS)),
        message,
        attributes: attributes(notice),
    })
}

/// What a filter policy can ask for; SNS refuses empty values.
fn attributes(notice: &Notice) -> Vec<(String, String)> {
    let worst = notice.findings.first();
    let all = [
        ("kind", Some(notice.kind.as_str())),
        ("severity", Some(notice.severity.word().as_str())),
        ("account", notice.account.as_deref()),
        ("region", notice.region.as_deref()),
        ("product", worst.map(|finding| finding.product.as_str())),
        ("rule", worst.map(|finding| finding.rule.as_str())),
        ("key", Some(notice.key.as_str())),
    ];
    let said = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let clean = said.map(|(name, value)| (name.to_owned(), words::line(value, ATTRIBUTE_CHARS)));
    clean.filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::hostile::{channel, check, notice};
    use super::*;

    #[test]
    fn the_message_people_get_is_this_one() {
        let channel =
            channel("sns", &[("topic", "arn:aws:sns:eu-west-1:111122223333:security-alarms")]);
        let parcel = parcel(&notice(), &channel, None).unwrap();
        check(
            &parcel,
            &expect![[r#"
                sns arn:aws:sns:eu-west-1:111122223333:security-alarms
                subject: [HIGH] A machine image was made public 111122223333 eu-west-1 #0f1e2d3c
                kind=trigger
                severity=high
                account=111122223333
                region=eu-west-1
                product=watchkeeper
                rule=51c75fd7-1bfe-45e8-95f3-72110582401e
                key=0f1e2d3c4b5a69788796a5b4c3d2e1f0

                A machine image was made public
                Severity: high (8.0)
                Account: 111122223333
                Region: eu-west-1
                Resources: ami-0123456789abcdef0

                Everybody can start it and read its disk.

                Findings: 1
                - 8.0 A machine image was made public by arn:aws:iam::111122223333:user/operator, seen 2 times from 2024-02-15T14:23:00Z to 2024-02-15T14:25:00Z [aaaabbbbccccddddeeeeffff00001111]

                What to do:
                1. Take the permission away, then look for keys and passwords on the disk and replace them.

                Runbook: https://runbooks.example/public-image
                Take it: watchkeeper notify ack 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --by NAME
                Alarm: 0f1e2d3c4b5a69788796a5b4c3d2e1f0
                Route: high-to-team
                Sent by Watchkeeper, made at 2024-02-15T14:26:00Z
            "#]],
        );
    }

    #[test]
    fn a_program_gets_json_with_every_member() {
        let topic = ("topic", "arn:aws:sns:eu-west-1:111122223333:alarms");
        let channel = channel("sns", &[topic, ("form", "json")]);
        let Some(Parcel::Sns { message, .. }) = parcel(&notice(), &channel, None) else {
            panic!("no message")
        };
        let read: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(read["type"], "watchkeeper.notice.trigger");
        assert_eq!(read["data"]["findings"][0]["resources"][0], "ami-0123456789abcdef0");
        assert_eq!(read["data"]["severity_number"], 8.0);
    }
}
