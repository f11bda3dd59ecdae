//! What the sources share: members of JSON, fields between spaces, times, reports of other products.
//!
//! Knows no source: what a record looks like and which columns it becomes is said in
//! [`crate::sources`].

pub(crate) mod fields;
pub mod report;
pub(crate) mod spaced;
pub(crate) mod stamps;
#[cfg(test)]
pub(crate) mod testing;
