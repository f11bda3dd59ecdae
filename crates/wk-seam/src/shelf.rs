//! Where a walk over accounts keeps what it caught, until it is in the lake.
//!
//! * What is kept is durable: a walk that was killed goes on where it was.
//! * Captures lie in slices, one for an account or for a region of one.

use wk_model::Capture;

use crate::{Answer, Future};

/// Captures of one walk.
pub trait Shelf: Send + Sync {
    /// What is kept in a slice, in the order in which it came. A line that was cut off by a crash is
    /// left out: it is asked again.
    fn kept<'a>(&'a self, slice: &'a str) -> Future<'a, Answer<Vec<Capture>>>;
    /// Keeps captures in a slice, behind what is there.
    fn keep<'a>(&'a self, slice: &'a str, captures: &'a [Capture]) -> Future<'a, Answer<()>>;
}
