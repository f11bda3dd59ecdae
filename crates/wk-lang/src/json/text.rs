//! The insides of strings, and JSON without white space.

use std::borrow::Cow;

/// The JSON text without the white space that means nothing. The text must be valid JSON.
pub fn compact(json: &str) -> Cow<'_, str> {
    let is_space = |b: u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t');
    let mut out = String::new();
    let (mut kept_from, mut inside, mut escaped, mut removed) = (0, false, false, false);
    for (at, b) in json.bytes().enumerate() {
        if inside {
            inside = escaped || b != b'"';
            escaped = !escaped && b == b'\\';
        } else if is_space(b) {
            out.push_str(json.get(kept_from..at).unwrap_or(""));
            kept_from = at + 1;
            removed = true;
        } else {
            inside = b == b'"';
        }
    }
    if !removed {
        return Cow::Borrowed(json);
    }
    out.push_str(json.get(kept_from..).unwrap_or(""));
    Cow::Owned(out)
}

/// How many bytes the escape takes that the text begins with, if JSON has such an escape.
pub(super) fn escape_length(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => text.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// A string's text without escapes. Half a surrogate pair becomes U+FFFD.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let (c, length) = unescape_one(escape);
        out.push(c);
        rest = escape.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The character that an escape stands for, and the escape's length without its backslash.
fn unescape_one(escape: &str) -> (char, usize) {
    let simple = match escape.bytes().next() {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unicode(escape),
        Some(other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 1)
}

fn unescape_unicode(escape: &str) -> (char, usize) {
    let unit = |from: usize| u32::from_str_radix(escape.get(from..from + 4)?, 16).ok();
    let Some(first) = unit(1) else { return (char::REPLACEMENT_CHARACTER, 5) };
    if let Some(c) = char::from_u32(first) {
        return (c, 5);
    }
    let second = if escape.get(5..7) == Some("\\u") { unit(7) } else { None };
    match (first, second) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
        }
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_stand_for() {
        assert_eq!(unescape(r#"a\"\\\/\b\f\n\r\tz"#), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(unescape(r"\u0041\u00e9\ud83d\ude00!"), "Aé😀!");
    }

    #[test]
    fn half_a_pair_becomes_the_replacement_character() {
        assert_eq!(unescape(r"\ud83dx"), "\u{fffd}x");
        assert_eq!(unescape(r"\ude00\ud83d"), "\u{fffd}\u{fffd}");
        assert_eq!(unescape(r"\ud83d\u0041"), "\u{fffd}A");
        assert_eq!(unescape(r"\ud83d\ud83d\ude00"), "\u{fffd}😀");
    }

    #[test]
    fn compact_text_is_borrowed_and_strings_keep_their_space() {
        assert!(matches!(compact(r#"{"a b":" \" "}"#), Cow::Borrowed(_)));
        assert_eq!(compact("{ \"a \\\" b\" :\n\t[ 1 , \" \" ]\r\n}"), "{\"a \\\" b\":[1,\" \"]}");
    }
}
