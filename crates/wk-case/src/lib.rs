//! ACCOUNT FOR: what was found and done, in the forms that others read.
//!
//! * [`reports`] holds one file for each form.
//! * Pure: takes facts, gives documents; knows no storage and no network.

pub mod reports;
