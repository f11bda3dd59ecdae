//! A lake in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wk_model::{Day, Sha256, Timestamp};

use super::{Faults, locked};
use crate::lake::{EventKey, File, Known, Lake, Part, Run};
use crate::{Answer, Failure, Future};

/// The files of a lake, kept as they were staged. Processes share one by cloning its `Arc`; each
/// has its own faults.
#[derive(Debug, Default)]
struct Stored {
    parts: BTreeMap<String, Part>,
    runs: BTreeMap<String, Vec<EventKey>>,
}

/// A lake in memory, as one process sees it.
#[derive(Debug, Clone, Default)]
pub struct MemoryLake {
    stored: Arc<Mutex<Stored>>,
    faults: Arc<Faults>,
}

impl MemoryLake {
    /// The same lake, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }

    /// The rows of a staged file.
    pub fn part(&self, path: &str) -> Option<Part> {
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
        let said = format!("{:?}{:?}", part.batch, part.keep);
        let sha256 = Sha256::of(said.as_bytes());
        let path = format!("data/table={}/dt={}/{sha256}", part.table.name, part.day);
        locked(&self.stored).parts.insert(path.clone(), part.clone());
        let (table, day) = (part.table.name.to_owned(), part.day);
        let (first, last) = (day.start(), day.start());
        let rows = rows as u64;
        Some(File { path, table, day, sha256, bytes: said.len() as u64, rows, first, last })
    }

    fn put_run(&self, table: &str, day: Day, keys: &[EventKey]) -> Answer<Run> {
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(Failure::new("stage a run", "its keys are not sorted and distinct"));
        }
        let path =
            format!("ids/table={table}/dt={day}/{}", Sha256::of(format!("{keys:?}").as_bytes()));
        locked(&self.stored).runs.insert(path.clone(), keys.to_vec());
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

    fn sweep<'a>(&'a self, named: &'a [String], _before: Timestamp) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            self.faults.call("sweep", || {
                let mut stored = locked(&self.stored);
                let before = stored.parts.len() + stored.runs.len();
                stored.parts.retain(|path, _| named.contains(path));
                stored.runs.retain(|path, _| named.contains(path));
                Ok((before - stored.parts.len() - stored.runs.len()) as u64)
            })
        })
    }
}
