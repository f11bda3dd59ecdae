//! The program as users run it: a process, a home, files.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what fails in a test fails the test; what is left out is said"
)]

mod backtest;
mod backups;
mod check;
mod corpus;
mod crash;
mod detections;
mod disk;
mod doctor;
mod doctor_strict;
mod hostile;
mod insights;
mod inventory;
mod lists;
mod mail_tls;
mod notify;
mod pagerduty;
mod post;
mod program;
mod query;
mod recovery;
mod route;
mod s3;
mod service;
mod service_queue;
mod setup;
mod triage;
mod upkeep;
mod verify;
mod watch;
