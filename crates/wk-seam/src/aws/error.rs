//! Why a call brought no answer, and what to do about it.

use std::fmt;

use wk_model::AccountId;

use super::{Operation, Target};
use crate::Failure;

/// The longest text of a service that is told, in characters.
const MESSAGE_CHARS_MAX: usize = 600;

/// A call that brought no answer.
#[derive(Debug)]
pub struct AwsError {
    /// Which call, put to whom.
    pub call: CallName,
    /// What kind of failure it is.
    pub kind: AwsErrorKind,
    /// The service's error code, where it gave one.
    pub code: Option<String>,
    /// What the service, or the way to it, tells: one line, bounded.
    pub message: String,
    /// HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// The service's name for the request.
    pub request_id: Option<String>,
    /// How often it was repeated.
    pub retries: u32,
}

/// What a caller decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The principal may not. Never to be told as "there is none".
    Denied,
    /// What was named does not exist.
    NotFound,
    /// The service, or the feature, is not switched on or not offered there.
    NotEnabled,
    /// Too many calls, also after waiting.
    Throttled,
    /// The service failed.
    Service,
    /// No answer: no connection, or too slow. What was asked may have been done.
    Unreachable,
    /// There are no credentials, or they are not taken.
    Credentials,
    /// Our clock and AWS's differ, also after correction.
    Skewed,
    /// The request is not one that the service takes.
    Invalid,
    /// The answer is not of the form that was expected.
    Malformed,
    /// A token came twice, so that the pages would have no end.
    TokenRepeated,
}

/// Which call, put to whom: for errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// The operation.
    pub operation: &'static Operation,
    /// The account; none is our own.
    pub account: Option<AccountId>,
    /// The region; none is not known.
    pub region: Option<String>,
}

impl CallName {
    /// A call to this target.
    pub fn of(operation: &'static Operation, target: &Target) -> Self {
        Self { operation, account: target.account.clone(), region: target.region.clone() }
    }
}

impl AwsError {
    /// A failure without an answer of the service.
    pub fn new(call: CallName, kind: AwsErrorKind, message: impl AsRef<str>) -> Box<Self> {
        Box::new(Self {
            call,
            kind,
            code: None,
            message: one_line(message.as_ref()),
            status: None,
            request_id: None,
            retries: 0,
        })
    }

    /// An answer that is not of the form that was expected.
    pub fn malformed(call: CallName, why: impl AsRef<str>) -> Box<Self> {
        Self::new(call, AwsErrorKind::Malformed, why)
    }

    /// With the service's name for the request.
    #[must_use]
    pub fn with_request(mut self: Box<Self>, request_id: &str) -> Box<Self> {
        self.request_id = Some(one_line(request_id));
        self
    }

    /// Whether the same call may go through later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            AwsErrorKind::Throttled | AwsErrorKind::Service | AwsErrorKind::Unreachable
        )
    }

    /// As a failure of another way out. No `From`: a second one would leave the type of many a
    /// closure open.
    pub fn into_failure(self: Box<Self>) -> Failure {
        let transient = self.is_transient();
        let failure = Failure::new(format!("call {}", self.call), self);
        if transient { failure.transient() } else { failure }
    }

    /// What a person can do about it.
    pub fn what_to_do(&self) -> String {
        let operation = self.call.operation;
        match self.kind {
            AwsErrorKind::Denied if operation.permission.is_empty() => {
                "look for an explicit deny in the policies of the principal".into()
            }
            AwsErrorKind::Denied => format!(
                "allow {} to the principal, and look for an explicit deny (service control policy, boundary, resource policy)",
                operation.permission
            ),
            AwsErrorKind::NotFound => "check the name, the account and the region".into(),
            AwsErrorKind::NotEnabled => {
                "switch it on there, or leave the region or account out".into()
            }
            AwsErrorKind::Throttled => {
                "try later; others use the same quota of this account and region".into()
            }
            AwsErrorKind::Service => "try later; see the AWS Health Dashboard".into(),
            AwsErrorKind::Unreachable => {
                "check network, proxy and endpoint (AWS_ENDPOINT_URL, the region's name)".into()
            }
            AwsErrorKind::Credentials => {
                "check the profile; sign in again where it is a session".into()
            }
            AwsErrorKind::Skewed => "set this machine's clock (NTP)".into(),
            AwsErrorKind::Invalid => "check the names and values in the configuration".into(),
            AwsErrorKind::Malformed => {
                "check that the endpoint is AWS's; else report it with the request's id".into()
            }
            AwsErrorKind::TokenRepeated => {
                "try again; report it with the request's id if it stays".into()
            }
        }
    }

    fn what_happened(&self) -> &'static str {
        match self.kind {
            AwsErrorKind::Denied => "was denied",
            AwsErrorKind::NotFound => "names something that does not exist",
            AwsErrorKind::NotEnabled => "is not offered there",
            AwsErrorKind::Throttled => "was throttled",
            AwsErrorKind::Service => "failed in the service",
            AwsErrorKind::Unreachable => "got no answer",
            AwsErrorKind::Credentials => "was not made: the credentials are not taken",
            AwsErrorKind::Skewed => "was refused: the clocks differ",
            AwsErrorKind::Invalid => "was refused",
            AwsErrorKind::Malformed => "got an answer that cannot be read",
            AwsErrorKind::TokenRepeated => "got the same token twice",
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.what_happened())?;
        match &self.code {
            Some(code) if self.message.is_empty() => write!(f, ": {code}")?,
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None if self.message.is_empty() => {}
            None => write!(f, ": {}", self.message)?,
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request {request_id})")?;
        }
        if self.retries > 0 {
            write!(f, ", tried {} times", self.retries + 1)?;
        }
        write!(f, "; {}", self.what_to_do())
    }
}

impl std::error::Error for AwsError {}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.operation.service, self.operation.name)?;
        if let Some(region) = &self.region {
            write!(f, " in {region}")?;
        }
        match &self.account {
            Some(account) => write!(f, " of account {account}"),
            None => Ok(()),
        }
    }
}

/// What a service says, in one bounded line: it may repeat what hostile hands wrote.
fn one_line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = shown.take(MESSAGE_CHARS_MAX).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, Operation};
    use super::*;

    const LIST: Operation = Operation {
        service: "sqs",
        name: "ReceiveMessage",
        permission: "sqs:ReceiveMessage",
        effect: Effect::Repeatable,
        ..Operation::READ
    };

    fn denied(message: &str) -> Box<AwsError> {
        let target = Target {
            account: Some(AccountId::try_from("111122223333".to_owned()).unwrap()),
            region: Some("eu-west-1".into()),
        };
        let mut error = AwsError::new(CallName::of(&LIST, &target), AwsErrorKind::Denied, message);
        error.code = Some("AccessDenied".into());
        error.with_request("r-1")
    }

    #[test]
    fn a_denial_names_call_account_region_request_and_permission() {
        let said = denied("no").to_string();
        let expected = "sqs:ReceiveMessage in eu-west-1 of account 111122223333 was denied: AccessDenied: no (request r-1); allow sqs:ReceiveMessage to the principal";
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn what_a_service_says_is_one_bounded_line() {
        let said = denied(&format!("a\n\u{1b}[31mb{}", "x".repeat(5_000))).message;
        assert!(said.starts_with("a [31mbx") && said.chars().count() <= 600, "{said}");
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        let mut error = denied("");
        assert!(!error.is_transient());
        error.kind = AwsErrorKind::Throttled;
        assert!(error.into_failure().transient);
    }
}
