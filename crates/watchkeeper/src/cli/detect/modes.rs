//! `watchkeeper detect modes`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_watch::modes::Mode;

use crate::cli::{Exit, table};
use crate::wire::App;

/// List the rules that are off or only tried, where, and why.
#[derive(Args)]
pub(super) struct Modes {
    /// How they run in this account; else, where no account is named
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Every rule, also those that are live
    #[arg(long)]
    all: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Modes {
    pub(super) fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let detections = app.detections()?;
        let (mut rows, mut lists, mut rules) = (Vec::new(), Vec::new(), 0);
        for known in detections.every() {
            rules += 1;
            let (mode, reason) = detections.mode_of(&known.rule.id, self.account.as_deref());
            if mode == Mode::Live && !self.all {
                continue;
            }
            let reason = reason.unwrap_or_default();
            rows.push(vec![
                mode.as_str().to_owned(),
                known.rule.id.clone(),
                known.title.to_owned(),
                reason.to_owned(),
            ]);
            lists.push(json!({"mode": mode.as_str(), "id": known.rule.id, "title": known.title,
                "reason": reason}));
        }
        if self.json {
            writeln!(
                out,
                "{:#}",
                json!({"ruleset": detections.hash(), "rules": Value::from(lists)})
            )?;
            return Ok(Exit::Ok);
        }
        table::print(&["mode", "id", "rule", "why"], &rows, out)?;
        let hash = detections.hash();
        writeln!(out, "{} of {rules} rules listed; the set of rules is {hash}", rows.len())?;
        if !detections.modes_text().is_empty() {
            writeln!(out, "\nas config.toml says, the last that fits counts:")?;
            write!(out, "{}", detections.modes_text())?;
        }
        Ok(Exit::Ok)
    }
}
