//! How long until a notice is tried again, and when it is given up.

use wk_model::{Sha256, Timestamp};

/// The first wait is at most so long, in seconds; each next one twice as long.
pub const BASE_SECONDS: u64 = 10;
/// No wait is longer, in seconds.
pub const CAP_SECONDS: u64 = 3600;
/// A notice that nobody took for so long is given up, in seconds.
pub const GIVE_UP_SECONDS: i64 = 24 * 3600;

/// Seconds to wait after this attempt (the first is 1): anywhere up to a limit that doubles, so that
/// many notices do not come back together ("full jitter"). Where the other side asked for a wait, at
/// least that. The same notice and attempt wait the same: what looks random is their digest.
pub fn wait_seconds(notice: &str, attempt: u32, asked_seconds: Option<u32>) -> u64 {
    let doublings = attempt.saturating_sub(1).min(20);
    let limit = BASE_SECONDS.saturating_mul(1 << doublings).min(CAP_SECONDS);
    let digest = Sha256::of_parts(&[notice.as_bytes(), &attempt.to_be_bytes()]);
    let drawn = digest.0.iter().take(6).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let jitter = 1 + drawn % limit;
    jitter.max(asked_seconds.map_or(0, u64::from))
}

/// Whether a notice made then is given up now.
pub fn is_over(created: Timestamp, now: Timestamp) -> bool {
    now.seconds().saturating_sub(created.seconds()) >= GIVE_UP_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_spread_and_have_a_cap() {
        let of = |attempt| -> Vec<u64> {
            (0..500).map(|n| wait_seconds(&n.to_string(), attempt, None)).collect()
        };
        for attempt in 1..=40 {
            let limit = (BASE_SECONDS << (attempt - 1).min(20)).min(CAP_SECONDS);
            let waits = of(attempt);
            assert!(waits.iter().all(|w| (1..=limit).contains(w)), "{attempt}");
            let mean = waits.iter().sum::<u64>() / 500;
            assert!((limit * 4 / 10..=limit * 6 / 10 + 1).contains(&mean), "{attempt}: {mean}");
        }
        assert_eq!(of(3), of(3), "the same notice waits the same");
        assert_eq!(wait_seconds("n", u32::MAX, Some(9_000)), 9_000);
    }

    #[test]
    fn a_day_is_enough() {
        let made = Timestamp::from_seconds(0);
        assert!(!is_over(made, Timestamp::from_seconds(GIVE_UP_SECONDS - 1)));
        assert!(is_over(made, Timestamp::from_seconds(GIVE_UP_SECONDS)));
    }
}
