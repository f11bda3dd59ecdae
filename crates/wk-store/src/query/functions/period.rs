//! Lengths of time that divide the calendar: `5m`, `1h`, `2 weeks`, `1mo`.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate};
use wk_lang::insights::ast::{Duration, Unit};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    count: i64,
    unit: Unit,
}

/// Names of units as AWS documents them, without the plural's `s`.
const UNITS: &[(&str, Unit)] = &[
    ("ms", Unit::Millisecond),
    ("msec", Unit::Millisecond),
    ("millisecond", Unit::Millisecond),
    ("s", Unit::Second),
    ("sec", Unit::Second),
    ("second", Unit::Second),
    ("m", Unit::Minute),
    ("min", Unit::Minute),
    ("minute", Unit::Minute),
    ("h", Unit::Hour),
    ("hr", Unit::Hour),
    ("hour", Unit::Hour),
    ("d", Unit::Day),
    ("day", Unit::Day),
    ("w", Unit::Week),
    ("week", Unit::Week),
    ("mo", Unit::Month),
    ("mon", Unit::Month),
    ("month", Unit::Month),
    ("q", Unit::Quarter),
    ("qtr", Unit::Quarter),
    ("quarter", Unit::Quarter),
    ("y", Unit::Year),
    ("yr", Unit::Year),
    ("year", Unit::Year),
];

impl Period {
    /// Reads `5m`, `5 minutes`, `1mo`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits)?;
        let unit = unit.trim_ascii().to_ascii_lowercase();
        let single = unit.strip_suffix('s').filter(|unit| unit.len() > 1).unwrap_or(&unit);
        let known = |name: &str| UNITS.iter().find(|(known, _)| *known == name);
        let (_, unit) = known(&unit).or_else(|| known(single))?;
        Self::new(count.parse().ok()?, *unit)
    }

    /// A period of so many units; none of nothing.
    fn new(count: i64, unit: Unit) -> Option<Self> {
        (count > 0).then_some(Self { count, unit })
    }

    /// The period with AWS's cap for its unit: `bin(300s)` is 60 seconds.
    #[must_use]
    pub fn capped(self) -> Self {
        let cap = match self.unit {
            Unit::Millisecond => 1000,
            Unit::Second | Unit::Minute => 60,
            Unit::Hour => 24,
            _ => i64::MAX,
        };
        Self { count: self.count.min(cap), ..self }
    }

    /// Microseconds, where every such period has the same length.
    pub fn micros(self) -> Option<i64> {
        let unit: i64 = match self.unit {
            Unit::Millisecond => 1_000,
            Unit::Second => 1_000_000,
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Day => 86_400_000_000,
            Unit::Week => 7 * 86_400_000_000,
            Unit::Month | Unit::Quarter | Unit::Year => return None,
        };
        unit.checked_mul(self.count)
    }

    /// Where the first period began: weeks begin on Mondays.
    fn origin(self) -> i64 {
        const MONDAY: i64 = 4 * 86_400_000_000;
        if self.unit == Unit::Week { MONDAY } else { 0 }
    }

    /// The start of the period that a time lies in: microseconds of the epoch, UTC.
    pub fn floor(self, micros: i64) -> Option<i64> {
        let Some(width) = self.micros() else { return self.floor_months(micros, 0) };
        let since = micros.checked_sub(self.origin())?;
        since.div_euclid(width).checked_mul(width)?.checked_add(self.origin())
    }

    /// The time itself if a period begins there, else the start of the next.
    pub fn ceil(self, micros: i64) -> Option<i64> {
        let floor = self.floor(micros)?;
        if floor == micros {
            return Some(micros);
        }
        match self.micros() {
            Some(width) => floor.checked_add(width),
            None => self.floor_months(micros, 1),
        }
    }

    /// The start of the months' period that a time lies in, and so many periods on.
    fn floor_months(self, micros: i64, periods: i64) -> Option<i64> {
        let months = match self.unit {
            Unit::Month => 1,
            Unit::Quarter => 3,
            _ => 12,
        };
        let width = self.count.checked_mul(months)?;
        let date = DateTime::from_timestamp_micros(micros)?.date_naive();
        let since = i64::from(date.year() - 1970) * 12 + i64::from(date.month0());
        let start = since.div_euclid(width).checked_add(periods)?.checked_mul(width)?;
        let year = i32::try_from(1970 + start.div_euclid(12)).ok()?;
        let month = u32::try_from(start.rem_euclid(12) + 1).ok()?;
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(first.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
    }
}

impl fmt::Display for Period {
    /// The form that [`Period::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = UNITS.iter().find(|(_, unit)| *unit == self.unit).map_or("ms", |(name, _)| name);
        write!(f, "{}{name}", self.count)
    }
}

impl From<&Duration> for Period {
    /// A length of nothing counts as one of its unit.
    fn from(duration: &Duration) -> Self {
        let count = i64::try_from(duration.count).unwrap_or(i64::MAX).max(1);
        Self { count, unit: duration.unit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        wk_model::Timestamp::parse(text).expect("a time").micros()
    }

    #[test]
    fn times_are_put_to_the_start_of_their_period_or_of_the_next() {
        let time = "2026-11-22T13:47:05.250Z"; // a Sunday
        for (period, floor, ceil) in [
            ("100ms", "2026-11-22T13:47:05.2Z", "2026-11-22T13:47:05.3Z"),
            ("10 secs", "2026-11-22T13:47:00Z", "2026-11-22T13:47:10Z"),
            ("5m", "2026-11-22T13:45:00Z", "2026-11-22T13:50:00Z"),
            ("90 minutes", "2026-11-22T13:30:00Z", "2026-11-22T15:00:00Z"),
            ("1hr", "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"),
            ("1d", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("1w", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("1mo", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("1q", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("1y", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            let read = Period::parse(period).expect("a period");
            assert_eq!(read.floor(micros(time)), Some(micros(floor)), "{period}");
            assert_eq!(read.ceil(micros(time)), Some(micros(ceil)), "{period}");
            assert_eq!(read.ceil(micros(floor)), Some(micros(floor)), "{period}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_and_caps_hold() {
        for text in ["", "m", "5", "0m", "-5m", "5 fortnights", "99999999999999999999m", "1ss"] {
            assert_eq!(Period::parse(text), None, "{text:?}");
        }
        let capped = |text| Period::parse(text).map(Period::capped);
        assert_eq!(capped("300s"), Period::parse("60s"));
        assert_eq!(capped("48h"), Period::parse("24h"));
        assert_eq!(capped("30d"), Period::parse("30d"));
    }

    #[test]
    fn times_at_the_end_of_all_times_do_not_overflow() {
        let year = Period::parse("1y").expect("a period");
        let huge = Period::parse("9223372036854775807w").expect("a period");
        for time in [i64::MIN, i64::MAX] {
            assert!(year.ceil(time).is_none() || year.floor(time).is_some());
            assert_eq!(huge.floor(time), None);
        }
    }
}
