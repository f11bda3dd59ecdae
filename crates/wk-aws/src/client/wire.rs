//! A call as bytes, and an answer as values: one way for each protocol.

use serde_json::Value;
use wk_seam::aws::{Http, Operation};

use super::services::{Protocol, Service};
use super::{json, query, rest, xml};

/// A request before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) method: &'static str,
    /// Path and query, from the first slash.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// A call that cannot be written down, or an answer that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the parameter {name:?} is missing or is no text")]
    Parameter { name: String },
    #[error("the parameters are no object")]
    Parameters,
    #[error("the operation has no path of its own, and its service needs one")]
    NoPath,
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Xml(#[from] xml::BadXml),
}

/// Writes a call down.
pub(crate) fn build(
    service: &Service,
    operation: &Operation,
    parameters: &Value,
) -> Result<Built, WireError> {
    match (service.protocol, operation.http) {
        (Protocol::Json { version, target }, _) => {
            Ok(json::build(version, target, operation.name, parameters))
        }
        (Protocol::Query { version }, _) => {
            query::build(query::Lists::Member, version, operation.name, parameters)
        }
        (Protocol::Ec2 { version }, _) => {
            query::build(query::Lists::Flat, version, operation.name, parameters)
        }
        (Protocol::RestJson | Protocol::RestXml, Http::Rest { method, path, query }) => {
            rest::build(method, path, query, parameters)
        }
        (Protocol::RestJson | Protocol::RestXml, Http::Post) => Err(WireError::NoPath),
    }
}

/// Reads the answer to a call that went well.
pub(crate) fn read(
    service: &Service,
    operation: &Operation,
    body: &[u8],
) -> Result<Value, WireError> {
    match service.protocol {
        Protocol::Json { .. } | Protocol::RestJson => json::read(body),
        Protocol::Query { .. } => Ok(query::unwrapped(operation.name, xml::read(body)?.content)),
        Protocol::Ec2 { .. } => Ok(xml::read(body)?.content),
        Protocol::RestXml => rest_xml(body),
    }
}

/// What S3 answers: XML, nothing, or the one thing that is JSON by itself, a policy.
fn rest_xml(body: &[u8]) -> Result<Value, WireError> {
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match begins {
        None => Ok(serde_json::json!({})),
        Some(b'{') => {
            let policy = std::str::from_utf8(body).map_err(|_| xml::BadXml::Encoding)?;
            Ok(serde_json::json!({ "Policy": policy }))
        }
        Some(_) => match xml::read(body)?.content {
            Value::Null => Ok(serde_json::json!({})),
            content => Ok(content),
        },
    }
}

/// Text as a part of a query or path, after RFC 3986: everything but unreserved characters by
/// number.
pub(crate) fn percent(text: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// A single value as text; nothing for what has parts.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn s3_answers_xml_nothing_or_a_policy() {
        let policy = r#" {"Statement":[]}"#;
        assert_eq!(rest_xml(policy.as_bytes()).unwrap(), json!({ "Policy": policy }));
        assert_eq!(rest_xml(b" \n").unwrap(), json!({}));
        let empty = b"<VersioningConfiguration xmlns=\"x\"/>";
        assert_eq!(rest_xml(empty).unwrap(), json!({}));
        let on = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        assert_eq!(rest_xml(on).unwrap(), json!({"Status": "Enabled"}));
        assert!(rest_xml(b"oops").is_err());
    }
}
