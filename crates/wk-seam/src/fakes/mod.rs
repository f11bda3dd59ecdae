//! A world in memory: objects, lake, ledger and outbox that fail when they are told to.
//!
//! * The fakes keep the promises of their traits to the letter, and nothing beyond them: what is
//!   staged is not visible, a stale commit leaves no trace.
//! * [`Faults`] counts the calls of all fakes that share it; so a fault hits any seam at any moment,
//!   before or after the work was done.
//! * For tests and simulations; nothing here touches a disk or a clock.

mod arrivals;
mod bookmarks;
mod buckets;
pub mod conformance;
mod courier;
mod faults;
mod lake;
mod ledger;
mod objects;
mod outbox;
pub mod outbox_promises;
mod queue;
pub mod queue_promises;
mod shelf;
mod states;
pub mod states_promises;
mod triage;
pub mod triage_promises;

pub use bookmarks::MemoryBookmarks;
pub use buckets::MemoryBuckets;
pub use courier::MemoryCourier;
pub use faults::{Fault, Faults};
pub use lake::MemoryLake;
pub use ledger::MemoryLedger;
pub use objects::{Ending, Given, MemoryObjects, PlainUnpack};
pub use queue::{Heard, MemoryQueue};
pub use shelf::MemoryShelf;

/// A lock that a panic elsewhere does not close.
fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
