//! Holds, and the retention policies that were applied.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use serde_json::json;
use wk_model::Timestamp;
use wk_model::hold::{Hold, Release};
use wk_seam::lake::File;
use wk_seam::ledger::Applied;

use super::commit::append_leaves;
use crate::log::Signer;

/// The names of the holds that keep one of these files now.
pub(super) fn of(c: &Connection, files: &[File]) -> rusqlite::Result<Vec<String>> {
    let keeps =
        |hold: &Hold| hold.is_active() && files.iter().any(|f| hold.scope.covers(&f.table, f.day));
    Ok(list(c)?.into_iter().filter(keeps).map(|hold| hold.id).collect())
}

/// Every hold, oldest first.
pub(super) fn list(c: &Connection) -> rusqlite::Result<Vec<Hold>> {
    let mut rows = c.prepare_cached("SELECT body FROM hold ORDER BY placed_at, id")?;
    rows.query_map([], |r| serde_json::from_str(&r.get::<_, String>(0)?).map_err(broken))?.collect()
}

pub(super) fn place(
    connection: &mut Connection,
    signer: &Signer,
    hold: &Hold,
    placed_at: Timestamp,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute(
        "INSERT INTO hold VALUES (?1, ?2, ?3, NULL)",
        params![hold.id, to_json(hold)?, placed_at.micros()],
    )?;
    let line = json!({"by": hold.by, "id": hold.id, "kind": "hold", "placed": hold.placed,
        "reason": hold.reason, "scope": hold.scope.to_string(),
        "second_person": hold.second_person});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()
}

/// False if no hold of this name counts.
pub(super) fn release(
    connection: &mut Connection,
    signer: &Signer,
    id: &str,
    how: &Release,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(mut hold) = list(&tx)?.into_iter().find(|h| h.id == id && h.is_active()) else {
        return Ok(false);
    };
    hold.released = Some(how.clone());
    tx.execute(
        "UPDATE hold SET body = ?2, released_at = ?3 WHERE id = ?1",
        params![id, to_json(&hold)?, at.micros()],
    )?;
    let line = json!({"at": how.at, "by": how.by, "id": id, "kind": "hold-released",
        "reason": how.reason, "second_person": how.second_person});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()?;
    Ok(true)
}

pub(super) fn apply(
    connection: &mut Connection,
    signer: &Signer,
    applied: &Applied,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let digest = applied.policy.digest();
    let body = json!({"authorised_by": applied.authorised_by, "classes": applied.policy,
        "second_person": applied.second_person});
    tx.execute(
        "INSERT INTO policy (digest, body, applied_at) VALUES (?1, ?2, ?3)",
        params![&digest.0[..], body.to_string(), applied.at.micros()],
    )?;
    let line = json!({"at": applied.at.to_string(), "authorised_by": applied.authorised_by,
        "classes": applied.policy, "kind": "retention", "policy": digest.to_string(),
        "second_person": applied.second_person});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()
}

/// The policy that was applied last.
pub(super) fn applied(c: &Connection) -> rusqlite::Result<Option<Applied>> {
    let newest = "SELECT body, applied_at FROM policy ORDER BY seq DESC LIMIT 1";
    c.query_row(newest, [], |r| {
        let body = r.get::<_, String>(0)?;
        let mut body: serde_json::Value = serde_json::from_str(&body).map_err(broken)?;
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        Ok(Applied {
            authorised_by: text(&body["authorised_by"]).unwrap_or_default(),
            second_person: text(&body["second_person"]),
            policy: serde_json::from_value(body["classes"].take()).map_err(broken)?,
            at: Timestamp::from_micros(r.get(1)?),
        })
    })
    .optional()
}

fn to_json(hold: &Hold) -> rusqlite::Result<String> {
    serde_json::to_string(hold).map_err(broken)
}

fn broken(e: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e))
}
