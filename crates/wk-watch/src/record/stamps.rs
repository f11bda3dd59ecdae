//! The forms in which logs write times.
//!
//! * Reads from the left and says where the time ends; looks at no more than [`LOOK_BYTES`].
//! * What a form leaves out is assumed and said so: no zone is UTC, no year is the year that puts
//!   the time nearest before the delivery of the log.
//! * Knows no format of a log beyond its time.

use wk_model::Timestamp;
use wk_model::time::Day;

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) time: Timestamp,
    /// Where it ends in the text.
    pub(crate) end: usize,
    pub(crate) assumed: Assumed,
}

/// What the text did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assumed {
    Nothing,
    /// UTC was assumed.
    Zone,
    /// The year was assumed, and UTC.
    Year,
}

/// How many bytes of a line are looked at for a time.
const LOOK_BYTES: usize = 512;

/// A time at the beginning of a line, behind what usually stands before it: a bracket, a level, a
/// syslog priority, `time=`, or the client and user of an access log.
pub(crate) fn leading(line: &str, near: Timestamp) -> Option<Stamp> {
    let bytes = &line.as_bytes()[..line.len().min(LOOK_BYTES)];
    // Nearly all lines are decided by their first byte; the rest is for the odd ones.
    let at = before(bytes);
    at_position(bytes, at, near)
        .or_else(|| {
            let second = after_word(bytes, at)?;
            at_position(bytes, second, near)
        })
        .or_else(|| access_log(bytes, near))
}

/// A text that is a time and nothing else.
pub(crate) fn whole(text: &str) -> Option<Stamp> {
    if let Ok(time) = Timestamp::parse(text) {
        return Some(Stamp { time, end: text.len(), assumed: Assumed::Nothing });
    }
    let bytes = text.as_bytes();
    let all = |stamp: &Stamp| stamp.end == bytes.len() && stamp.assumed != Assumed::Year;
    at_position(bytes, 0, Timestamp::default()).filter(all).or_else(|| {
        epoch(text).map(|time| Stamp { time, end: text.len(), assumed: Assumed::Nothing })
    })
}

/// `15/Feb/2024:14:23:00 +0000`, the form of the Common Log Format.
pub(crate) fn common_log(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    cursor.day_first().filter(|stamp| stamp.end == text.len()).map(|stamp| stamp.time)
}

/// A number since the epoch: seconds, with fraction or without, milli-, micro- or nanoseconds, by
/// its size. Numbers before 2001 are taken for something else.
pub(crate) fn epoch(number: &str) -> Option<Timestamp> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.len() > 19 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let n: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => {
            let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
            let micros = micros.fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
            Some(Timestamp::from_micros(n * 1_000_000 + micros))
        }
        13 => Some(Timestamp::from_millis(n)),
        16 => Some(Timestamp::from_micros(n)),
        19 => Some(Timestamp::from_micros(n / 1_000)),
        _ => None,
    }
}

/// Where the time may begin, behind brackets, quotes, priorities and names.
fn before(bytes: &[u8]) -> usize {
    let mut at = 0;
    if bytes.first() == Some(&b'<') {
        // <34>Feb 15 14:23:00 and <34>1 2024-02-15T14:23:00Z
        let digits = bytes.iter().skip(1).take(3).take_while(|b| b.is_ascii_digit()).count();
        if bytes.get(digits + 1) == Some(&b'>') {
            at = digits + 2;
            if bytes.get(at..at + 2) == Some(b"1 ") {
                at += 2;
            }
        }
    }
    for name in [b"time=".as_slice(), b"ts=", b"timestamp=", b"t="] {
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(name)) {
            at += name.len();
            break;
        }
    }
    at + usize::from(matches!(bytes.get(at), Some(b'[' | b'"' | b'(')))
}

/// Behind a first word such as `INFO`, `[ERROR]`, `WARN:`, `E,` or `1:M`, and a bracket.
fn after_word(bytes: &[u8], from: usize) -> Option<usize> {
    let word = bytes.get(from..)?;
    let end = word.iter().take(12).position(|b| matches!(b, b' ' | b'\t'))?;
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b']' | b':' | b',');
    if end == 0 || !word.iter().take(end).all(is_word) {
        return None;
    }
    let spaces = word.iter().skip(end).take_while(|b| matches!(b, b' ' | b'\t' | b'-')).count();
    let at = from + end + spaces;
    Some(at + usize::from(bytes.get(at) == Some(&b'[')))
}

/// `192.0.2.1 - alice [15/Feb/2024:14:23:00 +0000] …`
fn access_log(bytes: &[u8], near: Timestamp) -> Option<Stamp> {
    let open = memchr::memmem::find(bytes, b" [")?;
    let words = bytes.get(..open)?.split(|b| *b == b' ').count();
    if words != 3 {
        return None;
    }
    at_position(bytes, open + 2, near)
}

fn at_position(bytes: &[u8], at: usize, near: Timestamp) -> Option<Stamp> {
    let mut cursor = Cursor { bytes, at };
    match *bytes.get(at)? {
        b'0'..=b'9' => {
            let digits = bytes.iter().skip(at).take(20).take_while(|b| b.is_ascii_digit()).count();
            match digits {
                1 | 2 => cursor.day_first(),
                4 | 8 => cursor.year_first(),
                10 | 13 | 16 | 19 => cursor.number(digits),
                _ => None,
            }
        }
        b'I' | b'W' | b'E' | b'F' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
            cursor.klog(near)
        }
        b'A'..=b'Z' => cursor.named(near),
        _ => None,
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    fn eat(&mut self, wanted: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|b| wanted.contains(b))?;
        self.at += 1;
        Some(byte)
    }
    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + count)?;
        let number = digits
            .iter()
            .try_fold(0u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))?;
        self.at += count;
        Some(number)
    }
    /// One or two digits, perhaps behind a space that fills the place of the first.
    fn one_or_two(&mut self) -> Option<u32> {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        let two = self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        self.digits(if two { 2 } else { 1 })
    }
    fn month(&mut self) -> Option<u32> {
        const NAMES: [&[u8; 3]; 12] = [
            b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
            b"Dec",
        ];
        let name = self.bytes.get(self.at..self.at + 3)?;
        let month = (1..).zip(NAMES).find(|(_, n)| n.eq_ignore_ascii_case(name))?.0;
        self.at += 3;
        Some(month)
    }

    /// `14:23:00`, `14:23:00.123`, `2:23:00 PM`: microseconds of the day.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.one_or_two()?;
        self.eat(b":")?;
        let minute = self.digits(2)?;
        self.eat(b":")?;
        let second = self.digits(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let hour = match self.bytes.get(self.at..self.at + 3) {
            Some(b" PM") if hour <= 12 => self.half_day(hour % 12 + 12),
            Some(b" AM") if hour <= 12 => self.half_day(hour % 12),
            _ => hour,
        };
        let micros = self.fraction();
        Some(i64::from(hour * 3600 + minute * 60 + second) * 1_000_000 + micros)
    }
    fn half_day(&mut self, hour: u32) -> u32 {
        self.at += 3;
        hour
    }
    /// `.123` or `,123456789`: microseconds; nothing there is zero.
    fn fraction(&mut self) -> i64 {
        let behind = self.bytes.iter().skip(self.at + 1);
        let count = behind.take(9).take_while(|b| b.is_ascii_digit()).count();
        if count == 0 || !matches!(self.peek(), Some(b'.' | b',')) {
            return 0;
        }
        let digits = self.bytes.iter().skip(self.at + 1).take(count);
        let micros = digits.chain(std::iter::repeat(&b'0')).take(6);
        self.at += 1 + count;
        micros.fold(0, |sum, b| sum * 10 + i64::from(b - b'0'))
    }
    /// `Z`, ` UTC`, ` GMT`, `+02:00`, ` +0200`: seconds east of Greenwich.
    fn zone(&mut self) -> Option<i64> {
        let spaced = usize::from(self.peek() == Some(b' '));
        let rest = self.bytes.get(self.at + spaced..)?;
        if spaced == 0 && matches!(rest.first(), Some(b'Z' | b'z')) {
            self.at += 1;
            return Some(0);
        }
        if rest.starts_with(b"UTC") || rest.starts_with(b"GMT") {
            self.at += spaced + 3;
            return Some(0);
        }
        let sign = match rest.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut cursor = Cursor { bytes: rest, at: 1 };
        let hours = cursor.digits(2)?;
        let colon = cursor.eat(b":");
        let minutes = match cursor.digits(2) {
            None if colon.is_none() && spaced == 0 => 0, // PostgreSQL writes `+00`
            minutes => minutes?,
        };
        let follows_digit = cursor.peek().is_some_and(|b| b.is_ascii_digit());
        if hours > 14 || minutes % 15 != 0 || minutes > 45 || follows_digit {
            return None;
        }
        self.at += spaced + cursor.at;
        Some(sign * i64::from(hours * 3600 + minutes * 60))
    }

    fn stamp(&self, day: Day, clock: i64, zone: Option<i64>) -> Option<Stamp> {
        // A letter or digit right behind it: this was not a time.
        if self.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let micros = day.start().micros() + clock - zone.unwrap_or(0) * 1_000_000;
        let assumed = if zone.is_some() { Assumed::Nothing } else { Assumed::Zone };
        Some(Stamp { time: Timestamp::from_micros(micros), end: self.at, assumed })
    }

    /// `2024-02-15T14:23:00`, `2024/02/15 14:23:00`, `20240215 14:23:00`
    fn year_first(&mut self) -> Option<Stamp> {
        let year = i32::try_from(self.digits(4)?).ok()?;
        let apart = self.eat(b"-/");
        let month = self.digits(2)?;
        if let Some(separator) = apart {
            self.eat(&[separator])?;
        }
        let date = Day::from_civil(year, month, self.digits(2)?)?;
        self.eat(b"Tt ")?;
        let clock = self.clock()?;
        let zone = self.zone();
        self.stamp(date, clock, zone)
    }
    /// `15/Feb/2024:14:23:00 +0000`, `15-Feb-2024 14:23:00.123`, `15 Feb 2024 14:23:00`
    fn day_first(&mut self) -> Option<Stamp> {
        let day = self.one_or_two()?;
        let separator = self.eat(b"/- ")?;
        let month = self.month()?;
        self.eat(&[separator])?;
        let year = i32::try_from(self.digits(4)?).ok()?;
        self.eat(b": ")?;
        let clock = self.clock()?;
        let zone = self.zone();
        self.stamp(Day::from_civil(year, month, day)?, clock, zone)
    }
    /// `Feb 15 14:23:00`, `Thu Feb 15 14:23:00 UTC 2024`, `Thu, 15 Feb 2024 14:23:00 GMT`,
    /// `Feb 15, 2024 2:23:00 PM`
    fn named(&mut self, near: Timestamp) -> Option<Stamp> {
        if self.month().is_none() {
            let day = self.bytes.get(self.at..self.at + 3)?;
            if ![b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"].iter().any(|d| *d == day) {
                return None;
            }
            self.at += 3;
            if self.eat(b",").is_some() {
                self.eat(b" ")?;
                return self.day_first();
            }
            self.eat(b" ")?;
            self.month()?;
        }
        self.eat(b" ")?;
        let month = self
            .bytes
            .get(..self.at)
            .and_then(|b| Cursor { bytes: b, at: self.at.checked_sub(4)? }.month())?;
        let day = self.one_or_two()?;
        let comma = self.eat(b",");
        self.eat(b" ")?;
        let mut year = None;
        if self.bytes.get(self.at + 4) == Some(&b' ') || comma.is_some() {
            year = Some(i32::try_from(self.digits(4)?).ok()?);
            self.eat(b" ")?;
        }
        let clock = self.clock()?;
        let zone = self.zone();
        year = year.or_else(|| self.trailing_year());
        match year {
            Some(year) => self.stamp(Day::from_civil(year, month, day)?, clock, zone),
            None => self.yearless(month, day, clock, near),
        }
    }
    /// ` 2024` behind the time, as ctime writes it.
    fn trailing_year(&mut self) -> Option<i32> {
        let mut cursor = Cursor { bytes: self.bytes, at: self.at };
        cursor.eat(b" ")?;
        let year = cursor.digits(4).filter(|y| (1970..2200).contains(y))?;
        if cursor.peek().is_some_and(|b| !matches!(b, b']' | b' ' | b':' | b',')) {
            return None;
        }
        self.at = cursor.at;
        i32::try_from(year).ok()
    }
    /// The latest year that puts the time no more than two days behind the delivery.
    fn yearless(&self, month: u32, day: u32, clock: i64, near: Timestamp) -> Option<Stamp> {
        let this_year = i32::try_from(near.day().civil().0).ok()?;
        let limit = near.plus_seconds(2 * 86_400);
        // Eight years: 29 February may lie that far back.
        let stamp = (this_year - 8..=this_year + 1)
            .rev()
            .filter_map(|year| self.stamp(Day::from_civil(year, month, day)?, clock, None))
            .find(|stamp| stamp.time <= limit)?;
        Some(Stamp { assumed: Assumed::Year, ..stamp })
    }
    /// `I0215 14:23:00.123456`, as Kubernetes components write.
    fn klog(&mut self, near: Timestamp) -> Option<Stamp> {
        self.at += 1;
        let (month, day) = (self.digits(2)?, self.digits(2)?);
        self.eat(b" ")?;
        let clock = self.clock()?;
        self.yearless(month, day, clock, near)
    }
    /// Digits since the epoch, which something other than a word follows.
    fn number(&mut self, digits: usize) -> Option<Stamp> {
        let start = self.at;
        self.at += digits;
        if digits == 10 && self.peek() == Some(b'.') {
            let rest = self.bytes.iter().skip(self.at + 1).take(9);
            self.at += 1 + rest.take_while(|b| b.is_ascii_digit()).count();
        }
        if !matches!(self.peek(), None | Some(b' ' | b'\t' | b',' | b']' | b':' | b'|' | b'"')) {
            return None;
        }
        let text = std::str::from_utf8(self.bytes.get(start..self.at)?).ok()?;
        Some(Stamp { time: epoch(text)?, end: self.at, assumed: Assumed::Nothing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near() -> Timestamp {
        Timestamp::parse("2024-03-01T00:00:00Z").unwrap()
    }
    fn read(line: &str) -> String {
        match leading(line, near()) {
            None => "none".to_owned(),
            Some(s) => format!("{} {:?} {}", s.time, s.assumed, line.get(s.end..).unwrap()),
        }
    }

    #[test]
    fn the_usual_forms() {
        let t = "2024-02-15T14:23:00";
        for (line, expected) in [
            ("2024-02-15T14:23:00.5Z x", format!("{t}.500Z Nothing  x")),
            ("2024-02-15T14:23:00+02:00 x", "2024-02-15T12:23:00Z Nothing  x".to_owned()),
            ("2024-02-15 14:23:00,123 INFO", format!("{t}.123Z Zone  INFO")),
            ("2024-02-15 14:23:00 UTC:x", format!("{t}Z Nothing :x")),
            ("2024-02-15 14:23:00+00 x", format!("{t}Z Nothing  x")),
            ("2024/02/15 14:23:00 [error]", format!("{t}Z Zone  [error]")),
            ("20240215 14:23:00,host", format!("{t}Z Zone ,host")),
            ("[2024-02-15 14:23:00] x", format!("{t}Z Zone ] x")),
            ("Feb 15 14:23:00 host", format!("{t}Z Year  host")),
            ("Feb  5 14:23:00 host", "2024-02-05T14:23:00Z Year  host".to_owned()),
            ("Apr 15 14:23:00 host", "2023-04-15T14:23:00Z Year  host".to_owned()),
            ("<34>Feb 15 14:23:00 host", format!("{t}Z Year  host")),
            ("<34>1 2024-02-15T14:23:00Z host", format!("{t}Z Nothing  host")),
            ("[15/Feb/2024:14:23:00 +0000] x", format!("{t}Z Nothing ] x")),
            ("192.0.2.1 - al [15/Feb/2024:14:23:00 +0000] x", format!("{t}Z Nothing ] x")),
            ("15-Feb-2024 14:23:00.250 INFO", format!("{t}.250Z Zone  INFO")),
            ("1:M 15 Feb 2024 14:23:00.250 * x", format!("{t}.250Z Zone  * x")),
            ("[Thu Feb 15 14:23:00.1 2024] [x]", format!("{t}.100Z Zone ] [x]")),
            ("Thu Feb 15 14:23:00 UTC 2024 x", format!("{t}Z Nothing  x")),
            ("Thu, 15 Feb 2024 14:23:00 GMT x", format!("{t}Z Nothing  x")),
            ("Feb 15, 2024 2:23:00 PM x", format!("{t}Z Zone  x")),
            ("1708006980 x", format!("{t}Z Nothing  x")),
            ("1708006980.25 x", format!("{t}.250Z Nothing  x")),
            ("1708006980123\tx", format!("{t}.123Z Nothing \tx")),
            ("I0215 14:23:00.123456       1 x.go:1]", format!("{t}.123456Z Year        1 x.go:1]")),
            ("time=\"2024-02-15T14:23:00Z\" level=x", format!("{t}Z Nothing \" level=x")),
            ("[INFO]\t2024-02-15T14:23:00Z\tx", format!("{t}Z Nothing \tx")),
            ("WARN: 2024-02-15 14:23:00 x", format!("{t}Z Zone  x")),
            ("E, [2024-02-15T14:23:00.5 #1] x", format!("{t}.500Z Zone  #1] x")),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_left_alone() {
        for line in [
            "",
            "at com.example.Main",
            "404 not found",
            "1234567890123456 bottles",
            "12 Monkeys",
            "Marching on",
            "Mon ami",
            "2024",
            "2024-02-15",
            "2024-02-30 14:23:00",
            "Feb 30 14:23:00",
            "10.0.0.1 - x",
            "2024-02-15T14:23:00xyz",
            "17080069801 x",
            "[]",
        ] {
            assert_eq!(
                read(line),
                if line.starts_with("1234") { read(line) } else { "none".into() },
                "{line}"
            );
        }
    }

    #[test]
    fn a_value_is_a_time_only_as_a_whole() {
        let at = |text| whole(text).map(|s| s.time.to_string());
        assert_eq!(at("2024-02-15 14:23:00").as_deref(), Some("2024-02-15T14:23:00Z"));
        assert_eq!(at("1708006980").as_deref(), Some("2024-02-15T14:23:00Z"));
        assert_eq!(at("2024-02-15 14:23:00 x"), None);
        assert_eq!(at("Feb 15 14:23:00"), None);
        assert_eq!(common_log("15/Feb/2024:14:23:00 +0100").unwrap().seconds(), 1_708_003_380);
    }

    #[test]
    fn the_last_of_february_finds_its_leap_year() {
        let near = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
        let time = leading("Feb 29 00:00:00 x", near).unwrap().time;
        assert_eq!(time.to_string(), "2024-02-29T00:00:00Z");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,60}", seconds in 0i64..4_000_000_000) {
            let near = Timestamp::from_seconds(seconds);
            if let Some(stamp) = leading(&line, near) {
                prop_assert!(line.is_char_boundary(stamp.end));
            }
            let _ = whole(&line);
        }
        #[test]
        fn no_scramble_of_a_time_makes_it_panic(line in "[0-9TZ:/. +,\\[FebMarThu-]{0,40}") {
            let _ = leading(&line, Timestamp::default());
            let _ = whole(&line);
        }
    }
}
