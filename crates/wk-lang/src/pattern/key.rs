//! By what value a branch is found.

use std::hash::Hasher as _;

use super::address::Address;
use super::number::Written;
use super::paths::Fnv;
use super::walk::Leaf;
use super::want::Want;

/// A path and a value, hashed. Two that are equal have one; what has one is asked again.
pub(super) type Key = u64;

/// Which kinds of values keys of a path stand for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds {
    /// Bytes of the longest text; `None`: no texts.
    pub(super) text: Option<usize>,
    pub(super) address: bool,
    pub(super) other: bool,
}

/// The keys of a list that holds nothing but exact values.
pub(super) fn of_wants(path: u32, wants: &[Want]) -> Option<Vec<Key>> {
    wants
        .iter()
        .map(|want| match want {
            Want::Text(text) => Some(text_key(path, text)),
            Want::Addresses(range) => range.single().map(|address| address_key(path, address)),
            Want::Number(number) => Some(number_key(path, number.written())),
            Want::Bool(value) => Some(bool_key(path, *value)),
            Want::Null => Some(begin(path, b'z').finish()),
            _ => None,
        })
        .collect()
}

impl Kinds {
    /// Notes what a list of exact values holds.
    pub(super) fn note(&mut self, wants: &[Want]) {
        for want in wants {
            match want {
                Want::Text(text) => self.text = self.text.max(Some(text.len())),
                Want::Addresses(_) => self.address = true,
                _ => self.other = true,
            }
        }
    }

    /// The keys of a value, at most two: a text may be an address too.
    #[inline]
    pub(super) fn keys(self, path: u32, leaf: &Leaf<'_>, mut found: impl FnMut(Key)) {
        match leaf {
            Leaf::Text(text) => {
                if self.text.is_some_and(|longest| text.len() <= longest) {
                    found(text_key(path, text));
                }
                if self.address
                    && let Some(address) = Address::read(text)
                {
                    found(address_key(path, address));
                }
            }
            _ if !self.other => {}
            Leaf::Number(text) => found(number_key(path, Written::read(text))),
            Leaf::Bool(value) => found(bool_key(path, *value)),
            Leaf::Null => found(begin(path, b'z').finish()),
        }
    }
}

fn begin(path: u32, kind: u8) -> Fnv {
    let mut hash = Fnv::default();
    hash.write(&path.to_le_bytes());
    hash.write(&[kind]);
    hash
}

#[inline]
fn text_key(path: u32, text: &str) -> Key {
    let mut hash = begin(path, b't');
    hash.write(text.as_bytes());
    hash.finish()
}

fn address_key(path: u32, address: Address) -> Key {
    let mut hash = begin(path, b'a');
    match address {
        Address::V4(bits) => hash.write(&bits.to_le_bytes()),
        Address::V6(bits) => hash.write(&bits.to_le_bytes()),
    }
    hash.finish()
}

fn number_key(path: u32, number: Written<'_>) -> Key {
    let mut hash = begin(path, b'n');
    number.feed(|byte| hash.write(&[byte]));
    hash.finish()
}

fn bool_key(path: u32, value: bool) -> Key {
    begin(path, if value { b'y' } else { b'f' }).finish()
}
