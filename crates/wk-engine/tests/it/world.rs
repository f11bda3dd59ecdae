//! Objects whose truth is known, processes that read them, and the lake that comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use wk_engine::detector::Detector;
use wk_engine::ingest::{Ingest, Limits, Progress, Report};
use wk_engine::upkeep::Upkeep;
use wk_model::finding::Finding;
use wk_model::{Sha256, Tally, Timestamp};
use wk_seam::Answer;
use wk_seam::clock::StandingClock;
use wk_seam::fakes::{
    Ending, Fault, Faults, Given, MemoryLake, MemoryLedger, MemoryObjects, PlainUnpack,
};
use wk_seam::lake::File;
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_seam::objects::Objects;
use wk_watch::columns;
use wk_watch::detect::Detections;
use wk_watch::sources::Settings;

/// A record of an object; ids are below 24.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// An event with an id. The same id on another day is another event; another variant says
    /// something else.
    Event { id: u8, day: u8, variant: u8 },
    /// An event without an id.
    Nameless,
    /// No record at all.
    Broken,
}

/// An object, as the test describes it.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) items: Vec<Item>,
    pub(crate) ends: Ends,
    pub(crate) identity_listed: bool,
    /// Makes objects differ that say the same and end differently.
    pub(crate) blank_lines: usize,
}

/// How reading it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    Well,
    /// Its packing is damaged after so many records.
    Damaged(usize),
    /// The way to it breaks off after so many records, so many times.
    BreaksOff(usize, u32),
    /// The same, always.
    NeverReadable(usize),
    /// It cannot be opened, so many times.
    Closed(u32),
}

/// A world: what processes share.
pub(crate) struct World {
    pub(crate) lake: MemoryLake,
    pub(crate) ledger: MemoryLedger,
    objects: Arc<dyn Objects>,
}

/// What a process is.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) workers: usize,
    pub(crate) fetches: usize,
    pub(crate) whole_bytes: u64,
    pub(crate) window_bytes: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) commit_seconds: i64,
    pub(crate) faults: Vec<(u64, Fault)>,
}

/// What can be seen of a lake in the end.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) events: BTreeMap<String, u32>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) tallies: Vec<(String, Tally)>,
    pub(crate) complaints: u64,
    pub(crate) conflicts: u64,
}

/// Events from this id on have records of three kilobytes.
pub(crate) const LARGE: u8 = 12;

const RULE: &str = "
title: A user was made
id: 6f1c1a52-5d0c-4f0e-9f5c-0d6c1b1e7a01
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: CreateUser}, condition: selection}
level: medium
---
title: Many users were made
id: 6f1c1a52-5d0c-4f0e-9f5c-0d6c1b1e7a02
correlation:
  type: event_count
  rules: [6f1c1a52-5d0c-4f0e-9f5c-0d6c1b1e7a01]
  generate: true
  group-by: [awsRegion]
  timespan: 10m
  condition: {gte: 3}
level: high
";

impl Thing {
    /// One line for each record.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.items.iter().enumerate().map(|(at, item)| self.line(at, item)).collect()
    }

    fn line(&self, at: usize, item: &Item) -> String {
        let (name, day, user, minute) = match item {
            Item::Event { id, day, variant } => {
                let name = format!(r#""eventID":"{}","#, event_id(*id));
                (name, *day, format!("u{}", id / 4 + variant), minute(*id, *variant))
            }
            Item::Nameless => (String::new(), 0, "nameless".to_owned(), 59),
            Item::Broken => return format!("{{\"eventVersion\": broken {at}}}\n"),
        };
        let padding = match item {
            Item::Event { id, .. } if *id >= LARGE => "x".repeat(3000),
            _ => String::new(),
        };
        format!(
            r#"{{"eventVersion":"1.08",{name}"eventTime":"2024-02-{:02}T14:{minute:02}:00Z","eventSource":"iam.amazonaws.com","eventName":"{}","awsRegion":"us-east-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/{user}"}},"requestParameters":{{"n":"{padding}"}}}}
"#,
            14 + day,
            if minute % 2 == 0 { "CreateUser" } else { "DeleteUser" },
        )
    }

    fn given(&self, number: usize) -> Given {
        let lines = self.lines();
        let bytes_of = |records: usize| lines.iter().take(records).map(String::len).sum();
        let (ending, heals_after) = match self.ends {
            Ends::Well => (Ending::Well, None),
            Ends::Damaged(after) => (Ending::Damaged(bytes_of(after)), None),
            Ends::BreaksOff(after, times) => (Ending::BreaksOff(bytes_of(after) + 7), Some(times)),
            Ends::NeverReadable(after) => (Ending::BreaksOff(bytes_of(after) + 7), None),
            Ends::Closed(times) => (Ending::Closed, Some(times)),
        };
        let mut given =
            Given::new(format!("object-{number}"), lines.concat() + &"\n".repeat(self.blank_lines));
        (given.ending, given.heals_after, given.identity_listed) =
            (ending, heals_after, self.identity_listed);
        given
    }

    /// The events that it brings, as the lake names them.
    fn events(&self, identity: Sha256) -> Vec<String> {
        let readable = match self.ends {
            Ends::Damaged(after) => after,
            _ => usize::MAX,
        };
        let items = self.items.iter().enumerate().take(readable);
        let name = |(at, item): (usize, &Item)| match item {
            Item::Event { id, day, variant } => {
                Some(format!("{} day {day} says {:02}", event_id(*id), minute(*id, *variant)))
            }
            Item::Nameless => Some(format!("{}:{at} day 0 says 59", identity.short())),
            Item::Broken => None,
        };
        items.filter_map(name).collect()
    }
}

pub(crate) fn minute(id: u8, variant: u8) -> u8 {
    id * 2 + variant
}

pub(crate) fn event_id(id: u8) -> String {
    format!("00000000-0000-4000-8000-{id:012}")
}

impl World {
    pub(crate) fn of(things: &[Thing]) -> Self {
        let given = things.iter().enumerate().map(|(n, thing)| thing.given(n)).collect();
        let objects = Arc::new(MemoryObjects::new(given, Arc::default()));
        Self { lake: MemoryLake::default(), ledger: MemoryLedger::default(), objects }
    }

    /// The ingest of one process.
    pub(crate) fn ingest(&self, name: &str, process: &Process, faults: Arc<Faults>) -> Ingest {
        static RULES: OnceLock<Arc<Detections>> = OnceLock::new();
        let rules = RULES.get_or_init(|| {
            let (rules, bad) = Detections::read([("rule".to_owned(), RULE.to_owned())].into_iter());
            assert!(bad.is_empty() && rules.stateful().rules().len() == 1, "{bad:?}");
            Arc::new(rules)
        });
        Ingest {
            lake: Arc::new(self.lake.with_faults(faults.clone())),
            ledger: Arc::new(self.ledger.with_faults(faults)),
            clock: Arc::new(StandingClock::at(Timestamp::from_seconds(1_708_100_000))),
            unpack: PlainUnpack::boxed,
            detections: rules.clone(),
            settings: Settings::default(),
            source: None,
            writer: name.to_owned(),
            limits: Limits {
                workers: process.workers,
                fetches: process.fetches,
                whole_bytes: process.whole_bytes,
                window_bytes: process.window_bytes,
                batch_bytes: process.batch_bytes,
                commit_seconds: process.commit_seconds,
                ..Limits::default()
            },
        }
    }

    /// Runs a process until it ends, well or not.
    pub(crate) fn run(&self, name: &str, process: &Process) -> Answer<Report> {
        let faults = Arc::new(Faults::at(process.faults.clone()));
        let ingest = self.ingest(name, process, faults.clone());
        let ledger = Arc::new(self.ledger.with_faults(faults));
        let detector = Detector {
            ledger: ledger.clone(),
            states: ledger,
            clock: ingest.clock.clone(),
            detections: ingest.detections.clone(),
            writer: format!("{name}, detector"),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let objects = std::slice::from_ref(&self.objects);
            let report = ingest.run(objects, &Progress::default()).await?;
            detector.drain().await?;
            Ok(report)
        })
    }

    /// Runs processes side by side.
    pub(crate) fn run_together(&self, round: usize, processes: &[Process]) {
        std::thread::scope(|scope| {
            for (n, process) in processes.iter().enumerate() {
                let name = format!("process {n} of round {round}");
                scope.spawn(move || drop(self.run(&name, process)));
            }
        });
    }

    /// The upkeep of one process, at a time.
    pub(crate) fn upkeep(&self, name: &str, now: Timestamp, faults: Vec<(u64, Fault)>) -> Upkeep {
        let faults = Arc::new(Faults::at(faults));
        Upkeep {
            lake: Arc::new(self.lake.with_faults(faults.clone())),
            ledger: Arc::new(self.ledger.with_faults(faults)),
            clock: Arc::new(StandingClock::at(now)),
            writer: name.to_owned(),
            tables: vec![&wk_watch::sources::cloudtrail::TABLE],
            limits: wk_engine::upkeep::Limits { late_files: 2, ..Default::default() },
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        let events = self.events_of(&self.ledger.files_at(self.ledger.version()));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let (count, filed) = self.ledger.complaints(usize::MAX).await.unwrap();
            let conflicts = filed.iter().filter(|f| f.complaint.kept).count() as u64;
            Seen {
                events: events.expect("a file that the ledger names is there"),
                findings: self.ledger.findings(&FindingQuery::default()).await.unwrap(),
                tallies: self.ledger.tallies().await.unwrap(),
                complaints: count - conflicts,
                conflicts,
            }
        })
    }

    /// The events of files, and how often each is there; `None` if a file is gone.
    pub(crate) fn events_of(&self, files: &[File]) -> Option<BTreeMap<String, u32>> {
        let mut events = BTreeMap::new();
        for file in files {
            for part in self.lake.parts(&file.path)? {
                for row in 0..part.batch.num_rows() {
                    if part.keep.as_ref().is_none_or(|keep| keep[row]) {
                        *events.entry(name_of(&part, row)).or_default() += 1;
                    }
                }
            }
        }
        Some(events)
    }

    /// What a version must show: all events of the objects that it knows, each once.
    pub(crate) fn truth_at(&self, version: u64, things: &[Thing]) -> BTreeMap<String, u32> {
        let of: BTreeMap<Sha256, &Thing> = things
            .iter()
            .enumerate()
            .map(|(n, thing)| (thing.given(n).identity(), thing))
            .collect();
        let mut there = BTreeMap::new();
        for (_, commit) in self.ledger.commits().iter().take_while(|(made, _)| *made <= version) {
            for object in &commit.objects {
                match of.get(&object.identity) {
                    Some(thing) => {
                        there.extend(thing.events(object.identity).into_iter().map(|e| (e, 1)));
                    }
                    // Filed as one that no source knew.
                    None => assert!(object.tallies.iter().all(|(_, t)| t.stored == 0)),
                }
            }
        }
        there
    }

    /// Whatever version a reader looks at: all events of its objects are there, and no others.
    pub(crate) fn check_every_version(&self, things: &[Thing]) {
        let mut names = BTreeSet::new();
        let commits = self.ledger.commits();
        for file in commits.iter().flat_map(|(_, commit)| &commit.files) {
            assert!(names.insert(&file.path), "a file is named twice");
        }
        for version in 0..=self.ledger.version() {
            let files = self.ledger.files_at(version);
            let seen = self.events_of(&files).expect("a file that the ledger names is there");
            assert_eq!(seen, self.truth_at(version, things), "version {version}");
        }
    }
}

/// An event as the model names it.
fn name_of(part: &wk_seam::lake::Part, row: usize) -> String {
    let id = columns::text(&part.batch, "event_id", row).map(str::to_owned);
    let place = || {
        let ordinals = part.batch.column_by_name("ordinal").unwrap();
        let ordinal =
            ordinals.as_any().downcast_ref::<arrow_array::Int64Array>().unwrap().value(row);
        format!("{}:{ordinal}", columns::text(&part.batch, "object", row).unwrap())
    };
    let time = columns::event_time(&part.batch, row);
    let day = time.day().number() - wk_model::Day::parse("2024-02-14").unwrap().number();
    let minute = time.seconds() / 60 % 60;
    format!("{} day {day} says {minute:02}", id.unwrap_or_else(place))
}
