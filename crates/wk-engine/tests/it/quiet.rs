//! Back-fill is quiet: what came as history neither pages nor acts; the same, live, does (R-169,
//!

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wk_act::notices::{Advice, ChannelPolicy, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::{Outcome, QuietReason, RoutedEvent, Routes, decide};
use wk_engine::ingest::{Ingest, Limits, Progress};
use wk_engine::notify::Notify;
use wk_model::arrivals::hour_of;
use wk_model::finding::{Finding, Origin};
use wk_model::notice::NoticeKind;
use wk_model::{Day, Notice, SeverityWord, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::fakes::{Given, MemoryCourier, MemoryLake, MemoryLedger, MemoryObjects, PlainUnpack};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_seam::objects::Objects;
use wk_seam::outbox::{Outbox as _, PostQuery};
use wk_sim::{File, Plan, Simulation};
use wk_watch::detect::Detections;
use wk_watch::sources::Settings;

/// A watch over what a small organisation's logs say.
struct Watch {
    clock: Arc<StandingClock>,
    ledger: MemoryLedger,
    courier: MemoryCourier,
    ingest: Ingest,
}

impl Watch {
    fn beginning_at(now: Timestamp) -> Self {
        let clock = Arc::new(StandingClock::at(now));
        let ledger = MemoryLedger::default();
        let ingest = Ingest {
            lake: Arc::new(MemoryLake::default()),
            ledger: Arc::new(ledger.clone()),
            clock: clock.clone(),
            unpack: PlainUnpack::boxed,
            detections: Arc::new(Detections::built_in().unwrap()),
            settings: Settings::default(),
            source: None,
            writer: "test".to_owned(),
            limits: Limits { workers: 1, ..Limits::default() },
        };
        Self { clock, ledger, courier: MemoryCourier::willing(), ingest }
    }

    /// Reads what was delivered, at a time.
    fn read(&self, now: Timestamp, files: Vec<File>) {
        self.clock.set(now);
        let given = files.into_iter().map(|file| {
            let mut given = Given::new(file.path, file.bytes);
            given.modified = file.delivered;
            given
        });
        let objects: Arc<dyn Objects> =
            Arc::new(MemoryObjects::new(given.collect(), Arc::default()));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let report = runtime.block_on(self.ingest.run(&[objects], &Progress::default())).unwrap();
        assert!(report.total().adds_up() && report.total().complaints == 0, "{report:?}");
    }

    fn findings(&self) -> Vec<Finding> {
        let query = FindingQuery::default();
        run(self.ledger.findings(&query)).unwrap()
    }

    /// Tells whom the built-in routes name, at a time.
    fn tell(&self, now: Timestamp) {
        self.clock.set(now);
        run(notify(&self.ledger, &self.courier, &self.clock).turn()).unwrap();
    }
}

/// Every notice that was made, oldest first.
pub(crate) fn notices(ledger: &MemoryLedger) -> Vec<Notice> {
    let query = PostQuery::default();
    let posted = run(ledger.posted(&query)).unwrap();
    posted.into_iter().rev().map(|posted| posted.notice).collect()
}

/// Tells whom the built-in routes name, each channel once.
pub(crate) fn notify(
    ledger: &MemoryLedger,
    courier: &MemoryCourier,
    clock: &Arc<StandingClock>,
) -> Notify {
    let mut policy = Policy { digest: vec!["operations".to_owned()], ..Policy::default() };
    for (name, kind, settings) in [
        ("page", "pagerduty", &[("routing_key", "env:K")][..]),
        ("ticket", "webhook", &[("url", "https://tickets.example/"), ("secrets", "env:K")]),
        ("operations", "webhook", &[("url", "https://ops.example/"), ("secrets", "env:K")]),
        ("register", "webhook", &[("url", "https://register.example/"), ("secrets", "env:K")]),
    ] {
        let setting = |(key, value): &(&str, &str)| ((*key).to_owned(), vec![(*value).to_owned()]);
        let channel = Channel::new(name, kind, settings.iter().map(setting).collect()).unwrap();
        let channel = ChannelPolicy { repeat_seconds: None, ..ChannelPolicy::of(channel) };
        policy.channels.insert(name.to_owned(), channel);
    }
    Notify {
        outbox: Arc::new(ledger.clone()),
        triage: Arc::new(ledger.clone()),
        courier: Arc::new(courier.clone()),
        clock: clock.clone(),
        routes: Arc::new(Routes::built_in().unwrap()),
        policy: Arc::new(policy),
        advice: Arc::new(|_| Advice::default()),
        is_drill: Arc::new(|_| false),
        reports: None,
        paging: None,
        by: "test".to_owned(),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// A quiet week with all its stories, as far as findings are made of it.
fn week(first: Day) -> Vec<File> {
    let plan = Plan { start: first, scale: 0.01, ..Plan::demo(7) };
    let told = ["cloudtrail", "guardduty", "eventbridge", "securityhub", "cloudtrail-insight"];
    Simulation::new(&plan).filter(|file| told.contains(&file.source)).collect()
}

/// What follows from findings by the routes that are built in.
fn followed(findings: &[Finding], now: Timestamp) -> Vec<(&Finding, Vec<Outcome>)> {
    let routes = Routes::built_in().unwrap();
    let follow = |f| (f, decide(&routes, &RoutedEvent::of_finding(f), now));
    findings.iter().map(follow).collect()
}

#[test]
fn slow_a_year_of_history_pages_nobody_and_acts_on_nothing() {
    // A week with every story in each quarter of a year, read at once, an hour after the last.
    let monday = Day::from_civil(2024, 2, 12).unwrap();
    let weeks = (0..5).map(|n| Day::from_number(monday.number() + 91 * n));
    let files: Vec<File> = weeks.flat_map(week).collect();
    let now = files.iter().map(|file| file.delivered).max().unwrap().plus_seconds(2 * 3_600);
    let watch = Watch::beginning_at(now);
    watch.read(now, files);
    let findings = watch.findings();
    let high = findings.iter().filter(|f| f.severity.word() >= SeverityWord::High).count();
    assert!(high >= 5, "there is enough to page for: {high} of {}", findings.len());
    let followed = followed(&findings, now);
    let outcomes: Vec<&Outcome> = followed.iter().flat_map(|(_, all)| all).collect();
    assert!(outcomes.len() >= findings.len());
    for outcome in outcomes {
        let quiet = matches!(outcome, Outcome::Quiet { reason: QuietReason::BackFill, .. });
        assert!(quiet, "{outcome:?}");
    }
    // The last week is younger than a day's limit in part; it lay there before the watch began.
    assert!(findings.iter().all(|f| f.origin == Origin::BackFill), "a first load is history");
    for minutes in (0..26 * 60).step_by(10) {
        watch.tell(now.plus_seconds(minutes * 60));
    }
    let made = notices(&watch.ledger);
    let told: Vec<(&str, NoticeKind)> =
        made.iter().map(|notice| (notice.channel.as_str(), notice.kind)).collect();
    assert_eq!(told, [("operations", NoticeKind::Digest)], "0 pages, one digest");
    assert_eq!(made[0].count(), findings.len() as u64, "it speaks of all of them");
    assert_eq!(watch.courier.carried().len(), 1);
}

#[test]
fn slow_the_same_week_live_pages_for_high_findings_and_not_for_medium_ones() {
    let monday = Day::from_civil(2024, 2, 12).unwrap();
    let mut hours: BTreeMap<i64, Vec<File>> = BTreeMap::new();
    for file in week(monday) {
        hours.entry(hour_of(file.delivered)).or_default().push(file);
    }
    let watch = Watch::beginning_at(monday.start());
    for (hour, files) in hours {
        let now = Timestamp::from_seconds((hour + 1) * 3600);
        watch.read(now, files);
        watch.tell(now);
        watch.tell(now.plus_seconds(600));
    }
    let findings = watch.findings();
    let of = |word| findings.iter().filter(move |f| f.severity.word() == word);
    assert!(findings.iter().all(|f| f.origin == Origin::Live));
    assert!(of(SeverityWord::High).count() > 0 && of(SeverityWord::Medium).count() > 0);
    let mut paged = BTreeSet::new();
    for page in notices(&watch.ledger).iter().filter(|notice| notice.channel == "page") {
        let news = page.covers.iter().filter(|id| paged.insert((*id).clone())).count();
        let again = page.kind == NoticeKind::Trigger || page.kind == NoticeKind::Update;
        assert!(!again || news > 0, "paged again for nothing new: {}", page.title);
    }
    for finding in &findings {
        let is_high = finding.severity.word() >= SeverityWord::High;
        assert_eq!(paged.contains(&finding.id), is_high, "{} {}", finding.severity, finding.title);
    }
}

#[test]
fn what_the_user_calls_history_is_history_however_young() {
    let monday = Day::from_civil(2024, 2, 12).unwrap();
    let mut watch = Watch::beginning_at(monday.start());
    watch.ingest.limits.all_history = true;
    let files: Vec<File> = week(monday).into_iter().take(400).collect();
    watch.read(files.iter().map(|file| file.delivered).max().unwrap(), files);
    assert!(watch.findings().iter().all(|f| f.origin == Origin::BackFill));
    let facts = watch.ledger.self_facts(monday.start().plus_seconds(7 * 86_400));
    let facts = run(facts).unwrap();
    assert!(facts.sources.values().all(|of| of.last_live.is_none() && of.lags.is_empty()));
}
