//! A signed webhook, as standard-webhooks describes it.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, Proof};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, json};

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "webhook",
    title: "A signed webhook (standard-webhooks)",
    doc: "Posts the notice as JSON: type, timestamp, data. Where secrets are given, webhook-id, webhook-timestamp and webhook-signature (v1, HMAC-SHA256 over id, time and body, one for each secret) let the receiver know who sent it and drop what it has already.",
    limits: "the body is bounded by the notice's own limits: below 100 KiB.",
    needs: &[
        Need {
            key: "secrets",
            required: false,
            shape: Shape::Secrets,
            doc: "where the signing keys lie; two while one takes the other's place",
        },
        Need {
            key: "url",
            required: true,
            shape: Shape::SecretUrl,
            doc: "the receiver's address, or where it lies",
        },
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
    let secrets = channel.list("secrets");
    let proof = if secrets.is_empty() {
        Proof::None
    } else {
        let secrets = secrets.iter().cloned().map(wk_seam::courier::SecretName).collect();
        Proof::StandardWebhook { id: notice.id.clone(), secrets }
    };
    Some(Parcel::Http {
        method: "POST",
        url: channel.address("url"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: json::of(notice).to_string().into_bytes(),
        proof,
        reference: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice};
    use super::*;

    #[test]
    fn the_same_notice_has_the_same_id_and_body() {
        let settings = [("url", "https://hooks.example/in"), ("secrets", "env:HOOK")];
        let channel = channel("webhook", &settings);
        let first = parcel(&notice(), &channel, None).unwrap();
        assert_eq!(first, parcel(&notice(), &channel, None).unwrap());
        let Parcel::Http { proof: Proof::StandardWebhook { id, .. }, .. } = &first else {
            panic!("it is not signed: {first:?}")
        };
        assert_eq!(
            (id, json_body(&first)["data"]["id"].as_str()),
            (&notice().id, Some(id.as_str()))
        );
    }
}
