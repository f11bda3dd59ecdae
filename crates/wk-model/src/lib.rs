//! The nouns of Watchkeeper: what every other crate talks about.
//!
//! * Facts only: no I/O, no clock, no async, no knowledge of storage or of any source.
//! * A type refuses nonsense at the door of *our* commands and configuration. A log record that
//!   fails a type is still evidence: it is stored with its text and a flag (see [`event::Row`]).
#![warn(missing_docs)]

pub mod account;
pub mod arrivals;
pub mod attack;
pub mod capture;
pub mod check;
pub mod complaint;
pub mod digest;
pub mod drill;
pub mod event;
pub mod exception;
pub mod finding;
pub mod hold;
pub mod notice;
pub mod retention;
pub mod selfwatch;
pub mod severity;
pub mod signal;
pub mod table;
pub mod tally;
pub mod time;
pub mod triage;

pub use account::AccountId;
pub use arrivals::Arrivals;
pub use capture::Capture;
pub use complaint::Complaint;
pub use digest::Sha256;
pub use event::{Cell, EventId, Row};
pub use exception::Exception;
pub use finding::Finding;
pub use hold::Hold;
pub use notice::Notice;
pub use severity::{Severity, SeverityWord};
pub use signal::Signal;
pub use table::{Column, ColumnType, Table};
pub use tally::Tally;
pub use time::{Day, Timestamp};
