//! Findings in the forms of other products: one file for each.

pub mod asff;
pub mod insights;
pub mod ocsf;

#[cfg(test)]
pub(crate) mod testing;
