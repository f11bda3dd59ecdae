//! `watchkeeper lake status`

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_engine::upkeep::{Limits, Upkeep, is_closed};
use wk_model::retention::Policy;
use wk_model::{Day, Timestamp};
use wk_seam::lake::{File, SORTED};
use wk_seam::ledger::{Ledger as _, Left};

use super::super::{Exit, table};
use crate::wire::App;

/// Show how the lake lies: files, rows, days, what waits for compaction, what left, what is held.
#[derive(Args)]
pub(super) struct Status {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What is there of a table.
#[derive(Default)]
struct OfTable {
    files: u64,
    rows: u64,
    bytes: u64,
    small: u64,
    days: BTreeSet<Day>,
    unsorted: BTreeSet<Day>,
    span: Option<(Timestamp, Timestamp)>,
    left: (u64, u64),
    next_expiry: Option<Day>,
}

impl Status {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let policy = app.config.retention.policy()?;
        let upkeep = app.upkeep().await?;
        let tables = tables(&upkeep, &policy).await?;
        let holds = app.ledger.holds().await?.into_iter().filter(|h| h.is_active()).count();
        let version = app.ledger.snapshot().await?.version;
        if self.json {
            let list: Vec<Value> = tables.iter().map(as_json).collect();
            let report = json!({"version": version, "holds": holds, "tables": list});
            writeln!(out, "{report:#}")?;
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = tables.iter().map(as_row).collect();
        let heads = [
            "table",
            "files",
            "rows",
            "bytes",
            "days",
            "first",
            "last",
            "small files",
            "days to compact",
            "left",
            "next expiry",
        ];
        table::print(&heads, &rows, out)?;
        writeln!(out, "version {version}, {holds} holds")?;
        Ok(Exit::Ok)
    }
}

async fn tables(upkeep: &Upkeep, policy: &Policy) -> anyhow::Result<BTreeMap<String, OfTable>> {
    let (now, limits) = (upkeep.clock.now(), &upkeep.limits);
    let mut tables: BTreeMap<String, OfTable> = BTreeMap::new();
    for file in upkeep.ledger.snapshot().await?.files {
        let shortest = policy.terms(&file.table).map(|(shortest, _)| shortest);
        tables.entry(file.table.clone()).or_default().add(&file, now, limits, shortest);
    }
    for Left { file, .. } in upkeep.ledger.left().await? {
        let left = &mut tables.entry(file.table).or_default().left;
        *left = (left.0 + 1, left.1 + file.bytes);
    }
    Ok(tables)
}

impl OfTable {
    fn add(&mut self, file: &File, now: Timestamp, limits: &Limits, shortest: Option<u32>) {
        self.files += 1;
        self.rows += file.rows;
        self.bytes += file.bytes;
        self.small += u64::from(file.bytes < limits.small_bytes);
        self.days.insert(file.day);
        if file.layout < SORTED && is_closed(file.day, now, limits) {
            self.unsorted.insert(file.day);
        }
        let (first, last) = self.span.unwrap_or((file.first, file.last));
        self.span = Some((first.min(file.first), last.max(file.last)));
        if let Some(days) = shortest {
            let over = file.last.plus_seconds(i64::from(days) * 86_400).day();
            self.next_expiry = Some(self.next_expiry.map_or(over, |next| next.min(over)));
        }
    }
}

fn time(of: &OfTable, pick: fn((Timestamp, Timestamp)) -> Timestamp) -> String {
    of.span.map_or(String::new(), |span| pick(span).to_string())
}

fn as_row((name, of): (&String, &OfTable)) -> Vec<String> {
    vec![
        name.clone(),
        of.files.to_string(),
        of.rows.to_string(),
        table::bytes(of.bytes),
        of.days.len().to_string(),
        time(of, |span| span.0),
        time(of, |span| span.1),
        of.small.to_string(),
        of.unsorted.len().to_string(),
        format!("{} ({})", of.left.0, table::bytes(of.left.1)),
        of.next_expiry.map_or("never".to_owned(), |day| day.to_string()),
    ]
}

fn as_json((name, of): (&String, &OfTable)) -> Value {
    json!({
        "table": name,
        "files": of.files,
        "rows": of.rows,
        "bytes": of.bytes,
        "days": of.days.len(),
        "first": time(of, |span| span.0),
        "last": time(of, |span| span.1),
        "small_files": of.small,
        "closed_days_to_compact": of.unsorted.len(),
        "left": {"files": of.left.0, "bytes": of.left.1},
        "next_expiry": of.next_expiry.map(|day| day.to_string()),
    })
}
