//! An answer of AWS as it was caught: what was asked, of whom, when, by whom, and what came.
//!
//! * A refusal is a capture too: what could not be seen is never told as "there is none".
//! * Secrets inside an answer are masked before it is kept; the digest is of the answer as it came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Sha256;

/// The region of what is one for a whole account, wherever it was asked.
pub const GLOBAL: &str = "global";

/// An answer as it was caught. The members of its JSON form are the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// What makes it this one: see [`Capture::id_of`].
    #[serde(rename = "captureId")]
    pub id: String,
    /// The walk over accounts and regions that it belongs to.
    pub run: String,
    /// The service, as signatures know it.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Its parameters, without tokens of pages.
    pub parameters: Value,
    /// The account it was put to: twelve digits.
    pub account: String,
    /// The region that it speaks of; [`GLOBAL`] for what is one for the account.
    pub region: String,
    /// When it was asked, RFC 3339 in UTC.
    #[serde(rename = "capturedAt")]
    pub at: String,
    /// Who asked: the ARN that AWS knows us by there; empty where it is not known.
    pub principal: String,
    /// The service's names for the requests, one for each page.
    #[serde(rename = "requestIds")]
    pub request_ids: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The service's words where there was no answer, or why one is not whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The digest of the pages as they came, before anything was masked.
    #[serde(rename = "answerSha256")]
    pub answer_sha256: Sha256,
    /// What was masked: where it stood, and the digest of what stood there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub masked: Vec<Masked>,
    /// The pages of the answer; none where there was none.
    pub answer: Vec<Value>,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// With a whole answer.
    Answered,
    /// With a part of the answer: there is more than was read.
    Partial,
    /// The service says that there is none, or that it is not switched on there.
    Absent,
    /// The principal may not.
    Denied,
    /// Anything else: not known.
    Failed,
}

/// A value that is nobody's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    /// Where it stood: a JSON pointer into the pages.
    pub at: String,
    /// The digest of what stood there.
    pub sha256: Sha256,
}

impl Outcome {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partial",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl Capture {
    /// The name of a capture: the same question in the same walk has the same one.
    pub fn id_of(run: &str, key: &str, account: &str, region: &str, parameters: &Value) -> String {
        let asked = parameters.to_string();
        let parts = [run, key, account, region, &asked];
        Sha256::of_parts(&parts.map(str::as_bytes)).short()
    }

    /// Service and operation: `cloudtrail:DescribeTrails`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_question_in_a_run_has_one_name_and_others_have_others() {
        let id = |run, account, parameters| {
            Capture::id_of(run, "kms:DescribeKey", account, "eu-west-1", &parameters)
        };
        let one = id("r1", "111122223333", json!({"KeyId": "a"}));
        assert_eq!(one, id("r1", "111122223333", json!({"KeyId": "a"})));
        for other in [
            id("r2", "111122223333", json!({"KeyId": "a"})),
            id("r1", "222233334444", json!({"KeyId": "a"})),
            id("r1", "111122223333", json!({"KeyId": "b"})),
        ] {
            assert_ne!(one, other);
        }
    }
}
