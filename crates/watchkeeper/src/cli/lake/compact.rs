//! `watchkeeper lake compact`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_engine::upkeep::{Compacted, Heap};

use super::super::{Exit, table};
use crate::wire::App;

/// Rewrite closed days as few files, sorted for what is asked most; merge small files of open days.
///
/// Queries and ingests go on meanwhile. Files that were replaced are removed by a later run, an
/// hour after nothing names them any more.
#[derive(Args)]
pub(super) struct Compact {
    /// Say what would be rewritten, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Rewrite whatever is not in the best form yet: open days and single late files too
    #[arg(long)]
    all: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Compact {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let upkeep = app.upkeep().await?;
        let plan = upkeep.plan(self.all).await?;
        if self.dry_run {
            return self.tell_plan(&plan, out);
        }
        let (removed, removed_bytes) = upkeep.remove_left().await?;
        let done = upkeep.compact(&plan, &mut |_| ()).await?;
        if self.json {
            let mut report = as_json(&done);
            report["removed"] = json!({"files": removed, "bytes": removed_bytes});
            writeln!(out, "{report:#}")?;
            return Ok(Exit::Ok);
        }
        writeln!(
            out,
            "{} days rewritten: {} files became {}, {} became {}, {} rows in and out",
            done.heaps,
            done.files.0,
            done.files.1,
            table::bytes(done.bytes.0),
            table::bytes(done.bytes.1),
            done.rows
        )?;
        if done.overtaken > 0 {
            writeln!(out, "{} days were changed by another process first", done.overtaken)?;
        }
        if removed > 0 {
            let size = table::bytes(removed_bytes);
            writeln!(out, "{removed} replaced files of earlier runs were removed ({size})")?;
        }
        Ok(Exit::Ok)
    }

    fn tell_plan(&self, plan: &[Heap], out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.json {
            let heaps: Vec<Value> = plan.iter().map(heap_as_json).collect();
            writeln!(out, "{:#}", json!({"dry_run": true, "heaps": heaps}))?;
            return Ok(Exit::Ok);
        }
        let row = |heap: &Heap| {
            vec![
                heap.table.name.to_owned(),
                heap.day.to_string(),
                heap.files.len().to_string(),
                heap.files.iter().map(|f| f.rows).sum::<u64>().to_string(),
                table::bytes(heap.files.iter().map(|f| f.bytes).sum()),
                heap.reason.word().to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = plan.iter().map(row).collect();
        table::print(&["table", "day", "files", "rows", "bytes", "why"], &rows, out)?;
        writeln!(out, "{} days would be rewritten; nothing was changed", plan.len())?;
        Ok(Exit::Ok)
    }
}

fn heap_as_json(heap: &Heap) -> Value {
    json!({
        "table": heap.table.name,
        "day": heap.day.to_string(),
        "files": heap.files.len(),
        "rows": heap.files.iter().map(|f| f.rows).sum::<u64>(),
        "bytes": heap.files.iter().map(|f| f.bytes).sum::<u64>(),
        "why": heap.reason.word(),
    })
}

fn as_json(done: &Compacted) -> Value {
    json!({
        "days": done.heaps,
        "files": {"before": done.files.0, "after": done.files.1},
        "bytes": {"before": done.bytes.0, "after": done.bytes.1},
        "rows": done.rows,
        "overtaken": done.overtaken,
    })
}
