//! Each judgement of the watch about itself, through the service: jobs run under their supervisor, know
//! something of themselves, and what is wrong becomes a finding in the ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wk_act::notices::{Advice, ChannelPolicy, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::Routes;
use wk_engine::notify::Notify;
use wk_engine::selfwatch::Selfwatch;
use wk_engine::service::intake::{self, Door, Intake};
use wk_engine::service::last_word::LastWord;
use wk_engine::service::notices::Notices;
use wk_engine::service::queue::{self, QueuePull};
use wk_engine::service::schedule::{self, Scheduled, When};
use wk_engine::service::selfwatch::SelfwatchJob;
use wk_engine::service::supervisor::Patience;
use wk_engine::service::{self, Board, Job, Post, Tools, stop};
use wk_model::Timestamp;
use wk_model::finding::Finding;
use wk_seam::clock::{Clock as _, StandingClock};
use wk_seam::courier::Outcome;
use wk_seam::fakes::{Faults, MemoryBookmarks, MemoryBuckets, MemoryCourier, MemoryLedger};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_seam::outbox::Outbox as _;
use wk_seam::queue::{Depth, Message, Queue};
use wk_seam::{Answer, Failure, Future};
use wk_watch::selfwatch::facts::{ClockFacts, DiskFacts, DrillFacts, OutboxFacts, RuleFacts};
use wk_watch::selfwatch::{ALL, Heard, Limits};

use crate::notify::{run, sighting};
use crate::selfwatch::{MONDAY, Month, as_ever};
use crate::world::World;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A service over a ledger, with what its edge would tell it.
struct Scene {
    clock: Arc<StandingClock>,
    ledger: MemoryLedger,
    tools: Tools,
    bookmarks: MemoryBookmarks,
    edge: Arc<Mutex<Heard>>,
}

impl Scene {
    fn at(clock: Arc<StandingClock>, ledger: MemoryLedger) -> Self {
        let tools = Tools::new(clock.clone());
        let bookmarks = MemoryBookmarks::new(clock.clone());
        Self { clock, ledger, tools, bookmarks, edge: Arc::default() }
    }

    fn new() -> Self {
        Self::at(Arc::new(StandingClock::at(MONDAY)), MemoryLedger::default())
    }

    /// After some time of a feed, as the ledger knows it.
    fn after(month: &Month) -> Self {
        Self::at(month.clock.clone(), month.ledger.clone())
    }

    /// What the program tells besides: disks, other clocks, drills.
    fn edge(self, tell: impl FnOnce(&mut Heard)) -> Self {
        tell(&mut self.edge.lock().unwrap());
        self
    }

    fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.now().plus_seconds(seconds));
    }

    /// The watch over the watch, which also asks the outbox, as the program does.
    fn selfwatch(&self) -> Job {
        let limits = Limits::default();
        let (ledger, edge) = (self.ledger.clone(), self.edge.clone());
        let of = SelfwatchJob {
            selfwatch: Selfwatch::new(
                Arc::new(self.ledger.clone()),
                self.clock.clone(),
                limits,
                "test".to_owned(),
            ),
            every: ms(2),
            more: Box::new(move || {
                let (ledger, edge) = (ledger.clone(), edge.lock().unwrap().clone());
                Box::pin(async move {
                    let backlog = ledger.backlog().await?;
                    let outbox = OutboxFacts {
                        waiting: backlog.waiting,
                        oldest_due: backlog.oldest,
                        dead: backlog.dead,
                        dead_since: None,
                    };
                    Ok(Heard { outbox: Some(outbox), ..edge })
                })
            }),
            bookmarks: Arc::new(self.bookmarks.clone()),
        };
        job("selfwatch", of, |of, post| Box::pin(async move { of.run(&post).await }))
    }

    /// Runs the service until it has raised an alert of this rule; each turn of the wait lets `tick`
    /// happen.
    fn raises_while(&self, jobs: Vec<Job>, rule: &str, tick: impl Fn(&Self)) -> Finding {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (stopper, hears) = stop();
        let board = Arc::new(Board::new(self.clock.clone()));
        let patience = Patience { first: ms(1), most: ms(4), to_stop: ms(500) };
        let jobs = jobs.into_iter().chain([self.selfwatch()]).collect();
        let running = service::run(jobs, hears.clone(), self.tools.clone(), board, patience);
        let id = format!("selfwatch.{rule}");
        let watching = async {
            let mut found = None;
            for _ in 0..4_000 {
                let all = self.ledger.findings(&FindingQuery::default()).await.unwrap();
                found = all.into_iter().find(|finding| finding.rule.id == id);
                if found.is_some() {
                    break;
                }
                tick(self);
                hears.pause(ms(3)).await;
            }
            stopper.stop();
            found
        };
        let (_, found) = runtime.block_on(async { tokio::join!(running, watching) });
        found.unwrap_or_else(|| panic!("{rule} was not raised"))
    }

    fn raises(&self, jobs: Vec<Job>, rule: &str) -> Finding {
        self.raises_while(jobs, rule, |_| ())
    }

    /// What tells people, by one channel.
    fn notices(&self, answer: Outcome, heartbeat: bool) -> Arc<Notices> {
        let mut policy = Policy::default();
        for (name, kind) in [("team", "webhook"), ("switch", "heartbeat")] {
            let url = vec![format!("https://{name}.example/")];
            let channel = Channel::new(name, kind, BTreeMap::from([("url".to_owned(), url)]));
            policy.channels.insert(name.to_owned(), ChannelPolicy::of(channel.unwrap()));
        }
        let routes = "- name: all\n  pattern: {source: [watchkeeper]}\n  notify: {channels: [team], group_by: [finding]}\n";
        let notify = Notify {
            outbox: Arc::new(self.ledger.clone()),
            triage: Arc::new(self.ledger.clone()),
            courier: Arc::new(MemoryCourier::answering(move |_| answer.clone())),
            clock: self.clock.clone(),
            routes: Arc::new(Routes::with_own([("test", routes)]).0),
            policy: Arc::new(policy),
            advice: Arc::new(|_| Advice::default()),
            is_drill: Arc::new(|_| false),
            reports: None,
            paging: None,
            by: "test".to_owned(),
        };
        let heartbeat = heartbeat.then(|| ("switch".to_owned(), ms(2)));
        Arc::new(Notices { notify, every: ms(2), heartbeat })
    }

    fn scheduled(
        &self,
        work: impl Fn() -> Future<'static, Answer<Option<String>>> + Send + Sync + 'static,
    ) -> Job {
        let of = Scheduled {
            name: "compact".to_owned(),
            when: When::Every(HOUR),
            work: Box::new(move |_| work()),
            bookmarks: Arc::new(self.bookmarks.clone()),
            limits: schedule::Limits::default(),
        };
        job("schedule compact", of, |of, post| Box::pin(async move { of.run(&post).await }))
    }

    /// A pull from a queue of this depth, or with dead letters of this depth.
    fn pull(&self, depth: &Deep, dead: Option<&Deep>) -> Vec<Job> {
        let world = World::of(&[]);
        let ingest =
            Arc::new(world.ingest("p", &crate::exactly_once::CALM, Arc::new(Faults::default())));
        let (intake, door): (_, Door) =
            Intake::new(ingest, intake::Limits::default(), self.tools.clone());
        let pull = QueuePull {
            queue: Arc::new(depth.clone()),
            dead_letters: dead.map(|dead| Arc::new(dead.clone()) as Arc<dyn Queue>),
            buckets: Arc::new(MemoryBuckets::default()),
            door,
            limits: queue::Limits { idle: ms(1), depth_every: ms(1), ..queue::Limits::default() },
        };
        vec![
            job("queue", pull, |of, post| Box::pin(async move { of.run(&post).await })),
            Job {
                name: "intake".to_owned(),
                work: Box::new(move |post| {
                    let intake = intake.clone();
                    Box::pin(async move { intake.run(&post).await })
                }),
            },
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

/// A queue that gives nothing and says how deep it is.
#[derive(Clone, Default)]
struct Deep {
    name: &'static str,
    depth: Arc<Mutex<Depth>>,
}

impl Deep {
    fn of(name: &'static str, waiting: u64, oldest_seconds: Option<u64>) -> Self {
        let depth = Depth { waiting, in_flight: 0, oldest_seconds };
        Self { name, depth: Arc::new(Mutex::new(depth)) }
    }
}

impl Queue for Deep {
    fn name(&self) -> String {
        self.name.to_owned()
    }
    fn receive(&self, _: u8, _: u8, _: u32) -> Future<'_, Answer<Vec<Message>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    fn delete<'a>(&'a self, _: &'a [String]) -> Future<'a, Answer<Vec<String>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    fn extend<'a>(&'a self, _: &'a [String], _: u32) -> Future<'a, Answer<Vec<String>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    fn depth(&self) -> Future<'_, Answer<Depth>> {
        let depth = *self.depth.lock().unwrap();
        Box::pin(std::future::ready(Ok(depth)))
    }
}

/// The judgements that the tests below are about.
const TRIED: [&str; 18] = [
    "clock-skew",
    "complaints-burst",
    "dead-letters",
    "disk-full",
    "drill-failed",
    "gap",
    "heartbeat-lost",
    "job-failed",
    "job-overdue",
    "lag",
    "nothing-arrives",
    "outbox-dead",
    "outbox-stuck",
    "queue-growing",
    "queue-old",
    "rules-broken",
    "silence",
    "volume-drop",
];

#[test]
fn every_judgement_is_tried_here() {
    let all: Vec<&str> = ALL.iter().map(|judgement| judgement.name).collect();
    assert_eq!(all, TRIED);
}

#[test]
fn a_clock_that_differs_from_anothers_is_raised() {
    let by = "SQS".to_owned();
    let scene = Scene::new().edge(|h| h.clock = Some(ClockFacts { by, ahead_seconds: -600 }));
    let title = scene.raises(vec![], "clock-skew").title;
    assert_eq!(title, "our clock is 10 min behind that of SQS");
    let kept = run(LastWord::kept(&scene.bookmarks)).unwrap().unwrap();
    assert_eq!(kept.clock, Some((-600, "SQS".to_owned())), "status knows it too");
}

#[test]
fn a_burst_of_complaints_is_raised() {
    let mut month = Month::new();
    month.pass(2 * DAY, as_ever);
    for _ in 0..9 {
        month.pass(10 * MINUTE, as_ever);
        month.feed_refused("cloudtrail", 40);
    }
    Scene::after(&month).raises(vec![], "complaints-burst");
}

#[test]
fn dead_letters_of_a_queue_are_raised() {
    let scene = Scene::new();
    let (live, dead) = (Deep::of("live", 0, None), Deep::of("dead", 3, None));
    let found = scene.raises(scene.pull(&live, Some(&dead)), "dead-letters");
    assert!(found.resources.contains(&"dead".to_owned()), "{found:?}");
}

#[test]
fn a_full_disk_is_raised() {
    let disk = DiskFacts { name: "home".to_owned(), free_bytes: 1 << 20, total_bytes: 1 << 40 };
    Scene::new().edge(|heard| heard.disks = vec![disk]).raises(vec![], "disk-full");
}

#[test]
fn a_drill_that_failed_is_raised() {
    let drill = DrillFacts {
        name: "detection".to_owned(),
        every_seconds: DAY,
        since: MONDAY,
        last_passed: None,
        last_failed: Some((MONDAY, "no receipt".to_owned())),
    };
    Scene::new().edge(|heard| heard.drills = vec![drill]).raises(vec![], "drill-failed");
}

#[test]
fn slow_hours_without_events_at_a_place_are_raised() {
    let mut month = Month::new();
    month.pass(21 * DAY, as_ever);
    month.pass(3 * HOUR, |_| Vec::new());
    month.pass(4 * HOUR, as_ever);
    let found = Scene::after(&month).raises(vec![], "gap");
    assert!(found.title.contains("111122223333/eu-west-1"), "{}", found.title);
}

#[test]
fn a_sign_of_life_that_nobody_takes_is_raised() {
    let scene = Scene::new();
    let refused = Outcome::Refused { reason: "404".to_owned() };
    let notices = scene.notices(refused, true);
    let beat = Job {
        name: "heartbeat".to_owned(),
        work: Box::new(move |post| {
            let notices = notices.clone();
            Box::pin(async move { notices.beat(&post).await })
        }),
    };
    scene.raises_while(vec![beat], "heartbeat-lost", |scene| scene.pass(30));
}

#[test]
fn slow_work_that_fails_is_raised() {
    let scene = Scene::new();
    let fails = || -> Future<'static, Answer<Option<String>>> {
        Box::pin(std::future::ready(Err(Failure::new("compact", "No space left"))))
    };
    let found = scene.raises(vec![scene.scheduled(fails)], "job-failed");
    assert!(found.title.contains("could not compact: No space left"), "{}", found.title);
    let kept = run(LastWord::kept(&scene.bookmarks)).unwrap().unwrap();
    assert!(kept.schedules[0].failed.is_some(), "status knows it too: {kept:?}");
}

#[test]
fn work_that_does_not_end_is_raised() {
    let scene = Scene::new();
    let hangs = || -> Future<'static, Answer<Option<String>>> { Box::pin(std::future::pending()) };
    let jobs = vec![scene.scheduled(hangs)];
    scene.raises_while(jobs, "job-overdue", |scene| scene.pass(10 * MINUTE));
}

#[test]
fn events_that_come_late_are_raised() {
    let mut month = Month::new();
    month.pass(2 * DAY, as_ever);
    for _ in 0..6 {
        month.pass(10 * MINUTE, |_| Vec::new());
        month.feed("cloudtrail", 300, 5 * HOUR);
    }
    Scene::after(&month).raises(vec![], "lag");
}

#[test]
fn a_service_to_which_nothing_comes_is_raised() {
    let scene = Scene::new();
    scene.pass(2 * HOUR);
    scene.raises(vec![], "nothing-arrives");
}

/// Routes a finding, and delivers what follows.
fn telling(notices: &Arc<Notices>) -> Vec<Job> {
    let (route, deliver) = (notices.clone(), notices.clone());
    vec![
        Job {
            name: "route".to_owned(),
            work: Box::new(move |post| {
                let notices = route.clone();
                Box::pin(async move { notices.route(&post).await })
            }),
        },
        Job {
            name: "deliver".to_owned(),
            work: Box::new(move |post| {
                let notices = deliver.clone();
                Box::pin(async move { notices.deliver(&post).await })
            }),
        },
    ]
}

fn see(scene: &Scene) {
    let sightings = vec![sighting("f1", "root", 80, scene.clock.now())];
    let commit = wk_seam::ledger::Commit { sightings, ..wk_seam::ledger::Commit::default() };
    run(scene.ledger.commit(&commit)).unwrap();
}

#[test]
fn a_notice_that_was_given_up_is_raised() {
    let scene = Scene::new();
    see(&scene);
    let notices = scene.notices(Outcome::Refused { reason: "401".to_owned() }, false);
    scene.raises(telling(&notices), "outbox-dead");
}

#[test]
fn a_notice_that_does_not_go_out_is_raised() {
    let scene = Scene::new();
    see(&scene);
    let later = Outcome::Later { reason: "503".to_owned(), after_seconds: None };
    let notices = scene.notices(later, false);
    scene.raises_while(telling(&notices), "outbox-stuck", |scene| scene.pass(MINUTE));
}

#[test]
fn a_queue_that_grows_is_raised() {
    let (scene, queue) = (Scene::new(), Deep::of("logs", 0, None));
    let jobs = scene.pull(&queue, None);
    scene.raises_while(jobs, "queue-growing", |scene| {
        scene.pass(MINUTE);
        queue.depth.lock().unwrap().waiting += 300;
    });
}

#[test]
fn a_queue_whose_oldest_message_waits_is_raised() {
    let (scene, queue) = (Scene::new(), Deep::of("logs", 5, Some(1_800)));
    scene.raises(scene.pull(&queue, None), "queue-old");
}

#[test]
fn rules_that_could_not_be_loaded_are_raised() {
    let scene = Scene::new();
    let failed = vec!["own.yml:3: unknown modifier".to_owned()];
    let rules = RuleFacts { loaded: 200, failed: failed.clone(), since: MONDAY };
    // As the service tells it when it begins.
    scene.tools.hear(|heard| heard.rules = Some(rules));
    let found = scene.raises(vec![], "rules-broken");
    assert!(found.resources.contains(&failed[0]), "{found:?}");
}

#[test]
fn a_source_that_falls_silent_is_raised() {
    let mut month = Month::new();
    month.pass(2 * DAY, as_ever);
    let scene = Scene::after(&month);
    let stopped = scene.clock.now();
    let found = scene.raises_while(vec![], "silence", |scene| scene.pass(MINUTE));
    let minutes = (found.events[0].time.seconds() - stopped.seconds()) / MINUTE;
    assert!((55..75).contains(&minutes), "after {minutes} minutes of silence");
}

#[test]
fn slow_a_volume_that_drops_is_raised() {
    let mut month = Month::new();
    month.pass(21 * DAY + 9 * HOUR, as_ever);
    let few = |second| as_ever(second).into_iter().map(|(s, n)| (s, n / 20)).collect();
    month.pass(3 * HOUR, few);
    Scene::after(&month).raises(vec![], "volume-drop");
}

#[test]
fn what_is_well_raises_nothing() {
    let mut month = Month::new();
    month.pass(2 * DAY, as_ever);
    let scene = Scene::after(&month);
    let taken = Outcome::Accepted { receipt: "ok".to_owned(), reference: None };
    let notices = scene.notices(taken, true);
    let done =
        || -> Future<'static, Answer<Option<String>>> { Box::pin(std::future::ready(Ok(None))) };
    let mut jobs = telling(&notices);
    jobs.push(scene.scheduled(done));
    jobs.extend(scene.pull(&Deep::of("logs", 1, Some(1)), Some(&Deep::of("dead", 0, None))));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stopper, hears) = stop();
    jobs.push(scene.selfwatch());
    let board = Arc::new(Board::new(scene.clock.clone()));
    let running =
        service::run(jobs, hears.clone(), scene.tools.clone(), board, Patience::default());
    runtime.block_on(async {
        tokio::join!(running, async {
            hears.pause(ms(150)).await;
            stopper.stop();
        })
    });
    let found: Vec<Timestamp> = run(scene.ledger.findings(&FindingQuery::default()))
        .unwrap()
        .iter()
        .map(|f| f.first_seen)
        .collect();
    assert_eq!(found, []);
    assert!(
        run(LastWord::kept(&scene.bookmarks))
            .unwrap()
            .is_some_and(|word| word.schedules.len() == 1)
    );
}
