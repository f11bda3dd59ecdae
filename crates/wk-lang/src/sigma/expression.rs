//! Regular expressions, with a quick no for texts that lack a part every match has.

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use super::fold::with_folded;

/// A regular expression of a rule.
#[derive(Debug, Clone)]
pub struct Expression {
    regex: Regex,
    /// A text that every match contains.
    needle: Option<Finder<'static>>,
    /// Texts of which every match contains one; in lower case, where letter case does not count.
    alternatives: Option<Regex>,
    insensitive: bool,
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
        let needle = needle.map(|text| Finder::new(text.as_bytes()).into_owned());
        let alternatives = alternatives(pattern).map(|texts| match flags.insensitive {
            true => texts.to_ascii_lowercase(),
            false => texts.to_owned(),
        });
        let alternatives = alternatives.map(|texts| Regex::new(&texts)).transpose()?;
        Ok(Self { regex, needle, alternatives, insensitive: flags.insensitive })
    }

    /// Whether it is found in the text.
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        let lacks = |needle: &Finder<'_>| needle.find(text.as_bytes()).is_none();
        let lacks_all = |texts: &Regex| self.has_none(texts, text);
        !self.needle.as_ref().is_some_and(lacks)
            && !self.alternatives.as_ref().is_some_and(lacks_all)
            && self.regex.is_match(text)
    }

    /// Whether none of these texts is in it, which is quickly seen. Letters that are not ASCII may be
    /// equal to letters that are.
    fn has_none(&self, texts: &Regex, text: &str) -> bool {
        match (self.insensitive, text.is_ascii()) {
            (false, _) => !texts.is_match(text),
            (true, true) => with_folded(text, |folded| {
                std::str::from_utf8(folded).is_ok_and(|f| !texts.is_match(f))
            }),
            (true, false) => false,
        }
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

/// A group of plain texts that stands by itself at the top of the pattern, so that every match has
/// one of them.
fn alternatives(pattern: &str) -> Option<&str> {
    const SHORTEST: usize = 3;
    let plain = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_/ ".contains(c);
        text.len() >= SHORTEST && text.chars().all(fits)
    };
    let (mut found, mut depth, mut begun) = (None, 0usize, 0);
    let mut chars = pattern.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '|' if depth == 0 => return None,
            '(' if matches!(chars.peek(), Some((_, '?'))) => return None,
            '(' => {
                depth += 1;
                begun = at + 1;
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                let may_be_missing = matches!(chars.peek(), Some((_, '*' | '?' | '{')));
                let group = pattern.get(begun..at)?;
                if depth == 0 && !may_be_missing && group.split('|').all(plain) {
                    found = Some(group);
                }
            }
            '\\' => match chars.next()?.1 {
                'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'A' | 'z' => {}
                c if c.is_ascii_punctuation() => {}
                _ => return None,
            },
            '[' => skip_class(&mut chars.by_ref().map(|(_, c)| c).peekable())?,
            _ => {}
        }
    }
    found
}

/// Goes behind a class such as `[^"]`; nothing if there is a class in it.
fn skip_class(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Option<()> {
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

    #[test]
    fn the_texts_of_which_every_match_has_one() {
        for (pattern, expected) in [
            ("(^|[^a-z])(pacu|kali|parrot)([^a-z]|$)", Some("pacu|kali|parrot")),
            ("x(abc|defg)+y", Some("abc|defg")),
            ("(abc|def)?x", None),
            ("(abc|de)x", None),
            ("(abc|d.f)x", None),
            ("(abc|(def))x", None),
            ("((abc|def)|x)", None),
            ("(abc|def)|x", None),
            ("(?:abc|def)", None),
            (r"[(]\((abc|def)", Some("abc|def")),
        ] {
            assert_eq!(alternatives(pattern), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn it_says_no_only_where_the_engine_does(
            pattern in r"([abk]|\.|\\.|[+*?]|\(|\)|\||\[a\]|\[\^b]|a\{2\}|abk|\((abk|kab|bak)(\|(abk|bbk))?\)){0,8}",
            text in "[abkKAB\u{212a}.]{0,12}",
            insensitive in any::<bool>(),
        ) {
            let flags = Flags { insensitive, ..Flags::default() };
            if let Ok(expression) = Expression::new(&pattern, flags) {
                let plain = RegexBuilder::new(&pattern).case_insensitive(insensitive).build().unwrap();
                prop_assert_eq!(expression.is_match(&text), plain.is_match(&text), "{}", pattern);
            }
        }
    }
}
