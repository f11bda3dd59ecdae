//! `watchkeeper query --explain`

use std::io::Write;

use serde_json::{Value, json};
use wk_model::complaint::printable;
use wk_store::query::explain::{Spent, plan_text};
use wk_store::query::{Answer, Questions, Written};

use super::{Format, Query, forms};
use crate::cli::Exit;
use crate::cli::stop::Stop;
use crate::wire::App;

/// What a question runs on.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) questions: &'a Questions,
    pub(super) files_of_lake: usize,
    pub(super) memory: usize,
}

impl Query {
    /// Runs the question without showing its rows, and says what it took.
    pub(super) async fn explain(
        &self,
        app: &App,
        run: Run<'_>,
        answer: Answer,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let (plan, notes, begun) = (answer.plan(), answer.notes(), app.clock.now());
        let stopped = stop.wait_at_most(self.timeout);
        let written = answer.write_until(&mut forms::Counted, self.limit, stopped).await?;
        let took_s = seconds(app.clock.now().micros() - begun.micros());
        let spent = Spent::of(&plan);
        let facts = json!({
            "plan": plan_text(plan.as_ref()),
            "files": {
                "lake": run.files_of_lake,
                "tables_asked": spent.files,
                "passed_over": spent.files - spent.files_read,
                "read": spent.files_read,
            },
            "row_groups_passed_over": spent.row_groups_pruned,
            "bytes_read": spent.bytes_read,
            "rows": {"scanned": spent.rows_scanned, "returned": written.rows},
            "cpu_s": spent.cpu.as_secs_f64(),
            "elapsed_s": took_s,
            "memory_peak_bytes": run.questions.memory_peak_bytes(),
            "memory_limit_bytes": run.memory,
            "spilled_bytes": spent.bytes_spilled,
            "notes": notes.list(),
            "partial": written.stopped,
        });
        if self.format == Format::Json {
            writeln!(out, "{facts:#}")?;
        } else {
            print(&facts, &written, out)?;
        }
        Ok(if written.stopped.is_some() { Exit::Partial } else { Exit::Ok })
    }
}

fn print(facts: &Value, written: &Written, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "plan")?;
    for line in facts["plan"].as_str().unwrap_or_default().lines() {
        writeln!(out, "  {}", printable(line.as_bytes()))?;
    }
    let files = &facts["files"];
    writeln!(
        out,
        "\nfiles       {} in the lake, {} of the tables asked: {} passed over, {} read",
        files["lake"], files["tables_asked"], files["passed_over"], files["read"]
    )?;
    writeln!(out, "row groups  {} passed over in these", facts["row_groups_passed_over"])?;
    writeln!(out, "read        {}", size(&facts["bytes_read"]))?;
    let rows = &facts["rows"];
    writeln!(out, "rows        {} scanned, {} returned", rows["scanned"], rows["returned"])?;
    let seconds = |name: &str| facts[name].as_f64().unwrap_or_default();
    writeln!(
        out,
        "time        {:.3} s of processors, {:.3} s on the clock",
        seconds("cpu_s"),
        seconds("elapsed_s")
    )?;
    writeln!(
        out,
        "memory      {} at most for sorts, joins and aggregations, of {}; {} in temporary files",
        size(&facts["memory_peak_bytes"]),
        size(&facts["memory_limit_bytes"]),
        size(&facts["spilled_bytes"])
    )?;
    for note in facts["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        writeln!(out, "note        {}", printable(note.as_bytes()))?;
    }
    if let Some(why) = &written.stopped {
        writeln!(out, "partial     {why}")?;
    }
    Ok(())
}

/// A number of bytes for people.
fn size(bytes: &Value) -> String {
    let bytes = bytes.as_f64().unwrap_or_default();
    match bytes {
        b if b >= 1_048_576.0 => format!("{:.1} MiB", b / 1_048_576.0),
        b if b >= 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b => format!("{b} B"),
    }
}

fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time that somebody waited for")]
    let micros = micros as f64;
    micros / 1e6
}
