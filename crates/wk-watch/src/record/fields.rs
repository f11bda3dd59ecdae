//! Members of JSON records into columns.
//!
//! * A column whose name is a path (`service.count`) can be filled from the member at that path.
//! * The first letter of each key may be of either case: AWS writes one finding as
//!   `resourceType` on EventBridge and as `ResourceType` in its API.
//! * A member that fails its column's type is flagged with its text; the event stays.
//! * Knows no source.

use std::borrow::Cow;
use std::fmt::Write as _;

use wk_lang::json::{Kind, Value};
use wk_model::event::Cell;
use wk_model::table::ColumnType;
use wk_model::{Row, Timestamp};

/// How many elements of an array become entries of a list column or resources.
const ITEMS_MAX: usize = 256;

/// Fills each column that is still empty from the member its name is the path of.
pub(crate) fn fill<'a>(row: &mut Row<'a>, record: Value<'a>) {
    for (at, column) in row.table.columns.iter().enumerate() {
        if row.cells[at] == Cell::Null
            && let Some(value) = find(record, column.name)
        {
            put(row, at, value);
        }
    }
}

/// The member at the end of a path with dots, if it is there and not null.
pub(crate) fn find<'a>(value: Value<'a>, path: &str) -> Option<Value<'a>> {
    path.split('.').try_fold(value, member).filter(|v| !v.is_null())
}

/// The text of the member at the end of a path, if it is text and not empty.
pub(crate) fn text<'a>(value: Value<'a>, path: &str) -> Option<Cow<'a, str>> {
    find(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// The first of several paths at which there is text.
pub(crate) fn first_text<'a>(value: Value<'a>, paths: &[&str]) -> Option<Cow<'a, str>> {
    paths.iter().find_map(|path| text(value, path))
}

/// The time of the member at the end of a path; text that is no time is flagged under the path.
pub(crate) fn time<'a>(row: &mut Row<'a>, value: Value<'a>, path: &str) -> Option<Timestamp> {
    let found = find(value, path)?;
    let time = as_time(found);
    if time.is_none() {
        row.flag(path, "is no time", found.raw());
    }
    time
}

/// Adds the texts at a path as resources. Arrays on the way, and at the end, are walked.
pub(crate) fn resources<'a>(row: &mut Row<'a>, value: Value<'a>, path: &str) {
    if value.kind() == Kind::Array {
        return value.items().take(ITEMS_MAX).for_each(|item| resources(row, item, path));
    }
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    if path.is_empty() {
        if let Some(text) = value.as_str() {
            row.resource(text);
        }
    } else if let Some(member) = member(value, key) {
        resources(row, member, rest);
    }
}

/// Sets a column of any type from a JSON value.
pub(crate) fn put<'a>(row: &mut Row<'a>, at: usize, value: Value<'a>) {
    let column = &row.table.columns[at];
    let (cell, reason) = match column.kind {
        ColumnType::Text => (scalar(value).map(Cell::Text), "is not text"),
        ColumnType::Json => (Some(Cell::Text(value.compact())), ""),
        ColumnType::Int => (as_int(value).map(Cell::Int), "is not a whole number"),
        ColumnType::Float => (as_float(value).map(Cell::Float), "is not a number"),
        ColumnType::Bool => (as_bool(value).map(Cell::Bool), "is not true or false"),
        ColumnType::Time => (as_time(value).map(Cell::Time), "is no time"),
        ColumnType::TextList => (Some(Cell::List(list(value))), ""),
    };
    match cell {
        Some(cell) => row.cells[at] = cell,
        None => row.flag(column.name, reason, value.raw()),
    }
}

/// Seconds, milliseconds or microseconds since the epoch, told apart by size; or RFC 3339.
pub(crate) fn as_time(value: Value<'_>) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return match text.parse() {
            Ok(number) => epoch(number),
            Err(_) => Timestamp::parse(&text).ok(),
        };
    }
    match value.as_i64() {
        Some(number) => epoch(number),
        // Seconds with a fraction, as the AWS CLI prints times.
        None => value.as_f64().filter(|s| (0.0..1e11).contains(s)).map(seconds),
    }
}

/// A number of seconds reaches 10^11 in the year 5138; one of milliseconds passed it in 1973.
pub(crate) fn epoch(number: i64) -> Option<Timestamp> {
    match number {
        0..100_000_000_000 => Some(Timestamp::from_seconds(number)),
        100_000_000_000..100_000_000_000_000 => Some(Timestamp::from_millis(number)),
        100_000_000_000_000..100_000_000_000_000_000 => Some(Timestamp::from_micros(number)),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below 10^11 seconds by the caller's check")]
fn seconds(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6).round() as i64)
}

/// A whole number, also one in quotes or written with `.0`.
pub(crate) fn as_int(value: Value<'_>) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .or_else(|| value.raw().strip_suffix(".0")?.parse().ok())
}

/// A number, also one in quotes.
pub(crate) fn as_float(value: Value<'_>) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok().filter(|f: &f64| f.is_finite()))
}

/// True or false, also in quotes and in any letter case.
pub(crate) fn as_bool(value: Value<'_>) -> Option<bool> {
    value.as_bool().or_else(|| match &*value.as_str()? {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// Text, or the digits of a number: ids are written both ways.
pub(crate) fn scalar(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.as_str(),
        Kind::Number | Kind::Bool => Some(Cow::Borrowed(value.raw())),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// The elements of an array as texts; anything but an array is one element.
fn list(value: Value<'_>) -> Vec<Cow<'_, str>> {
    fn entry(value: Value<'_>) -> Cow<'_, str> {
        value.as_str().unwrap_or_else(|| value.compact().into_owned().into())
    }
    match value.kind() {
        Kind::Array => value.items().take(ITEMS_MAX).map(entry).collect(),
        _ => vec![entry(value)],
    }
}

fn member<'a>(value: Value<'a>, key: &str) -> Option<Value<'a>> {
    value.get(key).or_else(|| value.get(&other_case(key)?))
}

/// The key with its first letter in the other case.
fn other_case(key: &str) -> Option<String> {
    let mut letters = key.chars();
    let first = letters.next().filter(char::is_ascii_alphabetic)?;
    let other = if first.is_ascii_lowercase() {
        first.to_ascii_uppercase()
    } else {
        first.to_ascii_lowercase()
    };
    Some(std::iter::once(other).chain(letters).collect())
}

/// Appends the text as a JSON string.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all that is written");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_lang::json::Tape;

    fn with<T>(json: &str, look: impl FnOnce(Value<'_>) -> T) -> T {
        look(Tape::default().parse(json).unwrap())
    }

    #[test]
    fn either_letter_case_is_found() {
        let count = |v: Value<'_>| find(v, "service.count").and_then(as_int);
        assert_eq!(with(r#"{"service":{"count":3}}"#, count), Some(3));
        assert_eq!(with(r#"{"Service":{"Count":"3"}}"#, count), Some(3));
        assert_eq!(with(r#"{"SERVICE":{"count":3}}"#, count), None);
        assert_eq!(with(r#"{"service":null}"#, count), None);
    }

    #[test]
    fn every_way_in_which_aws_writes_a_time_is_one_time() {
        for json in [
            "1700000000",
            "1700000000000",
            "1700000000000000",
            "1700000000.0",
            "\"1700000000\"",
            "\"2023-11-14T22:13:20Z\"",
            "\"2023-11-14T17:13:20.000000-05:00\"",
        ] {
            let time = with(json, |v| as_time(v).map(Timestamp::seconds));
            assert_eq!(time, Some(1_700_000_000), "{json}");
        }
        for json in ["-1", "\"now\"", "true", "{}", "1e300"] {
            assert_eq!(with(json, as_time), None, "{json}");
        }
    }

    #[test]
    fn what_is_quoted_is_json() {
        let mut out = String::new();
        quote(&mut out, "a\"b\\c\u{1}é");
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), "a\"b\\c\u{1}é");
    }
}
