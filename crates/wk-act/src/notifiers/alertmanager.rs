//! Alertmanager: alerts posted to its API, or its webhook body for whoever reads that.
//!
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config> (version 4),
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>

use serde_json::{Map, Value, json};
use wk_model::Notice;
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_seam::courier::{Parcel, Proof};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// How long an alert stays up without being told again, in seconds: what Alertmanager takes as
/// resolved must be asked for.
const FIRES_SECONDS: i64 = 24 * 3600;
/// Characters of a label's value.
const LABEL_CHARS: usize = 300;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "alertmanager",
    title: "Alertmanager, or a receiver of its webhooks",
    doc: "form = \"api\" posts one alert for each finding to URL/api/v2/alerts, up for 24 hours unless told again; form = \"webhook\" posts the body of Alertmanager's own webhooks, version 4, to URL.",
    limits: "the findings that the notice lists, at most 20; the webhook counts the rest as truncatedAlerts, the API form adds one alert that says how many more.",
    needs: &[
        Need {
            key: "form",
            required: false,
            shape: Shape::Word(&["api", "webhook"]),
            doc: "api (default) or webhook",
        },
        Need {
            key: "token",
            required: false,
            shape: Shape::Secret,
            doc: "where a bearer token lies, if the server wants one",
        },
        Need {
            key: "url",
            required: true,
            shape: Shape::Url,
            doc: "Alertmanager's address, or the receiver's",
        },
    ],
    keeps_open: false,
    follows: true,
    per_minute: 300,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if matches!(notice.kind, NoticeKind::Heartbeat | NoticeKind::Acknowledge) {
        return None;
    }
    let webhook = channel.text("form") == Some("webhook");
    let (url, body) = if webhook {
        (channel.below("url", ""), webhook_body(notice))
    } else {
        (channel.below("url", "/api/v2/alerts"), api_body(notice))
    };
    let proof = match channel.secret("token") {
        Some(secret) => Proof::Bearer { scheme: "Bearer", secret },
        None => Proof::None,
    };
    Some(Parcel::Http {
        method: "POST",
        url,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        proof,
        reference: None,
    })
}

fn is_over(notice: &Notice) -> bool {
    notice.kind == NoticeKind::Resolve
}

fn webhook_body(notice: &Notice) -> Value {
    let alerts: Vec<Value> = alerts(notice).into_iter().map(Value::Object).collect();
    json!({
        "version": "4",
        "groupKey": notice.key,
        "truncatedAlerts": notice.more,
        "status": if is_over(notice) { "resolved" } else { "firing" },
        "receiver": notice.channel,
        "groupLabels": notice.labels,
        "commonLabels": notice.labels,
        "commonAnnotations": {"summary": words::line(&notice.title, Notice::TITLE_CHARS)},
        "externalURL": "",
        "alerts": alerts,
    })
}

fn api_body(notice: &Notice) -> Value {
    let mut alerts = alerts(notice);
    if notice.more > 0 {
        let more = format!("{} more findings of the same alarm", notice.more);
        alerts.push(alert(notice, None, &more));
    }
    for alert in &mut alerts {
        ["status", "generatorURL", "fingerprint"].iter().for_each(|name| drop(alert.remove(*name)));
    }
    Value::Array(alerts.into_iter().map(Value::Object).collect())
}

fn alerts(notice: &Notice) -> Vec<Map<String, Value>> {
    if notice.findings.is_empty() {
        return vec![alert(notice, None, &notice.title)];
    }
    notice.findings.iter().map(|finding| alert(notice, Some(finding), &finding.title)).collect()
}

fn alert(notice: &Notice, finding: Option<&NoticeFinding>, title: &str) -> Map<String, Value> {
    let severity = finding.map_or(notice.severity, |f| f.severity);
    let mut labels = Map::new();
    let mut label = |name: &str, value: Option<&str>| {
        let value = value.map(|value| words::line(value, LABEL_CHARS)).unwrap_or_default();
        if !value.is_empty() {
            labels.insert(name.to_owned(), value.into());
        }
    };
    label("alertname", Some(title));
    label("severity", Some(severity.word().as_str()));
    label("account", finding.map_or(notice.account.as_deref(), |f| f.account.as_deref()));
    label("region", finding.map_or(notice.region.as_deref(), |f| f.region.as_deref()));
    label("product", finding.map(|f| f.product.as_str()));
    label("rule", finding.map(|f| f.rule.as_str()));
    label("finding", finding.map(|f| f.id.0.as_str()));
    label("alarm", Some(&notice.key));
    let starts = finding.map_or(notice.created, |f| f.first_seen);
    let ends =
        if is_over(notice) { notice.created } else { notice.created.plus_seconds(FIRES_SECONDS) };
    let description = match finding {
        Some(finding) => format!("{}\n{}", notice.analysis, words::of_finding(finding)),
        None => words::text(notice),
    };
    let annotations = json!({
        "summary": words::line(title, Notice::TITLE_CHARS),
        "description": description,
        "runbook_url": notice.runbook.as_deref().unwrap_or_default(),
    });
    let mut alert = Map::new();
    alert.insert("status".into(), if is_over(notice) { "resolved" } else { "firing" }.into());
    alert.insert("labels".into(), Value::Object(labels));
    alert.insert("annotations".into(), annotations);
    alert.insert("startsAt".into(), starts.to_string().into());
    alert.insert("endsAt".into(), ends.to_string().into());
    alert.insert("generatorURL".into(), "".into());
    alert.insert(
        "fingerprint".into(),
        words::short(finding.map_or(&notice.key, |f| &f.id.0)).into(),
    );
    alert
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice, url};
    use super::*;

    #[test]
    fn the_webhook_has_the_members_of_version_4() {
        let settings = [("url", "https://hooks.example/am"), ("form", "webhook")];
        let channel = channel("alertmanager", &settings);
        let sent = parcel(&Notice { more: 3, ..notice() }, &channel, None).unwrap();
        assert_eq!(url(&sent), "https://hooks.example/am");
        let body = json_body(&sent);
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        let version_4 = [
            "version",
            "groupKey",
            "truncatedAlerts",
            "status",
            "receiver",
            "groupLabels",
            "commonLabels",
            "commonAnnotations",
            "externalURL",
            "alerts",
        ];
        assert_eq!(members, version_4.iter().collect::<Vec<_>>());
        assert_eq!((&body["version"], &body["truncatedAlerts"]), (&json!("4"), &json!(3)));
        assert_eq!(body["alerts"][0]["labels"]["severity"], "high");
        assert_eq!(body["alerts"][0]["status"], "firing");
    }

    #[test]
    fn the_api_gets_alerts_that_end_when_the_alarm_does() {
        let channel = channel("alertmanager", &[("url", "http://127.0.0.1:9093/")]);
        let sent = parcel(&Notice { more: 3, ..notice() }, &channel, None).unwrap();
        assert_eq!(url(&sent), "http://127.0.0.1:9093/api/v2/alerts");
        let body = json_body(&sent);
        let known = ["labels", "annotations", "startsAt", "endsAt"];
        for alert in body.as_array().unwrap() {
            assert!(alert.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
            assert!(alert["labels"].as_object().unwrap().values().all(|value| value != ""));
        }
        assert_eq!(body.as_array().unwrap().len(), 2, "what is not listed is an alert as well");
        let over = Notice { kind: NoticeKind::Resolve, ..notice() };
        let body = json_body(&parcel(&over, &channel, None).unwrap());
        assert_eq!(body[0]["endsAt"], notice().created.to_string());
    }
}
