//! The engine in a simulated world.
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod erasure;
mod exactly_once;
mod expiry;
mod inventory;
mod judgements;
mod month;
mod notify;
mod paging;
mod quiet;
mod selfwatch;
mod service;
mod upkeep;
mod world;
