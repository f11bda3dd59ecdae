//! Numbers as rules and records write them.

use std::cmp::Ordering;

/// A number: its text, and its value for comparing.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// As the rule writes it.
    pub text: String,
    /// In the plainest form: `1.10` is `1.1`, `0x1F` is `31`.
    pub plain: String,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Whole(i64),
    Fraction(f64),
}

impl Value {
    fn read(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        let first = text.trim_start_matches(['-', '+']).as_bytes().first()?;
        let fraction: f64 = if first.is_ascii_digit() || *first == b'.' {
            text.parse().ok()?
        } else {
            return None;
        };
        fraction.is_finite().then_some(Self::Fraction(fraction))
    }

    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 the nearest will do")]
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Whole(a), Self::Fraction(b)) => (a as f64).partial_cmp(&b),
            (Self::Fraction(a), Self::Whole(b)) => a.partial_cmp(&(b as f64)),
            (Self::Fraction(a), Self::Fraction(b)) => a.partial_cmp(&b),
        }
    }
}

impl Number {
    /// Reads a number as YAML writes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let nearest = crate::yaml::number(text)?;
        let value = Value::read(text).unwrap_or(Value::Fraction(nearest));
        let plain = match value {
            Value::Whole(whole) => whole.to_string(),
            Value::Fraction(fraction) => fraction.to_string(),
        };
        Some(Self { text: text.to_owned(), plain, value })
    }

    /// Whether a text of a record is this number as it is written.
    pub(super) fn is_text(&self, text: &str) -> bool {
        text.eq_ignore_ascii_case(&self.text) || text == self.plain
    }

    /// Whether a number of a record is this number.
    pub(super) fn is_number(&self, text: &str) -> bool {
        self.is_text(text) || self.compare_to(text) == Some(Ordering::Equal)
    }

    /// How a number in a record, which may be a text, compares to this one.
    pub(super) fn compare_to(&self, text: &str) -> Option<Ordering> {
        Value::read(text)?.compare(self.value)
    }

    /// How a whole number compares to this one.
    pub(super) fn compare_to_whole(&self, whole: i64) -> Option<Ordering> {
        Value::Whole(whole).compare(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_text_and_by_value() {
        let number = Number::read("1.10").unwrap();
        assert!(number.is_text("1.10") && number.is_text("1.1") && !number.is_text("1.100"));
        assert!(
            number.is_number("1.100") && number.is_number("11e-1") && !number.is_number("1.11")
        );
        let hex = Number::read("0x1F").unwrap();
        assert!(hex.is_text("0x1f") && hex.is_text("31") && hex.is_number("31.0"));
    }

    #[test]
    fn large_whole_numbers_are_exact() {
        let number = Number::read("9007199254740993").unwrap();
        assert!(!number.is_number("9007199254740992"));
        assert_eq!(number.compare_to("9007199254740992"), Some(Ordering::Less));
        assert_eq!(number.compare_to("inf"), None);
        assert_eq!(number.compare_to("x"), None);
    }
}
