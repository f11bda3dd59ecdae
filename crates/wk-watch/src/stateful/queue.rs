//! Signals that wait to be stepped, by rule and key.

use std::collections::BTreeMap;

use wk_model::Signal;

use super::compile::{Stateful, StatefulRule};
use super::packed::{Packed, Place};

/// Signals of many commits, in the order in which rules are stepped. What is packed stays packed
/// until its rule and key are stepped, so that many of them take little room.
#[derive(Debug, Default)]
pub struct Queue {
    packs: Vec<Packed>,
    waiting: BTreeMap<usize, BTreeMap<String, Waits>>,
    /// Signals of rules that are no more.
    pub orphans: u64,
    /// Packs and signals that could not be read.
    pub unreadable: u64,
}

/// What waits for a rule and key.
#[derive(Debug, Default)]
struct Waits {
    /// Number of the pack, and where in it.
    packed: Vec<(usize, u32)>,
    signals: Vec<Signal>,
}

impl Queue {
    /// Takes in packs of signals: all of them, or those of the rules that `wanted` says.
    pub fn take_packed(
        &mut self,
        rules: &Stateful,
        bytes: &[u8],
        wanted: &dyn Fn(&StatefulRule) -> bool,
    ) {
        let Some(packs) = Packed::all(bytes) else {
            self.unreadable += 1;
            return;
        };
        for pack in packs {
            let number = self.packs.len();
            for Place { rule, key, at } in pack.signals() {
                match rules.place(rule) {
                    Some(place) if wanted(&rules.rules()[place]) => {
                        self.waits(place, key).packed.push((number, at));
                    }
                    Some(_) => {}
                    None => self.orphans += 1,
                }
            }
            self.packs.push(pack);
        }
    }

    /// Takes in signals.
    pub fn take_in(&mut self, rules: &Stateful, signals: Vec<Signal>) {
        for signal in signals {
            match rules.place(&signal.rule) {
                Some(place) => self.waits(place, &signal.key).signals.push(signal),
                None => self.orphans += 1,
            }
        }
    }

    /// The state of a rule and key is due: it is stepped even if no signal waits for it.
    pub fn is_due(&mut self, place: usize, key: &str) {
        self.waits(place, key);
    }

    /// The next rule that is to be stepped, by its place, and its keys.
    pub fn next_rule(&self) -> Option<(usize, Vec<String>)> {
        let (place, keys) = self.waiting.first_key_value()?;
        Some((*place, keys.keys().cloned().collect()))
    }

    /// Takes out the signals of a rule and key.
    pub fn take(&mut self, rules: &Stateful, place: usize, key: &str) -> Vec<Signal> {
        let Some(keys) = self.waiting.get_mut(&place) else { return Vec::new() };
        let Waits { packed, mut signals } = keys.remove(key).unwrap_or_default();
        if keys.is_empty() {
            self.waiting.remove(&place);
        }
        let rule = rules.rules().get(place).map_or("", |rule| rule.rule.id.as_str());
        for (number, at) in packed {
            match self.packs.get(number).and_then(|pack| pack.read(Place { rule, key, at })) {
                Some(signal) => signals.push(signal),
                None => self.unreadable += 1,
            }
        }
        signals
    }

    fn waits(&mut self, place: usize, key: &str) -> &mut Waits {
        let keys = self.waiting.entry(place).or_default();
        if !keys.contains_key(key) {
            keys.insert(key.to_owned(), Waits::default());
        }
        keys.get_mut(key).expect("it was put there where it was missing")
    }
}
