//! `watchkeeper lake fsck`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_store::files::Entry;
use wk_store::fsck::{self, Checked, Problem};

use super::{Exit, table};
use crate::wire::App;

/// Hold the lake's files against ledger and log: lost, changed, strange files.
///
/// Ends with 0 if all is well, 1 if something is proved wrong, 4 if something could not be read.
#[derive(Args)]
pub(crate) struct Fsck {
    /// Read every file: its SHA-256, its rows and times, the order of the id index
    #[arg(long)]
    deep: bool,
    /// Remove files that nothing names and that are older than 24 hours
    #[arg(long)]
    remove_orphans: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Younger files may belong to a commit that is still to come.
const ORPHAN_SECONDS: i64 = 24 * 3600;

impl Fsck {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let files = app.files().await?;
        let facts = app.ledger.facts().await?;
        let checked = fsck::check(&files, &facts, self.deep).await?;
        let now = app.clock.now();
        let old: Vec<String> = checked
            .orphans
            .iter()
            .filter(|orphan| orphan.written.plus_seconds(ORPHAN_SECONDS) <= now)
            .map(|orphan| orphan.path.clone())
            .collect();
        if self.json {
            let mut report = as_json(&checked, now);
            report["deep"] = self.deep.into();
            report["removed"] = if self.remove_orphans { old.len().into() } else { 0.into() };
            writeln!(out, "{report:#}")?;
        } else {
            print(&checked, now, out)?;
        }
        if self.remove_orphans {
            // What goes was shown first.
            out.flush()?;
            files.remove(&old).await?;
            if !self.json {
                writeln!(out, "{} files that nothing names were removed", old.len())?;
            }
        }
        Ok(exit(&checked))
    }
}

/// How a command ends that found this.
pub(crate) fn exit(checked: &Checked) -> Exit {
    match (checked.problems.is_empty(), checked.unread.is_empty()) {
        (false, _) => Exit::Found,
        (true, false) => Exit::Partial,
        (true, true) => Exit::Ok,
    }
}

pub(crate) fn as_json(checked: &Checked, now: Timestamp) -> Value {
    let list = |problems: &[Problem]| -> Vec<Value> {
        problems.iter().map(|p| json!({"path": p.path, "what": p.what})).collect()
    };
    let orphan = |o: &Entry| json!({"path": o.path, "bytes": o.bytes, "hours": hours(o, now)});
    json!({
        "files": checked.files.0,
        "bytes": checked.files.1,
        "rows": checked.files.2,
        "runs": checked.runs,
        "hashed": checked.hashed,
        "problems": list(&checked.problems),
        "unread": list(&checked.unread),
        "orphans": checked.orphans.iter().map(orphan).collect::<Vec<_>>(),
    })
}

fn hours(orphan: &Entry, now: Timestamp) -> i64 {
    (now.seconds() - orphan.written.seconds()) / 3600
}

pub(crate) fn print(checked: &Checked, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    let (files, bytes, rows) = checked.files;
    let size = table::bytes(bytes);
    writeln!(out, "{files} files, {size}, {rows} rows; {} runs of the id index", checked.runs)?;
    if checked.hashed > 0 {
        writeln!(out, "{} files were read and hashed", checked.hashed)?;
    }
    for p in &checked.problems {
        writeln!(out, "wrong: {}: {}", printable(p.path.as_bytes()), p.what)?;
    }
    for p in &checked.unread {
        writeln!(
            out,
            "not read: {}: {}",
            printable(p.path.as_bytes()),
            printable(p.what.as_bytes())
        )?;
    }
    for o in &checked.orphans {
        let (path, age) = (printable(o.path.as_bytes()), hours(o, now));
        writeln!(out, "nothing names {path}: {}, {age} hours old", table::bytes(o.bytes))?;
    }
    writeln!(
        out,
        "{} wrong, {} not read, {} that nothing names",
        checked.problems.len(),
        checked.unread.len(),
        checked.orphans.len()
    )?;
    Ok(())
}
