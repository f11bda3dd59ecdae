//! `watchkeeper inventory show`

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use wk_model::Capture;
use wk_model::capture::Outcome;

use crate::cli::{Exit, table};
use crate::wire::App;
use crate::wire::inventory::{captures, quoted};

/// Show what a walk caught.
///
/// Without a question: how much was answered, absent, denied and failed, by account and region. With
/// one: its captures; with --json whole, with call, parameters, request ids, principal, time and hash.
#[derive(Args)]
pub(super) struct Show {
    /// A question (cloudtrail:DescribeTrails), a service, or a capture's id
    #[arg(value_name = "QUESTION")]
    question: Option<String>,
    /// The walk [default: the newest]
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Only this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only what ended so: answered, partial, absent, denied, failed
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Print whole captures as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let run = match &self.run {
            Some(run) => run.clone(),
            None => match app.newest_walk().await? {
                Some(run) => run,
                None => bail!("there is no inventory yet: watchkeeper inventory run"),
            },
        };
        let mut caught = captures(app, &run, &self.narrow()).await?;
        if caught.is_empty() {
            bail!("the walk {run} has no such capture");
        }
        caught.sort_by(|a, b| {
            (&a.account, &a.region, a.key(), &a.at).cmp(&(&b.account, &b.region, b.key(), &b.at))
        });
        if self.json {
            writeln!(out, "{:#}", serde_json::to_value(&caught)?)?;
        } else if self.question.is_none() && self.state.is_none() {
            summary(&run, &caught, out)?;
        } else {
            list(&caught, out)?;
        }
        let whole = caught.iter().all(|c| matches!(c.outcome, Outcome::Answered | Outcome::Absent));
        Ok(if whole { Exit::Ok } else { Exit::Partial })
    }

    fn narrow(&self) -> String {
        let mut wanted = Vec::new();
        if let Some(question) = &self.question {
            let q = quoted(question);
            wanted.push(format!("(action = {q} OR service = {q} OR event_id = {q})"));
        }
        for (column, value) in
            [("account", &self.account), ("region", &self.region), ("state", &self.state)]
        {
            wanted.extend(value.as_ref().map(|v| format!("{column} = {}", quoted(v))));
        }
        wanted.join(" AND ")
    }
}

const STATES: [Outcome; 5] =
    [Outcome::Answered, Outcome::Absent, Outcome::Partial, Outcome::Denied, Outcome::Failed];

fn summary(run: &str, caught: &[Capture], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut counts: BTreeMap<(&str, &str), [usize; 5]> = BTreeMap::new();
    for capture in caught {
        let row = counts.entry((&capture.account, &capture.region)).or_default();
        if let Some(place) = STATES.iter().position(|state| *state == capture.outcome) {
            row[place] += 1;
        }
    }
    writeln!(out, "walk {run}\n")?;
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|((account, region), counts)| {
            let mut row = vec![account.to_owned(), region.to_owned()];
            row.extend(counts.iter().map(ToString::to_string));
            row
        })
        .collect();
    let heads = ["account", "region", "answered", "absent", "partial", "denied", "failed"];
    table::print(&heads, &rows, out)?;
    Ok(())
}

fn list(caught: &[Capture], out: &mut dyn Write) -> anyhow::Result<()> {
    let row = |c: &Capture| {
        let of = if c.parameters == json!({}) { Value::from("") } else { c.parameters.clone() };
        let of = of.as_str().map_or_else(|| of.to_string(), str::to_owned);
        let reason = c.reason.clone().unwrap_or_default();
        vec![
            c.id.clone(),
            c.at.clone(),
            c.account.clone(),
            c.region.clone(),
            c.key(),
            table::cut(&of, 60),
            c.outcome.as_str().to_owned(),
            table::cut(&reason, table::CELL_MAX),
        ]
    };
    let rows: Vec<Vec<String>> = caught.iter().map(row).collect();
    let heads = ["capture", "at", "account", "region", "question", "of", "state", "reason"];
    table::print(&heads, &rows, out)?;
    Ok(())
}
