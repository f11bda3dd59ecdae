//! Plain lists: one entry a line. Empty lines mean nothing, nor does what stands behind a `#` or `;`
//! at the beginning of a line or after a blank.

use super::loaded::{About, Taking};

pub(super) fn read(text: &str, taking: &mut Taking) {
    for (number, line) in text.lines().enumerate() {
        let entry = without_comment(line).trim();
        if !entry.is_empty() {
            taking.take(&|| format!("line {}", number + 1), entry, About::default());
        }
    }
}

fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        let before = line.get(..*at).unwrap_or("");
        before.is_empty() || before.ends_with([' ', '\t'])
    };
    let comment = line.match_indices(['#', ';']).find(begins);
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}
