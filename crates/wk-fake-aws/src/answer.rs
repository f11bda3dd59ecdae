//! Answers and refusals, in the words of each protocol.

use serde_json::{Value, json};

/// A refusal of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The service's code.
    pub code: String,
    /// The service's words.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }
}

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    Json,
    Query,
    Ec2,
}

impl Tongue {
    pub(crate) fn of(service: &str) -> Self {
        match service {
            "sts" | "sns" | "iam" => Self::Query,
            "ec2" => Self::Ec2,
            _ => Self::Json,
        }
    }

    /// The body of an answer, and its type.
    pub(crate) fn answer(
        self,
        action: &str,
        request_id: &str,
        answer: &Value,
    ) -> (String, &'static str) {
        match self {
            Self::Json => (answer.to_string(), "application/x-amz-json-1.1"),
            Self::Query => {
                let inside = xml(answer, "member");
                let body = format!(
                    "<{action}Response><{action}Result>{inside}</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
                );
                (body, "text/xml")
            }
            Self::Ec2 => {
                let inside = xml(answer, "item");
                let body = format!(
                    "<{action}Response><requestId>{request_id}</requestId>{inside}</{action}Response>"
                );
                (body, "text/xml")
            }
        }
    }

    pub(crate) fn refuse(self, request_id: &str, refusal: &Refusal) -> (String, &'static str) {
        let (code, message) = (&refusal.code, escape(&refusal.message));
        match self {
            Self::Json => {
                let body = json!({"__type": code, "message": refusal.message});
                (body.to_string(), "application/x-amz-json-1.1")
            }
            Self::Query => {
                let body = format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
                );
                (body, "text/xml")
            }
            Self::Ec2 => {
                let body = format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
                );
                (body, "text/xml")
            }
        }
    }
}

/// A value as XML; elements of lists are called as the protocol calls them.
fn xml(value: &Value, element: &str) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => escape(text),
        Value::Array(items) => items
            .iter()
            .map(|item| format!("<{element}>{}</{element}>", xml(item, element)))
            .collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| format!("<{name}>{}</{name}>", xml(member, element)))
            .collect(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
