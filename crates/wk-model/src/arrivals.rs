//! What arrived, when, from where and how late: the facts by which the watch watches itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a commit brought, summed up. The ledger adds it to what it has in the commit's transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// New events by where and in which hour they happened.
    pub places: BTreeMap<PlaceHour, Arrived>,
    /// New events by source.
    pub feeds: BTreeMap<String, Fed>,
    /// How long live events took, by source and path.
    pub lags: BTreeMap<(String, Path), Histogram>,
}

/// Accounts and regions that are told apart for one source; events of further ones are counted as
/// [`OTHER`], and how many those were is kept.
pub const PLACES_MAX: usize = 2_000;

/// What stands for the account and the region of places that are too many or too long.
pub const OTHER: &str = "other";

/// Characters of an account or region; longer ones are [`OTHER`].
pub const PLACE_TEXT_MAX: usize = 64;

/// Where and in which hour events happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceHour {
    /// The source.
    pub source: String,
    /// Account; empty where the records name none.
    pub account: String,
    /// Region; empty where the records name none.
    pub region: String,
    /// Hours since 1970-01-01T00:00:00Z.
    pub hour: i64,
}

/// Events of a place and hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// How many.
    pub rows: u64,
    /// When the first of them was received.
    pub first_received: Timestamp,
    /// When the last of them was received.
    pub last_received: Timestamp,
    /// When the last of them happened.
    pub last_event: Timestamp,
}

/// Events of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// Events that came while they mattered.
    pub live: u64,
    /// Events that came as history.
    pub late: u64,
    /// When the first of them was received.
    pub first_received: Timestamp,
    /// When the last live one was received.
    pub last_live: Option<Timestamp>,
    /// When the last of them happened.
    pub last_event: Timestamp,
}

/// A stretch of the way from what happened to what we say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// From the event to the object that brings it: the sender's time.
    EventDelivered,
    /// From the object to our reading it: the pull's time.
    DeliveredReceived,
    /// From reading to the sealed commit: the ingest's time.
    ReceivedRecorded,
    /// From the event to the finding that it makes: what counts in the end.
    EventFinding,
}

/// How long something took, counted in buckets that grow by about a quarter each.
///
/// Bucket 0 is "not later than"; then four buckets for each doubling, from one millisecond to two
/// years. A quantile is therefore told at most 25 % too high, never too low.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u8, u64>);

/// The whole hours since 1970-01-01 at a time.
pub fn hour_of(time: Timestamp) -> i64 {
    time.seconds().div_euclid(3600)
}

/// When an hour begins.
pub fn hour_start(hour: i64) -> Timestamp {
    Timestamp::from_seconds(hour.saturating_mul(3600))
}

impl PlaceHour {
    /// A place and hour; texts that are no account or region any more are [`OTHER`].
    pub fn new(source: &str, account: &str, region: &str, hour: i64) -> Self {
        let fits = |text: &str| text.len() <= PLACE_TEXT_MAX;
        let (account, region) =
            if fits(account) && fits(region) { (account, region) } else { (OTHER, OTHER) };
        let text = str::to_owned;
        Self { source: text(source), account: text(account), region: text(region), hour }
    }

    /// The hour at the place of all that are too many.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self::new(&self.source, OTHER, OTHER, self.hour)
    }
}

impl Path {
    /// Every path, in the order of the way.
    pub const ALL: [Self; 4] =
        [Self::EventDelivered, Self::DeliveredReceived, Self::ReceivedRecorded, Self::EventFinding];

    /// The word in the ledger, in commands and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventDelivered => "event-delivered",
            Self::DeliveredReceived => "delivered-received",
            Self::ReceivedRecorded => "received-recorded",
            Self::EventFinding => "event-finding",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.as_str() == word)
    }
}

impl Arrived {
    /// One event.
    pub const fn one(received: Timestamp, event: Timestamp) -> Self {
        Self { rows: 1, first_received: received, last_received: received, last_event: event }
    }

    /// Adds others of the same place and hour.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.first_received = self.first_received.min(other.first_received);
        self.last_received = self.last_received.max(other.last_received);
        self.last_event = self.last_event.max(other.last_event);
    }
}

impl Fed {
    /// Adds others of the same source.
    pub fn add(&mut self, other: &Self) {
        self.live += other.live;
        self.late += other.late;
        self.first_received = self.first_received.min(other.first_received);
        self.last_live = self.last_live.max(other.last_live);
        self.last_event = self.last_event.max(other.last_event);
    }
}

impl Arrivals {
    /// Adds what others brought.
    pub fn add(&mut self, other: Self) {
        for (place, arrived) in other.places {
            self.places.entry(place).and_modify(|a| a.add(&arrived)).or_insert(arrived);
        }
        for (source, fed) in other.feeds {
            self.feeds.entry(source).and_modify(|f| f.add(&fed)).or_insert(fed);
        }
        for (key, lags) in other.lags {
            self.lags.entry(key).or_default().add(&lags);
        }
    }
}

impl Histogram {
    const LAST: u8 = 36 * 4;

    /// Counts one that took so long.
    pub fn count(&mut self, micros: i64) {
        self.count_many(bucket(micros), 1);
    }

    /// Counts so many in a bucket.
    pub fn count_many(&mut self, bucket: u8, count: u64) {
        if count > 0 {
            *self.0.entry(bucket.min(Self::LAST)).or_default() += count;
        }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        other.buckets().for_each(|(bucket, count)| self.count_many(bucket, count));
    }

    /// The buckets that are not empty, shortest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The time in milliseconds that so many in a thousand did not exceed; `None` if none was
    /// counted.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        let wanted = (self.total() * per_mille.min(1000)).div_ceil(1000).max(1);
        let mut sum = 0;
        self.buckets().find_map(|(bucket, count)| {
            sum += count;
            (sum >= wanted).then(|| bucket_end_millis(bucket))
        })
    }
}

/// The bucket of a length of time.
pub fn bucket(micros: i64) -> u8 {
    let millis = u64::try_from(micros / 1000).unwrap_or(0);
    if micros <= 0 {
        return 0;
    }
    let millis = millis.max(1);
    let octave = millis.ilog2();
    let quarter =
        if octave >= 2 { (millis >> (octave - 2)) & 3 } else { (millis << (2 - octave)) & 3 };
    let bucket = 1 + octave * 4 + u32::try_from(quarter).unwrap_or(0);
    u8::try_from(bucket).unwrap_or(u8::MAX).min(Histogram::LAST)
}

/// Where a bucket ends, in milliseconds.
pub fn bucket_end_millis(bucket: u8) -> u64 {
    let Some(place) = bucket.checked_sub(1) else { return 0 };
    let (octave, quarter) = (u32::from(place / 4), u64::from(place % 4));
    ((5 + quarter) << octave) >> 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quantile_is_told_a_little_too_high_never_too_low() {
        let mut lags = Histogram::default();
        (1..=100).for_each(|seconds| lags.count(seconds * 1_000_000));
        let (p50, p95) = (lags.quantile(500).unwrap(), lags.quantile(950).unwrap());
        assert!((50_000..=62_500).contains(&p50), "{p50}");
        assert!((95_000..=118_750).contains(&p95), "{p95}");
        assert_eq!(Histogram::default().quantile(500), None);
    }

    #[test]
    fn what_came_before_it_happened_took_no_time() {
        let mut lags = Histogram::default();
        lags.count(-5);
        assert_eq!((lags.total(), lags.quantile(1000)), (1, Some(0)));
    }

    proptest! {
        #[test]
        fn a_bucket_ends_within_a_quarter_after_what_it_holds(micros in 4_000i64..60_000_000_000_000) {
            let millis = u64::try_from(micros / 1000).unwrap();
            let end = bucket_end_millis(bucket(micros));
            prop_assert!(end > millis.saturating_sub(1) && end <= millis + millis / 4 + 1, "{millis} {end}");
        }
        #[test]
        fn longer_is_never_in_a_lower_bucket(a in any::<i64>(), b in any::<i64>()) {
            prop_assert!(bucket(a.min(b)) <= bucket(a.max(b)));
        }
    }
}
