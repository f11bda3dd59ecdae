//! Members of answers whose form depends on how they travelled: XML has no empty list, no number
//! and no yes.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use wk_model::Timestamp;

/// A list: nothing at all is an empty one, a single element is one of one.
///
/// # Errors
/// If an element is not of the form that is expected.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let items = match Value::deserialize(from)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one => vec![one],
    };
    items.into_iter().map(|item| serde_json::from_value(item).map_err(D::Error::custom)).collect()
}

/// A yes or no, also as text; nothing is no answer.
///
/// # Errors
/// If it is neither.
pub fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(text) if text == "true" => Ok(Some(true)),
        Value::String(text) if text == "false" => Ok(Some(false)),
        other => Err(D::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// A whole number, also as text; nothing is no answer.
///
/// # Errors
/// If it is none.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(from)?;
    let read = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    read.map(Some).ok_or_else(|| D::Error::custom(format!("{value} is not a whole number")))
}

/// A point in time: seconds since 1970 with a fraction (JSON), or RFC 3339 (XML, REST).
///
/// # Errors
/// If it is neither.
pub fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(from)?;
    let read = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64().and_then(from_seconds),
        Value::String(text) => Timestamp::parse(text).ok(),
        _ => None,
    };
    read.map(Some).ok_or_else(|| D::Error::custom(format!("{value} is not a point in time")))
}

/// Milliseconds are as fine as AWS's numbers are.
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    // Beyond the year 9999, or no number at all.
    if !(0.0..=253_402_300_800_000.0).contains(&millis) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number within the years 1970 to 9999"
    )]
    Some(Timestamp::from_millis(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Thing {
        #[serde(default, deserialize_with = "list")]
        names: Vec<String>,
        #[serde(default, deserialize_with = "flag")]
        on: Option<bool>,
        #[serde(default, deserialize_with = "number")]
        count: Option<i64>,
        #[serde(default, deserialize_with = "time")]
        at: Option<Timestamp>,
    }

    fn read(text: &str) -> Result<String, String> {
        let thing: Thing = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let at = thing.at.map(|at| at.to_string());
        Ok(format!("{:?} {:?} {:?} {at:?}", thing.names, thing.on, thing.count))
    }

    #[test]
    fn json_and_xml_say_the_same() {
        let json = r#"{"names": ["a"], "on": true, "count": 7, "at": 1700000000.5}"#;
        let xml = r#"{"names": "a", "on": "true", "count": "7", "at": "2023-11-14T22:13:20.500Z"}"#;
        assert_eq!(read(json), read(xml));
        assert_eq!(read("{}"), read(r#"{"names": null, "on": null, "count": null, "at": null}"#));
        assert!(read(json).unwrap().contains("2023-11-14T22:13:20.5"), "{:?}", read(json));
    }

    #[test]
    fn nonsense_is_refused_and_never_taken_for_nothing() {
        for text in [r#"{"on": "yes"}"#, r#"{"count": "7.5"}"#, r#"{"at": 1e300}"#, r#"{"at": -1}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
