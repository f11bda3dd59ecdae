//! What could not be read, and why.

use serde::{Deserialize, Serialize};

/// A record, or a stretch of an object, that did not become an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The source it belongs to, or `unknown`.
    pub source: String,
    /// Byte offset in the object after decompression.
    pub position: u64,
    /// Why, as a sentence without a final stop.
    pub reason: String,
    /// How the stretch begins: at most [`Complaint::SAMPLE_BYTES`] bytes; control characters and
    /// bytes that are not UTF-8 are escaped.
    pub sample: String,
    /// Whether the record became an event all the same (a conflict): then it is not among the
    /// complaints of the sum.
    pub kept: bool,
}

impl Complaint {
    /// How much of a refused record is kept.
    pub const SAMPLE_BYTES: usize = 160;

    /// A complaint about the bytes that begin at `position`.
    pub fn new(source: &str, position: u64, reason: impl Into<String>, bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(Self::SAMPLE_BYTES)];
        Self {
            source: source.to_owned(),
            position,
            reason: reason.into(),
            sample: printable(head),
            kept: false,
        }
    }
}

/// Text that is safe on a terminal: control characters and broken UTF-8 are escaped.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() || is_unseen(c) {
                out.extend(c.escape_unicode())
            } else {
                out.push(c)
            }
        }
        for byte in chunk.invalid() {
            out.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    out
}

/// Characters that change the direction of text or take no room: they can hide what a line says.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_drive_a_terminal() {
        assert_eq!(printable(b"a\x1b[2Jb\xff\n"), "a\\u{1b}[2Jb\\xff\\u{a}");
        assert_eq!(printable("x\u{202e}y".as_bytes()), "x\\u{202e}y");
    }
}
