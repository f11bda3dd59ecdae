//! The one door through which everything is read: what is handed in is gathered, committed, and
//! then answered for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use wk_seam::objects::Objects;
use wk_seam::{Answer, Failure};

use super::handed::{Handed, Item};
use super::{InForce, Post, Tools, backoff, counts};
use crate::ingest::{Ingest, Panicked, Progress, Report};

/// How much is gathered, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Deliveries that wait at the door; who comes then waits himself.
    pub waiting: usize,
    /// Objects of one commit.
    pub objects: usize,
    /// Bytes of one commit, as they lie there.
    pub bytes: u64,
    /// How long others are waited for after the first.
    pub gather: Duration,
    /// Before a commit that failed is tried again, the first time and at most.
    pub retry: (Duration, Duration),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting: 64,
            objects: 2000,
            bytes: 256 << 20,
            gather: Duration::from_secs(2),
            retry: (Duration::from_secs(1), Duration::from_secs(30)),
        }
    }
}

/// How often a commit may panic before what it holds is tried piece by piece, and each piece.
const PANICS_MAX: u32 = 3;

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of its rows are committed, or were before.
    Committed,
    /// It is not there; the complaint about it is committed.
    Missing,
    /// It could not be read; nothing of it is committed.
    Failed {
        /// Why.
        why: String,
        /// Whether trying again may help.
        may_pass: bool,
    },
}

/// The outcomes of a delivery, in the order of its items; `None` if nobody knows, because the
/// service ends or the intake failed: then they are handed in again.
pub type Outcomes = Option<Vec<Outcome>>;

struct Delivery {
    /// By which way it came: `queue`, `folder`, `listing`, `otlp`.
    path: &'static str,
    items: Vec<Item>,
    done: oneshot::Sender<Vec<Outcome>>,
}

/// Where things are handed in. A clone leads to the same intake.
#[derive(Clone)]
pub struct Door(mpsc::Sender<Delivery>);

impl Door {
    /// Hands items in and waits until they are committed. Waits at the door while it is crowded.
    pub async fn hand_in(&self, path: &'static str, items: Vec<Item>) -> Outcomes {
        if items.is_empty() {
            return Some(Vec::new());
        }
        let (done, committed) = oneshot::channel();
        self.0.send(Delivery { path, items, done }).await.ok()?;
        committed.await.ok()
    }
}

/// The intake.
pub struct Intake {
    ingest: Arc<Ingest>,
    /// The rules of the next commit.
    rules: Arc<InForce>,
    limits: Limits,
    tools: Tools,
    progress: Progress,
    receive: Mutex<mpsc::Receiver<Delivery>>,
}

impl Intake {
    /// An intake and its door.
    pub fn new(ingest: Arc<Ingest>, limits: Limits, tools: Tools) -> (Arc<Self>, Door) {
        let rules = InForce::of(ingest.detections.clone());
        Self::under(rules, ingest, limits, tools)
    }

    /// The same, with rules that may be others from one commit to the next.
    pub fn under(
        rules: Arc<InForce>,
        ingest: Arc<Ingest>,
        limits: Limits,
        tools: Tools,
    ) -> (Arc<Self>, Door) {
        let (send, receive) = mpsc::channel(limits.waiting.max(1));
        let (progress, receive) = (Progress::default(), Mutex::new(receive));
        (Arc::new(Self { ingest, rules, limits, tools, progress, receive }), Door(send))
    }

    /// Commits what is handed in, until it is told to stop: then the commit under way is finished,
    /// and who waits at the door is sent away.
    ///
    /// # Errors
    /// None; what fails is tried again.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let mut receive = self.receive.lock().await;
        loop {
            let first = tokio::select! {
                biased;
                () = post.stop.wait() => None,
                delivery = receive.recv() => delivery,
            };
            let Some(first) = first else { break };
            let batch = self.gather(first, &mut receive, post).await;
            self.commit(batch, post).await;
        }
        receive.close();
        while receive.try_recv().is_ok() {}
        Ok(())
    }

    /// What comes soon after the first, up to the limits.
    async fn gather(
        &self,
        first: Delivery,
        receive: &mut mpsc::Receiver<Delivery>,
        post: &Post,
    ) -> Vec<Delivery> {
        let size = |d: &Delivery| {
            (d.items.len(), d.items.iter().map(|item| item.object.size).sum::<u64>())
        };
        let (mut objects, mut bytes) = size(&first);
        let mut batch = vec![first];
        let more = async {
            while objects < self.limits.objects && bytes < self.limits.bytes {
                let delivery = tokio::select! {
                    biased;
                    () = post.stop.wait() => break,
                    delivery = receive.recv() => delivery,
                };
                let Some(delivery) = delivery else { break };
                let (n, b) = size(&delivery);
                (objects, bytes) = (objects + n, bytes + b);
                batch.push(delivery);
            }
        };
        // The end of the time is no failure.
        drop(tokio::time::timeout(self.limits.gather, more).await);
        batch
    }

    /// Commits a batch. What fails for reasons of lake or ledger is tried until it goes through:
    /// nobody gets a wrong answer meanwhile, and nothing more is let in.
    async fn commit(&self, batch: Vec<Delivery>, post: &Post) {
        let (mut failures, mut panics) = (0, 0);
        loop {
            let items = batch.iter().flat_map(|delivery| &delivery.items);
            let handed = Arc::new(Handed::of(items));
            let place: Arc<dyn Objects> = handed.clone();
            let ingest = self.ingest.with_rules(self.rules.now());
            let failure = match ingest.run(&[place], &self.progress).await {
                Ok(report) => {
                    post.well();
                    return self.answer(batch, &handed, &report);
                }
                Err(failure) => failure,
            };
            failures += 1;
            panics += u32::from(panicked(&failure));
            self.tools.counts.add(counts::INGEST_FAILURES, &[], 1);
            post.trouble("a commit failed and is tried again", &failure.chain());
            if panics >= PANICS_MAX {
                return self.commit_apart(batch, &failure, post).await;
            }
            let (first, most) = self.limits.retry;
            if !post.stop.pause(backoff(first, most, failures, post.name())).await {
                return; // whoever handed it in still has it
            }
        }
    }

    /// One delivery makes our code panic: it must not keep the others out. It alone is answered as
    /// failed.
    async fn commit_apart(&self, batch: Vec<Delivery>, failure: &Failure, post: &Post) {
        if batch.len() > 1 {
            for delivery in batch {
                Box::pin(self.commit(vec![delivery], post)).await;
            }
            return;
        }
        for delivery in batch {
            let failed = Outcome::Failed { why: failure.chain(), may_pass: false };
            let failed = vec![failed; delivery.items.len()];
            self.tools.counts.add(
                counts::FAILED_OBJECTS,
                &[("path", delivery.path)],
                failed.len() as u64,
            );
            // Who does not wait any more will hand it in again.
            drop(delivery.done.send(failed));
        }
    }

    fn answer(&self, batch: Vec<Delivery>, handed: &Handed, report: &Report) {
        self.count(report);
        let now = self.tools.clock.now();
        let missing = handed.missing();
        let failed: std::collections::BTreeMap<&str, &str> =
            report.objects_failed.iter().map(|(uri, why)| (uri.as_str(), why.as_str())).collect();
        let counts = &self.tools.counts;
        for delivery in batch {
            let path = [("path", delivery.path)];
            let outcome = |item: &Item| {
                let uri = item.object.uri.as_str();
                if let Some(why) = failed.get(uri) {
                    counts.add(counts::FAILED_OBJECTS, &path, 1);
                    return Outcome::Failed {
                        why: (*why).to_owned(),
                        may_pass: handed.may_pass(uri),
                    };
                }
                if missing.contains(uri) {
                    counts.add(counts::MISSING_OBJECTS, &path, 1);
                    return Outcome::Missing;
                }
                let micros = now.micros() - item.object.modified.micros();
                counts.took(
                    counts::COMMIT_LAG,
                    &path,
                    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64(),
                );
                Outcome::Committed
            };
            let outcomes = delivery.items.iter().map(outcome).collect();
            // Who does not wait any more will hand it in again, and hear that it is known.
            drop(delivery.done.send(outcomes));
        }
    }

    fn count(&self, report: &Report) {
        let counts = &self.tools.counts;
        for (source, tally) in &report.sources {
            let parts = [
                ("stored", tally.stored),
                ("duplicate", tally.duplicates),
                ("complaint", tally.complaints),
            ];
            for (became, n) in parts {
                counts.add(counts::RECORDS, &[("source", source), ("became", became)], n);
            }
        }
        counts.add(counts::COMMITS, &[], report.commits);
        counts.add(counts::OVERTAKEN, &[], report.overtaken);
        counts.add(counts::OBJECTS, &[], report.objects_read);
        counts.add(counts::OBJECTS_KNOWN, &[], report.objects_skipped);
        counts.add(counts::SIGHTINGS, &[], report.sightings);
        counts.add(counts::SIGNALS, &[("became", "left out")], report.left_out);
    }
}

/// Whether a failure is a panic of ours.
fn panicked(failure: &Failure) -> bool {
    failure.source.downcast_ref::<Panicked>().is_some()
}
