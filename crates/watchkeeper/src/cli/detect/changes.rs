//! `watchkeeper detect changes` and `detect record`

use std::io::Write;

use anyhow::ensure;
use clap::Args;
use serde_json::json;
use wk_model::complaint::printable;
use wk_seam::triage::{RuleChange, RuleSetChange, Triage as _};

use crate::cli::{Exit, journal, people, table};
use crate::wire::App;
use crate::wire::rules::Said;

/// List how the rules changed, newest first: who, when, which, from what to what.
#[derive(Args)]
pub(super) struct Changes {
    /// Show the lines of the rules that differ
    #[arg(long)]
    diff: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Record the rules as they are now, with who changed them and who agreed.
///
/// The service and `ingest` record a change by themselves, and then nobody has said who made it.
#[derive(Args)]
pub(super) struct Record {
    /// Who changed them
    #[arg(long, visible_alias = "by", value_name = "NAME")]
    who: String,
    /// Who agreed; another person
    #[arg(long, value_name = "NAME")]
    approver: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Changes {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let changes = app.ledger.rule_changes(self.limit).await?;
        let pending = app.rule_change(&app.detections()?, &Said::default()).await?;
        if self.json {
            writeln!(out, "{:#}", json!({"changes": changes, "pending": pending}))?;
            return Ok(Exit::Ok);
        }
        for change in &changes {
            self.print(change, out)?;
        }
        if changes.is_empty() {
            writeln!(out, "no set of rules was recorded")?;
        }
        if let Some(change) = pending {
            writeln!(
                out,
                "\nnot recorded yet: {}; detect record --who … keeps it with a name",
                sums(&change)
            )?;
        }
        Ok(Exit::Ok)
    }

    fn print(&self, change: &RuleSetChange, out: &mut dyn Write) -> anyhow::Result<()> {
        let by = match (&change.author, &change.approver) {
            (Some(author), Some(approver)) => format!("by {author}, agreed by {approver}"),
            (Some(author), None) => format!("by {author}"),
            (None, _) => "nobody said who".to_owned(),
        };
        let why = change.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let head = format!("{}  {}  {}, {by}{why}", change.at, change.hash, sums(change));
        writeln!(out, "{}", printable(head.as_bytes()))?;
        if change.before.is_none() {
            return Ok(()); // the first set: every rule came
        }
        for rule in &change.changes {
            self.rule(rule, out)?;
        }
        if change.more > 0 {
            writeln!(out, "    and {} more", change.more)?;
        }
        Ok(())
    }

    fn rule(&self, rule: &RuleChange, out: &mut dyn Write) -> anyhow::Result<()> {
        let what = match (&rule.before, &rule.after) {
            (Some(before), Some(after)) => format!("changed {before} -> {after}"),
            (None, _) => "came".to_owned(),
            (_, None) => "went".to_owned(),
        };
        let author = rule.author.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        let line = format!("{what}  {}  {}{author}", rule.rule, table::cut(&rule.title, 80));
        writeln!(out, "    {}", printable(line.as_bytes()))?;
        if self.diff {
            for line in rule.diff.lines() {
                writeln!(out, "        {}", printable(line.as_bytes()))?;
            }
        }
        Ok(())
    }
}

impl Record {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let author = people::name("--who", &self.who)?;
        let approver = match &self.approver {
            Some(given) => {
                let approver = people::name("--approver", given)?;
                let other = approver.to_lowercase() != author.to_lowercase();
                ensure!(other, "--approver must be another person than {author:?}");
                Some(approver)
            }
            None => None,
        };
        let reason = Some(people::name("--reason", &self.reason)?);
        let said = Said { author: Some(author), approver, reason };
        match app.note_rules(&app.detections()?, &said).await? {
            Some(change) => {
                journal::write(app).await?;
                writeln!(out, "{} is recorded: {}", change.hash, sums(&change))?;
            }
            None => writeln!(out, "these rules are recorded already; detect changes shows them")?,
        }
        Ok(Exit::Ok)
    }
}

fn sums(change: &RuleSetChange) -> String {
    let count = |is: fn(&RuleChange) -> bool| change.changes.iter().filter(|c| is(c)).count();
    let came = count(|rule| rule.before.is_none());
    let went = count(|rule| rule.after.is_none());
    let changed = change.changes.len() - came - went;
    format!("{came} rules came, {went} went, {changed} changed")
}
