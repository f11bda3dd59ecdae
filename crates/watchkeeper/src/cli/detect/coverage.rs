//! `watchkeeper detect coverage`

use std::collections::BTreeSet;
use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use wk_model::attack::ATTACK_VERSION;
use wk_model::drill::StepEnd;
use wk_seam::ledger::Ledger as _;
use wk_watch::coverage::{Coverage, Facts, State};
use wk_watch::sources;

use crate::cli::{Exit, table};
use crate::wire::App;

/// The drill that shows detection, and how many of the last ones are looked at.
const DRILL: &str = "detection";
const DRILLS: usize = 100;

/// Show which techniques of ATT&CK the rules cover: a rule runs, its log is in the lake, a test or a
/// drill has shown that it works.
#[derive(Args)]
pub(super) struct CoverageArgs {
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For machines
    Json,
    /// A picture
    Svg,
}

impl CoverageArgs {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let facts = facts(app).await?;
        let coverage = Coverage::of(&app.detections()?, &facts);
        match if self.json { Form::Json } else { self.format } {
            Form::Text => print(&coverage, &facts, out)?,
            Form::Json => writeln!(out, "{:#}", as_json(&coverage, &facts))?,
            Form::Svg => write!(out, "{}", coverage.svg())?,
        }
        Ok(Exit::Ok)
    }
}

/// Which logs are in the lake, and what the last drill of detection found.
async fn facts(app: &App) -> anyhow::Result<Facts> {
    let begun = app.ledger.feeds_begun().await?;
    let of = |id: &String| sources::named(id).and_then(|source| source.service);
    let logged = begun.keys().filter_map(of).map(str::to_owned).collect();
    let drills = app.ledger.drills(DRILLS).await?;
    let last = drills.iter().find(|drill| drill.name == DRILL);
    let steps = last.into_iter().flat_map(|drill| &drill.steps);
    let found = steps.filter(|step| step.name == "detect" && step.how == StepEnd::Passed);
    let drilled: BTreeSet<String> = found.map(|step| step.said.clone()).collect();
    Ok(Facts { logged, drilled })
}

fn print(coverage: &Coverage, facts: &Facts, out: &mut dyn Write) -> anyhow::Result<()> {
    for (tactic, cells) in &coverage.columns {
        if cells.is_empty() {
            writeln!(out, "{}: no rule\n", tactic.name)?;
            continue;
        }
        writeln!(out, "{}", tactic.name)?;
        let row = |(technique, cell): (&String, &wk_watch::coverage::Cell)| {
            let rules = if cell.rules.is_empty() { &cell.idle } else { &cell.rules };
            vec![
                format!("  {technique}"),
                cell.state().as_str().to_owned(),
                rules.len().to_string(),
                table::cut(&rules.join("; "), 100),
            ]
        };
        let rows: Vec<Vec<String>> = cells.iter().map(row).collect();
        table::print(&["  technique", "state", "rules", "which"], &rows, out)?;
        writeln!(out)?;
    }
    let sums = coverage.sums();
    for state in State::ALL {
        let count = sums.get(&state).copied().unwrap_or(0);
        writeln!(out, "{count:>6}  {:9} {}", state.as_str(), state.meaning())?;
    }
    writeln!(out, "{:>6}  rules name no technique or no tactic", coverage.nowhere.len())?;
    let logged: Vec<&str> = facts.logged.iter().map(String::as_str).collect();
    let logged = if logged.is_empty() { "none".to_owned() } else { logged.join(", ") };
    writeln!(out, "\nlogs in the lake: {logged}")?;
    writeln!(
        out,
        "A technique stands under each tactic that its rules name; ATT&CK {ATTACK_VERSION} and before."
    )?;
    Ok(())
}

fn as_json(coverage: &Coverage, facts: &Facts) -> Value {
    let columns: Vec<Value> = coverage
        .columns
        .iter()
        .map(|(tactic, cells)| {
            let techniques: Vec<Value> = cells
                .iter()
                .map(|(technique, cell)| {
                    json!({"technique": technique, "state": cell.state().as_str(),
                        "rules": cell.rules, "idle": cell.idle, "log": cell.logged})
                })
                .collect();
            json!({"tactic": tactic.tag, "name": tactic.name, "techniques": techniques})
        })
        .collect();
    let sums: Map<String, Value> =
        coverage.sums().iter().map(|(s, n)| (s.as_str().to_owned(), json!(n))).collect();
    json!({"attack": ATTACK_VERSION, "tactics": columns, "sums": sums, "nowhere": coverage.nowhere,
        "logged": facts.logged, "drilled": facts.drilled})
}
