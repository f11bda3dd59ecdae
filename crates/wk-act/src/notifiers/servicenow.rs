//! ServiceNow: an incident for each alarm, work notes for what comes later, by the Table API.

use serde_json::json;
use wk_model::notice::NoticeKind;
use wk_model::{Notice, SeverityWord};
use wk_seam::courier::{Parcel, Proof};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// Characters of `short_description` (the column's own limit is 160).
const SHORT_CHARS: usize = 160;
/// Characters of `correlation_id` (the column's own limit is 100).
const CORRELATION_CHARS: usize = 100;
/// A description or work note.
const TEXT_BYTES: usize = 60_000;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "servicenow",
    title: "ServiceNow incidents",
    doc: "Opens one incident for each alarm, with the alarm's key as correlation_id, and keeps its sys_id with the receipt; later notices of the same alarm become work notes on it.",
    limits: "short_description: 160 characters; description and work notes: 60,000 bytes.",
    needs: &[
        Need {
            key: "password",
            required: false,
            shape: Shape::Secret,
            doc: "where the password of `user` lies",
        },
        Need {
            key: "token",
            required: false,
            shape: Shape::Secret,
            doc: "where an OAuth token lies, instead of user and password",
        },
        Need {
            key: "url",
            required: true,
            shape: Shape::Url,
            doc: "https://INSTANCE.service-now.com",
        },
        Need {
            key: "user",
            required: false,
            shape: Shape::Line,
            doc: "who opens the incidents; may read and write the table incident, nothing else",
        },
    ],
    keeps_open: true,
    follows: true,
    per_minute: 60,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, incident: Option<&str>) -> Option<Parcel> {
    if notice.kind == NoticeKind::Heartbeat {
        return None;
    }
    let said = words::bytes(&words::text(notice), TEXT_BYTES);
    let (method, path, body) = match incident.filter(|id| is_sys_id(id)) {
        Some(id) => ("PATCH", format!("/api/now/table/incident/{id}"), json!({"work_notes": said})),
        None if matches!(notice.kind, NoticeKind::Acknowledge | NoticeKind::Resolve) => {
            return None;
        }
        None => ("POST", "/api/now/table/incident".to_owned(), new_incident(notice, &said)),
    };
    let proof = match (channel.secret("token"), channel.text("user"), channel.secret("password")) {
        (Some(secret), _, _) => Proof::Bearer { scheme: "Bearer", secret },
        (None, Some(user), Some(secret)) => Proof::Basic { user: user.to_owned(), secret },
        _ => Proof::None,
    };
    Some(Parcel::Http {
        method,
        url: channel.below("url", &path),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
        ],
        body: body.to_string().into_bytes(),
        proof,
        reference: (method == "POST").then_some("/result/sys_id"),
    })
}

fn new_incident(notice: &Notice, said: &str) -> serde_json::Value {
    // Impact and urgency make the priority: 1 and 1 is critical.
    let (impact, urgency) = match notice.severity.word() {
        SeverityWord::Critical => ("1", "1"),
        SeverityWord::High => ("2", "1"),
        SeverityWord::Medium => ("2", "2"),
        SeverityWord::Low | SeverityWord::Informational => ("3", "3"),
    };
    json!({
        "short_description": words::subject(notice, SHORT_CHARS),
        "description": said,
        "correlation_id": words::line(&notice.key, CORRELATION_CHARS),
        "correlation_display": "Watchkeeper",
        "category": "security",
        "impact": impact,
        "urgency": urgency,
    })
}

/// Whether it is a sys_id, and so cannot change the path it stands in.
fn is_sys_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice, url};
    use super::*;

    #[test]
    fn an_incident_is_opened_once_and_noted_on_later() {
        let settings = [
            ("url", "https://team.service-now.com"),
            ("user", "watch"),
            ("password", "file:/run/secrets/snow"),
        ];
        let channel = channel("servicenow", &settings);
        let opened = parcel(&notice(), &channel, None).unwrap();
        assert_eq!(url(&opened), "https://team.service-now.com/api/now/table/incident");
        let body = json_body(&opened);
        assert_eq!(body["correlation_id"], notice().key);
        assert_eq!((&body["impact"], &body["urgency"]), (&json!("2"), &json!("1")));
        let id = "9d385017c611228701d22104cc95c371";
        let noted = parcel(&notice(), &channel, Some(id)).unwrap();
        assert!(url(&noted).ends_with(id));
        assert!(json_body(&noted)["work_notes"].as_str().unwrap().contains("Alarm: 0f1e"));
        let over = Notice { kind: NoticeKind::Resolve, ..notice() };
        assert_eq!(parcel(&over, &channel, None), None, "what was never opened is not closed");
        assert!(url(&parcel(&notice(), &channel, Some("../x")).unwrap()).ends_with("/incident"));
    }
}
