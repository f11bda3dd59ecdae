//! A text message to a telephone, through Amazon SNS.

use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, SnsTarget};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// Characters of one message that is not split, whatever the operator does to it.
const MESSAGE_CHARS: usize = 140;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "sms",
    title: "A text message, through Amazon SNS",
    doc: "Sends how bad it is, what happened, where, and the beginning of the alarm's key. SNS accepts a message without a promise that the telephone gets it, and charges for each.",
    limits: "140 characters of the GSM alphabet that need one septet each; whatever else becomes `?`.",
    needs: &[Need {
        key: "to",
        required: true,
        shape: Shape::Phone,
        doc: "the number in E.164: +4915112345678",
    }],
    keeps_open: false,
    follows: false,
    per_minute: 10,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if matches!(notice.kind, NoticeKind::Heartbeat | NoticeKind::Digest) {
        return None;
    }
    let said: String = words::subject(notice, MESSAGE_CHARS).replace('[', "").replacen(']', ":", 1);
    let message = words::ascii(&said, MESSAGE_CHARS).chars().map(gsm).collect();
    let to = SnsTarget::Phone(channel.text("to")?.to_owned());
    Some(Parcel::Sns { to, subject: None, message, attributes: Vec::new() })
}

/// Of the printable ASCII characters, those that GSM 03.38 has in its basic table.
fn gsm(c: char) -> char {
    if "[]{}\\^~|`".contains(c) { '?' } else { c }
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, notice};
    use super::*;

    fn message(title: &str) -> String {
        let channel = channel("sms", &[("to", "+4915112345678")]);
        let notice = Notice { title: title.to_owned(), ..notice() };
        match parcel(&notice, &channel, None) {
            Some(Parcel::Sns { message, subject: None, .. }) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_message_says_what_where_and_which() {
        let said = message("A machine image was made public");
        assert_eq!(said, "HIGH: A machine image was made public 111122223333 eu-west-1 #0f1e2d3c");
        let long = message(&"{müde} ".repeat(1_000));
        assert!(long.len() <= MESSAGE_CHARS && long.ends_with("#0f1e2d3c"), "{long}");
        assert!(!long.contains(['{', 'ü']), "{long}");
    }
}
