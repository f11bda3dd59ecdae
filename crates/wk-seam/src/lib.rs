//! The ways out of the pure middle, as traits: clock, objects, lake, ledger, outbox, queue,
//! courier, pager, reports, credentials, bookmarks, spool, rounds, shelf, triage.
//!
//! * A seam says what is wanted and what can go wrong, never how it is done.
//! * Every trait is dyn-safe and its futures are boxed, so that an engine is compiled once.
//! * Adapters live in the edge crates; simulated ones stand in [`fakes`], but for the clock that stands.
#![warn(missing_docs)]

pub mod aws;
pub mod bookmarks;
pub mod clock;
pub mod courier;
pub mod credentials;
pub mod fakes;
pub mod lake;
pub mod ledger;
pub mod objects;
pub mod outbox;
pub mod pager;
pub mod queue;
pub mod reports;
pub mod rounds;
pub mod schema;
pub mod shelf;
pub mod spool;
pub mod states;
pub mod triage;

/// A boxed future that may cross threads.
pub type Future<'a, T> = futures::future::BoxFuture<'a, T>;

/// What went wrong outside: what was being done, to what, and why.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct Failure {
    /// What was being done, to what: `write /lake/x.parquet`.
    pub doing: String,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// Whether the same call may go through later.
    pub transient: bool,
}

impl Failure {
    /// A failure that is final.
    pub fn new(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing: doing.into(), source: source.into(), transient: false }
    }
    /// Whether what was asked for is not there: somewhere in the chain stands an I/O error that says
    /// so.
    pub fn is_missing(&self) -> bool {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(self.source.as_ref());
        while let Some(error) = next {
            let io = error.downcast_ref::<std::io::Error>();
            if io.is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
                return true;
            }
            next = error.source();
        }
        false
    }
    /// The failure and everything behind it, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(self.source.as_ref());
        while let Some(error) = next {
            let more = error.to_string();
            if !text.contains(&more) {
                text = [text, more].join(": ");
            }
            next = error.source();
        }
        text
    }
    /// The same failure, marked as one that may pass.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }
}

/// What every way out answers.
pub type Answer<T> = Result<T, Failure>;
