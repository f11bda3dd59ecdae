//! `watchkeeper ingest`

use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use wk_engine::detector::Turned;
use wk_engine::ingest::{Progress, Report};
use wk_watch::detect::Detections;
use wk_watch::sources;

use super::{Exit, progress, table};
use crate::wire::rules::Said;
use crate::wire::{self, Access, App};

/// Read logs and findings into the lake.
///
/// The kind of each object is told by its content. What was read before is skipped; what was
/// delivered twice is stored once. Rules run over every new event.
#[derive(Args)]
pub(crate) struct Ingest {
    /// Files, folders or s3://bucket/prefix
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// What the objects are, where content alone does not tell: see docs/sources.md
    #[arg(long, value_name = "NAME", value_parser = source_named)]
    source: Option<&'static sources::Source>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Do not run rules
    #[arg(long)]
    no_detect: bool,
    /// All of it is history, however young: what it finds never pages and never acts
    #[arg(long)]
    back_fill: bool,
    /// Profile of the AWS CLI whose credentials are used for s3://
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl Ingest {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let access = Access {
            profile: self.profile,
            region: self.region,
            endpoint: self.endpoint_url,
            without_identity: false,
        };
        let mut places = Vec::new();
        for path in &self.paths {
            places.push(wire::place(path, &access).await?);
        }
        let detections = if self.no_detect { Detections::none() } else { app.detections()? };
        // A lake of another ledger is refused here, before anything is noted in this one.
        let mut ingest = app.ingest(self.source, detections).await?;
        if !self.no_detect {
            app.note_rules(&ingest.detections, &Said::default()).await?;
        }
        ingest.limits.all_history = self.back_fill;
        let progress = Arc::new(Progress::default());
        let reading = app.read_all(&ingest, &places, &progress);
        let (report, turned) = progress::shown(&progress, reading).await?;
        if self.json {
            writeln!(out, "{:#}", as_json(&report, &turned))?;
        } else {
            print(&report, &turned, out)?;
        }
        Ok(exit(&report))
    }
}

pub(super) fn source_named(name: &str) -> anyhow::Result<&'static sources::Source> {
    match sources::named(name) {
        Some(source) => Ok(source),
        None => {
            let all: Vec<&str> = sources::ALL.iter().map(|s| s.id).collect();
            bail!("there is no source {name:?}; there are: {}", all.join(", "))
        }
    }
}

pub(super) fn exit(report: &Report) -> Exit {
    let total = report.total();
    if !total.adds_up() {
        Exit::Failed
    } else if total.complaints > 0 || report.notes > 0 || !report.objects_failed.is_empty() {
        Exit::Partial
    } else {
        Exit::Ok
    }
}

pub(super) fn as_json(report: &Report, turned: &Turned) -> Value {
    let tally = |t: &wk_model::Tally| json!({"read": t.read, "stored": t.stored, "duplicates": t.duplicates, "complaints": t.complaints});
    let sources: serde_json::Map<String, Value> =
        report.sources.iter().map(|(name, t)| (name.clone(), tally(t))).collect();
    let failures: Vec<Value> = report
        .objects_failed
        .iter()
        .map(|(object, reason)| json!({"object": object, "reason": reason}))
        .collect();
    json!({
        "objects": {
            "read": report.objects_read,
            "skipped": report.objects_skipped,
            "failed": failures.len(),
        },
        "failures": failures,
        "sources": sources,
        "total": tally(&report.total()),
        "adds_up": report.total().adds_up(),
        "conflicts": report.notes,
        "sightings": report.sightings + turned.sightings,
        "several_events": {
            "steps": turned.steps,
            "sightings": turned.sightings,
            "late": turned.late,
            "dropped": turned.dropped,
            "left_out": report.left_out,
            "unreadable": turned.unreadable,
        },
        "bytes": report.bytes,
        "commits": report.commits,
        "overtaken": report.overtaken,
    })
}

pub(super) fn print(report: &Report, turned: &Turned, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "objects: {} read, {} skipped, {} failed",
        report.objects_read,
        report.objects_skipped,
        report.objects_failed.len()
    )?;
    for (object, reason) in &report.objects_failed {
        writeln!(out, "  failed: {object}: {reason}")?;
    }
    let line = |name: &str, t: &wk_model::Tally| {
        let n = [t.read, t.stored, t.duplicates, t.complaints].map(|n| n.to_string());
        [vec![name.to_owned()], n.to_vec()].concat()
    };
    let mut rows: Vec<Vec<String>> = report.sources.iter().map(|(s, t)| line(s, t)).collect();
    if rows.len() != 1 {
        rows.push(line("all", &report.total()));
    }
    writeln!(out)?;
    table::print(&["source", "read", "= stored", "+ duplicates", "+ complaints"], &rows, out)?;
    if !report.total().adds_up() {
        writeln!(
            out,
            "\nThe sum does not hold. This is a mistake of the program; please report it."
        )?;
    }
    if report.total().complaints > 0 || report.notes > 0 {
        writeln!(out, "\nwatchkeeper complaints lists what could not be read, and why.")?;
    }
    left_out(report, turned, out)?;
    if report.sightings + turned.sightings > 0 {
        let n = report.sightings + turned.sightings;
        writeln!(out, "\n{n} events went into findings: watchkeeper findings list shows them.")?;
    }
    Ok(())
}

/// What rules over several events could not use.
fn left_out(report: &Report, turned: &Turned, out: &mut dyn Write) -> anyhow::Result<()> {
    let all = [
        (turned.late, "events came after rules over several events had judged their time"),
        (turned.dropped, "events were left out by rules over several events: one key had too many"),
        (
            report.left_out,
            "keys and values were left out by rules over several events: one event had more than sixteen",
        ),
        (turned.unreadable, "commits had signals that cannot be read; this is our mistake"),
    ];
    for (count, what) in all.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "\n{count} {what}.")?;
    }
    Ok(())
}
