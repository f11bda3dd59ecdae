//! The credentials of a user as the user has them: real files, real environment, a process each.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, and what they tell each other"
)]

mod asker;
mod botocore;
mod calls;
mod client;
mod fake;
mod logs;
mod metadata;
mod moto;
mod queue;
mod roles;
mod service;
mod shared_files;
mod sns;
mod sso;
mod stub;
