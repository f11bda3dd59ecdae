//! `watchkeeper route explain` and `watchkeeper route suppressed`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_act::routes::{Outcome, RoutedEvent, Routes, Step, Taken, decide};
use wk_model::complaint::printable;
use wk_model::finding::{Finding, Origin};
use wk_seam::ledger::{FindingQuery, Ledger as _};

use crate::cli::{Exit, Usage, table};
use crate::config::Home;
use crate::wire::reports::LakeReports;
use crate::wire::{App, tell_bad_routes};

/// Say which routes match a finding or an event, why, and what follows.
#[derive(Args)]
pub(super) struct Explain {
    /// The finding's id, or the beginning of it
    #[arg(value_name = "FINDING-ID")]
    finding: Option<String>,
    /// A file with an EventBridge event instead
    #[arg(long, value_name = "FILE", conflicts_with = "finding")]
    event: Option<PathBuf>,
    /// Print it as JSON, with the shapes that patterns are held against
    #[arg(long)]
    json: bool,
}

/// List the findings that routes suppress now, with reason, owner and end.
#[derive(Args)]
pub(super) struct Suppressed {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) async fn run(
        self,
        home: impl FnOnce() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let app = App::open(home()?)?;
        let (routes, bad) = app.home.routes()?;
        tell_bad_routes(&bad);
        let (name, event) = match (&self.finding, &self.event) {
            (Some(id), None) => {
                let finding = find(&app, id).await?;
                let record = record(&app, &finding).await?;
                let event = match &record {
                    Some(record) => RoutedEvent::of_report(&finding, record),
                    None => RoutedEvent::of_finding(&finding),
                };
                (format!("finding {}", finding.id), event)
            }
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("could not read {}", path.display()))?;
                (path.display().to_string(), RoutedEvent::of_event(&text, Origin::Live))
            }
            _ => return Err(Usage::error("route explain needs FINDING-ID or --event FILE")),
        };
        let now = app.clock.now();
        let (steps, outcomes) = (routes.steps(&event, now), decide(&routes, &event, now));
        if self.json {
            writeln!(out, "{:#}", as_json(&event, &steps, &outcomes))?;
        } else {
            print(&name, &event, &steps, &outcomes, out)?;
        }
        Ok(if bad.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

async fn find(app: &App, id: &str) -> anyhow::Result<Finding> {
    let query = FindingQuery { id: Some(id.to_owned()), ..FindingQuery::default() };
    let mut findings = app.ledger.findings(&query).await?;
    match (findings.pop(), findings.len()) {
        (Some(finding), 0) => Ok(finding),
        (last, more) => {
            bail!(
                "{} findings have an id that begins with {id:?}",
                more + usize::from(last.is_some())
            )
        }
    }
}

/// What the product itself said, where a product reported the finding and the lake still has it.
async fn record(app: &App, finding: &Finding) -> anyhow::Result<Option<String>> {
    if finding.rule.product == "watchkeeper" {
        return Ok(None);
    }
    Ok(LakeReports::of(app).read(&[finding]).await?.into_iter().next().flatten())
}

fn as_json(event: &RoutedEvent, steps: &[Step<'_>], outcomes: &[Outcome]) -> Value {
    let faces: Vec<Value> = event
        .faces()
        .iter()
        .map(|face| {
            let read: Value = serde_json::from_str(&face.text).unwrap_or_else(|_| json!(face.text));
            json!({"shape": face.name, "event": read})
        })
        .collect();
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "route": step.route.name,
                "file": step.route.file,
                "line": step.route.place.line,
                "shape": event.faces().get(step.face).map(|face| face.name),
                "unclear": step.unclear,
                "taken": step.taken,
            })
        })
        .collect();
    json!({
        "origin": event.origin().as_str(), "shapes": faces, "matches": steps, "outcomes": outcomes,
    })
}

fn print(
    name: &str,
    event: &RoutedEvent,
    steps: &[Step<'_>],
    outcomes: &[Outcome],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "{} ({})", printable(name.as_bytes()), event.origin().as_str())?;
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            vec![
                step.route.name.clone(),
                event.faces().get(step.face).map_or("", |face| face.name).to_owned(),
                why(step).to_owned(),
                table::cut(&step.route.pattern_text, 100),
            ]
        })
        .collect();
    if rows.is_empty() {
        writeln!(out, "no route matches; nothing follows")?;
        return Ok(());
    }
    table::print(&["matching route", "shape", "", "pattern"], &rows, out)?;
    for outcome in outcomes {
        let line = format!("{}: {outcome}", outcome.route());
        writeln!(out, "-> {}", printable(line.as_bytes()))?;
    }
    if outcomes.is_empty() {
        writeln!(out, "nothing follows")?;
    }
    Ok(())
}

fn why(step: &Step<'_>) -> &'static str {
    match step.taken {
        Taken::Decides => "decides",
        Taken::GoesOn if step.unclear => "may match; told to be safe",
        Taken::GoesOn => "taken, and routes behind it are asked",
        Taken::TooLate => "not asked: a route before it decided",
        Taken::Expired => "its suppression is over",
        Taken::Unclear => "only may match, so it does not suppress",
    }
}

impl Suppressed {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (routes, bad) = app.home.routes()?;
        tell_bad_routes(&bad);
        let findings = app.ledger.findings(&FindingQuery::default()).await?;
        let hidden = suppressed(&routes, &findings, app);
        if self.json {
            let all: Vec<Value> = hidden
                .iter()
                .map(|(finding, outcome)| {
                    json!({"finding": finding.id, "title": finding.title, "by": outcome})
                })
                .collect();
            let value = json!({"findings": findings.len(), "suppressed": all});
            writeln!(out, "{value:#}")?;
            return Ok(if bad.is_empty() { Exit::Ok } else { Exit::Partial });
        }
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut rows = Vec::new();
        for (finding, outcome) in &hidden {
            *counts.entry(outcome.route()).or_default() += 1;
            rows.push(vec![
                finding.id.0.chars().take(8).collect(),
                format!("{} {}", finding.severity, finding.severity.word()),
                table::cut(&finding.title, 60),
                outcome.route().to_owned(),
                outcome.to_string(),
            ]);
        }
        table::print(&["id", "severity", "finding", "route", "how"], &rows, out)?;
        for (route, count) in counts {
            writeln!(out, "{route}: {count}")?;
        }
        writeln!(out, "{} of {} findings are suppressed", hidden.len(), findings.len())?;
        Ok(if bad.is_empty() { Exit::Ok } else { Exit::Partial })
    }
}

fn suppressed<'f>(
    routes: &Routes,
    findings: &'f [Finding],
    app: &App,
) -> Vec<(&'f Finding, Outcome)> {
    let now = app.clock.now();
    let hidden = |finding: &'f Finding| {
        let outcomes = decide(routes, &RoutedEvent::of_finding(finding), now);
        let how = outcomes.into_iter().find(|o| matches!(o, Outcome::Suppress { .. }))?;
        Some((finding, how))
    };
    findings.iter().filter_map(hidden).collect()
}
