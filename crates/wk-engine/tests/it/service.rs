//! The service in a simulated world: whatever order, repetition and crash, nothing is lost, nothing
//! doubled, and no message is deleted before its rows are committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use wk_engine::service::intake::{Door, Intake};
use wk_engine::service::supervisor::Patience;
use wk_engine::service::{
    self, Board, Job, Post, Tools, counts, folder, intake, listing, queue, stop,
};
use wk_model::Timestamp;
use wk_seam::bookmarks::Bookmarks as _;
use wk_seam::clock::{Clock, StandingClock};
use wk_seam::fakes::{Faults, MemoryBookmarks, MemoryBuckets, MemoryQueue};
use wk_seam::ledger::Ledger as _;
use wk_seam::objects::Buckets as _;

use crate::exactly_once::{CALM, fault};
use crate::world::{Ends, Item, Process, Thing, World, event_id, minute};

const NOW: i64 = 1_708_100_000; // 2024-02-16

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn events(ids: impl IntoIterator<Item = u8>) -> Thing {
    let items = ids.into_iter().map(|id| Item::Event { id, day: 0, variant: 0 }).collect();
    Thing { items, ends: Ends::Well, identity_listed: true, blank_lines: 0 }
}

fn name(id: u8) -> String {
    format!("{} day 0 says {:02}", event_id(id), minute(id, 0))
}

/// How an object is told of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    Notification,
    InSns,
    ByEventBridge,
    ByTrail,
}

pub(crate) fn notice(how: Told, key: &str) -> String {
    let encoded = key.replace(' ', "+");
    let plain = format!(
        r#"{{"Records":[{{"eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"logs"}},"object":{{"key":"{encoded}","size":10}}}}}}]}}"#
    );
    match how {
        Told::Notification => plain,
        Told::InSns => in_sns(&plain),
        Told::ByEventBridge => format!(
            r#"{{"source":"aws.s3","detail-type":"Object Created","region":"us-east-1","detail":{{"bucket":{{"name":"logs"}},"object":{{"key":"{key}","size":10}}}}}}"#
        ),
        Told::ByTrail => in_sns(&format!(r#"{{"s3Bucket":"logs","s3ObjectKey":["{key}"]}}"#)),
    }
}

fn in_sns(message: &str) -> String {
    let message = serde_json::Value::from(message);
    format!(r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:x","Message":{message}}}"#)
}

/// What processes share: a world, and where its objects and messages are.
struct Town {
    world: World,
    clock: Arc<StandingClock>,
    buckets: MemoryBuckets,
    queue: MemoryQueue,
    bookmarks: MemoryBookmarks,
    /// Messages that were deleted before their rows were committed.
    too_early: Arc<Mutex<Vec<String>>>,
}

impl Town {
    fn new(seed: u64) -> Self {
        let world = World::of(&[]);
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(NOW)));
        let too_early: Arc<Mutex<Vec<String>>> = Arc::default();
        let (ledger, early) = (world.ledger.clone(), too_early.clone());
        let heard = Arc::new(move |id: &str, body: &str| {
            let commits = ledger.commits();
            let objects = || commits.iter().flat_map(|(_, commit)| &commit.objects);
            let committed: BTreeSet<&str> = objects().map(|o| o.uri.as_str()).collect();
            let done = match wk_watch::messages::says(body) {
                wk_watch::messages::Says::Objects(named) => named
                    .iter()
                    .all(|n| committed.contains(format!("s3://{}/{}", n.bucket, n.key).as_str())),
                wk_watch::messages::Says::Record(_) => {
                    committed.contains(format!("memory#{id}").as_str())
                }
                wk_watch::messages::Says::Test | wk_watch::messages::Says::Notice => true,
                wk_watch::messages::Says::Unknown(_) => false,
            };
            if !done {
                early.lock().unwrap().push(body.to_owned());
            }
        });
        let queue = MemoryQueue::new(clock.clone(), seed, 10_000).heard_by(heard);
        let bookmarks = MemoryBookmarks::new(clock.clone());
        Self { world, clock, buckets: MemoryBuckets::default(), queue, bookmarks, too_early }
    }

    fn put(&self, key: &str, thing: &Thing) {
        let written = self.clock.now().plus_seconds(-3600);
        self.buckets.put("logs", key, thing.lines().concat(), written);
    }

    fn job(
        name: &str,
        work: impl Fn(Post) -> wk_seam::Future<'static, wk_seam::Answer<()>> + Send + Sync + 'static,
    ) -> Job {
        Job { name: name.to_owned(), work: Box::new(work) }
    }

    fn intake(
        &self,
        process: &Process,
        name: &str,
        faults: Arc<Faults>,
        tools: &Tools,
    ) -> (Job, Door) {
        let ingest = Arc::new(self.world.ingest(name, process, faults));
        let limits = intake::Limits {
            waiting: 2,
            objects: 4,
            gather: ms(2),
            retry: (ms(1), ms(3)),
            ..intake::Limits::default()
        };
        let (intake, door) = Intake::new(ingest, limits, tools.clone());
        let job = Self::job("intake", move |post| {
            let intake = intake.clone();
            Box::pin(async move { intake.run(&post).await })
        });
        (job, door)
    }

    fn queue_job(&self, door: Door, faults: &Arc<Faults>) -> Job {
        let pull = Arc::new(queue::QueuePull {
            queue: Arc::new(self.queue.with_faults(faults.clone())),
            buckets: Arc::new(self.buckets.with_faults(faults.clone())),
            dead_letters: None,
            door,
            limits: queue::Limits {
                held: 20,
                tries: 2,
                retry: (ms(1), ms(2)),
                idle: ms(1),
                ..queue::Limits::default()
            },
        });
        Self::job("queue", move |post| {
            let pull = pull.clone();
            Box::pin(async move { pull.run(&post).await })
        })
    }

    fn listing_job(&self, door: Door, faults: &Arc<Faults>) -> Job {
        let pull = Arc::new(listing::ListingPull {
            location: "s3://logs/trail/".to_owned(),
            bucket: "logs".to_owned(),
            prefix: "trail/".to_owned(),
            buckets: Arc::new(self.buckets.with_faults(faults.clone())),
            ledger: Arc::new(self.world.ledger.with_faults(faults.clone())),
            bookmarks: Arc::new(self.bookmarks.with_faults(faults.clone())),
            door,
            limits: listing::Limits { every: ms(5), ..listing::Limits::default() },
        });
        Self::job("listing", move |post| {
            let pull = pull.clone();
            Box::pin(async move { pull.run(&post).await })
        })
    }

    async fn folder_job(&self, door: Door, faults: &Arc<Faults>) -> Job {
        let buckets = self.buckets.with_faults(faults.clone());
        let pull = Arc::new(folder::FolderPull {
            path: "drop".to_owned(),
            place: buckets.bucket("drop", None).await.unwrap().under(""),
            bookmarks: Arc::new(self.bookmarks.with_faults(faults.clone())),
            door,
            limits: folder::Limits { poll: ms(2), settle_seconds: 5, retry: (ms(1), ms(2)) },
        });
        Self::job("folder", move |post| {
            let pull = pull.clone();
            Box::pin(async move { pull.run(&post).await })
        })
    }

    /// Runs a process with all its jobs until `done`, its death, or the end of patience.
    async fn live(
        &self,
        name: &str,
        process: &Process,
        patience_ms: u64,
        done: impl Fn(&Tools) -> bool,
    ) -> Tools {
        let faults = Arc::new(Faults::at(process.faults.clone()));
        let tools = Tools::new(self.clock.clone());
        let (intake, door) = self.intake(process, name, faults.clone(), &tools);
        let jobs = vec![
            intake,
            self.queue_job(door.clone(), &faults),
            self.listing_job(door.clone(), &faults),
            self.folder_job(door, &faults).await,
        ];
        let (stopper, hears) = stop();
        let board = Arc::new(Board::new(self.clock.clone()));
        let patience = Patience { first: ms(1), most: ms(4), to_stop: ms(2000) };
        let running = service::run(jobs, hears.clone(), tools.clone(), board, patience);
        let watching = async {
            for _ in 0..patience_ms / 2 {
                if done(&tools) || faults.dead() || !hears.pause(ms(2)).await {
                    break;
                }
            }
            stopper.stop();
        };
        let ended = tokio::join!(running, watching).0;
        assert_eq!(ended, service::Ended::Whole, "every job hears that it is to end");
        tools
    }

    /// How often each event is visible.
    fn visible(&self) -> BTreeMap<String, u32> {
        let files = self.world.ledger.files_at(self.world.ledger.version());
        self.world.events_of(&files).expect("a file that the ledger names is there")
    }

    fn once(ids: impl IntoIterator<Item = u8>) -> BTreeMap<String, u32> {
        ids.into_iter().map(|id| (name(id), 1)).collect()
    }
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

#[test]
fn whatever_tells_of_an_object_it_is_read_once_and_then_the_message_is_deleted() {
    let town = Town::new(1);
    let ways = [Told::Notification, Told::InSns, Told::ByEventBridge, Told::ByTrail];
    for (number, how) in (0u8..).zip(ways) {
        let key = format!("t/with blank {number}");
        town.put(&key, &events([number, number + 4]));
        // Twice, and by two ways.
        for how in [how, how, Told::Notification] {
            town.queue.send(notice(how, &key));
        }
    }
    town.queue.send(events([20]).lines()[0].clone());
    town.queue.send(in_sns(&events([21]).lines()[0]));
    town.queue.send(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"logs"}"#);
    let tools = in_runtime(town.live("one", &CALM, 3000, |_| town.queue.waiting().is_empty()));
    assert_eq!(town.queue.waiting(), Vec::<String>::new());
    assert_eq!(town.visible(), Town::once((0..8).chain([20, 21])));
    assert_eq!(*town.too_early.lock().unwrap(), Vec::<String>::new());
    let became = |word| tools.counts.sum(counts::MESSAGES, &[("became", word)]);
    assert_eq!((became("read"), became("test")), (14, 1));
    assert_eq!(tools.counts.sum(counts::OBJECTS, &[]), 6);
}

#[test]
fn poison_is_a_complaint_once_and_goes_to_the_dead_letters() {
    let mut town = Town::new(2);
    town.queue = MemoryQueue::new(town.clock.clone(), 2, 4);
    town.put("t/a", &events([1]));
    town.queue.send("what is this\u{1b}[2J");
    town.queue.send(notice(Told::Notification, "t/a"));
    town.queue.send(notice(Told::Notification, "t/removed by a lifecycle rule"));
    let again = |tools: &Tools| {
        town.queue.reveal();
        town.queue.dead().len() == 1
            && tools.counts.sum(counts::MESSAGES, &[("became", "read")]) == 2
    };
    let tools = in_runtime(town.live("one", &CALM, 3000, again));
    assert_eq!((town.queue.waiting().len(), town.queue.dead().len()), (0, 1));
    assert_eq!(tools.counts.sum(counts::MISSING_OBJECTS, &[]), 1);
    assert!(tools.counts.sum(counts::MESSAGES, &[("became", "poison")]) >= 1);
    let (count, filed) = in_runtime(town.world.ledger.complaints(10)).unwrap();
    assert_eq!(count, 2, "{filed:?}");
    let reasons: String =
        filed.iter().map(|f| format!("{} {}\n", f.object, f.complaint.reason)).collect();
    assert!(reasons.contains("what is this\\u{1b}[2J"), "{reasons}");
    assert!(
        reasons.contains(
            "s3://logs/t/removed by a lifecycle rule the object was named and is not there"
        ),
        "{reasons}"
    );
    assert_eq!(town.visible(), Town::once([1]));
}

#[test]
fn listing_finds_what_no_notification_told_of() {
    let town = Town::new(3);
    town.put("trail/us-east-1/2024/02/16/a", &events([1]));
    town.put("trail/us-east-1/2024/02/15/b", &events([2]));
    town.put("trail/us-east-1/2023/12/31/old", &events([3]));
    town.put("elsewhere/2024/02/16/c", &events([4]));
    let marked = || {
        let marks = in_place(town.bookmarks.get("listing", &["s3://logs/trail/".to_owned()]));
        marks.unwrap()[0].clone()
    };
    let tools = in_runtime(town.live("first", &CALM, 3000, |_| marked().is_some()));
    assert_eq!(town.visible(), Town::once([1, 2]), "the last days of the prefix");
    assert_eq!(tools.counts.sum(counts::UNTOLD_OBJECTS, &[]), 0, "a first load was not missed");
    assert_eq!(marked().as_deref(), Some("2024-02-16"));
    // One whose notification was lost, one that is too young to say so.
    town.put("trail/us-east-1/2024/02/16/lost", &events([5]));
    let young = events([6]).lines().concat();
    town.buckets.put("logs", "trail/us-east-1/2024/02/16/young", young, town.clock.now());
    let untold = |tools: &Tools| tools.counts.sum(counts::UNTOLD_OBJECTS, &[]);
    let tools = in_runtime(town.live("second", &CALM, 3000, |tools| untold(tools) > 0));
    assert_eq!((untold(&tools), town.visible()), (1, Town::once([1, 2, 5])));
}

fn in_place<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("a fake never waits"),
    }
}

#[test]
fn a_watched_folder_is_read_once_over_restarts_and_files_only_when_complete() {
    let town = Town::new(4);
    let now = town.clock.now();
    let put = |key: &str, ids: &[u8], age: i64| {
        let bytes = events(ids.iter().copied()).lines().concat();
        town.buckets.put("drop", key, bytes, now.plus_seconds(-age));
    };
    put("a", &[1], 60);
    put("being-written", &[2], 2);
    put("b.tmp", &[3], 60);
    put(".hidden", &[4], 60);
    let seen = |n: usize| move |town: &Town| town.visible().len() >= n;
    in_runtime(town.live("first", &CALM, 400, |_| seen(1)(&town)));
    assert_eq!(town.visible(), Town::once([1]));
    let opened = town.world.ledger.commits().len();
    // Begun again later: one file is complete now, one was renamed in.
    town.clock.set(now.plus_seconds(10));
    put("b", &[3], 60);
    let tools = in_runtime(town.live("second", &CALM, 3000, |_| seen(3)(&town)));
    assert_eq!(town.visible(), Town::once([1, 2, 3]));
    assert_eq!(tools.counts.sum(counts::OBJECTS_KNOWN, &[]), 0, "nothing was opened again");
    assert!(town.world.ledger.commits().len() > opened);
    // It grew: read again as a whole, counted, and its old event is known.
    put("a", &[1, 5], 30);
    let tools = in_runtime(town.live("third", &CALM, 3000, |_| seen(4)(&town)));
    assert_eq!(tools.counts.sum(counts::FOLDER_CHANGED, &[]), 1);
    assert_eq!(town.visible(), Town::once([1, 2, 3, 5]));
}

/// A message of the simulation.
#[derive(Debug, Clone)]
enum Sent {
    /// About an object that is there, so many times.
    About(u8, Told, u8),
    /// About one that is not.
    Missing(u8),
    /// A record.
    Record(u8),
    Poison(u8),
    Test,
}

fn sent() -> impl Strategy<Value = Sent> {
    let told = prop_oneof![
        Just(Told::Notification),
        Just(Told::InSns),
        Just(Told::ByEventBridge),
        Just(Told::ByTrail)
    ];
    prop_oneof![
        8 => (0u8..8, told, 1u8..3).prop_map(|(key, told, times)| Sent::About(key, told, times)),
        1 => (0u8..3).prop_map(Sent::Missing),
        2 => (0u8..24).prop_map(Sent::Record),
        1 => (0u8..3).prop_map(Sent::Poison),
        1 => Just(Sent::Test),
    ]
}

/// A process with its faults.
fn process() -> impl Strategy<Value = Process> {
    (1usize..3, proptest::collection::vec((1u64..80, fault()), 0..6)).prop_map(
        |(workers, mut faults)| {
            // Some processes are killed; the others suffer and go on.
            faults.sort_by_key(|(call, _)| *call);
            Process { workers, commit_seconds: 0, faults, ..CALM }
        },
    )
}

/// What the messages mean, as the test knows it.
#[derive(Default)]
struct Meant {
    events: BTreeSet<u8>,
    missing: BTreeSet<String>,
    poison: usize,
}

impl Town {
    fn send(&self, objects: &[Vec<u8>], sent: &[Sent]) -> Meant {
        let mut meant = Meant::default();
        for (key, ids) in objects.iter().enumerate() {
            self.put(&format!("t/{key}"), &events(ids.iter().copied()));
        }
        for one in sent {
            match one {
                Sent::About(key, told, times) => {
                    let key = usize::from(*key) % objects.len();
                    (0..*times).for_each(|_| self.queue.send(notice(*told, &format!("t/{key}"))));
                    meant.events.extend(objects[key].iter().copied());
                }
                Sent::Missing(key) => {
                    let key = format!("t/gone/{key}");
                    self.queue.send(notice(Told::Notification, &key));
                    meant.missing.insert(key);
                }
                Sent::Record(id) => {
                    self.queue.send(events([*id]).lines()[0].clone());
                    meant.events.insert(*id);
                }
                Sent::Poison(n) => {
                    self.queue.send(format!("poison {n}"));
                    meant.poison += 1;
                }
                Sent::Test => self.queue.send(r#"{"Event":"s3:TestEvent"}"#),
            }
        }
        meant
    }
}

fn whatever_happens(seed: u64, objects: &[Vec<u8>], sent: &[Sent], processes: &[Process]) {
    let town = Town::new(seed);
    let meant = town.send(objects, sent);
    let only_poison = |_: &Tools| {
        // Everything is delivered again and again, while it is being worked on.
        town.queue.reveal();
        town.queue.waiting().len() == meant.poison
    };
    in_runtime(async {
        for (number, process) in processes.iter().enumerate() {
            town.live(&format!("process {number}"), process, 60, only_poison).await;
        }
        town.live("last", &CALM, 8000, |tools| {
            let poison = tools.counts.sum(counts::MESSAGES, &[("became", "poison")]);
            only_poison(tools) && poison >= meant.poison as u64
        })
        .await;
    });
    assert_eq!(town.queue.waiting().len(), meant.poison, "all but poison is deleted");
    assert_eq!(*town.too_early.lock().unwrap(), Vec::<String>::new(), "deleted too early");
    assert_eq!(town.visible(), Town::once(meant.events));
    let seen = town.world.seen();
    assert!(seen.tallies.iter().all(|(_, tally)| tally.adds_up()));
    assert_eq!(seen.complaints, (meant.missing.len() + meant.poison) as u64);
    assert_eq!(seen.conflicts, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slow_no_message_is_deleted_before_its_rows_and_none_is_lost_or_doubled(
        seed in any::<u64>(),
        objects in proptest::collection::vec(proptest::collection::vec(0u8..24, 1..5), 1..8),
        sent in proptest::collection::vec(sent(), 1..25),
        processes in proptest::collection::vec(process(), 0..4),
    ) {
        let objects: Vec<Vec<u8>> = objects.into_iter().map(|ids| {
            ids.into_iter().collect::<BTreeSet<u8>>().into_iter().collect()
        }).collect();
        whatever_happens(seed, &objects, &sent, &processes);
    }
}

/// Logs in pages of two lines; each page may come again.
struct Paged(Mutex<u64>);

impl wk_seam::rounds::Rounds for Paged {
    fn name(&self) -> String {
        "group".to_owned()
    }

    fn page<'a>(
        &'a self,
        cursor: Option<&'a str>,
        _: Timestamp,
    ) -> wk_seam::Future<'a, wk_seam::Answer<wk_seam::rounds::Page>> {
        *self.0.lock().unwrap() += 1;
        let at: u8 = cursor.map_or(0, |text| text.parse().unwrap());
        // A page overlaps the one before: events come again, in other documents.
        let ids = [at.saturating_sub(1), at, at + 1];
        let documents = vec![events(ids.into_iter().filter(|id| *id < 20)).lines().concat()];
        let (next, done) = if at < 18 { (at + 2, false) } else { (at, true) };
        let page = wk_seam::rounds::Page { documents, cursor: next.to_string(), done };
        Box::pin(std::future::ready(Ok(page)))
    }
}

#[test]
fn logs_in_pages_are_read_on_from_their_cursor_after_a_restart() {
    let town = Town::new(5);
    let logs = Arc::new(Paged(Mutex::new(0)));
    let faults = [vec![(25, wk_seam::fakes::Fault::Killed)], vec![]];
    for (life, faults) in faults.into_iter().enumerate() {
        let faults = Arc::new(Faults::at(faults));
        let tools = Tools::new(town.clock.clone());
        let process = CALM;
        let (intake, door) = town.intake(&process, &format!("life {life}"), faults.clone(), &tools);
        let pull = Arc::new(wk_engine::service::rounds::RoundsPull {
            logs: logs.clone(),
            path: "logs",
            bookmarks: Arc::new(town.bookmarks.with_faults(faults.clone())),
            door,
            every: ms(5),
        });
        let job = Town::job("logs", move |post| {
            let pull = pull.clone();
            Box::pin(async move { pull.run(&post).await })
        });
        let (stopper, hears) = stop();
        let board = Arc::new(Board::new(town.clock.clone()));
        let patience = Patience { first: ms(1), most: ms(4), to_stop: ms(2000) };
        in_runtime(async {
            let jobs = vec![intake, job];
            let running = service::run(jobs, hears.clone(), tools.clone(), board, patience);
            let watching = async {
                for _ in 0..1500 {
                    if faults.dead() || town.visible().len() == 20 || !hears.pause(ms(2)).await {
                        break;
                    }
                }
                stopper.stop();
            };
            tokio::join!(running, watching)
        });
        assert_eq!(town.visible().len() == 20, life == 1, "killed half-way, then done");
    }
    assert_eq!(town.visible(), Town::once(0..20));
}

/// A queue whose calls wait for each other, as calls do that share credentials which are being
/// fetched.
struct OneAtATime(MemoryQueue, tokio::sync::Mutex<()>);

impl OneAtATime {
    async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = self.1.lock().await;
        // Holds it over some time in which nothing else may be kept from going on.
        drop(tokio::time::timeout(ms(3), std::future::pending::<()>()).await);
        turn
    }
}

impl wk_seam::queue::Queue for OneAtATime {
    fn name(&self) -> String {
        self.0.name()
    }
    fn receive(
        &self,
        max: u8,
        wait: u8,
        invisible: u32,
    ) -> wk_seam::Future<'_, wk_seam::Answer<Vec<wk_seam::queue::Message>>> {
        Box::pin(async move {
            let _turn = self.turn().await;
            self.0.receive(max, wait, invisible).await
        })
    }
    fn extend<'a>(
        &'a self,
        receipts: &'a [String],
        invisible: u32,
    ) -> wk_seam::Future<'a, wk_seam::Answer<Vec<String>>> {
        Box::pin(async move {
            let _turn = self.turn().await;
            self.0.extend(receipts, invisible).await
        })
    }
    fn delete<'a>(
        &'a self,
        receipts: &'a [String],
    ) -> wk_seam::Future<'a, wk_seam::Answer<Vec<String>>> {
        Box::pin(async move {
            let _turn = self.turn().await;
            self.0.delete(receipts).await
        })
    }
    fn depth(&self) -> wk_seam::Future<'_, wk_seam::Answer<wk_seam::queue::Depth>> {
        Box::pin(async move {
            let _turn = self.turn().await;
            self.0.depth().await
        })
    }
}

#[test]
fn a_call_that_waits_for_another_does_not_stop_the_queue_for_ever() {
    let town = Town::new(6);
    for number in 0..8u8 {
        town.put(&format!("t/{number}"), &events([number]));
        town.queue.send(notice(Told::Notification, &format!("t/{number}")));
    }
    let tools = Tools::new(town.clock.clone());
    let faults = Arc::new(Faults::default());
    let (intake, door) = town.intake(&CALM, "one", faults, &tools);
    let pull = Arc::new(queue::QueuePull {
        queue: Arc::new(OneAtATime(town.queue.clone(), tokio::sync::Mutex::default())),
        buckets: Arc::new(town.buckets.clone()),
        dead_letters: None,
        door,
        limits: queue::Limits { idle: ms(1), depth_every: ms(1), ..queue::Limits::default() },
    });
    let job = Town::job("queue", move |post| {
        let pull = pull.clone();
        Box::pin(async move { pull.run(&post).await })
    });
    let (stopper, hears) = stop();
    let board = Arc::new(Board::new(town.clock.clone()));
    let patience = Patience { first: ms(1), most: ms(4), to_stop: ms(3000) };
    let ended = in_runtime(async {
        let running = service::run(vec![intake, job], hears.clone(), tools, board, patience);
        let watching = async {
            for _ in 0..1000 {
                if town.queue.waiting().is_empty() || !hears.pause(ms(3)).await {
                    break;
                }
            }
            stopper.stop();
        };
        tokio::join!(running, watching).0
    });
    assert_eq!((ended, town.queue.waiting().len()), (service::Ended::Whole, 0));
    assert_eq!(town.visible(), Town::once(0..8));
}
