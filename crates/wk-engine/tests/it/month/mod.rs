//! A month of the whole service on a clock of our own: queue and listing, ingest, rules over one event
//! and over several, routes, pages, digest and signs of life, drills and upkeep, all of them under their
//! supervisor as they run day and night; while messages come twice and late, calls fail, storage and
//! ledger are out of reach for hours, and processes are stopped and killed.

mod feed;
mod outside;
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wk_model::finding::{Finding, Origin};
use wk_model::notice::NoticeKind;
use wk_model::{Notice, SeverityWord, Tally, Timestamp};
use wk_seam::ledger::Ledger as _;
use wk_seam::outbox::{Outbox as _, PostQuery, Standing};
use wk_seam::states::States as _;
use wk_watch::detect::Detections;

use self::feed::{Feed, STOPPED};
use self::outside::{Outside, now};
use self::process::{End, live};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;
/// Monday 2024-02-12: the simulator's stories lie in the week that begins there.
pub(crate) const BEGINS: Timestamp = Timestamp::from_seconds(1_707_696_000);
pub(crate) const DAYS: i64 = 28;
/// The clock goes by hours; after each of them everything that came is waited for.
pub(crate) const STEP: i64 = HOUR;
/// Nothing more comes on the last evening: what is told of late is told by then.
pub(crate) const END: i64 = DAYS * DAY + 12 * HOUR;

/// A month that has passed.
struct Month {
    outside: Outside,
    feed: Feed,
    ends: BTreeMap<End, u64>,
    /// States that rules kept at the end of each week.
    states: Vec<u64>,
    /// Notices that were taken, gathered every week: the service forgets old ones.
    taken: BTreeMap<String, Notice>,
}

fn pass() -> Month {
    let (outside, mut feed) = (Outside::new(), Feed::new());
    let detections = Arc::new(Detections::built_in().unwrap());
    let (mut ends, mut states, mut all_taken) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    feed.history(&outside);
    for number in 0.. {
        let end = live(&outside, &detections, number, &mut |second| {
            feed.step(&outside, second);
            if second % (7 * DAY) == 0 {
                let count = now(outside.ledger.states_count()).unwrap();
                states.push(count.iter().map(|(_, count)| count).sum());
                all_taken.extend(taken(&outside));
            }
        });
        *ends.entry(end).or_default() += 1;
        if outside.second() >= END {
            break;
        }
    }
    all_taken.extend(taken(&outside));
    Month { outside, feed, ends, states, taken: all_taken }
}

/// Notices that were taken, with a receipt each.
fn taken(outside: &Outside) -> BTreeMap<String, Notice> {
    let query = PostQuery { standings: vec![Standing::Accepted], ..PostQuery::default() };
    let posted = now(outside.ledger.posted(&query)).unwrap();
    assert!(posted.iter().all(|posted| posted.receipt.is_some()));
    posted.into_iter().map(|posted| (posted.notice.id.clone(), posted.notice)).collect()
}

#[test]
fn slow_a_month_of_the_whole_service_tells_what_must_be_told_and_nothing_else() {
    let month = pass();
    month.went_through_trouble();
    month.nothing_is_lost_or_doubled();
    month.what_was_planted_is_told_once();
    month.calm_days_page_nobody();
    month.what_stopped_is_told_and_is_over();
    month.every_day_has_its_drill();
    month.upkeep_was_done();
    month.nothing_is_left_and_nothing_grows();
}

impl Month {
    /// What a channel took, oldest first.
    fn posted(&self, channel: &str) -> Vec<Notice> {
        let of = self.taken.values().filter(|notice| notice.channel == channel);
        let mut of: Vec<Notice> = of.cloned().collect();
        of.sort_by_key(|notice| notice.created);
        of
    }

    fn alerts(&self) -> Vec<Finding> {
        let own = |f: &Finding| f.rule.id.starts_with("selfwatch.");
        self.outside.findings().into_iter().filter(own).collect()
    }

    /// The day of the month, from 0.
    fn day(at: Timestamp) -> i64 {
        (at.seconds() - BEGINS.seconds()).div_euclid(DAY)
    }

    fn went_through_trouble(&self) {
        let of = |end| self.ends.get(&end).copied().unwrap_or(0);
        assert!(of(End::Stopped) >= 5 && of(End::Killed) >= 5, "{:?}", self.ends);
        let failed = self.outside.failed();
        assert!(failed > 200, "{failed} calls failed on purpose");
        assert!(self.feed.twice > 100 && self.feed.untold > 50, "{:?}", self.feed);
    }

    fn nothing_is_lost_or_doubled(&self) {
        let tallies: BTreeMap<String, Tally> =
            now(self.outside.ledger.tallies()).unwrap().into_iter().collect();
        assert!(tallies.values().all(Tally::adds_up), "{tallies:?}");
        let sum = |part: fn(&Tally) -> u64| tallies.values().map(part).sum::<u64>();
        let sent: u64 = self.feed.sent.values().sum();
        assert_eq!(sum(|t| t.read), sent, "each is read once: {:?} {tallies:?}", self.feed.sent);
        assert_eq!(sum(|t| t.complaints), self.feed.broken, "only what is broken: {tallies:?}");
        let of = |source: &str| tallies.get(source).copied().unwrap_or_default();
        let (calls, flows) = (of("cloudtrail"), of("vpcflow"));
        let once = self.feed.calls.len() as u64 + self.feed.sent["cloudtrail-insight"];
        assert_eq!(calls.stored, once, "each call once");
        assert_eq!(flows.stored, self.feed.sent["vpcflow"], "each flow once");
        let rows = self.outside.rows();
        for (table, rows) in &rows {
            let twice: Vec<_> = rows.iter().filter(|(_, count)| **count > 1).collect();
            assert!(twice.is_empty(), "{table} has rows twice: {twice:?} {tallies:?}");
        }
        let stored: u64 = tallies.values().map(|tally| tally.stored).sum();
        let there: u64 = rows.values().map(|rows| rows.len() as u64).sum();
        assert_eq!(there + self.outside.expired(), stored, "every row that was stored is there");
    }

    fn what_was_planted_is_told_once(&self) {
        let pages = self.posted("page");
        let triggers = || pages.iter().filter(|page| page.kind == NoticeKind::Trigger);
        for name in &self.feed.high {
            let of = triggers().filter(|page| page.title.contains(name)).count();
            assert_eq!(of, 1, "{name} pages once");
        }
        let tickets = self.posted("ticket");
        for name in self.feed.high.iter().chain(&self.feed.medium) {
            let said = |n: &&Notice| {
                let of = n.findings.iter().any(|finding| finding.title.contains(name));
                n.kind != NoticeKind::Resolve && (of || n.title.contains(name))
            };
            assert!(tickets.iter().any(|n| said(&n)), "{name} has a ticket");
        }
        // Everything High that came live pages, once for each finding; nothing else does.
        let mut paged: BTreeMap<&str, u64> = BTreeMap::new();
        for id in triggers().flat_map(|page| &page.covers) {
            *paged.entry(&id.0).or_default() += 1;
        }
        let mut told: BTreeSet<&str> = paged.keys().copied().collect();
        let updates = pages.iter().filter(|page| page.kind == NoticeKind::Update);
        told.extend(updates.flat_map(|page| &page.covers).map(|id| id.0.as_str()));
        for finding in self.outside.findings() {
            let drill = finding.actor.as_deref() == Some(process::EXERCISER);
            let high = finding.severity.word() >= SeverityWord::High;
            let want = high && !drill && finding.origin == Origin::Live;
            assert_eq!(told.contains(finding.id.0.as_str()), want, "{finding:#?}");
        }
        assert!(paged.values().all(|count| *count == 1), "{paged:?}");
        // Each story that a good watch reports as high is behind a page.
        let findings = self.outside.findings();
        for story in &self.feed.truth().stories {
            if !story.expect.iter().any(|expected| expected.severity == "high") {
                continue;
            }
            let within = |f: &&Finding| {
                f.first_seen <= story.last.plus_seconds(HOUR)
                    && story.first <= f.last_seen.plus_seconds(HOUR)
            };
            let paged = |f: &Finding| told.contains(f.id.0.as_str());
            let then: Vec<String> = findings
                .iter()
                .filter(within)
                .map(|f| format!("{:?} {:?} {} {}", f.severity, f.origin, paged(f), f.title))
                .collect();
            let behind_a_page = findings.iter().filter(within).any(paged);
            assert!(behind_a_page, "{} pages somebody: {then:#?}", story.name);
        }
        // The carrier may have got a page twice, if an answer was lost: always with the same key.
        let (carried, distinct) = self.outside.carried_pages();
        assert!(
            carried - distinct <= self.outside.failed(),
            "{carried} pages, {distinct} distinct"
        );
    }

    fn calm_days_page_nobody(&self) {
        let busy: BTreeSet<i64> = self.feed.busy_days();
        let calm = (0..DAYS).filter(|day| !busy.contains(day)).count();
        assert!(calm >= 14, "{calm} calm days");
        let on_calm_days: Vec<String> = self
            .posted("page")
            .iter()
            .filter(|page| Self::day(page.created) < DAYS)
            .filter(|page| !busy.contains(&Self::day(page.created)))
            .map(|page| format!("{} {}", page.created, page.title))
            .collect();
        assert!(on_calm_days.is_empty(), "{on_calm_days:#?}");
    }

    fn what_stopped_is_told_and_is_over(&self) {
        let alerts = self.alerts();
        let minutes =
            |at: Timestamp| (at.seconds() - BEGINS.seconds() - STOPPED).div_euclid(MINUTE);
        let at_stop = |f: &&Finding| (0..24 * 60).contains(&minutes(f.events[0].time));
        let of_trail = |f: &&Finding| {
            f.rule.id == "selfwatch.silence"
                && f.title.starts_with("cloudtrail has brought nothing")
        };
        let of_stop = alerts.iter().filter(at_stop).filter(of_trail);
        let silence = of_stop.min_by_key(|f| f.events[0].time).expect("the trail stopped");
        let raised = minutes(silence.events[0].time);
        // Twice the pause that is usual for a trail that delivers every hour, looked at every hour.
        assert!((60..=300).contains(&raised), "raised {raised} minutes after: {}", silence.title);
        assert!(silence.ended.is_some(), "and is over when it delivers again");
        let pages = self.posted("page");
        let about = |n: &&Notice| n.covers.contains(&silence.id);
        let kinds: Vec<NoticeKind> = pages.iter().filter(about).map(|n| n.kind).collect();
        assert_eq!(kinds, [NoticeKind::Trigger, NoticeKind::Resolve]);
        // Nothing that would page stays open, but for the feed, which ends before the watch does.
        let open = |f: &&Finding| f.ended.is_none() && f.severity.word() >= SeverityWord::High;
        let open: Vec<&Finding> = alerts.iter().filter(open).collect();
        let ends = |f: &&&Finding| Self::day(f.events[0].time) >= DAYS;
        assert!(open.iter().all(|f| ends(&f)), "{open:#?}");
    }

    fn every_day_has_its_drill(&self) {
        let drills = self.posted("soc");
        assert!(drills.iter().all(|notice| notice.kind == NoticeKind::Drill));
        let days: BTreeSet<i64> = drills.iter().map(|n| Self::day(n.created)).collect();
        assert_eq!(days, (0..=DAYS).collect(), "a receipt for each day");
    }

    fn upkeep_was_done(&self) {
        let done = self.outside.done();
        assert!(done["compacted"] >= 28 && done["removed"] > 100, "{done:?}");
        assert!(done["expired"] > 0 && done["forgotten"] > 0 && done["swept"] > 0, "{done:?}");
        let digests = self.posted("operations");
        let digests = digests.iter().filter(|n| n.kind == NoticeKind::Digest);
        let digests: Vec<&Notice> = digests.collect();
        assert_eq!(digests.len(), 1, "history ends in one digest: {digests:#?}");
        assert!(digests[0].count() >= self.feed.old, "{:#?}", digests[0]);
    }

    fn nothing_is_left_and_nothing_grows(&self) {
        let outside = &self.outside;
        assert_eq!(outside.queue.waiting(), Vec::<String>::new());
        let backlog = now(outside.ledger.backlog()).unwrap();
        assert_eq!((backlog.waiting, backlog.dead), (0, 0));
        assert!(now(outside.ledger.signals_waiting(1 << 20)).unwrap().signals.is_empty());
        let (second, last) = (self.states[1], self.states[3]);
        assert!(last <= second + second / 2 + 100, "states by week: {:?}", self.states);
        // Days that are over lie in one file for each table; what left is gone from storage.
        let mut files: BTreeMap<(String, wk_model::Day), u64> = BTreeMap::new();
        for file in now(outside.ledger.snapshot()).unwrap().files {
            *files.entry((file.table, file.day)).or_default() += 1;
        }
        let old = |(_, day): &(String, wk_model::Day)| Self::day(day.start()) < DAYS - 2;
        let many: Vec<_> = files.iter().filter(|(of, count)| old(of) && **count > 4).collect();
        assert!(many.is_empty(), "{many:?}");
        let (named, there) = (now(outside.ledger.named_paths()).unwrap(), outside.lake.paths());
        let spare = there.iter().filter(|path| !named.contains(path)).count();
        assert!(spare < 40, "{spare} of {} files are named by nothing", there.len());
        assert!(outside.most_waiting() < 200, "{} messages at most", outside.most_waiting());
    }
}
