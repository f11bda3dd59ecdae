//! `watchkeeper check lint`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wk_watch::own_checks::read;

use crate::cli::Exit;
use crate::wire::{App, rule_files};

/// Look at your own checks: whether they can be read, and whether the lake can answer them.
///
/// Exit code 1: one cannot be used.
#[derive(Args)]
pub(super) struct Lint {
    /// Files or folders [default: checks of the home directory]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let mut files = Vec::new();
        let own = app.home.path().join("checks");
        if self.paths.is_empty() && own.try_exists()? {
            files.extend(rule_files(&own)?);
        }
        for path in &self.paths {
            files.extend(rule_files(path)?);
        }
        let (mut good, mut wrong) = (Vec::new(), Vec::new());
        for (file, text) in files {
            match read(&file, &text) {
                Err(bad) => wrong.push((file, bad.why)),
                Ok(check) => match app.plan_own(&check).await {
                    Ok(()) => good.push((file, check.about.id)),
                    Err(e) => wrong.push((file, format!("{e:#}"))),
                },
            }
        }
        if self.json {
            let list = |all: &[(String, String)], name: &str| -> Vec<_> {
                all.iter().map(|(file, said)| json!({"file": file, name: said})).collect()
            };
            writeln!(
                out,
                "{:#}",
                json!({"good": list(&good, "id"), "wrong": list(&wrong, "why")})
            )?;
        } else {
            for (file, why) in &wrong {
                let why = wk_model::complaint::printable(why.as_bytes());
                writeln!(out, "error: {file}: {why}")?;
            }
            writeln!(out, "{} checks can be used, {} cannot", good.len(), wrong.len())?;
        }
        Ok(if wrong.is_empty() { Exit::Ok } else { Exit::Found })
    }
}
