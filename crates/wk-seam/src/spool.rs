//! A durable place for what others push to us, until it is committed.

use std::sync::Arc;

use crate::objects::{Object, Objects};
use crate::{Answer, Future};

/// How adding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is on disk: a crash does not lose it.
    Kept,
    /// There is no room: nothing of it was kept, and the sender is to come again later.
    Full,
}

/// A spool of lines.
pub trait Spool: Send + Sync {
    /// Keeps lines, each with its end, durably; all or none.
    fn add(&self, lines: Vec<u8>) -> Future<'_, Answer<Added>>;
    /// Begins a new file where the present one holds anything, and answers those that nobody writes
    /// any more, oldest first, at most a hundred.
    fn closed(&self) -> Future<'_, Answer<Vec<Object>>>;
    /// Where they are read from.
    fn place(&self) -> Arc<dyn Objects>;
    /// Removes files whose lines are committed.
    fn remove<'a>(&'a self, uris: &'a [String]) -> Future<'a, Answer<()>>;
    /// Bytes that lie in it.
    fn bytes(&self) -> u64;
}
