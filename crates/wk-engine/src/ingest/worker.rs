//! A worker: reads objects, checks their events against the id index, stages and commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::RecordBatch;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use wk_model::finding::{EventRef, Origin, Sighting};
use wk_model::{Day, Timestamp};
use wk_seam::lake::{EventKey, Known, Part as LakePart, Run};
use wk_seam::ledger::{Commit, Committed};
use wk_seam::objects::{Object, Opened, Unpack};
use wk_seam::{Answer, Failure};
use wk_watch::columns;
use wk_watch::reader::{ObjectFacts, Reader, Sink as _};

use super::batch::{Batch, ObjectSink, Part, Pending, RowFacts, conflict, conflict_note};
use super::{Ended, Fetched, Shared};
use crate::windows::{self, Unread, chain};

/// Tables and days that a batch may hold before it is staged.
const PARTS_MAX: usize = 64;
/// Runs of a day that are left before a commit merges them.
const RUNS_MAX: usize = 8;
/// Keys up to which runs are merged: 24 MB of them.
const MERGED_KEYS_MAX: u64 = 1 << 20;

/// Works until the channel is closed and everything is committed, or something fails.
pub(super) fn work(shared: &Shared<'_>, receive: Arc<Mutex<mpsc::Receiver<Fetched>>>, runtime: Handle) -> Ended {
    let mut worker = Worker {
        shared,
        runtime,
        unpack: (shared.ingest.unpack)(),
        buffer: Vec::new(),
        batch: Batch::default(),
        matching: Vec::new(),
        again: Vec::new(),
    };
    let ended = worker.run(&receive);
    if ended.is_err() {
        shared.stopped.store(true, Ordering::Relaxed);
    }
    ended.map(|()| worker.again)
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    runtime: Handle,
    unpack: Box<dyn Unpack>,
    buffer: Vec<u8>,
    batch: Batch,
    /// Lent to the rules.
    matching: Vec<usize>,
    /// Objects that must be read again.
    again: Vec<(usize, Object)>,
}

/// What is known of the rows of a part whose columns are finished.
struct PartFacts {
    rows: Vec<RowFacts>,
    keys: Vec<(EventKey, u32)>,
    sightings: Vec<(u32, Sighting)>,
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
                self.give_up(&object);
                self.failed(&object, &chain(&error));
                return Ok(());
            }
        }
        self.shared.done(object.size);
        Ok(())
    }

    /// Reads an object to its end.
    fn read(&mut self, object: &Object, opened: Opened, received: Timestamp) -> Answer<Result<(), Unread>> {
        let short = opened.identity.short();
        let facts =
            ObjectFacts { uri: &object.uri, modified: object.modified, metadata: &opened.metadata };
        let ingest = self.shared.ingest;
        let mut reader =
            Reader::new(facts, &ingest.settings, ingest.source, ingest.limits.record_bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        let unpacked = self.unpack.unpack(opened.body, &mut buffer);
        let mut ordinal = 0;
        let ended = windows::each(unpacked, &mut buffer, &mut |window, at_end| {
            let done = self.window(&mut reader, window, at_end, received, &short, &mut ordinal);
            if !at_end && self.full() {
                self.stage()?;
            }
            Ok(done)
        });
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

    /// Gives the batch up; its objects are read again, but for one that failed.
    fn give_up(&mut self, failed: &Object) {
        let batch = std::mem::take(&mut self.batch);
        for ((table, _), part) in &batch.parts {
            let keys: Vec<EventKey> = part.keys.iter().map(|(key, _)| *key).collect();
            self.shared.claims.release(table, &keys);
        }
        self.shared.claims.settled(&batch.runs);
        for pending in batch.objects {
            self.shared.unmark(pending.identity);
            if pending.object != *failed {
                self.again.push((pending.place, pending.object));
            }
        }
    }

    /// Checks the rows that are held against the id index and writes them; nobody sees them yet.
    fn stage(&mut self) -> Answer<()> {
        let parts = std::mem::take(&mut self.batch.parts);
        if parts.is_empty() {
            return Ok(());
        }
        let days: Vec<(String, Day)> = parts
            .iter()
            .filter(|(_, part)| !part.keys.is_empty())
            .map(|((table, day), _)| ((*table).to_owned(), *day))
            .collect();
        let ledger = &self.shared.ingest.ledger;
        let (version, runs) = self.runtime.block_on(ledger.runs(&days))?;
        let checked = self.batch.checked_at.unwrap_or(version).min(version);
        self.batch.checked_at = Some(checked);
        for ((table, day), part) in parts {
            let of_day: Vec<Run> =
                runs.iter().filter(|r| r.table == table && r.day == day).cloned().collect();
            self.stage_part(table, day, part, &of_day)?;
        }
        Ok(())
    }

    fn stage_part(&mut self, table: &'static str, day: Day, mut part: Part, runs: &[Run]) -> Answer<()> {
        let lake = self.shared.ingest.lake.clone();
        part.keys.sort_unstable();
        let keys: Vec<EventKey> = part.keys.iter().map(|(key, _)| *key).collect();
        let mut runs = runs.to_vec();
        runs.extend(self.shared.claims.staged_of(table, day));
        let known = self.runtime.block_on(lake.look_up(&runs, &keys))?;
        let of = part.builder.table();
        let recorded = self.shared.now();
        let failed = |e| Failure::new(format!("build rows of {table}"), e);
        let batch = part.builder.finish(recorded).map_err(failed)?;
        let facts = PartFacts { rows: part.rows, sightings: part.sightings, keys: part.keys };
        let keep = self.settle(&facts, &batch, of.name, &known);
        let fresh: Vec<EventKey> = keys
            .iter()
            .zip(&known)
            .filter(|(_, known)| **known != Known::Duplicate)
            .map(|(key, _)| *key)
            .collect();
        let wk_part = LakePart { table: of, day, batch, keep };
        let file = self.runtime.block_on(lake.stage(&wk_part))?;
        self.batch.files.extend(file);
        if !fresh.is_empty() {
            let run = self.runtime.block_on(lake.stage_run(table, day, &fresh))?;
            self.shared.claims.staged(run.clone());
            self.batch.runs.push(run);
        }
        self.shared.claims.release(table, &keys);
        Ok(())
    }

    /// Takes back rows that are in the lake already; answers which stay, and moves their
    /// sightings on.
    fn settle(
        &mut self,
        part: &PartFacts,
        batch: &RecordBatch,
        table: &str,
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
                    let text = |name| columns::text(batch, name, place).map(str::to_owned);
                    let time = columns::event_time(batch, place);
                    let id = text("event_id").unwrap_or_default();
                    let event = EventRef { time, table: table.to_owned(), id };
                    let live = self.shared.ingest.limits.live_seconds;
                    let mut sighting = conflict(event, text("account"), text("region"), text("actor"));
                    sighting.origin = Origin::of(time, self.shared.now(), live);
                    self.batch.sightings.push(sighting);
                }
            }
        }
        let stays = |row: u32| keep.as_ref().is_none_or(|keep| keep[row as usize]);
        let seen = part.sightings.iter().filter(|(row, _)| stays(*row)).map(|(_, s)| s.clone());
        self.batch.sightings.extend(seen);
        keep
    }

    /// Stages what is held and makes the batch true. If another process was faster, the objects
    /// are read again.
    fn commit(&mut self) -> Answer<()> {
        if self.batch.objects.is_empty() {
            self.batch.begun = None;
            return Ok(());
        }
        self.stage()?;
        let batch = std::mem::take(&mut self.batch);
        let objects: Vec<_> = batch.objects.iter().map(Pending::row).collect();
        let committed = self.runtime.block_on(async {
            let _alone = self.shared.committing.lock().await;
            let commit = Commit {
                writer: self.shared.ingest.writer.clone(),
                recorded: self.shared.now(),
                objects,
                files: batch.files.clone(),
                runs: self.merged(&batch.runs).await?,
                checked_at: batch.checked_at.unwrap_or(0),
                sightings: batch.sightings.clone(),
            };
            self.shared.ingest.ledger.commit(&commit).await
        })?;
        self.shared.claims.settled(&batch.runs);
        batch.objects.iter().for_each(|o| self.shared.unmark(o.identity));
        match committed {
            Committed::Done { .. } => self.count(&batch),
            Committed::Stale { .. } => {
                self.again.extend(batch.objects.into_iter().map(|o| (o.place, o.object)));
            }
        }
        Ok(())
    }

    /// The runs of a commit, one for each table and day, each with the runs that it replaces: where
    /// a day has many small ones they become one.
    async fn merged(&self, runs: &[Run]) -> Answer<Vec<(Run, Vec<Run>)>> {
        let mut by_day: BTreeMap<(&str, Day), Vec<Run>> = BTreeMap::new();
        for run in runs {
            by_day.entry((&run.table, run.day)).or_default().push(run.clone());
        }
        let (ledger, lake) = (&self.shared.ingest.ledger, &self.shared.ingest.lake);
        let mut merged = Vec::new();
        for ((table, day), new) in by_day {
            let (_, there) = ledger.runs(&[(table.to_owned(), day)]).await?;
            let small: Vec<Run> = there.into_iter().filter(|r| r.keys < MERGED_KEYS_MAX / 8).collect();
            if small.len() < RUNS_MAX {
                merged.extend(new.into_iter().map(|run| (run, Vec::new())));
                continue;
            }
            let all: Vec<Run> = small.iter().chain(&new).cloned().collect();
            if all.iter().map(|r| r.keys).sum::<u64>() > MERGED_KEYS_MAX {
                merged.extend(new.into_iter().map(|run| (run, Vec::new())));
                continue;
            }
            merged.push((lake.merge_runs(&all, &[]).await?, small));
        }
        Ok(merged)
    }

    fn count(&self, batch: &Batch) {
        let mut report = self.shared.report();
        report.commits += 1;
        report.notes += batch.notes;
        report.sightings += batch.sightings.len() as u64;
        for object in &batch.objects {
            report.objects_read += 1;
            report.bytes += object.object.size;
            for (source, tally) in &object.tallies {
                report.sources.entry((*source).to_owned()).or_default().add(*tally);
            }
        }
    }
}
