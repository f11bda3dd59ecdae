//! CSV lists, as RFC 4180 says, with one column of entries.
//!
//! * The first line that is no comment names the columns. Some feeds have the names in their last
//!   comment: that is taken where it has the column.
//! * A field in quotes may hold commas, line ends and doubled quotes.

use super::loaded::{About, Taking};
use super::spec::ListSpec;

/// Fields of a line, at most.
const FIELDS_MAX: usize = 1_024;

pub(super) fn read(text: &str, spec: &ListSpec, taking: &mut Taking) -> Result<(), String> {
    let Some(column) = spec.column.as_deref() else {
        return Err("it is not said which column holds the entries: column = \"…\"".to_owned());
    };
    let mut rows = Rows { text, at: 0, line: 1 };
    let place = rows.header(column)?;
    while let Some((line, row)) = rows.next_row() {
        let told = || format!("line {line}");
        match row.get(place) {
            None if row.iter().all(|field| field.is_empty()) => {}
            _ if row.first().is_some_and(|field| field.starts_with('#')) => {}
            None => taking.leave_out(&told, &row.join(","), "has no such column"),
            Some(entry) => taking.take(&told, entry, About::default()),
        }
    }
    Ok(())
}

struct Rows<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Rows<'_> {
    /// The place of the column; the rows behind are entries then.
    fn header(&mut self, column: &str) -> Result<usize, String> {
        let find = |row: &[String]| {
            let name = |field: &String| field.trim_start_matches('#').trim().to_lowercase();
            row.iter().position(|field| name(field) == column.to_lowercase())
        };
        let mut of_comment = None;
        loop {
            let before = (self.at, self.line);
            let Some((_, row)) = self.next_row() else {
                return match of_comment {
                    Some(place) => Ok(place),
                    None => Err(format!("there is no column {column:?}")),
                };
            };
            if self.text.get(before.0..).is_some_and(|rest| rest.starts_with('#')) {
                // The quotes of a comment stand behind its sign, and so mean nothing yet.
                let unquoted: Vec<String> = row.iter().map(|f| f.replace('"', "")).collect();
                of_comment = find(&unquoted).or(of_comment);
            } else if let Some(place) = find(&row) {
                return Ok(place);
            } else if let Some(place) = of_comment {
                (self.at, self.line) = before;
                return Ok(place);
            } else {
                let names: Vec<String> = row.into_iter().take(20).collect();
                let names = names.join(", ").chars().take(200).collect::<String>();
                return Err(format!("there is no column {column:?}; its columns are: {names}"));
            }
        }
    }

    /// The next row and the line where it begins.
    fn next_row(&mut self) -> Option<(usize, Vec<String>)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let begins = self.line;
        let mut row = vec![String::new()];
        let mut in_quotes = false;
        let mut letters = rest.char_indices().peekable();
        let mut used = rest.len();
        while let Some((at, letter)) = letters.next() {
            self.line += usize::from(letter == '\n');
            let doubled = letter == '"' && letters.peek().is_some_and(|(_, next)| *next == '"');
            let room = row.len() < FIELDS_MAX;
            let field = row.last_mut()?;
            match letter {
                '"' if in_quotes && doubled => {
                    field.push('"');
                    letters.next();
                }
                '"' if in_quotes => in_quotes = false,
                '"' if field.is_empty() => in_quotes = true,
                ',' if !in_quotes && room => row.push(String::new()),
                '\r' if !in_quotes => {}
                '\n' if !in_quotes => {
                    used = at + 1;
                    break;
                }
                other => field.push(other),
            }
        }
        self.at += used;
        Some((begins, row))
    }
}
