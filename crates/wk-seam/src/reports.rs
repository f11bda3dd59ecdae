//! What products said of findings that they reported, as the lake keeps it.

use wk_model::Finding;

use crate::{Answer, Future};

/// Records behind findings.
pub trait Reports: Send + Sync {
    /// The record of each of these findings' latest event, in their order; `None` where the lake has
    /// none any more.
    fn of<'a>(&'a self, findings: &'a [&'a Finding]) -> Future<'a, Answer<Vec<Option<String>>>>;
}
