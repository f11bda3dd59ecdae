//! `watchkeeper detect backtest`

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use wk_engine::backtest::{Backtested, OfRule};
use wk_model::{Severity, Timestamp};
use wk_watch::detect::Detections;

use super::read_rules;
use crate::cli::when::Span;
use crate::cli::{Exit, table};
use crate::wire::App;

/// Run rules over the lake's history and say what they would have found: nothing is kept.
///
/// For each rule: events, findings, findings a week, who and where, and the newest of them. Without
/// a span it is the last 30 days that the lake has.
#[derive(Args)]
pub(super) struct Backtest {
    /// File or folder of Sigma rules (.yml, .yaml) [default: the built-in pack and your own rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Only rules whose id or title holds this text
    #[arg(long, value_name = "TEXT")]
    rule: Option<String>,
    #[command(flatten)]
    span: Span,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Days that are looked at where nobody says how many.
const DAYS: i32 = 30;

/// A rule, as the report names it.
struct Named {
    id: String,
    title: String,
    severity: Severity,
}

impl Backtest {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (detections, bad) = match &self.rules {
            Some(path) => read_rules(path)?,
            None => (app.detections()?, 0),
        };
        let (since, until) = self.span.resolve(app.clock.now())?;
        let Some((since, until)) = app.history(since, until, DAYS).await? else {
            bail!("the lake holds no events of that time");
        };
        let begun = app.clock.now();
        let tested = app.backtest(&detections, since, until).await?;
        let took = app.clock.now().seconds() - begun.seconds();
        let days = f64::from(i32::try_from((until.seconds() - since.seconds()) / 3600)?) / 24.0;
        let named: Vec<Named> = self.named(&detections).collect();
        if self.json {
            let facts = as_json(&named, &tested, (since, until), days);
            writeln!(out, "{facts:#}")?;
        } else {
            writeln!(out, "{} rows of {since} to {until}, in {took} s\n", tested.records)?;
            print(&named, &tested, days, out)?;
        }
        let partial = bad > 0 || tested.unkept > 0 || tested.counts.dropped > 0;
        Ok(if partial { Exit::Partial } else { Exit::Ok })
    }

    fn named(&self, detections: &Detections) -> impl Iterator<Item = Named> {
        let single = detections.rules().iter().filter(|d| d.alerts).map(|d| Named {
            id: d.rule.id.clone(),
            title: d.title.to_string(),
            severity: d.severity,
        });
        let several = detections.stateful().rules().iter().map(|s| Named {
            id: s.rule.id.clone(),
            title: s.title.to_string(),
            severity: s.severity,
        });
        let asked = self.rule.clone().unwrap_or_default().to_lowercase();
        let fits = move |n: &Named| {
            n.id.to_lowercase().contains(&asked) || n.title.to_lowercase().contains(&asked)
        };
        single.chain(several).filter(fits).collect::<Vec<_>>().into_iter()
    }
}

fn a_week(findings: u64, days: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an average for people")]
    let findings = findings as f64;
    findings * 7.0 / days.max(1.0 / 24.0)
}

fn print(
    named: &[Named],
    tested: &Backtested,
    days: f64,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut found: Vec<(&Named, &OfRule)> =
        named.iter().filter_map(|n| Some((n, tested.rules.get(&n.id)?))).collect();
    found.sort_by(|a, b| b.0.severity.cmp(&a.0.severity).then(b.1.findings.cmp(&a.1.findings)));
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(n, of)| {
            vec![
                format!("{} {}", n.severity, n.severity.word()),
                table::cut(&n.title, 60),
                of.events.to_string(),
                of.findings.to_string(),
                format!("{:.1}", a_week(of.findings, days)),
                of.actors.len().to_string(),
                of.accounts.len().to_string(),
                of.samples.first().map_or(String::new(), |f| f.last_seen.to_string()),
            ]
        })
        .collect();
    let heads =
        ["severity", "rule", "events", "findings", "a week", "actors", "accounts", "newest"];
    table::print(&heads, &rows, out)?;
    let quiet = named.len() - found.len();
    writeln!(out, "\n{quiet} of {} rules would have found nothing.", named.len())?;
    let left_out = [
        (tested.unkept, "events belong to findings beyond those that one run holds"),
        (tested.counts.late, "events came too late for rules over several events"),
        (tested.counts.dropped, "events were too many of one key"),
        (tested.left_out, "keys and values stood behind the sixteenth of one event"),
    ];
    for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{count} {what}.")?;
    }
    Ok(())
}

fn as_json(
    named: &[Named],
    tested: &Backtested,
    (since, until): (Timestamp, Timestamp),
    days: f64,
) -> Value {
    let rules: Vec<Value> = named
        .iter()
        .map(|n| {
            let none = OfRule::default();
            let of = tested.rules.get(&n.id).unwrap_or(&none);
            json!({
                "id": n.id,
                "title": n.title,
                "severity": n.severity.number(),
                "events": of.events,
                "findings": of.findings,
                "findings_a_week": a_week(of.findings, days),
                "actors": of.actors.len(),
                "accounts": of.accounts,
                "samples": of.samples,
            })
        })
        .collect();
    json!({
        "since": since.to_string(),
        "until": until.to_string(),
        "records": tested.records,
        "rules": rules,
        "events_of_findings_not_held": tested.unkept,
        "late": tested.counts.late,
        "dropped": tested.counts.dropped,
        "left_out": tested.left_out,
    })
}
