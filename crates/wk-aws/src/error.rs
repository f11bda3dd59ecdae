//! Why there are no credentials, and what to do about it.
//!
//! * What the chain tells is taken over as text, in one line and bounded: its own error values may
//!   hold whole answers, and with them secrets.
//! * Errors are values that can be copied, because every caller that waited gets the same one.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::error::ErrorMetadata;
use wk_model::Timestamp;

/// The longest reason that is taken over, in characters.
const REASON_CHARS_MAX: usize = 600;
/// The longest chain of causes that is followed.
const CAUSES_MAX: usize = 32;

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The profile asked for is not in the shared files.
    #[error(
        "there is no profile {profile:?} in the AWS config or credentials file; there {}",
        listed(.known)
    )]
    NoSuchProfile {
        /// The profile asked for.
        profile: String,
        /// The profiles that exist, sorted.
        known: Vec<String>,
    },
    /// The shared files cannot be read or are malformed.
    #[error("the AWS config and credentials files cannot be used")]
    Files(#[source] Told),
    /// The certificates that environment or profile name cannot be used.
    #[error("the certificates in {path:?} (AWS_CA_BUNDLE or ca_bundle) cannot be used")]
    Certificates {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        why: Told,
    },
    /// No HTTP client can be made.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] Told),
    /// Every source was asked, and none has credentials.
    #[error(
        "no credentials found: {}; run `aws configure` or `aws sso login`, or name a profile by --profile or AWS_PROFILE",
        .tried.join("; ")
    )]
    NoneFound {
        /// What was tried, in order, each with the reason why it gave none.
        tried: Vec<String>,
    },
    /// Nobody is signed in to IAM Identity Center, or not any more.
    #[error("the SSO sign-in is missing or has expired; run `aws sso login --profile {profile}`")]
    SignIn {
        /// The profile to sign in with.
        profile: String,
        /// What the chain tells.
        #[source]
        why: Told,
    },
    /// The profile is signed in by `aws login`, whose cache is not read here.
    #[error(
        "profile {profile:?} signs in by `aws login`, which is not read directly; add a profile with `credential_process = aws configure export-credentials --profile {profile} --format process` and name that one"
    )]
    ConsoleLogin {
        /// The profile.
        profile: String,
    },
    /// A role was refused, and the profile says that it needs a code that nobody can be asked for.
    #[error(
        "profile {profile:?} has an mfa_serial, and no code is asked for here; get a session elsewhere, or add a profile with `credential_process = aws configure export-credentials --profile {profile} --format process`"
    )]
    Code {
        /// The profile that names the device.
        profile: String,
        /// What the chain tells.
        #[source]
        why: Told,
    },
    /// A source is set up and gave none.
    #[error("{from} gave no credentials")]
    Refused {
        /// The source.
        from: String,
        /// Whether the network or a limit was the reason, so that a later call may go through.
        transient: bool,
        /// What the chain tells.
        #[source]
        why: Told,
    },
    /// All sources together took too long.
    #[error("no credentials within {seconds} s")]
    Slow {
        /// The limit.
        seconds: u64,
    },
    /// What a source gave has ended or is about to.
    #[error("the credentials from {from} end at {at} and it gives no newer ones")]
    Ended {
        /// The source.
        from: String,
        /// When they end.
        at: Timestamp,
    },
}

/// What a library tells about a failure, in one line without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Told(String);

impl CredentialError {
    /// Whether the same question may be answered later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { transient, .. } => *transient,
            Self::Slow { .. } | Self::Ended { .. } => true,
            Self::NoSuchProfile { .. }
            | Self::Files(_)
            | Self::Certificates { .. }
            | Self::Http(_)
            | Self::NoneFound { .. }
            | Self::SignIn { .. }
            | Self::ConsoleLogin { .. }
            | Self::Code { .. } => false,
        }
    }
}

impl Told {
    /// Words of our own.
    pub(crate) fn plain(words: &str) -> Self {
        Self(words.to_owned())
    }

    /// What an error and its causes say, without the words that only say that something failed.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut words: Vec<String> = Vec::new();
        for cause in causes(error) {
            let said = match cause.downcast_ref::<ErrorMetadata>() {
                Some(service) => service_words(service),
                None => first_sentence(&cause.to_string()),
            };
            let repeated = words.last().is_some_and(|last| last.contains(&said));
            if !said.is_empty() && !repeated && !EMPTY_WORDS.contains(&said.as_str()) {
                words.push(said);
            }
        }
        if words.is_empty() {
            words.push(error.to_string());
        }
        Self(words.join(": ").chars().take(REASON_CHARS_MAX).collect())
    }
}

impl AsRef<str> for Told {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Whether the network or a limit of the service was the reason.
pub(crate) fn is_transient(error: &CredentialsError) -> bool {
    causes(error).any(|cause| {
        let connector = cause.downcast_ref::<ConnectorError>();
        let service = cause.downcast_ref::<ErrorMetadata>().and_then(ErrorMetadata::code);
        connector.is_some_and(|c| c.is_io() || c.is_timeout())
            || service.is_some_and(|code| BUSY.contains(&code))
            || cause.to_string() == "request has timed out"
    })
}

/// Words of the chain that say no more than that something failed.
const EMPTY_WORDS: [&str; 13] = [
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "an error occurred while loading credentials",
    "unexpected credentials error",
    "an error occurred while loading an access token",
    "service error",
    "response error",
    "dispatch failure",
    "io error",
    "other",
    "unhandled error",
    "client error (Connect)",
    "error sending request",
];

/// Codes by which AWS says "later".
const BUSY: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
];

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
        .take(CAUSES_MAX)
}

/// Code, message and request id of a service's refusal.
fn service_words(error: &ErrorMetadata) -> String {
    let code = error.code().unwrap_or("no error code");
    let message = error.message().map(|m| format!(": {m}")).unwrap_or_default();
    let request = error.extra("aws_request_id").map(|id| format!(" (request {id})"));
    format!("{code}{message}{}", request.unwrap_or_default())
}

/// One line; of instance metadata's refusals only the status, not the answer printed behind it; of
/// a service's unmodelled refusals nothing, since the next cause has code and message.
fn first_sentence(said: &str) -> String {
    if said.starts_with("unhandled error (") {
        return String::new();
    }
    let said = match said.split_once("). Response {") {
        Some((status, _)) => format!("{status})"),
        None => said.to_owned(),
    };
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn listed(profiles: &[String]) -> String {
    if profiles.is_empty() { "is none".to_owned() } else { format!("are {}", profiles.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Outer(#[source] ErrorMetadata);

    #[test]
    fn a_refusal_is_told_with_code_message_and_request() {
        let refusal = ErrorMetadata::builder()
            .code("AccessDenied")
            .message("not allowed to assume it")
            .custom("aws_request_id", "r-1")
            .build();
        let error = CredentialsError::provider_error(Outer(refusal));
        assert_eq!(
            Told::of(&error).as_ref(),
            "AccessDenied: not allowed to assume it (request r-1)"
        );
        assert!(!is_transient(&error));
    }

    #[test]
    fn a_throttled_call_may_go_through_later() {
        let busy = ErrorMetadata::builder().code("ThrottlingException").build();
        assert!(is_transient(&CredentialsError::provider_error(Outer(busy))));
    }

    #[test]
    fn the_answer_of_instance_metadata_is_not_told() {
        let said = "error response from IMDS (code: 500). Response { body: \"secret\" }";
        let error = CredentialsError::provider_error(said);
        assert_eq!(Told::of(&error).as_ref(), "error response from IMDS (code: 500)");
    }

    #[test]
    fn what_a_process_says_is_cut() {
        let error = CredentialsError::provider_error("x".repeat(10_000));
        assert_eq!(Told::of(&error).as_ref().len(), REASON_CHARS_MAX);
    }

    #[test]
    fn an_error_without_words_is_told_as_it_is() {
        let error = CredentialsError::not_loaded_no_source();
        assert_eq!(Told::of(&error).as_ref(), "the credential provider was not enabled");
    }
}
