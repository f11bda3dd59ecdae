//! Why a pattern is refused.

use crate::json::Value;

/// A pattern that EventBridge would not take, with its reason in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {reason}")]
pub struct Refused {
    /// The reason, without the words that stand before each.
    pub reason: String,
    /// Line of the text, from 1.
    pub line: usize,
    /// Column of that line in bytes, from 1.
    pub column: usize,
}

/// Characters of the pattern's own text in a reason.
const QUOTED_MAX: usize = 100;

impl Refused {
    /// At a byte of the text.
    pub(super) fn at(text: &str, position: usize, reason: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..position).unwrap_or(text.as_bytes());
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        Self { reason: reason.into(), line, column: position.saturating_sub(start) + 1 }
    }
}

/// A reason and the value that gave it; the text is added by who has it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) position: usize,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(at: Value<'_>, reason: impl Into<String>) -> Self {
        Self { position: at.position(), reason: reason.into() }
    }

    pub(super) fn told(self, text: &str) -> Refused {
        Refused::at(text, self.position, self.reason)
    }
}

/// Text of the pattern as a reason quotes it.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_MAX).collect()
}
