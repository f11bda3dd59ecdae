//! What is kept of a call: enough to find it in CloudTrail and to show what was asked.

use serde::Serialize;
use serde_json::Value;
use wk_model::Sha256;

/// One request to AWS with its repetitions, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallRecord {
    /// When it was sent for the last time, by our clock, RFC 3339 in UTC.
    pub at: String,
    /// The service: `sqs`.
    pub service: &'static str,
    /// The operation: `ReceiveMessage`.
    pub operation: &'static str,
    /// The access key id that signed it; not a secret, and what CloudTrail shows too.
    pub principal: String,
    /// The account it was put to; none is our own.
    pub account: Option<String>,
    /// The region it was signed for.
    pub region: String,
    /// Its parameters; members that are nobody's business stand as `***`.
    pub parameters: Value,
    /// The digest of the parameters as they were sent.
    pub parameters_sha256: Sha256,
    /// Which page of the answer was asked for, from 1.
    pub page: u32,
    /// How often it was repeated.
    pub retries: u32,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// The service's name for the request.
    pub request_id: Option<String>,
    /// The digest of the answer as it came.
    pub answer_sha256: Option<Sha256>,
    /// Bytes of the answer as it came.
    pub answer_bytes: u64,
    /// The service's error code, or what went wrong on the way.
    pub error: Option<String>,
}

/// Takes the records of calls. It is called for every request, also for those that failed.
pub trait Recorder: Send + Sync {
    /// Keeps a record. Must not wait for long: the call waits for it.
    fn record(&self, record: &CallRecord);
}

impl CallRecord {
    /// Parameters without what is nobody's business.
    pub fn masked(parameters: &Value, masked: &[&str]) -> Value {
        match parameters {
            Value::Object(members) => {
                let shown = members.iter().map(|(name, member)| {
                    let hidden = masked.contains(&name.as_str());
                    let shown = if hidden { "***".into() } else { Self::masked(member, masked) };
                    (name.clone(), shown)
                });
                Value::Object(shown.collect())
            }
            Value::Array(items) => items.iter().map(|item| Self::masked(item, masked)).collect(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nobodys_business_is_not_shown_at_any_depth() {
        let parameters = json!({"QueueUrl": "u", "Entries": [{"Id": "0", "ReceiptHandle": "h"}]});
        let shown = CallRecord::masked(&parameters, &["ReceiptHandle"]);
        let expected = json!({"QueueUrl": "u", "Entries": [{"Id": "0", "ReceiptHandle": "***"}]});
        assert_eq!(shown, expected);
    }
}
