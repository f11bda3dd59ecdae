//! Scenes for the tests of judgements: what the ledger would know after some hours of a rhythm.

use wk_model::Timestamp;
use wk_model::arrivals::{hour_of, hour_start};
use wk_model::selfwatch::{Intake, PlaceFacts, SelfFacts, SourceFacts};

use super::facts::JobFacts;
use super::{Alert, Facts, Heard, Limits, judge};

/// Monday 2024-02-12T00:00:00Z.
pub(super) const MONDAY: Timestamp = Timestamp::from_seconds(1_707_696_000);

/// How many events an hour has that lies so many hours after a Monday's midnight.
pub(super) mod rhythm {
    pub(crate) fn day_and_night(hour: i64) -> u64 {
        if (8..18).contains(&(hour % 24)) && hour % 168 < 120 { 900 } else { 300 }
    }
    pub(crate) fn office_hours(hour: i64) -> u64 {
        if (8..18).contains(&(hour % 24)) && hour % 168 < 120 { 500 } else { 0 }
    }
    pub(crate) fn once_a_day(hour: i64) -> u64 {
        if hour % 24 == 6 { 200 } else { 0 }
    }
}

/// Facts that are judged.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) now: Timestamp,
    pub(super) ledger: SelfFacts,
    pub(super) places: Vec<PlaceFacts>,
    pub(super) heard: Heard,
    pub(super) limits: Limits,
}

impl Scene {
    /// Nothing is known.
    pub(super) fn empty(now: Timestamp) -> Self {
        let (ledger, places, heard, limits) = Default::default();
        Self { now, ledger, places, heard, limits }
    }

    /// A source that has brought events for some whole hours, up to now.
    pub(super) fn fed(source: &str, start: Timestamp, hours: i64, rhythm: fn(i64) -> u64) -> Self {
        let first = hour_of(start);
        let mut of = SourceFacts { begun: start, ..SourceFacts::default() };
        for hour in (0..hours).filter(|hour| rhythm(*hour) > 0) {
            let rows = rhythm(hour);
            of.volume.insert(first + hour, rows);
            let intake = Intake { read: rows, stored: rows, ..Intake::default() };
            of.intake.insert(first + hour, intake);
            of.last_event = hour_start(first + hour + 1).plus_seconds(-1);
            of.last_live = Some(of.last_event);
        }
        let now = hour_start(first + hours);
        let mut scene = Self::empty(now);
        scene.ledger.sources.insert(source.to_owned(), of);
        scene
    }

    /// The same facts at another time.
    pub(super) fn at(&self, now: Timestamp) -> Self {
        Self { now, ..self.clone() }
    }

    /// The alerts of a rule.
    pub(super) fn alerts(&self, rule: &str) -> Vec<Alert> {
        let facts = Facts {
            now: self.now,
            ledger: &self.ledger,
            places: &self.places,
            heard: &self.heard,
            limits: &self.limits,
        };
        judge(&facts).into_iter().filter(|a| a.rule == rule).collect()
    }

    /// What the alerts of a rule say.
    pub(super) fn says(&self, rule: &str) -> Vec<String> {
        self.alerts(rule).into_iter().map(|a| a.say).collect()
    }
}

/// An hourly compaction, 100 hours after it was put on the schedule: in which hour it last ended
/// well, and in which it last failed.
pub(super) fn compaction(last_ok: Option<i64>, failed: Option<i64>) -> Scene {
    let mut scene = Scene::empty(MONDAY.plus_seconds(100 * 3600));
    let at = |hour: i64| MONDAY.plus_seconds(hour * 3600);
    scene.heard.jobs.push(JobFacts {
        name: "compaction".to_owned(),
        every_seconds: 3600,
        since: MONDAY,
        last_ok: last_ok.map(at),
        last_failed: failed.map(|hour| (at(hour), "No space left".to_owned())),
    });
    scene
}
