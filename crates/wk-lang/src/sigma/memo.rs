//! Answers that were given before: logs say the same few things over and over.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers of one test about texts, the last ones that were asked for. Whoever asks may be on any
/// thread.
///
/// A text is known by a hash of 63 bits whose seed nobody knows, so that two texts that a test must
/// tell apart do not meet, not even on purpose.
pub(super) struct Memo {
    seed: u64,
    /// A hash, with the answer as its lowest bit; 0 is nothing.
    slots: Box<[AtomicU64]>,
}

impl Memo {
    /// Answers that are kept.
    const SLOTS: usize = 256;

    pub(super) fn new() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self { seed, slots: (0..Self::SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The answer about a text: the one that was given before, or this one.
    #[inline]
    pub(super) fn answer(&self, text: &str, answer: impl FnOnce() -> bool) -> bool {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), self.seed) & !1;
        // The upper bits: the lowest is the answer.
        let place = usize::try_from(hash >> 56).unwrap_or_default() % Self::SLOTS;
        let Some(slot) = self.slots.get(place).filter(|_| hash != 0) else { return answer() };
        let known = slot.load(Ordering::Relaxed);
        if known & !1 == hash {
            return known & 1 == 1;
        }
        let answer = answer();
        slot.store(hash | u64::from(answer), Ordering::Relaxed);
        answer
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_once_and_remembered_for_its_text_alone() {
        let memo = Memo::new();
        assert!(memo.answer("yes", || true) && !memo.answer("no", || false));
        assert!(memo.answer("yes", || false), "it was said before");
        for n in 0..10_000 {
            let text = n.to_string();
            assert_eq!(memo.answer(&text, || n % 3 == 0), n % 3 == 0);
            assert_eq!(memo.answer(&text, || n % 3 != 0), n % 3 == 0);
        }
    }
}
