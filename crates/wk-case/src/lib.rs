//! ACCOUNT FOR: what was found and done, in the forms that others read.
//!
//! * [`reports`] holds one file for each form.
//! * [`profile`] is all about one principal, key, address, resource or instance; [`changes`] is
//!   what changed in the configuration between two times.
//! * [`triage`] is where each finding stands, [`reconcile`] what became of all of them,
//!   [`exceptions`] which of them somebody accepts for a time, [`surroundings`] what stands beside one.
//! * [`stories`] reads findings together that tell one.
//! * [`rule_changes`] is what differs between two sets of rules.
//! * Pure: takes facts, gives documents; knows no storage and no network.

pub mod changes;
pub mod exceptions;
pub mod profile;
pub mod reconcile;
pub mod reports;
pub mod rule_changes;
pub mod stories;
pub mod surroundings;
pub mod triage;
