//! `watchkeeper detect lint`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wk_model::complaint::printable;
use wk_watch::lint::{self, Found, Level};
use wk_watch::pack::PACK;

use crate::cli::Exit;
use crate::wire::{self, App};

/// Look for mistakes in rules: schema, fields that records never have, rules that cannot match, costly
/// expressions, ATT&CK ids, failing tests, what the next reader will miss.
///
/// Exit code 1: a rule has an error; with --strict, or a warning.
#[derive(Args)]
pub(super) struct Lint {
    /// Files or folders of rules; none: the built-in pack and those of the home directory
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Warnings count too
    #[arg(long)]
    strict: bool,
    /// Show notes too
    #[arg(long)]
    notes: bool,
    /// Print it as JSON, notes too
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub(super) fn run(
        self,
        app: impl FnOnce() -> anyhow::Result<App>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let mut files: Vec<(String, String)> = Vec::new();
        let mut silent = Vec::new();
        for path in &self.paths {
            files.extend(wire::rule_files(path)?);
        }
        if self.paths.is_empty() {
            files.extend(PACK.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
            let app = app()?;
            let own = app.home.path().join("rules");
            // Rules that go in are judged with the lists and databases of this home.
            silent = lint::silent(&app.detections()?);
            if own.try_exists()? {
                files.extend(wire::rule_files(&own)?);
            }
        }
        anyhow::ensure!(!files.is_empty(), "there is no .yml or .yaml file to look at");
        let mut found = lint::lint(&files);
        found.extend(silent);
        let count = |level: Level| found.iter().filter(|f| f.level == level).count();
        let (errors, warnings, notes) =
            (count(Level::Error), count(Level::Warning), count(Level::Note));
        if self.json {
            let list: Vec<_> = found
                .iter()
                .map(|f| {
                    json!({"file": f.file, "rule": f.rule, "level": f.level.as_str(),
                        "check": f.check, "say": f.say})
                })
                .collect();
            writeln!(
                out,
                "{:#}",
                json!({"files": files.len(), "errors": errors, "warnings": warnings,
                    "notes": notes, "found": list})
            )?;
        } else {
            let shown = found.iter().filter(|f| self.notes || f.level > Level::Note);
            shown.into_iter().try_for_each(|f| line(f, out))?;
            writeln!(
                out,
                "{} files: {errors} errors, {warnings} warnings, {notes} notes",
                files.len()
            )?;
        }
        let failed = errors > 0 || (self.strict && warnings > 0);
        Ok(if failed { Exit::Found } else { Exit::Ok })
    }
}

fn line(found: &Found, out: &mut dyn Write) -> std::io::Result<()> {
    let rule = found.rule.as_deref().map(|rule| format!("{rule:?}: ")).unwrap_or_default();
    let (level, check) = (found.level.as_str(), found.check);
    let line = format!("{level}[{check}]: {}: {rule}{}", found.file, found.say);
    writeln!(out, "{}", printable(line.as_bytes()))
}
