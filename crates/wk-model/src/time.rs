//! Points in time and days, in UTC, without a clock.
//!
//! Civil-date arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms".

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
const DAY: i64 = 86_400 * SECOND;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// A day in UTC: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Day(i32);

/// The text is not a point in time of the form RFC 3339 describes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time such as 2024-02-15T14:23:00Z")]
pub struct NotATime {
    /// The text as it came, cut to 64 characters.
    pub text: String,
}

impl Timestamp {
    /// The earliest and latest times that are taken as real: 1970 to 9999.
    const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From milliseconds since the epoch; saturates.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
    /// From seconds since the epoch; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }
    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }
    /// The UTC day this time lies in.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(DAY)).unwrap_or(if self.0 < 0 {
            i32::MIN
        } else {
            i32::MAX
        }))
    }
    /// This time plus seconds; saturates.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }
    /// The start of the window of this many seconds that the time lies in.
    #[must_use]
    pub const fn floor_to(self, seconds: i64) -> Self {
        let width = if seconds < 1 { SECOND } else { seconds.saturating_mul(SECOND) };
        // Where the window began before the earliest time, that time stands for its start.
        match self.0.div_euclid(width).checked_mul(width) {
            Some(start) => Self(start),
            None => Self(i64::MIN),
        }
    }

    /// Reads RFC 3339, with `T`, `t` or a space between date and time, up to nine digits of
    /// fraction (beyond microseconds they are cut), and `Z`, `+hh:mm` or `+hhmm` as offset.
    ///
    /// # Errors
    /// Any other text, or a year outside 1970 to 9999.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        Self::read(text.as_bytes())
            .ok_or_else(|| NotATime { text: text.chars().take(64).collect() })
    }

    fn read(b: &[u8]) -> Option<Self> {
        if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || !matches!(b[10], b'T' | b't' | b' ') {
            return None;
        }
        if b[13] != b':' || b[16] != b':' {
            return None;
        }
        let (year, month, day) = (number(&b[0..4])?, number(&b[5..7])?, number(&b[8..10])?);
        let (hour, minute, second) =
            (number(&b[11..13])?, number(&b[14..16])?, number(&b[17..19])?);
        let date = Day::from_civil(i32::try_from(year).ok()?, month, day)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, rest) = fraction_micros(&b[19..])?;
        let offset = offset_seconds(rest)?;
        let of_day = i64::from(hour * 3600 + minute * 60 + second) - offset;
        Some(Self(i64::from(date.0) * DAY + of_day * SECOND + fraction))
    }
}

/// All digits, or nothing.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

/// Reads `.123456` and gives microseconds and what follows; nothing there is zero.
fn fraction_micros(b: &[u8]) -> Option<(i64, &[u8])> {
    if !matches!(b.first(), Some(b'.' | b',')) {
        return Some((0, b));
    }
    let digits = b[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let mut micros = i64::from(number(&b[1..1 + digits.min(6)])?);
    for _ in digits..6 {
        micros *= 10;
    }
    Some((micros, &b[1 + digits..]))
}

/// Seconds east of Greenwich that an RFC 3339 offset states.
fn offset_seconds(b: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match b {
        b"Z" | b"z" => return Some(0),
        [sign, h @ .., b':', m1, m2] if h.len() == 2 => (sign, number(h)?, number(&[*m1, *m2])?),
        [sign, h1, h2, m1, m2] => (sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

impl Day {
    /// From days since 1970-01-01.
    pub const fn from_number(days: i32) -> Self {
        Self(days)
    }
    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }
    /// The first moment of the day.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(DAY))
    }
    /// The day that a calendar names; `None` where the calendar has no such day or the year is
    /// outside 1970 to 9999.
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Self> {
        if !Timestamp::YEARS.contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let length = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day > length {
            return None;
        }
        let y = i64::from(if month <= 2 { year - 1 } else { year });
        let era = y.div_euclid(400);
        let of_era = y.rem_euclid(400);
        let of_year = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5
            + i64::from(day)
            - 1;
        let number = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        i32::try_from(number).ok().map(Self)
    }
    /// Year, month and day of the month.
    pub fn civil(self) -> (i64, u32, u32) {
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = u32::try_from(doy - (153 * mp + 2) / 5 + 1).unwrap_or(1);
        let month = u32::try_from(if mp < 10 { mp + 3 } else { mp - 9 }).unwrap_or(1);
        (yoe + era * 400 + i64::from(month <= 2), month, day)
    }
    /// Reads `2024-02-15`.
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
            return None;
        }
        Self::from_civil(
            i32::try_from(number(&b[0..4])?).ok()?,
            number(&b[5..7])?,
            number(&b[8..10])?,
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; microseconds only where there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.rem_euclid(DAY);
        let (seconds, micros) = (of_day / SECOND, of_day % SECOND);
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{h:02}:{m:02}:{s:02}", self.day())?;
        match micros {
            0 => f.write_str("Z"),
            _ if micros % 1000 == 0 => write!(f, ".{:03}Z", micros / 1000),
            _ => write!(f, ".{micros:06}Z"),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        Timestamp::parse(text).map_or_else(|e| e.to_string(), |t| t.to_string())
    }

    #[test]
    fn the_forms_that_aws_writes_are_read() {
        assert_eq!(read("2023-07-10T11:42:36Z"), "2023-07-10T11:42:36Z");
        assert_eq!(read("2023-07-10T11:42:36.5Z"), "2023-07-10T11:42:36.500Z");
        assert_eq!(read("2023-07-10 11:42:36.123456789+02:00"), "2023-07-10T09:42:36.123456Z");
        assert_eq!(read("2023-07-10T11:42:36+0000"), "2023-07-10T11:42:36Z");
        assert_eq!(read("2024-02-29T23:59:60Z"), "2024-03-01T00:00:00Z");
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:00:00",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00+1",
            "０2023-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_before_the_epoch_fall_into_their_day() {
        let t = Timestamp::from_seconds(-1);
        assert_eq!((t.to_string().as_str(), t.day().number()), ("1969-12-31T23:59:59Z", -1));
        assert_eq!(Timestamp::from_seconds(3_725).floor_to(3_600).seconds(), 3_600);
    }

    #[test]
    fn the_window_of_the_earliest_time_does_not_overflow() {
        for time in [Timestamp::from_micros(i64::MIN), Timestamp::from_millis(i64::MIN)] {
            for width in [0, 1, 3_600, i64::MAX, i64::MIN] {
                assert!(time.floor_to(width) <= time, "{width}");
            }
        }
        assert_eq!(Timestamp::from_micros(-1).floor_to(i64::MAX).micros(), -i64::MAX);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(micros in 0i64..253_402_300_799_000_000) {
            let t = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&t.to_string()), Ok(t));
            prop_assert_eq!(Day::parse(&t.day().to_string()), Some(t.day()));
        }
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            if let Ok(time) = Timestamp::parse(&text) {
                prop_assert!(time >= Timestamp::default().plus_seconds(-86_400));
            }
        }
    }
}
