//! What there is to say of each source in numbers: for `status` and for metrics.

use std::collections::BTreeMap;

use wk_model::Timestamp;
use wk_model::arrivals::{Path, hour_of};
use wk_model::selfwatch::{Intake, SelfFacts, SourceFacts};

use super::usual::{Usual, median};
use super::{Limits, State, state};

/// A source in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The source.
    pub source: String,
    /// How it is.
    pub state: State,
    /// When its first event was received.
    pub begun: Timestamp,
    /// When its last event happened.
    pub last_event: Timestamp,
    /// When its last live event was received.
    pub last_live: Option<Timestamp>,
    /// Median and 95th percentile by path, in milliseconds, of this hour and the one before.
    pub lags: BTreeMap<Path, (u64, u64)>,
    /// Events of the last whole hour whose late ones had time to come, and what is usual then.
    pub hour: (u64, Option<u64>),
    /// Events of the 24 hours up to its end, and what is usual.
    pub day: (u64, Option<u64>),
    /// What was read in the last 24 hours.
    pub intake: Intake,
}

/// Every source in numbers, by name.
pub fn measures(facts: &SelfFacts, now: Timestamp, limits: &Limits) -> Vec<Measure> {
    let of = |(source, of): (&String, &SourceFacts)| measure(source, of, now, limits);
    facts.sources.iter().map(of).collect()
}

fn measure(source: &str, of: &SourceFacts, now: Timestamp, limits: &Limits) -> Measure {
    let hour = hour_of(now.plus_seconds(-limits.settle_seconds)) - 1;
    let rows = |hour: i64| of.volume.get(&hour).copied().unwrap_or(0);
    let lag = |path: &Path| {
        let lags = of.lags.get(path)?;
        Some((*path, (lags.quantile(500)?, lags.quantile(950)?)))
    };
    let mut intake = Intake::default();
    of.intake.range(hour_of(now) - 23..).for_each(|(_, hour)| intake.add(hour));
    Measure {
        source: source.to_owned(),
        state: state(source, of, now, limits),
        begun: of.begun,
        last_event: of.last_event,
        last_live: of.last_live,
        lags: Path::ALL.iter().filter_map(lag).collect(),
        hour: (rows(hour), usual(of, hour, hour)),
        day: ((hour - 23..=hour).map(rows).sum(), usual(of, hour - 23, hour)),
        intake,
    }
}

/// What is usual from the first hour to the last, by the weeks before; `None` where an hour has no
/// week before it.
fn usual(of: &SourceFacts, first: i64, last: i64) -> Option<u64> {
    let usual = Usual::new(&of.volume, first);
    let sum: Option<f64> = (first..=last).map(|hour| median(usual.samples(hour))).sum();
    let whole = sum.map(|sum| sum.round().clamp(0.0, f64::from(u32::MAX)));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 2^32"
    )]
    whole.map(|whole| whole as u64)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};
    use super::*;

    #[test]
    fn volume_stands_beside_what_is_usual() {
        let scene = Scene::fed("cloudtrail", MONDAY, 14 * 24 + 12, rhythm::day_and_night);
        let now = scene.now.plus_seconds(2_000);
        let measures = measures(&scene.ledger, now, &scene.limits);
        let of = &measures[0];
        assert_eq!((of.source.as_str(), of.state), ("cloudtrail", State::Ok));
        assert_eq!(of.hour, (900, Some(900)));
        // Sunday from noon, and Monday to noon.
        assert_eq!(of.day, (12 * 300 + 8 * 300 + 4 * 900, Some(12 * 300 + 8 * 300 + 4 * 900)));
        assert!(of.intake.stored > 0);
    }

    #[test]
    fn without_a_week_of_history_nothing_is_usual() {
        let scene = Scene::fed("cloudtrail", MONDAY, 30, rhythm::day_and_night);
        let now = scene.now.plus_seconds(2_000);
        let measures = measures(&scene.ledger, now, &scene.limits);
        assert_eq!((measures[0].hour.1, measures[0].day.1), (None, None));
    }
}
