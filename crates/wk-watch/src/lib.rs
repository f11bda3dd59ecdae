//! SEE: what the bytes of an AWS account's logs say.
//!
//! * [`reader`] turns the bytes of an object into events or complaints; every record becomes
//!   exactly one of them.
//! * [`sources`] is the catalogue: one file per source, each saying everything about itself.
//! * [`record`] is what they share: members, fields, times.
//! * [`saved`] reads saved queries; the built-in ones are in [`library`].
//! * [`selfwatch`] judges how the watch itself goes; [`which_runbook`] says what helps with a finding.
//! * [`rehearsal`] runs the tests that stand in rules.
//! * [`lint`] says what is wrong with rules, [`trial`] runs them over one event, [`modes`] says which
//!   are off or only tried.
//! * [`lists`] and [`places`] say what is known of an address; [`surroundings`] makes it fields of records.
//! * [`own`] says which accounts, addresses and hosts are ours.
//! * [`messages`] says what a message of a queue asks for.
//! * [`inventory`] says what is asked of AWS, [`posture`] what the answers are together, [`checks`]
//!   judges them.
//! * [`setup`] says what is wanted of an organisation's logging, and what has to be done for it.
//! * [`digest`] verifies CloudTrail's digest files and the chain they make.
//! * [`columns`] puts events into the lake's columns; [`detect`] runs rules over them, [`stateful`]
//!   those that look at several events.
//! * Pure and synchronous: knows nothing of disks, networks, clocks or other crates' storage.

pub mod as_rule;
pub mod checks;
pub mod columns;
pub mod coverage;
pub mod detect;
pub mod digest;
pub mod event_rules;
mod filters;
pub mod fingerprint;
pub mod focus;
pub mod history;
pub mod inventory;
pub mod library;
pub mod lint;
pub mod lists;
pub mod messages;
pub mod modes;
pub mod own;
pub mod own_checks;
pub mod pack;
pub mod period;
pub mod places;
pub mod posture;
pub mod reader;
pub mod record;
pub mod rehearsal;
mod row_record;
pub mod runbooks;
pub mod saved;
pub mod selfwatch;
pub mod setup;
mod shared_fields;
pub mod silent;
pub mod sources;
pub mod stateful;
pub mod surroundings;
pub mod trial;
mod unwrap;
pub mod which_runbook;
