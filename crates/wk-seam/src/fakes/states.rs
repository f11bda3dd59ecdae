//! What stateful rules wait for and know, in memory.

use std::collections::BTreeMap;

use wk_model::Timestamp;

use super::MemoryLedger;
use crate::states::{Of, State, States, Turn, Waiting};
use crate::{Answer, Future};

/// Signals and states.
#[derive(Debug, Default)]
pub(super) struct Known {
    taken: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    states: BTreeMap<Of, (Option<Timestamp>, Vec<u8>)>,
}

impl Known {
    /// Whether a turn goes on from where the last one ended.
    pub(super) fn fits(&self, turn: &Turn) -> bool {
        self.taken == turn.from
    }

    pub(super) fn wait(&mut self, version: u64, signals: &[u8]) {
        if !signals.is_empty() {
            self.waiting.insert(version, signals.to_vec());
        }
    }

    pub(super) fn take(&mut self, turn: &Turn) {
        self.taken = turn.through;
        self.waiting.retain(|version, _| *version > turn.through);
        for state in &turn.states {
            if state.body.is_empty() {
                self.states.remove(&state.of);
            } else {
                self.states.insert(state.of.clone(), (state.due, state.body.clone()));
            }
        }
    }

    fn signals(&self, newest: u64, bytes_max: usize) -> Waiting {
        let (from, mut through, mut bytes) = (self.taken, self.taken, 0);
        let mut signals: Vec<Vec<u8>> = Vec::new();
        for (version, body) in &self.waiting {
            bytes += body.len();
            if bytes > bytes_max && !signals.is_empty() {
                return Waiting { from, through, signals, more: true };
            }
            through = *version;
            signals.push(body.clone());
        }
        Waiting { from, through: newest, signals, more: false }
    }

    fn due(&self, now: Timestamp, max: usize) -> Vec<State> {
        let state = |(of, (due, body)): (&Of, &(Option<Timestamp>, Vec<u8>))| State {
            of: of.clone(),
            due: *due,
            body: body.clone(),
        };
        let is_due = |(_, (due, _)): &(&Of, &(Option<Timestamp>, Vec<u8>))| {
            due.is_some_and(|due| due <= now)
        };
        let mut due: Vec<State> = self.states.iter().filter(is_due).map(state).collect();
        due.sort_by_key(|s| (s.due, s.of.clone()));
        due.truncate(max);
        due
    }
}

impl States for MemoryLedger {
    fn signals_waiting(&self, bytes_max: usize) -> Future<'_, Answer<Waiting>> {
        Box::pin(async move {
            self.stateful("read signals", |newest, known| known.signals(newest, bytes_max))
        })
    }

    fn states<'a>(&'a self, of: &'a [Of]) -> Future<'a, Answer<Vec<Option<Vec<u8>>>>> {
        Box::pin(async move {
            self.stateful("read states", |_, known| {
                of.iter().map(|of| known.states.get(of).map(|(_, body)| body.clone())).collect()
            })
        })
    }

    fn states_due(&self, now: Timestamp, max: usize) -> Future<'_, Answer<Vec<State>>> {
        Box::pin(async move { self.stateful("read due states", |_, known| known.due(now, max)) })
    }

    fn next_due(&self) -> Future<'_, Answer<Option<Timestamp>>> {
        Box::pin(async move {
            self.stateful("look for the next due state", |_, known| {
                known.states.values().filter_map(|(due, _)| *due).min()
            })
        })
    }

    fn states_count(&self) -> Future<'_, Answer<Vec<(String, u64)>>> {
        Box::pin(async move {
            self.stateful("count states", |_, known| {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for of in known.states.keys() {
                    *counts.entry(of.rule.clone()).or_default() += 1;
                }
                counts.into_iter().collect()
            })
        })
    }

    fn forget_states<'a>(&'a self, keep: &'a [String]) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            self.stateful("forget states", |_, known| {
                let before = known.states.len();
                known.states.retain(|of, _| keep.contains(&of.rule));
                (before - known.states.len()) as u64
            })
        })
    }
}
