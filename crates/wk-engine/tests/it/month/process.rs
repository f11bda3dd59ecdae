//! A process: the service put together as the program does it, until it is stopped or killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wk_act::notices::{Advice, ChannelPolicy, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::Routes;
use wk_engine::detector::Detector;
use wk_engine::ingest::{Ingest, Limits as IngestLimits};
use wk_engine::notify::Notify;
use wk_engine::selfwatch::Selfwatch;
use wk_engine::service::detection::Detection;
use wk_engine::service::intake::{self, Intake};
use wk_engine::service::listing::{self, ListingPull};
use wk_engine::service::notices::Notices;
use wk_engine::service::queue::{self, QueuePull};
use wk_engine::service::schedule::{self, Scheduled, When};
use wk_engine::service::selfwatch::SelfwatchJob;
use wk_engine::service::supervisor::Patience;
use wk_engine::service::{self, Board, Ended, InForce, Job, Post, Stop, Tools, stop};
use wk_engine::upkeep::{Authorised, Upkeep};
use wk_model::retention::{self, Class};
use wk_seam::clock::Clock as _;
use wk_seam::fakes::{Fault, Faults, MemoryBookmarks, MemoryLedger, PlainUnpack};
use wk_seam::lake::Lake;
use wk_seam::ledger::{Commit, Ledger};
use wk_seam::outbox::Outbox;
use wk_seam::states::States as _;
use wk_seam::{Answer, Future};
use wk_watch::detect::Detections;
use wk_watch::selfwatch::facts::OutboxFacts;
use wk_watch::selfwatch::{Heard, Limits};
use wk_watch::sources::{self, Settings};

use super::feed::{LEDGER_FAILS, STORE_FAILS};
use super::outside::Outside;
use super::{BEGINS, DAY, END, HOUR, MINUTE, STEP};
use crate::notify::sighting;

/// Whoever makes exercises.
pub(super) const EXERCISER: &str = "exerciser";
/// Steps that the clock goes before a process is stopped.
const STEPS: u64 = 50;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Stopped,
    Killed,
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Lets a process live until it is stopped or killed, or the month is over; `step` hears of each
/// hour before the process does.
pub(super) fn live(
    outside: &Outside,
    detections: &Arc<Detections>,
    number: u64,
    step: &mut dyn FnMut(i64),
) -> End {
    let process = Process::new(outside, detections.clone(), number);
    outside.queue.reveal();
    let (stopper, hears) = stop();
    let board = Arc::new(Board::new(outside.clock.clone()));
    let patience = Patience { first: ms(1), most: ms(4), to_stop: ms(3_000) };
    let running =
        service::run(process.jobs(), hears.clone(), process.tools.clone(), board, patience);
    let passing = async {
        process.pass(&hears, step).await;
        stopper.stop();
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(async { tokio::join!(running, passing) }).0;
    assert_eq!(ended, Ended::Whole);
    outside.failed.fetch_add(process.failed(), Ordering::Relaxed);
    if process.all.dead() { End::Killed } else { End::Stopped }
}

/// A process, and what befalls it.
struct Process<'o> {
    outside: &'o Outside,
    detections: Arc<Detections>,
    tools: Tools,
    number: u64,
    all: Arc<Faults>,
    store: Arc<Faults>,
    ledger_faults: Arc<Faults>,
    ledger: MemoryLedger,
    bookmarks: MemoryBookmarks,
    /// Turns of the watch over the watch.
    turns: Arc<AtomicU64>,
}

impl<'o> Process<'o> {
    fn new(outside: &'o Outside, detections: Arc<Detections>, number: u64) -> Self {
        let all = Arc::new(Faults::default());
        let [store, ledger_faults] = [(); 2].map(|()| Arc::new(Faults::within(all.clone())));
        Self {
            outside,
            detections,
            tools: Tools::new(outside.clock.clone()),
            number,
            ledger: outside.ledger.with_faults(ledger_faults.clone()),
            bookmarks: outside.bookmarks.with_faults(all.clone()),
            all,
            store,
            ledger_faults,
            turns: Arc::default(),
        }
    }

    fn failed(&self) -> u64 {
        self.all.failed() + self.store.failed() + self.ledger_faults.failed()
    }

    /// Lets time go by until the process is to end.
    async fn pass(&self, hears: &Stop, step: &mut dyn FnMut(i64)) {
        let mut chance = Chance(self.number + 1);
        // Two in three are killed, somewhere in the work of a step.
        let killed_in = (self.number % 3 != 2).then(|| 10 + chance.below(STEPS - 10));
        // It is begun again minutes after the one before it ended, and finds what that one left.
        self.outside.clock.set(self.outside.clock.now().plus_seconds(MINUTE));
        let second = self.outside.second();
        let in_trouble = [STORE_FAILS, LEDGER_FAILS].iter().any(|hours| hours.contains(&second));
        if !(in_trouble || self.settled(hears, false).await && self.told(hears).await) {
            return;
        }
        for number in 0..STEPS {
            let second = (self.outside.second() / STEP + 1) * STEP;
            if second > END {
                return;
            }
            let [store, ledger] = [STORE_FAILS, LEDGER_FAILS].map(|hours| hours.contains(&second));
            self.store.shut(store);
            self.ledger_faults.shut(ledger);
            if chance.below(3) == 0 {
                let fault = if chance.below(2) == 0 { Fault::Transient } else { Fault::AnswerLost };
                self.all.plan(chance.below(150), fault);
            }
            if killed_in == Some(number) {
                let kill = if chance.below(2) == 0 { Fault::Killed } else { Fault::KilledAfter };
                self.all.plan(chance.below(150), kill);
            }
            self.outside.clock.set(BEGINS.plus_seconds(second));
            step(second);
            let in_trouble = store || ledger;
            if !self.settled(hears, in_trouble).await || !(in_trouble || self.told(hears).await) {
                return;
            }
        }
    }

    /// Lets some minutes go by for notices that were asked for again later, or whose carrier was killed;
    /// answers whether the process is alive.
    async fn told(&self, hears: &Stop) -> bool {
        for _ in 0..8 {
            if self.outside.ledger.backlog().await.unwrap().waiting == 0 {
                return true;
            }
            self.outside.clock.set(self.outside.clock.now().plus_seconds(3 * MINUTE));
            if !self.settled(hears, false).await {
                return false;
            }
        }
        true
    }

    /// Waits until everything that came is read, judged, routed and delivered; answers whether the
    /// process is alive.
    async fn settled(&self, hears: &Stop, in_trouble: bool) -> bool {
        let begun = self.turns.load(Ordering::Relaxed);
        for round in 0..3_000 {
            hears.pause(ms(2)).await;
            if self.all.dead() {
                return false;
            }
            if round % 100 == 99 {
                // What could not be deleted comes again when its time is over.
                self.outside.queue.reveal();
            }
            let waiting = self.outside.queue.waiting().len() as u64;
            self.outside.most_waiting.fetch_max(waiting, Ordering::Relaxed);
            let judged = self.turns.load(Ordering::Relaxed) >= begun + 2;
            // In trouble there is nothing to wait for. A notice whose claim was answered and not heard, and
            // what comes after it, waits for the claim's end.
            let left = || self.left(round < 200);
            let done = match in_trouble {
                true => round >= 30,
                false => judged && waiting == 0 && left().await.is_empty(),
            };
            if done {
                return true;
            }
        }
        panic!("second {} did not settle: {}", self.outside.second(), self.left(true).await);
    }

    /// What waits for its turn now: signals, states, findings and, if they count, notices.
    async fn left(&self, notices: bool) -> String {
        let (ledger, now) = (&self.outside.ledger, self.outside.clock.now());
        let mut left = String::new();
        if !ledger.signals_waiting(1).await.unwrap().signals.is_empty() {
            left += "signals ";
        }
        left.extend(
            ledger.states_due(now, 1).await.unwrap().iter().map(|s| format!("{:?} ", s.of)),
        );
        let desk = ledger.desk().await.unwrap();
        let unread = ledger.changed(&desk.cursor, 1).await.unwrap();
        left.extend(unread.iter().map(|changed| format!("{:?} ", changed.finding)));
        let next = ledger.backlog().await.unwrap().next;
        left.extend(next.filter(|at| notices && *at <= now).map(|at| format!("a notice of {at} ")));
        left
    }

    fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.pulls();
        jobs.extend([self.detection(), self.selfwatch(), self.compaction(), self.expiry()]);
        jobs.extend([self.sweep(), self.forget(), self.drill()]);
        jobs.extend(self.notices());
        jobs
    }

    /// Intake, queue and listing.
    fn pulls(&self) -> Vec<Job> {
        let outside = self.outside;
        let ingest = Arc::new(Ingest {
            lake: Arc::new(outside.lake.with_faults(self.store.clone())),
            ledger: Arc::new(self.ledger.clone()),
            clock: outside.clock.clone(),
            unpack: PlainUnpack::boxed,
            detections: self.detections.clone(),
            settings: Settings::default(),
            source: None,
            writer: format!("process {}", self.number),
            limits: IngestLimits { workers: 1, ..IngestLimits::default() },
        });
        let retry = (ms(1), ms(4));
        let limits = intake::Limits { gather: ms(1), retry, ..intake::Limits::default() };
        let (intake, door) = Intake::new(ingest, limits, self.tools.clone());
        let buckets = Arc::new(outside.buckets.with_faults(self.store.clone()));
        let pull = QueuePull {
            queue: Arc::new(outside.queue.with_faults(self.all.clone())),
            dead_letters: None,
            buckets: buckets.clone(),
            door: door.clone(),
            limits: queue::Limits {
                idle: ms(1),
                depth_every: ms(5),
                retry,
                ..queue::Limits::default()
            },
        };
        let listing = ListingPull {
            location: "s3://logs/".to_owned(),
            bucket: "logs".to_owned(),
            prefix: String::new(),
            buckets,
            ledger: Arc::new(self.ledger.clone()),
            bookmarks: Arc::new(self.bookmarks.clone()),
            door,
            limits: listing::Limits { every: ms(100), ..listing::Limits::default() },
        };
        let intake = Job {
            name: "intake".to_owned(),
            work: Box::new(move |post| {
                let intake = intake.clone();
                Box::pin(async move { intake.run(&post).await })
            }),
        };
        let queue = job("queue", pull, |of, post| Box::pin(async move { of.run(&post).await }));
        let listing =
            job("listing", listing, |of, post| Box::pin(async move { of.run(&post).await }));
        vec![intake, queue, listing]
    }

    fn detection(&self) -> Job {
        let detector = Detector {
            ledger: Arc::new(self.ledger.clone()),
            states: Arc::new(self.ledger.clone()),
            clock: self.outside.clock.clone(),
            detections: self.detections.clone(),
            writer: format!("detector {}", self.number),
        };
        let rules = InForce::of(self.detections.clone());
        let of = Detection { detector, rules, every: ms(4) };
        job("detection", of, |of, post| Box::pin(async move { of.run(&post).await }))
    }

    fn selfwatch(&self) -> Job {
        let ledger: Arc<dyn Ledger> = Arc::new(self.ledger.clone());
        let outbox: Arc<dyn Outbox> = Arc::new(self.ledger.clone());
        let (clock, turns) = (self.outside.clock.clone(), self.turns.clone());
        // The clock goes by hours: what is made as one ends is an hour old in the next moment.
        let limits = Limits { outbox_seconds: 2 * STEP, ..Limits::default() };
        let of = SelfwatchJob {
            selfwatch: Selfwatch::new(ledger, clock, limits, "month".to_owned()),
            every: ms(6),
            more: Box::new(move || {
                let (outbox, turns) = (outbox.clone(), turns.clone());
                Box::pin(async move {
                    turns.fetch_add(1, Ordering::Relaxed);
                    let backlog = outbox.backlog().await?;
                    let outbox = OutboxFacts {
                        waiting: backlog.waiting,
                        oldest_due: backlog.oldest,
                        dead: backlog.dead,
                        dead_since: None,
                    };
                    Ok(Heard { outbox: Some(outbox), ..Heard::default() })
                })
            }),
            bookmarks: Arc::new(self.bookmarks.clone()),
        };
        job("selfwatch", of, |of, post| Box::pin(async move { of.run(&post).await }))
    }

    /// Work at its times: what it does is counted under names.
    fn at<W>(&self, name: &'static str, when: When, work: W) -> Job
    where
        W: Fn() -> Future<'static, Answer<Vec<(&'static str, u64)>>> + Send + Sync + 'static,
    {
        let done = self.outside.done.clone();
        let work = move |_: Post| -> Future<'static, Answer<Option<String>>> {
            let (work, done) = (work(), done.clone());
            Box::pin(async move {
                for (what, count) in work.await? {
                    *done.lock().unwrap().entry(what).or_default() += count;
                }
                Ok(None)
            })
        };
        let of = Scheduled {
            name: name.to_owned(),
            when,
            work: Box::new(work),
            bookmarks: Arc::new(self.bookmarks.clone()),
            limits: schedule::Limits { look: ms(12), retry: (ms(1), ms(4)) },
        };
        job(&format!("schedule {name}"), of, |of, post| {
            Box::pin(async move { of.run(&post).await })
        })
    }

    fn upkeep(&self) -> Arc<Upkeep> {
        Arc::new(Upkeep {
            lake: Arc::new(self.outside.lake.with_faults(self.store.clone())),
            ledger: Arc::new(self.ledger.clone()),
            clock: self.outside.clock.clone(),
            writer: format!("upkeep {}", self.number),
            tables: sources::ALL.iter().map(|source| source.table).collect(),
            limits: wk_engine::upkeep::Limits::default(),
        })
    }

    fn compaction(&self) -> Job {
        let upkeep = self.upkeep();
        self.at("compact", When::Every(HOUR), move || {
            let upkeep = upkeep.clone();
            Box::pin(async move {
                let (removed, _) = upkeep.remove_left().await?;
                let plan = upkeep.plan(false).await?;
                let compacted = upkeep.compact(&plan, &mut |_| ()).await?;
                Ok(vec![("removed", removed), ("compacted", compacted.heaps)])
            })
        })
    }

    /// Flow logs go after a fortnight: somebody asks for it every morning.
    fn expiry(&self) -> Job {
        let class = Class {
            name: "flows".to_owned(),
            tables: vec!["vpc_flow".to_owned()],
            maximum_days: Some(14),
            ..Class::default()
        };
        let policy = Arc::new(retention::Policy::new(vec![class]).unwrap());
        let upkeep = self.upkeep();
        self.at("expire", When::Daily(4 * HOUR), move || {
            let (upkeep, policy) = (upkeep.clone(), policy.clone());
            Box::pin(async move {
                let due = upkeep.due(&policy).await?;
                let by = Authorised { by: "owner".to_owned(), second_person: None };
                let expired = upkeep.expire(&policy, &due, &by).await?;
                Ok(vec![("expired", expired.rows)])
            })
        })
    }

    fn sweep(&self) -> Job {
        let lake: Arc<dyn Lake> = Arc::new(self.outside.lake.with_faults(self.store.clone()));
        let (ledger, clock) = (self.ledger.clone(), self.outside.clock.clone());
        self.at("sweep", When::Daily(3 * HOUR), move || {
            let (lake, ledger, clock) = (lake.clone(), ledger.clone(), clock.clone());
            Box::pin(async move {
                let named = ledger.named_paths().await?;
                let swept = lake.sweep(&named, clock.now().plus_seconds(-DAY)).await?;
                Ok(vec![("swept", swept)])
            })
        })
    }

    fn forget(&self) -> Job {
        let (ledger, clock) = (self.ledger.clone(), self.outside.clock.clone());
        self.at("forget", When::Daily(5 * HOUR), move || {
            let (ledger, now) = (ledger.clone(), clock.now());
            Box::pin(async move {
                let forgotten = ledger.forget(now.plus_seconds(-10 * DAY), now).await?;
                Ok(vec![("forgotten", forgotten)])
            })
        })
    }

    /// Every morning an exercise goes the way of a finding.
    fn drill(&self) -> Job {
        let (ledger, clock) = (self.ledger.clone(), self.outside.clock.clone());
        self.at("drill", When::Daily(9 * HOUR), move || {
            let (ledger, now) = (ledger.clone(), clock.now());
            Box::pin(async move {
                let name = format!("drill {}", now.day());
                let mut exercise = sighting(&name, "exercise", 95, now.day().start());
                exercise.actor = Some(EXERCISER.to_owned());
                let commit =
                    Commit { recorded: now, sightings: vec![exercise], ..Commit::default() };
                ledger.commit(&commit).await?;
                Ok(vec![("drilled", 1)])
            })
        })
    }

    fn notices(&self) -> Vec<Job> {
        let mut policy = Policy { drill: vec!["soc".to_owned()], ..Policy::default() };
        policy.digest = vec!["operations".to_owned()];
        for (name, kind, key, value) in [
            ("page", "pagerduty", "routing_key", "env:K"),
            ("ticket", "webhook", "url", "https://ticket.example/"),
            ("operations", "webhook", "url", "https://operations.example/"),
            ("register", "webhook", "url", "https://register.example/"),
            ("soc", "webhook", "url", "https://soc.example/"),
            ("switch", "heartbeat", "url", "https://switch.example/"),
        ] {
            let settings = BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]);
            let channel = ChannelPolicy::of(Channel::new(name, kind, settings).unwrap());
            let channel = ChannelPolicy { repeat_seconds: None, ..channel };
            policy.channels.insert(name.to_owned(), channel);
        }
        let notify = Notify {
            outbox: Arc::new(self.ledger.clone()),
            triage: Arc::new(self.ledger.clone()),
            courier: Arc::new(self.outside.courier.clone()),
            clock: self.outside.clock.clone(),
            routes: Arc::new(Routes::built_in().unwrap()),
            policy: Arc::new(policy),
            advice: Arc::new(|_| Advice::default()),
            is_drill: Arc::new(|finding| finding.actor.as_deref() == Some(EXERCISER)),
            reports: None,
            paging: None,
            by: format!("process {}", self.number),
        };
        let heartbeat = Some(("switch".to_owned(), Duration::from_secs(3_600)));
        let notices = Arc::new(Notices { notify, every: ms(4), heartbeat });
        let shared = |name: &str, run: fn(Arc<Notices>, Post) -> Future<'static, Answer<()>>| {
            let notices = notices.clone();
            Job { name: name.to_owned(), work: Box::new(move |post| run(notices.clone(), post)) }
        };
        vec![
            shared("route", |of, post| Box::pin(async move { of.route(&post).await })),
            shared("deliver", |of, post| Box::pin(async move { of.deliver(&post).await })),
            shared("beat", |of, post| Box::pin(async move { of.beat(&post).await })),
        ]
    }
}

fn job<T: Send + Sync + 'static>(
    name: &str,
    of: T,
    run: fn(Arc<T>, Post) -> Future<'static, Answer<()>>,
) -> Job {
    let of = Arc::new(of);
    Job { name: name.to_owned(), work: Box::new(move |post| run(of.clone(), post)) }
}

/// The same numbers every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
