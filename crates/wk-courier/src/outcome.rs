//! What came of a call, in words without secrets.

use wk_model::complaint::printable;
use wk_seam::courier::Outcome;

use crate::secret::Secret;

/// Characters of a receipt or reason.
const SAID_CHARS: usize = 300;
/// The longest wait that the other side can ask for, in seconds.
const AFTER_SECONDS_MAX: u64 = 6 * 3600;

pub(crate) fn refused(reason: impl AsRef<str>) -> Outcome {
    Outcome::Refused { reason: cut(reason.as_ref()) }
}

pub(crate) fn later(reason: impl AsRef<str>, after_seconds: Option<u64>) -> Outcome {
    let after = after_seconds.map(|s| u32::try_from(s.min(AFTER_SECONDS_MAX)).unwrap_or(u32::MAX));
    Outcome::Later { reason: cut(reason.as_ref()), after_seconds: after }
}

pub(crate) fn accepted(receipt: impl AsRef<str>, reference: Option<String>) -> Outcome {
    Outcome::Accepted { receipt: cut(receipt.as_ref()), reference }
}

/// What the other side said, safe to keep and to print: one line, bounded, and with every secret that
/// was sent blotted out, should it be repeated.
pub(crate) fn said(bytes: &[u8], secrets: &[Secret]) -> String {
    let head = &bytes[..bytes.len().min(4 * 1024)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    for secret in secrets {
        text = text.replace(secret.expose(), "(secret)");
    }
    cut(&printable(text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes()))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SAID_CHARS {
        return text.to_owned();
    }
    text.chars().take(SAID_CHARS - 1).chain(['…']).collect()
}
