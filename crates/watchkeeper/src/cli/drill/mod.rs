//! `watchkeeper drill`: proves that an alarm still goes its whole way.
//!
//! * Made-up events are read in a home of their own, which is removed: they never enter a population.
//!   No record can call itself a drill; only this process knows that it holds one.
//! * The rules and routes are the user's, as they are today. The notice is a real one, marked as a
//!   drill, and goes through the real outbox.
//! * What came of it is kept, with a leaf in the log. A drill that failed is a self-alert.

mod contacts;
mod detection;
mod queries;
mod range;

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_model::drill::{DrillStep, Drilled, StepEnd};
use wk_watch::selfwatch::facts::DrillFacts;

use super::{Exit, table};
use crate::wire::App;

/// Hold drills: made-up events must be detected, routed and taken, known questions answered.
#[derive(Args)]
pub(super) struct Drill {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Run(Run),
    List(List),
}

/// Hold a drill now. Ends with 1 if it fails, with 4 if a step was not asked for.
#[derive(Args)]
struct Run {
    /// Which one
    #[arg(value_enum, default_value_t = Which::Detection)]
    which: Which,
    /// How many seconds to wait for the receipt; the running service delivers it
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// List the drills that were held, newest first.
#[derive(Args)]
struct List {
    /// At most so many
    #[arg(long, default_value_t = 30, value_name = "N")]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// The drills that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Detect, route, receipt: every day
    Detection,
    /// Questions whose answers are known: every month
    Queries,
    /// Whoever must be reached in an emergency: every month
    Contacts,
}

impl Which {
    const ALL: [Self; 3] = [Self::Detection, Self::Queries, Self::Contacts];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Queries => "queries",
            Self::Contacts => "contacts",
        }
    }

    pub(crate) const fn every_seconds(self) -> i64 {
        match self {
            Self::Detection => 86_400,
            Self::Queries | Self::Contacts => 30 * 86_400,
        }
    }
}

impl Drill {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Run(run) => run.run(app, out).await,
            What::List(list) => list.run(app, out).await,
        }
    }
}

impl Run {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let drilled = hold(app, self.which, Duration::from_secs(self.wait.min(3_600))).await?;
        if self.json {
            writeln!(out, "{:#}", as_json(&drilled))?;
        } else {
            let row = |s: &DrillStep| vec![s.name.clone(), s.how.as_str().into(), s.said.clone()];
            let rows: Vec<Vec<String>> = drilled.steps.iter().map(row).collect();
            table::print(&["step", "ended", "what was seen"], &rows, out)?;
            let word = if drilled.passed() { "passed" } else { "failed" };
            writeln!(out, "the drill {} {word}", drilled.name)?;
        }
        Ok(match (drilled.passed(), drilled.is_complete()) {
            (false, _) => Exit::Found,
            (true, false) => Exit::Partial,
            (true, true) => Exit::Ok,
        })
    }
}

impl List {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let held = app.ledger.drills(self.limit).await?;
        if self.json {
            writeln!(out, "{:#}", Value::Array(held.iter().map(as_json).collect()))?;
            return Ok(Exit::Ok);
        }
        let row = |d: &Drilled| {
            let last = d.failure().unwrap_or_else(|| {
                d.steps.last().map_or(String::new(), |s| format!("{}: {}", s.name, s.said))
            });
            let word = if d.passed() { "passed" } else { "failed" };
            vec![d.at.to_string(), d.name.clone(), word.to_owned(), last]
        };
        let rows: Vec<Vec<String>> = held.iter().map(row).collect();
        table::print(&["when", "drill", "ended", "last step"], &rows, out)?;
        writeln!(out, "{} drills", held.len())?;
        Ok(Exit::Ok)
    }
}

/// Holds a drill, keeps what came of it, and answers it.
///
/// # Errors
/// If the drill could not be held or kept: that it failed is no error.
pub(crate) async fn hold(app: &App, which: Which, wait: Duration) -> anyhow::Result<Drilled> {
    let at = app.clock.now();
    let steps = match which {
        Which::Detection => detection::steps(app, at, wait).await?,
        Which::Queries => queries::steps(app, at).await?,
        Which::Contacts => contacts::steps(app, at, wait).await?,
    };
    let drilled = Drilled { name: which.name().to_owned(), at, steps };
    app.ledger.note_drill(&drilled).await?;
    Ok(drilled)
}

/// The drills as the watch over the watch judges them: those that are on a schedule since then, and
/// those that were ever held.
pub(crate) async fn facts(
    app: &App,
    scheduled_since: Option<Timestamp>,
) -> anyhow::Result<Vec<DrillFacts>> {
    let held = app.ledger.drills(1_000).await?;
    let facts = |which: Which| {
        let of: Vec<&Drilled> = held.iter().filter(|d| d.name == which.name()).collect();
        let since = scheduled_since.or_else(|| of.last().map(|d| d.at))?;
        let failed = of.iter().find(|d| !d.passed());
        Some(DrillFacts {
            name: which.name().to_owned(),
            every_seconds: which.every_seconds(),
            since,
            last_passed: of.iter().find(|d| d.passed()).map(|d| d.at),
            last_failed: failed.map(|d| (d.at, d.failure().unwrap_or_default())),
        })
    };
    Ok(Which::ALL.into_iter().filter_map(facts).collect())
}

/// A step that was tried.
fn step(name: &str, passed: bool, said: impl Into<String>) -> DrillStep {
    let how = if passed { StepEnd::Passed } else { StepEnd::Failed };
    DrillStep { name: name.to_owned(), how, said: said.into() }
}

fn as_json(d: &Drilled) -> Value {
    json!({"name": d.name, "at": d.at, "passed": d.passed(), "complete": d.is_complete(),
        "steps": d.steps})
}
