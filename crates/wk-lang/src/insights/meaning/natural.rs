//! The order of `sort`: a key whose bytes compare as the values do.
//!
//! Ascending: no value, then texts, then numbers. Numbers go by value, and where that is equal by
//! their text. Texts go character by character in Unicode order, with a run of digits standing as
//! one character in the place of the digits: the shorter run first, then the smaller.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html>.
//! AWS says nothing of missing values, signs and fractions: our choice is above and in
//! [`number::of`](super::number::of).

use super::number;

/// First byte of a text's key; a missing value's key is empty.
const TEXT: u8 = 1;
/// First byte of a number's key.
const NUMBER: u8 = 2;

/// Appends the key of a text. A missing value has no bytes at all.
pub fn key_of_text(text: &str, key: &mut Vec<u8>) {
    if let Some(value) = number::of(text) {
        key_of_number(value, key);
        key.extend_from_slice(text.as_bytes());
        return;
    }
    key.push(TEXT);
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            key.push(*first);
            rest = &rest[1..];
        } else {
            key.push(b'0');
            push_length(digits, key);
            let (run, behind) = rest.split_at(digits);
            key.extend_from_slice(run);
            rest = behind;
        }
    }
}

/// Appends the key of a number.
pub fn key_of_number(value: f64, key: &mut Vec<u8>) {
    let bits = (value + 0.0).to_bits(); // no negative zero
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    key.push(NUMBER);
    key.extend_from_slice(&ordered.to_be_bytes());
}

/// A length whose bytes compare as lengths do: mostly one byte.
fn push_length(length: usize, key: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short) if short < u8::MAX => key.push(short),
        _ => {
            key.push(u8::MAX);
            key.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        key_of_text(text, &mut key);
        key
    }

    #[test]
    fn texts_come_before_numbers_and_runs_of_digits_by_length() {
        let sorted = [
            "", " ", "!", "*%1", "0x", "1B", "7_", "7a", "02C", "12 b", "345z", "@", "A", "A2",
            "A10", "A010", "a", "a2b10", "a10b2", "b", "é", "-5", "-1.5", "0", "01", "1", "9",
            "010", "10", "1e3",
        ];
        for pair in sorted.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{:?} before {:?}", pair[0], pair[1]);
        }
    }

    #[test]
    fn a_run_of_digits_may_be_longer_than_any_number() {
        let long = format!("a{}", "9".repeat(300));
        let longer = format!("a1{}", "0".repeat(300));
        assert!(key("a999") < key(&long));
        assert!(key(&long) < key(&longer));
    }

    #[test]
    fn long_numbers_that_floats_cannot_tell_apart_keep_their_order() {
        assert!(key("9007199254740992") < key("9007199254740993"));
    }
}
