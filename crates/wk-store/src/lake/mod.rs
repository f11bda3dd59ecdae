//! The lake: Parquet files by table and event day, and the id index beside them.
//!
//! Paths: `data/table=cloudtrail/dt=2024-02-15/<sha-256>.parquet` and
//! `ids/table=cloudtrail/dt=2024-02-15/<sha-256>.ids`. A file is never changed.

mod content;
mod form;
mod rewrite;
mod scratch;
mod write;

use std::path::PathBuf;

use arrow_array::{Array as _, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow_select::filter::filter_record_batch;
use parquet::arrow::ArrowWriter;
use wk_model::{Day, Sha256, Timestamp};
use wk_seam::lake::{EventKey, File, Known, Lake, Part, Rewrite, Rewritten, Run};
use wk_seam::{Answer, Failure, Future};

use crate::files::Files;
use crate::runs;

/// The lake on a disk or in an object store.
#[derive(Clone)]
pub struct ParquetLake {
    files: Files,
    scratch: PathBuf,
}

/// Folders of the lake that hold files of ours.
pub(crate) const FOLDERS: [&str; 2] = ["data", "ids"];

impl ParquetLake {
    /// The lake whose files lie there. What is sorted on this machine's disk lies in `scratch`
    /// meanwhile, in folders that go when the work is done.
    pub fn new(files: Files, scratch: impl Into<PathBuf>) -> Self {
        Self { files, scratch: scratch.into() }
    }
    /// Makes sure that the files belong to this ledger: two ledgers over one place would each take
    /// the other's files for leftovers. The first that comes leaves its mark.
    pub async fn belongs_to(&self, ledger: &str) -> Answer<()> {
        const MARK: &str = "lake.json";
        let mark = format!("{{\"ledger\":\"{ledger}\",\"version\":1}}\n").into_bytes();
        if self.files.read_small(MARK).await?.is_none() {
            self.files.write(MARK, mark.clone()).await?;
        }
        match self.files.read_small(MARK).await? {
            Some(there) if there == mark => Ok(()),
            _ => {
                let why = "its lake.json names another ledger; give this home a lake of its own, use the home that it belongs to, or, if its ledger was lost, run `watchkeeper lake rebuild`";
                Err(Failure::new("use the lake", why))
            }
        }
    }
}

impl Lake for ParquetLake {
    fn stage<'a>(&'a self, part: &'a Part) -> Future<'a, Answer<Option<File>>> {
        Box::pin(async move {
            // Encoded where it is asked for: on a worker's own thread, whose allocator then reuses
            // the same buffers. On a pool of threads each would keep some (700 MiB instead of 300).
            let Some((file, bytes)) = encode(part)? else {
                return Ok(None);
            };
            self.files.write(&file.path, bytes).await?;
            Ok(Some(file))
        })
    }

    fn stage_run<'a>(
        &'a self,
        table: &'a str,
        day: Day,
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Run>> {
        Box::pin(async move {
            let bytes = runs::encode(keys);
            let path = format!("ids/table={table}/dt={day}/{}.ids", Sha256::of(&bytes));
            self.files.write(&path, bytes).await?;
            Ok(Run { path, table: table.to_owned(), day, keys: keys.len() as u64 })
        })
    }

    fn merge_runs<'a>(&'a self, runs: &'a [Run], keys: &'a [EventKey]) -> Future<'a, Answer<Run>> {
        Box::pin(async move {
            let first = runs.first().ok_or_else(|| Failure::new("merge runs", "there are none"))?;
            let mut all = keys.to_vec();
            for run in runs {
                all.extend(runs::keys(&self.files, &run.path, 0, run.keys).await?);
            }
            all.sort_unstable();
            all.dedup();
            self.stage_run(&first.table, first.day, &all).await
        })
    }

    fn look_up<'a>(
        &'a self,
        runs: &'a [Run],
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Vec<Known>>> {
        Box::pin(async move {
            let mut known = vec![Known::New; keys.len()];
            for run in runs {
                runs::look_up(&self.files, &run.path, run.keys, keys, &mut known).await?;
            }
            Ok(known)
        })
    }

    fn rewrite<'a>(&'a self, rewrite: &'a Rewrite) -> Future<'a, Answer<Rewritten>> {
        Box::pin(rewrite::rewrite(&self.files, &self.scratch, rewrite))
    }

    fn count_dropped<'a>(&'a self, of: &'a Rewrite) -> Future<'a, Answer<Vec<u64>>> {
        Box::pin(rewrite::count_dropped(&self.files, of))
    }

    fn remove<'a>(&'a self, paths: &'a [String]) -> Future<'a, Answer<()>> {
        Box::pin(self.files.remove(paths))
    }

    fn sweep<'a>(&'a self, named: &'a [String], before: Timestamp) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            let named: std::collections::HashSet<&str> = named.iter().map(String::as_str).collect();
            let mut lost = Vec::new();
            for folder in FOLDERS {
                let there = self.files.list(folder).await?;
                lost.extend(
                    there
                        .into_iter()
                        .filter(|(path, at)| *at < before && !named.contains(path.as_str()))
                        .map(|(path, _)| path),
                );
            }
            self.files.remove(&lost).await?;
            Ok(lost.len() as u64)
        })
    }
}

/// Where a file of this content lies.
fn path_of(table: &str, day: Day, sha256: Sha256) -> String {
    format!("data/table={table}/dt={day}/{sha256}.parquet")
}

/// The part as a Parquet file in memory; `None` if it keeps no row.
fn encode(part: &Part) -> Answer<Option<(File, Vec<u8>)>> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Failure::new(format!("encode rows of {} for {}", part.table.name, part.day), e)
    };
    let kept: RecordBatch;
    let batch = match &part.keep {
        None => &part.batch,
        Some(keep) => {
            kept = filter_record_batch(&part.batch, &BooleanArray::from(keep.clone()))
                .map_err(|e| failed(e.into()))?;
            &kept
        }
    };
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let write = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(form::as_it_came(part.table)))?;
        writer.write(batch)?;
        writer.into_inner()
    };
    let bytes = write().map_err(|e| failed(e.into()))?;
    let sha256 = Sha256::of(&bytes);
    let (first, last) = span(batch);
    let file = File {
        path: path_of(part.table.name, part.day, sha256),
        table: part.table.name.to_owned(),
        day: part.day,
        sha256,
        bytes: bytes.len() as u64,
        rows: batch.num_rows() as u64,
        first,
        last,
        layout: 0,
    };
    Ok(Some((file, bytes)))
}

/// Earliest and latest event time.
fn span(batch: &RecordBatch) -> (Timestamp, Timestamp) {
    let times = batch.column(0).as_any().downcast_ref::<TimestampMicrosecondArray>();
    let values = times.map(|t| t.values().as_ref()).unwrap_or_default();
    let at = |t: Option<&i64>| Timestamp::from_micros(t.copied().unwrap_or(0));
    (at(values.iter().min()), at(values.iter().max()))
}

#[cfg(test)]
mod tests;
