//! A second reading of the language, as plain as can be, to hold the engine against.
//!
//! * Rows are maps from names to values; every command walks all rows. Nothing of the engine's
//!   functions, plans or keys is used: only its parser, and what `docs/insights.md` and
//!   `docs/query-functions.md` say.
//! * Values carry their type. A field of JSON is a text; a column is what its table says.

mod commands;
mod expression;
mod functions;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime};

pub(super) use commands::answer;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Missing,
    Text(String),
    Number(f64),
    Bool(bool),
    /// Microseconds of the epoch.
    Time(i64),
    List(Vec<String>),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    Time,
    List,
}

/// A row: what has a name, and the record it came from.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) fields: BTreeMap<String, Value>,
    pub(super) record: Option<serde_json::Value>,
    /// Where it stands among rows that nothing else tells apart.
    pub(super) place: usize,
}

/// Records and the types of their columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    pub(super) rows: Vec<Row>,
    pub(super) kinds: BTreeMap<String, Kind>,
}

/// What a query answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) titles: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Row {
    /// A name, or a path below a name, or a path into the record.
    fn field(&self, name: &str) -> Value {
        if let Some(value) = self.fields.get(name) {
            return value.clone();
        }
        for (dot, _) in name.rmatch_indices('.') {
            let (front, rest) = name.split_at(dot);
            if let Some(value) = self.fields.get(front) {
                let json = value.text().and_then(|text| serde_json::from_str(&text).ok());
                return json
                    .map_or(Value::Missing, |json| at_path(&json, &rest.replacen('.', "", 1)));
            }
        }
        self.record.as_ref().map_or(Value::Missing, |record| at_path(record, name))
    }
}

/// The value at a dotted path; every value of JSON is a text.
pub(super) fn at_path(json: &serde_json::Value, path: &str) -> Value {
    let mut at = json;
    for part in path.split('.') {
        let below = match at {
            serde_json::Value::Object(members) => members.get(part),
            serde_json::Value::Array(items) => {
                part.parse::<usize>().ok().and_then(|n| items.get(n))
            }
            _ => None,
        };
        match below {
            Some(below) => at = below,
            None => return Value::Missing,
        }
    }
    match at {
        serde_json::Value::Null => Value::Missing,
        serde_json::Value::String(text) => Value::Text(text.clone()),
        other => Value::Text(other.to_string()),
    }
}

impl Value {
    pub(super) fn is_missing(&self) -> bool {
        *self == Self::Missing
    }

    /// A number, if it is finite.
    fn number_or_nothing(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Missing }
    }

    /// As text; `None` where there is nothing.
    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Missing => return None,
            Self::Text(text) => text.clone(),
            Self::Number(number) => text_of_number(*number),
            Self::Bool(truth) => truth.to_string(),
            Self::Time(micros) => DateTime::from_timestamp_micros(*micros)?
                .format("%Y-%m-%d %H:%M:%S%.3f")
                .to_string(),
            Self::List(items) => serde_json::to_string(items).ok()?,
        })
    }

    /// As a number; `None` where it cannot be taken for one.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Missing | Self::List(_) => None,
            Self::Text(text) if text == "true" => Some(1.0),
            Self::Text(text) if text == "false" => Some(0.0),
            Self::Text(text) => number_in(text),
            Self::Number(number) => Some(*number),
            Self::Bool(truth) => Some(f64::from(u8::from(*truth))),
            Self::Time(micros) => Some(micros.div_euclid(1000) as f64),
        }
    }

    /// As yes or no.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Time(_) | Self::List(_) => false,
            Self::Bool(truth) => *truth,
            Self::Text(_) | Self::Number(_) => self.number().is_some_and(|n| n != 0.0),
        }
    }

    /// As a time, in microseconds.
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    pub(super) fn time(&self) -> Option<i64> {
        match self {
            Self::Time(micros) => Some(*micros),
            Self::Number(millis) => Some((millis * 1000.0) as i64),
            Self::Text(text) => match number_in(text) {
                Some(millis) => Some((millis * 1000.0) as i64),
                None => DateTime::parse_from_rfc3339(text)
                    .map(|time| time.timestamp_micros())
                    .or_else(|_| {
                        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
                            .map(|time| time.and_utc().timestamp_micros())
                    })
                    .ok(),
            },
            Self::Missing | Self::Bool(_) | Self::List(_) => None,
        }
    }
}

/// How a number is written.
static NUMBER: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$").unwrap()
});

/// The number that a text says, if it says nothing else.
pub(super) fn number_in(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let number: f64 = NUMBER.is_match(text).then(|| text.parse().ok()).flatten()?;
    number.is_finite().then_some(number)
}

/// A number as text: no `.0`, an exponent where it is very large or very small.
fn text_of_number(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-6..1e21).contains(&size) => format!("{number:e}"),
        _ => format!("{number}"),
    }
}

/// The order of `sort`: missing values, texts, numbers; digits in texts as whole numbers.
pub(super) fn natural(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Missing => 0,
        Value::Text(text) if number_in(text).is_none() => 1,
        Value::List(_) => 1,
        _ => 2,
    };
    rank(left).cmp(&rank(right)).then_with(|| match (rank(left), left, right) {
        (0, ..) => Ordering::Equal,
        (1, ..) => pieces(&left.text().unwrap()).cmp(&pieces(&right.text().unwrap())),
        (_, Value::Time(l), Value::Time(r)) => l.cmp(r),
        _ => {
            let (l, r) = (left.number().unwrap(), right.number().unwrap());
            l.partial_cmp(&r).unwrap().then_with(|| match (left, right) {
                (Value::Text(l), Value::Text(r)) => l.cmp(r),
                _ => Ordering::Equal,
            })
        }
    })
}

/// A text as letters and runs of digits: a run stands where a digit stands, shorter ones first.
fn pieces(text: &str) -> Vec<(u8, usize, Vec<u8>)> {
    let mut pieces: Vec<(u8, usize, Vec<u8>)> = Vec::new();
    for byte in text.bytes() {
        match pieces.last_mut() {
            Some((_, length, run)) if byte.is_ascii_digit() && *length > 0 => {
                *length += 1;
                run.push(byte);
            }
            _ if byte.is_ascii_digit() => pieces.push((b'0', 1, vec![byte])),
            _ => pieces.push((byte, 0, Vec::new())),
        }
    }
    pieces
}

/// The order in which results of `stats` stand: that of plain values.
pub(super) fn plain(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Missing, Value::Missing) => Ordering::Equal,
        (Value::Missing, _) => Ordering::Less,
        (_, Value::Missing) => Ordering::Greater,
        (Value::Text(l), Value::Text(r)) => l.cmp(r),
        _ => natural(left, right),
    }
}
