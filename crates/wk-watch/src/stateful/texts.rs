//! Texts, each kept once and known by a number.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Texts, each once, numbered in the order in which they came.
#[derive(Debug)]
pub(super) struct Texts {
    all: String,
    ends: Vec<usize>,
    numbers: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    /// Drawn anew each time, so that nobody can make texts that share a hash.
    seed: u64,
}

impl Default for Texts {
    fn default() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self { all: String::new(), ends: Vec::new(), numbers: HashMap::default(), seed }
    }
}

impl Texts {
    /// The number of a text, which is new if it was not there.
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        match self.find(text) {
            Ok(number) => number,
            Err(hash) => {
                let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
                self.all.push_str(text);
                self.ends.push(self.all.len());
                self.numbers.insert(hash, number);
                number
            }
        }
    }

    /// The text of a number; empty where there is none.
    pub(super) fn get(&self, number: u32) -> &str {
        let place = number as usize;
        let from = match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let range = from.zip(self.ends.get(place).copied());
        range.and_then(|(from, to)| self.all.get(from..to)).unwrap_or_default()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The lengths of all of them, in the order of their numbers, and what they are in one.
    pub(super) fn parts(&self) -> (impl Iterator<Item = usize>, &str) {
        let mut before = 0;
        let lengths = self.ends.iter().map(move |end| {
            let length = end - before;
            before = *end;
            length
        });
        (lengths, &self.all)
    }

    /// The number of a text, or the hash under which it can be put.
    fn find(&self, text: &str) -> Result<u32, u64> {
        let mut hash = xxh3_64_with_seed(text.as_bytes(), self.seed);
        while let Some(number) = self.numbers.get(&hash) {
            if self.get(*number) == text {
                return Ok(*number);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }
}

/// Numbers that are hashes already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_there_once_and_found_by_its_number() {
        let mut texts = Texts::default();
        let numbers: Vec<u32> = ["a", "", "bc", "a", ""].map(|text| texts.intern(text)).into();
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        let all: Vec<&str> = (0..4).map(|number| texts.get(number)).collect();
        assert_eq!(all, ["a", "", "bc", ""]);
        let (lengths, whole) = texts.parts();
        assert_eq!((lengths.collect::<Vec<_>>(), whole, texts.len()), (vec![1, 0, 2], "abc", 3));
    }
}
