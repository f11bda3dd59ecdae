//! The watch over the watch, turn by turn: reads the facts, judges them, and commits what changed.
//!
//! * An alert is one finding from its beginning to its end: a sighting when it is raised, one when it
//!   becomes worse, one when it is over. A turn that finds nothing new commits nothing.
//! * The same facts give the same findings; a restart goes on where it was, for what is open stands
//!   in the ledger.
//! * An alert is over only where its facts are known: right after a start no queue was asked yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use wk_model::finding::{Finding, FindingId, Sighting};
use wk_model::selfwatch::PlaceFacts;
use wk_model::{Severity, Timestamp};
use wk_seam::Answer;
use wk_seam::clock::Clock;
use wk_seam::ledger::{Commit, FindingQuery, Ledger};
use wk_watch::selfwatch::measures::{Measure, measures};
use wk_watch::selfwatch::{Alert, Facts, Heard, Limits, gap, judge, named};

/// The watch over the watch.
pub struct Selfwatch {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    writer: String,
    memory: Mutex<Memory>,
}

/// What a turn found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// Everything that is wrong now.
    pub alerts: Vec<Alert>,
    /// How many of them are new or became worse.
    pub raised: u64,
    /// How many that were open are over.
    pub ended: u64,
    /// Every source in numbers.
    pub sources: Vec<Measure>,
}

/// What is remembered from turn to turn; none of it is needed after a restart.
#[derive(Default)]
struct Memory {
    /// Open alerts by rule and subject, once they were read.
    open: Option<BTreeMap<(String, String), Open>>,
    /// Hours of places, and the hour for which they were read.
    places: Option<(i64, Arc<Vec<PlaceFacts>>)>,
    /// How many messages waited in each queue.
    queues: BTreeMap<String, VecDeque<(Timestamp, u64)>>,
}

/// An alert that is open.
#[derive(Clone)]
struct Open {
    finding: FindingId,
    since: Timestamp,
    severity: Severity,
    say: String,
}

/// How long a queue's depth is remembered.
const QUEUE_SECONDS: i64 = 3_600;
/// Queues whose depth is remembered.
const QUEUES_MAX: usize = 1_000;

impl Selfwatch {
    /// A watch over what this ledger knows; `writer` is the process's name.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        writer: String,
    ) -> Self {
        Self { ledger, clock, limits, writer, memory: Mutex::default() }
    }

    /// Judges how the watch goes, and commits what changed. To be called every minute, with what
    /// the process knows of itself; one turn at a time.
    ///
    /// # Errors
    /// If the ledger fails: the next turn makes up for it.
    pub async fn turn(&self, heard: &Heard) -> Answer<Turn> {
        let now = self.clock.now();
        let ledger = self.ledger.self_facts(now).await?;
        let places = self.places(now).await?;
        let open = self.open().await?;
        let heard = self.with_memory(heard, now);
        let facts =
            Facts { now, ledger: &ledger, places: &places, heard: &heard, limits: &self.limits };
        let alerts = judge(&facts);
        let changes = Changes::between(&open, &alerts, &heard, now);
        if !changes.sightings.is_empty() {
            self.commit(changes.sightings, now).await?;
        }
        self.remember(|memory| memory.open = Some(changes.open));
        let sources = measures(&ledger, now, &self.limits);
        Ok(Turn { alerts, raised: changes.raised, ended: changes.ended, sources })
    }

    /// What is open, from memory or from the ledger.
    async fn open(&self) -> Answer<BTreeMap<(String, String), Open>> {
        // Taken out: if this turn fails, the next one asks the ledger what came of it.
        if let Some(open) = self.remember(|memory| memory.open.take()) {
            return Ok(open);
        }
        let query = FindingQuery {
            product: Some("watchkeeper".to_owned()),
            rule: Some("selfwatch.".to_owned()),
            ..FindingQuery::default()
        };
        let findings = self.ledger.findings(&query).await?;
        Ok(findings.into_iter().filter_map(open_alert).collect())
    }

    async fn places(&self, now: Timestamp) -> Answer<Arc<Vec<PlaceFacts>>> {
        let until = gap::settled(now);
        let read = self.remember(|memory| memory.places.clone());
        if let Some((_, places)) = read.filter(|(of, _)| *of == until) {
            return Ok(places);
        }
        let places = Arc::new(self.ledger.place_hours(until - gap::DAYS * 24, until).await?);
        self.remember(|memory| memory.places = Some((until, places.clone())));
        Ok(places)
    }

    /// What was heard, with the depths that queues had before.
    fn with_memory(&self, heard: &Heard, now: Timestamp) -> Heard {
        let mut heard = heard.clone();
        self.remember(|memory| {
            memory.queues.retain(|name, _| heard.queues.iter().any(|q| q.name == *name));
            for queue in heard.queues.iter_mut().take(QUEUES_MAX) {
                let depths = memory.queues.entry(queue.name.clone()).or_default();
                depths.push_back((now, queue.waiting));
                let old = |(at, _): &(Timestamp, u64)| at.plus_seconds(QUEUE_SECONDS) < now;
                while depths.front().is_some_and(old) {
                    depths.pop_front();
                }
                queue.before = depths.iter().copied().collect();
            }
        });
        heard
    }

    async fn commit(&self, sightings: Vec<Sighting>, now: Timestamp) -> Answer<()> {
        let writer = self.writer.clone();
        let commit = Commit { writer, recorded: now, sightings, ..Commit::default() };
        self.ledger.commit(&commit).await.map(drop)
    }

    fn remember<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What changed from one turn to the next.
struct Changes {
    open: BTreeMap<(String, String), Open>,
    sightings: Vec<Sighting>,
    raised: u64,
    ended: u64,
}

impl Changes {
    fn between(
        before: &BTreeMap<(String, String), Open>,
        alerts: &[Alert],
        heard: &Heard,
        now: Timestamp,
    ) -> Self {
        let mut changes =
            Self { open: BTreeMap::new(), sightings: Vec::new(), raised: 0, ended: 0 };
        for alert in alerts {
            let key = (alert.rule.to_owned(), alert.subject.clone());
            let there = before.get(&key);
            let finding = there.map_or_else(|| alert.finding(), |open| open.finding.clone());
            let news = |open: &Open| {
                alert.severity > open.severity || (alert.retell && alert.say != open.say)
            };
            if there.is_none_or(news) {
                changes.sightings.push(alert.sighting(finding.clone(), now, false));
                changes.raised += 1;
            }
            let since = there.map_or(alert.since, |open| open.since);
            let say = alert.say.clone();
            changes.open.insert(key, Open { finding, since, severity: alert.severity, say });
        }
        for ((rule, subject), open) in before {
            let key = (rule.clone(), subject.clone());
            if changes.open.contains_key(&key) {
                continue;
            }
            // What cannot be judged now is not over: its facts, or the judgement itself, are gone.
            let Some(judgement) = named(rule).filter(|j| (j.known)(heard)) else {
                changes.open.insert(key, open.clone());
                continue;
            };
            let over = Alert {
                rule: judgement.id,
                controls: judgement.controls,
                severity: open.severity,
                subject: subject.clone(),
                since: open.since,
                say: open.say.clone(),
                resources: Vec::new(),
                retell: false,
            };
            changes.sightings.push(over.sighting(open.finding.clone(), now, true));
            changes.ended += 1;
        }
        changes
    }
}

/// The alert that a finding keeps open; `None` if it is over or no alert of ours.
fn open_alert(finding: Finding) -> Option<((String, String), Open)> {
    if finding.ended.is_some() || !finding.rule.id.starts_with("selfwatch.") {
        return None;
    }
    let subject = finding.latest.id.strip_prefix(finding.rule.id.as_str())?;
    let subject = subject.strip_prefix(' ')?.strip_suffix(" raised")?.to_owned();
    let open = Open {
        finding: finding.id,
        since: finding.first_seen,
        severity: finding.severity,
        say: finding.title,
    };
    Some(((finding.rule.id, subject), open))
}
