//! `watchkeeper setup plan`

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use wk_watch::posture::Posture;
use wk_watch::setup::plan::{Choices, Plan as Planned, Step, Told, plan, subjects};

use super::{Inventory, foundation};
use crate::cli::{Exit, Usage, table};
use crate::wire::App;

/// Say what has to be done so that AWS is as the foundation says: every call, in order.
///
/// The plan is made of the newest inventory; nothing is asked and nothing is changed. What could not be
/// seen is unknown, and makes the exit code 4. Nothing is weakened: what would do that is told instead.
#[derive(Args)]
pub(super) struct Plan {
    /// The foundation file [default: foundation.yaml of the home directory]
    #[arg(value_name = "FILE")]
    foundation: Option<PathBuf>,
    /// Only these subjects; may be repeated [default: all]
    #[arg(long, value_name = "SUBJECT")]
    only: Vec<String>,
    #[command(flatten)]
    inventory: Inventory,
    /// Also plan to shorten retentions that are longer than the foundation says; tells what dies
    #[arg(long)]
    shorten_retention: bool,
    /// Print the calls as commands for the AWS CLI and nothing else
    #[arg(long, conflicts_with = "json")]
    commands: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let foundation = foundation(self.foundation.as_ref(), app)?;
        let subjects = subjects(&self.only).map_err(|stray| {
            let all = wk_watch::setup::subjects::ALL.iter().map(|s| s.id);
            Usage::error(format!(
                "--only {stray}: there are {}",
                all.collect::<Vec<_>>().join(", ")
            ))
        })?;
        let Some((run, caught)) = self.inventory.caught(app).await? else {
            bail!("there is no inventory yet: watchkeeper inventory run");
        };
        let choices = Choices { shorten: self.shorten_retention };
        let planned = plan(&foundation, &Posture::of(caught), &subjects, choices);
        if self.json {
            let mut told = planned.to_json();
            told["inventory"] = run.into();
            writeln!(out, "{told:#}")?;
        } else if self.commands {
            for step in &planned.steps {
                writeln!(out, "{}", step.command())?;
            }
        } else {
            print(&run, &planned, out)?;
        }
        Ok(if planned.is_whole() { Exit::Ok } else { Exit::Partial })
    }
}

fn print(run: &str, plan: &Planned, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "Plan of the inventory {run}\n")?;
    for (number, step) in plan.steps.iter().enumerate() {
        print_step(number + 1, step, out)?;
    }
    let parts: [(&str, &[Told]); 5] = [
        ("Unknown: nothing is planned on it", &plan.unknown),
        ("Not done, for it would weaken what there is", &plan.refused),
        ("To be done by a person", &plan.by_hand),
        ("Left out by the foundation", &plan.left_out),
        ("There, and not in the foundation", &plan.beyond),
    ];
    for (head, told) in parts.into_iter().filter(|(_, told)| !told.is_empty()) {
        writeln!(out, "{head}:")?;
        let row = |t: &Told| {
            vec![format!("  {}", t.subject), t.account.clone(), t.region.clone(), t.why.clone()]
        };
        let rows: Vec<Vec<String>> = told.iter().map(row).collect();
        table::print(&["  subject", "account", "region", "what and why"], &rows, out)?;
        writeln!(out)?;
    }
    for (account, permissions) in plan.permissions() {
        writeln!(out, "Permissions in {account}: {}", permissions.join(", "))?;
    }
    for (subject, cost) in plan.costs() {
        writeln!(out, "Cost of {subject}: {cost}")?;
    }
    let (steps, good) = (plan.steps.len(), plan.good);
    let whole = if plan.is_whole() { "" } else { "; the plan is not whole" };
    writeln!(out, "{steps} steps; {good} things are as they should be{whole}")?;
    Ok(())
}

fn print_step(number: usize, step: &Step, out: &mut dyn Write) -> anyhow::Result<()> {
    let Step { subject, account, region, why, .. } = step;
    let why = wk_model::complaint::printable(why.as_bytes());
    writeln!(out, "{number}. {subject}, {account}, {region}: {why}")?;
    let command = step.command();
    writeln!(out, "   {}", wk_model::complaint::printable(command.as_bytes()))?;
    if let Some(dies) = &step.dies {
        writeln!(out, "   WHAT DIES: {}", wk_model::complaint::printable(dies.as_bytes()))?;
    }
    writeln!(out)?;
    Ok(())
}
