//! Comparing without regard to letter case.
//!
//! A text is folded by giving each character its Unicode lower-case form, one by one: no rule
//! looks at neighbours, so that the fold of a part is a part of the fold. Texts in ASCII, which is
//! what logs hold, take a path that copies nothing.

use std::borrow::Cow;

/// The folded form.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether the text folds to `folded`.
#[inline]
pub(super) fn folds_to(text: &str, folded: &str) -> bool {
    if text.len() == folded.len() && text.eq_ignore_ascii_case(folded) {
        return true;
    }
    !text.is_ascii() && fold(text) == folded
}

/// Whether the text, folded, begins with `folded`.
#[inline]
pub(super) fn folded_starts_with(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        let head = text.as_bytes().get(..folded.len());
        return head.is_some_and(|head| head.eq_ignore_ascii_case(folded.as_bytes()));
    }
    fold(text).starts_with(folded)
}

/// Whether the text, folded, ends with `folded`.
#[inline]
pub(super) fn folded_ends_with(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        let from = text.len().checked_sub(folded.len());
        let tail = from.and_then(|from| text.as_bytes().get(from..));
        return tail.is_some_and(|tail| tail.eq_ignore_ascii_case(folded.as_bytes()));
    }
    fold(text).ends_with(folded)
}

/// Calls `look` with the folded text as bytes. Short texts are folded on the stack.
#[inline]
pub(super) fn with_folded<T>(text: &str, look: impl FnOnce(&[u8]) -> T) -> T {
    let mut room = [0u8; 256];
    match room.get_mut(..text.len()) {
        Some(room) if text.is_ascii() => {
            room.copy_from_slice(text.as_bytes());
            room.make_ascii_lowercase();
            look(room)
        }
        _ => look(fold(text).as_bytes()),
    }
}

/// A hash that is the same for all texts that fold alike. Other texts may share it.
#[inline]
pub(super) fn folded_hash(text: &str) -> u64 {
    let folded = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) };
    let (words, rest) = folded.as_bytes().as_chunks::<8>();
    let mut hash = text.len() as u64;
    if !text.is_ascii() {
        hash = folded.len() as u64;
    }
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0u8; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    mix(hash, u64::from_le_bytes(last))
}

/// Setting bit 5 of each byte folds ASCII letters (and makes some other bytes equal, which a hash
/// may).
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    const BIT: u64 = 0x2020_2020_2020_2020;
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(hash.rotate_left(23) ^ (word | BIT)) * u128::from(ODD);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are wanted")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folding_is_unicode_and_looks_at_no_neighbours() {
        assert_eq!(fold("ÀΣΣ K"), "àσσ k");
        assert!(folds_to("K", "k") && folded_starts_with("Key", "ke"));
        assert_eq!(folded_hash("K9"), folded_hash("k9"));
    }

    proptest! {
        #[test]
        fn the_fast_paths_agree_with_the_fold(
            text in "[a-cA-CéÉΣσK ]{0,20}",
            other in "[a-cA-CéÉΣσK ]{0,3}",
        ) {
            let folded = fold(&other);
            prop_assert_eq!(folds_to(&text, &folded), fold(&text) == folded);
            prop_assert_eq!(folded_starts_with(&text, &folded), fold(&text).starts_with(&folded));
            prop_assert_eq!(folded_ends_with(&text, &folded), fold(&text).ends_with(&folded));
            with_folded(&text, |bytes| assert_eq!(bytes, fold(&text).as_bytes()));
            prop_assert_eq!(folded_hash(&text), folded_hash(&fold(&text)));
        }
    }
}
