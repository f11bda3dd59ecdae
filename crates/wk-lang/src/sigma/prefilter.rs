//! Saying no from the text of a record, before it is parsed.
//!
//! A rule that wants a value of a field can only match a record whose text holds the last key of
//! the field's path with such a value behind it. Most records hold none that any rule wants, and
//! looking for a few keys is several times quicker than reading all of the text.
//!
//! "No" is certain, "perhaps" is not: keys are looked for wherever they stand in the record, and
//! whatever is hard to read (escapes, arrays) counts as wanted.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::field::{FieldPath, FieldValue, Leaf};
use super::index::{Lengths, Variety};
use super::question::{Hash, Question, hash_of};
use super::ruleset::Parts;
use super::test::Test;

/// Finds records that no rule can match.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    /// `None` if there is a rule it cannot speak for, or too many keys to look for.
    probes: Option<Vec<Probe>>,
}

/// A key, and the values behind it that are wanted.
#[derive(Debug)]
struct Probe {
    key: String,
    /// The key and its closing quote.
    finder: Finder<'static>,
    /// Hashes of wanted texts, sorted.
    hashes: Vec<u64>,
    lengths: Lengths,
    /// Other tests of which one must hold.
    tests: Vec<Test>,
}

/// How many keys are looked for: with more, parsing is quicker.
const PROBES_MAX: usize = 8;

impl Prefilter {
    pub(super) fn new(rules: &[Parts<'_>]) -> Self {
        let variety = Variety::of(rules);
        let mut probes: Vec<Probe> = Vec::new();
        for rule in rules {
            let Some(questions) = variety.witness_of(*rule, is_findable) else {
                return Self::default();
            };
            for question in questions {
                let key = question.test.field.as_ref().map_or("", FieldPath::last);
                let place = probes.iter().position(|probe| probe.key == key);
                let place = place.unwrap_or_else(|| {
                    probes.push(Probe::new(key));
                    probes.len() - 1
                });
                probes[place].want(question);
            }
        }
        Self { probes: (probes.len() <= PROBES_MAX).then_some(probes) }
    }

    /// False only if no rule matches the record with this text.
    #[inline]
    pub(super) fn may_match(&self, text: &str) -> bool {
        let Some(probes) = &self.probes else { return true };
        if has_escaped_letters(text.as_bytes()) {
            return true;
        }
        probes.iter().any(|probe| probe.may_hold(text))
    }
}

/// Whether the key of the question's field is written in one way only, but for escaped letters.
fn is_findable(question: &Question) -> bool {
    let key = question.test.field.as_ref().map_or("", FieldPath::last);
    !key.is_empty() && key.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether letters, digits, `-` or `_` are written as escapes, as an escaped key might be.
fn has_escaped_letters(text: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', text).any(|at| match text.get(at + 1..at + 6) {
        Some([b'u', b'0', b'0', high, low]) => {
            let nibble = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0);
            u8::try_from(nibble(*high) * 16 + nibble(*low)).is_ok_and(is_plain)
        }
        _ => false,
    })
}

impl Probe {
    fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            finder: Finder::new(format!("{key}\"").as_bytes()).into_owned(),
            hashes: Vec::new(),
            lengths: Lengths::default(),
            tests: Vec::new(),
        }
    }

    fn want(&mut self, question: &Question) {
        if question.hashes.is_empty() {
            self.tests.push(question.test.clone());
            return;
        }
        self.hashes.extend(&question.hashes);
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.lengths.add(&question.test);
    }

    #[inline]
    fn may_hold(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.finder.find_iter(bytes).any(|at| {
            // Before it stands the key's quote, or a dot if the key in the record has more parts.
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            let begins = matches!(before, Some(b'"' | b'.'));
            begins && self.may_hold_value(text, at + self.finder.needle().len())
        })
    }

    /// Looks at the value behind the key that ends at `at`.
    #[inline]
    fn may_hold_value(&self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        let Some((b':', at)) = next_byte(bytes, at) else { return false };
        let Some((first, behind)) = next_byte(bytes, at) else { return false };
        match first {
            b'"' => {
                let rest = bytes.get(behind..).unwrap_or(&[]);
                let end = memchr::memchr2(b'"', b'\\', rest).map_or(bytes.len(), |n| behind + n);
                if bytes.get(end) == Some(&b'\\') {
                    return true;
                }
                text.get(behind..end).is_none_or(|value| self.may_hold_text(value))
            }
            b'[' => true,
            b'{' | b'n' => !self.tests.is_empty(),
            _ => true,
        }
    }

    #[inline]
    fn may_hold_text(&self, value: &str) -> bool {
        let by_hash = self.lengths.may_hold(value)
            && match hash_of(Leaf::Text(value)) {
                Hash::Of(hash) => self.hashes.binary_search(&hash).is_ok(),
                Hash::Any => true,
                Hash::None => false,
            };
        by_hash
            || self.tests.iter().any(|test| {
                let value = FieldValue::Text(Cow::Borrowed(value));
                test.may_hold_for(&value)
            })
    }
}

/// The next byte that is not white space, and the position behind it.
#[inline]
fn next_byte(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            return Some((byte, at));
        }
    }
}
