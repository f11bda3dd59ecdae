//! The lake's files against what the ledger and its log say of them.
//!
//! * Nothing is changed here; what is wrong is told file by file.
//! * What is proved wrong and what could not be read are told apart.

use std::collections::{BTreeMap, BTreeSet};

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use wk_model::digest::Sha256Writer;
use wk_model::{Sha256, Timestamp};
use wk_seam::Answer;
use wk_seam::lake::File;

use crate::files::{Entry, Files};
use crate::ledger::audit::Facts;
use crate::runs;

/// What is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's path below the root of the lake.
    pub path: String,
    /// What is wrong, as a sentence without a final stop.
    pub what: String,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Visible files, their bytes and rows as the ledger has them.
    pub files: (u64, u64, u64),
    /// Runs of the id index.
    pub runs: u64,
    /// Files whose content was read and hashed.
    pub hashed: u64,
    /// What is proved to be wrong.
    pub problems: Vec<Problem>,
    /// What could not be read, and why.
    pub unread: Vec<Problem>,
    /// Files that nothing names.
    pub orphans: Vec<Entry>,
}

/// How much of a file is read at a time.
const BLOCK_BYTES: u64 = 4 << 20;
/// Footers above this are not believed.
const FOOTER_BYTES_MAX: u64 = 64 << 20;

/// Checks every file of the lake. `deep`: their content too.
///
/// # Errors
/// If the lake's files cannot be listed.
pub async fn check(files: &Files, facts: &Facts, deep: bool) -> Answer<Checked> {
    let mut there = BTreeMap::new();
    for folder in crate::lake::FOLDERS {
        let entries = files.entries(folder).await?;
        there.extend(entries.into_iter().map(|entry| (entry.path.clone(), entry)));
    }
    let mut checked = Checked::default();
    manifest(facts, &there, &mut checked);
    against_log(facts, &mut checked);
    index(facts, &there, &mut checked);
    if deep {
        content(files, facts, &there, &mut checked).await;
    }
    let named: BTreeSet<&str> = facts.named.iter().map(String::as_str).collect();
    checked.orphans =
        there.into_values().filter(|entry| !named.contains(entry.path.as_str())).collect();
    Ok(checked)
}

impl Checked {
    fn wrong(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), what: what.into() });
    }
}

/// Every visible file is there, as large as it was.
fn manifest(facts: &Facts, there: &BTreeMap<String, Entry>, checked: &mut Checked) {
    for file in &facts.live {
        let (files, bytes, rows) = checked.files;
        checked.files = (files + 1, bytes + file.bytes, rows + file.rows);
        if !file.path.contains(&file.sha256.to_string()) {
            checked.wrong(&file.path, "its name is not the SHA-256 that the ledger has of it");
        }
        match there.get(&file.path) {
            None => checked.wrong(
                &file.path,
                format!("is lost: {} rows of {} on {}", file.rows, file.table, file.day),
            ),
            Some(entry) if entry.bytes != file.bytes => checked
                .wrong(&file.path, format!("has {} bytes instead of {}", entry.bytes, file.bytes)),
            Some(_) => {}
        }
    }
}

/// What the ledger says of a file is what the log says: how it came, and if it left, that too.
fn against_log(facts: &Facts, checked: &mut Checked) {
    let entered = |file: &File| {
        let leaves = facts.leaves.get(&file.path).map(Vec::as_slice).unwrap_or_default();
        leaves.iter().rev().find(|leaf| leaf["kind"] == "segment")
    };
    let left = facts.left.iter().map(|(file, _)| file);
    for file in facts.live.iter().chain(left.clone()) {
        match entered(file) {
            None => checked.wrong(&file.path, "the log has no leaf of it"),
            Some(leaf) => {
                let (rows, sha256) = (leaf["rows"].as_u64(), leaf["sha256"].as_str());
                if rows != Some(file.rows) || sha256 != Some(&file.sha256.to_string()) {
                    checked.wrong(&file.path, "ledger and log do not say the same of it");
                }
            }
        }
    }
    for file in left.clone() {
        let leaves = facts.leaves.get(&file.path).map(Vec::as_slice).unwrap_or_default();
        if !leaves.iter().any(|leaf| leaf["kind"] != "segment") {
            checked.wrong(&file.path, "it left, but the log has no leaf that says so");
        }
    }
    let known: BTreeSet<&str> =
        facts.live.iter().chain(left).map(|file| file.path.as_str()).collect();
    for path in facts.leaves.keys().filter(|path| !known.contains(path.as_str())) {
        checked.wrong(path, "the log speaks of it, the ledger does not know it");
    }
}

/// Every run of the id index is there, as large as its number of keys says.
fn index(facts: &Facts, there: &BTreeMap<String, Entry>, checked: &mut Checked) {
    for run in &facts.runs {
        checked.runs += 1;
        let expected = runs::bytes_of(run.keys);
        match there.get(&run.path).map(|entry| entry.bytes) {
            None => checked.wrong(&run.path, "is lost: the id index of that day is incomplete"),
            Some(bytes) if bytes != expected => {
                checked.wrong(&run.path, format!("has {bytes} bytes instead of {expected}"));
            }
            Some(_) => {}
        }
    }
}

/// What the files hold: their SHA-256, and of data the rows and times, of runs the order.
async fn content(
    files: &Files,
    facts: &Facts,
    there: &BTreeMap<String, Entry>,
    checked: &mut Checked,
) {
    for file in &facts.live {
        let Some(entry) = there.get(&file.path) else { continue };
        match data(files, file, entry.bytes).await {
            Ok(found) => found.into_iter().for_each(|what| checked.wrong(&file.path, what)),
            Err(e) => {
                let what = chain(&e);
                checked.unread.push(Problem { path: file.path.clone(), what });
                continue;
            }
        }
        checked.hashed += 1;
    }
    for run in &facts.runs {
        let Some(entry) = there.get(&run.path) else { continue };
        let named = run.path.rsplit('/').next().and_then(|n| n.strip_suffix(".ids"));
        let digest = match digest_of(files, &run.path, entry.bytes).await {
            Ok(digest) => digest,
            Err(e) => {
                checked.unread.push(Problem { path: run.path.clone(), what: chain(&e) });
                continue;
            }
        };
        checked.hashed += 1;
        // The name is the hash of keys that were sorted.
        if named != Some(digest.to_string().as_str()) {
            checked.wrong(&run.path, format!("its SHA-256 is {digest}"));
        } else if !runs::is_sorted(files, &run.path, run.keys).await.unwrap_or(false) {
            checked.wrong(&run.path, "its keys are not sorted");
        }
    }
}

async fn data(files: &Files, file: &File, bytes: u64) -> Answer<Vec<String>> {
    let digest = digest_of(files, &file.path, bytes).await?;
    let mut found = Vec::new();
    if digest != file.sha256 {
        found.push(format!("its SHA-256 is {digest}"));
    }
    match footer(files, &file.path, bytes).await? {
        Err(why) => found.push(why),
        Ok(metadata) => {
            let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
            if rows != file.rows {
                found.push(format!("holds {rows} rows instead of {}", file.rows));
            }
            match span(&metadata) {
                Some((first, last)) if (first, last) != (file.first, file.last) => {
                    found.push(format!(
                        "holds events of {first} to {last}, the ledger says {} to {}",
                        file.first, file.last
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// The SHA-256 of a file, read in blocks.
pub(crate) async fn digest_of(files: &Files, path: &str, bytes: u64) -> Answer<Sha256> {
    let mut digest = Sha256Writer::default();
    let mut offset = 0;
    while offset < bytes {
        let block = files.read(path, offset, BLOCK_BYTES.min(bytes - offset)).await?;
        if block.is_empty() {
            break;
        }
        offset += block.len() as u64;
        digest.write(&block);
    }
    Ok(digest.finish())
}

/// The footer of a Parquet file, or what is wrong with it.
pub(crate) async fn footer(
    files: &Files,
    path: &str,
    bytes: u64,
) -> Answer<Result<ParquetMetaData, String>> {
    let broken = || Err("is not a whole Parquet file".to_owned());
    if bytes < 12 {
        return Ok(broken());
    }
    let tail = files.read(path, bytes - 8, 8).await?;
    let Some((length, magic)) = tail.split_first_chunk::<4>() else { return Ok(broken()) };
    let length = u64::from(u32::from_le_bytes(*length));
    if magic != b"PAR1" || length > FOOTER_BYTES_MAX || length + 8 > bytes {
        return Ok(broken());
    }
    let footer = files.read(path, bytes - 8 - length, length).await?;
    Ok(ParquetMetaDataReader::decode_metadata(&footer)
        .map_err(|e| format!("is not a whole Parquet file: {e}")))
}

/// Earliest and latest event time, where every row group says so.
pub(crate) fn span(metadata: &ParquetMetaData) -> Option<(Timestamp, Timestamp)> {
    let mut span: Option<(i64, i64)> = None;
    for group in metadata.row_groups() {
        let Some(Statistics::Int64(times)) = group.columns().first()?.statistics() else {
            return None;
        };
        let (first, last) = (*times.min_opt()?, *times.max_opt()?);
        span = Some(span.map_or((first, last), |(f, l)| (f.min(first), l.max(last))));
    }
    span.map(|(first, last)| (Timestamp::from_micros(first), Timestamp::from_micros(last)))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = [text, inner.to_string()].join(": ");
        source = inner.source();
    }
    text
}
