//! Signals that wait for a turn of the detector, and what stateful rules know.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use wk_model::Timestamp;
use wk_seam::states::{Of, State, States, Turn, Waiting};
use wk_seam::{Answer, Future};

use super::{SqliteLedger, commit, failure, signed, unsigned};

impl States for SqliteLedger {
    fn signals_waiting(&self, bytes_max: usize) -> Future<'_, Answer<Waiting>> {
        Box::pin(self.read("read signals", move |c| waiting(c, bytes_max)))
    }

    fn states<'a>(&'a self, of: &'a [Of]) -> Future<'a, Answer<Vec<Option<Vec<u8>>>>> {
        let of = of.to_vec();
        Box::pin(self.read("read states", move |c| {
            let mut one =
                c.prepare_cached("SELECT body FROM state WHERE rule = ?1 AND key = ?2")?;
            of.iter()
                .map(|of| one.query_row([&of.rule, &of.key], |r| r.get(0)).optional())
                .collect()
        }))
    }

    fn states_due(&self, now: Timestamp, max: usize) -> Future<'_, Answer<Vec<State>>> {
        Box::pin(self.read("read states that are due", move |c| {
            let mut due = c.prepare_cached(
                "SELECT rule, key, due, body FROM state WHERE due <= ?1 ORDER BY due, rule, key LIMIT ?2",
            )?;
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            due.query_map(params![now.micros(), max], |r| {
                let of = Of { rule: r.get(0)?, key: r.get(1)? };
                let due = r.get::<_, Option<i64>>(2)?.map(Timestamp::from_micros);
                Ok(State { of, due, body: r.get(3)? })
            })?
            .collect()
        }))
    }

    fn next_due(&self) -> Future<'_, Answer<Option<Timestamp>>> {
        Box::pin(self.read("look for the next state that falls due", |c| {
            let sql = "SELECT min(due) FROM state WHERE due IS NOT NULL";
            let due: Option<i64> = c.query_row(sql, [], |r| r.get(0))?;
            Ok(due.map(Timestamp::from_micros))
        }))
    }

    fn states_count(&self) -> Future<'_, Answer<Vec<(String, u64)>>> {
        Box::pin(self.read("count states", |c| {
            let mut rows = c.prepare("SELECT rule, count(*) FROM state GROUP BY rule")?;
            rows.query_map([], |r| Ok((r.get(0)?, unsigned(r.get(1)?))))?.collect()
        }))
    }

    fn forget_states<'a>(&'a self, keep: &'a [String]) -> Future<'a, Answer<u64>> {
        let keep = keep.to_vec();
        Box::pin(self.write("forget states", move |inner, c| {
            forget(c, &keep).map_err(|e| failure(&inner.path, "forget states in", e))
        }))
    }
}

/// Through which version signals were taken.
pub(super) fn taken(c: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE key = 'signals-taken'";
    c.query_row(sql, [], |r| r.get(0)).map(unsigned)
}

/// Keeps the signals of a commit until a turn takes them.
pub(super) fn wait(tx: &Transaction<'_>, version: u64, signals: &[u8]) -> rusqlite::Result<()> {
    if !signals.is_empty() {
        tx.prepare_cached("INSERT INTO signal VALUES (?1, ?2)")?
            .execute(params![signed(version), signals])?;
    }
    Ok(())
}

/// Takes the signals of a turn and keeps its states.
pub(super) fn take(tx: &Transaction<'_>, turn: &Turn) -> rusqlite::Result<()> {
    let through = signed(turn.through);
    tx.execute("DELETE FROM signal WHERE version <= ?1", [through])?;
    tx.execute("UPDATE meta SET value = ?1 WHERE key = 'signals-taken'", [through])?;
    let mut put = tx.prepare_cached("INSERT OR REPLACE INTO state VALUES (?1, ?2, ?3, ?4)")?;
    let mut remove = tx.prepare_cached("DELETE FROM state WHERE rule = ?1 AND key = ?2")?;
    for State { of, due, body } in &turn.states {
        if body.is_empty() {
            remove.execute([&of.rule, &of.key])?;
        } else {
            put.execute(params![of.rule, of.key, due.map(Timestamp::micros), body])?;
        }
    }
    Ok(())
}

fn waiting(c: &Connection, bytes_max: usize) -> rusqlite::Result<Waiting> {
    let from = taken(c)?;
    // Asked first: what is committed after this has a later version and waits for the next turn.
    let newest = commit::version(c)?;
    let mut rows = c.prepare_cached(
        "SELECT version, body FROM signal WHERE version > ?1 AND version <= ?2 ORDER BY version",
    )?;
    let mut rows = rows.query([signed(from), signed(newest)])?;
    let (mut signals, mut through, mut bytes) = (Vec::<Vec<u8>>::new(), from, 0);
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(1)?;
        bytes += body.len();
        if bytes > bytes_max && !signals.is_empty() {
            return Ok(Waiting { from, through, signals, more: true });
        }
        through = unsigned(row.get(0)?);
        signals.push(body);
    }
    Ok(Waiting { from, through: newest, signals, more: false })
}

fn forget(c: &mut Connection, keep: &[String]) -> rusqlite::Result<u64> {
    let tx = c.transaction()?;
    let rules: Vec<String> = {
        let mut rows = tx.prepare("SELECT DISTINCT rule FROM state")?;
        rows.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    let mut forgotten = 0;
    for rule in rules.iter().filter(|rule| !keep.contains(rule)) {
        forgotten += tx.execute("DELETE FROM state WHERE rule = ?1", [rule])?;
    }
    tx.commit()?;
    Ok(forgotten as u64)
}
