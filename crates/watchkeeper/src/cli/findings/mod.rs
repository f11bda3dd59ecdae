//! `watchkeeper findings`

mod act;
mod list;
pub(super) mod queue;
mod reconcile;
mod show;
mod stories;
mod whence;

use std::io::Write;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use wk_model::finding::Finding;
use wk_model::{Severity, SeverityWord, Timestamp};

use super::{Exit, table};
use crate::wire::App;

/// What the watch found, and what people decided about it.
#[derive(Args)]
pub(crate) struct Findings {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Ack(act::Ack),
    Assign(act::Assign),
    Note(act::Note),
    Dismiss(act::Dismiss),
    Promote(act::Promote),
    Merge(act::Merge),
    Reopen(act::Reopen),
    Reconcile(reconcile::Reconcile),
    Stories(stories::Stories),
}

#[derive(Args)]
struct FormArgs {
    /// Print JSON: the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// Form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Table,
    /// Watchkeeper's own form
    Json,
    /// OCSF Detection Finding (class 2004), a JSON array
    Ocsf,
    /// AWS Security Finding Format, a JSON array as BatchImportFindings takes it
    Asff,
    /// CloudTrail Insights events, as a trail would deliver them; only of unusual rates of calls and
    /// errors
    Insights,
}

impl FormArgs {
    fn form(&self) -> Form {
        if self.json { Form::Json } else { self.format }
    }
}

impl Findings {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.command {
            What::List(list) => list.run(app, out).await,
            What::Show(show) => show.run(app, out).await,
            What::Ack(ack) => ack.run(app, out).await,
            What::Assign(assign) => assign.run(app, out).await,
            What::Note(note) => note.run(app, out).await,
            What::Dismiss(dismiss) => dismiss.run(app, out).await,
            What::Promote(promote) => promote.run(app, out).await,
            What::Merge(merge) => merge.run(app, out).await,
            What::Reopen(reopen) => reopen.run(app, out).await,
            What::Reconcile(reconcile) => reconcile.run(app, out).await,
            What::Stories(stories) => stories.run(app, out).await,
        }
    }
}

fn as_json(findings: &[Finding], form: Form) -> Option<Value> {
    match form {
        Form::Table => None,
        Form::Json => Some(json!(findings)),
        Form::Ocsf => {
            Some(findings.iter().map(wk_case::reports::ocsf::detection_finding).collect())
        }
        Form::Asff => Some(findings.iter().map(wk_case::reports::asff::finding).collect()),
        Form::Insights => None,
    }
}

/// Prints what findings are as Insights events, and tells how many are none.
async fn print_insights(
    app: &App,
    findings: &[Finding],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (records, others) = app.insights(findings).await?;
    writeln!(out, "{:#}", json!({"Records": records}))?;
    if others > 0 {
        tell(&format!(
            "{others} findings are no unusual rate of a call, or their events are not in the lake: left out"
        ));
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "what is left out is told where errors are told")]
fn tell(what: &str) {
    eprintln!("note: {what}");
}

pub(super) fn print(findings: &[Finding], out: &mut dyn Write) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|f| {
            vec![
                f.id.0.chars().take(8).collect(),
                format!("{} {}", f.severity, f.severity.word()),
                f.last_seen.to_string(),
                f.count.to_string(),
                f.account.clone().unwrap_or_default(),
                table::cut(&f.title, 60),
                table::cut(short_actor(f), 44),
                table::cut(f.resources.first().map_or("", String::as_str), 44),
            ]
        })
        .collect();
    let heads = ["id", "severity", "last seen", "count", "account", "finding", "actor", "resource"];
    table::print(&heads, &rows, out)?;
    writeln!(out, "{} findings", findings.len())?;
    Ok(())
}

/// The part of an ARN that tells one actor from another.
fn short_actor(finding: &Finding) -> &str {
    let actor = finding.actor.as_deref().unwrap_or_default();
    actor.splitn(6, ':').nth(5).unwrap_or(actor)
}

pub(crate) fn severity(text: &str) -> anyhow::Result<Severity> {
    if let Some(word) = SeverityWord::parse(text) {
        return Ok(Severity::least_of_word(word));
    }
    let number: f64 =
        text.parse().map_err(|_| anyhow!("{text:?} is neither a word nor a number"))?;
    Ok(Severity::try_from(number)?)
}

pub(super) fn time(text: &str) -> anyhow::Result<Timestamp> {
    match wk_model::Day::parse(text) {
        Some(day) => Ok(day.start()),
        None => Ok(Timestamp::parse(text)?),
    }
}
