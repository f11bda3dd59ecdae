//! One value out of a JSON text by its dotted path, without parsing the rest.
//!
//! * `a.b.0.c`: members by key, elements of arrays by place. A key may hold dots itself: of the
//!   keys that fit the path, the first in the text that leads to a value counts.
//! * Of valid JSON it gives what [`Tape`](crate::json::Tape) would. Of other texts it gives
//!   nothing, or a value that stands before the defect; it never panics and reads each byte at
//!   most once for each part of the path.

use std::borrow::Cow;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

use crate::json::{Kind, compact, unescape};

/// A path, made ready for many texts.
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
    /// The end of the last key and its quote, which must stand in every text that has the value;
    /// missing where the key could be written with escapes that cannot be told from other text.
    prefilter: Option<Finder<'static>>,
}

/// A value that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its bytes; a string has its quotes.
    pub raw: &'a str,
}

/// How long a path may be, in bytes.
const BYTES_MAX: usize = 1024;
/// How many parts a path may have.
const PARTS_MAX: usize = 64;

impl Path {
    /// Reads a path: parts between dots, in back ticks where they hold dots themselves. `None` if
    /// it is empty, or longer than 1,024 bytes or 64 parts.
    pub fn parse(text: &str) -> Option<Self> {
        // Keys with dots are found with or without back ticks, so these say nothing more.
        let text = text.replace('`', "");
        if text.is_empty() || text.len() > BYTES_MAX || text.split('.').count() > PARTS_MAX {
            return None;
        }
        let is_place = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
        let last_key = text.rsplit('.').find(|part| !is_place(part));
        let prefilter = last_key
            .filter(|key| !key.contains(['"', '\\']))
            .map(|key| Finder::new(format!("{key}\"").as_bytes()).into_owned());
        Some(Self { text, prefilter })
    }

    /// The value at the path in a JSON text.
    pub fn find<'a>(&self, json: &'a str) -> Option<Found<'a>> {
        let bytes = json.as_bytes();
        if let Some(finder) = &self.prefilter
            && finder.find(bytes).is_none()
            && memchr(b'\\', bytes).is_none()
        {
            return None;
        }
        let mut scan = Scan { json, bytes, at: 0 };
        scan.value_at(&self.text)
    }
}

impl<'a> Found<'a> {
    /// The value as text: strings without quotes and escapes, numbers as they were written,
    /// objects and arrays as compact JSON; nothing for `null`.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self.kind {
            Kind::Null => None,
            Kind::Bool | Kind::Number => Some(Cow::Borrowed(self.raw)),
            Kind::Array | Kind::Object => Some(compact(self.raw)),
            Kind::String => {
                let inner = self.raw.get(1..self.raw.len() - 1)?;
                let plain = memchr(b'\\', inner.as_bytes()).is_none();
                Some(if plain { Cow::Borrowed(inner) } else { Cow::Owned(unescape(inner)) })
            }
        }
    }
}

struct Scan<'a> {
    json: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Stands before a value; gives what is at the path inside it. Goes as deep as the path.
    fn value_at(&mut self, path: &str) -> Option<Found<'a>> {
        self.skip_space();
        match self.byte() {
            b'{' => self.member_at(path),
            b'[' => self.element_at(path),
            _ => None,
        }
    }

    fn member_at(&mut self, path: &str) -> Option<Found<'a>> {
        self.at += 1;
        loop {
            self.skip_space();
            if self.byte() != b'"' {
                return None;
            }
            let start = self.at + 1;
            let escaped = self.skip_string()?;
            let key = self.json.get(start..self.at - 1)?;
            self.skip_space();
            if self.byte() != b':' {
                return None;
            }
            self.at += 1;
            let fits = if escaped { behind(path, &unescape(key)) } else { behind(path, key) };
            match fits {
                Some("") => return self.found(),
                Some(rest) => {
                    let value = self.at;
                    if let Some(found) = self.value_at(rest) {
                        return Some(found);
                    }
                    self.at = value;
                    self.skip_value()?;
                }
                None => self.skip_value().map(drop)?,
            }
            if !self.comma() {
                return None;
            }
        }
    }

    fn element_at(&mut self, path: &str) -> Option<Found<'a>> {
        let (place, rest) = path.split_once('.').unwrap_or((path, ""));
        if !place.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let place: usize = place.parse().ok()?;
        self.at += 1;
        self.skip_space();
        if self.byte() == b']' {
            return None;
        }
        for _ in 0..place {
            self.skip_value()?;
            if !self.comma() {
                return None;
            }
        }
        if rest.is_empty() { self.found() } else { self.value_at(rest) }
    }

    /// The value that begins here.
    fn found(&mut self) -> Option<Found<'a>> {
        self.skip_space();
        let start = self.at;
        let kind = self.skip_value()?;
        Some(Found { kind, raw: self.json.get(start..self.at)? })
    }

    /// Goes behind a comma, if there is one.
    fn comma(&mut self) -> bool {
        self.skip_space();
        let there = self.byte() == b',';
        self.at += usize::from(there);
        there
    }

    /// Goes behind a value.
    #[inline]
    fn skip_value(&mut self) -> Option<Kind> {
        self.skip_space();
        match self.byte() {
            b'"' => self.skip_string().map(|_| Kind::String),
            b'{' => self.skip_nested().map(|()| Kind::Object),
            b'[' => self.skip_nested().map(|()| Kind::Array),
            b'-' | b'0'..=b'9' => self.skip_word().then_some(Kind::Number),
            b't' | b'f' => self.skip_word().then_some(Kind::Bool),
            b'n' => self.skip_word().then_some(Kind::Null),
            _ => None,
        }
    }

    /// Goes behind a number or a literal.
    fn skip_word(&mut self) -> bool {
        let start = self.at;
        while matches!(self.byte(), b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') {
            self.at += 1;
        }
        self.at > start
    }

    /// Goes behind an object or array by counting brackets outside strings.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Some(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes behind a string; says whether it has escapes.
    #[inline]
    fn skip_string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..)?;
            let length = memchr2(b'"', b'\\', rest)?;
            self.at += length + 1;
            if rest[length] == b'"' {
                return Some(escaped);
            }
            escaped = true;
            self.at += 1;
        }
    }

    /// The byte at `at`; behind the end, a byte that fits nowhere.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }
}

/// What of the path is left behind a key, if the path begins with it.
#[inline]
fn behind<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(key)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Tape, Value};
    use proptest::prelude::*;

    fn at(path: &str, json: &str) -> Option<String> {
        let path = Path::parse(path).expect("a path");
        path.find(json).and_then(|found| found.text().map(Cow::into_owned))
    }

    const EVENT: &str = r#" { "a" : { "b" : [ 1.50, {"c":"x\n\"y\u00fc"} ], "d.e": true, "n":null },
        "list":[[1,[2]],"}"], "t":"{\"a\":1}", "":"empty", "a.f": "g", "big":12345678901234567890 } "#;

    #[test]
    fn values_are_found_by_key_and_place() {
        for (path, expected) in [
            ("a.b.0", Some("1.50")),
            ("a.b.1.c", Some("x\n\"yü")),
            ("a.b.1", Some(r#"{"c":"x\n\"y\u00fc"}"#)),
            ("a.b", Some(r#"[1.50,{"c":"x\n\"y\u00fc"}]"#)),
            ("a.d.e", Some("true")),
            ("a.`d.e`", Some("true")),
            ("a.f", Some("g")),
            ("list.0.1.0", Some("2")),
            ("list.1", Some("}")),
            ("t", Some(r#"{"a":1}"#)),
            ("big", Some("12345678901234567890")),
            ("a.n", None),
            ("a.x", None),
            ("a.b.2", None),
            ("a.b.x", None),
            ("a.b.-1", None),
            ("t.a", None),
            ("list.99999999999999999999999", None),
        ] {
            assert_eq!(at(path, EVENT).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn keys_with_escapes_are_found_and_the_first_of_two_counts() {
        assert_eq!(at("abc", r#"{"a\u0062c":1}"#).as_deref(), Some("1"));
        assert_eq!(at("a", r#"{"a":1,"a":2}"#).as_deref(), Some("1"));
        assert_eq!(at("a.b", r#"{"a":{"c":1},"a.b":2}"#).as_deref(), Some("2"));
    }

    #[test]
    fn what_is_no_json_has_no_values() {
        let nested = format!("{{\"a\":{}", "[".repeat(100_000));
        for json in [
            "",
            "x",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "[",
            "{a:1}",
            "2 eni 10.0.0.1",
            &nested,
        ] {
            assert_eq!(at("a", json), None, "{json:.20}");
            assert_eq!(at("0", json), None, "{json:.20}");
        }
    }

    #[test]
    fn a_path_has_bounds() {
        assert!(Path::parse("").is_none());
        assert!(Path::parse(&"a".repeat(1025)).is_none());
        assert!(Path::parse(&"a.".repeat(64)).is_none());
        assert!(Path::parse(&"a.".repeat(63)).is_some());
    }

    /// Any JSON value of a few keys, so that paths meet them; keys may hold dots and escapes.
    fn any_json() -> impl Strategy<Value = String> {
        let key = prop_oneof!["[ab]", Just("a.b".to_owned()), Just("\\u0061".to_owned())];
        let word = prop_oneof![
            "-?[1-9][0-9]{0,3}(\\.5)?",
            Just("null".to_owned()),
            Just("true".to_owned())
        ];
        let text = prop_oneof!["\"[ab{}\\[\\],: ]{0,6}\"", Just("\"\\\"}\"".to_owned())];
        prop_oneof![word, text].prop_recursive(4, 32, 4, move |inner| {
            let member = (key.clone(), inner.clone()).prop_map(|(k, v)| format!("\"{k}\" : {v}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|v| format!("[{}]", v.join(", "))),
                proptest::collection::vec(member, 0..4)
                    .prop_map(|v| format!("{{{}}}", v.join(","))),
            ]
        })
    }

    /// What the path means, asked of the tape: of the keys that fit, the first that leads on.
    fn by_tape<'a>(value: Value<'a>, path: &str) -> Option<Value<'a>> {
        if path.is_empty() {
            return Some(value);
        }
        let (place, rest) = path.split_once('.').unwrap_or((path, ""));
        let mut items = value.items();
        let element = place.parse().ok().and_then(|n| items.nth(n));
        let members = value
            .fields()
            .filter_map(|(key, value)| behind(path, &key).and_then(|rest| by_tape(value, rest)));
        element.and_then(|element| by_tape(element, rest)).or_else(|| members.into_iter().next())
    }

    proptest! {
        #[test]
        fn paths_find_what_the_tape_holds(json in any_json(), path in "[ab01](\\.[ab01]){0,3}") {
            let mut tape = Tape::new();
            let wanted = tape.parse(&json).ok().and_then(|value| by_tape(value, &path));
            let found = Path::parse(&path).and_then(|path| path.find(&json));
            prop_assert_eq!(found.map(|found| found.raw), wanted.map(|value| value.raw()));
        }

        #[test]
        fn any_text_is_looked_through_without_panic(text in "[\\[\\]{}\":,ab\\\\ 0é]{0,40}") {
            for path in ["a", "a.b", "0", "0.a"] {
                Path::parse(path).and_then(|path| path.find(&text).and_then(|f| f.text().map(drop)));
            }
        }
    }
}
