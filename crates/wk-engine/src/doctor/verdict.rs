//! One thing that was looked at, and what to think of it.

use wk_seam::aws::{AwsError, AwsErrorKind, Target};

/// What to think of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// A fact to know; nothing to do.
    Note,
    /// It was looked for with the right to see it, and it is not there.
    None,
    /// It is there and does not do its work.
    Stale,
    /// We may not see it. It may be there or not.
    Denied,
    /// It could not be found out.
    Failed,
}

/// A line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What kind of thing: `trail`, `bucket`, `detector`, …
    pub subject: &'static str,
    /// Which one.
    pub what: String,
    /// The account; none is our own.
    pub account: Option<String>,
    /// The region, where it has one.
    pub region: Option<String>,
    /// What to think of it.
    pub verdict: Verdict,
    /// Why.
    pub say: String,
    /// What a person can do about it.
    pub to_do: Option<String>,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::None => "none",
            Self::Stale => "stale",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl Line {
    /// A line about a thing of this target.
    pub fn new(
        subject: &'static str,
        what: impl Into<String>,
        target: &Target,
        verdict: Verdict,
        say: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            what: what.into(),
            account: target.account.as_ref().map(ToString::to_string),
            region: target.region.clone(),
            verdict,
            say: say.into(),
            to_do: None,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn to_do(mut self, to_do: impl Into<String>) -> Self {
        self.to_do = Some(to_do.into());
        self
    }

    /// A line about a call that brought no answer.
    pub fn of_error(
        subject: &'static str,
        what: impl Into<String>,
        target: &Target,
        error: &AwsError,
    ) -> Self {
        let verdict = match error.kind {
            AwsErrorKind::Denied => Verdict::Denied,
            AwsErrorKind::NotEnabled => Verdict::None,
            AwsErrorKind::NotFound
            | AwsErrorKind::Throttled
            | AwsErrorKind::Service
            | AwsErrorKind::Unreachable
            | AwsErrorKind::Credentials
            | AwsErrorKind::Skewed
            | AwsErrorKind::Invalid
            | AwsErrorKind::Malformed
            | AwsErrorKind::TokenRepeated => Verdict::Failed,
        };
        let code = error.code.as_deref().unwrap_or_default();
        let mut say = format!("{}:{}", error.call.operation.service, error.call.operation.name);
        for part in [code, &error.message] {
            if !part.is_empty() {
                say.push_str(": ");
                say.push_str(part);
            }
        }
        if let Some(request_id) = &error.request_id {
            say = format!("{say} (request {request_id})");
        }
        Self::new(subject, what, target, verdict, say).to_do(error.what_to_do())
    }

    /// A line that says that a list has more pages than were read.
    pub(super) fn cut(subject: &'static str, target: &Target, read: usize) -> Self {
        let say = format!("only the first {read} were read: the list goes on");
        Self::new(subject, "the rest", target, Verdict::Failed, say)
            .to_do("report it: no account is known to have so many")
    }
}
