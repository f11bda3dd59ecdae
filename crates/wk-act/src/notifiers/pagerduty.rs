//! PagerDuty, through its Events API v2.
//!
//! <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>

use serde_json::{Value, json};
use wk_model::notice::NoticeKind;
use wk_model::{Notice, SeverityWord};
use wk_seam::courier::{Parcel, Proof, Secretive};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, json, words};

/// Where events go, unless the configuration names another address.
const ENQUEUE: &str = "https://events.pagerduty.com/v2/enqueue";
/// Characters of a dedup key.
const KEY_CHARS: usize = 255;
/// Characters of a summary.
const SUMMARY_CHARS: usize = 1024;
/// An event; PagerDuty takes 512 KB.
const EVENT_BYTES: usize = 500_000;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "pagerduty",
    title: "PagerDuty, Events API v2",
    doc: "Pages whoever is on call. All notices of one alarm have its key as dedup_key, so one incident comes of them; `notify ack` acknowledges it there. PagerDuty repeats and escalates by itself: nothing is repeated to it.",
    limits: "summary: 1,024 characters; event: 500 kB, beyond which findings are left out of it and counted.",
    needs: &[
        Need {
            key: "routing_key",
            required: true,
            shape: Shape::Secret,
            doc: "where the integration key of the service lies",
        },
        Need {
            key: "url",
            required: false,
            shape: Shape::Url,
            doc: "another address than https://events.pagerduty.com/v2/enqueue, for the EU service region",
        },
    ],
    keeps_open: true,
    follows: true,
    per_minute: 120,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    let action = match notice.kind {
        NoticeKind::Trigger | NoticeKind::Update | NoticeKind::Drill | NoticeKind::Test => {
            "trigger"
        }
        NoticeKind::Acknowledge => "acknowledge",
        NoticeKind::Resolve => "resolve",
        // Neither is worth waking anybody.
        NoticeKind::Digest | NoticeKind::Heartbeat => return None,
    };
    let key = words::line(&notice.key, KEY_CHARS);
    let mut event = json!({"event_action": action, "dedup_key": key});
    if action == "trigger" {
        event["client"] = "Watchkeeper".into();
        event["payload"] = payload(notice);
        if let Some(runbook) = notice.runbook.as_ref().filter(|link| link.starts_with("https://")) {
            event["links"] = json!([{"href": runbook, "text": "Runbook"}]);
        }
    }
    let mut body = event.to_string();
    if body.len() > EVENT_BYTES {
        event["payload"]["custom_details"] = json!({"findings": notice.count()});
        body = event.to_string();
    }
    Some(Parcel::Http {
        method: "POST",
        url: channel.text("url").map_or_else(
            || Secretive::Plain(ENQUEUE.to_owned()),
            |url| Secretive::Plain(url.to_owned()),
        ),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.into_bytes(),
        proof: Proof::BodyMember { member: "routing_key", secret: channel.secret("routing_key")? },
        reference: Some("/dedup_key"),
    })
}

fn payload(notice: &Notice) -> Value {
    let worst = notice.findings.first();
    let source = notice.account.as_deref().unwrap_or("watchkeeper");
    json!({
        "summary": words::subject(notice, SUMMARY_CHARS),
        "source": words::line(source, 100),
        "severity": severity(notice.severity.word()),
        "timestamp": notice.created.to_string(),
        "component": notice.resources.first(),
        "group": notice.route,
        "class": worst.map(|finding| &finding.rule),
        "custom_details": json::of(notice)["data"],
    })
}

fn severity(word: SeverityWord) -> &'static str {
    match word {
        SeverityWord::Critical => "critical",
        SeverityWord::High => "error",
        SeverityWord::Medium => "warning",
        SeverityWord::Low | SeverityWord::Informational => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice};
    use super::*;

    fn event(kind: NoticeKind) -> Option<Value> {
        let channel = channel("pagerduty", &[("routing_key", "env:PD_KEY")]);
        let notice = Notice { kind, ..notice() };
        parcel(&notice, &channel, None).map(|parcel| json_body(&parcel))
    }

    #[test]
    fn an_alarm_is_triggered_acknowledged_and_resolved_under_one_key() {
        let triggered = event(NoticeKind::Trigger).unwrap();
        assert_eq!(triggered["event_action"], "trigger");
        assert_eq!(triggered["payload"]["severity"], "error");
        assert_eq!(triggered["payload"]["source"], "111122223333");
        assert_eq!(triggered["payload"]["component"], "ami-0123456789abcdef0");
        assert_eq!(triggered["links"][0]["href"], "https://runbooks.example/public-image");
        assert_eq!(triggered.get("routing_key"), None, "the courier adds what is secret");
        for (kind, action) in
            [(NoticeKind::Acknowledge, "acknowledge"), (NoticeKind::Resolve, "resolve")]
        {
            let event = event(kind).unwrap();
            assert_eq!(event["event_action"], action);
            assert_eq!(event["dedup_key"], triggered["dedup_key"]);
            assert_eq!(event.get("payload"), None);
        }
    }

    #[test]
    fn a_digest_wakes_nobody() {
        assert_eq!(event(NoticeKind::Digest), None);
        assert_eq!(event(NoticeKind::Heartbeat), None);
    }
}
