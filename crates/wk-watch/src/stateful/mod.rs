//! Rules over several events: counts, sums, orders in windows of event time.
//!
//! * At ingest an event that such a rule looks at leaves a mark ([`Marks`]); the marks of rows that
//!   stay become [`Signal`](wk_model::Signal)s, packed ([`packed`]), and travel with the commit.
//! * After the commit, [`step`] takes the signals of one rule and key into its state, and says which
//!   events became sightings. It is pure: state, signals and a point in time in, values out.
//! * What is found is a function of the set of events, not of their order: a condition that more
//!   events can only make true is judged at once, and again whenever an event comes late; any other
//!   is judged when its window is closed, which is when lateness is over.
//! * States are bounded; what had to be dropped is counted in the answer.
//! * Rules are in an order in which each stands behind those whose findings it looks at.

mod codec;
mod compile;
mod entries;
mod first_seen;
mod key;
mod late;
mod looks;
mod mark;
mod memory;
pub mod packed;
mod queue;
mod rate;
mod sequence;
mod settled;
mod state;
mod step;
mod texts;
mod travel;
mod trial;
mod windows;

pub(crate) use compile::fields_asked_of;
pub(crate) use compile::{Around, Names, Source};
pub use compile::{Stateful, StatefulRule, Target};
pub use late::Lateness;
pub use mark::{MarkedRow, Marks};
pub use memory::{Counts, Memory};
pub use queue::Queue;
pub use step::{Stepped, step};
pub use trial::{Happened, signals_of};

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;
