//! Records of calls as lines of the program's log.

use wk_seam::aws::{CallRecord, Recorder};

/// Writes every call to the log: those that failed as warnings, the rest for whoever looks closely.
#[derive(Debug, Default)]
pub struct LoggedCalls;

impl Recorder for LoggedCalls {
    fn record(&self, record: &CallRecord) {
        let CallRecord { service, operation, region, retries, page, .. } = record;
        let account = record.account.as_deref().unwrap_or("own");
        let request_id = record.request_id.as_deref().unwrap_or("none");
        let answer = record.answer_sha256.map(|digest| digest.to_string()).unwrap_or_default();
        match &record.error {
            Some(error) => tracing::warn!(
                target: "aws", service, operation, region, account, request_id, retries, page, error,
                "a call to AWS failed"
            ),
            None => tracing::debug!(
                target: "aws", service, operation, region, account, request_id, retries, page, answer,
                bytes = record.answer_bytes, "a call to AWS"
            ),
        }
    }
}
