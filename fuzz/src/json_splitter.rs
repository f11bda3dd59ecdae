//! How a stream was cut into windows never shows, and every byte of a record is in one step.

use wk_lang::json::{Flaw, Splitter, Step, Tape};

use crate::windows;

const LIST_KEYS: &[&str] = &["Records", "events"];

/// A step by its places in the stream, with what was known of the envelope then.
#[derive(Debug, PartialEq)]
struct Found {
    start: u64,
    end: u64,
    flaw: Option<Flaw>,
    list_key: Option<String>,
    head: Vec<u8>,
}

/// The first byte is the seed of the windows, the second the limit on a record.
pub fn check(data: &[u8]) {
    let [seed, limit, text @ ..] = data else { return };
    let limit = match limit {
        0..=127 => Splitter::RECORD_BYTES_MAX,
        short => usize::from(short - 127),
    };
    let whole = steps(text, 0, limit);
    in_order(&whole, text, limit);
    if *seed > 0 {
        assert_eq!(steps(text, *seed, limit), whole, "the windows show");
    }
    assert_eq!(steps(text, 1, limit), whole, "the windows show");
}

fn steps(text: &[u8], seed: u8, limit: usize) -> Vec<Found> {
    let mut splitter = Splitter::new(LIST_KEYS).with_record_bytes_max(limit);
    let mut found = Vec::new();
    let mut base = 0;
    windows::each(text, seed, &mut |window, at_end| {
        assert_eq!(splitter.base(), base);
        loop {
            let (start, end, flaw) = match splitter.step(window, at_end) {
                Step::Record { start, end } => (start, end, None),
                Step::Defect { start, end, flaw } => (start, end, Some(flaw)),
                Step::NeedMore { keep_from } => {
                    base += keep_from as u64;
                    return keep_from;
                }
                Step::End => return window.len(),
            };
            assert!(start <= end && end <= window.len(), "{start}..{end} of {}", window.len());
            found.push(Found {
                start: base + start as u64,
                end: base + end as u64,
                flaw,
                list_key: splitter.list_key().map(str::to_owned),
                head: splitter.head().to_vec(),
            });
        }
    });
    found
}

/// Records are within bounds and the limit, in their order; what is in none is white space,
/// punctuation or an envelope.
fn in_order(found: &[Found], text: &[u8], limit: usize) {
    let mut last = 0;
    for one in found {
        assert!(last <= one.start, "{one:?} begins before the last ended");
        last = one.end;
        let length = usize::try_from(one.end - one.start).expect("it is within the text");
        let shown = &text[usize::try_from(one.start).expect("it is within the text")..][..length];
        if one.flaw.is_none() {
            assert!(length <= limit && !shown.is_empty(), "{one:?}");
        }
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let blank = text.iter().all(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
    let is_json = std::str::from_utf8(text).is_ok_and(|text| Tape::new().parse(text).is_ok());
    if !blank && !is_json {
        assert!(!found.is_empty() || holds_list(text), "nothing is said of it");
    }
}

/// Whether it might be an envelope around nothing, which is no record and no defect.
fn holds_list(text: &[u8]) -> bool {
    text.contains(&b'[')
}
