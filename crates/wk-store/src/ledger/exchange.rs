//! Files that leave the manifest, and those that take their place.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_seam::lake::File;
use wk_seam::ledger::{Exchange, Exchanged, Left, Why};

use super::commit::{append_leaves, insert_file, insert_version, segment, version};
use super::{file_row, holds, signed};
use crate::log::Signer;

/// Makes the exchange true, or nothing of it.
pub(super) fn exchange(
    connection: &mut Connection,
    signer: &Signer,
    exchange: &Exchange,
) -> rusqlite::Result<Exchanged> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if exchange.why != Why::Compacted {
        let held = holds::of(&tx, &exchange.leaving)?;
        if !held.is_empty() {
            return Ok(Exchanged::Held(held));
        }
    }
    let version = version(&tx)? + 1;
    let entering = exchange.entering.len();
    insert_version(&tx, version, exchange.recorded, &exchange.writer, (0, entering))?;
    for file in &exchange.leaving {
        if !let_go(&tx, version, exchange, file)? {
            return Ok(Exchanged::Stale); // dropping the transaction undoes it
        }
    }
    exchange.entering.iter().try_for_each(|file| insert_file(&tx, version, file))?;
    // Whoever was erased must not come back with another delivery of the same event.
    if !matches!(exchange.why, Why::Erased(_)) {
        let_runs_go(&tx, version, exchange)?;
    }
    let entered = exchange.entering.iter().map(|file| segment(version, file));
    let left = exchange.leaving.iter().map(|file| farewell(version, exchange, file));
    let lines: Vec<String> = entered.chain(left).map(|line| line.to_string()).collect();
    append_leaves(&tx, signer, &lines)?;
    tx.commit()?;
    Ok(Exchanged::Done { version })
}

/// Marks a file as one that left; false if it is not visible as it was.
fn let_go(
    tx: &Transaction<'_>,
    version: u64,
    exchange: &Exchange,
    file: &File,
) -> rusqlite::Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE file SET removed = ?3, left_at = ?4, left_why = ?5
             WHERE path = ?1 AND rows = ?2 AND removed IS NULL",
        )?
        .execute(params![
            file.path,
            signed(file.rows),
            signed(version),
            exchange.recorded.micros(),
            word(&exchange.why)
        ])?;
    Ok(changed == 1)
}

fn word(why: &Why) -> &'static str {
    match why {
        Why::Compacted => "compacted",
        Why::Expired(_) => "expired",
        Why::Erased(_) => "erased",
    }
}

/// The line that the log keeps of a file that left: by what it is replaced, or a tombstone.
fn farewell(version: u64, exchange: &Exchange, file: &File) -> Value {
    let by: Vec<&str> = exchange.entering.iter().map(|f| f.path.as_str()).collect();
    let mut line = json!({"by": by, "kind": word(&exchange.why), "path": file.path,
        "recorded": exchange.recorded.to_string(), "rows": file.rows,
        "sha256": file.sha256.to_string(), "version": version});
    let rows = |files: &[File]| files.iter().map(|f| f.rows).sum::<u64>();
    let fewer = rows(&exchange.leaving).saturating_sub(rows(&exchange.entering));
    // Files of which rows stay leave one by one.
    let deleted = if exchange.entering.is_empty() { file.rows } else { fewer };
    if let Why::Erased(erasure) = &exchange.why {
        line = json!({"authorised_by": erasure.authorised_by, "by": by, "kind": "tombstone",
            "path": file.path, "recorded": exchange.recorded.to_string(),
            "request": erasure.request, "rows": file.rows, "rows_deleted": deleted,
            "second_person": erasure.second_person, "sha256": file.sha256.to_string(),
            "version": version});
    }
    if let Why::Expired(authority) = &exchange.why {
        line = json!({"authorised_by": authority.authorised_by, "by": by, "kind": "tombstone",
            "path": file.path, "policy": authority.policy,
            "recorded": exchange.recorded.to_string(), "rows": file.rows,
            "rows_deleted": deleted, "second_person": authority.second_person,
            "sha256": file.sha256.to_string(), "terms": authority.terms, "version": version});
    }
    line
}

/// Where no file of a table and day stays, its runs of the id index leave too.
fn let_runs_go(tx: &Transaction<'_>, version: u64, exchange: &Exchange) -> rusqlite::Result<()> {
    for file in &exchange.leaving {
        tx.prepare_cached(
            "UPDATE run SET removed = ?3, removed_at = ?4
             WHERE tbl = ?1 AND day = ?2 AND removed IS NULL AND NOT EXISTS
                 (SELECT 1 FROM file WHERE tbl = ?1 AND day = ?2 AND removed IS NULL)",
        )?
        .execute(params![
            file.table,
            file.day.number(),
            signed(version),
            exchange.recorded.micros()
        ])?;
    }
    Ok(())
}

/// Files that left and lie in storage still.
pub(super) fn left(c: &Connection) -> rusqlite::Result<Vec<Left>> {
    let mut rows = c.prepare(
        "SELECT path, tbl, day, sha256, bytes, rows, first, last, layout, left_at FROM file
         WHERE removed IS NOT NULL AND deleted_at IS NULL ORDER BY left_at, path",
    )?;
    rows.query_map([], |r| Ok(Left { file: file_row(r)?, at: Timestamp::from_micros(r.get(9)?) }))?
        .collect()
}

/// Notes that files were removed from storage.
pub(super) fn removed(
    connection: &mut Connection,
    paths: &[String],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut note = tx.prepare(
            "UPDATE file SET deleted_at = ?2
             WHERE path = ?1 AND removed IS NOT NULL AND deleted_at IS NULL",
        )?;
        for path in paths {
            note.execute(params![path, at.micros()])?;
        }
    }
    tx.commit()
}
