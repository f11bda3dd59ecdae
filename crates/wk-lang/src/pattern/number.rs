//! Numbers by their exact decimal value.

use std::cmp::Ordering;

/// A number of a pattern: `0.DIGITS × 10^magnitude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    magnitude: i64,
    /// Without zeros at either end; none for zero.
    digits: Box<[u8]>,
}

/// A number as it stands in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    negative: bool,
    magnitude: i64,
    /// Digits before the point and behind it; without zeros at either end, none for zero.
    whole: &'a [u8],
    part: &'a [u8],
}

/// Exponents beyond are all the same: no number that can be compared has them.
const EXPONENT_MAX: i64 = 1 << 40;

impl<'a> Written<'a> {
    /// Reads a number that JSON's grammar allows; anything else has some value too.
    pub(super) fn read(text: &'a str) -> Self {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = trim_start(whole.as_bytes());
        let (mut whole, mut part) = (whole, trim_end(part.as_bytes()));
        let mut magnitude = length(whole);
        if whole.is_empty() {
            let significant = trim_start(part);
            magnitude = -length(part) + length(significant);
            part = significant;
        }
        if part.is_empty() {
            whole = trim_end(whole);
        }
        if whole.is_empty() && part.is_empty() {
            return Self { negative: false, magnitude: 0, whole, part };
        }
        magnitude = magnitude.saturating_add(read_exponent(exponent));
        Self { negative, magnitude, whole, part }
    }

    fn digits(self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.part).copied()
    }

    fn is_zero(self) -> bool {
        self.whole.is_empty() && self.part.is_empty()
    }

    /// The same as the pattern's number, or on which side of it.
    pub(super) fn compare(self, other: &Number) -> Ordering {
        let sign = |zero, negative| match (zero, negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let own = sign(self.is_zero(), self.negative);
        let theirs = sign(other.digits.is_empty(), other.negative);
        if own != theirs || own == 0 {
            return own.cmp(&theirs);
        }
        let size = self
            .magnitude
            .cmp(&other.magnitude)
            .then_with(|| self.digits().cmp(other.digits.iter().copied()));
        if self.negative { size.reverse() } else { size }
    }

    /// The nearest binary64, where there is a finite one.
    pub(super) fn nearest(self) -> Option<f64> {
        let sign = if self.negative { "-" } else { "" };
        let digits: String = self.digits().map(char::from).collect();
        let text = format!("{sign}0.{digits}e{}", self.magnitude);
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Feeds what makes it the same number.
    pub(super) fn feed(self, mut byte: impl FnMut(u8)) {
        byte(u8::from(self.negative));
        self.magnitude.to_le_bytes().into_iter().for_each(&mut byte);
        self.digits().for_each(byte);
    }
}

impl Number {
    /// A number that the pattern holds, whatever its size.
    pub(super) fn read(text: &str) -> Self {
        let written = Written::read(text);
        let Written { negative, magnitude, .. } = written;
        Self { negative, magnitude, digits: written.digits().collect() }
    }

    /// A number that binary64 can hold without becoming zero or infinite.
    pub(super) fn within_binary64(text: &str) -> Option<Self> {
        let number = Self::read(text);
        let near: f64 = text.parse().ok()?;
        let held = near.is_finite() && (near != 0.0 || number.digits.is_empty());
        held.then_some(number)
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.written().compare(other)
    }

    pub(super) fn written(&self) -> Written<'_> {
        let Self { negative, magnitude, digits } = self;
        Written { negative: *negative, magnitude: *magnitude, whole: digits, part: &[] }
    }
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    digits.get(zeros..).unwrap_or(&[])
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|d| **d == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or(&[])
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(EXPONENT_MAX)
}

fn read_exponent(text: &str) -> i64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches('0');
    let size = if digits.len() > 12 { EXPONENT_MAX } else { digits.parse().unwrap_or(0) };
    let size = size.min(EXPONENT_MAX);
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(a: &str, b: &str) -> Ordering {
        Written::read(a).compare(&Number::read(b))
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        for (a, b) in [
            ("5", "5.0"),
            ("5", "5e0"),
            ("0", "-0.0e9"),
            ("100", "1e2"),
            ("0.001", "1E-3"),
            ("120.50", "1.205e+2"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
            assert_eq!(compare(b, a), Ordering::Equal, "{b} {a}");
        }
    }

    #[test]
    fn the_twentieth_digit_counts() {
        assert_eq!(compare("10000000000000000001", "10000000000000000000"), Ordering::Greater);
        assert_eq!(compare("0.1", "0.10000000000000000001"), Ordering::Less);
        assert_eq!(compare("-2", "-1e400"), Ordering::Greater);
        assert_eq!(compare("1e99999999999999999999", "1e-99999999999999999999"), Ordering::Greater);
    }

    #[test]
    fn what_binary64_cannot_hold_is_refused() {
        for text in ["2.0e422", "1E-325", "-1e309"] {
            assert!(Number::within_binary64(text).is_none(), "{text}");
        }
        for text in ["0", "0e999", "1.7e308", "5e-324", "-12"] {
            assert!(Number::within_binary64(text).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_is_that_of_whole_numbers(a in any::<i64>(), b in any::<i64>(), shift in 0i32..30) {
            let written = |n: i64| format!("{n}e-{shift}");
            prop_assert_eq!(compare(&written(a), &written(b)), a.cmp(&b));
            let zeros = "0".repeat(usize::try_from(shift).unwrap());
            prop_assert_eq!(compare(&a.to_string(), &format!("{b}{zeros}e-{shift}")), a.cmp(&b));
        }

        #[test]
        fn order_is_that_of_binary64_where_it_can_tell(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite() && a != b);
            let order = a.partial_cmp(&b).unwrap();
            prop_assert_eq!(compare(&format!("{a:e}"), &format!("{b}")), order);
        }
    }
}
