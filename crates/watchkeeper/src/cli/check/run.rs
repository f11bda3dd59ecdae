//! `watchkeeper check run`

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Day, Severity, Timestamp};
use wk_watch::checks::{self, ALL, Check, Overrides, counted};
use wk_watch::own_checks::OwnCheck;
use wk_watch::period::{self, PeriodCheck};
use wk_watch::posture::Posture;
use wk_watch::posture::drift::Turn;

use crate::cli::findings::severity;
use crate::cli::when::Span;
use crate::cli::{Exit, Usage, table};
use crate::config::checks::add;
use crate::wire::App;
use crate::wire::inventory::captures_of_files;
use crate::wire::own_checks::Asked;
use crate::wire::verdicts::{Judged, RunOf, accepted, is_open, native, row_json};

/// Judge the newest inventory, or how a period went, and keep the verdicts.
///
/// With --quarter, --since or --last the checks over a period are run: what was on for all of it, and what
/// was off when, by the calls and the walks that the lake holds.
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
    /// Judge this quarter instead, by the checks over a period: 2026Q3
    #[arg(long, value_name = "QUARTER", value_parser = quarter, conflicts_with_all = ["since", "until", "last", "inventory", "captures", "set"])]
    quarter: Option<(Timestamp, Timestamp)>,
    #[command(flatten)]
    span: Span,
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

/// Native checks, checks over a period, checks of the user.
type Chosen = (Vec<&'static Check>, Vec<&'static PeriodCheck>, Vec<OwnCheck>);

impl Run {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let now = app.clock.now();
        let period = match self.quarter {
            Some(quarter) => Some(quarter),
            None => match self.span.resolve(now)? {
                (None, None) => None,
                (Some(since), until) => Some((since, until.unwrap_or(now))),
                (None, Some(_)) => return Err(Usage::error("--until needs --since".to_owned())),
            },
        };
        let (of, mut judged) = match period {
            Some((since, until)) => self.over_period(app, (since, until.min(now))).await?,
            None => self.over_walk(app).await?,
        };
        judged.retain(|one| self.account.as_ref().is_none_or(|a| *a == one.row.account));
        judged.retain(|one| self.region.as_ref().is_none_or(|r| *r == one.row.region));
        if self.is_kept() {
            app.keep_verdicts(&of, &judged).await?;
        }
        if self.json {
            writeln!(out, "{:#}", report(&of, &judged))?;
        } else {
            print(&of, &judged, self.all, out)?;
        }
        Ok(self.exit(&judged))
    }

    fn is_kept(&self) -> bool {
        !self.no_record && self.captures.is_empty()
    }

    /// The rows of the checks over a walk.
    async fn over_walk(&self, app: &App) -> anyhow::Result<(RunOf, Vec<Judged>)> {
        let overrides = self.overrides(app)?;
        let (native_ones, _, own) = self.chosen(app, false)?;
        let (inventory, caught) = self.caught(app).await?;
        let mut rows = native(&native_ones, &Posture::of(caught), &overrides);
        let now = app.clock.now();
        let asked = Asked { run: inventory.clone(), period: (now.plus_seconds(-86_400), now) };
        rows.extend(app.ask_own(&own, &asked).await?);
        Ok((RunOf::over(app, &inventory), app.judged(rows, self.is_kept()).await?))
    }

    /// The checks that are named, or all that judge a period or do not.
    fn chosen(&self, app: &App, over_period: bool) -> anyhow::Result<Chosen> {
        let own = if self.captures.is_empty() { app.own_checks_told()? } else { Vec::new() };
        let own = own.into_iter().filter(|check| check.is_over_period() == over_period);
        let own: Vec<OwnCheck> = own.collect();
        if self.checks.is_empty() {
            let (natives, periods) = match over_period {
                false => (ALL.to_vec(), Vec::new()),
                true => (Vec::new(), period::ALL.to_vec()),
            };
            return Ok((natives, periods, own));
        }
        let mut chosen: Chosen = Default::default();
        for name in &self.checks {
            if let Some(check) = own.iter().find(|check| check.about.id == *name) {
                chosen.2.push(check.clone());
                continue;
            }
            match (checks::named(name), period::named(name), over_period) {
                (Some(check), _, false) => chosen.0.push(check),
                (_, Some(check), true) => chosen.1.push(check),
                (_, Some(_), false) => {
                    let why = format!("{name} judges a period: say --quarter 2026Q3, or --since");
                    return Err(Usage::error(why));
                }
                (Some(_), _, true) => {
                    let why = format!("{name} judges no period; check list names those that do");
                    return Err(Usage::error(why));
                }
                (None, None, _) => {
                    bail!("there is no check {name:?}; watchkeeper check list names them")
                }
            }
        }
        Ok(chosen)
    }

    /// The rows of the checks over a period. What was off then is no drift of now.
    async fn over_period(
        &self,
        app: &App,
        (since, until): (Timestamp, Timestamp),
    ) -> anyhow::Result<(RunOf, Vec<Judged>)> {
        if since >= until {
            return Err(Usage::error(format!("the period begins {since}, which is not over yet")));
        }
        let (_, checks, own) = self.chosen(app, true)?;
        let mut rows = app.over_period(&checks, (since, until)).await?;
        let asked = Asked { run: String::new(), period: (since, until) };
        rows.extend(app.ask_own(&own, &asked).await?);
        let of = RunOf { period: Some((since, until)), ..RunOf::over(app, "") };
        Ok((of, app.judged(rows, false).await?))
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
            None => match app.newest_walk().await? {
                Some(run) => run,
                None => bail!("there is no inventory yet: watchkeeper inventory run"),
            },
        };
        let caught = app.caught(&run).await?;
        if caught.is_empty() {
            bail!("there is no walk {run:?} in the lake");
        }
        Ok((run, caught))
    }

    fn exit(&self, judged: &[Judged]) -> Exit {
        let fails = |one: &Judged| self.fail_on.is_some_and(|least| is_open(one, least));
        if judged.iter().any(fails) {
            Exit::Found
        } else if judged.iter().any(|one| one.row.verdict == Verdict::NoData) {
            Exit::Partial
        } else {
            Exit::Ok
        }
    }
}

/// Reads a quarter of a year.
fn quarter(text: &str) -> anyhow::Result<(Timestamp, Timestamp)> {
    let read = || {
        let (year, quarter) = text.split_once(['Q', 'q'])?;
        let (year, quarter) = (year.parse::<i32>().ok()?, quarter.parse::<u32>().ok()?);
        let first = Day::from_civil(year, quarter.checked_sub(1)?.checked_mul(3)? + 1, 1)?;
        let next = match quarter {
            4 => Day::from_civil(year.checked_add(1)?, 1, 1)?,
            _ => Day::from_civil(year, quarter * 3 + 1, 1)?,
        };
        Some((first.start(), next.start()))
    };
    read().with_context(|| format!("{text:?} is no quarter such as 2026Q3"))
}

fn report(of: &RunOf, judged: &[Judged]) -> Value {
    let rows: Vec<CheckResult> = judged.iter().map(|one| one.row.clone()).collect();
    let counts: serde_json::Map<String, Value> =
        counted(&rows).iter().map(|(v, n)| (v.as_str().to_owned(), (*n).into())).collect();
    let mut report = json!({
        "run": of.name,
        "inventory": of.inventory,
        "counts": counts,
        "accepted": accepted(judged),
        "rows": judged.iter().map(row_json).collect::<Vec<_>>(),
    });
    if let Some((since, until)) = of.period {
        report["period"] = json!({"since": since.to_string(), "until": until.to_string()});
    }
    report
}

fn print(of: &RunOf, judged: &[Judged], all: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let bad = |one: &Judged| match one.row.verdict {
        Verdict::NonCompliant => one.exception.is_none(),
        verdict => verdict == Verdict::NoData,
    };
    let shown = |one: &&Judged| all || bad(one);
    let mut listed: Vec<&Judged> = judged.iter().filter(shown).collect();
    let place = |v: Verdict| Verdict::ALL.iter().position(|known| *known == v);
    listed.sort_by_key(|one| {
        let severity = std::cmp::Reverse(one.about.severity().tenths());
        (place(one.row.verdict), severity, one.row.check.clone())
    });
    let row = |one: &&Judged| {
        let more = match (&one.exception, one.turn) {
            (Some(exception), _) => format!(" (accepted by {exception})"),
            (None, Turn::Drifted | Turn::Appeared) => " (new)".to_owned(),
            (None, Turn::Uncovered) => " (its exception is over)".to_owned(),
            _ => String::new(),
        };
        vec![
            format!("{}{more}", one.row.verdict),
            one.about.severity().word().as_str().to_owned(),
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
    let checks: std::collections::BTreeSet<&str> =
        judged.iter().map(|one| one.about.id.as_str()).collect();
    let over = match of.period {
        Some((since, until)) => format!("from {since} to {until}"),
        None => format!("the walk {}", of.inventory),
    };
    writeln!(out, "\n{} checks over {over}: {}", checks.len(), counts.join(", "))?;
    if accepted(judged) > 0 {
        let n = accepted(judged);
        writeln!(out, "{n} of the NON_COMPLIANT are accepted: watchkeeper exception list")?;
    }
    if !all && listed.len() < judged.len() {
        writeln!(out, "--all shows every row; watchkeeper check show CHECK says what to do")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::quarter;

    #[test]
    fn a_quarter_is_three_months_in_utc() {
        let said = |text: &str| quarter(text).map(|(a, b)| format!("{a} {b}")).unwrap();
        assert_eq!(said("2026Q3"), "2026-07-01T00:00:00Z 2026-10-01T00:00:00Z");
        assert_eq!(said("2026q4"), "2026-10-01T00:00:00Z 2027-01-01T00:00:00Z");
        for wrong in ["2026Q0", "2026Q5", "Q3", "2026", "2026-07", "2026Q9999999999"] {
            assert!(quarter(wrong).is_err(), "{wrong}");
        }
    }
}
