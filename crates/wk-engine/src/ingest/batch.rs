//! Rows of some objects, on their way into one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wk_lang::json::Value;
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Arrivals, Complaint, Day, Row, Severity, Sha256, Tally, Timestamp};
use wk_seam::lake::{EventKey, File, Run};
use wk_seam::ledger::ObjectRow;
use wk_seam::objects::Object;
use wk_watch::columns::{Place, TableBuilder};
use wk_watch::fingerprint;
use wk_watch::reader::Sink;
use wk_watch::sources::Source;
use wk_watch::stateful::packed::Pack;
use wk_watch::stateful::{MarkedRow, Marks};

use super::Shared;
use super::claims::{BatchNumber, Claim};
use crate::found::Found;

/// Rows of some objects.
pub(super) struct Batch {
    /// Which batch of this process it is.
    pub(super) number: BatchNumber,
    /// Batches that must become true before it or with it: they hold events that it left out.
    pub(super) leans_on: BTreeSet<BatchNumber>,
    /// The objects, in the order in which they were read.
    pub(super) objects: Vec<Pending>,
    /// Rows that are not staged yet, by table and day.
    pub(super) parts: BTreeMap<(&'static str, Day), Part>,
    /// Files that are staged.
    pub(super) files: Vec<File>,
    /// Runs that are staged.
    pub(super) runs: Vec<Run>,
    /// What was found in staged rows.
    pub(super) found: Found,
    /// How many sightings went into a commit.
    pub(super) sighted: u64,
    /// Keys and values of staged rows that such rules did not look at: one event had too many.
    pub(super) left_out: u64,
    /// What staged rows are to rules over several events.
    pub(super) signals: Pack,
    /// The oldest version of the id index that staged rows were checked against.
    pub(super) checked_at: Option<u64>,
    /// When the first object was begun.
    pub(super) begun: Option<Timestamp>,
    /// Complaints about rows that are stored all the same.
    pub(super) notes: u64,
    /// What staged rows add to the watch over the watch.
    pub(super) arrivals: Arrivals,
}

/// An object of the batch.
pub(super) struct Pending {
    pub(super) place: usize,
    pub(super) object: Object,
    pub(super) identity: Sha256,
    pub(super) tallies: BTreeMap<&'static str, Tally>,
    pub(super) complaints: Vec<Complaint>,
    /// Complaints beyond the limit on how many are kept.
    pub(super) unlisted: u64,
}

/// Rows of one table and day.
pub(super) struct Part {
    pub(super) builder: TableBuilder,
    pub(super) rows: Vec<RowFacts>,
    pub(super) keys: Vec<(EventKey, u32)>,
    pub(super) sightings: Vec<(u32, Sighting)>,
    pub(super) marks: Marks,
}

/// What must be known of a row to take it back.
pub(super) struct RowFacts {
    pub(super) object: u32,
    pub(super) source: &'static str,
    pub(super) position: u64,
}

impl Batch {
    /// An empty one.
    pub(super) fn new(number: BatchNumber) -> Self {
        Self {
            number,
            leans_on: BTreeSet::new(),
            objects: Vec::new(),
            parts: BTreeMap::new(),
            files: Vec::new(),
            runs: Vec::new(),
            found: Found::default(),
            sighted: 0,
            left_out: 0,
            signals: Pack::default(),
            checked_at: None,
            begun: None,
            notes: 0,
            arrivals: Arrivals::default(),
        }
    }

    /// Notes that it counts on another batch's commit.
    pub(super) fn lean_on(&mut self, other: BatchNumber) {
        if other != self.number {
            self.leans_on.insert(other);
        }
    }

    /// Roughly how many bytes of rows are not staged yet.
    pub(super) fn bytes(&self) -> usize {
        self.parts.values().map(|p| p.builder.bytes()).sum()
    }

    /// The object that is being read.
    pub(super) fn current(&mut self) -> &mut Pending {
        self.objects.last_mut().expect("an object is begun before its records are read")
    }
}

impl Pending {
    pub(super) fn new(place: usize, object: Object, identity: Sha256) -> Self {
        let (tallies, complaints) = (BTreeMap::new(), Vec::new());
        Self { place, object, identity, tallies, complaints, unlisted: 0 }
    }

    /// Files a complaint, or counts it where there are too many.
    pub(super) fn complain(&mut self, complaint: Complaint, max: usize) {
        if self.complaints.len() < max {
            self.complaints.push(complaint);
        } else {
            self.unlisted += 1;
        }
    }

    /// The object as the ledger keeps it.
    pub(super) fn row(&self) -> ObjectRow {
        let mut complaints = self.complaints.clone();
        if self.unlisted > 0 {
            let mut last = Complaint::new(
                "unknown",
                0,
                format!(
                    "{} more complaints about this object are counted but not listed",
                    self.unlisted
                ),
                b"",
            );
            last.kept = true;
            complaints.push(last);
        }
        let unknown = self.tallies.iter().all(|(s, t)| *s == "unknown" && t.stored == 0);
        let refused = unknown && !self.tallies.is_empty();
        ObjectRow {
            identity: if refused { as_refused(&self.identity) } else { self.identity },
            uri: self.object.uri.clone(),
            size: self.object.size,
            modified: self.object.modified,
            tallies: self.tallies.iter().map(|(s, t)| ((*s).to_owned(), *t)).collect(),
            complaints,
        }
    }
}

/// The identity under which an object is filed that no source knew: the object itself stays
/// unread, so that it is read once the user says what it is.
pub fn as_refused(identity: &Sha256) -> Sha256 {
    Sha256::of_parts(&[b"refused", &identity.0])
}

/// Takes the events of one object into the batch.
pub(super) struct ObjectSink<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) batch: &'a mut Batch,
    pub(super) received: Timestamp,
    /// First 16 digits of the object's identity.
    pub(super) short: String,
    /// Records read so far: the next one's ordinal.
    pub(super) ordinal: u64,
    pub(super) seed: u64,
    /// Lent to the rules.
    pub(super) matching: &'a mut Vec<usize>,
}

impl Sink for ObjectSink<'_> {
    fn event(
        &mut self,
        source: &'static Source,
        mut row: Row<'_>,
        record: Option<Value<'_>>,
        at: u64,
    ) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let delivered = row.delivered.unwrap_or(self.batch.current().object.modified);
        let time = row.time.unwrap_or_else(|| {
            row.flag("event_time", "is missing; the time of delivery stands for it", "");
            delivered
        });
        row.time = Some(time);
        let (table, day) = (row.table.name, day_of(time));
        let key = fingerprint::key_of(&row, record, self.seed);
        let number = self.batch.number;
        let claim =
            key.map_or(Claim::Mine, |key| self.shared.claims.claim(table, day, key, number));
        if let Claim::TakenBy(other) = claim {
            self.batch.lean_on(other);
            let tally = self.tally(source.id);
            tally.read += 1;
            tally.duplicates += 1;
            return;
        }
        let object = u32::try_from(self.batch.objects.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let part = self.batch.parts.entry((table, day)).or_insert_with(|| Part {
            builder: TableBuilder::new(row.table),
            rows: Vec::new(),
            keys: Vec::new(),
            sightings: Vec::new(),
            marks: Marks::default(),
        });
        let number = u32::try_from(part.rows.len()).unwrap_or(u32::MAX);
        let place = Place { delivered, received: self.received, object: &self.short, ordinal };
        part.rows.push(RowFacts { object, source: source.id, position: at });
        part.keys.extend(key.map(|key| (key, number)));
        let live = self.shared.live.origin(source.id, time, delivered, self.received);
        let own = row.sighting.take();
        let (seen, of) = (&mut part.sightings, &row);
        let mut see = |mut sighting: Sighting| {
            sighting.event = event_ref(of, time, &place);
            sighting.origin = live;
            seen.push((number, sighting));
        };
        let detections = &self.shared.ingest.detections;
        detections.run(source, &row, record, self.matching, &mut see);
        let at = MarkedRow { row: number, origin: live };
        detections.mark(&row, record, self.matching, at, &mut part.marks);
        if let Some(sighting) = own {
            see(*sighting);
        }
        part.builder.append(&row, time, &place);
        let tally = self.tally(source.id);
        tally.read += 1;
        tally.stored += 1;
    }

    fn refuse(&mut self, source: &str, at: u64, reason: &str, bytes: &[u8]) {
        self.ordinal += 1;
        let name = wk_watch::sources::named(source).map_or("unknown", |s| s.id);
        let tally = self.tally(name);
        tally.read += 1;
        tally.complaints += 1;
        let max = self.shared.ingest.limits.complaints_per_object;
        self.batch.current().complain(Complaint::new(source, at, reason, bytes), max);
    }
}

impl ObjectSink<'_> {
    fn tally(&mut self, source: &'static str) -> &mut Tally {
        self.batch.current().tallies.entry(source).or_default()
    }
}

/// The complaint about a record whose id is there with other content.
pub(super) fn conflict_note(source: &str, at: u64, bytes: &[u8]) -> Complaint {
    let reason = "the event's id is in the lake with other content; both are kept";
    Complaint { kept: true, ..Complaint::new(source, at, reason, bytes) }
}

/// The day whose folder and id index hold the event: its own, within the years in which AWS has
/// had logs, so that broken times cannot make folders without end.
pub(super) fn day_of(time: Timestamp) -> Day {
    const FIRST: i32 = 13_149; // 2006-01-01
    const LAST: i32 = 47_481; // 2099-12-31
    Day::from_number(time.day().number().clamp(FIRST, LAST))
}

fn event_ref(row: &Row<'_>, time: Timestamp, place: &Place<'_>) -> EventRef {
    let id = place.event_id(&row.id).into_owned();
    EventRef { time, table: row.table.name.to_owned(), id }
}

/// Two records with one id that say different things: one of them may be forged. Which of them is
/// read first is chance, so the finding says nothing that only one of them says.
pub(super) fn conflict(table: &str, day: Day, id: &str) -> Sighting {
    const RULE: &str = "watchkeeper:event-conflict";
    let rule = Arc::new(Rule {
        id: RULE.to_owned(),
        version: "1".to_owned(),
        product: "watchkeeper".to_owned(),
        attack: vec!["t1565.001".to_owned()],
        controls: vec!["CC7.2".to_owned()],
    });
    Sighting {
        finding: FindingId::of_rule(RULE, "", table, id, day.start()),
        rule,
        title: "Two records with the same event id differ".into(),
        severity: Severity::from_tenths(70),
        resources: vec![id.to_owned()],
        first_seen: day.start(),
        last_seen: day.start(),
        account: None,
        region: None,
        actor: None,
        event: EventRef { time: day.start(), table: table.to_owned(), id: id.to_owned() },
        reported_count: None,
        origin: Origin::BackFill,
        ended: None,
        grounds: Default::default(),
    }
}
