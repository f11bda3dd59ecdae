//! REST with JSON: some parameters in the path, some behind the `?`, the rest in the body.

use serde_json::{Map, Value};

use super::wire::{Built, WireError, percent, scalar};

pub(super) fn build(
    method: &'static str,
    path: &str,
    query: &[(&str, &str)],
    parameters: &Value,
) -> Result<Built, WireError> {
    let Value::Object(members) = parameters else { return Err(WireError::Parameters) };
    let mut rest = members.clone();
    let mut address = filled(path, &mut rest)?;
    // Some of S3's operations are named by what is behind the `?`.
    let mut joint = if address.contains('?') { '&' } else { '?' };
    for (member, spelling) in query {
        let Some(value) = rest.shift_remove(*member) else { continue };
        let items = if let Value::Array(items) = value { items } else { vec![value] };
        for item in items {
            let text =
                scalar(&item).ok_or_else(|| WireError::Parameter { name: (*member).into() })?;
            address.push(joint);
            joint = '&';
            percent(spelling, &mut address);
            address.push('=');
            percent(&text, &mut address);
        }
    }
    let (headers, body) = if rest.is_empty() && method == "GET" {
        (Vec::new(), Vec::new())
    } else {
        let json = ("content-type", "application/json".to_owned());
        (vec![json], Value::Object(rest).to_string().into_bytes())
    };
    Ok(Built { method, path: address, headers, body })
}

/// The path with its parameters, which are taken out of the rest. An empty one would make it
/// another path.
fn filled(path: &str, rest: &mut Map<String, Value>) -> Result<String, WireError> {
    let mut address = String::new();
    for (place, part) in path.split(['{', '}']).enumerate() {
        if place % 2 == 0 {
            address.push_str(part);
            continue;
        }
        let text = rest.shift_remove(part).as_ref().and_then(scalar).unwrap_or_default();
        if text.is_empty() {
            return Err(WireError::Parameter { name: part.to_owned() });
        }
        percent(&text, &mut address);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_go_where_the_model_puts_them() {
        let parameters = json!({"DetectorId": "a/b", "MaxResults": 50, "Criteria": {"x": 1}});
        let query = [("MaxResults", "maxResults"), ("NextToken", "nextToken")];
        let built = build("POST", "/detector/{DetectorId}/findings", &query, &parameters).unwrap();
        assert_eq!(built.path, "/detector/a%2Fb/findings?maxResults=50");
        assert_eq!(built.body, br#"{"Criteria":{"x":1}}"#);
    }

    #[test]
    fn a_get_without_more_has_no_body() {
        let built = build("GET", "/accounts", &[], &json!({})).unwrap();
        assert!(built.body.is_empty() && built.headers.is_empty());
    }

    #[test]
    fn a_missing_part_of_the_path_is_refused() {
        for parameters in [json!({}), json!({"DetectorId": ""}), json!({"DetectorId": ["x"]})] {
            let refused = build("GET", "/detector/{DetectorId}", &[], &parameters);
            assert!(refused.is_err(), "{parameters}");
        }
    }
}
