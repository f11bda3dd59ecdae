//! ACCOUNT FOR: what was found and done, in the forms that others read.
//!
//! * [`reports`] holds one file for each form.
//! * [`profile`] is all about one principal, key, address, resource or instance; [`changes`] is
//!   what changed in the configuration between two times.
//! * Pure: takes facts, gives documents; knows no storage and no network.

pub mod changes;
pub mod profile;
pub mod reports;
