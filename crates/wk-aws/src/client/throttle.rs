//! No more requests than a service takes: one bucket for each service, region and account.
//!
//! * A bucket lets a burst of two seconds' worth through, then so many per second.
//! * When the service says "slower" all the same, the rate is halved, and it recovers with success.
//! * Who must wait is told for how long; nobody is dropped.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wk_model::Timestamp;

/// A bucket never gets slower than one request in four seconds.
const SLOWEST_PER_SECOND: f64 = 0.25;
/// What a request that went well adds to a lowered rate, in parts of the full one.
const RECOVERY: f64 = 0.02;
/// A burst is so many seconds' worth.
const BURST_SECONDS: f64 = 2.0;

/// Whose quota a request uses: service, region, account.
pub(crate) type Key = (&'static str, String, String);

#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<Key, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_per_second: f64,
    per_second: f64,
    /// Below zero: those that wait have taken them already.
    tokens: f64,
    at: Timestamp,
}

impl Throttle {
    /// Takes a turn; answers how long to wait for it.
    pub(crate) fn turn(&self, key: &Key, per_second: u32, now: Timestamp) -> Duration {
        let full = f64::from(per_second.max(1));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key.clone()).or_insert(Bucket {
            full_per_second: full,
            per_second: full,
            tokens: full * BURST_SECONDS,
            at: now,
        });
        bucket.refill(now);
        bucket.tokens -= 1.0;
        Duration::from_secs_f64((-bucket.tokens / bucket.per_second).max(0.0))
    }

    /// The service said "slower".
    pub(crate) fn slower(&self, key: &Key) {
        self.change(key, |bucket| {
            bucket.per_second = (bucket.per_second / 2.0).max(SLOWEST_PER_SECOND);
            bucket.tokens = bucket.tokens.min(0.0);
        });
    }

    /// A request went well.
    pub(crate) fn well(&self, key: &Key) {
        self.change(key, |bucket| {
            let faster = bucket.per_second + bucket.full_per_second * RECOVERY;
            bucket.per_second = faster.min(bucket.full_per_second);
        });
    }

    fn change(&self, key: &Key, change: impl FnOnce(&mut Bucket)) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            change(bucket);
        }
    }
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        let micros = now.micros().saturating_sub(self.at.micros()).max(0);
        let seconds = Duration::from_micros(micros.unsigned_abs()).as_secs_f64();
        let room = self.full_per_second * BURST_SECONDS;
        self.tokens = (self.tokens + seconds * self.per_second).min(room);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(region: &str) -> Key {
        ("logs", region.to_owned(), String::new())
    }

    fn waits(throttle: &Throttle, region: &str, count: usize, second: i64) -> Vec<u128> {
        let now = Timestamp::from_seconds(second);
        (0..count).map(|_| throttle.turn(&key(region), 5, now).as_millis()).collect()
    }

    #[test]
    fn a_burst_passes_and_then_everybody_waits_a_little_longer() {
        let throttle = Throttle::default();
        assert_eq!(waits(&throttle, "a", 10, 0), [0; 10]);
        assert_eq!(waits(&throttle, "a", 3, 0), [200, 400, 600]);
        // Another region has a quota of its own; and time heals.
        assert_eq!(waits(&throttle, "b", 1, 0), [0]);
        assert_eq!(waits(&throttle, "a", 1, 10), [0]);
    }

    #[test]
    fn a_complaint_halves_the_rate_and_success_brings_it_back() {
        let throttle = Throttle::default();
        waits(&throttle, "a", 1, 0);
        throttle.slower(&key("a"));
        throttle.slower(&key("a"));
        assert_eq!(waits(&throttle, "a", 2, 0), [800, 1600]);
        for _ in 0..50 {
            throttle.well(&key("a"));
        }
        assert_eq!(waits(&throttle, "a", 1, 0), [600]);
        (0..100).for_each(|_| throttle.slower(&key("a")));
        assert_eq!(waits(&throttle, "a", 1, 0), [16_000]);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let throttle = Throttle::default();
        waits(&throttle, "a", 10, 100);
        assert_eq!(waits(&throttle, "a", 1, 50), [200]);
        assert_eq!(waits(&throttle, "a", 1, 100), [400]);
    }
}
