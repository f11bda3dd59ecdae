//! DO: who is told of what, and later what is done about it.
//!
//! * Everything here is a decision: facts and a time in, values out. Nothing is sent and nothing is
//!   stored from here.
#![warn(missing_docs)]

pub mod notices;
pub mod notifiers;
pub mod reader;
pub mod routes;
