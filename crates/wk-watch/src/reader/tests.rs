//! How an object is cut into windows does not show, and nothing of it is passed over in silence.

use std::fmt::Write as _;

use super::*;

/// Every event by its text, every refusal by its reason, and where.
#[derive(Default)]
struct Seen(String);

impl Sink for Seen {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, at: u64) {
        writeln!(self.0, "{} {at} {:?}", source.id, row.raw).unwrap();
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, bytes: &[u8]) {
        writeln!(self.0, "refused {source} {at} {reason} ({} bytes)", bytes.len()).unwrap();
    }
}

/// Reads the text whole and in windows of some sizes; answers the one thing that all say.
fn read(text: &str, forced: &str, head_bytes: usize, record_bytes_max: usize) -> String {
    let whole = read_in(text, forced, head_bytes, record_bytes_max, usize::MAX);
    for window_bytes in [1, 7, 64] {
        let cut = read_in(text, forced, head_bytes, record_bytes_max, window_bytes);
        assert_eq!(cut, whole, "in windows of {window_bytes}");
    }
    whole
}

fn read_in(text: &str, forced: &str, head: usize, limit: usize, window_bytes: usize) -> String {
    let settings = Settings::default();
    let facts = ObjectFacts { uri: "object", modified: Timestamp::default(), metadata: &[] };
    let mut reader =
        Reader::new(facts, &settings, sources::named(forced), limit).with_head_bytes(head);
    let (bytes, mut seen) = (text.as_bytes(), Seen::default());
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() {
        end = end.saturating_add(window_bytes).min(bytes.len());
        start += reader.read(&bytes[start..end], end == bytes.len(), &mut seen);
    }
    assert_eq!(start, bytes.len(), "the reader left bytes");
    seen.0
}

const FLOW: &str =
    "2 111122223333 eni-1 192.0.2.1 10.0.0.5 1 22 6 20 9 1772355600 1772355660 ACCEPT OK";

#[test]
fn an_object_that_begins_with_more_blanks_than_are_looked_at_is_read() {
    let blank = " ".repeat(200);
    let json = format!("{blank}\n{{\"eventVersion\":\"1.08\"");
    assert_eq!(
        read(&json, "", 64, 1000),
        "refused unknown 201 the text ends inside a record (22 bytes)\n"
    );
    let lines = format!("{blank}\n{FLOW}");
    assert_eq!(read(&lines, "vpcflow", 64, 1000), format!("vpcflow 201 {FLOW:?}\n"));
    assert_eq!(read(&blank, "", 64, 1000), "");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let marked = format!("\u{feff}{FLOW}\n");
    assert_eq!(read(&marked, "", 64 << 10, 1000), format!("vpcflow 3 {FLOW:?}\n"));
}

#[test]
fn the_end_of_a_line_beyond_the_limit_is_not_taken_for_a_record() {
    let long = "x".repeat(150);
    let text = format!("{FLOW}\n{long} {FLOW}\n{FLOW}\n");
    let at = FLOW.len() + 1;
    let next = at + 151 + FLOW.len() + 1;
    assert_eq!(
        read(&text, "vpcflow", 10, 100),
        format!(
            "vpcflow 0 {FLOW:?}\nrefused vpcflow {at} record larger than 100 bytes (100 bytes)\n\
             vpcflow {next} {FLOW:?}\n",
        )
    );
}

#[test]
fn the_lines_that_continue_a_record_beyond_the_limit_are_not_records() {
    let trace = "\tat com.example.Shop.sell(Shop.java:7)\n".repeat(5);
    let text = format!("2026-03-01 09:30:00 ERROR a\n{trace}2026-03-01 09:30:01 INFO b\n");
    let next = text.find("2026-03-01 09:30:01").unwrap();
    assert_eq!(
        read(&text, "applog", 10, 100),
        format!(
            "refused applog 0 record larger than 100 bytes (100 bytes)\n\
             applog {next} \"2026-03-01 09:30:01 INFO b\"\n"
        )
    );
}
