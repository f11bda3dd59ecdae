//! A test, ready to be asked many times, and the hashes by which its values are found.

use super::expr::Guess;
use super::field::{FieldPath, FieldValue, Leaf, Record};
use super::fold::{fold, folded_hash};
use super::memo::Memo;
use super::ruleset::Names;
use super::test::{Test, Want};

/// A test, and the hashes of the texts it wants, where it wants nothing but texts and numbers.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) test: Test,
    /// Sorted; empty if the test cannot be answered by a hash.
    pub(super) hashes: Vec<u64>,
    /// Answers about single texts, where finding them takes longer than remembering them.
    memo: Option<Memo>,
}

impl Question {
    /// From how many values on a hash is quicker than comparing with each.
    const HASHED_FROM: usize = 6;

    pub(super) fn new(test: &Test, names: &mut Names) -> Self {
        let mut test = test.clone();
        test.field.iter_mut().for_each(|path| names.intern(path));
        for want in &mut test.wants {
            if let Want::Field(reference) = want {
                names.intern(&mut reference.field);
            }
        }
        let hashes = hashes(&test);
        let memo = is_worth_remembering(&test).then(Memo::new);
        Self { test, hashes, memo }
    }

    pub(super) fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        let Some(field) = &self.test.field else { return self.test.holds(record) };
        let value = record.field(field);
        if self.hashes.len() >= Self::HASHED_FROM {
            return self.may_hold(&value) && self.test.holds_for(&value, record);
        }
        if let Some(memo) = &self.memo
            && let Some(text) = value.single_text()
        {
            return memo.answer(&text, || self.test.holds_for(&value, record));
        }
        self.test.holds_for(&value, record)
    }

    /// Whether one of the values has the hash of one that is wanted.
    fn may_hold(&self, value: &FieldValue<'_>) -> bool {
        value.any(&mut |leaf| match hash_of(leaf) {
            Hash::Of(hash) => self.hashes.binary_search(&hash).is_ok(),
            Hash::Any => true,
            Hash::None => false,
        })
    }

    /// Its field, and the texts of which that equals one.
    pub(super) fn witness(&self) -> Option<(&FieldPath, Vec<String>)> {
        Some((self.test.field.as_ref()?, self.texts()))
    }

    /// The texts of which the field equals one, folded; none where that is not what it asks.
    fn texts(&self) -> Vec<String> {
        if self.hashes.is_empty() {
            return Vec::new();
        }
        let mut texts = Vec::new();
        for want in &self.test.wants {
            match want {
                Want::Text(pattern) => texts.extend(pattern.equals().map(fold)),
                Want::Number(number) => texts.extend([fold(&number.text), fold(&number.plain)]),
                _ => {}
            }
        }
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// Whether any value of the field will do.
    pub(super) fn asks_only_whether_it_is_there(&self) -> bool {
        self.test.wants.iter().all(|want| matches!(want, Want::Exists(_)))
    }

    pub(super) fn guess(&self) -> Guess {
        let one = |want: &Want| match want {
            Want::Null => Guess { cost: 0.1, truth: 0.7 },
            // Rules say that a field is there to be sure of it.
            Want::Exists(true) => Guess { cost: 0.1, truth: 0.9 },
            Want::Exists(false) => Guess { cost: 0.1, truth: 0.1 },
            Want::Text(pattern) if pattern.equals().is_some() => Guess { cost: 0.2, truth: 0.05 },
            Want::Number(_) => Guess { cost: 0.2, truth: 0.05 },
            Want::Text(_) => Guess { cost: 0.2, truth: 0.05 },
            Want::Networks(_) | Want::Compare(..) => Guess { cost: 1.0, truth: 0.2 },
            Want::Time(..) => Guess { cost: 1.0, truth: 0.2 },
            Want::Field(_) => Guess { cost: 3.0, truth: 0.2 },
            Want::Regex(_) => Guess { cost: 5.0, truth: 0.1 },
        };
        let wants = self.test.wants.iter().map(one);
        let all = if self.test.all && !self.test.wants.is_empty() {
            Guess::of_all(wants)
        } else {
            Guess::of_all(wants.map(Guess::opposite)).opposite()
        };
        // Fetching the field costs most; a keyword is looked for in every text.
        let cost = if self.test.field.is_some() { all.cost + 1.0 } else { 30.0 * (all.cost + 1.0) };
        let guess = Guess { cost, ..all };
        if self.test.negated { guess.opposite() } else { guess }
    }
}

/// Whether what a test says of a text is better remembered than found again: it is of that text alone,
/// and takes an expression or several looks into it.
fn is_worth_remembering(test: &Test) -> bool {
    let looks_into_it = |want: &Want| match want {
        Want::Regex(_) => 4,
        Want::Text(pattern) if pattern.is_expression() => 4,
        Want::Text(pattern) if pattern.equals().is_none() => 1,
        _ => 0,
    };
    let of_it_alone = !test.wants.iter().any(|want| matches!(want, Want::Field(_)));
    of_it_alone && test.wants.iter().map(looks_into_it).sum::<usize>() >= 3
}

/// The hashes of the texts and numbers a test wants, if it wants nothing else and one is enough.
fn hashes(test: &Test) -> Vec<u64> {
    if test.all || test.negated || test.field.is_none() {
        return Vec::new();
    }
    let mut hashes = Vec::new();
    for want in &test.wants {
        match want {
            Want::Text(pattern) if let Some(text) = pattern.equals() => {
                hashes.push(folded_hash(text));
            }
            Want::Number(number) => {
                hashes.extend([folded_hash(&number.text), folded_hash(&number.plain)]);
            }
            _ => return Vec::new(),
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// By what hash a value is found among wanted ones.
pub(super) enum Hash {
    /// By this one.
    Of(u64),
    /// It can be equal to numbers that are written otherwise.
    Any,
    /// By none: it equals nothing.
    None,
}

#[inline]
pub(super) fn hash_of(leaf: Leaf<'_>) -> Hash {
    match leaf {
        Leaf::Text(text) => Hash::Of(folded_hash(text)),
        Leaf::Number(text) if is_plain(text) => Hash::Of(folded_hash(text)),
        Leaf::Number(_) => Hash::Any,
        Leaf::Bool(value) => Hash::Of(folded_hash(if value { "true" } else { "false" })),
        Leaf::Null | Leaf::Object(_) => Hash::None,
    }
}

/// Whether no other text of a number has the same value: few digits and nothing else.
fn is_plain(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let whole = digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    whole && (digits != "0" || number == "0")
}
