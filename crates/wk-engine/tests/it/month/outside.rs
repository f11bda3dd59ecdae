//! Everything outside of the processes: what they share, and what the world got from them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wk_model::finding::Finding;
use wk_seam::clock::{Clock as _, StandingClock};
use wk_seam::courier::{Outcome, Parcel, Proof};
use wk_seam::fakes::{
    MemoryBookmarks, MemoryBuckets, MemoryCourier, MemoryLake, MemoryLedger, MemoryQueue,
};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_watch::columns;

use super::BEGINS;

/// What processes share.
pub(super) struct Outside {
    pub(super) clock: Arc<StandingClock>,
    pub(super) lake: MemoryLake,
    pub(super) ledger: MemoryLedger,
    pub(super) buckets: MemoryBuckets,
    pub(super) queue: MemoryQueue,
    pub(super) bookmarks: MemoryBookmarks,
    pub(super) courier: MemoryCourier,
    /// What upkeep and drills did, by what it was.
    pub(super) done: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    /// Calls that failed on purpose.
    pub(super) failed: AtomicU64,
    pub(super) most_waiting: AtomicU64,
}

/// Whatever is asked of what lies in memory is answered at once.
pub(super) fn now<T>(work: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(work).expect("memory does not wait")
}

impl Outside {
    pub(super) fn new() -> Self {
        let clock = Arc::new(StandingClock::at(BEGINS));
        Self {
            lake: MemoryLake::default().with_clock(clock.clone()),
            ledger: MemoryLedger::default(),
            buckets: MemoryBuckets::default(),
            queue: MemoryQueue::new(clock.clone(), 7, 10_000),
            bookmarks: MemoryBookmarks::new(clock.clone()),
            courier: MemoryCourier::answering(now_and_then()),
            done: Arc::default(),
            failed: AtomicU64::new(0),
            most_waiting: AtomicU64::new(0),
            clock,
        }
    }

    /// Seconds since the month began.
    pub(super) fn second(&self) -> i64 {
        self.clock.now().seconds() - BEGINS.seconds()
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        now(self.ledger.findings(&FindingQuery::default())).unwrap()
    }

    pub(super) fn done(&self) -> BTreeMap<&'static str, u64> {
        self.done.lock().unwrap().clone()
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn most_waiting(&self) -> u64 {
        self.most_waiting.load(Ordering::Relaxed)
    }

    pub(super) fn expired(&self) -> u64 {
        self.done().get("expired").copied().unwrap_or(0)
    }

    /// How often each event is visible, by table.
    pub(super) fn rows(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut rows: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for file in now(self.ledger.snapshot()).unwrap().files {
            let of = rows.entry(file.table.clone()).or_default();
            for part in self.lake.parts(&file.path).expect("a visible file is there") {
                for row in 0..part.batch.num_rows() {
                    if part.keep.as_ref().is_none_or(|keep| keep[row]) {
                        // A finding of GuardDuty comes again under its id when it changes.
                        let has_id = file.table == "cloudtrail";
                        let name = name(&part.batch, has_id, row);
                        *of.entry(format!("{} {name}", part.day)).or_default() += 1;
                    }
                }
            }
        }
        rows
    }

    /// Pages that the carrier was given, and how many of them differ.
    pub(super) fn carried_pages(&self) -> (u64, u64) {
        let mut keys: Vec<String> = Vec::new();
        for parcel in self.courier.carried() {
            if let Parcel::Http { body, proof: Proof::BodyMember { .. }, .. } = parcel {
                let event: Value = serde_json::from_slice(&body).unwrap();
                keys.push(format!("{} {}", event["event_action"], event["dedup_key"]));
            }
        }
        let all = keys.len() as u64;
        keys.sort();
        keys.dedup();
        (all, keys.len() as u64)
    }
}

/// An event of a day: its id where it has one of its own, or its place.
fn name(batch: &arrow_array::RecordBatch, has_id: bool, row: usize) -> String {
    let text = |column| columns::text(batch, column, row).unwrap().to_owned();
    if has_id {
        return text("event_id");
    }
    let ordinals = batch.column_by_name("ordinal").unwrap();
    let ordinals = ordinals.as_any().downcast_ref::<arrow_array::Int64Array>().unwrap();
    format!("{}:{}", text("object"), ordinals.value(row))
}

/// One parcel in nine is asked for again later.
fn now_and_then() -> impl FnMut(&Parcel) -> Outcome + Send + 'static {
    let mut carried = 0;
    move |_| {
        carried += 1;
        if carried % 9 == 0 {
            let reason = "HTTP 503".to_owned();
            return Outcome::Later { reason, after_seconds: Some(60) };
        }
        Outcome::Accepted { receipt: "taken".to_owned(), reference: None }
    }
}
