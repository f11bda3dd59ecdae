//! The outbox in the ledger's file: desk, groups and notices, in the ledger's own transactions.

use rusqlite::types::Value;
use rusqlite::{
    Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
    params_from_iter,
};
use serde_json::json;
use wk_model::notice::Receipt;
use wk_model::{Notice, Sha256, Timestamp};
use wk_seam::outbox::{
    Backlog, Changed, Claim, Claimed, Cursor, Desk, GroupRow, Outbox, PostQuery, Posted, Settled,
    Settlement, Standing, Step, Stepped,
};
use wk_seam::{Answer, Future};

use super::commit::append_leaves;
use super::{SqliteLedger, failure, findings, signed, unsigned};
use crate::log::Signer;

/// An attempt counts against its channel's limit for so long, in seconds.
const MINUTE_SECONDS: i64 = 60;

impl Outbox for SqliteLedger {
    fn desk(&self) -> Future<'_, Answer<Desk>> {
        Box::pin(self.read("read the desk of notices", desk))
    }

    fn changed<'a>(&'a self, after: &'a Cursor, max: usize) -> Future<'a, Answer<Vec<Changed>>> {
        let after = after.clone();
        Box::pin(self.read("read changed findings", move |c| changed(c, &after, max)))
    }

    fn groups<'a>(
        &'a self,
        keys: &'a [String],
        due: Timestamp,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>> {
        let keys = keys.to_vec();
        Box::pin(self.read("read groups of findings", move |c| groups(c, &keys, due, max)))
    }

    fn groups_like<'a>(
        &'a self,
        beginning: &'a str,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>> {
        let beginning = beginning.to_owned();
        Box::pin(self.read("read groups of findings", move |c| {
            let mut rows = c.prepare_cached(
                "SELECT key, due, body FROM notice_group
                 WHERE body <> '' AND substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2",
            )?;
            rows.query_map(params![beginning, signed(max as u64)], group_row)?.collect()
        }))
    }

    fn step<'a>(&'a self, step: &'a Step) -> Future<'a, Answer<Stepped>> {
        let made = step.clone();
        Box::pin(self.write("keep notices", move |inner, c| {
            step_of(c, &inner.signer, &made).map_err(|e| failure(&inner.path, "keep notices in", e))
        }))
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> Future<'a, Answer<Vec<Claimed>>> {
        let claim = claim.clone();
        Box::pin(self.write("claim notices", move |inner, c| {
            claim_of(c, &claim).map_err(|e| failure(&inner.path, "claim notices in", e))
        }))
    }

    fn settle<'a>(&'a self, settled: &'a Settled) -> Future<'a, Answer<bool>> {
        let settled = settled.clone();
        Box::pin(self.write("settle a notice", move |inner, c| {
            settle_of(c, &inner.signer, &settled)
                .map_err(|e| failure(&inner.path, "settle a notice in", e))
        }))
    }

    fn retry<'a>(
        &'a self,
        notice: Option<&'a str>,
        now: Timestamp,
        by: &'a str,
    ) -> Future<'a, Answer<u64>> {
        let (notice, by) = (notice.map(str::to_owned), by.to_owned());
        Box::pin(self.write("retry dead letters", move |inner, c| {
            retry_of(c, &inner.signer, notice.as_deref(), now, &by)
                .map_err(|e| failure(&inner.path, "retry dead letters in", e))
        }))
    }

    fn posted<'a>(&'a self, query: &'a PostQuery) -> Future<'a, Answer<Vec<Posted>>> {
        let query = query.clone();
        Box::pin(self.read("read notices", move |c| posted(c, &query)))
    }

    fn backlog(&self) -> Future<'_, Answer<Backlog>> {
        Box::pin(self.read("count notices", backlog))
    }

    fn forget(&self, before: Timestamp, now: Timestamp) -> Future<'_, Answer<u64>> {
        Box::pin(self.write("forget notices", move |inner, c| {
            forget_of(c, &inner.signer, before, now)
                .map_err(|e| failure(&inner.path, "forget notices in", e))
        }))
    }
}

fn desk(c: &Connection) -> rusqlite::Result<Desk> {
    let row = c.query_row("SELECT revision, version, finding, body FROM desk", [], |r| {
        let cursor = Cursor { version: unsigned(r.get(1)?), finding: r.get(2)? };
        Ok(Desk { revision: unsigned(r.get(0)?), cursor, body: r.get(3)? })
    });
    row.optional().map(Option::unwrap_or_default)
}

fn changed(c: &Connection, after: &Cursor, max: usize) -> rusqlite::Result<Vec<Changed>> {
    let mut rows = c.prepare_cached(
        "SELECT changed, id, body FROM finding WHERE (changed, id) > (?1, ?2)
         ORDER BY changed, id LIMIT ?3",
    )?;
    let place = params![signed(after.version), after.finding, signed(max as u64)];
    rows.query_map(place, |r| {
        let cursor = Cursor { version: unsigned(r.get(0)?), finding: r.get(1)? };
        Ok(Changed { cursor, finding: findings::parse(&r.get::<_, String>(2)?)? })
    })?
    .collect()
}

fn groups(
    c: &Connection,
    keys: &[String],
    due: Timestamp,
    max: usize,
) -> rusqlite::Result<Vec<GroupRow>> {
    let tx = c.unchecked_transaction()?;
    let mut found: Vec<GroupRow> = Vec::new();
    let mut named =
        tx.prepare_cached("SELECT key, due, body FROM notice_group WHERE key = ?1 AND body <> ''")?;
    for key in keys {
        found.extend(named.query_row([key], group_row).optional()?);
    }
    let mut ripe = tx.prepare_cached(
        "SELECT key, due, body FROM notice_group WHERE due <= ?1 AND body <> ''
         ORDER BY due, key LIMIT ?2",
    )?;
    for group in ripe.query_map(params![due.micros(), signed(max as u64)], group_row)? {
        let group = group?;
        if !keys.contains(&group.key) {
            found.push(group);
        }
    }
    Ok(found)
}

fn group_row(r: &Row<'_>) -> rusqlite::Result<GroupRow> {
    let due: Option<i64> = r.get(1)?;
    Ok(GroupRow { key: r.get(0)?, due: due.map(Timestamp::from_micros), body: r.get(2)? })
}

fn step_of(connection: &mut Connection, signer: &Signer, step: &Step) -> rusqlite::Result<Stepped> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if desk(&tx)?.revision != step.revision {
        return Ok(Stepped::Stale); // dropping the transaction undoes it
    }
    tx.execute(
        "INSERT OR REPLACE INTO desk VALUES ('notices', ?1, ?2, ?3, ?4)",
        params![
            signed(step.revision + 1),
            signed(step.cursor.version),
            step.cursor.finding,
            step.desk
        ],
    )?;
    let mut put =
        tx.prepare_cached("INSERT OR REPLACE INTO notice_group VALUES (?1, ?2, ?3, ?4)")?;
    for group in &step.groups {
        let due = group.due.map(Timestamp::micros);
        put.execute(params![group.key, due, group.body, step.at.micros()])?;
    }
    drop(put);
    let mut lines = Vec::new();
    for notice in &step.notices {
        lines.extend(queue(&tx, notice, step.at)?);
    }
    let queued = lines.len() as u64;
    lines.extend(step.lines.iter().cloned());
    append_leaves(&tx, signer, &lines)?;
    tx.commit()?;
    Ok(Stepped::Done { queued })
}

/// Queues a notice, and answers its line for the log; nothing if it is there already.
fn queue(tx: &Transaction<'_>, notice: &Notice, at: Timestamp) -> rusqlite::Result<Option<String>> {
    let body = serde_json::to_string(notice)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let seq: i64 =
        tx.query_row("SELECT coalesce(max(seq), 0) + 1 FROM notice", [], |r| r.get(0))?;
    let new = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO notice
             (id, seq, channel, alarm, severity, body, created, state, at, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, 0)",
        )?
        .execute(params![
            notice.id,
            seq,
            notice.channel,
            notice.key,
            notice.severity.tenths(),
            body,
            notice.created.micros(),
            at.micros()
        ])?;
    let line = json!({"alarm": notice.key, "channel": notice.channel,
        "created": notice.created.to_string(), "findings": notice.covers.len(), "id": notice.id,
        "kind": "notice", "notice": notice.kind.as_str(),
        "severity": notice.severity.number(), "sha256": Sha256::of(body.as_bytes()).to_string()});
    Ok((new == 1).then(|| line.to_string()))
}

fn claim_of(connection: &mut Connection, claim: &Claim) -> rusqlite::Result<Vec<Claimed>> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut claimed: Vec<(String, Claimed)> = Vec::new();
    {
        let mut due = tx.prepare_cached(
            "SELECT n.id, n.channel, n.body, n.attempts, n.alarm FROM notice n
             WHERE n.state = 'waiting' AND n.at <= ?1
             AND (n.leased_until IS NULL OR n.leased_until <= ?1)
             AND NOT EXISTS (SELECT 1 FROM notice e WHERE e.channel = n.channel
                             AND e.alarm = n.alarm AND e.seq < n.seq AND e.state = 'waiting')
             ORDER BY n.severity DESC, n.at, n.seq",
        )?;
        let mut rows = due.query([claim.now.micros()])?;
        let mut room = Room::new(&tx, claim)?;
        while let Some(row) = rows.next()?.filter(|_| claimed.len() < claim.max) {
            let channel: String = row.get(1)?;
            let of_channel = claimed.iter().filter(|(_, c)| c.notice.channel == channel).count();
            if of_channel >= claim.max_of_channel || !room.take(&channel) {
                continue;
            }
            let (id, attempts, alarm): (String, u32, String) =
                (row.get(0)?, row.get(3)?, row.get(4)?);
            let notice = notice(&row.get::<_, String>(2)?)?;
            let reference = reference(&tx, &channel, &alarm)?;
            claimed.push((id, Claimed { notice, attempt: attempts + 1, reference }));
        }
    }
    let mut lease = tx.prepare_cached(
        "UPDATE notice SET attempts = ?2, tried = ?3, leased_by = ?4, leased_until = ?5
         WHERE id = ?1",
    )?;
    for (id, one) in &claimed {
        let (now, until) = (claim.now.micros(), claim.until.micros());
        lease.execute(params![id, one.attempt, now, claim.by, until])?;
    }
    drop(lease);
    tx.commit()?;
    Ok(claimed.into_iter().map(|(_, one)| one).collect())
}

/// How many attempts each channel may carry still.
struct Room(Vec<(String, u32)>);

impl Room {
    fn new(tx: &Transaction<'_>, claim: &Claim) -> rusqlite::Result<Self> {
        let since = claim.now.plus_seconds(-MINUTE_SECONDS).micros();
        let mut recent =
            tx.prepare_cached("SELECT count(*) FROM notice WHERE channel = ?1 AND tried > ?2")?;
        let mut left = Vec::new();
        for (channel, limit) in &claim.per_minute {
            let used: u32 = recent.query_row(params![channel, since], |r| r.get(0))?;
            left.push((channel.clone(), limit.saturating_sub(used)));
        }
        Ok(Self(left))
    }

    fn take(&mut self, channel: &str) -> bool {
        match self.0.iter_mut().find(|(name, _)| name == channel) {
            None => true,
            Some((_, 0)) => false,
            Some((_, left)) => {
                *left -= 1;
                true
            }
        }
    }
}

/// The channel's newest key of what it made of an alarm.
fn reference(tx: &Transaction<'_>, channel: &str, alarm: &str) -> rusqlite::Result<Option<String>> {
    let newest = "SELECT reference FROM notice WHERE channel = ?1 AND alarm = ?2
                  AND reference IS NOT NULL ORDER BY seq DESC LIMIT 1";
    tx.prepare_cached(newest)?.query_row([channel, alarm], |r| r.get(0)).optional()
}

fn settle_of(
    connection: &mut Connection,
    signer: &Signer,
    settled: &Settled,
) -> rusqlite::Result<bool> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let find = "SELECT channel, attempts FROM notice WHERE id = ?1 AND state = 'waiting'
                AND (leased_by = ?2 OR ?3)";
    let accepted = matches!(settled.how, Settlement::Accepted { .. });
    let found: Option<(String, u32)> = tx
        .query_row(find, params![settled.notice, settled.by, accepted], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()?;
    let Some((channel, attempt)) = found else { return Ok(false) };
    let (id, at) = (&settled.notice, settled.at.to_string());
    let line = match &settled.how {
        Settlement::Accepted { said, reference } => {
            tx.execute(
                "UPDATE notice SET state = 'accepted', at = ?2, said = ?3, reference = ?4,
                 reason = NULL, leased_by = NULL, leased_until = NULL WHERE id = ?1",
                params![id, settled.at.micros(), said, reference],
            )?;
            Some(json!({"at": at, "attempt": attempt, "channel": channel, "kind": "receipt",
                "notice": id, "reference": reference, "said": said}))
        }
        Settlement::Later { reason, due } => {
            tx.execute(
                "UPDATE notice SET at = ?2, reason = ?3, leased_by = NULL, leased_until = NULL
                 WHERE id = ?1",
                params![id, due.micros(), reason],
            )?;
            None
        }
        Settlement::Dead { reason } => {
            tx.execute(
                "UPDATE notice SET state = 'dead', at = ?2, reason = ?3, leased_by = NULL,
                 leased_until = NULL WHERE id = ?1",
                params![id, settled.at.micros(), reason],
            )?;
            Some(json!({"at": at, "attempt": attempt, "channel": channel, "kind": "dead-letter",
                "notice": id, "reason": reason}))
        }
    };
    let lines: Vec<String> = line.iter().map(ToString::to_string).collect();
    append_leaves(&tx, signer, &lines)?;
    tx.commit()?;
    Ok(true)
}

fn retry_of(
    connection: &mut Connection,
    signer: &Signer,
    notice: Option<&str>,
    now: Timestamp,
    by: &str,
) -> rusqlite::Result<u64> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids: Vec<String> = {
        let mut dead = tx.prepare_cached(
            "SELECT id FROM notice WHERE state = 'dead' AND (?1 IS NULL OR id = ?1) ORDER BY seq",
        )?;
        dead.query_map([notice], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    let mut lines = Vec::new();
    for id in &ids {
        tx.execute(
            "UPDATE notice SET state = 'waiting', at = ?2, attempts = 0 WHERE id = ?1",
            params![id, now.micros()],
        )?;
        let line = json!({"at": now.to_string(), "by": by, "kind": "retried", "notice": id});
        lines.push(line.to_string());
    }
    append_leaves(&tx, signer, &lines)?;
    tx.commit()?;
    Ok(ids.len() as u64)
}

fn posted(c: &Connection, query: &PostQuery) -> rusqlite::Result<Vec<Posted>> {
    let mut text =
        "SELECT body, state, attempts, at, reason, said, reference FROM notice WHERE 1".to_owned();
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(condition);
            values.push(Value::Text(value.to_owned()));
        }
    };
    and(" AND channel = ?", query.channel.as_deref());
    and(" AND instr(alarm, ?) = 1", query.key.as_deref());
    and(" AND instr(body, ?) > 0", query.finding.as_ref().map(|id| id.0.as_str()));
    let states: Vec<&str> = query.standings.iter().map(|s| s.as_str()).collect();
    if !states.is_empty() {
        text.extend([" AND state IN ('", &states.join("', '"), "')"]);
    }
    text.push_str(" ORDER BY seq DESC");
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut rows = c.prepare(&text)?;
    let mut rows = rows.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()?.filter(|_| found.len() < limit) {
        let one = posted_row(row)?;
        // The text of the row was searched; what counts is whom the notice speaks of.
        if query.finding.as_ref().is_none_or(|id| one.notice.covers.contains(id)) {
            found.push(one);
        }
    }
    Ok(found)
}

fn posted_row(r: &Row<'_>) -> rusqlite::Result<Posted> {
    let notice = notice(&r.get::<_, String>(0)?)?;
    let at = Timestamp::from_micros(r.get(3)?);
    let (attempts, said): (u32, Option<String>) = (r.get(2)?, r.get(5)?);
    let standing = match r.get::<_, String>(1)?.as_str() {
        "accepted" => Standing::Accepted,
        "dead" => Standing::Dead,
        _ => Standing::Waiting,
    };
    let reference = r.get(6)?;
    let receipt = said.map(|said| Receipt {
        notice: notice.id.clone(),
        channel: notice.channel.clone(),
        at,
        attempt: attempts,
        said,
        reference,
    });
    Ok(Posted { notice, standing, attempts, at, reason: r.get(4)?, receipt })
}

fn backlog(c: &Connection) -> rusqlite::Result<Backlog> {
    let tx = c.unchecked_transaction()?;
    let time = |n: Option<i64>| n.map(Timestamp::from_micros);
    let (waiting, oldest, next): (i64, Option<i64>, Option<i64>) = tx.query_row(
        "SELECT count(*), min(created), min(coalesce(leased_until, at)) FROM notice
         WHERE state = 'waiting'",
        [],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )?;
    let dead: i64 =
        tx.query_row("SELECT count(*) FROM notice WHERE state = 'dead'", [], |r| r.get(0))?;
    let group: Option<i64> =
        tx.query_row("SELECT min(due) FROM notice_group WHERE body <> ''", [], |r| r.get(0))?;
    Ok(Backlog {
        waiting: unsigned(waiting),
        oldest: time(oldest),
        dead: unsigned(dead),
        next: [next, group].into_iter().flatten().min().map(Timestamp::from_micros),
    })
}

fn forget_of(
    connection: &mut Connection,
    signer: &Signer,
    before: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone =
        tx.execute("DELETE FROM notice WHERE state <> 'waiting' AND at < ?1", [before.micros()])?;
    tx.execute("DELETE FROM notice_group WHERE body = '' AND changed < ?1", [before.micros()])?;
    if gone > 0 {
        let line = json!({"at": now.to_string(), "before": before.to_string(), "count": gone,
            "kind": "notices-forgotten"});
        append_leaves(&tx, signer, &[line.to_string()])?;
    }
    tx.commit()?;
    Ok(gone as u64)
}

fn notice(body: &str) -> rusqlite::Result<Notice> {
    serde_json::from_str(body).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, e.into())
    })
}
