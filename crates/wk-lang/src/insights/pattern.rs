//! Regular expressions as AWS reads them, for the `regex` crate.
//!
//! AWS names RE2, which is what `regex` follows, but for a brace that begins no repetition: RE2 takes
//! it as a letter, and queries over JSON are full of them.

use regex::{Regex, RegexBuilder};

/// Bytes of one compiled expression.
const COMPILED_BYTES_MAX: usize = 2 << 20;

/// Compiles an expression of a query, as [`Expr::Regex`](super::ast::Expr::Regex) holds it.
///
/// # Errors
///
/// Why it cannot be compiled, on one line.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&braces_escaped(pattern))
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .nest_limit(64)
        .build()
        .map_err(|error| match error {
            regex::Error::Syntax(told) => {
                let last = told.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
            regex::Error::CompiledTooBig(_) => "compiled it is too large".to_owned(),
            other => other.to_string(),
        })
}

/// The expression with a backslash before every brace that opens nothing.
fn braces_escaped(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(letter) = rest.chars().next() {
        let taken = match letter {
            '\\' => escape_length(rest),
            '{' if !in_class && !is_repetition(rest) => {
                text.push('\\');
                1
            }
            _ => letter.len_utf8(),
        };
        match letter {
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        let (whole, next) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        text.push_str(whole);
        rest = next;
    }
    text
}

/// Bytes of what a backslash begins: `\d`, `\p{Greek}`, `\x{41}`.
fn escape_length(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    let Some(escaped) = chars.next() else { return 1 };
    let short = 1 + escaped.len_utf8();
    if !matches!(escaped, 'p' | 'P' | 'x' | 'u' | 'U' | 'b') || chars.next() != Some('{') {
        return short;
    }
    rest.find('}').map_or(short, |end| end + 1)
}

/// Whether this begins with `{2}`, `{2,}` or `{2,3}`.
fn is_repetition(rest: &str) -> bool {
    let Some((counts, _)) = rest.split_once('}') else { return false };
    let counts = counts.trim_start_matches('{');
    let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
    !least.is_empty() && [least, most].iter().all(|s| s.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brace_that_repeats_nothing_is_a_letter() {
        let matches = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        assert!(matches(r#"{"a":(?<a>\d{2})}"#, r#"{"a":12}"#));
        assert!(matches(r"a{,2}", "a{,2}"));
        assert!(matches(r"[{]\{x{1,}", "{{xx"));
        assert!(matches(r"\x{41}", "A"));
        assert!(!matches(r"a{2}", "a{2}"));
    }

    #[test]
    fn what_cannot_be_compiled_says_why_on_one_line() {
        for pattern in ["(", "(?=x)", "(a{9999}){9999}", r"(\w{999}){999}", "[z-a]", "*"] {
            let why = compile(pattern).unwrap_err();
            assert!(!why.is_empty() && !why.contains('\n'), "{why}");
        }
    }
}
