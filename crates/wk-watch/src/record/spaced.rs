//! What the text formats share: fields between spaces, addresses with ports, places in keys.
//!
//! * Borrows everything; a line of any length costs one pass.
//! * Knows no format: how many fields a line has and what they mean is its source's affair.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::{AccountId, Row, Table, Timestamp};

use super::stamps;
use crate::sources::Context;

/// The fields of a line, between spaces. A field may stand in double quotes, and then may hold
/// spaces; with `brackets` it may stand in brackets as well.
///
/// A quote closes only before a space or at the end of the line: clients choose the user agent,
/// and one that holds a quote must not shift the fields behind it.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a str,
    brackets: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        Self { rest: line, brackets: false }
    }
    pub(crate) fn with_brackets(line: &'a str) -> Self {
        Self { rest: line, brackets: true }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;
    fn next(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start_matches(' ');
        let closer = match self.rest.as_bytes().first()? {
            b'"' => Some(b'"'),
            b'[' if self.brackets => Some(b']'),
            _ => None,
        };
        if let Some(end) = closer.and_then(|c| closed_at(self.rest.as_bytes(), c)) {
            let field = self.rest.get(1..end);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            return field;
        }
        let (field, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(field)
    }
}

/// Where the closing character stands: the first one before a space or the end.
fn closed_at(bytes: &[u8], closer: u8) -> Option<usize> {
    memchr::memchr_iter(closer, bytes.get(1..)?)
        .map(|n| n + 1)
        .find(|n| matches!(bytes.get(n + 1), None | Some(b' ')))
}

/// `-` and nothing at all stand for an absent value.
pub(crate) fn given(text: &str) -> Option<&str> {
    (!matches!(text, "" | "-")).then_some(text)
}

/// `192.0.2.1:443`, `[2001:db8::1]:443` or an address alone: address and port.
pub(crate) fn address(text: &str) -> (&str, Option<&str>) {
    if let Some((host, port)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        return (host, port.strip_prefix(':').and_then(given));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, given(port)),
        Some((host, "-")) => (host, None),
        _ => (text, None),
    }
}

/// Account and region of an ARN, where it has them.
pub(crate) fn place_of_arn(arn: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = arn.split(':');
    if parts.next() != Some("arn") {
        return (None, None);
    }
    let (region, account) = (parts.nth(2), parts.next());
    (account.filter(|a| AccountId::fits(a)), region.filter(|r| !r.is_empty()))
}

/// Account and region that the key of an object names, as in `…/AWSLogs/<account>/<service>/
/// <region>/…` or `…/<account>/<region>/<bucket>/…`.
pub(crate) fn place_of_key(uri: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = uri.split('/');
    let account = parts.by_ref().find(|part| AccountId::fits(part));
    let region = account.and_then(|_| parts.take(2).find(|part| is_region(part)));
    (account, region)
}

/// Whether the text is made like a region's name: `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let last = parts.next_back();
    let first = parts.next();
    let letters = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_lowercase());
    first.is_some_and(letters)
        && parts.clone().count() > 0
        && parts.all(letters)
        && last.is_some_and(|l| l.len() == 1 && l.bytes().all(|b| b.is_ascii_digit()))
}

/// The id that CloudWatch Logs gave the record, where that brought it: these sources have none of
/// their own.
pub(crate) fn id_of_envelope<'a>(context: &Context<'a>) -> EventId<'a> {
    let id = context.envelope.log_group.and(context.envelope.id);
    id.map_or(EventId::Ordinal, |id| EventId::Own(Cow::Borrowed(id)))
}

/// Whether at least half of the lines, and one, are of a form.
pub(crate) fn mostly(lines: &[&str], fits: impl Fn(&str) -> bool) -> bool {
    let count = lines.iter().filter(|line| fits(line)).count();
    count > 0 && count * 2 >= lines.len()
}

/// How an HTTP request ended, by its status.
pub(crate) fn outcome_of_status(status: &str) -> Option<Outcome> {
    match status.parse::<u16>().ok()? {
        401 | 403 => Some(Outcome::Denied),
        100..400 => Some(Outcome::Success),
        400.. => Some(Outcome::Failure),
        _ => None,
    }
}

/// Keeps a field that the format has grown since this was written, up to [`EXTRA_MAX`] of them.
pub(crate) fn extra<'a>(row: &mut Row<'a>, at: usize, text: &'a str) {
    if let Cell::List(items) = &mut row.cells[at] {
        if items.len() < EXTRA_MAX {
            items.push(Cow::Borrowed(text));
        } else if items.len() == EXTRA_MAX {
            items.push(Cow::Borrowed("…")); // once; the rest is in raw
        }
    } else {
        row.cells[at] = Cell::List(vec![Cow::Borrowed(text)]);
    }
}

/// How many unknown fields an event keeps apart from its raw text.
const EXTRA_MAX: usize = 16;

/// The text of a column, where it has one.
pub(crate) fn cell_text<'r>(row: &'r Row<'_>, at: usize) -> Option<&'r str> {
    match &row.cells[at] {
        Cell::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The place of a column that has this name or alias.
pub(crate) fn column_named(table: &Table, name: &str) -> Option<usize> {
    table.index(name).or_else(|| {
        let (_, column) = table.aliases.iter().find(|(alias, _)| *alias == name)?;
        table.index(column)
    })
}

/// A time as JSON logs write it: a text in one of the usual forms, or a number since the epoch.
pub(crate) fn time_of(value: Value<'_>) -> Option<Timestamp> {
    match value.kind() {
        Kind::String => stamps::whole(value.as_str()?.trim()).map(|stamp| stamp.time),
        Kind::Number => stamps::epoch(value.raw()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_inside_a_field_shifts_nothing() {
        let fields: Vec<_> = Fields::of(r#"a "b c" "say "hi", x" - [1]:2"#).collect();
        assert_eq!(fields, ["a", "b c", r#"say "hi", x"#, "-", "[1]:2"]);
        let fields: Vec<_> = Fields::with_brackets("[a b] \"open").collect();
        assert_eq!(fields, ["a b", "\"open"]);
    }

    #[test]
    fn addresses_come_with_and_without_ports() {
        for (text, parts) in [
            ("192.0.2.1:443", ("192.0.2.1", Some("443"))),
            ("[2001:db8::1]:443", ("2001:db8::1", Some("443"))),
            ("192.0.2.1", ("192.0.2.1", None)),
            ("192.0.2.1:-", ("192.0.2.1", None)),
            ("-", ("-", None)),
        ] {
            assert_eq!(address(text), parts, "{text}");
        }
    }

    #[test]
    fn keys_name_accounts_and_regions() {
        let trail = "s3://b/p/AWSLogs/111122223333/elasticloadbalancing/us-east-1/2024/02/15/x.gz";
        assert_eq!(place_of_key(trail), (Some("111122223333"), Some("us-east-1")));
        let org = "s3://b/AWSLogs/o-abc/111122223333/vpcdnsquerylogs/vpc-1/2024/x.gz";
        assert_eq!(place_of_key(org), (Some("111122223333"), None));
        assert_eq!(place_of_key("logs/app.log"), (None, None));
        let arn = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/a/b";
        assert_eq!(place_of_arn(arn), (Some("111122223333"), Some("us-east-1")));
    }

    #[test]
    fn a_very_long_line_is_read_once() {
        let quotes = format!("a \"{}", "\"x".repeat(8 << 20));
        assert_eq!(Fields::of(&quotes).count(), 2);
        assert_eq!(Fields::of(&" ".repeat(16 << 20)).count(), 0);
    }
}
