//! The way to AWS: who we are there, and what we ask.
//!
//! * Credentials come from wherever the AWS CLI of this user would take them, by the official chain
//!   over our one HTTP stack; the same object serves our own calls and the object store's.
//! * No secret is ever in a `Debug` form, a log line or an error.
//! * Every wait has a limit, and concurrent callers share one refresh.
#![warn(missing_docs)]

mod cache;
mod chain;
mod client;
mod clock;
mod credentials;
mod error;
mod http;
mod logged;
mod logs;
mod profiles;
mod sns;
mod sqs;

use wk_seam::aws::Operation;

/// What the adapters of this crate ask of AWS: the sources of the least privilege.
pub const OPERATIONS: &[&[&Operation]] = &[logs::OPERATIONS, sns::OPERATIONS, sqs::OPERATIONS];

pub use client::{Client, Parts, RoleHop, Settings};
pub use clock::Pause;
pub use credentials::CliCredentials;
pub use error::{CredentialError, Told};
pub use logged::LoggedCalls;
pub use logs::{Cursor, LogGroup, LogsPull, Pulled};
pub use sns::Sns;
pub use sqs::Sqs;
