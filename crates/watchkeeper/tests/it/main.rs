//! The program as users run it: a process, a home, files.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what fails in a test fails the test; what is left out is said"
)]

mod corpus;
mod crash;
mod disk;
mod doctor;
mod doctor_strict;
mod hostile;
mod notify;
mod post;
mod program;
mod query;
mod recovery;
mod route;
mod s3;
mod service;
mod service_queue;
mod triage;
mod upkeep;
mod watch;
