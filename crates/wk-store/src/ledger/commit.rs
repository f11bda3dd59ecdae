//! The one transaction that makes things true.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde_json::json;
use wk_model::digest::Sha256Writer;
use wk_model::{Day, Sha256, Tally, Timestamp};
use wk_seam::lake::{File, Run};
use wk_seam::ledger::{Commit, Committed, ObjectRow};

use super::{digest, findings, signed, states, unsigned, watch};
use crate::log::{Signer, Tree, leaf_hash};

/// Makes the commit true, or answers what makes it stale.
pub(super) fn commit(
    connection: &mut Connection,
    signer: &Signer,
    commit: &Commit,
) -> rusqlite::Result<Committed> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let objects = objects_there(&tx, &commit.objects)?;
    let overtaken = match &commit.turn {
        Some(turn) => states::taken(&tx)? != turn.from,
        None => false,
    };
    if !objects.is_empty() || overtaken || runs_changed(&tx, commit)? {
        return Ok(Committed::Stale { objects }); // dropping the transaction undoes it
    }
    if let Some(turn) = &commit.turn {
        states::take(&tx, turn)?;
        if commit.folded.is_empty() {
            let version = version(&tx)?;
            tx.commit()?;
            return Ok(Committed::Done { version });
        }
    }
    let version = version(&tx)? + 1;
    let counts = (commit.objects.len(), commit.files.len());
    insert_version(&tx, version, commit.recorded, &commit.writer, counts)?;
    insert_objects(&tx, version, &commit.objects)?;
    commit.files.iter().try_for_each(|file| insert_file(&tx, version, file))?;
    insert_runs(&tx, version, commit)?;
    findings::fold(&tx, version, commit)?;
    watch::add(&tx, commit)?;
    states::wait(&tx, version, &commit.signals)?;
    append_leaves(&tx, signer, &leaves(version, commit))?;
    tx.commit()?;
    Ok(Committed::Done { version })
}

/// The newest version; 0 before the first.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM version", [], |r| r.get(0))
        .map(unsigned)
}

/// Notes a new version: when, by whom, how many objects and files it brings.
pub(super) fn insert_version(
    tx: &Transaction<'_>,
    version: u64,
    recorded: Timestamp,
    writer: &str,
    (objects, files): (usize, usize),
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO version VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            signed(version),
            recorded.micros(),
            writer,
            signed(objects as u64),
            signed(files as u64)
        ],
    )
    .map(drop)
}

/// The runs of a table and day that hold its keys now.
pub(super) fn live_runs(c: &Connection, table: &str, day: Day) -> rusqlite::Result<Vec<Run>> {
    let mut rows = c.prepare_cached(
        "SELECT path, keys FROM run WHERE tbl = ?1 AND day = ?2 AND removed IS NULL ORDER BY path",
    )?;
    rows.query_map(params![table, day.number()], |r| {
        Ok(Run { path: r.get(0)?, table: table.to_owned(), day, keys: unsigned(r.get(1)?) })
    })?
    .collect()
}

fn objects_there(tx: &Transaction<'_>, objects: &[ObjectRow]) -> rusqlite::Result<Vec<Sha256>> {
    let mut known = tx.prepare_cached("SELECT 1 FROM object WHERE identity = ?1")?;
    let mut there = Vec::new();
    for object in objects {
        if known.exists([&object.identity.0[..]])? {
            there.push(object.identity);
        }
    }
    Ok(there)
}

/// Whether another process added runs for these days since they were checked, or replaced one
/// that this commit replaces.
fn runs_changed(tx: &Transaction<'_>, commit: &Commit) -> rusqlite::Result<bool> {
    let mut newer = tx.prepare_cached(
        "SELECT 1 FROM run WHERE tbl = ?1 AND day = ?2 AND added > ?3 AND writer <> ?4",
    )?;
    let mut live = tx.prepare_cached("SELECT 1 FROM run WHERE path = ?1 AND removed IS NULL")?;
    for (run, replaced) in &commit.runs {
        let since = signed(commit.checked_at);
        if newer.exists(params![run.table, run.day.number(), since, commit.writer])? {
            return Ok(true);
        }
        for old in replaced {
            if !live.exists([&old.path])? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn insert_objects(
    tx: &Transaction<'_>,
    version: u64,
    objects: &[ObjectRow],
) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached("INSERT INTO object VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut complain = tx.prepare_cached(
        "INSERT INTO complaint (object, source, position, reason, sample, kept)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
    for object in objects {
        let identity = &object.identity.0[..];
        let modified = object.modified.micros();
        insert.execute(params![
            identity,
            object.uri,
            signed(object.size),
            modified,
            signed(version)
        ])?;
        for c in &object.complaints {
            let position = signed(c.position);
            complain.execute(params![identity, c.source, position, c.reason, c.sample, c.kept])?;
        }
        for (source, tally) in &object.tallies {
            sums.entry(source).or_default().add(*tally);
        }
    }
    let mut insert = tx.prepare_cached("INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (source, t) in sums {
        let n = [t.read, t.stored, t.duplicates, t.complaints].map(signed);
        insert.execute(params![signed(version), source, n[0], n[1], n[2], n[3]])?;
    }
    Ok(())
}

pub(super) fn insert_file(tx: &Transaction<'_>, version: u64, file: &File) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO file (path, tbl, day, sha256, bytes, rows, first, last, added, layout)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        file.path,
        file.table,
        file.day.number(),
        &file.sha256.0[..],
        signed(file.bytes),
        signed(file.rows),
        file.first.micros(),
        file.last.micros(),
        signed(version),
        file.layout
    ])
    .map(drop)
}

fn insert_runs(tx: &Transaction<'_>, version: u64, commit: &Commit) -> rusqlite::Result<()> {
    for (run, replaced) in &commit.runs {
        for old in replaced {
            tx.prepare_cached("UPDATE run SET removed = ?2, removed_at = ?3 WHERE path = ?1")?
                .execute(params![old.path, signed(version), commit.recorded.micros()])?;
        }
        // Merging can give a file that was there before: then it lives again.
        tx.prepare_cached(
            "INSERT OR REPLACE INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL)",
        )?
        .execute(params![
            run.path,
            run.table,
            run.day.number(),
            signed(run.keys),
            commit.writer,
            signed(version)
        ])?;
    }
    Ok(())
}

/// The lines that the log keeps of a commit: one for the objects, one for each file. Canonical
/// JSON: members sorted by name.
fn leaves(version: u64, commit: &Commit) -> Vec<String> {
    let mut lines = Vec::new();
    if !commit.objects.is_empty() {
        let mut list = Sha256Writer::default();
        for object in &commit.objects {
            list.write(format!("{} {}\n", object.identity, object.uri).as_bytes());
        }
        let (kind, count, list) = ("objects", commit.objects.len(), list.finish().to_string());
        let recorded = commit.recorded.to_string();
        lines.push(json!({"count": count, "kind": kind, "list": list, "recorded": recorded, "version": version}));
    }
    lines.extend(commit.files.iter().map(|f| segment(version, f)));
    lines.iter().map(ToString::to_string).collect()
}

/// The line of a file that becomes visible.
pub(super) fn segment(version: u64, f: &File) -> serde_json::Value {
    json!({"bytes": f.bytes, "first": f.first.to_string(), "kind": "segment",
        "last": f.last.to_string(), "path": f.path, "rows": f.rows,
        "sha256": f.sha256.to_string(), "version": version})
}

pub(super) fn append_leaves(
    tx: &Transaction<'_>,
    signer: &Signer,
    lines: &[String],
) -> rusqlite::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut tree = tree(tx)?;
    let mut insert = tx.prepare_cached("INSERT INTO leaf VALUES (?1, ?2)")?;
    for line in lines {
        insert.execute(params![signed(tree.size()), line])?;
        tree.push(leaf_hash(line.as_bytes()));
    }
    tx.execute("DELETE FROM frontier", [])?;
    for (place, root) in tree.frontier().iter().enumerate() {
        tx.execute(
            "INSERT INTO frontier VALUES (?1, ?2)",
            params![signed(place as u64), &root.0[..]],
        )?;
    }
    let note = signer.checkpoint(&tree);
    let root = tree.root();
    tx.execute(
        "INSERT INTO checkpoint VALUES (?1, ?2, ?3)",
        params![signed(tree.size()), &root.0[..], note],
    )?;
    Ok(())
}

/// The tree as the last commit left it.
fn tree(tx: &Transaction<'_>) -> rusqlite::Result<Tree> {
    let size: Option<i64> =
        tx.query_row("SELECT max(size) FROM checkpoint", [], |r| r.get(0)).optional()?.flatten();
    let mut rows = tx.prepare("SELECT root FROM frontier ORDER BY place")?;
    let frontier: Vec<Sha256> =
        rows.query_map([], |r| r.get(0).map(digest))?.collect::<rusqlite::Result<_>>()?;
    Tree::resume(unsigned(size.unwrap_or(0)), frontier).ok_or_else(|| {
        rusqlite::Error::InvalidColumnName("the log's frontier does not fit its size".into())
    })
}
