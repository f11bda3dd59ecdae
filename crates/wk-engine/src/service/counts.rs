//! What the service counts and measures of itself. The program shows it as metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Seconds, counted by how many took at most so long.
    Seconds,
}

/// A figure: its name without the program's, what it is, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name: `records`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it means, for people.
    pub help: &'static str,
}

macro_rules! figures {
    ($($const:ident $name:literal $kind:ident $help:literal,)*) => {
        $(#[doc = $help] pub const $const: Figure =
            Figure { name: $name, kind: Kind::$kind, help: $help };)*
        /// Every figure, by name.
        pub const ALL: &[Figure] = &[$($const),*];
    };
}

figures! {
    ALERTS "selfwatch_alerts" Gauge "What the watch finds wrong with itself now",
    CHECK_ROWS "check_rows" Gauge "Rows of the last daily run of checks, by verdict",
    COMMITS "commits" Counter "Commits to the ledger",
    COMMIT_LAG "commit_lag_seconds" Seconds "From delivery (object written, message sent) to commit, by path",
    FAILED_OBJECTS "failed_objects" Counter "Objects that could not be read; they are tried again or left where they lie",
    FOLDER_CHANGED "folder_changed_files" Counter "Files that grew or changed after they were read; read again as new objects",
    FOLDER_SETTLING "folder_settling_files" Gauge "Files of a watched folder that are still being written",
    INGEST_FAILURES "ingest_failures" Counter "Tries of a commit that failed and were made again",
    INVENTORY_BLIND "inventory_blind_questions" Gauge "Questions of the last daily inventory that were denied, failed or cut short",
    JOB_RESTARTS "job_restarts" Counter "Jobs that failed and were begun again",
    JOB_UP "job_up" Gauge "1 while a job runs without trouble",
    LISTED_OBJECTS "listed_objects" Counter "Objects that a listing saw",
    MEMORY "resident_memory_bytes" Gauge "Memory of the process",
    MESSAGES "messages" Counter "Messages of a queue, by what became of them",
    MISSING_OBJECTS "missing_objects" Counter "Objects that were named and are not there any more; each is a complaint",
    NOTICES "notices" Counter "Notices and findings, by what became of them",
    NOTICES_DEAD "notices_dead" Gauge "Notices that were given up",
    NOTICES_WAITING "notices_waiting" Gauge "Notices that are to be sent",
    OBJECTS "objects" Counter "Objects that were read to their end and committed",
    OBJECTS_KNOWN "known_objects" Counter "Objects that were handed in and had been read before",
    OTLP_RECORDS "otlp_records" Counter "Log records that came by OTLP, by whether they were taken",
    OVERTAKEN "overtaken_commits" Counter "Commits that another process overtook and that were made again",
    PAGERDUTY "pagerduty" Counter "Alarms that PagerDuty was asked about, by what became of them, and askings that failed",
    QUEUE_MESSAGES "queue_messages" Gauge "Messages in a queue, waiting and in flight, as the queue says",
    QUEUE_OLDEST "queue_oldest_seconds" Gauge "Age of the oldest message that waits",
    RECHECKS "rechecks" Counter "Changes that were seen and judged again, by what became of them",
    RECORDS "records" Counter "Records by source: read = stored + duplicates + complaints",
    RELOADS "rules_reloaded" Counter "Times that changed rules, lists or databases were read again while the service runs, by what became of them",
    SCHEDULED "scheduled_runs" Counter "Runs of scheduled work, by how they ended",
    SCHEDULED_LAST "scheduled_last_success_timestamp_seconds" Gauge "When scheduled work last went well in this process, in seconds since 1970",
    SIGHTINGS "sightings" Counter "Sightings of rules that went into findings",
    SIGNALS "signals" Counter "Signals and states of rules over several events that went into no finding, by what became of them",
    SOURCE_EVENTS "source_hour_events" Gauge "Events of a source in the last whole hour whose late ones had time to come",
    SOURCE_LAG "source_lag_milliseconds" Gauge "Lag of a source's live events by path and quantile, this hour and the one before",
    SOURCE_LAST "source_last_event_timestamp_seconds" Gauge "When the last event of a source happened, in seconds since 1970",
    SOURCE_USUAL "source_usual_hour_events" Gauge "Events that are usual for a source in that hour, where it is known",
    SPOOL_BYTES "spool_bytes" Gauge "Bytes of the spool that are not committed yet",
    STEPS "detector_steps" Counter "Steps of one rule over several events and one key",
    UNTOLD_OBJECTS "untold_objects" Counter "Objects that a listing found and no notification had told of",
}

/// Upper ends of the classes of [`Kind::Seconds`].
pub const SECONDS: &[f64] =
    &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 86_400.0];

/// Series that are kept; labels come from configuration and from the catalogue of sources, so this
/// is never reached but by mistake.
const SERIES_MAX: usize = 5000;

/// Label names with their values.
pub type Labels = Vec<(&'static str, String)>;

/// The value of one series.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a counter.
    Count(u64),
    /// Of a gauge.
    Level(f64),
    /// How many fell into each class of [`SECONDS`] and beyond the last; and their sum.
    Spread(Vec<u64>, f64),
}

/// All figures of a process.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<(&'static str, Labels), Value>>);

impl Counts {
    /// Counts so many more.
    pub fn add(&self, figure: Figure, labels: &[(&'static str, &str)], more: u64) {
        self.change(figure, labels, |value| {
            if let Value::Count(count) = value {
                *count = count.saturating_add(more);
            }
        });
    }

    /// Sets a gauge.
    #[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
    pub fn set(&self, figure: Figure, labels: &[(&'static str, &str)], level: u64) {
        self.change(figure, labels, |value| *value = Value::Level(level as f64));
    }

    /// Takes a gauge away: nobody knows its level.
    pub fn unset(&self, figure: Figure, labels: &[(&'static str, &str)]) {
        self.lock().remove(&key(figure, labels));
    }

    /// Notes how long something took.
    pub fn took(&self, figure: Figure, labels: &[(&'static str, &str)], seconds: f64) {
        let class = SECONDS.iter().position(|end| seconds <= *end).unwrap_or(SECONDS.len());
        self.change(figure, labels, |value| {
            if let Value::Spread(classes, sum) = value {
                classes[class] += 1;
                *sum += seconds;
            }
        });
    }

    /// Every series, in order.
    pub fn all(&self) -> Vec<(&'static str, Labels, Value)> {
        let all = self.lock();
        all.iter().map(|((name, labels), value)| (*name, labels.clone(), value.clone())).collect()
    }

    /// The sum of a counter over all series whose labels hold these.
    pub fn sum(&self, figure: Figure, labels: &[(&'static str, &str)]) -> u64 {
        let fits =
            |of: &Labels| labels.iter().all(|(n, v)| of.iter().any(|(m, w)| n == m && v == w));
        let all = self.lock();
        let mine = all.iter().filter(|((name, of), _)| *name == figure.name && fits(of));
        mine.map(|(_, value)| if let Value::Count(n) = value { *n } else { 0 }).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, Labels), Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(
        &self,
        figure: Figure,
        labels: &[(&'static str, &str)],
        change: impl FnOnce(&mut Value),
    ) {
        let mut all = self.lock();
        if all.len() >= SERIES_MAX && !all.contains_key(&key(figure, labels)) {
            return;
        }
        change(all.entry(key(figure, labels)).or_insert_with(|| match figure.kind {
            Kind::Counter => Value::Count(0),
            Kind::Gauge => Value::Level(0.0),
            Kind::Seconds => Value::Spread(vec![0; SECONDS.len() + 1], 0.0),
        }));
    }
}

fn key(figure: Figure, labels: &[(&'static str, &str)]) -> (&'static str, Labels) {
    (figure.name, labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_counted_by_their_labels() {
        let counts = Counts::default();
        counts.add(MESSAGES, &[("queue", "a"), ("became", "read")], 2);
        counts.add(MESSAGES, &[("queue", "a"), ("became", "test")], 1);
        counts.set(QUEUE_OLDEST, &[("queue", "a")], 7);
        counts.took(COMMIT_LAG, &[("path", "queue")], 1.5);
        counts.took(COMMIT_LAG, &[("path", "queue")], 1e9);
        assert_eq!(counts.sum(MESSAGES, &[("queue", "a")]), 3);
        assert_eq!(counts.sum(MESSAGES, &[("became", "read")]), 2);
        let all = counts.all();
        assert_eq!(all.len(), 4);
        let Value::Spread(classes, sum) = &all[0].2 else { panic!("{all:?}") };
        assert_eq!((classes[2], classes.last(), *sum), (1, Some(&1), 1e9 + 1.5));
    }

    #[test]
    fn every_figure_stands_once_and_in_order() {
        assert!(ALL.windows(2).all(|pair| pair[0].name != pair[1].name));
    }
}
