//! What a check of the lake asks of the ledger, and the check of the log itself.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;
use wk_model::{Day, Sha256};
use wk_seam::Answer;
use wk_seam::lake::{File, Run};
use wk_seam::ledger::Checkpoint;

use super::{SqliteLedger, digest, failure, file_row, unsigned};
use crate::log::{Tree, leaf_hash, verifies};

/// What the ledger says of the lake's files, at one version.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Files that are visible.
    pub live: Vec<File>,
    /// Files that left the manifest; whether they were removed from storage.
    pub left: Vec<(File, bool)>,
    /// Runs of the id index that count.
    pub runs: Vec<Run>,
    /// Paths that may lie in storage.
    pub named: Vec<String>,
    /// The lines of the log that speak of files, by path, in their order.
    pub leaves: BTreeMap<String, Vec<Value>>,
}

/// What the check of the log found.
#[derive(Debug, Clone, Default)]
pub struct LogCheck {
    /// Number of leaves.
    pub leaves: u64,
    /// Checkpoints whose root is that of the leaves they cover, with a signature of this key.
    pub checkpoints: u64,
    /// Checkpoints of the same leaves that another key signed.
    pub foreign: u64,
    /// The newest checkpoint.
    pub newest: Option<Checkpoint>,
    /// What is proved to be wrong.
    pub problems: Vec<String>,
    /// What leaves of a rebuilt ledger say that they were made from.
    pub rebuilt: Vec<Value>,
}

impl SqliteLedger {
    /// What the ledger says of the lake's files.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn facts(&self) -> Answer<Facts> {
        let named = wk_seam::ledger::Ledger::named_paths(self).await?;
        let facts = self.read("read what is said of files", move |c| {
            let tx = c.unchecked_transaction()?;
            let (live, left) = files(&tx)?;
            let (runs, leaves) = (runs(&tx)?, leaves(&tx)?);
            Ok(Facts { live, left, runs, leaves, named: Vec::new() })
        });
        Ok(Facts { named, ..facts.await? })
    }

    /// Copies the ledger as it is at one moment into a new file, while others write on.
    ///
    /// # Errors
    /// If it cannot be read or the file cannot be made.
    pub async fn copy_to(&self, file: &std::path::Path) -> Answer<()> {
        let name = file.display().to_string();
        self.read("copy", move |c| c.execute("VACUUM INTO ?1", [name]).map(drop)).await
    }

    /// The hash of every leaf of the log, in order: 32 bytes for each.
    ///
    /// # Errors
    /// If it cannot be read, or a leaf is missing.
    pub async fn leaf_hashes(&self) -> Answer<Vec<Sha256>> {
        self.write("read the log", |inner, c| {
            hashes(c).map_err(|e| failure(&inner.path, "read the log of", e))?.ok_or_else(|| {
                let doing = format!("read the log of {}", inner.path.display());
                wk_seam::Failure::new(doing, "a leaf is missing; `watchkeeper verify` says which")
            })
        })
        .await
    }

    /// The leaves of which a member (`path`, `sha256`) has this value, with their places, in their
    /// order.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn leaves_of(&self, member: &'static str, value: &str) -> Answer<Vec<(u64, String)>> {
        let value = value.to_owned();
        self.read("look a file up in the log", move |c| leaves_of(c, member, &value)).await
    }

    /// The newest checkpoint of each size, the largest last.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn checkpoints(&self) -> Answer<Vec<Checkpoint>> {
        self.read("read the checkpoints", checkpoints).await
    }

    /// The tombstones of the log: what was deleted by law or policy, and who authorised it.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn tombstones(&self) -> Answer<Vec<Value>> {
        self.read("read the tombstones", tombstones).await
    }

    /// Checks every leaf and every checkpoint of the log: each is a signed head of a beginning of
    /// the same log.
    ///
    /// # Errors
    /// If it cannot be read; what is wrong is in the answer.
    pub async fn check_log(&self) -> Answer<LogCheck> {
        self.write("check the log", |inner, c| {
            check(c, &inner.signer.verifier())
                .map_err(|e| failure(&inner.path, "check the log of", e))
        })
        .await
    }
}

type Files = (Vec<File>, Vec<(File, bool)>);

fn files(c: &Connection) -> rusqlite::Result<Files> {
    let mut rows = c.prepare(
        "SELECT path, tbl, day, sha256, bytes, rows, first, last, layout,
         removed IS NULL, deleted_at IS NOT NULL FROM file ORDER BY path",
    )?;
    let (mut live, mut left) = (Vec::new(), Vec::new());
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        match row.get(9)? {
            true => live.push(file_row(row)?),
            false => left.push((file_row(row)?, row.get(10)?)),
        }
    }
    Ok((live, left))
}

fn runs(c: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut rows =
        c.prepare("SELECT path, tbl, day, keys FROM run WHERE removed IS NULL ORDER BY path")?;
    rows.query_map([], |r| {
        let (path, table) = (r.get(0)?, r.get(1)?);
        Ok(Run { path, table, day: Day::from_number(r.get(2)?), keys: unsigned(r.get(3)?) })
    })?
    .collect()
}

fn leaves(c: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<Value>>> {
    let mut by_path: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut rows = c.prepare("SELECT line FROM leaf ORDER BY seq")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        // A line that is no JSON is found by the check of the log.
        let leaf: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(path) = leaf["path"].as_str() {
            by_path.entry(path.to_owned()).or_default().push(leaf);
        }
    }
    Ok(by_path)
}

/// None if a leaf is missing.
fn hashes(c: &Connection) -> rusqlite::Result<Option<Vec<Sha256>>> {
    let mut rows = c.prepare("SELECT seq, line FROM leaf ORDER BY seq")?;
    let mut rows = rows.query([])?;
    let mut hashes = Vec::new();
    while let Some(row) = rows.next()? {
        if unsigned(row.get(0)?) != hashes.len() as u64 {
            return Ok(None);
        }
        hashes.push(leaf_hash(row.get_ref(1)?.as_bytes()?));
    }
    Ok(Some(hashes))
}

fn leaves_of(c: &Connection, member: &str, value: &str) -> rusqlite::Result<Vec<(u64, String)>> {
    // The text is looked for first: a log has many leaves, and few of them name this file.
    let mut rows =
        c.prepare("SELECT seq, line FROM leaf WHERE instr(line, ?1) > 0 ORDER BY seq")?;
    let mut rows = rows.query([Value::from(value).to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let line: String = row.get(1)?;
        let leaf: Value = serde_json::from_str(&line).unwrap_or_default();
        if leaf[member] == value {
            found.push((unsigned(row.get(0)?), line));
        }
    }
    Ok(found)
}

fn tombstones(c: &Connection) -> rusqlite::Result<Vec<Value>> {
    let mut rows = c.prepare(
        "SELECT line FROM leaf WHERE instr(line, '\"kind\":\"tombstone\"') > 0 ORDER BY seq",
    )?;
    let mut rows = rows.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        let leaf: Value = serde_json::from_str(&line).unwrap_or_default();
        if leaf["kind"] == "tombstone" {
            found.push(leaf);
        }
    }
    Ok(found)
}

fn check(c: &mut Connection, verifier: &str) -> rusqlite::Result<LogCheck> {
    let tx = c.transaction()?;
    let mut heads = checkpoints(&tx)?.into_iter().peekable();
    let (mut tree, mut found) = (Tree::default(), LogCheck::default());
    let mut rows = tx.prepare("SELECT seq, line FROM leaf ORDER BY seq")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (seq, line) = (unsigned(row.get(0)?), row.get::<_, String>(1)?);
        if seq != tree.size() {
            found.problems.push(format!("leaf {} of the log is missing", tree.size()));
            break;
        }
        let leaf: Value = serde_json::from_str(&line).unwrap_or_default();
        if leaf["kind"] == "rebuilt" {
            found.rebuilt.push(leaf);
        }
        tree.push(leaf_hash(line.as_bytes()));
        while let Some(head) = heads.next_if(|head| head.size == tree.size()) {
            look_at(head, &tree, verifier, &mut found);
        }
    }
    for head in heads {
        found.problems.push(format!(
            "a checkpoint speaks of {} leaves, the log has {}",
            head.size,
            tree.size()
        ));
    }
    if found.foreign > 0 && found.rebuilt.is_empty() {
        found.problems.push(format!("{} checkpoints are not signed by this key", found.foreign));
    }
    found.leaves = tree.size();
    let covered = found.newest.as_ref().map_or(0, |head| head.size);
    if covered < tree.size() && found.problems.is_empty() {
        let open = tree.size() - covered;
        found.problems.push(format!("{open} leaves at the end have no checkpoint"));
    }
    Ok(found)
}

fn look_at(head: Checkpoint, tree: &Tree, verifier: &str, found: &mut LogCheck) {
    if head.root != tree.root() {
        let size = head.size;
        found.problems.push(format!("the first {size} leaves are not those of their checkpoint"));
    } else if verifies(&head.note, tree, verifier) {
        found.checkpoints += 1;
    } else if found.rebuilt.is_empty() {
        found.foreign += 1;
    } else {
        let size = head.size;
        found.problems.push(format!("the checkpoint of {size} leaves is not signed by this key"));
    }
    found.newest = Some(head);
}

fn checkpoints(c: &Connection) -> rusqlite::Result<Vec<Checkpoint>> {
    let mut rows = c.prepare("SELECT size, root, note FROM checkpoint ORDER BY size")?;
    rows.query_map([], |r| {
        let root: Sha256 = digest(r.get(1)?);
        Ok(Checkpoint { size: unsigned(r.get(0)?), root, note: r.get(2)? })
    })?
    .collect()
}
