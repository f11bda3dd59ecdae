//! `watchkeeper findings stories`

use std::io::Write;

use clap::Args;
use serde_json::Value;
use wk_case::stories::{LISTED_MAX, Story, stories};
use wk_case::triage::{Case, Standing};
use wk_model::complaint::printable;
use wk_model::{Finding, Severity};
use wk_seam::ledger::FindingQuery;

use super::act::short;
use super::queue::Queue;
use super::{severity, short_actor};
use crate::cli::when::{Span, duration};
use crate::cli::{Exit, table};
use crate::wire::App;

/// Read findings together that tell one story: the same principal, one that acts after it was touched,
/// the same resource or address, not too far apart.
///
/// Without those that were false positives, duplicates, or seen in a dry run.
#[derive(Args)]
pub(super) struct Stories {
    #[command(flatten)]
    span: Span,
    /// How long may lie between two findings of a story
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1d")]
    apart: i64,
    /// Stories whose worst finding is at least this bad
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Stories {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (since, until) = self.span.resolve(app.clock.now())?;
        let query = FindingQuery { since, until, ..FindingQuery::default() };
        let queue = Queue::load(app, &query).await?;
        let mut told = stories(told_of(&queue.cases()), self.apart);
        told.retain(|story| self.severity.is_none_or(|least| story.severity >= least));
        if self.json {
            let all: Vec<Value> = told.iter().map(Story::to_json).collect();
            writeln!(out, "{:#}", Value::from(all))?;
            return Ok(Exit::Ok);
        }
        for story in &told {
            print(story, None, out)?;
            writeln!(out)?;
        }
        writeln!(out, "{} stories; what is read together need not belong together", told.len())?;
        Ok(Exit::Ok)
    }
}

/// The findings that may be a part of a story.
pub(super) fn told_of<'a>(cases: &[Case<'a>]) -> Vec<&'a Finding> {
    let left_out =
        |s: Standing| matches!(s, Standing::FalsePositive | Standing::Duplicate | Standing::DryRun);
    cases.iter().filter(|case| !left_out(case.standing)).map(|case| case.finding).collect()
}

/// A story, with a mark at one of its findings.
pub(super) fn print(
    story: &Story<'_>,
    mark: Option<&Finding>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let tactics: Vec<&str> = story.tactics.iter().map(|tactic| tactic.name).collect();
    writeln!(
        out,
        "{}  {} {}  {} findings from {} to {}",
        story.id,
        story.severity,
        story.severity.word(),
        story.parts.len(),
        story.first,
        story.last
    )?;
    if !tactics.is_empty() {
        writeln!(out, "  steps of an attack: {}", tactics.join(" > "))?;
    }
    for part in story.parts.iter().take(LISTED_MAX) {
        let f = part.finding;
        let own: Vec<&str> = part.tactics.iter().map(|tactic| tactic.name).collect();
        let sign = if mark.is_some_and(|marked| marked.id == f.id) { '>' } else { ' ' };
        let line = format!(
            "{sign} {}  {}  {} {}  {}",
            f.first_seen,
            short(&f.id),
            f.severity,
            f.title,
            table::cut(short_actor(f), 60)
        );
        writeln!(out, "{}", printable(line.as_bytes()))?;
        let because: Vec<&str> = part.because.iter().map(String::as_str).collect();
        let both = [own.join(", "), because.join("; ")];
        let said: Vec<&str> = both.iter().map(String::as_str).filter(|s| !s.is_empty()).collect();
        if !said.is_empty() {
            let line = table::cut(&said.join(": "), 160);
            writeln!(out, "      {}", printable(line.as_bytes()))?;
        }
    }
    if story.parts.len() > LISTED_MAX {
        writeln!(out, "  and {} more", story.parts.len() - LISTED_MAX)?;
    }
    Ok(())
}
