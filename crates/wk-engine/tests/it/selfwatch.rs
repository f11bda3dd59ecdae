//! A simulated month of the watch over the watch: what is raised, when, and when it is over.

use std::sync::Arc;

use wk_engine::selfwatch::{Selfwatch, Turn};
use wk_model::arrivals::{Arrived, Fed, Histogram, Path, PlaceHour, hour_of};
use wk_model::finding::Finding;
use wk_model::notice::NoticeKind;
use wk_model::{Arrivals, Sha256, Tally, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::fakes::{Fault, Faults, MemoryCourier, MemoryLedger};
use wk_seam::ledger::{Commit, FindingQuery, Ledger as _, ObjectRow};
use wk_watch::selfwatch::facts::{DrillFacts, JobFacts, QueueFacts};
use wk_watch::selfwatch::{Heard, Limits};

use crate::quiet::{notices, notify};

/// Monday 2024-02-12T00:00:00Z.
pub(crate) const MONDAY: Timestamp = Timestamp::from_seconds(1_707_696_000);
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A watch on a fake clock, fed every ten minutes.
pub(crate) struct Month {
    pub(crate) clock: Arc<StandingClock>,
    pub(crate) ledger: MemoryLedger,
    watch: Selfwatch,
    heard: Heard,
    now: Timestamp,
    fed: u64,
}

impl Month {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(StandingClock::at(MONDAY));
        let ledger = MemoryLedger::default();
        let watch = watch(&ledger, &clock);
        Self { clock, ledger, watch, heard: Heard::default(), now: MONDAY, fed: 0 }
    }

    /// Lets time pass in steps of ten minutes; each step feeds what it is told and takes a turn.
    pub(crate) fn pass(
        &mut self,
        seconds: i64,
        feed: impl Fn(i64) -> Vec<(&'static str, u64)>,
    ) -> Vec<Turn> {
        let until = self.now.plus_seconds(seconds);
        let mut turns = Vec::new();
        while self.now < until {
            self.now = self.now.plus_seconds(10 * MINUTE);
            self.clock.set(self.now);
            for (source, rows) in feed(self.now.seconds() - MONDAY.seconds()) {
                self.feed(source, rows, 180);
            }
            turns.push(block_on(self.watch.turn(&self.heard)).unwrap());
        }
        turns
    }

    /// Some records of a source that cannot be read.
    pub(crate) fn feed_refused(&mut self, source: &str, complaints: u64) {
        self.fed += 1;
        let tally = Tally { read: complaints, complaints, ..Tally::default() };
        let object = ObjectRow {
            identity: Sha256::of(format!("{source} {}", self.fed).as_bytes()),
            uri: String::new(),
            size: 1,
            modified: self.now,
            tallies: vec![(source.to_owned(), tally)],
            complaints: Vec::new(),
        };
        let commit = Commit { objects: vec![object], recorded: self.now, ..Commit::default() };
        block_on(self.ledger.commit(&commit)).unwrap();
    }

    /// Some live events of a source, as old as it says.
    pub(crate) fn feed(&mut self, source: &str, rows: u64, age: i64) {
        self.fed += 1;
        let event = self.now.plus_seconds(-age);
        let place = PlaceHour::new(source, "111122223333", "eu-west-1", hour_of(event));
        let arrived = Arrived { rows, ..Arrived::one(self.now, event) };
        let fed = Fed {
            live: rows,
            late: 0,
            first_received: self.now,
            last_live: Some(self.now),
            last_event: event,
        };
        let mut lags = Histogram::default();
        (0..rows).for_each(|_| lags.count(age * 1_000_000));
        let arrivals = Arrivals {
            places: [(place, arrived)].into(),
            feeds: [(source.to_owned(), fed)].into(),
            lags: [((source.to_owned(), Path::EventDelivered), lags)].into(),
        };
        let tally = Tally { read: rows, stored: rows, ..Tally::default() };
        let object = ObjectRow {
            identity: Sha256::of(format!("{source} {}", self.fed).as_bytes()),
            uri: String::new(),
            size: 1,
            modified: self.now,
            tallies: vec![(source.to_owned(), tally)],
            complaints: Vec::new(),
        };
        let commit =
            Commit { objects: vec![object], recorded: self.now, arrivals, ..Commit::default() };
        block_on(self.ledger.commit(&commit)).unwrap();
    }

    fn findings(&self) -> Vec<Finding> {
        block_on(self.ledger.findings(&FindingQuery::default())).unwrap()
    }

    /// When the finding of a rule began and was over, in minutes since a time.
    fn raised(&self, rule: &str, since: Timestamp) -> Vec<(i64, Option<i64>)> {
        let minutes = |at: Timestamp| (at.seconds() - since.seconds()).div_euclid(60);
        let of = self.findings().into_iter().filter(|f| f.rule.id == rule);
        let mut of: Vec<_> =
            of.map(|f| (minutes(f.events[0].time), f.ended.map(minutes))).collect();
        of.sort_unstable();
        of
    }
}

fn watch(ledger: &MemoryLedger, clock: &Arc<StandingClock>) -> Selfwatch {
    Selfwatch::new(Arc::new(ledger.clone()), clock.clone(), Limits::default(), "test".to_owned())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// CloudTrail day and night, the firewall in office hours.
pub(crate) fn as_ever(second: i64) -> Vec<(&'static str, u64)> {
    let (hour, day) = (second / HOUR % 24, second / DAY % 7);
    let office = (8..18).contains(&hour) && day < 5;
    let mut feed = vec![("cloudtrail", if office { 150 } else { 50 })];
    feed.extend(office.then_some(("waf", 80)));
    feed
}

#[test]
fn slow_a_simulated_month_raises_what_is_wrong_and_nothing_else() {
    let mut month = Month::new();
    // Three ordinary weeks: four weekends' worth of nights, nothing is raised.
    let quiet = month.pass(21 * DAY, as_ever);
    assert!(quiet.iter().all(|turn| turn.alerts.is_empty()), "{:?}", month.findings());

    // Monday at ten, CloudTrail stops for three hours: R-224.
    month.pass(10 * HOUR, as_ever);
    let stopped = month.now;
    let only_waf = |second| as_ever(second).into_iter().filter(|f| f.0 == "waf").collect();
    month.pass(3 * HOUR, only_waf);
    month.pass(DAY - 13 * HOUR, as_ever);
    assert_eq!(month.raised("selfwatch.silence", stopped), [(60, Some(190))]);
    // What was lost stays a gap with a name, until somebody fills it.
    let gaps: Vec<String> = month.findings().into_iter().map(|f| f.title).collect();
    let gap = "cloudtrail has no event of 111122223333/eu-west-1 from 2024-03-04T10:00:00Z to 2024-03-04T13:00:00Z";
    assert!(gaps.iter().any(|title| title == gap), "{gaps:?}");

    // On Tuesday a filter leaves one event in twenty, from nine to noon: R-239.
    month.pass(9 * HOUR, as_ever);
    let filtered = month.now;
    let few =
        |second| as_ever(second).into_iter().map(|(s, n)| (s, if s == "waf" { n } else { n / 20 }));
    month.pass(3 * HOUR, |second| few(second).collect());
    month.pass(DAY - 12 * HOUR, as_ever);
    let drops = month.raised("selfwatch.volume-drop", filtered);
    assert_eq!(drops.len(), 1, "{drops:?}");
    assert!((90..=100).contains(&drops[0].0) && drops[0].1.is_some(), "{drops:?}");

    // Then the firewall's log is quiet until Monday as at every weekend: R-239 again.
    let before = month.findings().len();
    month.pass(5 * DAY, as_ever);
    assert_eq!(month.findings().len(), before, "{:?}", month.findings().last());
}

#[test]
fn a_late_pull_a_failed_job_and_a_failed_drill_are_raised_once_and_are_over() {
    let mut month = Month::new();
    month.pass(2 * DAY, as_ever);
    let late = month.now;
    for _ in 0..6 {
        month.pass(10 * MINUTE, |_| Vec::new());
        month.feed("cloudtrail", 300, 5 * HOUR);
    }
    month.pass(4 * HOUR, as_ever);
    assert_eq!(month.raised("selfwatch.lag", late).len(), 1);
    assert!(month.raised("selfwatch.lag", late)[0].1.is_some(), "it is over");

    let at = month.now;
    let failed = Some((at, "No space left".to_owned()));
    let name = "compaction".to_owned();
    let job = JobFacts { name, every_seconds: HOUR, since: at, last_ok: None, last_failed: failed };
    let name = "detection".to_owned();
    let lost = Some((at, "no receipt".to_owned()));
    let drill =
        DrillFacts { name, every_seconds: DAY, since: at, last_passed: None, last_failed: lost };
    month.heard = Heard { jobs: vec![job], drills: vec![drill], ..Heard::default() };
    month.pass(HOUR, as_ever);
    assert_eq!(month.raised("selfwatch.job-failed", at), [(10, None)]);
    assert_eq!(month.raised("selfwatch.drill-failed", at), [(10, None)]);
    // The process starts anew and has not asked its jobs yet: nothing is over for that.
    let jobs = std::mem::take(&mut month.heard);
    month.watch = watch(&month.ledger, &month.clock);
    month.pass(10 * MINUTE, as_ever);
    assert_eq!(month.raised("selfwatch.job-failed", at), [(10, None)]);
    month.heard = jobs;
    month.heard.jobs[0].last_ok = Some(month.now);
    month.heard.drills[0].last_passed = Some(month.now);
    month.pass(10 * MINUTE, as_ever);
    assert_eq!(month.raised("selfwatch.job-failed", at), [(10, Some(80))]);
    assert_eq!(month.raised("selfwatch.drill-failed", at), [(10, Some(80))]);
}

#[test]
fn a_queue_that_grows_is_seen_by_what_it_held_before() {
    let mut month = Month::new();
    let mut grown = 0;
    for waiting in (0..40).map(|minute| 200 * minute) {
        month.now = month.now.plus_seconds(MINUTE);
        month.clock.set(month.now);
        let queue = QueueFacts { name: "logs".to_owned(), waiting, ..QueueFacts::default() };
        month.heard.queues = vec![queue];
        let turn = block_on(month.watch.turn(&month.heard)).unwrap();
        grown += u64::from(turn.alerts.iter().any(|a| a.rule == "selfwatch.queue-growing"));
    }
    assert!(grown > 5, "{grown}");
    assert_eq!(month.findings().len(), 1, "it is one finding");
}

#[test]
fn whatever_the_ledger_answers_an_alert_is_one_finding() {
    for fault in [Fault::Transient, Fault::AnswerLost] {
        for call in 1..=8 {
            let mut month = Month::new();
            month.heard.running_since = Some(MONDAY.plus_seconds(-2 * HOUR));
            let faults = Arc::new(Faults::at(vec![(call, fault)]));
            month.watch = watch(&month.ledger.with_faults(faults), &month.clock);
            for _ in 0..4 {
                drop(block_on(month.watch.turn(&month.heard)));
            }
            let findings = month.findings();
            assert_eq!(findings.len(), 1, "{fault:?} at {call}");
            assert_eq!(findings[0].count, 1, "{fault:?} at {call}");
        }
    }
}

#[test]
fn a_trail_that_stops_pages_and_the_page_is_resolved_when_it_delivers_again() {
    // what fails is the logging itself.
    let mut month = Month::new();
    let courier = MemoryCourier::willing();
    month.pass(2 * DAY, as_ever);
    let tell = |month: &Month| {
        block_on(notify(&month.ledger, &courier, &month.clock).turn()).unwrap();
    };
    for _ in 0..9 {
        month.pass(10 * MINUTE, |_| Vec::new());
        tell(&month);
    }
    for _ in 0..6 {
        month.pass(10 * MINUTE, as_ever);
        tell(&month);
    }
    let told = notices(&month.ledger);
    let of = |channel: &str| -> Vec<NoticeKind> {
        told.iter().filter(|n| n.channel == channel).map(|n| n.kind).collect()
    };
    assert_eq!(of("page"), [NoticeKind::Trigger, NoticeKind::Resolve], "{told:#?}");
    assert_eq!(of("operations"), of("page"));
}
