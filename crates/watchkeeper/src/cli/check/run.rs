//! `watchkeeper check run`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Severity, Sha256};
use wk_watch::checks::{ALL, Check, Overrides, counted};
use wk_watch::posture::Posture;
use wk_watch::sources;

use super::{named, parameters};
use crate::cli::findings::severity;
use crate::cli::{Exit, Usage, table};
use crate::config::checks::add;
use crate::wire::App;
use crate::wire::inventory::{
    captures, captures_of_files, newest_run, quoted, rows, take_in, write_lines,
};

/// Judge the newest inventory, and keep the verdicts.
///
/// Every verdict names what it was judged on, and what it rests on. What could not be seen is NO_DATA
/// and makes the exit code 4.
#[derive(Args)]
pub(super) struct Run {
    /// Only these checks [default: all]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    /// The walk whose captures are judged [default: the newest in the lake]
    #[arg(long, value_name = "RUN")]
    inventory: Option<String>,
    /// Judge captures of files (lines of JSON) instead; nothing is kept then
    #[arg(long, value_name = "FILE", conflicts_with = "inventory")]
    captures: Vec<PathBuf>,
    /// Set a parameter for this run: CHECK.NAME=VALUE
    #[arg(long, value_name = "SETTING")]
    set: Vec<String>,
    /// Only rows of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only rows of this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Show every row, also those that are as they should be
    #[arg(long)]
    all: bool,
    /// Do not keep the verdicts
    #[arg(long)]
    no_record: bool,
    /// Exit with 1 if a row of a check at least this bad is NON_COMPLIANT
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A row with what it was before.
struct Judged {
    check: &'static Check,
    row: CheckResult,
    was: Option<String>,
}

impl Run {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let overrides = self.overrides(app)?;
        let checks: Vec<&'static Check> = if self.checks.is_empty() {
            ALL.to_vec()
        } else {
            self.checks.iter().map(|name| named(name)).collect::<anyhow::Result<_>>()?
        };
        let (inventory, caught) = self.caught(app).await?;
        let posture = Posture::of(caught);
        let record = !self.no_record && self.captures.is_empty();
        let before = if record { before(app).await? } else { BTreeMap::new() };
        let judged: Vec<Judged> = checks
            .iter()
            .flat_map(|check| {
                check.run(&posture, &overrides).into_iter().map(move |row| (check, row))
            })
            .filter(|(_, row)| self.account.as_ref().is_none_or(|a| *a == row.account))
            .filter(|(_, row)| self.region.as_ref().is_none_or(|r| *r == row.region))
            .map(|(check, row)| Judged { check, was: before.get(&key(&row)).cloned(), row })
            .collect();
        let run: String = app.clock.now().to_string().chars().filter(|c| *c != ':').collect();
        if record {
            self.keep(app, &run, &inventory, &judged, &overrides).await?;
        }
        if self.json {
            writeln!(out, "{:#}", report(&run, &inventory, &judged))?;
        } else {
            print(&inventory, &judged, self.all, out)?;
        }
        Ok(self.exit(&judged))
    }

    fn overrides(&self, app: &App) -> anyhow::Result<Overrides> {
        let mut set = app.config.checks.overrides()?;
        for setting in &self.set {
            let parts = setting.split_once('=').and_then(|(k, v)| Some((k.split_once('.')?, v)));
            let Some(((check, name), value)) = parts else {
                return Err(Usage::error(format!("--set {setting}: say CHECK.NAME=VALUE")));
            };
            add(&mut set, check, name, value.to_owned())
                .map_err(|e| Usage::error(format!("--set: {e}")))?;
        }
        Ok(set)
    }

    async fn caught(&self, app: &App) -> anyhow::Result<(String, Vec<Capture>)> {
        if !self.captures.is_empty() {
            return Ok(("files".into(), captures_of_files(&self.captures)?));
        }
        let run = match &self.inventory {
            Some(run) => run.clone(),
            None => match newest_run(app).await? {
                Some(run) => run,
                None => bail!("there is no inventory yet: watchkeeper inventory run"),
            },
        };
        let caught = captures(app, &run, "").await?;
        if caught.is_empty() {
            bail!("there is no walk {run:?} in the lake");
        }
        Ok((run, caught))
    }

    async fn keep(
        &self,
        app: &App,
        run: &str,
        inventory: &str,
        judged: &[Judged],
        overrides: &Overrides,
    ) -> anyhow::Result<()> {
        let at = app.clock.now().to_string();
        let line = |one: &Judged| {
            let mut line = row_json(one);
            let id = [run, &one.row.check, &one.row.account, &one.row.region, &one.row.resource];
            line["resultId"] = Sha256::of_parts(&id.map(str::as_bytes)).short().into();
            line["run"] = run.into();
            line["inventoryRun"] = inventory.into();
            line["checkedAt"] = at.clone().into();
            line["parameters"] = parameters(one.check, overrides);
            line
        };
        let lines: Vec<Value> = judged.iter().map(line).collect();
        let folder = app.home.path().join("check-results").join(run);
        write_lines(&folder, "verdicts.ndjson", &lines)?;
        take_in(app, &folder, &sources::check_results::SOURCE).await?;
        Ok(())
    }

    fn exit(&self, judged: &[Judged]) -> Exit {
        let fails = |one: &Judged| {
            one.row.verdict == Verdict::NonCompliant
                && self.fail_on.is_some_and(|least| Severity::of_word(one.check.severity) >= least)
        };
        if judged.iter().any(fails) {
            Exit::Found
        } else if judged.iter().any(|one| one.row.verdict == Verdict::NoData) {
            Exit::Partial
        } else {
            Exit::Ok
        }
    }
}

type Key = (String, String, String, String);

fn key(row: &CheckResult) -> Key {
    (row.check.clone(), row.account.clone(), row.region.clone(), row.resource.clone())
}

/// The verdict that each row had when it was judged last; what could not be seen then does not count.
async fn before(app: &App) -> anyhow::Result<BTreeMap<Key, String>> {
    let seen = format!("verdict <> {}", quoted(Verdict::NoData.as_str()));
    let sql = format!(
        "SELECT \"check\", account, region, resource, last_value(verdict ORDER BY event_time) \
         FROM checks WHERE {seen} GROUP BY \"check\", account, region, resource"
    );
    let mut before = BTreeMap::new();
    for row in rows(app, &sql).await? {
        if let Ok([check, account, region, resource, verdict]) = <[String; 5]>::try_from(row) {
            before.insert((check, account, region, resource), verdict);
        }
    }
    Ok(before)
}

fn row_json(one: &Judged) -> Value {
    let (check, row) = (one.check, &one.row);
    let mut line = json!({
        "check": row.check,
        "title": check.title,
        "severity": Severity::of_word(check.severity).word().as_str(),
        "resource": row.resource,
        "account": row.account,
        "region": row.region,
        "verdict": row.verdict,
        "why": row.why,
        "evidence": row.evidence,
        "points": check.points,
        "nist": check.nist,
        "cis": check.cis,
        "test": check.test.as_str(),
        "method": check.method.as_str(),
        "remediation": check.remedy,
    });
    if let Some(was) = &one.was {
        line["was"] = was.as_str().into();
    }
    line
}

fn report(run: &str, inventory: &str, judged: &[Judged]) -> Value {
    let rows: Vec<CheckResult> = judged.iter().map(|one| one.row.clone()).collect();
    let counts: serde_json::Map<String, Value> =
        counted(&rows).iter().map(|(v, n)| (v.as_str().to_owned(), (*n).into())).collect();
    json!({
        "run": run,
        "inventory": inventory,
        "counts": counts,
        "rows": judged.iter().map(row_json).collect::<Vec<_>>(),
    })
}

fn print(inventory: &str, judged: &[Judged], all: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let shown =
        |one: &&Judged| all || matches!(one.row.verdict, Verdict::NonCompliant | Verdict::NoData);
    let mut listed: Vec<&Judged> = judged.iter().filter(shown).collect();
    let place = |v: Verdict| Verdict::ALL.iter().position(|known| *known == v);
    listed.sort_by_key(|one| {
        let severity = std::cmp::Reverse(Severity::of_word(one.check.severity).tenths());
        (place(one.row.verdict), severity, one.row.check.clone())
    });
    let row = |one: &&Judged| {
        let new =
            one.was.as_deref() == Some("COMPLIANT") && one.row.verdict == Verdict::NonCompliant;
        vec![
            format!("{}{}", one.row.verdict, if new { " (new)" } else { "" }),
            Severity::of_word(one.check.severity).word().as_str().to_owned(),
            one.row.check.clone(),
            one.row.account.clone(),
            one.row.region.clone(),
            table::cut(&one.row.resource, 80),
            one.row.why.clone(),
        ]
    };
    let table_rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    let heads = ["verdict", "severity", "check", "account", "region", "resource", "why"];
    table::print(&heads, &table_rows, out)?;
    let rows: Vec<CheckResult> = judged.iter().map(|one| one.row.clone()).collect();
    let counts: Vec<String> =
        counted(&rows).iter().map(|(verdict, n)| format!("{n} {verdict}")).collect();
    let checks: std::collections::BTreeSet<&str> = judged.iter().map(|one| one.check.id).collect();
    writeln!(out, "\n{} checks over the walk {inventory}: {}", checks.len(), counts.join(", "))?;
    if !all && listed.len() < judged.len() {
        writeln!(out, "--all shows every row; watchkeeper check show CHECK says what to do")?;
    }
    Ok(())
}
