//! What is usual for a source at an hour of the week, learned from its own history.
//!
//! * The samples of an hour are the same hours of the eight weeks before. A week in which the source
//!   brought next to nothing compared with the last one is no sample: it was not there yet, or it was
//!   silent, and silence must not become what is usual.
//! * A sum over several samples is judged by median and median deviation: one odd week changes
//!   neither.

use std::collections::BTreeMap;

use wk_model::Timestamp;
use wk_model::arrivals::{hour_of, hour_start};
use wk_model::selfwatch::WEEK_HOURS;

/// Weeks that are looked at.
const WEEKS: i64 = 8;
/// A source with less history than this is learning.
const LEARNING_HOURS: i64 = 24;

/// A source's history before an hour.
pub struct Usual<'a> {
    volume: &'a BTreeMap<i64, u64>,
    /// The first hour that is not history.
    before: i64,
    /// The first hour that is.
    start: i64,
    /// For each week back, whether it is a sample.
    weeks: Vec<bool>,
}

impl<'a> Usual<'a> {
    /// The history in `volume` (events by hour) before an hour.
    pub fn new(volume: &'a BTreeMap<i64, u64>, before: i64) -> Self {
        let week = |back: i64| before - back * WEEK_HOURS..before - (back - 1) * WEEK_HOURS;
        let filled = |back| volume.range(week(back)).filter(|(_, rows)| **rows > 0).count();
        let counts: Vec<usize> = (1..=WEEKS).map(filled).collect();
        // The last week that brought anything is the measure of the others.
        let measure = counts.iter().find(|n| **n > 0).copied().unwrap_or(0);
        let weeks: Vec<bool> = counts.iter().map(|n| *n > 0 && *n * 4 >= measure).collect();
        let first = (1..=WEEKS).rev().zip(weeks.iter().rev()).find(|(_, sample)| **sample);
        let first = first.and_then(|(back, _)| volume.range(week(back)).next());
        let start = first.map_or(before, |(hour, _)| *hour);
        Self { volume, before, start, weeks }
    }

    /// How many hours of history there are.
    pub fn hours(&self) -> i64 {
        self.before - self.start
    }

    /// Whether there is too little history to say what is usual.
    pub fn is_learning(&self) -> bool {
        self.hours() < LEARNING_HOURS
    }

    /// Events in the same hour of the weeks before. The hour is one of the week that follows the
    /// history; a later one has the samples of its hour of the week.
    pub fn samples(&self, hour: i64) -> Vec<u64> {
        let hour = self.before + (hour - self.before).rem_euclid(WEEK_HOURS);
        let back = |(n, _): (i64, &bool)| hour - n * WEEK_HOURS;
        let weeks = (1..).zip(&self.weeks).filter(|(_, sample)| **sample).map(back);
        let known = weeks.filter(|hour| *hour >= self.start);
        known.map(|hour| self.volume.get(&hour).copied().unwrap_or(0)).collect()
    }

    /// Whether nearly every hour since the start brought something.
    fn is_steady(&self) -> bool {
        let filled = self.volume.range(self.start..self.before).filter(|(_, n)| **n > 0).count();
        i64::try_from(filled).unwrap_or(i64::MAX).saturating_mul(100) >= self.hours() * 95
    }

    /// How many events are usual from one time to another, of a source that brings something at any
    /// hour: where its weeks are no measure yet, its mean is. `None` while that is not known.
    pub fn expected(&self, from: Timestamp, until: Timestamp) -> Option<f64> {
        if self.is_learning() {
            return None;
        }
        let typical = self.typical_hour();
        let usual = |hour| median(self.samples(hour)).unwrap_or(typical);
        Some(
            (hour_of(from)..=hour_of(until))
                .map(|hour| usual(hour) * part(hour, from, until))
                .sum(),
        )
    }

    /// The same of a source that rests at times. Nobody knows at which minute of an hour it begins
    /// and ends: the rest of the hour of `from` is not asked of it, and an hour that is not over
    /// only where the one before is filled too. `None` while that is not known.
    pub fn expected_at_least(&self, from: Timestamp, until: Timestamp) -> Option<f64> {
        if self.is_learning() {
            return None;
        }
        let typical = self.is_steady().then(|| self.typical_hour());
        let usual = |hour| median(self.samples(hour)).or(typical);
        let mut sum = 0.0;
        for hour in hour_of(from) + 1..=hour_of(until) {
            let whole = hour < hour_of(until);
            if whole || usual(hour - 1)? > 0.0 {
                sum += usual(hour)? * part(hour, from, until);
            }
        }
        Some(sum)
    }

    /// The median of all hours of the history.
    fn typical_hour(&self) -> f64 {
        let rows = |hour| self.volume.get(&hour).copied().unwrap_or(0);
        median((self.start..self.before).map(rows).collect()).unwrap_or(0.0)
    }
}

/// The middle of some numbers; `None` if there are none.
pub fn median(mut numbers: Vec<u64>) -> Option<f64> {
    numbers.sort_unstable();
    let upper = numbers.get(numbers.len() / 2)?;
    let lower = numbers.get((numbers.len() - 1) / 2)?;
    Some((as_number(*lower) + as_number(*upper)) / 2.0)
}

/// The middle of how far numbers are from their median.
pub fn median_deviation(numbers: &[u64]) -> Option<f64> {
    let middle = median(numbers.to_vec())?;
    let mut away: Vec<f64> = numbers.iter().map(|n| (as_number(*n) - middle).abs()).collect();
    away.sort_by(f64::total_cmp);
    Some((away.get((away.len() - 1) / 2)? + away.get(away.len() / 2)?) / 2.0)
}

/// A count as a number to reckon with; exact to 4 thousand million, which no hour has.
pub fn as_number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Which part of an hour lies between two times.
fn part(hour: i64, from: Timestamp, until: Timestamp) -> f64 {
    let (begins, ends) = (hour_start(hour).max(from), hour_start(hour + 1).min(until));
    let millis = (ends.micros() - begins.micros()).max(0) / 1000;
    f64::from(i32::try_from(millis).unwrap_or(i32::MAX)) / 3.6e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(hours: impl Iterator<Item = i64>) -> BTreeMap<i64, u64> {
        hours.map(|hour| (hour, 100)).collect()
    }

    #[test]
    fn the_same_hours_of_the_weeks_before_are_the_samples() {
        let volume = volume(10_000..10_000 + 3 * WEEK_HOURS);
        let usual = Usual::new(&volume, 10_000 + 3 * WEEK_HOURS);
        assert_eq!(usual.samples(10_000 + 3 * WEEK_HOURS + 5), [100, 100, 100]);
        assert_eq!(usual.samples(10_000 + 4 * WEEK_HOURS + 5), [100, 100, 100], "a week later too");
        assert!(!usual.is_learning() && usual.hours() == 3 * WEEK_HOURS);
    }

    #[test]
    fn a_back_dated_event_makes_no_weeks_of_silence() {
        let mut volume = volume(10_000..10_000 + WEEK_HOURS);
        volume.insert(10_000 - 5 * WEEK_HOURS, 1);
        let usual = Usual::new(&volume, 10_000 + WEEK_HOURS);
        assert_eq!(usual.samples(10_000 + WEEK_HOURS), [100]);
    }

    #[test]
    fn a_week_of_silence_does_not_become_usual() {
        let silent = 10_000 + WEEK_HOURS..10_000 + 2 * WEEK_HOURS;
        let volume = volume((10_000..10_000 + 3 * WEEK_HOURS).filter(|h| !silent.contains(h)));
        let usual = Usual::new(&volume, 10_000 + 3 * WEEK_HOURS);
        assert_eq!(usual.samples(10_000 + 3 * WEEK_HOURS), [100, 100]);
    }

    #[test]
    fn hours_that_are_begun_count_in_part() {
        let volume = volume(10_000..10_000 + 2 * WEEK_HOURS);
        let usual = Usual::new(&volume, 10_000 + 2 * WEEK_HOURS);
        let from = hour_start(10_000 + 2 * WEEK_HOURS).plus_seconds(1_800);
        let expected = usual.expected(from, from.plus_seconds(3_600)).unwrap();
        assert!((expected - 100.0).abs() < 0.1, "{expected}");
    }

    #[test]
    fn an_hour_at_an_edge_of_rest_is_not_asked_for() {
        let volume =
            volume((10_000..10_000 + 2 * WEEK_HOURS).filter(|h| (8..18).contains(&(h % 24))));
        let usual = Usual::new(&volume, 10_000 + 2 * WEEK_HOURS);
        let day = (10_000 + 2 * WEEK_HOURS) / 24 * 24 + 24;
        let at = |hour: i64, minute: i64| hour_start(day + hour).plus_seconds(minute * 60);
        let expected = |from, until| usual.expected_at_least(from, until).unwrap();
        assert!(
            expected(at(17, 30), at(24 + 8, 50)) < 0.1,
            "the evening, the night, the first hour"
        );
        assert!((expected(at(17, 30), at(24 + 9, 0)) - 100.0).abs() < 0.1);
        assert!((expected(at(10, 10), at(11, 30)) - 50.0).abs() < 0.1);
    }

    #[test]
    fn a_source_of_less_than_a_day_is_learning() {
        let volume = volume(10_000..10_020);
        let usual = Usual::new(&volume, 10_020);
        let now = hour_start(10_030);
        assert!(usual.is_learning());
        assert_eq!(usual.expected(hour_start(10_020), now), None);
    }

    #[test]
    fn one_odd_week_changes_neither_middle_nor_deviation() {
        assert_eq!(median(vec![100, 1, 110, 90, 100]), Some(100.0));
        assert_eq!(median_deviation(&[100, 1, 110, 90, 100]), Some(10.0));
        assert_eq!((median(vec![]), median_deviation(&[])), (None, None));
        assert_eq!(median(vec![1, 2]), Some(1.5));
    }
}
