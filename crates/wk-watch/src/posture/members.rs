//! Members of AWS's answers, in whichever form they came.
//!
//! * The first letter of a member may be of either case: EC2 writes `vpcId`, its models and the AWS
//!   CLI `VpcId`, AWS Config again `vpcId`.
//! * XML has no yes, no number and no empty list; a list of one is its element, and some lists wrap
//!   their elements. Everything here takes both forms.

use serde_json::{Map, Value};
use wk_model::Timestamp;

/// The member of this name, if it is there and not null.
pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    let found = members.get(name).or_else(|| other_case(members, name))?;
    (!found.is_null()).then_some(found)
}

fn other_case<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut letters = name.chars();
    let first = letters.next()?;
    let flipped = if first.is_ascii_uppercase() {
        first.to_ascii_lowercase()
    } else {
        first.to_ascii_uppercase()
    };
    members.get(&std::iter::once(flipped).chain(letters).collect::<String>())
}

/// The member at the end of a path with dots.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, member)
}

/// Text at the end of a path, if there is any and it is not empty.
pub fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// Text at the end of a path, or nothing.
pub fn word<'a>(value: &'a Value, path: &str) -> &'a str {
    text(value, path).unwrap_or_default()
}

/// A yes or no at the end of a path.
pub fn flag(value: &Value, path: &str) -> Option<bool> {
    match at(value, path)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Whether there is a yes at the end of a path.
pub fn is(value: &Value, path: &str) -> bool {
    flag(value, path) == Some(true)
}

/// A number at the end of a path.
pub fn number(value: &Value, path: &str) -> Option<f64> {
    match at(value, path)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

/// A whole number at the end of a path.
pub fn whole(value: &Value, path: &str) -> Option<i64> {
    match at(value, path)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A point in time at the end of a path: RFC 3339, or seconds (or milliseconds) since 1970.
pub fn time(value: &Value, path: &str) -> Option<Timestamp> {
    match at(value, path)? {
        Value::String(text) => Timestamp::parse(text).ok(),
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|s| (0.0..1e14).contains(s))?;
            let millis = if seconds > 1e11 { seconds } else { seconds * 1000.0 };
            #[expect(clippy::cast_possible_truncation, reason = "below 10^14")]
            Some(Timestamp::from_millis(millis as i64))
        }
        _ => None,
    }
}

/// The elements of the list at the end of a path. Nothing is an empty one, a single element one of
/// one. Where a member on the way is a list already, that is the list: models know no wrappings.
pub fn list<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = value;
    for name in path.split('.') {
        if let Value::Array(items) = found {
            return items.iter().collect();
        }
        let Some(inner) = member(found, name) else { return Vec::new() };
        found = inner;
    }
    match found {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

/// The first of these lists that has elements.
pub fn first_list<'a>(value: &'a Value, paths: &[&str]) -> Vec<&'a Value> {
    paths.iter().map(|path| list(value, path)).find(|items| !items.is_empty()).unwrap_or_default()
}

/// The texts of the list at the end of a path.
pub fn texts<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    list(value, path).into_iter().filter_map(Value::as_str).collect()
}

/// A value of a map: a member, or the `value` of the `entry` with this `key`.
pub fn entry<'a>(value: &'a Value, path: &str, key: &str) -> Option<&'a Value> {
    let map = at(value, path)?;
    let of_entry = || {
        let entries = list(map, "entry").into_iter();
        let found = entries.into_iter().find(|entry| text(entry, "key") == Some(key))?;
        member(found, "value")
    };
    map.get(key).filter(|v| !v.is_null()).or_else(of_entry)
}

/// The value of a tag: of a list of keys and values, or of a map.
pub fn tag<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    let tags = first_list(value, &["Tags", "TagSet", "TagList"]);
    let found = tags.into_iter().find(|tag| text(tag, "Key") == Some(key));
    found.and_then(|tag| text(tag, "Value")).or_else(|| member(value, "tags")?.get(key)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_wire_and_config_are_read_alike() {
        let model = json!({"Vpcs": [{"VpcId": "v", "IsDefault": true, "Size": 7}]});
        let wire = json!({"vpcSet": [{"vpcId": "v", "isDefault": "true", "size": "7"}]});
        for form in [model, wire] {
            let vpcs = first_list(&form, &["Vpcs", "vpcSet"]);
            assert_eq!((text(vpcs[0], "VpcId"), is(vpcs[0], "IsDefault")), (Some("v"), true));
            assert_eq!(whole(vpcs[0], "Size"), Some(7));
        }
    }

    #[test]
    fn lists_of_xml_are_lists_with_and_without_their_wrapping() {
        let count = |value: Value| list(&value, "DBInstances.DBInstance").len();
        assert_eq!(count(json!({"DBInstances": [{"A": 1}, {"A": 2}]})), 2);
        assert_eq!(count(json!({"DBInstances": {"DBInstance": [{"A": 1}, {"A": 2}]}})), 2);
        assert_eq!(count(json!({"DBInstances": {"DBInstance": {"A": 1}}})), 1);
        assert_eq!(count(json!({"DBInstances": null})), 0);
        assert_eq!(count(json!({})), 0);
    }

    #[test]
    fn maps_are_maps_with_and_without_entries() {
        let plain = json!({"Attributes": {"TopicArn": "t"}});
        let wire = json!({"Attributes": {"entry": [{"key": "TopicArn", "value": "t"}]}});
        for form in [plain, wire] {
            assert_eq!(entry(&form, "Attributes", "TopicArn"), Some(&json!("t")));
            assert_eq!(entry(&form, "Attributes", "Owner"), None);
        }
    }

    #[test]
    fn times_come_in_three_forms() {
        let value =
            json!({"a": "2026-11-22T10:00:00Z", "b": 1_795_341_600.0, "c": 1_795_341_600_000_i64});
        let a = time(&value, "a").unwrap();
        assert_eq!((time(&value, "b"), time(&value, "c")), (Some(a), Some(a)));
    }
}
