//! The journal: what the ledger gained, written beside the lake after each command that changed
//! it. A ledger that is lost is made again from it.
//!
//! * An entry is a gzip file of lines, `["table", {"column": value, …}]`; bytes are `{"x": "hex"}`, and
//!   the body of a finding, which is JSON, is `{"j": JSON}`.
//! * Entries are applied in the order of their names; applying one twice changes nothing.
//! * Nothing waits for it: an entry that was not written is written by the next command.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior, params_from_iter,
};
use serde_json::{Map, Value, json};
use wk_lang::insights::meaning::codec::hex;
use wk_model::{Sha256, Timestamp};
use wk_seam::{Answer, Failure};

use super::commit::{append_leaves, version};
use super::{SqliteLedger, failure, seed, signed, unsigned};
use crate::inflate::{Capped, Limits};
use crate::log::{Signer, Tree, leaf_hash};

/// Folder of the journal below the root of the lake.
pub const FOLDER: &str = "journal";

/// The column that holds most of a journal, and is JSON of our own.
const JSON: (&str, &str) = ("finding", "body");

/// How far an entry may expand.
const EXPANDS: Limits = Limits { free_bytes: 1 << 30, ratio_max: 200 };

/// Rows with a number that grows with each of them: those that are only ever added, and findings,
/// which have that of the version that last changed them.
const ADDED: &[(&str, &str)] = &[
    ("version", "version"),
    ("object", "version"),
    ("tally", "version"),
    ("complaint", "id"),
    ("leaf", "seq"),
    ("checkpoint", "size"),
    ("policy", "seq"),
    ("drill", "seq"),
    ("triage", "seq"),
    ("report", "seq"),
    ("ruleset", "seq"),
    ("finding", "changed"),
];
/// Rows that change: by which key they are noted in `changed`.
const CHANGED: &[(&str, &str)] = &[
    ("file", "path"),
    ("run", "path"),
    ("hold", "id"),
    ("exception", "id"),
    ("desk", "name"),
    ("notice_group", "key"),
    ("notice", "id"),
];

/// An entry that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root of the lake.
    pub path: String,
    /// Up to where the ledger is journaled with it.
    marks: Vec<(&'static str, i64)>,
    stamp: i64,
}

/// What a journal gave back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Entries that were read.
    pub entries: u64,
    /// Rows of each of the ledger's tables.
    pub rows: BTreeMap<String, u64>,
    /// What does not fit together.
    pub problems: Vec<String>,
}

impl SqliteLedger {
    /// Writes what is not journaled yet into a file; `None` if there is nothing.
    ///
    /// # Errors
    /// If ledger or file fail.
    pub async fn journal_entry(&self, into: &Path) -> Answer<Option<Entry>> {
        let into = into.to_path_buf();
        self.write("journal", move |inner, c| {
            let failed = |e| failure(&inner.path, "journal", e);
            let tx = c.transaction().map_err(failed)?;
            let marks = marks(&tx).map_err(failed)?;
            let stamp =
                number(&tx, "SELECT coalesce(max(stamp), 0) FROM changed").map_err(failed)?;
            if stamp == 0 && marks.iter().all(|(_, from, to)| to <= from) {
                return Ok(None);
            }
            write_entry(&tx, &into, &marks)
                .map_err(|e| Failure::new(format!("write {}", into.display()), e))?;
            let at = version(&tx).map_err(failed)?;
            let last =
                number(&tx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence").map_err(failed)?;
            let leaves = number(&tx, "SELECT count(*) FROM leaf").map_err(failed)?;
            // A rebuilt ledger counts its changes anew, and has one leaf more.
            let path = format!("{FOLDER}/{at:012}-{leaves:012}-{last:012}.jsonl.gz");
            let marks = marks.into_iter().map(|(table, _, to)| (table, to)).collect();
            Ok(Some(Entry { path, marks, stamp }))
        })
        .await
    }

    /// Notes that an entry was written.
    ///
    /// # Errors
    /// If the ledger fails: the same rows are written again then, which is harmless.
    pub async fn journaled(&self, entry: &Entry) -> Answer<()> {
        let entry = entry.clone();
        self.write("journal", move |inner, c| {
            note(c, &entry).map_err(|e| failure(&inner.path, "journal", e))
        })
        .await
    }

    /// Makes this ledger, which must be empty, what the journal says it was. `name` is the name of
    /// the ledger that was lost, `keys` the folder with its fingerprint seed. A dry run changes
    /// nothing.
    ///
    /// # Errors
    /// If the ledger is not empty, the seed is gone, or an entry cannot be understood: nothing is
    /// changed then.
    pub async fn rebuild(
        &self,
        name: &str,
        keys: &Path,
        entries: Vec<Vec<u8>>,
        recorded: Timestamp,
        dry_run: bool,
    ) -> Answer<Rebuilt> {
        let lost = || {
            let why = "keys/ does not hold its fingerprint seed; restore keys/ from a backup";
            Failure::new(format!("rebuild ledger {name}"), why)
        };
        let seed = seed::find(keys, name)?.ok_or_else(lost)?;
        self.write("rebuild", move |inner, c| {
            let failed = |e| failure(&inner.path, "rebuild", e);
            // Rows may come before those that they point to; the check follows.
            c.pragma_update(None, "foreign_keys", "OFF").map_err(failed)?;
            let tx = c.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            let leaves = number(&tx, "SELECT count(*) FROM leaf").map_err(failed)?;
            if version(&tx).map_err(failed)? > 0 || leaves > 0 {
                let why = "it is not empty; this is for a ledger that was lost";
                return Err(Failure::new(format!("rebuild {}", inner.path.display()), why));
            }
            let mut rebuilt = Rebuilt::default();
            let mut digest = wk_model::digest::Sha256Writer::default();
            for bytes in entries {
                digest.write(&Sha256::of(&bytes).0);
                apply(&tx, bytes, &mut rebuilt)
                    .map_err(|e| Failure::new("read the journal of the lake", e))?;
                rebuilt.entries += 1;
            }
            tx.execute(
                "UPDATE meta SET value = ?1 WHERE key = 'fingerprint-seed'",
                [seed.cast_signed()],
            )
            .map_err(failed)?;
            settle(&tx, &inner.signer, &mut rebuilt).map_err(failed)?;
            let leaf = json!({"entries": rebuilt.entries, "from": "journal",
                "journal": digest.finish().to_string(), "kind": "rebuilt",
                "recorded": recorded.to_string(), "rows": rebuilt.rows});
            append_leaves(&tx, &inner.signer, &[leaf.to_string()]).map_err(failed)?;
            if !dry_run {
                tx.commit().map_err(failed)?;
            }
            Ok(rebuilt)
        })
        .await
    }
}

/// Up to where each table is journaled, and how far it goes.
fn marks(c: &Connection) -> rusqlite::Result<Vec<(&'static str, i64, i64)>> {
    let mut marks = Vec::new();
    for (table, by) in ADDED {
        let to = number(c, &format!("SELECT coalesce(max({by}), -1) FROM {table}"))?;
        let from = "SELECT coalesce((SELECT value FROM meta WHERE key = ?1), -1)";
        let from = c.query_row(from, [mark(table)], |r| r.get(0))?;
        marks.push((*table, from, to));
    }
    Ok(marks)
}

fn mark(table: &str) -> String {
    format!("journaled-{table}")
}

fn number(c: &Connection, sql: &str) -> rusqlite::Result<i64> {
    c.query_row(sql, [], |r| r.get(0))
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn write_entry(
    tx: &Transaction<'_>,
    into: &Path,
    marks: &[(&'static str, i64, i64)],
) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file: File = options.write(true).create(true).truncate(true).mode(0o600).open(into)?;
    let mut out = BufWriter::new(GzEncoder::new(file, Compression::fast()));
    for ((table, by), (_, from, _)) in ADDED.iter().zip(marks) {
        write_rows(tx, table, &format!("SELECT * FROM {table} WHERE {by} > {from}"), &mut out)?;
    }
    for (table, key) in CHANGED {
        let sql = format!(
            "SELECT t.* FROM changed c JOIN {table} t ON t.{key} = c.key
             WHERE c.tbl = '{table}' ORDER BY c.stamp"
        );
        write_rows(tx, table, &sql, &mut out)?;
    }
    let gzip = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    gzip.finish()?.sync_all()?;
    Ok(())
}

fn write_rows(
    tx: &Transaction<'_>,
    table: &str,
    sql: &str,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut rows = tx.prepare(sql)?;
    let names: Vec<String> = rows.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        write!(out, "[\"{table}\",{{")?;
        for (place, name) in names.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(out, "{comma}\"{name}\":")?;
            match row.get_ref(place)? {
                ValueRef::Null => out.write_all(b"null")?,
                ValueRef::Integer(n) => write!(out, "{n}")?,
                ValueRef::Real(n) => serde_json::to_writer(&mut *out, &n)?,
                ValueRef::Text(json) if (table, name.as_str()) == JSON => {
                    out.write_all(b"{\"j\":")?;
                    out.write_all(json)?;
                    out.write_all(b"}")?;
                }
                ValueRef::Text(text) => {
                    serde_json::to_writer(&mut *out, std::str::from_utf8(text)?)?;
                }
                ValueRef::Blob(bytes) => write!(out, "{{\"x\":\"{}\"}}", hex(bytes))?,
            }
        }
        out.write_all(b"}]\n")?;
    }
    Ok(())
}

fn note(c: &mut Connection, entry: &Entry) -> rusqlite::Result<()> {
    let tx = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (table, to) in &entry.marks {
        // Of two processes at once the one that came further counts.
        tx.execute(
            "INSERT INTO meta VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
            (mark(table), to),
        )?;
    }
    tx.execute("DELETE FROM changed WHERE stamp <= ?1", [entry.stamp])?;
    tx.commit()
}

/// Takes the rows of an entry in, in place of those with the same key.
fn apply(tx: &Transaction<'_>, bytes: Vec<u8>, rebuilt: &mut Rebuilt) -> Result<(), Error> {
    let lines = BufReader::new(Capped::new(std::io::Cursor::new(bytes), EXPANDS));
    for line in lines.lines() {
        let (table, columns): (String, Map<String, Value>) = serde_json::from_str(&line?)?;
        let of = ADDED.iter().chain(CHANGED).find(|(name, _)| *name == table);
        let (table, _) = of.ok_or_else(|| format!("there is no table {table:?} in a ledger"))?;
        let known = columns_of(tx, table)?;
        if let Some(strange) = columns.keys().find(|name| !known.contains(name)) {
            return Err(format!("{table} has no column {strange:?}").into());
        }
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        let holders = vec!["?"; names.len()].join(", ");
        let sql =
            format!("INSERT OR REPLACE INTO {table} ({}) VALUES ({holders})", names.join(", "));
        let values = columns.values().map(sql_value).collect::<Result<Vec<Sql>, Error>>()?;
        tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    }
    for (table, _) in ADDED.iter().chain(CHANGED) {
        let count = number(tx, &format!("SELECT count(*) FROM {table}"))?;
        rebuilt.rows.insert((*table).to_owned(), unsigned(count));
    }
    Ok(())
}

fn columns_of(tx: &Transaction<'_>, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut rows = tx.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
    rows.query_map([table], |r| r.get(0))?.collect()
}

/// The log's frontier is made anew from its leaves, and what was read is known to be journaled.
fn settle(tx: &Transaction<'_>, signer: &Signer, rebuilt: &mut Rebuilt) -> rusqlite::Result<()> {
    let tree = whole_part(tx)?;
    let size = signed(tree.size());
    let beyond = tx.execute("DELETE FROM leaf WHERE seq >= ?1", [size])?;
    if beyond > 0 {
        let leaf = tree.size();
        rebuilt.problems.push(format!("leaf {leaf} is lost; {beyond} after it prove nothing"));
    }
    let unproved = tx.execute("DELETE FROM checkpoint WHERE size > ?1", [size])?;
    if unproved > 0 {
        rebuilt.problems.push(format!("{unproved} checkpoints speak of leaves that are lost"));
    }
    let head = "SELECT root FROM checkpoint WHERE size = ?1";
    let head = tx.query_row(head, [size], |r| r.get::<_, Vec<u8>>(0)).optional()?;
    let root = tree.root();
    if head.as_ref().is_some_and(|head| head != &root.0) {
        rebuilt.problems.push("the log's leaves are not those of its last checkpoint".to_owned());
    } else if head.is_none() && size > 0 {
        rebuilt.problems.push("the end of the log had no checkpoint".to_owned());
        tx.execute(
            "INSERT INTO checkpoint VALUES (?1, ?2, ?3)",
            (size, &root.0[..], signer.checkpoint(&tree)),
        )?;
    }
    for (place, root) in tree.frontier().iter().enumerate() {
        tx.execute("INSERT INTO frontier VALUES (?1, ?2)", (signed(place as u64), &root.0[..]))?;
    }
    for (table, _, to) in marks(tx)? {
        tx.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", (mark(table), to))?;
    }
    tx.execute("DELETE FROM changed", [])?;
    let dangling: usize =
        tx.prepare("PRAGMA foreign_key_check")?.query_map([], |_| Ok(()))?.count();
    if dangling > 0 {
        rebuilt.problems.push(format!("{dangling} rows of the journal point to rows it lacks"));
    }
    Ok(())
}

/// The log up to the first leaf that is missing.
fn whole_part(tx: &Transaction<'_>) -> rusqlite::Result<Tree> {
    let mut tree = Tree::default();
    let mut rows = tx.prepare("SELECT seq, line FROM leaf ORDER BY seq")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        if unsigned(row.get(0)?) != tree.size() {
            break;
        }
        tree.push(leaf_hash(row.get::<_, String>(1)?.as_bytes()));
    }
    Ok(tree)
}

fn sql_value(value: &Value) -> Result<Sql, Error> {
    Ok(match value {
        Value::Null => Sql::Null,
        Value::String(text) => Sql::Text(text.clone()),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Sql::Integer(n),
            (None, Some(n)) => Sql::Real(n),
            (None, None) => return Err("a number is too large".into()),
        },
        other => match (other.get("j"), other.get("x").and_then(Value::as_str)) {
            (Some(json), _) => Sql::Text(json.to_string()),
            (None, Some(digits)) => Sql::Blob(unhex(digits).ok_or("bytes are not in hexadecimal")?),
            (None, None) => return Err("a value is of no known kind".into()),
        },
    })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| {
        let digit = |d: u8| char::from(d).to_digit(16).and_then(|n| u8::try_from(n).ok());
        Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}
