//! What a rule over several events means for a look back: how long it remembers, how far it reaches,
//! and how long it waits for each source.

use std::collections::BTreeMap;

use wk_lang::sigma::{Kind, Rate};

use super::compile::{StatefulRule, Target};
use super::entries::Reach;

const DAY_SECONDS: i64 = 86_400;

/// How long after its time an event is waited for, in seconds: by source, and of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lateness {
    /// By the id of the source.
    pub of: BTreeMap<String, i64>,
    /// Where the source has none of its own.
    pub others: i64,
}

impl Lateness {
    /// What is waited for unless somebody says otherwise: CloudTrail is delivered within some minutes.
    pub const SECONDS: i64 = 900;

    /// Of a source, by its id.
    pub fn of(&self, source: &str) -> i64 {
        self.of.get(source).copied().unwrap_or(self.others)
    }
}

impl Default for Lateness {
    fn default() -> Self {
        Self { of: BTreeMap::new(), others: Self::SECONDS }
    }
}

impl StatefulRule {
    /// Whether it has seen together what was received within so many seconds, of the events within a
    /// day of each other: it keeps events for so long after they came, and judges again what it judged.
    pub fn has_seen_together(&self, spread_seconds: i64) -> bool {
        let reach = Reach::of(self);
        let around = reach.before + reach.behind;
        self.is_eager() && around <= DAY_SECONDS && spread_seconds <= around + self.lateness_seconds
    }

    /// How long before and behind an event others become part of a finding by it, in seconds.
    pub fn tells_around(&self) -> (i64, i64) {
        match &self.correlation.kind {
            Kind::FirstSeen(_) => (0, 0),
            Kind::Rate(rate) => {
                let row = i64::from(rate.buckets) * Rate::BUCKET_SECONDS;
                (row, row)
            }
            _ => {
                let reach = Reach::of(self);
                let around = reach.before + reach.behind;
                (around, around)
            }
        }
    }

    /// How long before an event the past is that it is compared with, in seconds.
    pub fn looks_back_seconds(&self) -> i64 {
        match &self.correlation.kind {
            Kind::FirstSeen(kind) => {
                i64::from(kind.history_days) * DAY_SECONDS
                    + i64::from(kind.learning_days) * DAY_SECONDS
            }
            Kind::Rate(kind) => {
                i64::from(kind.history_weeks) * 7 * DAY_SECONDS
                    + i64::from(kind.learning_days) * DAY_SECONDS
            }
            _ => 0,
        }
    }

    /// Whether other rules look at what it finds.
    pub fn is_looked_at(&self) -> bool {
        !self.above.is_empty()
    }

    /// The rules over several events that it looks at, by their places.
    pub fn rules_below(&self) -> impl Iterator<Item = usize> + '_ {
        self.refers.iter().filter_map(|target| match target {
            Target::Several(below) => Some(*below),
            Target::Single(_) => None,
        })
    }
}
