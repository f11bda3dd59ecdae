//! A worker: reads objects, checks their events against the id index, stages and commits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::RecordBatch;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use wk_model::finding::Sighting;
use wk_model::{Day, Timestamp};
use wk_seam::lake::{EventKey, Known, Part as LakePart, Run};
use wk_seam::objects::{Object, Opened, Unpack};
use wk_seam::{Answer, Failure};
use wk_watch::columns;
use wk_watch::reader::{ObjectFacts, Reader, Sink as _};

use super::arrivals;
use super::batch::{Batch, ObjectSink, Part, Pending, RowFacts, conflict, conflict_note};
use super::claims::{BatchNumber, Met};
use super::{Fetched, Shared};
use crate::windows::{self, Unread, chain};

/// Tables and days that a batch may hold before it is staged.
const PARTS_MAX: usize = 64;

/// Works until the channel is closed and everything is committed, or something fails.
pub(super) fn work(
    shared: &Shared<'_>,
    receive: &Mutex<mpsc::Receiver<Fetched>>,
    runtime: Handle,
) -> Answer<()> {
    let mut worker = Worker {
        shared,
        runtime,
        unpack: (shared.ingest.unpack)(),
        buffer: Vec::new(),
        batch: shared.next_batch(),
        matching: Vec::new(),
    };
    let ended = worker.run(receive);
    if ended.is_err() {
        shared.stopped.store(true, Ordering::Relaxed);
    }
    ended
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    runtime: Handle,
    unpack: Box<dyn Unpack>,
    buffer: Vec<u8>,
    batch: Batch,
    /// Lent to the rules.
    matching: Vec<usize>,
}

/// What is known of the rows of a part whose columns are finished.
struct PartFacts {
    rows: Vec<RowFacts>,
    keys: Vec<(EventKey, u32)>,
    sightings: Vec<(u32, Sighting)>,
}

/// Rows of one table and day that are about to be written.
struct Begun {
    table: &'static str,
    day: Day,
    part: Part,
    /// The rows' keys, sorted.
    keys: Vec<EventKey>,
    /// What other batches hold of that day.
    met: Met,
}

impl Worker<'_> {
    fn run(&mut self, receive: &Mutex<mpsc::Receiver<Fetched>>) -> Answer<()> {
        let seconds = u64::try_from(self.shared.ingest.limits.commit_seconds).unwrap_or(5);
        let patience = Duration::from_secs(seconds.max(1));
        while !self.shared.stopped.load(Ordering::Relaxed) {
            let next = async {
                tokio::time::timeout(patience, async { receive.lock().await.recv().await }).await
            };
            match self.runtime.block_on(next) {
                Ok(Some(fetched)) => self.object(fetched)?,
                Ok(None) => return self.commit(),
                Err(_) => self.commit()?, // nothing came for a while
            }
            if self.due() {
                self.commit()?;
            }
        }
        Ok(())
    }

    fn due(&self) -> bool {
        let limits = &self.shared.ingest.limits;
        let age = self.batch.begun.map_or(0, |t| self.shared.now().seconds() - t.seconds());
        age >= limits.commit_seconds || self.full()
    }

    fn full(&self) -> bool {
        self.batch.parts.len() >= PARTS_MAX
            || self.batch.bytes() >= self.shared.ingest.limits.batch_bytes
    }

    fn object(&mut self, fetched: Fetched) -> Answer<()> {
        let Fetched { place, object, opened } = fetched;
        let opened = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                self.failed(&object, &chain(&failure));
                return Ok(());
            }
        };
        let received = self.shared.now();
        self.batch.begun.get_or_insert(received);
        self.batch.objects.push(Pending::new(place, object.clone(), opened.identity));
        match self.read(&object, opened, received)? {
            Ok(()) => {}
            Err(Unread::Damaged(reason)) => self.complain(&reason),
            Err(Unread::Unreachable(error)) => {
                self.give_up();
                self.failed(&object, &chain(&error));
                return Ok(());
            }
        }
        self.shared.done(object.size);
        Ok(())
    }

    /// Reads an object to its end.
    fn read(
        &mut self,
        object: &Object,
        opened: Opened,
        received: Timestamp,
    ) -> Answer<Result<(), Unread>> {
        let short = opened.identity.short();
        let facts =
            ObjectFacts { uri: &object.uri, modified: object.modified, metadata: &opened.metadata };
        let ingest = self.shared.ingest;
        let mut reader =
            Reader::new(facts, &ingest.settings, ingest.source, ingest.limits.record_bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let unpacked = self.unpack.unpack(opened.body, &mut buffer);
        let mut ordinal = 0;
        let ended = windows::each(
            unpacked,
            &mut buffer,
            ingest.limits.window_bytes,
            &mut |window, at_end| {
                let done = self.window(&mut reader, window, at_end, received, &short, &mut ordinal);
                if !at_end && self.full() {
                    self.stage()?;
                }
                Ok(done)
            },
        );
        self.buffer = buffer;
        // One large object must not keep its buffer for ever.
        if self.buffer.capacity() > 32 << 20 {
            self.buffer = Vec::new();
        }
        ended
    }

    fn window(
        &mut self,
        reader: &mut Reader<'_>,
        window: &[u8],
        at_end: bool,
        received: Timestamp,
        short: &str,
        ordinal: &mut u64,
    ) -> usize {
        let seed = self.shared.ingest.ledger.fingerprint_seed();
        let before = *ordinal;
        let mut sink = ObjectSink {
            shared: self.shared,
            batch: &mut self.batch,
            received,
            short: short.to_owned(),
            ordinal: before,
            seed,
            matching: &mut self.matching,
        };
        let done = reader.read(window, at_end, &mut sink);
        *ordinal = sink.ordinal;
        self.shared.progress.records.fetch_add(*ordinal - before, Ordering::Relaxed);
        done
    }

    fn complain(&mut self, reason: &str) {
        let received = self.shared.now();
        let mut sink = ObjectSink {
            shared: self.shared,
            batch: &mut self.batch,
            received,
            short: String::new(),
            ordinal: 0,
            seed: 0,
            matching: &mut self.matching,
        };
        sink.refuse("unknown", 0, reason, b"");
    }

    fn failed(&self, object: &Object, why: &str) {
        self.shared.report().objects_failed.push((object.uri.clone(), why.to_owned()));
        self.shared.done(object.size);
    }

    /// Gives the batch up; its objects are read again, but for the last one, which failed.
    fn give_up(&mut self) {
        let mut batch = std::mem::replace(&mut self.batch, self.shared.next_batch());
        if let Some(failed) = batch.objects.pop() {
            self.shared.unmark(failed.identity);
        }
        self.runtime.block_on(self.shared.give_up(batch));
    }

    /// Checks the rows that are held against the id index and writes them; nobody sees them yet.
    fn stage(&mut self) -> Answer<()> {
        let parts = std::mem::take(&mut self.batch.parts);
        if parts.is_empty() {
            return Ok(());
        }
        let mut begun = Vec::with_capacity(parts.len());
        for ((table, day), mut part) in parts {
            part.keys.sort_unstable();
            let keys: Vec<EventKey> = part.keys.iter().map(|(key, _)| *key).collect();
            let met = self.shared.claims.begin(table, day, &keys);
            begun.push(Begun { table, day, part, keys, met });
        }
        // The ledger is asked after the staged runs: one that is committed in between is in both.
        let keyed = begun.iter().filter(|b| !b.keys.is_empty());
        let days: Vec<(String, Day)> = keyed.map(|b| (b.table.to_owned(), b.day)).collect();
        let (version, runs) = self.runtime.block_on(self.shared.ingest.ledger.runs(&days))?;
        let checked = self.batch.checked_at.unwrap_or(version).min(version);
        self.batch.checked_at = Some(checked);
        for part in begun {
            let of_day = runs.iter().filter(|r| r.table == part.table && r.day == part.day);
            let of_day: Vec<Run> = of_day.cloned().collect();
            self.stage_part(part, of_day)?;
        }
        Ok(())
    }

    fn stage_part(&mut self, begun: Begun, committed: Vec<Run>) -> Answer<()> {
        let lake = self.shared.ingest.lake.clone();
        let Begun { table, day, part, keys, met } = begun;
        let known = self.known(&keys, &met, committed)?;
        let of = part.builder.table();
        let recorded = self.shared.now();
        let failed = |e| Failure::new(format!("build rows of {table}"), e);
        let batch = part.builder.finish(recorded).map_err(failed)?;
        let mut facts = PartFacts { rows: part.rows, sightings: part.sightings, keys: part.keys };
        let keep = self.settle(&facts, &batch, of.name, day, &known);
        let rules = self.shared.ingest.detections.stateful();
        self.batch.left_out += part.marks.left_out();
        part.marks.pack(&mut self.batch.signals, rules, &batch, of.name, keep.as_deref());
        self.count_arrivals(&facts, &batch, keep.as_deref(), recorded);
        let stays = |row: u32| keep.as_ref().is_none_or(|keep| keep[row as usize]);
        let seen = std::mem::take(&mut facts.sightings).into_iter();
        seen.filter(|(row, _)| stays(*row)).for_each(|(_, seen)| self.batch.found.see(seen));
        let fresh: Vec<EventKey> = keys
            .iter()
            .zip(&known)
            .filter(|(_, known)| **known != Known::Duplicate)
            .map(|(key, _)| *key)
            .collect();
        let wk_part = LakePart { table: of, day, batch, keep };
        let file = self.runtime.block_on(lake.stage(&wk_part))?;
        self.batch.files.extend(file);
        let number = self.batch.number;
        if !fresh.is_empty() {
            let run = self.runtime.block_on(lake.stage_run(table, day, &fresh))?;
            self.shared.claims.staged(run.clone(), number);
            self.batch.runs.push(run);
        }
        self.shared.claims.release(table, day, &keys, number);
        Ok(())
    }

    /// What is known of sorted keys: in the ledger, in this batch's own runs, or in those of other
    /// batches, which this one leans on then.
    fn known(&mut self, keys: &[EventKey], met: &Met, committed: Vec<Run>) -> Answer<Vec<Known>> {
        let lake = self.shared.ingest.lake.clone();
        let number = self.batch.number;
        let mut sure = committed;
        sure.extend(met.staged.iter().filter(|(_, of)| *of == number).map(|(run, _)| run.clone()));
        let mut known = self.runtime.block_on(lake.look_up(&sure, keys))?;
        for (run, of) in met.staged.iter().filter(|(_, of)| *of != number) {
            let theirs = self.runtime.block_on(lake.look_up(std::slice::from_ref(run), keys))?;
            for (known, theirs) in known.iter_mut().zip(theirs) {
                self.learn(known, theirs, *of);
            }
        }
        for (known, conflict) in known.iter_mut().zip(&met.conflicts) {
            if let Some(of) = conflict {
                self.learn(known, Known::Conflict, *of);
            }
        }
        Ok(known)
    }

    /// Takes in what another batch knows of a key.
    fn learn(&mut self, known: &mut Known, theirs: Known, of: BatchNumber) {
        let news = match (*known, theirs) {
            (Known::Duplicate, _) | (_, Known::New) | (Known::Conflict, Known::Conflict) => false,
            (Known::New | Known::Conflict, Known::Duplicate) | (Known::New, Known::Conflict) => {
                true
            }
        };
        if news {
            *known = theirs;
            self.batch.lean_on(of);
        }
    }

    /// Takes back rows that are in the lake already; answers which stay, and moves their
    /// sightings on.
    fn settle(
        &mut self,
        part: &PartFacts,
        batch: &RecordBatch,
        table: &str,
        day: Day,
        known: &[Known],
    ) -> Option<Vec<bool>> {
        let mut keep: Option<Vec<bool>> = None;
        for ((_, row), known) in part.keys.iter().zip(known) {
            let place = *row as usize;
            let facts = &part.rows[place];
            let object = &mut self.batch.objects[facts.object as usize];
            match known {
                Known::New => {}
                Known::Duplicate => {
                    keep.get_or_insert_with(|| vec![true; part.rows.len()])[place] = false;
                    let tally = object.tallies.entry(facts.source).or_default();
                    tally.stored -= 1;
                    tally.duplicates += 1;
                }
                Known::Conflict => {
                    let raw = columns::text(batch, "raw", place).unwrap_or_default();
                    let note = conflict_note(facts.source, facts.position, raw.as_bytes());
                    object.complain(note, self.shared.ingest.limits.complaints_per_object);
                    self.batch.notes += 1;
                    let id = columns::text(batch, "event_id", place).unwrap_or_default();
                    let mut sighting = conflict(table, day, id);
                    let time = |column| columns::time(batch, column, place).unwrap_or_default();
                    sighting.origin = self.shared.live.origin(
                        facts.source,
                        time("event_time"),
                        time("delivered_time"),
                        time("received_time"),
                    );
                    self.batch.found.see(sighting);
                }
            }
        }
        keep
    }

    /// Takes rows and sightings that stay into what the watch knows of itself.
    fn count_arrivals(
        &mut self,
        part: &PartFacts,
        batch: &RecordBatch,
        keep: Option<&[bool]>,
        recorded: Timestamp,
    ) {
        let stays = |row: usize| keep.is_none_or(|keep| keep.get(row) == Some(&true));
        let rows = part.rows.iter().enumerate().filter(|(row, _)| stays(*row));
        let sources = rows.map(|(row, facts)| (row, facts.source));
        let into = &mut self.batch.arrivals;
        arrivals::take_in(into, batch, recorded, &self.shared.live, sources);
        for (row, sighting) in part.sightings.iter().filter(|(row, _)| stays(*row as usize)) {
            if let Some(facts) = part.rows.get(*row as usize) {
                let (origin, event) = (sighting.origin, sighting.event.time);
                arrivals::finding(into, facts.source, origin, event, recorded);
            }
        }
    }

    /// Stages what is held and seals the batch. If another process was faster, its objects are
    /// read again.
    fn commit(&mut self) -> Answer<()> {
        if self.batch.objects.is_empty() {
            self.batch.begun = None;
            return Ok(());
        }
        self.stage()?;
        let batch = std::mem::replace(&mut self.batch, self.shared.next_batch());
        self.runtime.block_on(self.shared.seal(batch))
    }
}
