//! Where the jobs of the service were when it ended.
//!
//! Nothing here is truth: what is lost is done again and found to be done already, by the ledger.

use crate::{Answer, Future};

/// Small texts under names, kept over restarts.
pub trait Bookmarks: Send + Sync {
    /// What is kept under each of these keys of a shelf.
    fn get<'a>(
        &'a self,
        shelf: &'a str,
        keys: &'a [String],
    ) -> Future<'a, Answer<Vec<Option<String>>>>;
    /// Keeps texts under keys, durably, all or none.
    fn put<'a>(&'a self, shelf: &'a str, pairs: &'a [(String, String)]) -> Future<'a, Answer<()>>;
    /// Forgets every key of a shelf that was not put since then (Unix seconds). Answers how many.
    fn forget<'a>(&'a self, shelf: &'a str, before_seconds: i64) -> Future<'a, Answer<u64>>;
    /// Notes keys as still in use, so that they are not forgotten.
    fn touch<'a>(&'a self, shelf: &'a str, keys: &'a [String]) -> Future<'a, Answer<()>>;
}
