//! A lake in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wk_model::{Day, Sha256, Timestamp};

use super::{Faults, locked};
use crate::clock::Clock;
use crate::lake::{EventKey, File, Known, Lake, Part, Rewrite, Rewritten, Run, SORTED};
use crate::{Answer, Failure, Future};

/// The files of a lake, kept as they were staged. Processes share one by cloning its `Arc`; each
/// has its own faults.
#[derive(Debug, Default)]
struct Stored {
    parts: BTreeMap<String, Vec<Part>>,
    runs: BTreeMap<String, Vec<EventKey>>,
    /// When a file was staged, where there is a clock.
    staged: BTreeMap<String, Timestamp>,
}

/// A lake in memory, as one process sees it.
#[derive(Clone, Default)]
pub struct MemoryLake {
    stored: Arc<Mutex<Stored>>,
    faults: Arc<Faults>,
    clock: Option<Arc<dyn Clock>>,
}

impl MemoryLake {
    /// The same lake, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }

    /// The same lake, which knows when files were staged: a sweep leaves those that are young. Without
    /// a clock every file is old.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self.clone() }
    }

    fn note(&self, stored: &mut Stored, path: &str) {
        if let Some(clock) = &self.clock {
            stored.staged.insert(path.to_owned(), clock.now());
        }
    }

    fn put_parts(&self, path: &str, parts: Vec<Part>) {
        let mut stored = locked(&self.stored);
        self.note(&mut stored, path);
        stored.parts.insert(path.to_owned(), parts);
    }

    /// The rows of a staged file, in the order in which they lie; `None` if it is not there.
    pub fn parts(&self, path: &str) -> Option<Vec<Part>> {
        locked(&self.stored).parts.get(path).cloned()
    }

    /// Every file that was staged, visible or not.
    pub fn paths(&self) -> Vec<String> {
        let stored = locked(&self.stored);
        stored.parts.keys().chain(stored.runs.keys()).cloned().collect()
    }

    fn put(&self, part: &Part) -> Option<File> {
        let rows =
            part.keep.as_ref().map_or(part.batch.num_rows(), |k| k.iter().filter(|k| **k).count());
        if rows == 0 {
            return None;
        }
        let said = said(part);
        let sha256 = Sha256::of(&said);
        let path = format!("data/table={}/dt={}/{sha256}", part.table.name, part.day);
        self.put_parts(&path, vec![part.clone()]);
        let (table, day) = (part.table.name.to_owned(), part.day);
        let (first, last) = (day.start(), day.start());
        let (rows, bytes) = (rows as u64, said.len() as u64);
        Some(File { path, table, day, sha256, bytes, rows, first, last, layout: 0 })
    }

    /// One file for all rows that stay. Like the real one, it reads every file, so that one which
    /// is gone is an error.
    fn put_rewritten(&self, rewrite: &Rewrite) -> Answer<Rewritten> {
        let mut parts = Vec::new();
        let (mut rows, mut rows_dropped) = (0, 0);
        let mut said = Vec::new();
        for file in &rewrite.files {
            let gone = || Failure::new(format!("read {}", file.path), "it is not there");
            for mut part in self.parts(&file.path).ok_or_else(gone)? {
                let all = vec![true; part.batch.num_rows()];
                let stay =
                    rewrite.keep.as_ref().map_or_else(|| all.clone(), |k| (k.stays)(&part.batch));
                let there = part.keep.take().unwrap_or(all);
                let kept: Vec<bool> = there.iter().zip(stay).map(|(t, s)| *t && s).collect();
                let number = kept.iter().filter(|kept| **kept).count() as u64;
                rows_dropped += there.iter().filter(|there| **there).count() as u64 - number;
                rows += number;
                said.push(format!("{} {kept:?}", file.path));
                part.keep = Some(kept);
                parts.push(part);
            }
        }
        if rows == 0 {
            return Ok(Rewritten { files: Vec::new(), rows_dropped });
        }
        let sha256 = Sha256::of(said.join(" ").as_bytes());
        let (table, day) = (rewrite.table.name.to_owned(), rewrite.day);
        let path = format!("data/table={table}/dt={day}/{sha256}");
        let (first, last, bytes) = (day.start(), day.start(), rows * 100);
        self.put_parts(&path, parts);
        let file = File { path, table, day, sha256, bytes, rows, first, last, layout: SORTED };
        Ok(Rewritten { files: vec![file], rows_dropped })
    }

    fn put_run(&self, table: &str, day: Day, keys: &[EventKey]) -> Answer<Run> {
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(Failure::new("stage a run", "its keys are not sorted and distinct"));
        }
        let path =
            format!("ids/table={table}/dt={day}/{}", Sha256::of(format!("{keys:?}").as_bytes()));
        let mut stored = locked(&self.stored);
        self.note(&mut stored, &path);
        stored.runs.insert(path.clone(), keys.to_vec());
        Ok(Run { path, table: table.to_owned(), day, keys: keys.len() as u64 })
    }

    fn keys(&self, runs: &[Run]) -> Answer<Vec<EventKey>> {
        let stored = locked(&self.stored);
        let mut all = Vec::new();
        for run in runs {
            let keys = stored.runs.get(&run.path);
            all.extend(
                keys.ok_or_else(|| Failure::new(format!("read {}", run.path), "it is not there"))?,
            );
        }
        Ok(all)
    }
}

/// What is in a part, to name it by.
fn said(part: &Part) -> Vec<u8> {
    let mut said = format!("{:?} {} ", part.keep, part.batch.num_rows()).into_bytes();
    for column in part.batch.columns() {
        let data = column.to_data();
        said.extend(format!("{:?} {} ", data.data_type(), data.offset()).as_bytes());
        let nulls = data.nulls().map(|nulls| nulls.buffer());
        nulls.into_iter().chain(data.buffers()).for_each(|buffer| said.extend(buffer.as_slice()));
        let within = data.child_data().iter().flat_map(|child| child.buffers());
        within.for_each(|buffer| said.extend(buffer.as_slice()));
    }
    said
}

fn known(keys: &[EventKey], wanted: EventKey) -> Known {
    if keys.contains(&wanted) {
        Known::Duplicate
    } else if keys.iter().any(|k| k.id == wanted.id) {
        Known::Conflict
    } else {
        Known::New
    }
}

impl Lake for MemoryLake {
    fn stage<'a>(&'a self, part: &'a Part) -> Future<'a, Answer<Option<File>>> {
        Box::pin(async move { self.faults.call("stage a file", || Ok(self.put(part))) })
    }

    fn stage_run<'a>(
        &'a self,
        table: &'a str,
        day: Day,
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Run>> {
        Box::pin(async move { self.faults.call("stage a run", || self.put_run(table, day, keys)) })
    }

    fn merge_runs<'a>(&'a self, runs: &'a [Run], keys: &'a [EventKey]) -> Future<'a, Answer<Run>> {
        Box::pin(async move {
            self.faults.call("merge runs", || {
                let first =
                    runs.first().ok_or_else(|| Failure::new("merge runs", "there are none"))?;
                let mut all = self.keys(runs)?;
                all.extend(keys);
                all.sort_unstable();
                all.dedup();
                self.put_run(&first.table, first.day, &all)
            })
        })
    }

    fn look_up<'a>(
        &'a self,
        runs: &'a [Run],
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Vec<Known>>> {
        Box::pin(async move {
            self.faults.call("look keys up", || {
                let there = self.keys(runs)?;
                Ok(keys.iter().map(|key| known(&there, *key)).collect())
            })
        })
    }

    fn rewrite<'a>(&'a self, rewrite: &'a Rewrite) -> Future<'a, Answer<Rewritten>> {
        Box::pin(async move { self.faults.call("rewrite files", || self.put_rewritten(rewrite)) })
    }

    fn count_dropped<'a>(&'a self, rewrite: &'a Rewrite) -> Future<'a, Answer<Vec<u64>>> {
        let one = |file: &File| {
            let gone = || Failure::new(format!("read {}", file.path), "it is not there");
            let dropped = |part: &Part| {
                let stays = rewrite.keep.as_ref().map(|keep| (keep.stays)(&part.batch));
                let there = |n: usize| part.keep.as_ref().is_none_or(|keep| keep[n]);
                let stays = stays.unwrap_or_default();
                stays.iter().enumerate().filter(|(n, stays)| !**stays && there(*n)).count() as u64
            };
            Ok(self.parts(&file.path).ok_or_else(gone)?.iter().map(dropped).sum())
        };
        Box::pin(async move {
            self.faults.call("count rows", || rewrite.files.iter().map(one).collect())
        })
    }

    fn remove<'a>(&'a self, paths: &'a [String]) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("remove files", || {
                let mut stored = locked(&self.stored);
                stored.parts.retain(|path, _| !paths.contains(path));
                stored.runs.retain(|path, _| !paths.contains(path));
                Ok(())
            })
        })
    }

    fn sweep<'a>(&'a self, named: &'a [String], before: Timestamp) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            self.faults.call("sweep", || {
                let mut stored = locked(&self.stored);
                let Stored { parts, runs, staged } = &mut *stored;
                let all = parts.len() + runs.len();
                let young = |path: &String| staged.get(path).is_some_and(|at| *at >= before);
                parts.retain(|path, _| named.contains(path) || young(path));
                runs.retain(|path, _| named.contains(path) || young(path));
                Ok((all - parts.len() - runs.len()) as u64)
            })
        })
    }
}
