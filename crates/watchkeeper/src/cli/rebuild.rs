//! `watchkeeper lake rebuild`

use std::io::Write;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use wk_model::complaint::printable;
use wk_store::fsck;
use wk_store::ledger::journal::{self, Rebuilt};

use super::Exit;
use crate::wire::App;

/// Make a ledger that was lost again, from the journal that lies beside the lake's files.
///
/// The ledger must be gone; keys/ must be there. Events, findings, complaints, the log and what was
/// read come back as they were at the last entry of the journal.
#[derive(Args)]
pub(crate) struct Rebuild {
    /// Say what would come back, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let files = app.files().await?;
        let mut listed = files.entries(journal::FOLDER).await?;
        listed.retain(|entry| entry.path.ends_with(".jsonl.gz"));
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        if listed.is_empty() {
            bail!("could not rebuild the ledger\n  because: the lake has no journal");
        }
        let mark = files.read_small("lake.json").await?.context("the lake has no lake.json")?;
        let mark: serde_json::Value =
            serde_json::from_slice(&mark).context("could not understand lake.json")?;
        let name = mark["ledger"].as_str().context("lake.json names no ledger")?;
        let mut entries = Vec::with_capacity(listed.len());
        for entry in &listed {
            let bytes = files.read_small(&entry.path).await?;
            entries.push(bytes.with_context(|| format!("{} is gone", entry.path))?);
        }
        let keys = app.home.path().join("keys");
        let rebuilt =
            app.ledger.rebuild(name, &keys, entries, app.clock.now(), self.dry_run).await?;
        self.tell(&rebuilt, app, out).await
    }

    async fn tell(
        &self,
        rebuilt: &Rebuilt,
        app: &App,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let rows = |table: &str| rebuilt.rows.get(table).copied().unwrap_or(0);
        let checked = match self.dry_run {
            true => None,
            false => {
                let facts = app.ledger.facts().await?;
                Some(fsck::check(&app.files().await?, &facts, false).await?)
            }
        };
        if self.json {
            let lake = checked.as_ref().map(|c| super::fsck::as_json(c, app.clock.now()));
            let report = json!({"dry_run": self.dry_run, "entries": rebuilt.entries,
                "rows": rebuilt.rows, "problems": rebuilt.problems, "lake": lake});
            writeln!(out, "{report:#}")?;
        } else {
            let word = if self.dry_run { "would come back" } else { "came back" };
            writeln!(
                out,
                "{} entries of the journal: {} objects, {} files, {} findings, {} complaints and {} leaves {word}",
                rebuilt.entries,
                rows("object"),
                rows("file"),
                rows("finding"),
                rows("complaint"),
                rows("leaf")
            )?;
            for problem in &rebuilt.problems {
                writeln!(out, "wrong: {}", printable(problem.as_bytes()))?;
            }
            if let Some(checked) = &checked {
                super::fsck::print(checked, app.clock.now(), out)?;
                if !checked.orphans.is_empty() {
                    writeln!(
                        out,
                        "files that nothing names were written after the last entry of the journal, or left by a crash; their objects are read again by the next ingest"
                    )?;
                }
            }
        }
        let sound = checked.as_ref().is_none_or(|c| c.problems.is_empty());
        Ok(if sound && rebuilt.problems.is_empty() { Exit::Ok } else { Exit::Found })
    }
}
