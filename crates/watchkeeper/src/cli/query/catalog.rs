//! `watchkeeper query --tables` and `--describe TABLE`

use std::io::Write;

use anyhow::bail;
use serde_json::json;
use wk_lang::nearest::nearest;
use wk_model::Timestamp;
use wk_model::table::{CORE, Column, ColumnType, column};
use wk_seam::ledger::Ledger as _;

use crate::cli::{Exit, table};
use crate::wire::{self, App};

/// Views over all tables: name, what they hold.
const VIEWS: [(&str, &str); 2] = [
    ("events", "What all tables have in common, and `source`, the table it comes from."),
    (
        "first_seen",
        "Who did what for the first and last time, and how often: source, account, actor, action.",
    ),
];

/// The column of `events` that no table has.
const SOURCE: Column = column("source", ColumnType::Text, "table that the event is in");
/// The columns of `first_seen`.
const FIRST_SEEN: [Column; 7] = [
    SOURCE,
    column("account", ColumnType::Text, "AWS account it happened in"),
    column("actor", ColumnType::Text, "who"),
    column("action", ColumnType::Text, "what"),
    column("first_event_time", ColumnType::Time, "when it happened first in the whole lake"),
    column("last_event_time", ColumnType::Time, "when it happened last"),
    column("events", ColumnType::Int, "how often it happened"),
];

/// Every table with what the manifest says of it. No file is opened.
pub(super) async fn tables(app: &App, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let snapshot = app.ledger.snapshot().await?;
    let mut tables = wire::tables();
    tables.sort_by_key(|t| t.name);
    let found: Vec<_> = tables
        .iter()
        .map(|t| {
            let files = || snapshot.files.iter().filter(|f| f.table == t.name);
            let span = (files().map(|f| f.first).min(), files().map(|f| f.last).max());
            (t, files().map(|f| f.rows).sum::<u64>(), span)
        })
        .collect();
    if json {
        let list: Vec<_> = found
            .iter()
            .map(|(t, rows, (first, last))| {
                json!({"table": t.name, "rows": rows, "first": first, "last": last, "holds": t.doc})
            })
            .collect();
        writeln!(out, "{:#}", json!(list))?;
        return Ok(Exit::Ok);
    }
    let time = |t: &Option<Timestamp>| t.map(|t| t.to_string()).unwrap_or_default();
    let mut rows: Vec<Vec<String>> = found
        .iter()
        .map(|(t, rows, (first, last))| {
            vec![t.name.into(), rows.to_string(), time(first), time(last), t.doc.into()]
        })
        .collect();
    let all: u64 = found.iter().map(|(_, rows, _)| rows).sum();
    rows.extend(VIEWS.map(|(name, doc)| {
        vec![name.into(), format!("view of {all}"), String::new(), String::new(), doc.into()]
    }));
    table::print(&["table", "rows", "first event", "last event", "holds"], &rows, out)?;
    Ok(Exit::Ok)
}

/// What a table or view is like.
struct Described {
    doc: &'static str,
    columns: Vec<&'static Column>,
    aliases: &'static [(&'static str, &'static str)],
}

impl Described {
    fn find(name: &str) -> anyhow::Result<Self> {
        let tables = wire::tables();
        if let Some(t) = tables.iter().find(|t| t.name == name) {
            let columns = CORE.iter().chain(t.columns).collect();
            return Ok(Self { doc: t.doc, columns, aliases: t.aliases });
        }
        if let Some((view, doc)) = VIEWS.iter().find(|(view, _)| *view == name) {
            let columns = match *view {
                "events" => [&SOURCE].into_iter().chain(CORE).collect(),
                _ => FIRST_SEEN.iter().collect(),
            };
            return Ok(Self { doc, columns, aliases: &[] });
        }
        let names = tables.iter().map(|t| t.name).chain(VIEWS.map(|(view, _)| view));
        match nearest(name, names) {
            Some(near) => bail!("there is no table {name:?}; did you mean {near}?"),
            None => bail!("there is no table {name:?}; query --tables lists all of them"),
        }
    }

    /// Further names of a column.
    fn further(&self, column: &str) -> Vec<&'static str> {
        self.aliases.iter().filter(|(_, of)| *of == column).map(|(alias, _)| *alias).collect()
    }
}

/// The columns of a table.
pub(super) fn describe(name: &str, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let described = Described::find(name)?;
    if json {
        let columns: Vec<_> = described
            .columns
            .iter()
            .map(|c| {
                let also = described.further(c.name);
                json!({"column": c.name, "type": word(c.kind), "also": also, "holds": c.doc})
            })
            .collect();
        writeln!(out, "{:#}", json!({"table": name, "holds": described.doc, "columns": columns}))?;
        return Ok(Exit::Ok);
    }
    writeln!(out, "{name}: {}\n", described.doc)?;
    let rows: Vec<Vec<String>> = described
        .columns
        .iter()
        .map(|c| {
            let also = described.further(c.name).join(", ");
            vec![c.name.into(), word(c.kind).into(), also, c.doc.into()]
        })
        .collect();
    table::print(&["column", "type", "also", "holds"], &rows, out)?;
    Ok(Exit::Ok)
}

fn word(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Json => "JSON text",
        ColumnType::Int => "integer",
        ColumnType::Float => "number",
        ColumnType::Bool => "true or false",
        ColumnType::Time => "time",
        ColumnType::TextList => "list of texts",
    }
}
