//! `watchkeeper status`: how the watch goes, on one page.

mod gaps;
mod service;
mod sources;

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_engine::service::last_word::LastWord;
use wk_model::arrivals::hour_of;
use wk_model::finding::Finding;
use wk_model::{SeverityWord, Timestamp};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_watch::selfwatch::facts::OutboxFacts;
use wk_watch::selfwatch::measures::{Measure, measures};
use wk_watch::selfwatch::{State, span};

use super::{Exit, table};
use crate::wire::{App, heard};

/// Show how the watch goes: sources, lag, volume, gaps, open alerts, the lake, what waits, what is done
/// on a schedule.
///
/// Ends with 1 if a source is silent.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Status {
    #[command(subcommand)]
    part: Option<Part>,
    /// Judge first, and keep what is wrong as findings: for those who run no service
    #[arg(long)]
    raise: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Part {
    Gaps(gaps::Gaps),
}

/// Everything that is told.
struct Report {
    now: Timestamp,
    last_commit: Option<Timestamp>,
    sources: Vec<Measure>,
    /// Complaints about records of no known kind, in the last 24 hours.
    unread: u64,
    /// Events of places that are too many to be told apart.
    folded: u64,
    /// Gaps of the last days, by source.
    gaps: Vec<(String, usize)>,
    /// Alerts of the watch about itself that are not over.
    open: Vec<Finding>,
    /// Findings last seen in the last 24 hours, worst first.
    found: Vec<(SeverityWord, usize)>,
    lake: Lake,
    /// What waits to be told, and what was given up.
    outbox: OutboxFacts,
    /// What the service said of itself last.
    service: Option<LastWord>,
    /// Whether it makes backups.
    backups: bool,
}

struct Lake {
    version: u64,
    files: usize,
    rows: u64,
    bytes: u64,
    /// Files that left and wait for their removal.
    left: usize,
    holds: usize,
}

impl Status {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if let Some(Part::Gaps(gaps)) = self.part {
            return gaps.run(app, out).await;
        }
        if self.raise {
            app.selfwatch()?.turn(&heard::heard(app).await?).await?;
            super::journal::write(app).await?;
        }
        let report = Report::of(app).await?;
        if self.json {
            writeln!(out, "{:#}", report.json())?;
        } else {
            report.print(out)?;
        }
        Ok(if report.is_silent() { Exit::Found } else { Exit::Ok })
    }
}

impl Report {
    async fn of(app: &App) -> anyhow::Result<Self> {
        let now = app.clock.now();
        let facts = app.ledger.self_facts(now).await?;
        let limits = app.config.selfwatch.limits()?;
        let day = |hour: &i64| *hour > hour_of(now) - 24;
        let unread = facts.unread.iter().filter(|(hour, _)| day(hour));
        Ok(Self {
            now,
            last_commit: facts.last_commit,
            sources: measures(&facts, now, &limits),
            unread: unread.map(|(_, intake)| intake.complaints).sum(),
            folded: facts.folded,
            gaps: gaps::by_source(app, now).await?,
            open: open(app).await?,
            found: found(app, now).await?,
            lake: Lake::of(app).await?,
            outbox: heard::outbox(app).await?,
            service: heard::last_word(app).await?,
            backups: app.config.backup.target(app.home.path())?.is_some(),
        })
    }

    fn is_silent(&self) -> bool {
        self.sources.iter().any(|source| source.state == State::Silent)
    }

    fn print(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        sources::print(&self.sources, self.now, &self.gaps, out)?;
        if self.unread > 0 {
            writeln!(out, "{} records of no known kind in the last 24 hours", self.unread)?;
        }
        if self.folded > 0 {
            writeln!(
                out,
                "{} events of accounts and regions that are too many are told as one place",
                self.folded
            )?;
        }
        writeln!(out)?;
        self.print_alerts(out)?;
        let words: Vec<String> = self.found.iter().map(|(w, n)| format!("{n} {w}")).collect();
        let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
        writeln!(out, "findings of the last 24 hours: {words}")?;
        let l = &self.lake;
        let last = self.last_commit.map_or("never".to_owned(), |at| ago(at, self.now));
        writeln!(
            out,
            "lake: version {}, {} files, {} rows, {}; {} files wait for removal, {} holds; last commit {last}",
            l.version,
            l.files,
            l.rows,
            table::bytes(l.bytes),
            l.left,
            l.holds
        )?;
        service::print(self, out)
    }

    fn print_alerts(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.open.is_empty() {
            writeln!(out, "the watch has no open alert about itself")?;
            return Ok(());
        }
        let row = |f: &Finding| {
            let runbook = f.rule.id.strip_prefix("selfwatch.").unwrap_or(&f.rule.id);
            let severity = f.severity.word().to_string();
            vec![severity, f.first_seen.to_string(), f.title.clone(), runbook.to_owned()]
        };
        let rows: Vec<Vec<String>> = self.open.iter().map(row).collect();
        table::print(&["severity", "since", "the watch about itself", "runbook"], &rows, out)?;
        writeln!(out)?;
        Ok(())
    }

    fn json(&self) -> Value {
        let alert = |f: &Finding| {
            json!({"finding": f.id, "rule": f.rule.id, "severity": f.severity,
                "since": f.first_seen, "title": f.title})
        };
        let l = &self.lake;
        json!({
            "now": self.now,
            "silent": self.is_silent(),
            "last_commit": self.last_commit,
            "sources": self.sources.iter().map(|m| sources::json(m, &self.gaps)).collect::<Vec<_>>(),
            "unread_records_24h": self.unread,
            "folded_events": self.folded,
            "alerts": self.open.iter().map(alert).collect::<Vec<_>>(),
            "findings_24h": self.found.iter().map(|(w, n)| (w.to_string(), json!(n)))
                .collect::<serde_json::Map<_, _>>(),
            "lake": {"version": l.version, "files": l.files, "rows": l.rows, "bytes": l.bytes,
                "left_files": l.left, "holds": l.holds},
            "outbox": {"waiting": self.outbox.waiting, "oldest": self.outbox.oldest_due,
                "dead": self.outbox.dead},
            "service": self.service.as_ref().map(service::json),
            "backups": self.backups,
        })
    }
}

impl Lake {
    async fn of(app: &App) -> anyhow::Result<Self> {
        let snapshot = app.ledger.snapshot().await?;
        let holds = app.ledger.holds().await?;
        Ok(Self {
            version: snapshot.version,
            files: snapshot.files.len(),
            rows: snapshot.files.iter().map(|f| f.rows).sum(),
            bytes: snapshot.files.iter().map(|f| f.bytes).sum(),
            left: app.ledger.left().await?.len(),
            holds: holds.into_iter().filter(|h| h.is_active()).count(),
        })
    }
}

/// Alerts of the watch about itself that are not over, worst first.
async fn open(app: &App) -> anyhow::Result<Vec<Finding>> {
    let query = FindingQuery {
        product: Some("watchkeeper".to_owned()),
        rule: Some("selfwatch.".to_owned()),
        ..FindingQuery::default()
    };
    let mut open = app.ledger.findings(&query).await?;
    open.retain(|f| f.ended.is_none() && f.rule.id.starts_with("selfwatch."));
    open.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.first_seen.cmp(&b.first_seen)));
    Ok(open)
}

async fn found(app: &App, now: Timestamp) -> anyhow::Result<Vec<(SeverityWord, usize)>> {
    use SeverityWord::{Critical, High, Informational, Low, Medium};
    let since = Some(now.plus_seconds(-86_400));
    let found = app.ledger.findings(&FindingQuery { since, ..FindingQuery::default() }).await?;
    let count = |word| found.iter().filter(|f| f.severity.word() == word).count();
    let counts = [Critical, High, Medium, Low, Informational].map(|word| (word, count(word)));
    Ok(counts.into_iter().filter(|(_, n)| *n > 0).collect())
}

/// How long ago a time was, for people.
fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.seconds() - at.seconds() {
        ahead @ ..0 => format!("{} ahead", span(-ahead)),
        seconds => format!("{} ago", span(seconds)),
    }
}
