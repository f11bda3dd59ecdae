//! Secrets inside answers: masked before anything is kept, with the digest of what stood there.

use serde_json::Value;
use wk_model::Sha256;
use wk_model::capture::Masked;

/// What stands in a secret's place.
const MASK: &str = "***";

/// Masks the values of these members at any depth; those of a map one by one, so that their names
/// stay. Answers what was masked.
pub fn masked(pages: &mut [Value], names: &[&str]) -> Vec<Masked> {
    let mut found = Vec::new();
    if names.is_empty() {
        return found;
    }
    for (number, page) in pages.iter_mut().enumerate() {
        walk(page, names, &format!("/{number}"), &mut found);
    }
    found
}

fn walk(value: &mut Value, names: &[&str], at: &str, found: &mut Vec<Masked>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
                    hide(member, &at, found);
                } else {
                    walk(member, names, &at, found);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                walk(item, names, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

/// Every single value from here on.
fn hide(value: &mut Value, at: &str, found: &mut Vec<Masked>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                hide(member, &at, found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                hide(item, &format!("{at}/{number}"), found);
            }
        }
        single => {
            let text = single.as_str().map_or_else(|| single.to_string(), str::to_owned);
            found.push(Masked { at: at.to_owned(), sha256: Sha256::of(text.as_bytes()) });
            *single = MASK.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_masked_and_names_and_digests_stay() {
        let mut pages = vec![json!({"Functions": [
            {"FunctionName": "f", "Environment": {"Variables": {"DB_PASSWORD": "hunter2", "A/B": "x"}}},
            {"FunctionName": "g"},
        ]})];
        let found = masked(&mut pages, &["Variables"]);
        let variables = &pages[0]["Functions"][0]["Environment"]["Variables"];
        assert_eq!(variables, &json!({"DB_PASSWORD": "***", "A/B": "***"}));
        assert_eq!(pages[0]["Functions"][0]["FunctionName"], "f");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].at, "/0/Functions/0/Environment/Variables/DB_PASSWORD");
        assert_eq!(found[0].sha256, Sha256::of(b"hunter2"));
        assert!(found[1].at.ends_with("/A~1B"));
    }

    #[test]
    fn nothing_is_masked_where_nothing_is_named() {
        let mut pages = vec![json!({"UserData": "x"})];
        assert!(masked(&mut pages, &[]).is_empty());
        assert_eq!(masked(&mut pages, &["userData"]).len(), 1);
    }
}
