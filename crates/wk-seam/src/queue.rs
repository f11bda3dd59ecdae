//! A queue that delivers at least once, in any order: SQS, or another like it.

use wk_model::Timestamp;

use crate::{Answer, Future};

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue's name for it; the same when it comes again.
    pub id: String,
    /// What deletes or extends this delivery of it.
    pub receipt: String,
    /// What it says: hostile text, at most 1 MiB.
    pub body: String,
    /// How often it was delivered, this time counted.
    pub deliveries: u32,
    /// When it was sent.
    pub sent: Timestamp,
}

/// How much waits in a queue, as far as the queue can say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that were received and not deleted.
    pub in_flight: u64,
    /// Age of the oldest that waits, in seconds, where the queue tells it.
    pub oldest_seconds: Option<u64>,
}

/// A queue. A message that is not deleted comes again after its time of invisibility.
pub trait Queue: Send + Sync {
    /// How the queue is called, for messages to people: its address without secrets.
    fn name(&self) -> String;
    /// Waits at most `wait_seconds` (0 to 20) for messages and answers at most `max` (1 to 10) of
    /// them; none is no failure. Each stays invisible for `invisible_seconds`.
    fn receive(
        &self,
        max: u8,
        wait_seconds: u8,
        invisible_seconds: u32,
    ) -> Future<'_, Answer<Vec<Message>>>;
    /// Keeps messages invisible for so many seconds from now. Answers the receipts that failed.
    fn extend<'a>(
        &'a self,
        receipts: &'a [String],
        invisible_seconds: u32,
    ) -> Future<'a, Answer<Vec<String>>>;
    /// Deletes messages, any number of them. Answers the receipts that failed.
    fn delete<'a>(&'a self, receipts: &'a [String]) -> Future<'a, Answer<Vec<String>>>;
    /// How much waits.
    fn depth(&self) -> Future<'_, Answer<Depth>>;
}
