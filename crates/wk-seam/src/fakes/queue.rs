//! A queue in memory that does what SQS may do: delivers twice, in any order, and again whatever
//! was not deleted in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use wk_model::Timestamp;

use super::{Faults, locked};
use crate::clock::Clock;
use crate::queue::{Depth, Message, Queue};
use crate::{Answer, Future};

/// Hears of each message that is deleted, before it is gone.
pub type Heard = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// A queue in memory; a clone is the same queue.
#[derive(Clone)]
pub struct MemoryQueue {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    heard: Option<Heard>,
}

struct State {
    messages: BTreeMap<u64, Waiting>,
    /// Deliveries that may still delete or extend: the message that each is of.
    receipts: BTreeMap<String, u64>,
    /// Messages that nobody may receive any more, by the limit on deliveries.
    dead: BTreeSet<u64>,
    deliveries_max: u32,
    sent: u64,
    received: u64,
    chance: u64,
}

struct Waiting {
    body: String,
    sent: Timestamp,
    deliveries: u32,
    /// Invisible until then.
    until: Timestamp,
}

impl MemoryQueue {
    /// An empty queue. The same seed delivers in the same order. After `deliveries_max` deliveries
    /// a message goes to the dead letters.
    pub fn new(clock: Arc<dyn Clock>, seed: u64, deliveries_max: u32) -> Self {
        let state = State {
            messages: BTreeMap::new(),
            receipts: BTreeMap::new(),
            dead: BTreeSet::new(),
            deliveries_max,
            sent: 0,
            received: 0,
            chance: seed,
        };
        Self { state: Arc::new(Mutex::new(state)), clock, faults: Arc::default(), heard: None }
    }

    /// The same queue, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }

    /// The same queue; `heard` is told the id and body of each message that is deleted.
    #[must_use]
    pub fn heard_by(&self, heard: Heard) -> Self {
        Self { heard: Some(heard), ..self.clone() }
    }

    /// Sends a message.
    pub fn send(&self, body: impl Into<String>) {
        let mut state = locked(&self.state);
        state.sent += 1;
        let (number, now) = (state.sent, self.clock.now());
        let waiting = Waiting { body: body.into(), sent: now, deliveries: 0, until: now };
        state.messages.insert(number, waiting);
    }

    /// Makes every message visible at once, as when the time of invisibility is over early.
    pub fn reveal(&self) {
        let now = self.clock.now();
        locked(&self.state).messages.values_mut().for_each(|m| m.until = now);
    }

    /// Bodies of the messages that are there still, dead letters left out.
    pub fn waiting(&self) -> Vec<String> {
        let state = locked(&self.state);
        let alive = state.messages.iter().filter(|(n, _)| !state.dead.contains(n));
        alive.map(|(_, m)| m.body.clone()).collect()
    }

    /// Bodies of the dead letters.
    pub fn dead(&self) -> Vec<String> {
        let state = locked(&self.state);
        state.dead.iter().filter_map(|n| state.messages.get(n)).map(|m| m.body.clone()).collect()
    }
}

impl State {
    fn below(&mut self, limit: usize) -> usize {
        let next = self.chance.wrapping_mul(6_364_136_223_846_793_005);
        self.chance = next.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.chance >> 33).unwrap_or(0) % limit.max(1)
    }

    fn receive(&mut self, max: u8, now: Timestamp, invisible_seconds: u32) -> Vec<Message> {
        let mut visible: Vec<u64> = Vec::new();
        for (number, message) in &self.messages {
            if message.until <= now && !self.dead.contains(number) {
                visible.push(*number);
            }
        }
        let mut got = Vec::new();
        while got.len() < usize::from(max) && !visible.is_empty() {
            let at = self.below(visible.len());
            let number = visible.swap_remove(at);
            // One in eight is delivered twice: it stays visible.
            let twice = self.below(8) == 0;
            got.extend(self.deliver(number, now, if twice { 0 } else { invisible_seconds }));
        }
        got
    }

    fn deliver(&mut self, number: u64, now: Timestamp, invisible_seconds: u32) -> Option<Message> {
        let message = self.messages.get_mut(&number)?;
        if message.deliveries >= self.deliveries_max {
            self.dead.insert(number);
            return None;
        }
        self.received += 1;
        let receipt = format!("receipt-{}", self.received);
        self.receipts.insert(receipt.clone(), number);
        message.deliveries += 1;
        message.until = now.plus_seconds(i64::from(invisible_seconds));
        Some(Message {
            id: format!("message-{number}"),
            receipt,
            body: message.body.clone(),
            deliveries: message.deliveries,
            sent: message.sent,
        })
    }
}

impl Queue for MemoryQueue {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn receive(
        &self,
        max: u8,
        _wait_seconds: u8,
        invisible_seconds: u32,
    ) -> Future<'_, Answer<Vec<Message>>> {
        Box::pin(async move {
            self.faults.call("receive messages", || {
                Ok(locked(&self.state).receive(max, self.clock.now(), invisible_seconds))
            })
        })
    }

    fn extend<'a>(
        &'a self,
        receipts: &'a [String],
        invisible_seconds: u32,
    ) -> Future<'a, Answer<Vec<String>>> {
        Box::pin(async move {
            self.faults.call("extend messages", || {
                let until = self.clock.now().plus_seconds(i64::from(invisible_seconds));
                let mut state = locked(&self.state);
                let mut failed = Vec::new();
                for receipt in receipts {
                    let number = state.receipts.get(receipt).copied();
                    match number.and_then(|n| state.messages.get_mut(&n)) {
                        Some(message) => message.until = until,
                        None => failed.push(receipt.clone()),
                    }
                }
                Ok(failed)
            })
        })
    }

    fn delete<'a>(&'a self, receipts: &'a [String]) -> Future<'a, Answer<Vec<String>>> {
        Box::pin(async move {
            self.faults.call("delete messages", || {
                let mut failed = Vec::new();
                for receipt in receipts {
                    let mut state = locked(&self.state);
                    let number = state.receipts.get(receipt).copied();
                    let gone = number.and_then(|n| Some((n, state.messages.remove(&n)?)));
                    drop(state);
                    match (gone, number, &self.heard) {
                        (Some((n, message)), _, Some(heard)) => {
                            heard(&format!("message-{n}"), &message.body);
                        }
                        // SQS deletes what is gone already without a word.
                        (Some(_), _, None) | (None, Some(_), _) => {}
                        (None, None, _) => failed.push(receipt.clone()),
                    }
                }
                Ok(failed)
            })
        })
    }

    fn depth(&self) -> Future<'_, Answer<Depth>> {
        Box::pin(async move {
            self.faults.call("ask for the depth of a queue", || {
                let (state, now) = (locked(&self.state), self.clock.now());
                let alive = || state.messages.iter().filter(|(n, _)| !state.dead.contains(n));
                let waiting: Vec<&Waiting> =
                    alive().map(|(_, m)| m).filter(|m| m.until <= now).collect();
                let oldest = waiting.iter().map(|m| now.seconds() - m.sent.seconds()).max();
                Ok(Depth {
                    waiting: waiting.len() as u64,
                    in_flight: (alive().count() - waiting.len()) as u64,
                    oldest_seconds: oldest.and_then(|s| u64::try_from(s).ok()),
                })
            })
        })
    }
}
