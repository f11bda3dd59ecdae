//! What makes two deliveries of an event the same.

use wk_lang::json::Value;
use wk_model::event::EventId;
use wk_model::{Row, Sha256};
use wk_seam::lake::EventKey;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The key of an event in the id index, or `None` for events whose identity is their place.
///
/// The content of a JSON record is compared member by member, without regard to the members'
/// order, to insignificant white space, or to members that are null: the same event delivered in
/// two envelopes is one event. `seed` is the lake's own, so that nobody outside can aim at a
/// collision.
pub fn key_of(row: &Row<'_>, record: Option<Value<'_>>, seed: u64) -> Option<EventKey> {
    let id = match &row.id {
        EventId::Ordinal => return None,
        EventId::Own(id) => id_number(&[id.as_bytes()]),
        EventId::Versioned(id, version) => id_number(&[id.as_bytes(), version.as_bytes()]),
    };
    let content = match record {
        Some(record) => content_of(record, seed),
        None => xxh3_64_with_seed(row.raw.as_bytes(), seed),
    };
    Some(EventKey { id, content })
}

fn content_of(record: Value<'_>, seed: u64) -> u64 {
    let spaced = record.has_whitespace();
    record.fields().filter(|(_, value)| !value.is_null()).fold(0u64, |sum, (key, value)| {
        let name = xxh3_64_with_seed(key.as_bytes(), seed);
        let hash = if spaced {
            xxh3_64_with_seed(value.compact().as_bytes(), name)
        } else {
            xxh3_64_with_seed(value.raw().as_bytes(), name)
        };
        sum.wrapping_add(hash)
    })
}

/// The sixteen bytes of a UUID, else the first half of the SHA-256 of the parts.
fn id_number(parts: &[&[u8]]) -> u128 {
    if let [only] = parts
        && let Some(number) = uuid(only)
    {
        return number;
    }
    let digest = Sha256::of_parts(parts).0;
    let mut half = [0u8; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}

/// Reads `8-4-4-4-12` lower-case hexadecimal digits.
fn uuid(text: &[u8]) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut number = 0u128;
    for (at, byte) in text.iter().enumerate() {
        let digit = match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_its_sixteen_bytes_and_other_texts_are_digests() {
        assert_eq!(uuid(b"00000000-0000-0000-0000-0000000000ff"), Some(255));
        assert_eq!(uuid(b"00000000-0000-0000-0000-0000000000FF"), None);
        assert_ne!(id_number(&[b"ab", b"c"]), id_number(&[b"a", b"bc"]));
    }
}
