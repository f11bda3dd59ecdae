//! `watchkeeper detect`

mod backtest;
mod changes;
mod coverage;
mod learn;
mod lint;
mod look_back;
mod modes;
mod test;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_engine::scan::{Scan, Scanned};
use wk_store::unpack::Unpacker;
use wk_watch::detect::Detections;
use wk_watch::sources::{Settings, Source};

use super::ingest::source_named;
use super::{Exit, table};
use crate::wire::{self, Access, App};

/// Run rules, and list what is built in.
#[derive(Args)]
pub(crate) struct Detect {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Run rules over files, or over the lake where no file is named
    Run(Run),
    /// List the built-in rules
    List(List),
    Backtest(backtest::Backtest),
    Learn(learn::Learn),
    LookBack(look_back::LookBack),
    Lint(lint::Lint),
    Coverage(coverage::CoverageArgs),
    Modes(modes::Modes),
    Changes(changes::Changes),
    Record(changes::Record),
    Test(test::Test),
}

/// Run Sigma rules over files (every record counts) or over the lake.
#[derive(Args)]
struct Run {
    /// Files, folders or s3://bucket/prefix; none: the lake
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// File or folder of Sigma rules (.yml, .yaml) [default: the built-in pack]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// What the objects are, where content alone does not tell
    #[arg(long, value_name = "NAME", value_parser = source_named)]
    source: Option<&'static Source>,
    /// Print every rule with its matches as JSON
    #[arg(long)]
    json: bool,
}

/// List the built-in rules.
#[derive(Args)]
struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Detect {
    pub(crate) async fn run(
        self,
        app: impl FnOnce() -> anyhow::Result<App>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self.command {
            What::Run(run) => run.run(app, out).await,
            What::List(list) => list.run(out),
            What::Backtest(backtest) => backtest.run(&app()?, out).await,
            What::Learn(learn) => learn.run(&app()?, out).await,
            What::LookBack(look_back) => look_back.run(&app()?, out).await,
            What::Lint(lint) => lint.run(app, out),
            What::Coverage(coverage) => coverage.run(&app()?, out).await,
            What::Modes(modes) => modes.run(&app()?, out),
            What::Changes(changes) => changes.run(&app()?, out).await,
            What::Record(record) => record.run(&app()?, out).await,
            What::Test(test) => test.run(app, out),
        }
    }
}

impl Run {
    async fn run(
        self,
        app: impl FnOnce() -> anyhow::Result<App>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let (detections, bad) = match &self.rules {
            Some(path) => read_rules(path)?,
            None => (Detections::built_in()?, 0),
        };
        let scanned = if self.paths.is_empty() {
            app()?.scan_lake(&detections).await?
        } else {
            let access = Access { without_identity: true, ..Access::default() };
            let mut places = Vec::new();
            for path in &self.paths {
                places.push(wire::place(path, &access).await?);
            }
            let settings = Settings { inflate: wk_store::inflate::small, ..Settings::default() };
            let scan = Scan {
                detections: &detections,
                settings: &settings,
                source: self.source,
                unpack: Unpacker::boxed,
                whole_bytes: 2 << 20,
                record_bytes: 16 << 20,
            };
            scan.run(&places).await?
        };
        if self.json {
            writeln!(out, "{:#}", as_json(&detections, &scanned, bad))?;
        } else {
            print(&detections, &scanned, bad, out)?;
        }
        let partial = bad > 0 || scanned.complaint_count > 0 || !scanned.failed.is_empty();
        Ok(if partial { Exit::Partial } else { Exit::Ok })
    }
}

impl List {
    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let pack = Detections::built_in()?;
        if self.json {
            let rules: Vec<Value> = pack
                .rules()
                .iter()
                .map(|d| json!({"id": d.rule.id, "title": d.title, "severity": d.severity.number(), "controls": d.rule.controls, "attack": d.rule.attack}))
                .collect();
            writeln!(out, "{:#}", Value::from(rules))?;
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = pack
            .rules()
            .iter()
            .map(|d| {
                let severity = format!("{} {}", d.severity, d.severity.word());
                vec![
                    severity,
                    d.title.to_string(),
                    d.rule.controls.join(" "),
                    d.rule.attack.join(" "),
                ]
            })
            .collect();
        table::print(&["severity", "rule", "controls", "ATT&CK"], &rows, out)?;
        writeln!(out, "{} rules", rows.len())?;
        Ok(Exit::Ok)
    }
}

/// Reads a file or folder of rules; tells what is broken on standard error and goes on.
fn read_rules(path: &Path) -> anyhow::Result<(Detections, usize)> {
    let files = wire::rule_files(path)?;
    if files.is_empty() {
        bail!("{} holds no .yml or .yaml file", path.display());
    }
    let (detections, bad) = Detections::read(files.into_iter());
    wire::tell_bad_rules(&bad);
    if detections.rules().is_empty() {
        bail!("{} holds no rule that can be used", path.display());
    }
    Ok((detections, bad.len()))
}

fn as_json(detections: &Detections, scanned: &Scanned, bad: usize) -> Value {
    let rules: Vec<Value> = detections
        .rules()
        .iter()
        .zip(&scanned.matches)
        .map(|(d, n)| json!({"id": d.rule.id, "title": d.title, "level": d.severity.word(), "matches": n}))
        .collect();
    json!({
        "objects": scanned.objects,
        "failed": scanned.failed.iter().map(|(o, why)| json!({"object": o, "reason": why})).collect::<Vec<_>>(),
        "records": scanned.records,
        "complaints": scanned.complaint_count,
        "rules_refused": bad,
        "matches": scanned.matches.iter().sum::<u64>(),
        "rules": rules,
    })
}

fn print(
    detections: &Detections,
    scanned: &Scanned,
    bad: usize,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut hits: Vec<_> =
        detections.rules().iter().zip(&scanned.matches).filter(|(_, n)| **n > 0).collect();
    hits.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.title.cmp(&b.0.title)));
    let rows: Vec<Vec<String>> = hits
        .iter()
        .map(|(d, n)| {
            vec![
                n.to_string(),
                d.severity.word().to_string(),
                d.rule.id.clone(),
                d.title.to_string(),
            ]
        })
        .collect();
    table::print(&["matches", "level", "id", "title"], &rows, out)?;
    let total: u64 = scanned.matches.iter().sum();
    writeln!(
        out,
        "{total} matches of {} in {} rules over {} records of {} objects",
        rows.len(),
        detections.rules().len(),
        scanned.records,
        scanned.objects
    )?;
    if bad > 0 {
        writeln!(out, "{bad} rules were refused; see the warnings")?;
    }
    for (object, why) in &scanned.failed {
        writeln!(out, "failed: {object}: {why}")?;
    }
    for (object, at, why) in scanned.complaints.iter().take(20) {
        writeln!(out, "complaint: {object} at {at}: {why}")?;
    }
    if scanned.complaint_count > 20 {
        writeln!(out, "{} complaints in all", scanned.complaint_count)?;
    }
    Ok(())
}
