//! `watchkeeper verify`

use std::io::Write;

use clap::Args;
use serde_json::json;
use wk_model::complaint::printable;
use wk_store::fsck;
use wk_store::ledger::audit::LogCheck;

use super::Exit;
use super::fsck::{as_json, exit, print};
use crate::wire::App;

/// Prove the record: every leaf and signed checkpoint of the log, every file of the lake against
/// its leaf.
///
/// Ends with 0 if all fits together, 1 if something is proved invalid, 4 if something could not be
/// read. Without a checkpoint that was kept elsewhere, the log is consistent and not anchored.
#[derive(Args)]
pub(crate) struct Verify {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// What the log proves as long as no checkpoint lies outside.
const NOT_ANCHORED: &str = "consistent, not anchored";

impl Verify {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let log = app.ledger.check_log().await?;
        let facts = app.ledger.facts().await?;
        let checked = fsck::check(&app.files().await?, &facts, true).await?;
        let now = app.clock.now();
        let word = if log.problems.is_empty() { NOT_ANCHORED } else { "proved invalid" };
        if self.json {
            let report = json!({
                "log": word,
                "leaves": log.leaves,
                "checkpoints": log.checkpoints,
                "signed_by_another_key": log.foreign,
                "root": log.newest.as_ref().map(|head| head.root.to_string()),
                "problems": log.problems,
                "rebuilt": log.rebuilt,
                "lake": as_json(&checked, now),
            });
            writeln!(out, "{report:#}")?;
        } else {
            tell(&log, word, out)?;
            print(&checked, now, out)?;
        }
        Ok(if log.problems.is_empty() { exit(&checked) } else { Exit::Found })
    }
}

fn tell(log: &LogCheck, word: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "log: {word}: {} leaves, {} checkpoints", log.leaves, log.checkpoints)?;
    if let Some(head) = &log.newest {
        writeln!(out, "root: {}", head.root)?;
    }
    if log.foreign > 0 {
        writeln!(out, "{} checkpoints from before the rebuild have another key", log.foreign)?;
    }
    for problem in &log.problems {
        writeln!(out, "wrong: {}", printable(problem.as_bytes()))?;
    }
    for leaf in &log.rebuilt {
        let recorded = printable(leaf["recorded"].as_str().unwrap_or_default().as_bytes());
        writeln!(
            out,
            "the ledger was rebuilt on {recorded} from {} entries of the journal; what was committed after the last of them was not recovered",
            leaf["entries"]
        )?;
        for lost in leaf["lost"].as_array().into_iter().flatten().filter_map(|l| l.as_str()) {
            writeln!(out, "not recovered: {}", printable(lost.as_bytes()))?;
        }
    }
    Ok(())
}
