//! AWS query and EC2 query: a form there.
//!
//! * Members of members are written with dots: `Filter.1.Name`.
//! * A list of a query service is `Names.member.1`, one of EC2 is `Name.1`. A query service whose
//!   model names the elements otherwise (`MessageAttributes.entry.1`) has them as the one member of
//!   an object: `{"entry": [ … ]}`.

use serde_json::Value;

use super::wire::{Built, WireError, percent, scalar};

/// How lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    Member,
    Flat,
}

pub(super) fn build(
    lists: Lists,
    version: &str,
    operation: &str,
    parameters: &Value,
) -> Result<Built, WireError> {
    let Value::Object(members) = parameters else { return Err(WireError::Parameters) };
    let mut form = format!("Action={operation}&Version={version}");
    for (name, member) in members {
        add(lists, name, member, &mut form);
    }
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    Ok(Built {
        method: "POST",
        path: "/".to_owned(),
        headers: vec![("content-type", kind.to_owned())],
        body: form.into_bytes(),
    })
}

/// Parameters are our own and a few levels deep.
fn add(lists: Lists, name: &str, value: &Value, form: &mut String) {
    match value {
        Value::Object(members) => {
            for (inner, member) in members {
                add(lists, &format!("{name}.{inner}"), member, form);
            }
        }
        Value::Array(items) => {
            let named = name.ends_with(".entry") || lists == Lists::Flat;
            let stem = if named { name.to_owned() } else { format!("{name}.member") };
            for (number, item) in (1u64..).zip(items) {
                add(lists, &format!("{stem}.{number}"), item, form);
            }
        }
        single => {
            if let Some(text) = scalar(single) {
                form.push('&');
                percent(name, form);
                form.push('=');
                percent(&text, form);
            }
        }
    }
}

/// What is inside `<XResponse><XResult>`; nothing where an operation has no result.
pub(super) fn unwrapped(operation: &str, mut content: Value) -> Value {
    match content.get_mut(format!("{operation}Result")).map(Value::take) {
        None | Some(Value::Null) => Value::Object(serde_json::Map::new()),
        Some(result) => result,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(lists: Lists, parameters: &Value) -> String {
        String::from_utf8(build(lists, "1", "Do", parameters).unwrap().body).unwrap()
    }

    #[test]
    fn lists_and_members_are_written_as_each_protocol_wants_it() {
        let filter = json!({"Filter": [{"Name": "a b", "Value": ["x", "y&z"]}], "Dry": true});
        assert_eq!(
            form(Lists::Flat, &filter),
            "Action=Do&Version=1&Filter.1.Name=a%20b&Filter.1.Value.1=x&Filter.1.Value.2=y%26z&Dry=true"
        );
        let named = json!({"Names": ["x"], "Map": {"entry": [{"Name": "n"}]}});
        assert_eq!(
            form(Lists::Member, &named),
            "Action=Do&Version=1&Names.member.1=x&Map.entry.1.Name=n"
        );
    }

    #[test]
    fn the_result_is_taken_out_of_its_wrappings() {
        let content = json!({"DoResult": {"A": "1"}, "ResponseMetadata": {"RequestId": "r"}});
        assert_eq!(unwrapped("Do", content), json!({"A": "1"}));
        assert_eq!(unwrapped("Do", json!({"ResponseMetadata": {}})), json!({}));
        assert_eq!(unwrapped("Do", json!({"DoResult": null})), json!({}));
    }
}
