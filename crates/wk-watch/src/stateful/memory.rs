//! States in memory, stepped as the job after each commit steps them: for tests of rules, and for
//! runs over what is at hand.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::finding::Sighting;
use wk_model::{Signal, Timestamp};

use super::compile::Stateful;
use super::queue::Queue;
use super::step::{Stepped, step};

/// The states of rules over several events, by the rule's place and key.
#[derive(Debug, Default)]
pub struct Memory {
    states: BTreeMap<(usize, String), (Vec<u8>, Option<Timestamp>)>,
    /// Rules that found something, told or not.
    fired: BTreeSet<String>,
    /// What did not go into findings.
    pub counts: Counts,
}

/// What did not go into findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that came too late.
    pub late: u64,
    /// Events that there was no room for.
    pub dropped: u64,
    /// Signals of rules that are no more.
    pub orphans: u64,
    /// Signals that could not be read.
    pub unreadable: u64,
}

impl Memory {
    /// How many states there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Whether a rule, by its id, found something, even if it does not tell of it.
    pub fn has_fired(&self, rule: &str) -> bool {
        self.fired.contains(rule)
    }

    /// When the next state is due.
    pub fn due(&self) -> Option<Timestamp> {
        self.states.values().filter_map(|(_, due)| *due).min()
    }

    /// How many bytes the states take.
    pub fn bytes(&self) -> usize {
        self.states.values().map(|(bytes, _)| bytes.len()).sum()
    }

    /// Takes in signals, and steps what is due besides; gives what became of it.
    pub fn advance(
        &mut self,
        rules: &Stateful,
        signals: Vec<Signal>,
        now: Timestamp,
    ) -> Vec<Sighting> {
        let mut queue = Queue::default();
        queue.take_in(rules, signals);
        self.step_all(rules, queue, now)
    }

    /// The same, of signals that wait in a queue.
    ///
    /// Rules are stepped in their order, so that what one finds reaches those that look at it.
    pub fn step_all(&mut self, rules: &Stateful, queue: Queue, now: Timestamp) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        self.step_each(rules, queue, now, &mut |_, _, sighting| sightings.push(sighting));
        sightings
    }

    /// The same, with the place of the rule and the key for each sighting.
    pub fn step_each(
        &mut self,
        rules: &Stateful,
        mut queue: Queue,
        now: Timestamp,
        see: &mut dyn FnMut(usize, &str, Sighting),
    ) {
        for ((place, key), (_, due)) in &self.states {
            if due.is_some_and(|due| due <= now) {
                queue.is_due(*place, key);
            }
        }
        while let Some((place, keys)) = queue.next_rule() {
            for key in keys {
                let signals = queue.take(rules, place, &key);
                let mut sightings = Vec::new();
                let told = self.step(rules, (place, key.clone()), signals, now, &mut sightings);
                sightings.into_iter().for_each(|sighting| see(place, &key, sighting));
                queue.take_in(rules, told);
            }
        }
        self.counts.orphans += queue.orphans;
        self.counts.unreadable += queue.unreadable;
    }

    /// Steps one rule and key; gives the signals to the rules above.
    fn step(
        &mut self,
        rules: &Stateful,
        place: (usize, String),
        signals: Vec<Signal>,
        now: Timestamp,
        sightings: &mut Vec<Sighting>,
    ) -> Vec<Signal> {
        let Some(rule) = rules.rules().get(place.0) else { return Vec::new() };
        let before = self.states.remove(&place);
        let before = before.as_ref().map(|(bytes, _)| bytes.as_slice());
        let stepped = step(rule, &place.1, before, signals, now);
        let Stepped { state, sightings: new, signals, due, late, dropped, .. } = stepped;
        if !new.is_empty() || !signals.is_empty() {
            self.fired.insert(rule.rule.id.clone());
        }
        self.counts.late += late;
        self.counts.dropped += dropped;
        sightings.extend(new);
        if let Some(state) = state {
            self.states.insert(place, (state, due));
        }
        signals
    }
}
