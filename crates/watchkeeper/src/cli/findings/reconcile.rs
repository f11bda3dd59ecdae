//! `watchkeeper findings reconcile`

use std::io::Write;

use clap::Args;
use wk_case::reconcile::Reconciliation;
use wk_case::triage::{Case, Standing};
use wk_model::triage::Disposition;
use wk_seam::ledger::FindingQuery;

use super::act::short;
use super::queue::Queue;
use crate::cli::when::{Span, When, when};
use crate::cli::{Exit, table};
use crate::wire::App;

/// List every finding that had to be decided, and what became of it: the population of CC7.3.
///
/// The times are those at which findings became known. A period that is over is judged as it stood
/// at its end: what was decided later was too late for it; --as-of now shows what became of it since.
/// Exit code 1: some have no disposition.
#[derive(Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    span: Span,
    /// Judge as it stood at this time: 2024-04-01, -3d, now [default: the end of the period]
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    as_of: Option<When>,
    /// Only those without a disposition, and those that were decided too late
    #[arg(long)]
    missing: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let now = queue.now;
        let (since, until) = self.span.resolve(now)?;
        let end = until.unwrap_or(now).min(now);
        let at = self.as_of.map_or(end, |when| when.at(now)).min(now);
        let queue = if at < now { queue.judged_at(at) } else { queue };
        let sums = Reconciliation::of(queue.cases(), &queue.policy, since, until, queue.now);
        if self.json {
            let mut json = sums.to_json();
            json["severity"] = queue.policy.severity_min.word().as_str().into();
            json["as_of"] = queue.now.to_string().into();
            json["since"] = since.map(|t| t.to_string()).into();
            json["until"] = until.map(|t| t.to_string()).into();
            writeln!(out, "{json:#}")?;
        } else {
            self.print(&queue, &sums, out)?;
        }
        // A sum that does not hold is our own mistake; nobody should take the list for whole.
        anyhow::ensure!(sums.adds_up(), "the sums do not add up");
        Ok(if sums.missing() > 0 { Exit::Found } else { Exit::Ok })
    }

    fn print(
        &self,
        queue: &Queue,
        sums: &Reconciliation<'_>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let shown =
            |case: &&Case<'_>| !self.missing || case.standing.is_open() || case.is_late(queue.now);
        let rows: Vec<Vec<String>> =
            sums.population.iter().filter(shown).map(|case| row(case, queue)).collect();
        let heads =
            ["id", "severity", "known", "finding", "disposition", "when", "by", "time", "why"];
        table::print(&heads, &rows, out)?;
        let word = queue.policy.severity_min.word();
        writeln!(out)?;
        let mut line = |name: &str, count: u64| writeln!(out, "{count:>8}  {name}");
        line("findings became known", sums.found)?;
        line(&format!("of them are milder than {word}"), sums.below)?;
        line("of them are of rules in dry run", sums.dry_run)?;
        line("are the population", sums.population.len() as u64)?;
        for standing in Standing::ALL {
            if let Some(count) = sums.standings.get(&standing) {
                line(&format!("  {}", standing.as_str()), *count)?;
            }
        }
        line("decided in time", sums.in_time)?;
        line("decided too late", sums.decided_late)?;
        line("open, in time", sums.open)?;
        line("open, overdue", sums.overdue)?;
        let held = if sums.adds_up() { "add up" } else { "DO NOT ADD UP" };
        writeln!(out, "the sums {held}; {} have no disposition", sums.missing())?;
        for id in &queue.bad {
            writeln!(out, "exception {id} cannot be read and covers nothing")?;
        }
        Ok(())
    }
}

fn row(case: &Case<'_>, queue: &Queue) -> Vec<String> {
    let finding = case.finding;
    let when = match case.decided_at() {
        Some(at) => at.to_string(),
        None => format!("due {}", case.due),
    };
    let time = match (case.standing.is_open(), case.is_late(queue.now)) {
        (true, true) => "overdue",
        (false, true) => "late",
        (_, false) => "in time",
    };
    let by = case.decided_by().or(case.state.owner.as_deref()).unwrap_or_default();
    let reason = case.state.disposed.as_ref().map(|step| step.reason.as_str());
    let reason = reason.or(case.accepted.map(|e| e.reason.as_str())).unwrap_or_default();
    vec![
        short(&finding.id),
        format!("{} {}", finding.severity, finding.severity.word()),
        case.known.to_string(),
        table::cut(&finding.title, 50),
        word(case),
        when,
        by.to_owned(),
        time.to_owned(),
        table::cut(reason, 60),
    ]
}

/// Where a finding stands, with what it is tied to.
pub(super) fn word(case: &Case<'_>) -> String {
    let word = case.standing.as_str();
    match (case.state.disposition(), case.accepted) {
        (Some(Disposition::TruePositive { incident }), _) => format!("{word} {incident}"),
        (Some(Disposition::Duplicate { of }), _) => format!("{word} of {}", short(of)),
        (None, Some(exception)) if case.standing == Standing::Accepted => {
            format!("{word} by {}", exception.id)
        }
        _ => word.to_owned(),
    }
}
