//! What is wrong with a query, where, and what was probably meant.

use std::fmt;

use super::ast::Span;

/// Characters of a line that are shown on each side of a mistake.
const SHOWN_MAX: usize = 60;

/// A mistake in a query, or something worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes.
    pub span: Span,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The right word that looks most like the one that is written.
    pub nearest: Option<String>,
}

impl Mistake {
    /// A mistake at a place of the query's text.
    pub fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { span, line, column, message: message.into(), nearest: None }
    }

    /// The same with the word that was probably meant.
    #[must_use]
    pub fn or_rather(mut self, nearest: Option<&str>) -> Self {
        self.nearest = nearest.map(str::to_owned);
        self
    }

    /// The mistake with its line and a mark below the place. Control characters are shown as blanks
    /// and long lines are cut.
    pub fn render(&self, text: &str) -> String {
        let line = text.lines().nth(self.line - 1).unwrap_or_default();
        if line.trim().is_empty() {
            return self.to_string();
        }
        let skipped = (self.column - 1).saturating_sub(SHOWN_MAX);
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(2 * SHOWN_MAX)
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        let (before, after) = (
            if skipped > 0 { "…" } else { "" },
            if line.chars().count() > skipped + 2 * SHOWN_MAX { "…" } else { "" },
        );
        let indent = self.column - 1 - skipped + before.chars().count();
        let marked = text.get(self.span.start..self.span.end).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().chars().count();
        let width = shown.chars().count() + before.chars().count();
        let room = width.saturating_sub(indent);
        let marks = "^".repeat(marked.clamp(1, room.max(1)));
        let shown = format!("{before}{shown}{after}");
        format!("{self}\n  {}\n  {}{marks}", shown.trim_end(), " ".repeat(indent))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}

/// A word of the query as a message shows it: escaped, and cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const LETTERS_MAX: usize = 40;
    let mut short: String = text.chars().take(LETTERS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(LETTERS_MAX).is_some() {
        short.push('…');
    }
    short
}
