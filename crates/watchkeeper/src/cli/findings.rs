//! `watchkeeper findings`

use std::io::Write;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use wk_model::complaint::printable;
use wk_model::finding::Finding;
use wk_model::{Severity, SeverityWord, Timestamp};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_watch::detect::Detections;

use super::{Exit, table};
use crate::wire::App;

/// What the watch found.
#[derive(Args)]
pub(crate) struct Findings {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// List findings, newest first
    List(List),
    /// Show one finding with the events behind it
    Show(Show),
}

/// List findings, newest first.
#[derive(Args)]
struct List {
    /// At least this bad: informational, low, medium, high, critical, or a number from 0 to 10
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    /// Rule id, or part of rule id or title
    #[arg(long, value_name = "TEXT")]
    rule: Option<String>,
    /// Account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Part of the actor
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Who reported it: watchkeeper, guardduty, securityhub, …
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Last seen at or after this time (2024-02-15T14:23:00Z or 2024-02-15)
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// First seen before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Exit with 1 if a listed finding is at least this bad
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    #[command(flatten)]
    form: FormArgs,
}

/// Show one finding.
#[derive(Args)]
struct Show {
    /// Its id, or the beginning of it
    id: String,
    #[command(flatten)]
    form: FormArgs,
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
        }
    }
}

impl List {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let query = FindingQuery {
            id: None,
            rule: self.rule,
            severity_tenths_min: self.severity.map(Severity::tenths),
            account: self.account,
            actor: self.actor,
            product: self.product,
            since: self.since,
            until: self.until,
            limit: self.limit,
        };
        let findings = app.ledger.findings(&query).await?;
        match as_json(&findings, self.form.form()) {
            Some(json) => writeln!(out, "{json:#}")?,
            None => print(&findings, out)?,
        }
        let failed = self.fail_on.is_some_and(|limit| findings.iter().any(|f| f.severity >= limit));
        Ok(if failed { Exit::Found } else { Exit::Ok })
    }
}

impl Show {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let query = FindingQuery { id: Some(self.id.clone()), ..FindingQuery::default() };
        let findings = app.ledger.findings(&query).await?;
        let [finding] = findings.as_slice() else {
            bail!("{} findings have an id that begins with {:?}", findings.len(), self.id)
        };
        match self.form.form() {
            Form::Table => detail(finding, out)?,
            Form::Json => writeln!(out, "{:#}", serde_json::to_value(finding)?)?,
            form => writeln!(out, "{:#}", as_json(&findings, form).unwrap_or_default())?,
        }
        Ok(Exit::Ok)
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
    }
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

fn detail(f: &Finding, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = [
        ("finding", f.title.clone()),
        ("id", f.id.to_string()),
        ("severity", format!("{} {}", f.severity, f.severity.word())),
        ("reported by", f.rule.product.clone()),
        ("rule", format!("{} version {}", f.rule.id, f.rule.version)),
        ("ATT&CK", f.rule.attack.join(", ")),
        ("controls", f.rule.controls.join(", ")),
        ("account", text(&f.account)),
        ("region", text(&f.region)),
        ("actor", text(&f.actor)),
        ("resources", f.resources.join(", ")),
        ("first seen", f.first_seen.to_string()),
        ("last seen", f.last_seen.to_string()),
        ("count", f.count.to_string()),
        ("origin", f.origin.as_str().to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect();
    for row in &rows {
        writeln!(out, "{:11}  {}", row[0], printable(row[1].as_bytes()))?;
    }
    reason(f, out)?;
    writeln!(out)?;
    let events: Vec<Vec<String>> =
        f.events.iter().map(|e| vec![e.time.to_string(), e.table.clone(), e.id.clone()]).collect();
    table::print(&["event time", "table", "event_id"], &events, out)?;
    if f.count > f.events.len() as u64 && f.rule.product == "watchkeeper" {
        writeln!(out, "the first {} of {} events", f.events.len(), f.count)?;
    }
    Ok(())
}

/// Why the rule is there and what to do first, for rules that are built in.
fn reason(f: &Finding, out: &mut dyn Write) -> anyhow::Result<()> {
    let pack = Detections::built_in()?;
    let Some(detection) = pack.rules().iter().find(|d| d.rule.id == f.rule.id) else {
        return Ok(());
    };
    if let Some(why) = &detection.sigma.description {
        writeln!(out, "\nwhy          {}", why.trim())?;
    }
    for noise in &detection.sigma.falsepositives {
        writeln!(out, "known noise  {}", noise.trim())?;
    }
    for (number, step) in detection.sigma.extension.triage.iter().enumerate() {
        writeln!(out, "triage {}     {}", number + 1, step.trim())?;
    }
    Ok(())
}

pub(super) fn severity(text: &str) -> anyhow::Result<Severity> {
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
