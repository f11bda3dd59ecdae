//! Routes: which finding or event goes to whom, is suppressed, or asks for an incident.
//!
//! * A route is an EventBridge pattern and what follows from it. A rule copied from AWS works: a
//!   finding has AWS's shape besides our own ([`RoutedEvent`]).
//! * The first route that matches decides, unless it says `continue`: Alertmanager's tree with one
//!   level. Own routes come before the built-in ones.
//! * [`decide`] is pure. Back-fill and drills never page: what would have been is [`Outcome::Quiet`].
//! * Nothing is dropped: a suppressed finding is an outcome too, counted and listed with its reason.
//!   What takes too much work to decide is told, never suppressed.

mod decide;
mod event;
mod lint;
mod outcome;
mod read;
mod route;
mod shapes;

pub use decide::{Routes, Step, Taken, decide};
pub use event::{Face, RoutedEvent};
pub use lint::{Remark, lint, lint_pattern};
pub use outcome::{Outcome, QuietReason};
pub use read::{BadRoute, RouteFile, read};
pub use route::{GROUP_BY, Request, Route, Suppression, Tell};

/// The routes that are built in, as YAML.
pub const BUILT_IN: &str = include_str!("../../../../routes/default.yaml");
/// Where remarks say that the built-in routes stand.
pub const BUILT_IN_NAME: &str = "built-in";

#[cfg(test)]
mod tests;
