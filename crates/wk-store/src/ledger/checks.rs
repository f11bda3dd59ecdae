//! What earlier verifications proved, as leaves of the log.

use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};
use wk_model::{Sha256, Timestamp};
use wk_seam::Answer;

use super::commit::append_leaves;
use super::{SqliteLedger, failure};

/// A chain of CloudTrail's digests that was proved up to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestCheck {
    /// The name of the chain: place, region, trail.
    pub chain: String,
    /// Where the last digest lies that is proved with all before it.
    pub subject: String,
    /// Its key.
    pub key: String,
    /// Hash of its uncompressed content.
    pub sha256: Sha256,
    /// Its signature in hexadecimal.
    pub signature: String,
    /// The end of what it covers.
    pub end: Timestamp,
    /// Digests that the run proved.
    pub digests: u64,
    /// Logs that the run proved.
    pub logs: u64,
    /// What the run said: `proven`, `invalid` or `incomplete`.
    pub verdict: String,
    /// When it ran.
    pub recorded: Timestamp,
}

impl SqliteLedger {
    /// Keeps what was proved, in one transaction.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn note_digest_checks(&self, checks: &[DigestCheck]) -> Answer<()> {
        let lines: Vec<String> = checks.iter().map(line).collect();
        self.write("note what was verified", move |inner, c| {
            let mut note = || {
                let tx = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
                append_leaves(&tx, &inner.signer, &lines)?;
                tx.commit()
            };
            note().map_err(|e| failure(&inner.path, "note what was verified in", e))
        })
        .await
    }

    /// The last check of each chain, in no order.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn digest_checks(&self) -> Answer<Vec<DigestCheck>> {
        self.read("read what was verified", checks).await
    }
}

/// Canonical JSON: members sorted by name.
fn line(check: &DigestCheck) -> String {
    json!({"chain": check.chain, "digests": check.digests, "end": check.end.to_string(),
        "key": check.key, "kind": "digest-check", "logs": check.logs,
        "recorded": check.recorded.to_string(), "sha256": check.sha256.to_string(),
        "signature": check.signature, "subject": check.subject, "verdict": check.verdict})
    .to_string()
}

fn checks(c: &Connection) -> rusqlite::Result<Vec<DigestCheck>> {
    let mut rows = c.prepare(
        "SELECT line FROM leaf WHERE instr(line, '\"kind\":\"digest-check\"') > 0 ORDER BY seq",
    )?;
    let mut rows = rows.query([])?;
    let mut last = std::collections::BTreeMap::new();
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        // A line that is no JSON is found by the check of the log.
        let leaf: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(check) = read(&leaf) {
            last.insert(check.chain.clone(), check);
        }
    }
    Ok(last.into_values().collect())
}

fn read(leaf: &Value) -> Option<DigestCheck> {
    let text = |name: &str| leaf[name].as_str().map(str::to_owned);
    let time = |name: &str| Timestamp::parse(leaf[name].as_str()?).ok();
    if leaf["kind"] != "digest-check" {
        return None;
    }
    Some(DigestCheck {
        chain: text("chain")?,
        subject: text("subject")?,
        key: text("key")?,
        sha256: Sha256::parse(leaf["sha256"].as_str()?)?,
        signature: text("signature")?,
        end: time("end")?,
        digests: leaf["digests"].as_u64()?,
        logs: leaf["logs"].as_u64()?,
        verdict: text("verdict")?,
        recorded: time("recorded")?,
    })
}
