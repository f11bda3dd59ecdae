//! `watchkeeper findings list`

use std::collections::BTreeMap;
use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use wk_case::triage::{Case, Standing};
use wk_model::{Finding, Severity, Timestamp};
use wk_seam::ledger::FindingQuery;

use super::queue::Queue;
use super::reconcile::word;
use super::{Form, FormArgs, as_json, print_insights, severity, short_actor, time};
use crate::cli::{Exit, table};
use crate::wire::App;

/// List findings, newest first.
#[derive(Args)]
pub(super) struct List {
    /// At least this bad: informational, low, medium, high, critical, or a number from 0 to 10
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    /// Rule id, or part of rule id or title
    #[arg(long, value_name = "TEXT")]
    rule: Option<String>,
    /// Account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Part of the actor
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Who reported it: watchkeeper, guardduty, securityhub, …
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Where it stands; several mean any of them
    #[arg(long, value_enum, value_name = "STATE")]
    state: Vec<StateArg>,
    /// Whose it is
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Covered by this exception now
    #[arg(long, value_name = "ID")]
    exception: Option<String>,
    /// Last seen at or after this time (2024-02-15T14:23:00Z or 2024-02-15)
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// First seen before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Exit with 1 if a listed finding is at least this bad
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    #[command(flatten)]
    form: FormArgs,
}

/// Where a finding stands, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StateArg {
    /// Nobody has decided it
    Open,
    /// Nobody has looked at it
    New,
    /// Somebody looks at it
    Acknowledged,
    /// Open for longer than the policy allows, at or above the policy's severity
    Overdue,
    TruePositive,
    BenignTruePositive,
    FalsePositive,
    Duplicate,
    /// An exception covers it
    Accepted,
    /// Its rule is only being tried
    DryRun,
}

impl StateArg {
    fn is(self, case: &Case<'_>, queue: &Queue) -> bool {
        let wanted = match self {
            Self::Open => return case.standing.is_open(),
            Self::Overdue => {
                let bad = case.finding.severity >= queue.policy.severity_min;
                return bad && case.standing.is_open() && case.is_late(queue.now);
            }
            Self::New => Standing::New,
            Self::Acknowledged => Standing::Acknowledged,
            Self::TruePositive => Standing::TruePositive,
            Self::BenignTruePositive => Standing::BenignTruePositive,
            Self::FalsePositive => Standing::FalsePositive,
            Self::Duplicate => Standing::Duplicate,
            Self::Accepted => Standing::Accepted,
            Self::DryRun => Standing::DryRun,
        };
        case.standing == wanted
    }
}

impl List {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let query = FindingQuery {
            id: None,
            rule: self.rule.clone(),
            severity_tenths_min: self.severity.map(Severity::tenths),
            account: self.account.clone(),
            actor: self.actor.clone(),
            product: self.product.clone(),
            since: self.since,
            until: self.until,
            limit: None,
        };
        let queue = Queue::load(app, &query).await?;
        let mut cases = queue.cases();
        cases.retain(|case| self.wants(case, &queue));
        cases.truncate(self.limit.unwrap_or(usize::MAX));
        match self.form.form() {
            Form::Table => print(&cases, &queue, out)?,
            Form::Json => writeln!(out, "{:#}", Value::from(json_of(&cases, &queue)?))?,
            Form::Insights => {
                let findings: Vec<Finding> = cases.iter().map(|c| c.finding.clone()).collect();
                print_insights(app, &findings, out).await?;
            }
            form => {
                let findings: Vec<Finding> = cases.iter().map(|c| c.finding.clone()).collect();
                writeln!(out, "{:#}", as_json(&findings, form).unwrap_or_default())?;
            }
        }
        let bad = |limit: Severity| cases.iter().any(|case| case.finding.severity >= limit);
        Ok(if self.fail_on.is_some_and(bad) { Exit::Found } else { Exit::Ok })
    }

    fn wants(&self, case: &Case<'_>, queue: &Queue) -> bool {
        let owner = |owner: &String| case.state.owner.as_ref() == Some(owner);
        let covered = |id: &String| case.accepted.is_some_and(|e| e.id == *id);
        (self.state.is_empty() || self.state.iter().any(|state| state.is(case, queue)))
            && self.owner.as_ref().is_none_or(owner)
            && self.exception.as_ref().is_none_or(covered)
    }
}

fn json_of(cases: &[Case<'_>], queue: &Queue) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for case in cases {
        let mut one = serde_json::to_value(case.finding)?;
        one["triage"] = state_json(case, queue.now);
        all.push(one);
    }
    Ok(all)
}

/// Where a finding stands, for machines.
pub(super) fn state_json(case: &Case<'_>, now: Timestamp) -> Value {
    json!({
        "state": case.standing.as_str(),
        "known": case.known.to_string(),
        "due": case.due.to_string(),
        "late": case.is_late(now),
        "owner": case.state.owner,
        "acknowledged_by": case.state.acknowledged.as_ref().map(|(who, _)| who),
        "decided_at": case.decided_at().map(|at| at.to_string()),
        "decided_by": case.decided_by(),
        "exception": case.accepted.map(|exception| exception.id.as_str()),
    })
}

fn print(cases: &[Case<'_>], queue: &Queue, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = |case: &Case<'_>| {
        let f = case.finding;
        let mut state = word(case);
        if case.standing.is_open() && case.is_late(queue.now) {
            state.push_str(", overdue");
        }
        vec![
            f.id.0.chars().take(8).collect(),
            format!("{} {}", f.severity, f.severity.word()),
            f.last_seen.to_string(),
            f.count.to_string(),
            table::cut(&state, 40),
            case.state.owner.clone().unwrap_or_default(),
            f.account.clone().unwrap_or_default(),
            table::cut(&f.title, 60),
            table::cut(short_actor(f), 44),
            table::cut(f.resources.first().map_or("", String::as_str), 44),
        ]
    };
    let rows: Vec<Vec<String>> = cases.iter().map(row).collect();
    let heads = [
        "id",
        "severity",
        "last seen",
        "count",
        "state",
        "owner",
        "account",
        "finding",
        "actor",
        "resource",
    ];
    table::print(&heads, &rows, out)?;
    let mut counts: BTreeMap<Standing, u64> = BTreeMap::new();
    cases.iter().for_each(|case| *counts.entry(case.standing).or_default() += 1);
    let said: Vec<String> =
        counts.iter().map(|(standing, count)| format!("{count} {}", standing.as_str())).collect();
    match said.as_slice() {
        [] => writeln!(out, "0 findings")?,
        some => writeln!(out, "{} findings: {}", cases.len(), some.join(", "))?,
    }
    Ok(())
}
