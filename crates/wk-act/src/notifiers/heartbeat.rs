//! A sign of life for a dead-man switch: a service outside that raises the alarm when it hears nothing.

use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, Proof};

use super::Notifier;
use super::channel::{Channel, Need, Shape};

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "heartbeat",
    title: "A dead-man switch",
    doc: "Asks an address again and again; whoever runs it raises the alarm when the asking stops. Carries heartbeats and tests, nothing else, and says nothing about findings.",
    limits: "none",
    needs: &[
        Need {
            key: "method",
            required: false,
            shape: Shape::Word(&["GET", "POST"]),
            doc: "GET (default) or POST",
        },
        Need {
            key: "url",
            required: true,
            shape: Shape::SecretUrl,
            doc: "the switch's address, or where it lies",
        },
    ],
    keeps_open: false,
    follows: false,
    per_minute: 60,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if !matches!(notice.kind, NoticeKind::Heartbeat | NoticeKind::Test) {
        return None;
    }
    Some(Parcel::Http {
        method: if channel.text("method") == Some("POST") { "POST" } else { "GET" },
        url: channel.address("url"),
        headers: Vec::new(),
        body: Vec::new(),
        proof: Proof::None,
        reference: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, notice};
    use super::*;

    #[test]
    fn it_carries_signs_of_life_and_nothing_else() {
        let channel = channel("heartbeat", &[("url", "env:SWITCH")]);
        assert_eq!(parcel(&notice(), &channel, None), None);
        let beat = Notice { kind: NoticeKind::Heartbeat, ..notice() };
        assert!(matches!(parcel(&beat, &channel, None), Some(Parcel::Http { method: "GET", .. })));
    }
}
