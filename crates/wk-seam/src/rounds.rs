//! Logs that are read page by page, where a cursor says how far.

use wk_model::Timestamp;

use crate::{Answer, Future};

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Documents that a source reads.
    pub documents: Vec<String>,
    /// What to keep once the documents are committed: the next page begins there.
    pub cursor: String,
    /// Whether there is nothing more for now; else the next page can be read at once.
    pub done: bool,
}

/// Logs that are read page by page.
pub trait Rounds: Send + Sync {
    /// What they are called: `arn:aws:logs:…:log-group:NAME`, or the like.
    fn name(&self) -> String;
    /// The page at this cursor; the first one where there is none.
    fn page<'a>(&'a self, cursor: Option<&'a str>, now: Timestamp) -> Future<'a, Answer<Page>>;
}
