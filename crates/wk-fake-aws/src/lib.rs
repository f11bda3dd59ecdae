//! A stand-in for AWS that is strict where others are lax, for tests.
//!
//! * It listens on loopback and speaks AWS's protocols, so that our program, boto3 and the AWS CLI
//!   can all be put to it.
//! * It verifies every signature itself, with its own arithmetic, and takes times only within five
//!   minutes of its own clock, which the test moves.
//! * Roles exist or do not, and ask for their external id; what a test denies is denied in the
//!   service's own words.
//! * Lists come in small pages. Reads may be stale, requests may be throttled, fail, or be carried
//!   out without an answer, as often as a test says.
//! * An operation that it does not know is refused; nothing is made up.
#![warn(missing_docs)]

mod answer;
mod faults;
mod http;
mod server;
mod services;
mod signature;
mod world;

pub use answer::Refusal;
pub use faults::Fault;
pub use http::Request;
pub use server::FakeAws;
pub use world::{Account, Here, Queued, Role, Trail, World};
