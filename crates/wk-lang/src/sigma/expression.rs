//! Regular expressions, with a quick no for texts that lack a part every match has.

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

/// A regular expression of a rule.
#[derive(Debug, Clone)]
pub struct Expression {
    regex: Regex,
    /// A text that every match contains.
    needle: Option<Finder<'static>>,
}

/// How an expression is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) insensitive: bool,
    pub(super) multi_line: bool,
    pub(super) single_line: bool,
}

impl Expression {
    pub(super) fn new(pattern: &str, flags: Flags) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(flags.insensitive)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.single_line)
            .size_limit(super::REGEX_BYTES_MAX)
            .dfa_size_limit(super::REGEX_BYTES_MAX)
            .nest_limit(64)
            .build()?;
        let needle = if flags.insensitive { None } else { required(pattern) };
        Ok(Self { regex, needle: needle.map(|text| Finder::new(text.as_bytes()).into_owned()) })
    }

    /// Whether it is found in the text.
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        let lacks = |needle: &Finder<'_>| needle.find(text.as_bytes()).is_none();
        !self.needle.as_ref().is_some_and(lacks) && self.regex.is_match(text)
    }

    /// As the rule writes it, without its flags.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// A text that every match contains, if one is easily seen.
    pub fn literal(&self) -> Option<&str> {
        std::str::from_utf8(self.needle.as_ref()?.needle()).ok()
    }
}

/// The longest run of characters at the top of the pattern that stand for themselves and must be
/// there. Patterns with alternatives, flags or anything unusual have none.
fn required(pattern: &str) -> Option<String> {
    const SHORTEST: usize = 3;
    let mut runs = vec![String::new()];
    let mut depth = 0usize;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '|' if depth == 0 => return None,
            '(' if chars.peek() == Some(&'?') => return None,
            '(' => {
                depth += 1;
                None
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                None
            }
            '[' => {
                skip_class(&mut chars)?;
                None
            }
            '{' => {
                chars.by_ref().find(|c| *c == '}')?;
                None
            }
            '\\' => match chars.next()? {
                'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'A' | 'z' => None,
                c if c.is_ascii_punctuation() => Some(c),
                _ => return None,
            },
            '.' | '^' | '$' | '*' | '?' | '+' => None,
            c => Some(c),
        };
        let may_be_missing = matches!(chars.peek(), Some('*' | '?' | '{'));
        match (literal, runs.last_mut()) {
            (Some(c), Some(run)) if depth == 0 && !may_be_missing => {
                run.push(c);
                if chars.peek() == Some(&'+') {
                    runs.push(String::new());
                }
            }
            _ => runs.push(String::new()),
        }
    }
    runs.into_iter().max_by_key(String::len).filter(|run| run.len() >= SHORTEST)
}

/// Goes behind a class such as `[^"]`; nothing if there is a class in it.
fn skip_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    if chars.peek() == Some(&'^') {
        chars.next();
    }
    let mut first = true;
    loop {
        match chars.next()? {
            ']' if !first => return Some(()),
            '\\' => {
                chars.next()?;
            }
            '[' | '&' | '~' => return None,
            _ => {}
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_part_that_every_match_has() {
        for (pattern, expected) in [
            (".+:assumed-role/aws:.+", Some(":assumed-role/aws:")),
            (r#""Action":"\*[^"]*"#, Some(r#""Action":"*"#)),
            ("^abcd?$", Some("abc")),
            ("abc+de", Some("abc")),
            ("ab*cd{2}e", None),
            ("(abc)def", Some("def")),
            ("(abc|x)*defg", Some("defg")),
            ("abc|def", None),
            ("(?i)abc", None),
            (r"abc\x41", None),
            ("[a-c]def[]x]ghij", Some("ghij")),
            ("a.b.c", None),
        ] {
            assert_eq!(required(pattern).as_deref(), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn it_says_no_only_where_the_engine_does(
            pattern in r"([abc]|\.|\\.|[+*?]|\(|\)|\||\[a\]|\[\^b]|a\{2\}|abc){0,8}",
            text in "[abc.]{0,12}",
        ) {
            if let Ok(expression) = Expression::new(&pattern, Flags::default()) {
                let plain = Regex::new(&pattern).unwrap();
                prop_assert_eq!(expression.is_match(&text), plain.is_match(&text), "{}", pattern);
            }
        }
    }
}
