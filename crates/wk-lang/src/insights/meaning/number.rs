//! Numbers written as text.

/// The number a text says, if the text says nothing else.
///
/// Blanks around it do not count. A sign, a fraction and an exponent may be there. What is no
/// finite number (`NaN`, `inf`, `1e999`) and other notations (`0x10`, `1_000`) are texts.
pub fn of(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let first = text.bytes().find(|b| !matches!(b, b'+' | b'-'))?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None; // the words that Rust reads as numbers
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The whole number in a text or, where the text has a fraction or an exponent, the number cut
/// towards zero, if it fits.
pub fn whole(text: &str) -> Option<i64> {
    text.trim_ascii().parse().ok().or_else(|| of(text).and_then(cut))
}

/// A number cut towards zero, if 64 bits hold it.
pub fn cut(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the bounds were looked at")]
    (-LIMIT..LIMIT).contains(&number).then_some(number as i64)
}

/// A number as text: whole numbers without a point, others as short as they can be told apart.
pub fn text(number: f64) -> String {
    const EXACT: f64 = 1e15;
    if number == 0.0 {
        return "0".to_owned(); // and not "-0"
    }
    if number.abs() >= EXACT * 1e6 || number.abs() < 1e-6 {
        return format!("{number:e}");
    }
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_number_when_nothing_else_is_in_it() {
        for (text, number) in [
            ("12", 12.0),
            (" 12\t", 12.0),
            ("-1.5", -1.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("007", 7.0),
            ("99999999999999999999", 1e20),
        ] {
            assert_eq!(of(text), Some(number), "{text:?}");
        }
        for text in [
            "",
            " ",
            "-",
            ".",
            "1 2",
            "12a",
            "0x10",
            "NaN",
            "inf",
            "-infinity",
            "1e999",
            "1_0",
            "١",
        ] {
            assert_eq!(of(text), None, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_are_cut_towards_zero_and_have_64_bits() {
        assert_eq!(whole("9223372036854775807"), Some(i64::MAX));
        assert_eq!(whole("9223372036854775808"), None);
        assert_eq!(whole("-2.9"), Some(-2));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("x"), None);
        assert_eq!(cut(f64::NAN), None);
        assert_eq!(cut(-9_223_372_036_854_775_808.0), Some(i64::MIN));
    }

    #[test]
    fn text_of_whole_numbers_has_no_point() {
        for (number, expected) in [
            (3.0, "3"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e15, "1000000000000000"),
            (1e22, "1e22"),
            (1.5e-7, "1.5e-7"),
        ] {
            assert_eq!(text(number), expected);
        }
    }
}
