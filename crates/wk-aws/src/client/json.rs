//! JSON 1.0 and 1.1: everything in the body, the operation in a header.

use serde_json::Value;

use super::wire::{Built, WireError};

pub(super) fn build(version: &str, target: &str, operation: &str, parameters: &Value) -> Built {
    Built {
        method: "POST",
        path: "/".to_owned(),
        headers: vec![
            ("content-type", format!("application/x-amz-json-{version}")),
            ("x-amz-target", format!("{target}.{operation}")),
        ],
        body: parameters.to_string().into_bytes(),
    }
}

/// An empty body is an empty object: some operations answer nothing.
pub(super) fn read(body: &[u8]) -> Result<Value, WireError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    Ok(serde_json::from_slice(body)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_operation_is_in_a_header_and_the_rest_in_the_body() {
        let built = build("1.0", "AmazonSQS", "GetQueueUrl", &json!({"QueueName": "q"}));
        assert_eq!((built.method, built.path.as_str()), ("POST", "/"));
        assert_eq!(built.headers[0].1, "application/x-amz-json-1.0");
        assert_eq!(built.headers[1].1, "AmazonSQS.GetQueueUrl");
        assert_eq!(built.body, br#"{"QueueName":"q"}"#);
    }

    #[test]
    fn nothing_is_an_empty_answer_and_rubbish_is_none() {
        assert_eq!(read(b" \n").unwrap(), json!({}));
        assert!(read(b"<html>").is_err() && read(b"{\"a\":").is_err());
    }
}
