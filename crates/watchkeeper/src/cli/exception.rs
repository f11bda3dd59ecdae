//! `watchkeeper exception`

mod add;
mod hides;
mod lint;

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_case::exceptions::Exceptions;
use wk_model::check::CheckResult;
use wk_model::exception::Revocation;
use wk_model::{Exception as Granted, Timestamp};
use wk_seam::ledger::FindingQuery;
use wk_seam::triage::Triage as _;

use super::findings::queue::Queue;
use super::{Exit, findings, journal, people, table};
use crate::wire::App;

/// Accept findings of a rule for a time. They are kept and counted, and are open again when it ends.
#[derive(Args)]
pub(crate) struct Exception {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Add(Box<add::Add>),
    List(List),
    Show(Show),
    Revoke(Revoke),
    Lint(lint::Lint),
}

/// List exceptions, those that are over too, with what they hide.
#[derive(Args)]
struct List {
    /// Only those that count now
    #[arg(long)]
    active: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Show an exception and every finding that it covers.
#[derive(Args)]
struct Show {
    /// Its name, as `exception list` shows it
    id: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// End an exception now. What it covered is open again.
#[derive(Args)]
struct Revoke {
    /// Its name, as `exception list` shows it
    id: String,
    /// Who revokes it
    #[arg(long, visible_alias = "by", value_name = "NAME")]
    who: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Exception {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Add(add) => add.run(app, out).await,
            What::List(list) => list.run(app, out).await,
            What::Show(show) => show.run(app, out).await,
            What::Revoke(revoke) => revoke.run(app, out).await,
            What::Lint(lint) => lint.run(app, out).await,
        }
    }
}

impl List {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let mut all = app.ledger.exceptions().await?;
        all.retain(|exception| !self.active || exception.is_active(queue.now));
        let hidden = |exception: &Granted| {
            let cases = queue.cases();
            let by = |case: &&wk_case::triage::Case<'_>| {
                case.accepted.is_some_and(|e| e.id == exception.id)
            };
            cases.iter().filter(by).count()
        };
        let mut rows_of_checks = BTreeMap::new();
        for exception in all.iter().filter(|e| e.is_active(queue.now)) {
            let rows = hides::rows_of_checks(app, exception).await?.len();
            rows_of_checks.insert(exception.id.clone(), rows);
        }
        let rows_hidden = |id: &str| rows_of_checks.get(id).copied().unwrap_or(0);
        if self.json {
            let all: Vec<Value> = all
                .iter()
                .map(|exception| {
                    let mut json = json!(exception);
                    json["state"] = json!(state(exception, queue.now));
                    json["hides"] = json!(hidden(exception));
                    json["hides_rows"] = json!(rows_hidden(&exception.id));
                    json
                })
                .collect();
            writeln!(out, "{:#}", Value::from(all))?;
            return Ok(Exit::Ok);
        }
        let row = |exception: &Granted| {
            vec![
                exception.id.clone(),
                state(exception, queue.now).to_owned(),
                hidden(exception).to_string(),
                rows_hidden(&exception.id).to_string(),
                exception.ends().to_string(),
                format!("{} ({})", exception.owner, exception.approver),
                exception.ticket.clone(),
                table::cut(&exception.rules.join(" "), 40),
                table::cut(exception.pattern.as_deref().unwrap_or("every finding of them"), 60),
                table::cut(&exception.reason, 60),
            ]
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        let heads = [
            "id",
            "state",
            "hides",
            "rows of checks",
            "until",
            "owner (approver)",
            "ticket",
            "rules",
            "where",
            "why",
        ];
        table::print(&heads, &rows, out)?;
        for id in &queue.bad {
            writeln!(out, "exception {id} cannot be read and covers nothing")?;
        }
        Ok(Exit::Ok)
    }
}

impl Show {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let all = app.ledger.exceptions().await?;
        let exception = all.iter().find(|e| e.id == self.id).with_context(|| none(&self.id))?;
        let covers = Exceptions::new(vec![exception.clone()]).0;
        let covered: Vec<_> =
            queue.findings.iter().filter(|f| covers.covers(&exception.id, f)).cloned().collect();
        let rows = hides::rows_of_checks(app, exception).await?;
        if self.json {
            let mut json = json!(exception);
            json["state"] = json!(state(exception, queue.now));
            json["findings"] = json!(covered);
            json["rows"] = json!(rows);
            writeln!(out, "{json:#}")?;
            return Ok(Exit::Ok);
        }
        let lines = [
            ("exception", exception.id.clone()),
            ("state", state(exception, queue.now).to_owned()),
            ("rules", exception.rules.join(" ")),
            ("where", exception.pattern.clone().unwrap_or_else(|| "every finding".to_owned())),
            ("reason", exception.reason.clone()),
            ("owner", exception.owner.clone()),
            ("approver", exception.approver.clone()),
            ("ticket", exception.ticket.clone()),
            ("granted", exception.granted.to_string()),
            ("until", exception.until.to_string()),
        ];
        let line = |out: &mut dyn Write, name: &str, value: &str| {
            writeln!(out, "{name:11}  {}", wk_model::complaint::printable(value.as_bytes()))
        };
        for (name, value) in lines {
            line(out, name, &value)?;
        }
        if let Some(revoked) = &exception.revoked {
            let said = format!("{} by {}: {}", revoked.at, revoked.by, revoked.reason);
            line(out, "revoked", &said)?;
        }
        writeln!(out, "\nfindings that it covers")?;
        findings::print(&covered, out)?;
        if !rows.is_empty() {
            writeln!(out, "\nrows of checks that it covers")?;
            let cells = |row: &CheckResult| {
                let resource = table::cut(&row.resource, 80);
                let (check, account) = (row.check.clone(), row.account.clone());
                vec![check, account, row.region.clone(), resource, row.why.clone()]
            };
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            table::print(&["check", "account", "region", "resource", "why"], &cells, out)?;
        }
        Ok(Exit::Ok)
    }
}

impl Revoke {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let by = people::name("--who", &self.who)?;
        let reason = people::name("--reason", &self.reason)?;
        let how = Revocation { by, reason, at: app.clock.now() };
        if !app.ledger.revoke(&self.id, &how).await? {
            bail!("{}, or it is over", none(&self.id));
        }
        journal::write(app).await?;
        writeln!(out, "{} is revoked; what it covered is open again", self.id)?;
        Ok(Exit::Ok)
    }
}

fn none(id: &str) -> String {
    format!("there is no exception {id:?}; watchkeeper exception list shows them")
}

fn state(exception: &Granted, now: Timestamp) -> &'static str {
    match (exception.is_active(now), &exception.revoked) {
        (true, _) => "counts",
        (false, Some(_)) => "revoked",
        (false, None) => "over",
    }
}
