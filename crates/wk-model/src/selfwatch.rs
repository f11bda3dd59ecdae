//! What the ledger knows of how the watch goes: the facts that self-alerts are judged by.

use std::collections::BTreeMap;

use crate::arrivals::{Histogram, Path};
use crate::time::Timestamp;

/// Hours of history that tell what is usual: nine weeks.
pub const HISTORY_HOURS: i64 = 9 * WEEK_HOURS;
/// Hours in a week.
pub const WEEK_HOURS: i64 = 168;
/// Hours of intake that are told: eight days, so that a week ago is among them.
pub const INTAKE_HOURS: i64 = 8 * 24;
/// Hours whose latencies are told: this one and the one before.
pub const LAG_HOURS: i64 = 2;
/// Hours whose pauses are told: two weeks.
pub const PAUSE_HOURS: i64 = 2 * WEEK_HOURS;

/// Hours of which it is known what arrived, before the newest commit: 400 days. Older events are in
/// the lake and in the counts, but not in what the watch knows of itself.
pub const KEPT_HOURS: i64 = 400 * 24;

/// What the ledger knows, at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelfFacts {
    /// Every source that ever brought something.
    pub sources: BTreeMap<String, SourceFacts>,
    /// What came that no source could read an event of, by the hour in which it was recorded. From
    /// [`INTAKE_HOURS`] ago.
    pub unread: BTreeMap<i64, Intake>,
    /// When the last commit was sealed.
    pub last_commit: Option<Timestamp>,
    /// Events whose account and region were too many or too long to be told apart.
    pub folded: u64,
}

/// What the ledger knows of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// When the first event ever was received.
    pub begun: Timestamp,
    /// When the last live event was received; `None` if all came as history.
    pub last_live: Option<Timestamp>,
    /// When the last event happened.
    pub last_event: Timestamp,
    /// Events by the hour in which they happened; hours without any are not there. From
    /// [`HISTORY_HOURS`] before the last live event on: what was usual then stays known however
    /// long the source is silent.
    pub volume: BTreeMap<i64, u64>,
    /// What came by the hour in which it was recorded. From [`INTAKE_HOURS`] ago.
    pub intake: BTreeMap<i64, Intake>,
    /// How long live events took that were recorded in the last [`LAG_HOURS`].
    pub lags: BTreeMap<Path, Histogram>,
    /// How long there was nothing between one live arrival and the next, in the last
    /// [`PAUSE_HOURS`].
    pub pauses: Histogram,
}

/// What came of a source in an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Intake {
    /// Records read.
    pub read: u64,
    /// New events.
    pub stored: u64,
    /// Records whose event was there already.
    pub duplicates: u64,
    /// Records that could not be read.
    pub complaints: u64,
    /// New events that came as history.
    pub late: u64,
}

/// In which hours a place had events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceFacts {
    /// The source.
    pub source: String,
    /// Account; empty where the records name none.
    pub account: String,
    /// Region; empty where the records name none.
    pub region: String,
    /// The hours.
    pub hours: Hours,
}

/// A set of hours, a bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    from: i64,
    length: usize,
    bits: Vec<u64>,
}

impl SourceFacts {
    /// The hour after which volume is told, at a time.
    pub fn history_after(&self, now: Timestamp) -> i64 {
        let last = self.last_live.map_or(now, |live| live.min(now));
        last.seconds().div_euclid(3600) - HISTORY_HOURS
    }
}

impl Intake {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.complaints += other.complaints;
        self.late += other.late;
    }
}

impl Hours {
    /// None of the hours from the first to before the last; at most a hundred years of them.
    pub fn new(from: i64, until: i64) -> Self {
        let length = usize::try_from(until.saturating_sub(from)).unwrap_or(0).min(876_600);
        Self { from, length, bits: vec![0; length.div_ceil(64)] }
    }

    /// The first hour that it can hold, and the one after the last.
    pub fn span(&self) -> (i64, i64) {
        (self.from, self.from + i64::try_from(self.length).unwrap_or(0))
    }

    /// Takes an hour in; one outside the span is left out.
    pub fn insert(&mut self, hour: i64) {
        if let Some(place) = self.place(hour)
            && let Some(word) = self.bits.get_mut(place / 64)
        {
            *word |= 1 << (place % 64);
        }
    }

    /// Whether an hour is in it.
    pub fn contains(&self, hour: i64) -> bool {
        let word = self.place(hour).and_then(|place| Some((place, self.bits.get(place / 64)?)));
        word.is_some_and(|(place, word)| word & (1 << (place % 64)) != 0)
    }

    /// How many hours are in it.
    pub fn count(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    /// The hours, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + '_ {
        let (from, until) = self.span();
        (from..until).filter(|hour| self.contains(*hour))
    }

    fn place(&self, hour: i64) -> Option<usize> {
        let place = usize::try_from(hour.checked_sub(self.from)?).ok()?;
        (place < self.length).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_outside_the_span_are_left_out() {
        let mut hours = Hours::new(100, 230);
        for hour in [99, 100, 163, 164, 229, 230, i64::MIN, i64::MAX] {
            hours.insert(hour);
        }
        assert_eq!(hours.iter().collect::<Vec<_>>(), [100, 163, 164, 229]);
        assert_eq!((hours.count(), hours.span()), (4, (100, 230)));
        assert_eq!(Hours::new(5, i64::MAX).span().1 - 5, 876_600, "memory is bounded");
    }
}
