//! An XML answer of AWS is a value or is refused: never deeper than the limit, never more text than was
//! sent, and the same with a comment before it.

use serde_json::Value;

// The client's own file: the HTTP client would have to be built with the fuzzer's counters too.
#[path = "../../../crates/wk-aws/src/client/xml.rs"]
mod xml;

/// The bytes are the body of an answer.
pub fn check(data: &[u8]) {
    let read = match xml::read(data) {
        Ok(read) => read,
        Err(why) => {
            assert!(!why.to_string().is_empty());
            return;
        }
    };
    assert!(!read.root.is_empty(), "an element without a name");
    let (depth, bytes) = size(&read.content);
    assert!(depth <= 50, "{depth} deep");
    assert!(bytes + read.root.len() <= data.len(), "{bytes} bytes of {}", data.len());
    if !data.starts_with(b"<?xml") && !data.starts_with(b"\xef\xbb\xbf") {
        let after = [b"<!-- x -->".as_slice(), data].concat();
        let again = xml::read(&after).expect("a comment changes nothing");
        assert_eq!(again, read, "a comment says otherwise");
    }
}

/// How deep a value is, and how much text is in it.
fn size(value: &Value) -> (usize, usize) {
    match value {
        Value::String(text) => (1, text.len()),
        Value::Array(items) => items.iter().map(size).fold((1, 0), within),
        Value::Object(members) => {
            let of = members.iter().map(|(name, value)| {
                let (depth, bytes) = size(value);
                (depth, bytes + name.len())
            });
            of.fold((1, 0), within)
        }
        _ => (1, 0),
    }
}

fn within(all: (usize, usize), one: (usize, usize)) -> (usize, usize) {
    (all.0.max(one.0 + 1), all.1 + one.1)
}
