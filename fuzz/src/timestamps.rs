//! Times are read as chrono reads them, and what is printed is read back.

use chrono::{DateTime, Datelike};
use wk_model::Timestamp;
use wk_model::time::Day;

pub fn check(data: &[u8]) {
    if let Some(number) = data.first_chunk() {
        any_number(i64::from_le_bytes(*number));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.trim_end_matches('\n');
    if let Some(day) = Day::parse(text) {
        assert_eq!(day.to_string(), text);
        assert_eq!(Day::parse(&day.start().day().to_string()), Some(day));
    }
    let ours = Timestamp::parse(text);
    if let Ok(time) = ours {
        let shown = time.to_string();
        // An offset may lead before the first year, or behind the last.
        if shown.len() <= 27 && ("1970".."9999-12-31").contains(&&*shown) {
            assert_eq!(Timestamp::parse(&shown), Ok(time), "{shown}");
        }
        assert!(time.floor_to(3600) <= time && time.floor_to(0) <= time);
        assert_eq!(time.day(), time.day().start().day());
    }
    let Ok(theirs) = DateTime::parse_from_rfc3339(text) else { return };
    // Chrono takes any number of digits behind the second, and a minus that is no hyphen.
    let digits = text.bytes().skip(20).take_while(u8::is_ascii_digit).count();
    if !(1970..=9999).contains(&theirs.year()) || digits > 9 || !text.is_ascii() {
        return;
    }
    let ours = ours.expect("a time of RFC 3339 is read");
    // A leap second is the first of the next minute here, and the second before it there.
    if text.get(17..19) != Some("60") {
        assert_eq!(ours.micros(), theirs.timestamp_micros(), "{text}");
    }
}

/// Any number is a time that can be shown and cut: records bring numbers as they like.
fn any_number(number: i64) {
    for time in [
        Timestamp::from_micros(number),
        Timestamp::from_millis(number),
        Timestamp::from_seconds(number),
    ] {
        assert!(!time.to_string().is_empty());
        assert_eq!(time.day().civil(), time.day().start().day().civil());
        for width in [1, 60, 3600, 86_400, number] {
            assert!(time.floor_to(width) <= time, "{time} floored to {width}");
        }
        assert!(time.plus_seconds(1) >= time);
    }
}
