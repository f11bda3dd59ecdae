//! Keys: the values that events share, in one text.
//!
//! The account stands first, then each value on a line of its own. A value that is absent, a line
//! break and a backslash are written with a backslash, so that no two lists of values share a key,
//! whatever a log holds.

use wk_model::{Sha256, Signal};

/// The longest value that is written out, in bytes; longer ones are their SHA-256.
const VALUE_MAX: usize = 256;
/// A value that is absent.
const ABSENT: &str = "\\0";
/// What stands before a digest.
const DIGEST: &str = "\\#";

/// Adds a value to a key.
pub(super) fn push(key: &mut String, value: Option<&str>) {
    if !key.is_empty() {
        key.push('\n');
    }
    match value {
        None => key.push_str(ABSENT),
        Some(long) if long.len() > VALUE_MAX => {
            key.push_str(DIGEST);
            key.push_str(&Sha256::of(long.as_bytes()).to_string());
        }
        Some(plain) if !plain.contains(['\\', '\n']) && !plain.is_empty() => key.push_str(plain),
        Some("") => key.push_str("\\e"),
        Some(text) => {
            key.push_str(&text.replace('\\', "\\\\").replace('\n', "\\n"));
        }
    }
}

/// The key itself, or its digest if it is too long; the account stays readable.
pub(super) fn finish(key: &mut String) {
    if key.len() > Signal::KEY_MAX {
        let digest = Sha256::of(key.as_bytes()).to_string();
        let account = key.split('\n').next().filter(|line| line.len() <= 12).unwrap_or(ABSENT);
        *key = format!("{account}\n{DIGEST}{digest}");
    }
}

/// The account that a key begins with.
pub(super) fn account(key: &str) -> Option<&str> {
    key.split('\n').next().filter(|line| !line.is_empty() && !line.starts_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[Option<&str>]) -> String {
        let mut key = String::new();
        values.iter().for_each(|value| push(&mut key, *value));
        finish(&mut key);
        key
    }

    #[test]
    fn different_values_have_different_keys() {
        let long = "x".repeat(300);
        let lists: [&[Option<&str>]; 10] = [
            &[Some("1"), Some("a"), Some("b")],
            &[Some("1"), Some("a\nb")],
            &[Some("1"), Some("a\\nb")],
            &[Some("1"), Some("ab")],
            &[Some("1"), None],
            &[Some("1"), Some("")],
            &[Some("1"), Some("\\0")],
            &[Some("1")],
            &[None, Some("1")],
            &[Some("1"), Some(&long)],
        ];
        let mut keys: Vec<String> = lists.iter().map(|list| key(list)).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), lists.len());
    }

    #[test]
    fn a_long_key_is_short_and_keeps_its_account() {
        let value = "x".repeat(200);
        let long = key(&[Some("111122223333"), Some(&value), Some(&value), Some(&value)]);
        assert!(long.len() < 100, "{long}");
        assert_eq!(account(&long), Some("111122223333"));
        assert_eq!((account("\\0\na"), account("")), (None, None));
    }
}
