//! Rows go at their term, not before it, and never while somebody holds them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use wk_engine::upkeep::{Authorised, Due, Expired, Upkeep};
use wk_model::hold::{Hold, Release, Scope};
use wk_model::retention::{Policy, SEVEN_YEARS_DAYS, preset};
use wk_model::{Day, Row, Table, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::fakes::{Fault, Faults, MemoryLake, MemoryLedger};
use wk_seam::lake::{Lake as _, Part};
use wk_seam::ledger::{Commit, Ledger as _};
use wk_watch::columns::{Place, TableBuilder, text};
use wk_watch::sources;

use crate::exactly_once::fault;

pub(crate) const DAY: Day = Day::from_number(19_768);

/// What of a row decides how long it is kept: its table and some texts.
type Kind = (&'static str, &'static [(&'static str, &'static str)]);

#[derive(Default)]
pub(crate) struct World {
    lake: MemoryLake,
    pub(crate) ledger: MemoryLedger,
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn table(name: &str) -> &'static Table {
    sources::ALL.iter().map(|s| s.table).find(|t| t.name == name).unwrap()
}

pub(crate) fn policy(name: &str) -> Arc<Policy> {
    Arc::new(Policy::new(preset(name).unwrap()).unwrap())
}

/// So many days after the last event of the day, and so many seconds.
pub(crate) fn after(days: u32, seconds: i64) -> Timestamp {
    DAY.start().plus_seconds(i64::from(days) * 86_400 + seconds)
}

impl World {
    /// Commits one file of rows of these kinds, all of one table, each with its texts in `raw`.
    pub(crate) fn commit(&self, day: Day, kinds: &[Kind]) {
        let table = table(kinds[0].0);
        let mut builder = TableBuilder::new(table);
        for (number, (_, texts)) in kinds.iter().enumerate() {
            let raw = format!("{number} {texts:?}");
            let mut row = Row::new(table, &raw);
            for (column, value) in *texts {
                row.read(table.index(column).unwrap(), value);
            }
            let place = Place {
                delivered: day.start(),
                received: day.start(),
                object: "o",
                ordinal: number as u64,
            };
            builder.append(&row, day.start(), &place);
        }
        let batch = builder.finish(day.start()).unwrap();
        block_on(async {
            let part = Part { table, day, batch, keep: None };
            let file = self.lake.stage(&part).await.unwrap().unwrap();
            let commit = Commit { files: vec![file], ..Commit::default() };
            self.ledger.commit(&commit).await.unwrap();
        });
    }

    pub(crate) fn upkeep(&self, now: Timestamp, faults: Vec<(u64, Fault)>) -> Upkeep {
        let faults = Arc::new(Faults::at(faults));
        Upkeep {
            lake: Arc::new(self.lake.with_faults(faults.clone())),
            ledger: Arc::new(self.ledger.with_faults(faults)),
            clock: Arc::new(StandingClock::at(now)),
            writer: "upkeep".to_owned(),
            tables: sources::ALL.iter().map(|s| s.table).collect(),
            limits: wk_engine::upkeep::Limits::default(),
        }
    }

    fn due(&self, policy: &Arc<Policy>, now: Timestamp) -> Vec<Due> {
        block_on(self.upkeep(now, Vec::new()).due(policy)).unwrap()
    }

    fn expire(&self, policy: &Arc<Policy>, now: Timestamp) -> Expired {
        let upkeep = self.upkeep(now, Vec::new());
        block_on(async {
            let due = upkeep.due(policy).await.unwrap();
            upkeep.expire(policy, &due, &authorised()).await.unwrap()
        })
    }

    /// The raw texts of all rows that are visible.
    pub(crate) fn rows(&self) -> BTreeSet<String> {
        let mut rows = BTreeSet::new();
        for file in block_on(self.ledger.snapshot()).unwrap().files {
            for part in self.lake.parts(&file.path).expect("a visible file is there") {
                for row in 0..part.batch.num_rows() {
                    if part.keep.as_ref().is_none_or(|keep| keep[row]) {
                        let raw = text(&part.batch, "raw", row).unwrap();
                        rows.insert(format!("{} {raw}", file.day));
                    }
                }
            }
        }
        rows
    }
}

fn authorised() -> Authorised {
    Authorised { by: "ann".to_owned(), second_person: None }
}

/// A row of each class is there one second before its term, and gone at its term.
fn goes_at(kind: Kind, days: u32) {
    let (world, policy) = (World::default(), policy("cc7"));
    world.commit(DAY, &[kind]);
    let before = after(days, -1);
    assert!(world.due(&policy, before).is_empty(), "{kind:?} is due before {days} days");
    assert_eq!(world.expire(&policy, before), Expired::default());
    let done = world.expire(&policy, after(days, 0));
    assert_eq!((done.rows, done.files), (1, (1, 0)), "{kind:?}");
    assert!(world.rows().is_empty());
}

#[test]
fn cloudtrail_flow_and_access_logs_are_kept_for_seven_years() {
    for table in ["cloudtrail", "vpc_flow", "s3_access", "cloudfront"] {
        goes_at((table, &[]), SEVEN_YEARS_DAYS);
    }
}

#[test]
fn application_audit_logs_are_kept_for_seven_years() {
    goes_at(("app_log", &[("log_group", "/shop/Audit-trail")]), SEVEN_YEARS_DAYS);
    goes_at(("app_log", &[("logger", "com.shop.audit"), ("level", "DEBUG")]), SEVEN_YEARS_DAYS);
    goes_at(("eks_audit", &[]), SEVEN_YEARS_DAYS);
}

#[test]
fn application_database_balancer_and_dns_logs_are_kept_for_90_days() {
    goes_at(("app_log", &[("log_group", "/aws/lambda/shop"), ("level", "INFO")]), 90);
    for table in ["rds_mysql_error", "rds_slow", "alb", "route53_query", "resolver_query"] {
        goes_at((table, &[]), 90);
    }
    goes_at(("rds_postgres", &[("severity", "ERROR")]), 90);
}

#[test]
fn audit_logs_of_databases_are_kept_for_the_longer_of_both_terms() {
    goes_at(("rds_audit", &[]), SEVEN_YEARS_DAYS);
    goes_at(("rds_postgres", &[("severity", "AUDIT")]), SEVEN_YEARS_DAYS);
}

#[test]
fn container_output_and_debug_records_are_kept_for_30_days() {
    goes_at(("app_log", &[("stream", "stdout"), ("level", "WARN")]), 30);
    goes_at(("app_log", &[("stream", "stderr")]), 30);
    goes_at(("app_log", &[("level", "debug"), ("log_group", "/aws/lambda/shop")]), 30);
}

#[test]
fn the_rows_of_one_file_go_each_at_its_term() {
    let (world, policy) = (World::default(), policy("cc7"));
    let kinds: [Kind; 4] = [
        ("app_log", &[("level", "DEBUG")]),
        ("app_log", &[("stream", "stdout")]),
        ("app_log", &[("level", "INFO")]),
        ("app_log", &[("log_group", "/audit")]),
    ];
    world.commit(DAY, &kinds);
    for (days, rows, files, left) in [(30, 2, (0, 1), 2), (90, 1, (0, 1), 1), (2557, 1, (1, 0), 0)]
    {
        assert_eq!(world.expire(&policy, after(days, -1)).rows, 0, "before {days} days");
        let due = world.due(&policy, after(days, 0));
        assert_eq!((due.len(), due[0].rows), (1, rows), "{due:?}");
        let done = world.expire(&policy, after(days, 0));
        assert_eq!((done.rows, done.files), (rows, files), "after {days} days");
        assert_eq!(world.rows().len(), left);
    }
}

#[test]
fn without_a_policy_and_without_a_class_nothing_goes() {
    let world = World::default();
    world.commit(DAY, &[("cloudtrail", &[])]);
    world.commit(DAY, &[("guardduty", &[])]);
    let late = after(100_000, 0);
    assert!(world.due(&Arc::default(), late).is_empty());
    assert_eq!(world.expire(&policy("cc7"), late).files, (1, 0), "findings have no class there");
}

#[test]
fn presets_of_laws_end_what_they_name() {
    for (name, table, days) in [
        ("soc2", "guardduty", 400),
        ("hipaa", "cloudtrail", 2192),
        ("gdpr", "alb", 365),
        ("lgpd", "alb", 365),
    ] {
        let (world, policy) = (World::default(), policy(name));
        world.commit(DAY, &[(table, &[])]);
        assert!(world.due(&policy, after(days, -1)).is_empty(), "{name}");
        assert_eq!(world.expire(&policy, after(days, 0)).rows, 1, "{name}");
    }
    let named = preset("lgpd").unwrap();
    assert!(named.iter().all(|class| class.legal_basis.is_some()));
}

pub(crate) fn hold(id: &str, scope: &str) -> Hold {
    Hold {
        id: id.to_owned(),
        scope: Scope::parse(scope).unwrap(),
        reason: "a case".to_owned(),
        by: "ann".to_owned(),
        second_person: "ben".to_owned(),
        placed: DAY.start().to_string(),
        released: None,
    }
}

#[test]
fn a_hold_keeps_its_days_until_it_is_released() {
    let (world, policy) = (World::default(), policy("cc7"));
    let next = Day::from_number(DAY.number() + 1);
    world.commit(DAY, &[("alb", &[])]);
    world.commit(next, &[("alb", &[])]);
    block_on(world.ledger.place_hold(&hold("h", &format!("table=alb until={DAY}")))).unwrap();
    let due = world.due(&policy, after(99, 0));
    assert_eq!(due.iter().map(|d| d.held_by.len()).collect::<Vec<_>>(), [1, 0]);
    let done = world.expire(&policy, after(99, 0));
    assert_eq!((done.rows, done.held, world.rows().len()), (1, 1, 1));
    let how = Release {
        reason: "closed".to_owned(),
        by: "ann".to_owned(),
        second_person: "ben".to_owned(),
        at: next.start().to_string(),
    };
    assert!(block_on(world.ledger.release_hold("h", &how)).unwrap());
    assert!(!block_on(world.ledger.release_hold("h", &how)).unwrap(), "once");
    assert_eq!(world.expire(&policy, after(99, 0)).rows, 1);
}

/// Days of files; expiries and compactions with faults; a hold of some days, placed meanwhile.
fn a_hold_placed_meanwhile_wins(
    days: i32,
    held: std::ops::Range<i32>,
    expiries: &[Vec<(u64, Fault)>],
) {
    let (world, policy) = (World::default(), policy("cc7"));
    let day = |n: i32| Day::from_number(DAY.number() + n);
    for n in 0..days {
        for _ in 0..2 {
            world.commit(day(n), &[("app_log", &[("level", "DEBUG")]), ("app_log", &[])]);
        }
    }
    let now = after(60, 0);
    let hold = hold("h", &format!("from={} until={}", day(held.start), day(held.end)));
    let of_scope = |rows: BTreeSet<String>| -> BTreeSet<String> {
        let held = |row: &String| {
            let day = Day::parse(row.split(' ').next().unwrap()).unwrap();
            hold.scope.covers("app_log", day)
        };
        rows.into_iter().filter(held).collect()
    };
    let placed = AtomicBool::new(false);
    let at_first = std::thread::scope(|scope| {
        for faults in expiries {
            let (world, policy) = (&world, &policy);
            scope.spawn(move || {
                let upkeep = world.upkeep(now, faults.clone());
                block_on(async {
                    let Ok(due) = upkeep.due(policy).await else { return };
                    drop(upkeep.expire(policy, &due, &authorised()).await);
                    let Ok(plan) = upkeep.plan(true).await else { return };
                    drop(upkeep.compact(&plan, &mut |_| ()).await);
                });
            });
        }
        let hold = &hold;
        let (world, placed) = (&world, &placed);
        scope
            .spawn(move || {
                block_on(world.ledger.place_hold(hold)).unwrap();
                placed.store(true, Ordering::Release);
                of_scope(world.rows())
            })
            .join()
            .unwrap()
    });
    assert!(placed.load(Ordering::Acquire));
    assert_eq!(of_scope(world.rows()), at_first, "what was there when the hold was placed");
    world.expire(&policy, now);
    assert_eq!(of_scope(world.rows()), at_first);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slow_a_hold_that_is_placed_during_an_expiry_wins(
        (days, from, length) in (1i32..6, 0i32..6, 0i32..6),
        expiries in proptest::collection::vec(
            proptest::collection::vec((1u64..30, fault()), 0..4), 1..4),
    ) {
        a_hold_placed_meanwhile_wins(days, from..from + length, &expiries);
    }
}
