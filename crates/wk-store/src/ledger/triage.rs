//! Triage in the ledger: steps, exceptions, sets of rules; each with a line in the log.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior, params, params_from_iter,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wk_model::exception::Revocation;
use wk_model::finding::FindingId;
use wk_model::triage::{Deed, Disposition, Step, Update};
use wk_model::{Exception, Finding, Sha256, Timestamp};
use wk_seam::triage::{KnownRule, KnownRules, RuleSetChange, Stepped, Steps, Triage};
use wk_seam::{Answer, Future};

use super::commit::{append_leaves, insert_version, version};
use super::{SqliteLedger, failure, signed};
use crate::log::Signer;

impl Triage for SqliteLedger {
    fn keep_steps<'a>(&'a self, steps: &'a Steps) -> Future<'a, Answer<Stepped>> {
        let steps = steps.clone();
        Box::pin(self.write("keep steps", move |inner, c| {
            keep(c, &inner.signer, &steps).map_err(|e| failure(&inner.path, "keep steps in", e))
        }))
    }

    fn steps<'a>(&'a self, of: Option<&'a FindingId>) -> Future<'a, Answer<Vec<Step>>> {
        let of = of.map(|id| id.0.clone());
        Box::pin(self.read("read steps", move |c| {
            let all = "SELECT body FROM triage ORDER BY seq";
            let one = "SELECT body FROM triage WHERE finding = ?1 ORDER BY seq";
            let mut rows = c.prepare_cached(if of.is_some() { one } else { all })?;
            rows.query_map(params_from_iter(of), |r| read(&r.get::<_, String>(0)?))?.collect()
        }))
    }

    fn of_rules<'a>(&'a self, rules: &'a [String]) -> Future<'a, Answer<Vec<Finding>>> {
        let rules = rules.to_vec();
        Box::pin(self.read("read findings", move |c| {
            let mut found = Vec::new();
            for rule in &rules {
                let mut rows = c.prepare_cached("SELECT body FROM finding WHERE rule = ?1")?;
                let bodies = rows.query_map([rule], |r| read(&r.get::<_, String>(0)?))?;
                found.extend(bodies.collect::<rusqlite::Result<Vec<Finding>>>()?);
            }
            Ok(found)
        }))
    }

    fn known_since(&self) -> Future<'_, Answer<BTreeMap<FindingId, Timestamp>>> {
        Box::pin(self.read("read findings", |c| {
            // A row from a journal of an earlier form does not say it.
            let mut rows = c.prepare_cached(
                "SELECT id, CASE known WHEN 0 THEN last_seen ELSE known END FROM finding",
            )?;
            rows.query_map([], |r| Ok((FindingId(r.get(0)?), Timestamp::from_micros(r.get(1)?))))?
                .collect()
        }))
    }

    fn updates<'a>(&'a self, of: &'a FindingId) -> Future<'a, Answer<Vec<Update>>> {
        let of = of.0.clone();
        Box::pin(self.read("read updates", move |c| {
            let of_one = "SELECT body FROM report WHERE finding = ?1 ORDER BY seq";
            let mut rows = c.prepare_cached(of_one)?;
            rows.query_map([of], |r| read(&r.get::<_, String>(0)?))?.collect()
        }))
    }

    fn grant<'a>(&'a self, exception: &'a Exception) -> Future<'a, Answer<()>> {
        let exception = exception.clone();
        Box::pin(self.write("grant an exception", move |inner, c| {
            grant(c, &inner.signer, &exception)
                .map_err(|e| failure(&inner.path, "grant an exception in", e))
        }))
    }

    fn revoke<'a>(&'a self, id: &'a str, how: &'a Revocation) -> Future<'a, Answer<bool>> {
        let (id, how) = (id.to_owned(), how.clone());
        Box::pin(self.write("revoke an exception", move |inner, c| {
            revoke(c, &inner.signer, &id, &how)
                .map_err(|e| failure(&inner.path, "revoke an exception in", e))
        }))
    }

    fn exceptions(&self) -> Future<'_, Answer<Vec<Exception>>> {
        Box::pin(self.read("list exceptions", list))
    }

    fn note_rules<'a>(
        &'a self,
        change: &'a RuleSetChange,
        rules: &'a [KnownRule],
    ) -> Future<'a, Answer<bool>> {
        let (change, rules) = (change.clone(), rules.to_vec());
        Box::pin(self.write("note the rules", move |inner, c| {
            note_rules(c, &inner.signer, &change, &rules)
                .map_err(|e| failure(&inner.path, "note the rules in", e))
        }))
    }

    fn known_rules(&self) -> Future<'_, Answer<Option<KnownRules>>> {
        Box::pin(self.read("read the rules", |c| {
            let newest = "SELECT hash, rules FROM ruleset ORDER BY seq DESC LIMIT 1";
            let row = |r: &rusqlite::Row<'_>| {
                Ok(KnownRules { hash: r.get(0)?, rules: read(&r.get::<_, String>(1)?)? })
            };
            c.query_row(newest, [], row).optional()
        }))
    }

    fn rule_changes(&self, max: usize) -> Future<'_, Answer<Vec<RuleSetChange>>> {
        Box::pin(self.read("list changes of rules", move |c| {
            let newest = "SELECT body FROM ruleset ORDER BY seq DESC LIMIT ?1";
            let mut rows = c.prepare_cached(newest)?;
            rows.query_map([signed(max as u64)], |r| read(&r.get::<_, String>(0)?))?.collect()
        }))
    }
}

/// Keeps an update of a finding that another product keeps.
pub(super) fn note_update(tx: &Transaction<'_>, update: &Update) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO report (finding, body) VALUES (?1, ?2)")?
        .execute(params![update.finding.0, write(update)?])
        .map(drop)
}

fn keep(connection: &mut Connection, signer: &Signer, steps: &Steps) -> rusqlite::Result<Stepped> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (finding, count) in &steps.seen {
        let there =
            "SELECT (SELECT count(*) FROM triage WHERE finding = ?1) FROM finding WHERE id = ?1";
        let there: Option<i64> =
            tx.prepare_cached(there)?.query_row([&finding.0], |r| r.get(0)).optional()?;
        if there != Some(signed(*count)) {
            return Ok(Stepped::Stale);
        }
    }
    let mut lines = Vec::new();
    let mut insert =
        tx.prepare_cached("INSERT INTO triage (finding, nth, body) VALUES (?1, ?2, ?3)")?;
    for step in &steps.steps {
        insert.execute(params![step.finding.0, signed(step.nth), write(step)?])?;
        lines.push(line(step).to_string());
    }
    drop(insert);
    let reopened: Vec<&Step> =
        steps.steps.iter().filter(|step| step.deed == Deed::Reopened).collect();
    if let Some(first) = reopened.first() {
        let next = version(&tx)? + 1;
        insert_version(&tx, next, first.at, "triage", (0, 0))?;
        let mut touch = tx.prepare_cached("UPDATE finding SET changed = ?2 WHERE id = ?1")?;
        for step in reopened {
            touch.execute(params![step.finding.0, signed(next)])?;
        }
    }
    if let Some((id, at)) = &steps.settles {
        let found = list(&tx)?.into_iter().find(|exception| exception.id == *id);
        let Some(mut exception) = found else { return Ok(Stepped::Stale) };
        exception.settled = Some(*at);
        set(&tx, &exception)?;
        let line = json!({"at": at.to_string(), "findings": steps.steps.len(), "id": id,
            "kind": "exception-ended"});
        lines.push(line.to_string());
    }
    append_leaves(&tx, signer, &lines)?;
    tx.commit()?;
    Ok(Stepped::Done)
}

/// The line of a step for the log. Members are sorted by name.
fn line(step: &Step) -> serde_json::Value {
    let mut line = json!({"at": step.at.to_string(), "by": step.who, "deed": step.deed.as_str(),
        "finding": step.finding.0, "kind": "triage", "nth": step.nth, "reason": step.reason});
    if !step.evidence.is_empty() {
        line["evidence"] = json!(step.evidence);
    }
    match &step.deed {
        Deed::Assigned { to } => line["to"] = json!(to),
        Deed::Disposed { disposition } => {
            line["disposition"] = json!(disposition.as_str());
            match disposition {
                Disposition::TruePositive { incident } => line["incident"] = json!(incident),
                Disposition::Duplicate { of } => line["of"] = json!(of.0),
                Disposition::BenignTruePositive | Disposition::FalsePositive => {}
            }
        }
        Deed::Acknowledged | Deed::Noted | Deed::Reopened => {}
    }
    line
}

fn list(c: &Connection) -> rusqlite::Result<Vec<Exception>> {
    let mut rows = c.prepare_cached("SELECT body FROM exception ORDER BY granted_at, id")?;
    rows.query_map([], |r| read(&r.get::<_, String>(0)?))?.collect()
}

fn grant(
    connection: &mut Connection,
    signer: &Signer,
    exception: &Exception,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute(
        "INSERT INTO exception VALUES (?1, ?2, ?3)",
        params![exception.id, write(exception)?, exception.granted.micros()],
    )?;
    let line = json!({"approver": exception.approver, "granted": exception.granted.to_string(),
        "id": exception.id, "kind": "exception", "owner": exception.owner,
        "pattern": exception.pattern, "reason": exception.reason, "rules": exception.rules,
        "ticket": exception.ticket, "until": exception.until.to_string()});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()
}

fn set(tx: &Transaction<'_>, exception: &Exception) -> rusqlite::Result<()> {
    let body = write(exception)?;
    tx.execute("UPDATE exception SET body = ?2 WHERE id = ?1", params![exception.id, body])
        .map(drop)
}

/// False if no exception of this name could still count.
fn revoke(
    connection: &mut Connection,
    signer: &Signer,
    id: &str,
    how: &Revocation,
) -> rusqlite::Result<bool> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let counts = |e: &Exception| e.id == id && e.revoked.is_none() && how.at < e.until;
    let Some(mut exception) = list(&tx)?.into_iter().find(counts) else { return Ok(false) };
    exception.revoked = Some(how.clone());
    set(&tx, &exception)?;
    let line = json!({"at": how.at.to_string(), "by": how.by, "id": id,
        "kind": "exception-revoked", "reason": how.reason});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()?;
    Ok(true)
}

/// False if the ledger knows another set by now.
fn note_rules(
    connection: &mut Connection,
    signer: &Signer,
    change: &RuleSetChange,
    rules: &[KnownRule],
) -> rusqlite::Result<bool> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newest = "SELECT hash FROM ruleset ORDER BY seq DESC LIMIT 1";
    let known: Option<String> = tx.query_row(newest, [], |r| r.get(0)).optional()?;
    if known != change.before {
        return Ok(false);
    }
    // Only the newest set is kept whole: what came before is in the changes.
    tx.execute("UPDATE ruleset SET rules = '[]'", [])?;
    let body = write(change)?;
    tx.execute(
        "INSERT INTO ruleset (hash, body, rules) VALUES (?1, ?2, ?3)",
        params![change.hash, body, write(&rules)?],
    )?;
    let changed: Vec<_> = change
        .changes
        .iter()
        .map(|c| json!({"after": c.after, "before": c.before, "rule": c.rule}))
        .collect();
    let line = json!({"approver": change.approver, "at": change.at.to_string(),
        "author": change.author, "before": change.before, "changes": changed,
        "hash": change.hash, "kind": "ruleset", "more": change.more, "reason": change.reason,
        "sha256": Sha256::of(body.as_bytes()).to_string()});
    append_leaves(&tx, signer, &[line.to_string()])?;
    tx.commit()?;
    Ok(true)
}

fn write<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

fn read<T: DeserializeOwned>(body: &str) -> rusqlite::Result<T> {
    serde_json::from_str(body)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, e.into()))
}
