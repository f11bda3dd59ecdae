//! The difference between our clock and AWS's: a signature names the time, and AWS takes it only
//! within some minutes of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use wk_model::{Day, Timestamp};

/// A smaller difference is none: answers take their time.
const TELLING_SECONDS: i64 = 120;

/// AWS's clock minus ours, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Skew {
    /// What signatures are corrected by.
    ahead_seconds: AtomicI64,
    /// What the last answer showed; `UNSEEN` before the first.
    seen_seconds: Seen,
}

#[derive(Debug)]
struct Seen(AtomicI64);

const UNSEEN: i64 = i64::MIN;

impl Default for Seen {
    fn default() -> Self {
        Self(AtomicI64::new(UNSEEN))
    }
}

impl Skew {
    /// The time by AWS's clock.
    pub(crate) fn corrected(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.seconds())
    }

    /// How far AWS's clock is ahead of ours; less than two minutes count as nothing.
    pub(crate) fn seconds(&self) -> i64 {
        self.ahead_seconds.load(Ordering::Relaxed)
    }

    /// How far AWS's clock was ahead of ours at the last answer, if there was one with a date.
    pub(crate) fn seen_seconds(&self) -> Option<i64> {
        Some(self.seen_seconds.0.load(Ordering::Relaxed)).filter(|seconds| *seconds != UNSEEN)
    }

    /// Notes the `Date` of an answer.
    pub(crate) fn see(&self, date: Option<&str>, now: Timestamp) {
        if let Some(theirs) = date.and_then(http_date) {
            let ahead = theirs.seconds().saturating_sub(now.seconds());
            self.seen_seconds.0.store(ahead, Ordering::Relaxed);
        }
    }

    /// Learns from the `Date` of an answer. Answers whether it changed what signatures will name.
    pub(crate) fn learn(&self, date: Option<&str>, now: Timestamp) -> bool {
        let Some(theirs) = date.and_then(http_date) else { return false };
        let ahead = theirs.seconds().saturating_sub(now.seconds());
        let telling = (ahead - self.seconds()).abs() > TELLING_SECONDS;
        if telling {
            self.ahead_seconds.store(ahead, Ordering::Relaxed);
        }
        telling
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7; the older forms are not sent by AWS).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let date = Day::from_civil(words.next()?.parse().ok()?, month, day)?;
    let mut clock = words.next()?.split(':').map(str::parse::<i64>);
    let mut part = |max: i64| clock.next()?.ok().filter(|n| (0..=max).contains(n));
    let seconds = part(23)? * 3600 + part(59)? * 60 + part(60)?;
    Some(date.start().plus_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_answers_are_read() {
        let read = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(read, Timestamp::parse("1994-11-06T08:49:37Z").unwrap());
        for text in [
            "",
            "yesterday",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8h GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_corrected_and_small_differences_are_none() {
        let skew = Skew::default();
        let now = Timestamp::parse("1994-11-06T08:00:00Z").unwrap();
        assert!(!skew.learn(Some("Sun, 06 Nov 1994 08:01:00 GMT"), now));
        assert_eq!(skew.corrected(now), now);
        assert!(skew.learn(Some("Sun, 06 Nov 1994 08:49:37 GMT"), now));
        assert_eq!(skew.corrected(now), Timestamp::parse("1994-11-06T08:49:37Z").unwrap());
        // Learnt once; the same again changes nothing.
        assert!(!skew.learn(Some("Sun, 06 Nov 1994 08:49:40 GMT"), now));
        assert!(!skew.learn(None, now));
    }
}
