//! Says what goes wrong, and not too often: the same trouble once a minute, with a count.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_seam::clock::Clock;

/// Between two lines about the same trouble, in seconds.
const EVERY_SECONDS: i64 = 60;
/// Troubles that are told apart; beyond that the oldest is forgotten.
const TROUBLES_MAX: usize = 500;
/// Bytes of a text that came from outside.
const TEXT_MAX: usize = 1000;

/// Says what goes wrong.
pub struct Teller {
    clock: Arc<dyn Clock>,
    told: Mutex<BTreeMap<String, Told>>,
}

struct Told {
    at: Timestamp,
    /// How often it happened since and was not told.
    unsaid: u64,
}

impl Teller {
    /// One that has said nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, told: Mutex::default() }
    }

    /// Warns of a trouble: `what` is the same each time it happens, `about` may be hostile text.
    pub fn warn(&self, job: &str, what: &'static str, about: &str) {
        if let Some(unsaid) = self.is_due(&format!("{job}\n{what}")) {
            let about = safe(about);
            tracing::warn!(job, about, not_told_before = unsaid, "{what}");
        }
    }

    /// Whether the trouble is to be told now, and how often it was not told since the last time.
    fn is_due(&self, trouble: &str) -> Option<u64> {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = told.get_mut(trouble) {
            if now.seconds() - told.at.seconds() < EVERY_SECONDS {
                told.unsaid += 1;
                return None;
            }
            told.at = now;
            return Some(std::mem::take(&mut told.unsaid));
        }
        if told.len() >= TROUBLES_MAX {
            let oldest = told.iter().min_by_key(|(_, t)| t.at).map(|(name, _)| name.clone());
            oldest.and_then(|name| told.remove(&name));
        }
        told.insert(trouble.to_owned(), Told { at: now, unsaid: 0 });
        Some(0)
    }
}

/// Text that is safe in a log: escaped, and not too long.
pub(super) fn safe(text: &str) -> String {
    printable(text.as_bytes().get(..TEXT_MAX).unwrap_or(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use wk_seam::clock::StandingClock;

    use super::*;

    #[test]
    fn the_same_trouble_is_told_once_a_minute_with_a_count() {
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1000)));
        let teller = Teller::new(clock.clone());
        assert_eq!(teller.is_due("a"), Some(0));
        assert_eq!((teller.is_due("a"), teller.is_due("a")), (None, None));
        assert_eq!(teller.is_due("b"), Some(0), "another trouble");
        clock.set(Timestamp::from_seconds(1060));
        assert_eq!((teller.is_due("a"), teller.is_due("a")), (Some(2), None));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let teller = Teller::new(Arc::new(StandingClock::at(Timestamp::from_seconds(0))));
        (0..2000).for_each(|n| assert_eq!(teller.is_due(&n.to_string()), Some(0)));
        assert_eq!(teller.told.lock().unwrap().len(), TROUBLES_MAX);
        assert!(safe(&"x\u{1b}".repeat(9000)).len() < 9000);
    }
}
