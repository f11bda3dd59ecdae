//! Whether a request is made again, and after how long.
//!
//! * As the standard mode of AWS's own libraries: waits that double up to 20 s, each with jitter
//!   over its whole length, and a quota that runs dry when a service stays ill.
//! * What changes something each time is repeated only where it is sure that it was not carried
//!   out: it was throttled, or no connection came about.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wk_seam::aws::{AwsErrorKind, Effect};

/// A request is made at most so often.
pub(crate) const ATTEMPTS_MAX: u32 = 5;
/// The longest first wait; each further one may be twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait of all.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// What a client may spend on repetitions before successes refill it.
const QUOTA: u32 = 500;
const PRICE: u32 = 5;
/// A request that got no answer is dearer: it may have cost the service its full time.
const PRICE_OF_SILENCE: u32 = 10;

/// How a request failed, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) kind: AwsErrorKind,
    /// It is sure that the service did not carry it out.
    pub(crate) not_done: bool,
}

impl Failed {
    /// Whether trying again makes sense for what the operation does.
    pub(crate) fn may_repeat(self, effect: Effect) -> bool {
        let passes = match self.kind {
            AwsErrorKind::Throttled | AwsErrorKind::Service | AwsErrorKind::Unreachable => true,
            AwsErrorKind::Denied
            | AwsErrorKind::NotFound
            | AwsErrorKind::NotEnabled
            | AwsErrorKind::Credentials
            | AwsErrorKind::Skewed
            | AwsErrorKind::Invalid
            | AwsErrorKind::Malformed
            | AwsErrorKind::TokenRepeated => false,
        };
        passes && (self.not_done || effect != Effect::EachTime)
    }

    fn price(self) -> u32 {
        if self.kind == AwsErrorKind::Unreachable { PRICE_OF_SILENCE } else { PRICE }
    }
}

/// What is left for repetitions, shared by everything that a client does.
#[derive(Debug)]
pub(crate) struct Quota(Mutex<u32>);

impl Default for Quota {
    fn default() -> Self {
        Self(Mutex::new(QUOTA))
    }
}

impl Quota {
    /// Pays for a repetition, if there is enough left.
    pub(crate) fn pay(&self, failed: Failed) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *left >= failed.price();
        if enough {
            *left -= failed.price();
        }
        enough
    }

    /// A request went well; the price of the repetition that it needed comes back.
    pub(crate) fn refund(&self, repeated_after: Option<Failed>) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + repeated_after.map_or(1, Failed::price)).min(QUOTA);
    }
}

/// How long to wait before the repetition after so many attempts; `dice` is from 0 to 1.
pub(crate) fn wait(attempts: u32, dice: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT).mul_f64(dice.clamp(0.0, 1.0))
}

/// A number from 0 to 1 that nobody foresees; for jitter, not for secrets.
pub(crate) fn dice() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: AwsErrorKind, not_done: bool) -> Failed {
        Failed { kind, not_done }
    }

    #[test]
    fn reads_are_repeated_and_what_acts_each_time_only_when_it_did_not() {
        let silent = failed(AwsErrorKind::Unreachable, false);
        assert!(silent.may_repeat(Effect::Read) && silent.may_repeat(Effect::Repeatable));
        assert!(!silent.may_repeat(Effect::EachTime));
        assert!(!failed(AwsErrorKind::Service, false).may_repeat(Effect::EachTime));
        assert!(failed(AwsErrorKind::Throttled, true).may_repeat(Effect::EachTime));
        assert!(failed(AwsErrorKind::Unreachable, true).may_repeat(Effect::EachTime));
        assert!(!failed(AwsErrorKind::Denied, true).may_repeat(Effect::Read));
    }

    #[test]
    fn waits_double_up_to_twenty_seconds_and_jitter_goes_down_to_nothing() {
        let longest: Vec<u128> = (1..=8).map(|n| wait(n, 1.0).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
        assert_eq!(wait(3, 0.0), Duration::ZERO);
        assert!((0..100).all(|_| (0.0..=1.0).contains(&dice())));
        assert!((0..100).any(|_| dice() > 0.5) && (0..100).any(|_| dice() < 0.5));
    }

    #[test]
    fn the_quota_runs_dry_and_successes_refill_it() {
        let quota = Quota::default();
        let silent = failed(AwsErrorKind::Unreachable, false);
        assert_eq!((0..1000).filter(|_| quota.pay(silent)).count(), 50);
        (0..9).for_each(|_| quota.refund(None));
        assert!(!quota.pay(silent));
        quota.refund(Some(silent));
        assert!(quota.pay(silent) && !quota.pay(silent));
    }
}
