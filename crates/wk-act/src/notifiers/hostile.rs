//! What the notifiers' tests share: an ordinary notice, hostile ones, and what came of them.

use std::collections::BTreeMap;

use expect_test::Expect;
use wk_model::finding::FindingId;
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Severity, Timestamp};
use wk_seam::courier::{Parcel, Secretive, SnsTarget};

use super::{ALL, Channel};

pub(super) fn channel(kind: &str, settings: &[(&str, &str)]) -> Channel {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in settings {
        map.entry((*key).to_owned()).or_default().push((*value).to_owned());
    }
    Channel::new("team", kind, map).unwrap()
}

/// An ordinary notice of one finding.
pub(super) fn notice() -> Notice {
    let time = |text| Timestamp::parse(text).unwrap();
    let key = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let severity = Severity::from_tenths(80);
    let finding = NoticeFinding {
        id: FindingId("aaaabbbbccccddddeeeeffff00001111".to_owned()),
        rule: "51c75fd7-1bfe-45e8-95f3-72110582401e".to_owned(),
        product: "watchkeeper".to_owned(),
        title: "A machine image was made public".to_owned(),
        severity,
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        actor: Some("arn:aws:iam::111122223333:user/operator".to_owned()),
        resources: vec!["ami-0123456789abcdef0".to_owned()],
        resources_more: 0,
        first_seen: time("2024-02-15T14:23:00Z"),
        last_seen: time("2024-02-15T14:25:00Z"),
        count: 2,
    };
    let made =
        Notice::new(key, "team", NoticeKind::Trigger, severity, time("2024-02-15T14:26:00Z"));
    Notice {
        title: finding.title.clone(),
        analysis: "Everybody can start it and read its disk.".to_owned(),
        route: Some("high-to-team".to_owned()),
        account: finding.account.clone(),
        region: finding.region.clone(),
        resources: finding.resources.clone(),
        covers: vec![finding.id.clone()],
        findings: vec![finding],
        actions: vec![
            "Take the permission away, then look for keys and passwords on the disk and replace them."
                .to_owned(),
        ],
        runbook: Some("https://runbooks.example/public-image".to_owned()),
        labels: BTreeMap::from([("severity".to_owned(), "high".to_owned())]),
        ..made
    }
}

/// The ordinary notice with every text of it set to this.
fn saying(text: &str) -> Notice {
    let mut notice = notice();
    let said = || text.to_owned();
    let finding = &mut notice.findings[0];
    (finding.title, finding.rule, finding.product) = (said(), said(), said());
    (finding.account, finding.region, finding.actor) = (Some(said()), Some(said()), Some(said()));
    finding.resources = vec![said()];
    (notice.title, notice.analysis, notice.route) = (said(), said(), Some(said()));
    (notice.account, notice.region, notice.runbook) = (Some(said()), Some(said()), Some(said()));
    (notice.resources, notice.actions) = (vec![said()], vec![said()]);
    notice
}

/// The body of an HTTP parcel.
pub(super) fn json_body(parcel: &Parcel) -> serde_json::Value {
    let Parcel::Http { body, .. } = parcel else { panic!("no request: {parcel:?}") };
    serde_json::from_slice(body).unwrap()
}

/// The address of an HTTP parcel.
pub(super) fn url(parcel: &Parcel) -> &str {
    match parcel {
        Parcel::Http { url: Secretive::Plain(url), .. } => url,
        other => panic!("no plain address: {other:?}"),
    }
}

/// What SNS is to publish, as text.
pub(super) fn check(parcel: &Parcel, expected: &Expect) {
    let Parcel::Sns { to: SnsTarget::Topic(topic), subject, message, attributes } = parcel else {
        panic!("no message of SNS: {parcel:?}")
    };
    let mut said = format!("sns {topic}\nsubject: {}\n", subject.as_deref().unwrap_or_default());
    for (name, value) in attributes {
        said.extend([name, "=", value, "\n"]);
    }
    expected.assert_eq(&format!("{said}\n{message}"));
}

/// A channel of every kind.
fn every_kind() -> Vec<Channel> {
    let settings = |kind: &str| -> Vec<(&str, &str)> {
        match kind {
            "sns" => vec![("topic", "arn:aws:sns:eu-west-1:111122223333:alarms")],
            "sms" => vec![("to", "+4915112345678")],
            "email" => vec![("from", "a@example.com"), ("to", "b@example.com")],
            "pagerduty" => vec![("routing_key", "env:K")],
            "jira" => vec![("url", "https://j.example"), ("project", "S"), ("token", "env:K")],
            "record" => vec![],
            _ => vec![("url", "https://h.example")],
        }
    };
    ALL.iter().map(|notifier| channel(notifier.name, &settings(notifier.name))).collect()
}

/// No text of a log makes a parcel too large, malformed or of two lines where one is wanted.
#[test]
fn hostile_text_makes_no_parcel_that_breaks_its_form() {
    let long = "A".repeat(1 << 20);
    let texts = [
        "",
        "\u{0}\u{1b}[2J\r\nBcc: x@example.com\r\n\r\n",
        "<script>alert(1)</script> <!here> {noformat} &amp;",
        "\u{202e}\u{feff}\u{e0041}\u{2028}",
        "\"},{\"event_action\":\"resolve\"",
        "😀😀😀 ﷽",
        &long,
    ];
    for channel in every_kind() {
        for text in texts {
            // What the engine makes is bounded; what is not must not break a notifier either.
            let unbounded: String = text.chars().take(1 << 16).collect();
            for notice in [saying(&unbounded), saying(text).bounded()] {
                let kind = channel.notifier.name;
                let Some(parcel) = (channel.notifier.parcel)(&notice, &channel, None) else {
                    assert_eq!(kind, "heartbeat");
                    continue;
                };
                is_well_formed(kind, &parcel, notice.analysis.len() < 10_000);
            }
        }
    }
}

fn is_well_formed(kind: &str, parcel: &Parcel, bounded: bool) {
    match parcel {
        Parcel::Http { body, .. } => {
            let read: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert!(read.is_object() || read.is_array(), "{kind}");
            assert!(!bounded || body.len() < 200_000, "{kind}: {} bytes", body.len());
        }
        Parcel::Mail { subject, text, .. } => {
            assert!(!subject.contains(char::is_control), "{subject:?}");
            assert!(subject.chars().count() <= 150, "{subject:?}");
            assert!(text.len() <= 256 * 1024);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{kind}");
        }
        Parcel::Sns { to, subject, message, attributes } => {
            let printable = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
            let subject = subject.as_deref().unwrap_or_default();
            assert!(subject.len() <= 100 && printable(subject), "{subject:?}");
            match to {
                SnsTarget::Phone(_) => assert!(message.len() <= 140 && printable(message)),
                SnsTarget::Topic(_) => assert!(message.len() <= 256 * 1024),
            }
            assert!(attributes.iter().all(|(_, value)| !value.is_empty() && value.len() <= 900));
        }
        Parcel::Keep => assert_eq!(kind, "record"),
    }
}
