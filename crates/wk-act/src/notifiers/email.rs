//! Mail over SMTP, in plain text.

use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::Parcel;

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// Characters of a subject; RFC 5322 lets a line have 998, people read fewer.
const SUBJECT_CHARS: usize = 150;
/// A mail's text.
const TEXT_BYTES: usize = 256 * 1024;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "email",
    title: "Mail over SMTP",
    doc: "Sends plain text by the server that [smtp] names. A notice that is sent again has the same Message-ID.",
    limits: "subject: one line of 150 characters; text: 256 KiB. There is no HTML: nothing in it can be a link that lies.",
    needs: &[
        Need {
            key: "from",
            required: true,
            shape: Shape::Mail,
            doc: "who sends it: watch@example.com or Watchkeeper <watch@example.com>",
        },
        Need { key: "to", required: true, shape: Shape::Mails, doc: "who gets it; one or several" },
    ],
    keeps_open: false,
    follows: true,
    per_minute: 30,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if notice.kind == NoticeKind::Heartbeat {
        return None;
    }
    let from = channel.text("from")?.to_owned();
    let host = from.rsplit('@').next().unwrap_or_default().trim_end_matches('>').to_owned();
    Some(Parcel::Mail {
        from,
        to: channel.list("to").to_vec(),
        subject: words::subject(notice, SUBJECT_CHARS),
        text: words::bytes(&words::text(notice), TEXT_BYTES),
        message_id: format!("{}@{host}", notice.id),
    })
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, notice};
    use super::*;

    #[test]
    fn no_title_can_add_a_header_and_the_id_stays_the_same() {
        let settings = [("from", "Watch <watch@example.com>"), ("to", "team@example.com")];
        let channel = channel("email", &settings);
        let title = "x\r\nBcc: evil@example.com\r\n\r\nbody".to_owned();
        let hostile = Notice { title, ..notice() };
        let Some(Parcel::Mail { subject, message_id, to, .. }) = parcel(&hostile, &channel, None)
        else {
            panic!("no mail")
        };
        assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        assert_eq!(to, ["team@example.com"]);
        assert_eq!(message_id, format!("{}@example.com", notice().id));
    }
}
