//! Stretches of time that come again: office hours, nights, the first of a month.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, NaiveTime, Timelike as _, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use wk_model::Timestamp;

/// How far the end of a stretch is looked for, in minutes: eight days.
const SEARCH_MINUTES: i64 = 8 * 24 * 60;

/// An interval as the configuration writes it, in Alertmanager's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntervalText {
    /// `09:00-17:30`; up to `24:00`. None: the whole day.
    pub times: Vec<String>,
    /// `monday:friday`, `sunday`.
    pub weekdays: Vec<String>,
    /// `1:7`, `-1`: the last of the month.
    pub days_of_month: Vec<String>,
    /// `1:3`, `december`.
    pub months: Vec<String>,
    /// `2026`, `2026:2027`.
    pub years: Vec<String>,
    /// A name of the IANA time zone database. Default: UTC.
    pub location: Option<String>,
}

/// An interval. A time lies in it if it fits every part that says something.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    times: Vec<RangeInclusive<u32>>,
    weekdays: Vec<RangeInclusive<i32>>,
    days: Vec<RangeInclusive<i32>>,
    months: Vec<RangeInclusive<i32>>,
    years: Vec<RangeInclusive<i32>>,
    zone: Tz,
}

/// A part of an interval cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {text:?} is {want}")]
pub struct BadInterval {
    /// The key.
    pub key: &'static str,
    /// The text.
    pub text: String,
    /// What it should be.
    pub want: &'static str,
}

impl Interval {
    /// Reads an interval.
    ///
    /// # Errors
    /// If a part cannot be read.
    pub fn read(text: &IntervalText) -> Result<Self, BadInterval> {
        let zone = zone("location", text.location.as_deref())?;
        type Ranges = Result<Vec<RangeInclusive<i32>>, BadInterval>;
        let list = |key, texts: &[String], read: fn(&str) -> Option<i32>, want| -> Ranges {
            texts.iter().map(|t| range(t, read).ok_or_else(|| bad(key, t, want))).collect()
        };
        Ok(Self {
            times: text
                .times
                .iter()
                .map(|t| times(t).ok_or_else(|| bad("times", t, "no range such as 09:00-17:30")))
                .collect::<Result<_, _>>()?,
            weekdays: list("weekdays", &text.weekdays, weekday, "no range such as monday:friday")?,
            days: list("days_of_month", &text.days_of_month, day, "no range such as 1:7 or -1")?,
            months: list("months", &text.months, month, "no range such as 1:3 or december")?,
            years: list("years", &text.years, year, "no range such as 2026:2027")?,
            zone,
        })
    }

    /// Whether a time lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let Some(utc) = DateTime::from_timestamp_micros(at.micros()) else { return false };
        let local = utc.with_timezone(&self.zone);
        let minute = local.hour() * 60 + local.minute();
        let number = |n: u32| i32::try_from(n).unwrap_or(0);
        let within = |ranges: &[RangeInclusive<i32>], n: i32| {
            ranges.is_empty() || ranges.iter().any(|range| range.contains(&n))
        };
        let last = number(local.num_days_in_month_here());
        let from_end = |n: i32| if n < 0 { last + 1 + n } else { n };
        let of_month = number(local.day());
        let in_days = self.days.is_empty()
            || self.days.iter().any(|range| {
                (from_end(*range.start())..=from_end(*range.end())).contains(&of_month)
            });
        (self.times.is_empty() || self.times.iter().any(|range| range.contains(&minute)))
            && within(&self.weekdays, number(local.weekday().num_days_from_monday()))
            && in_days
            && within(&self.months, number(local.month()))
            && within(&self.years, local.year())
    }

    /// The first full minute from a time on at which it is, or is not, within; at the latest eight
    /// days later.
    pub fn next(&self, at: Timestamp, within: bool) -> Timestamp {
        let mut minute = at.floor_to(60);
        for _ in 0..SEARCH_MINUTES {
            if self.contains(minute) == within && minute >= at {
                return minute;
            }
            minute = minute.plus_seconds(60);
        }
        minute
    }
}

/// Days of the month that a local time lies in.
trait MonthLength {
    fn num_days_in_month_here(&self) -> u32;
}

impl MonthLength for DateTime<Tz> {
    fn num_days_in_month_here(&self) -> u32 {
        (28..=31).rev().find(|day| self.date_naive().with_day(*day).is_some()).unwrap_or(28)
    }
}

/// The time zone of this name; UTC where none is named.
pub(super) fn zone(key: &'static str, name: Option<&str>) -> Result<Tz, BadInterval> {
    let name = name.unwrap_or("UTC");
    name.parse().map_err(|_| bad(key, name, "no name of a time zone such as Europe/Berlin"))
}

pub(super) fn bad(key: &'static str, text: &str, want: &'static str) -> BadInterval {
    BadInterval { key, text: text.chars().take(60).collect(), want }
}

/// `A:B`, or `A` alone.
fn range(text: &str, read: fn(&str) -> Option<i32>) -> Option<RangeInclusive<i32>> {
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    let (from, to) = (read(from.trim())?, read(to.trim())?);
    (from <= to || (from > 0 && to < 0)).then_some(from..=to)
}

/// Minutes of the day; the end is not within.
fn times(text: &str) -> Option<RangeInclusive<u32>> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from.trim())?, minute(to.trim())?);
    (from < to).then(|| from..=to - 1)
}

fn minute(text: &str) -> Option<u32> {
    if text == "24:00" {
        return Some(24 * 60);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    Some(time.hour() * 60 + time.minute())
}

fn weekday(text: &str) -> Option<i32> {
    let day: Weekday = text.parse().ok()?;
    i32::try_from(day.num_days_from_monday()).ok()
}

fn day(text: &str) -> Option<i32> {
    text.parse().ok().filter(|n: &i32| (1..=31).contains(&n.abs()))
}

fn month(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=12).contains(&number).then_some(number);
    }
    let month: chrono::Month = text.parse().ok()?;
    i32::try_from(month.number_from_month()).ok()
}

fn year(text: &str) -> Option<i32> {
    text.parse().ok().filter(|n: &i32| (1970..=9999).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn interval(times: &str, weekdays: &str, days: &str, location: &str) -> Interval {
        let some = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        let text = IntervalText {
            times: some(times),
            weekdays: some(weekdays),
            days_of_month: some(days),
            location: Some(location.to_owned()),
            ..IntervalText::default()
        };
        Interval::read(&text).unwrap()
    }

    #[test]
    fn office_hours_follow_the_clocks_of_their_place() {
        let office = interval("09:00-17:30", "monday:friday", "", "Europe/Berlin");
        assert!(office.contains(at("2024-02-15T08:00:00Z")), "nine in winter");
        assert!(!office.contains(at("2024-02-15T16:30:00Z")), "the end is not within");
        assert!(office.contains(at("2024-07-15T07:00:00Z")), "nine in summer");
        assert!(!office.contains(at("2024-02-17T10:00:00Z")), "a Saturday");
        let friday = at("2024-02-16T17:00:10Z");
        assert_eq!(office.next(friday, true), at("2024-02-19T08:00:00Z"), "Monday");
        assert_eq!(office.next(at("2024-02-19T08:00:00Z"), false), at("2024-02-19T16:30:00Z"));
    }

    #[test]
    fn days_count_from_either_end_of_a_month() {
        let last = interval("", "", "-1", "UTC");
        assert!(last.contains(at("2024-02-29T10:00:00Z")));
        assert!(!last.contains(at("2024-02-28T10:00:00Z")));
        let week = interval("", "", "1:7", "UTC");
        assert!(week.contains(at("2024-02-07T10:00:00Z")));
        assert!(interval("00:00-24:00", "", "", "UTC").contains(at("2024-02-07T23:59:59Z")));
        assert!(interval("", "", "25:-1", "UTC").contains(at("2024-02-26T00:00:00Z")));
    }

    #[test]
    fn what_is_no_interval_is_named() {
        let read = |text: IntervalText| Interval::read(&text).unwrap_err().to_string();
        let some = |text: &str| vec![text.to_owned()];
        let none = IntervalText::default;
        assert!(read(IntervalText { times: some("9-5"), ..none() }).contains("times \"9-5\""));
        assert!(read(IntervalText { times: some("17:00-09:00"), ..none() }).contains("times"));
        assert!(read(IntervalText { weekdays: some("friday:monday"), ..none() }).contains("weekd"));
        assert!(read(IntervalText { days_of_month: some("0"), ..none() }).contains("days_of"));
        assert!(read(IntervalText { months: some("13"), ..none() }).contains("months"));
        let zone = IntervalText { location: Some("Mars/Base".to_owned()), ..none() };
        assert!(read(zone).contains("Europe/Berlin"));
    }
}
