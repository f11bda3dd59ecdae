//! Sigma's string values: wildcards, escapes, and matching in time linear in the text.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::fold::{fold, folded_ends_with, folded_starts_with, folds_to, with_folded};

/// A piece of a string value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// These characters.
    Literal(String),
    /// `*`: any number of any characters.
    Any,
    /// `?`: one character.
    One,
}

/// Reads a string value: `*` and `?` are wildcards; a backslash takes the meaning from a wildcard
/// or a backslash behind it, and stands for itself before anything else.
pub(super) fn read(value: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next @ ('*' | '?' | '\\'))) => {
                chars.next();
                push_char(&mut tokens, next);
            }
            ('*', _) => tokens.push(Token::Any),
            ('?', _) => tokens.push(Token::One),
            _ => push_char(&mut tokens, c),
        }
    }
    tokens
}

/// Adds a character that stands for itself.
pub(super) fn push_char(tokens: &mut Vec<Token>, c: char) {
    match tokens.last_mut() {
        Some(Token::Literal(text)) => text.push(c),
        _ => tokens.push(Token::Literal(c.into())),
    }
}

/// The text of a value without wildcards.
pub(super) fn literal(tokens: &[Token]) -> Option<&str> {
    match tokens {
        [] => Some(""),
        [Token::Literal(text)] => Some(text),
        _ => None,
    }
}

/// A compiled string value.
#[derive(Debug, Clone)]
pub struct Pattern {
    shape: Shape,
    cased: bool,
}

/// What a pattern asks of a text. Literals are folded unless the pattern is cased.
#[derive(Debug, Clone)]
enum Shape {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(Box<Finder<'static>>),
    Everything,
    /// Literals with `*` between them: what it begins with, what follows somewhere, what it ends
    /// with.
    Parts {
        first: String,
        middle: Vec<Finder<'static>>,
        last: String,
    },
    /// With `?`: a regular expression, whose engine takes no longer for clever texts.
    Expression(Box<Regex>),
}

impl Pattern {
    /// Compiles a value. The error says that it is too large.
    pub(super) fn new(tokens: &[Token], cased: bool) -> Result<Self, regex::Error> {
        let shape = if tokens.contains(&Token::One) {
            Shape::Expression(Box::new(expression(tokens, cased)?))
        } else {
            parts(tokens, cased)
        };
        Ok(Self { shape, cased })
    }

    /// The text it equals, if it is one without wildcards; folded unless cased.
    pub fn equals(&self) -> Option<&str> {
        match &self.shape {
            Shape::Equals(text) => Some(text),
            _ => None,
        }
    }

    /// Whether any text is as it asks.
    pub fn is_everything(&self) -> bool {
        matches!(self.shape, Shape::Everything)
    }

    /// Literals that any text it matches contains, one after the other; folded unless cased.
    pub fn literals(&self) -> Vec<&str> {
        match &self.shape {
            Shape::Equals(text) | Shape::StartsWith(text) | Shape::EndsWith(text) => vec![text],
            Shape::Contains(finder) => std::str::from_utf8(finder.needle()).into_iter().collect(),
            Shape::Parts { first, middle, last } => std::iter::once(first.as_str())
                .chain(middle.iter().filter_map(|f| std::str::from_utf8(f.needle()).ok()))
                .chain([last.as_str()])
                .filter(|t| !t.is_empty())
                .collect(),
            Shape::Everything | Shape::Expression(_) => Vec::new(),
        }
    }

    /// Whether it is matched by a regular expression.
    pub(super) fn is_expression(&self) -> bool {
        matches!(self.shape, Shape::Expression(_))
    }

    /// Whether letter case counts.
    pub fn is_cased(&self) -> bool {
        self.cased
    }

    /// Whether the text is as the pattern asks.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        match (&self.shape, self.cased) {
            (Shape::Equals(wanted), false) => folds_to(text, wanted),
            (Shape::Equals(wanted), true) => text == wanted,
            (Shape::StartsWith(wanted), false) => folded_starts_with(text, wanted),
            (Shape::StartsWith(wanted), true) => text.starts_with(wanted),
            (Shape::EndsWith(wanted), false) => folded_ends_with(text, wanted),
            (Shape::EndsWith(wanted), true) => text.ends_with(wanted),
            (Shape::Everything, _) => true,
            (shape, false) => with_folded(text, |bytes| shape.found_in(bytes)),
            (shape, true) => shape.found_in(text.as_bytes()),
        }
    }
}

impl Shape {
    fn found_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text).is_some(),
            Self::Expression(regex) => regex.is_match(text),
            Self::Parts { first, middle, last } => {
                let Some(rest) = text.strip_prefix(first.as_bytes()) else { return false };
                let Some(mut rest) = rest.strip_suffix(last.as_bytes()) else { return false };
                for finder in middle {
                    let Some(at) = finder.find(rest) else { return false };
                    rest = rest.get(at + finder.needle().len()..).unwrap_or(&[]);
                }
                true
            }
            Self::Equals(_) | Self::StartsWith(_) | Self::EndsWith(_) | Self::Everything => {
                unreachable!("these are answered without the folded text")
            }
        }
    }
}

/// The shape of a value without `?`.
fn parts(tokens: &[Token], cased: bool) -> Shape {
    let case = |text: &str| if cased { text.to_owned() } else { fold(text) };
    let mut literals = vec![String::new()];
    for token in tokens {
        match (token, literals.last_mut()) {
            (Token::Literal(text), Some(last)) => last.push_str(&case(text)),
            (Token::Any, _) => literals.push(String::new()),
            _ => {}
        }
    }
    let finder = |text: &String| Finder::new(text.as_bytes()).into_owned();
    let filled = |texts: &[String]| texts.iter().filter(|t| !t.is_empty()).map(finder).collect();
    match literals.as_slice() {
        [] => Shape::Equals(String::new()),
        [whole] => Shape::Equals(whole.clone()),
        [first, middle @ .., last] => {
            let middle: Vec<_> = filled(middle);
            match (first.as_str(), middle.as_slice(), last.as_str()) {
                ("", [], "") => Shape::Everything,
                (_, [], "") => Shape::StartsWith(first.clone()),
                ("", [], _) => Shape::EndsWith(last.clone()),
                ("", [only], "") => Shape::Contains(Box::new(only.clone())),
                _ => Shape::Parts { first: first.clone(), middle, last: last.clone() },
            }
        }
    }
}

/// A value with `?` as a regular expression over the (folded) text.
fn expression(tokens: &[Token], cased: bool) -> Result<Regex, regex::Error> {
    let mut pattern = "^".to_owned();
    for token in tokens {
        match token {
            Token::Literal(text) if cased => pattern.push_str(&regex::escape(text)),
            Token::Literal(text) => pattern.push_str(&regex::escape(&fold(text))),
            Token::Any => pattern.push_str(".*"),
            Token::One => pattern.push('.'),
        }
    }
    pattern.push('$');
    RegexBuilder::new(&pattern)
        .dot_matches_new_line(true)
        .size_limit(super::REGEX_BYTES_MAX)
        .dfa_size_limit(super::REGEX_BYTES_MAX)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(value: &str, text: &str) -> bool {
        Pattern::new(&read(value), false).unwrap().matches(text)
    }

    #[test]
    fn wildcards_and_their_escapes() {
        for (value, yes, no) in [
            ("abc", vec!["abc", "ABC"], vec!["", "abcd", "xabc"]),
            ("a*c", vec!["ac", "abc", "A\nC"], vec!["ab", "c", "acb"]),
            ("a?c", vec!["abc", "aéc", "a\nc"], vec!["ac", "abbc"]),
            ("*", vec!["", "x"], vec![]),
            ("?*", vec!["x", "xy"], vec![""]),
            ("*a*b*", vec!["ab", "xaxbx"], vec!["ba", "a"]),
            ("a*b*a", vec!["aba", "axbxa"], vec!["aa", "ab"]),
            ("ab*ba", vec!["abba", "ab ba"], vec!["aba"]),
            (r"a\*b", vec!["a*b"], vec!["axb", r"a\*b"]),
            (r"a\?b", vec!["a?b"], vec!["axb"]),
            (r"a\b", vec![r"a\b"], vec!["ab", r"a\\b"]),
            (r"a\\b", vec![r"a\b"], vec![r"a\\b"]),
            (r"a\\*b", vec![r"a\b", r"a\xb"], vec!["a*b", r"a\x"]),
            (r"a\\\*b", vec![r"a\*b"], vec![r"a\xb"]),
            (r"\\\\", vec![r"\\"], vec![r"\"]),
            (r"\\\", vec![r"\\"], vec![r"\"]),
            (r"C:\Windows\", vec![r"c:\windows\"], vec![]),
            ("ÀΣ", vec!["àσ", "ÀΣ"], vec!["aσ"]),
            ("", vec![""], vec!["x"]),
        ] {
            for text in yes {
                assert!(matches(value, text), "{value:?} on {text:?}");
            }
            for text in no {
                assert!(!matches(value, text), "{value:?} on {text:?}");
            }
        }
    }

    #[test]
    fn case_counts_if_it_is_asked_for() {
        let cased =
            |value: &str, text: &str| Pattern::new(&read(value), true).unwrap().matches(text);
        assert!(cased("aB*", "aBc") && !cased("aB*", "abc"));
        assert!(cased("*B?", "aBc") && !cased("*B?", "abc"));
        assert!(cased("*B*", "aBc") && !cased("*B*", "abc"));
    }

    #[test]
    fn clever_texts_take_no_longer() {
        let text = "a".repeat(200_000);
        assert!(!matches("*a*a*a*a*a*a*a*a*b*", &text));
        assert!(!matches("*a?a?a?a?a?a?a?a?b*", &text));
    }

    /// By trying everything.
    fn naive(value: &[Token], text: &[char]) -> bool {
        match value {
            [] => text.is_empty(),
            [Token::Any, rest @ ..] => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            [Token::One, rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            [Token::Literal(literal), rest @ ..] => {
                let literal: Vec<char> = fold(literal).chars().collect();
                text.starts_with(&literal) && naive(rest, &text[literal.len()..])
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_trying_everything_matches(
            value in r"[abAé*?\\]{0,8}",
            text in r"[abAé*?\\\n]{0,10}",
        ) {
            let tokens = read(&value);
            let folded: Vec<char> = fold(&text).chars().collect();
            prop_assert_eq!(matches(&value, &text), naive(&tokens, &folded), "{:?}", tokens);
        }
    }
}
