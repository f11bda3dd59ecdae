//! Files on their way to the bucket: how CloudTrail cuts records into files, how late they come, and
//! in which order everything arrives.
//!
//! * Delay from event to its first file: median about 191 s, 95 % within about 455 s, never above
//!   608 s.
//! * About two records in a hundred come twice, byte for byte, in a second file.
//! * Files leave in the order of their delivery.

use std::collections::BTreeMap;

use serde_json::Value;
use wk_model::Timestamp;

use crate::agenda::Note;
use crate::clock::{SLOT_SECONDS, folder, stamp_minute};
use crate::record::Event;
use crate::rng::Rng;
use crate::world::{ORGANISATION, Place};

/// One object of the log bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its key in the bucket.
    pub path: String,
    /// Its content, before compression.
    pub bytes: Vec<u8>,
    /// Whether the object is stored compressed with gzip (its key then ends in `.gz`).
    pub gz: bool,
    /// When the object appears in the bucket.
    pub delivered: Timestamp,
    /// What it holds: `cloudtrail`, `cloudtrail-digest`, `cloudtrail-insight`, `vpcflow`,
    /// `guardduty`, `eventbridge` or `config`.
    pub source: &'static str,
    /// How many records, without header lines.
    pub records: u64,
}

/// A file, and what the simulation remembers about it.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    pub file: File,
    pub place: Place,
    /// Records that no earlier file held.
    pub distinct: u64,
    /// Earliest and latest event.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Filed {
    /// A file whose records are all new.
    pub(crate) fn new(
        source: &'static str,
        path: String,
        bytes: Vec<u8>,
        delivered: Timestamp,
        records: u64,
        place: Place,
    ) -> Self {
        let gz = path.ends_with(".gz");
        let file = File { path, bytes, gz, delivered, source, records };
        Self { file, place, distinct: records, span: None }
    }
}

/// Files that are written but not yet delivered.
#[derive(Debug, Default)]
pub(crate) struct Outbox(BTreeMap<(Timestamp, String), Filed>);

impl Outbox {
    /// Sends a file.
    pub(crate) fn put(&mut self, filed: Filed) {
        self.0.insert((filed.file.delivered, filed.file.path.clone()), filed);
    }
    /// The next file that is delivered before this moment.
    pub(crate) fn before(&mut self, horizon: Timestamp) -> Option<Filed> {
        let next = self.0.first_entry()?;
        (next.key().0 < horizon).then(|| next.remove())
    }
    /// How many are on their way.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many records a file holds where there are few; where there are many, a slot has four files.
const RECORDS_A_FILE: u64 = 9;

/// Cuts one place's records of one slot into files. AWS's writers each collect for five minutes,
/// then deliver: at once mostly, some minutes later at times.
pub(crate) fn trail_files(
    seed: u64,
    slot: Timestamp,
    place: Place,
    events: Vec<Event>,
) -> Vec<Filed> {
    let mut rng = Rng::named(seed, &["files", place.account, place.region], slot.seconds());
    let writers = (events.len() as u64).div_ceil(RECORDS_A_FILE).clamp(1, 4);
    let late: Vec<i64> = (0..writers).map(|_| lateness_seconds(&mut rng)).collect();
    let mut batches: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    for event in events {
        let mut rng = Rng::named(seed, &["writer", &event.id], 0);
        let late = late[rng.index(late.len())];
        batches.entry(late).or_default().push(event);
    }
    let ends = slot.plus_seconds(SLOT_SECONDS);
    let mut files = Vec::new();
    for (late, batch) in batches {
        let again = rng.chance(40).then(|| rng.range(1, batch.len() as u64));
        let repeated: Vec<Event> = batch.iter().take(again.map_or(0, as_index)).cloned().collect();
        let delivered = ends.plus_seconds(late);
        files.push(trail_file(&mut rng, place, delivered, batch));
        if !repeated.is_empty() {
            let delivered = delivered.plus_seconds(rng.seconds(1, 240));
            let mut filed = trail_file(&mut rng, place, delivered, repeated);
            filed.distinct = 0;
            files.push(filed);
        }
    }
    files
}

fn as_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// How long after the end of its five minutes a file is delivered: a table of quantiles.
fn lateness_seconds(rng: &mut Rng) -> i64 {
    const TABLE: [(u64, u64, u64); 4] =
        [(760, 1, 10), (840, 15, 90), (880, 90, 220), (1000, 235, 308)];
    let draw = rng.range(0, 999);
    let (_, low, high) = TABLE.into_iter().find(|row| draw < row.0).unwrap_or(TABLE[3]);
    rng.seconds(low, high)
}

/// One delivered file of the trail: records in no order.
fn trail_file(rng: &mut Rng, place: Place, delivered: Timestamp, batch: Vec<Event>) -> Filed {
    let mut events = batch;
    rng.shuffle(&mut events);
    let path = trail_path(rng, place, "CloudTrail", delivered);
    records_file("cloudtrail", path, delivered, place, &events)
}

/// `{"Records":[…]}`.
pub(crate) fn records_file(
    source: &'static str,
    path: String,
    delivered: Timestamp,
    place: Place,
    events: &[Event],
) -> Filed {
    let size = events.iter().map(|e| e.json.len() + 1).sum::<usize>() + 14;
    let mut text = String::with_capacity(size);
    text.push_str("{\"Records\":[");
    for (number, event) in events.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&event.json);
    }
    text.push_str("]}");
    let mut filed =
        Filed::new(source, path, text.into_bytes(), delivered, events.len() as u64, place);
    let times = || events.iter().map(|e| e.time);
    filed.span = times().min().zip(times().max());
    filed
}

/// Where the organisation trail puts a file; `kind` is `CloudTrail` or `CloudTrail-Insight`.
pub(crate) fn trail_path(rng: &mut Rng, place: Place, kind: &str, delivered: Timestamp) -> String {
    let Place { account, region } = place;
    format!(
        "AWSLogs/{ORGANISATION}/{account}/{kind}/{region}/{}/{account}_{kind}_{region}_{}_{}.json.gz",
        folder(delivered),
        stamp_minute(delivered.floor_to(SLOT_SECONDS)),
        rng.alnum(16)
    )
}

/// EventBridge's events of one slot, a file for each minute; now and then one comes twice.
pub(crate) fn bridge_files(seed: u64, slot: Timestamp, notes: Vec<Note>) -> Vec<Filed> {
    let mut minutes: BTreeMap<Timestamp, (Vec<Note>, u64)> = BTreeMap::new();
    let mut rng = Rng::named(seed, &["bridge-files"], slot.seconds());
    for note in notes {
        if rng.chance(20) {
            let later = minutes.entry(note.time.floor_to(60).plus_seconds(60)).or_default();
            later.0.push(note.clone());
            later.1 += 1;
        }
        minutes.entry(note.time.floor_to(60)).or_default().0.push(note);
    }
    let mut files = Vec::new();
    for (minute, (notes, repeated)) in minutes {
        let delivered = minute.plus_seconds(60 + rng.seconds(3, 25));
        let path = format!(
            "eventbridge/{}/events-{}-{}.jsonl.gz",
            folder(minute),
            crate::clock::stamp(minute),
            rng.hex(12)
        );
        let mut filed = lines_file("eventbridge", path, delivered, &notes);
        filed.distinct -= repeated;
        files.push(filed);
    }
    files
}

/// GuardDuty's export: a file for each finding and update.
pub(crate) fn finding_files(seed: u64, slot: Timestamp, notes: Vec<Note>) -> Vec<Filed> {
    let mut rng = Rng::named(seed, &["finding-files"], slot.seconds());
    let mut files = Vec::new();
    for note in notes {
        let Place { account, region } = note.place;
        let delivered = note.time.plus_seconds(rng.seconds(180, 300));
        let day = folder(delivered);
        let path = format!("AWSLogs/{account}/GuardDuty/{region}/{day}/{}.jsonl.gz", rng.uuid());
        files.push(lines_file("guardduty", path, delivered, &[note]));
    }
    files
}

/// One JSON value a line.
fn lines_file(source: &'static str, path: String, delivered: Timestamp, notes: &[Note]) -> Filed {
    let mut text = String::new();
    for note in notes {
        text.push_str(&note.json);
        text.push('\n');
    }
    let place = notes.first().map_or(crate::world::SHOP, |note| note.place);
    Filed::new(source, path, text.into_bytes(), delivered, notes.len() as u64, place)
}

/// A file that holds one JSON document.
pub(crate) fn document(
    source: &'static str,
    path: String,
    delivered: Timestamp,
    place: Place,
    value: &Value,
    records: u64,
) -> Filed {
    Filed::new(source, path, value.to_string().into_bytes(), delivered, records, place)
}
