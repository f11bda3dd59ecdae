//! The credentials of a user as the user has them: real files, real environment, a process each.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, and what they tell each other"
)]

mod asker;
mod metadata;
mod roles;
mod shared_files;
mod sso;
mod stub;
