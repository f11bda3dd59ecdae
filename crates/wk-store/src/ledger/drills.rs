//! Drills that were held, each with a leaf in the log.

use rusqlite::{TransactionBehavior, params};
use serde_json::json;
use wk_model::drill::Drilled;
use wk_seam::Answer;

use super::commit::append_leaves;
use super::{SqliteLedger, failure, signed};

impl SqliteLedger {
    /// Keeps what came of a drill, and a leaf of it in the log.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub async fn note_drill(&self, drilled: &Drilled) -> Answer<()> {
        let drilled = drilled.clone();
        self.write("note a drill", move |inner, c| {
            let failed = |e| failure(&inner.path, "note a drill in", e);
            let steps: Vec<_> = drilled
                .steps
                .iter()
                .map(|s| json!({"how": s.how.as_str(), "name": s.name, "said": s.said}))
                .collect();
            let body = json!({"at": drilled.at.to_string(), "name": drilled.name, "steps": steps});
            let leaf = json!({"at": drilled.at.to_string(), "kind": "drill",
                "name": drilled.name, "passed": drilled.passed(), "steps": steps});
            let tx = c.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            tx.execute(
                "INSERT INTO drill (name, at, passed, body) VALUES (?1, ?2, ?3, ?4)",
                params![drilled.name, drilled.at.micros(), drilled.passed(), body.to_string()],
            )
            .map_err(failed)?;
            append_leaves(&tx, &inner.signer, &[leaf.to_string()]).map_err(failed)?;
            tx.commit().map_err(failed)
        })
        .await
    }

    /// Drills that were held, newest first, at most `limit`.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub async fn drills(&self, limit: usize) -> Answer<Vec<Drilled>> {
        self.read("list drills", move |c| {
            let mut rows = c.prepare("SELECT body FROM drill ORDER BY seq DESC LIMIT ?1")?;
            let read = |body: String| {
                serde_json::from_str(&body).map_err(|e| {
                    rusqlite::Error::FromSqlConversionFailure(
                        0,
                        rusqlite::types::Type::Text,
                        e.into(),
                    )
                })
            };
            rows.query_map([signed(limit as u64)], |r| read(r.get(0)?))?.collect()
        })
        .await
    }
}
