//! Who is told what, and when: from findings that changed to notices, as a pure state machine.
//!
//! * Alertmanager's words: findings are grouped; a new group waits, a group that was told of waits
//!   longer; what nobody takes is repeated; one alarm inhibits others; people silence for a time.
//! * A finding is never dropped: what is silenced, inhibited or muted stays in its group and is told
//!   of when that ends; what is too much goes together into one notice that counts it.
//! * Back-fill never pages: it ends in a digest. What nobody acknowledges escalates.
//! * State in, state and notices out. The engine keeps both in one transaction.

pub mod backoff;
mod counts;
mod desk;
mod digest;
mod duty;
mod flood;
mod group;
mod interval;
mod label;
mod people;
mod policy;
mod render;
mod rota;
mod tell;
mod turn;
mod wanted;

#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use desk::{Desk, Silence};
pub use duty::Duty;
pub use group::{Group, GroupKind, Member, Taken};
pub use interval::{BadInterval, Interval, IntervalText};
pub use label::{BadMatcher, Matcher, labels};
pub use policy::{ChannelPolicy, Escalation, Inhibition, Meant, ONCALL, Policy, RECORD};
pub use render::Advice;
pub use rota::{Layer, Override, Rota, Shift};
pub use turn::{Made, Turn};
pub use wanted::{Wanted, wanted};
