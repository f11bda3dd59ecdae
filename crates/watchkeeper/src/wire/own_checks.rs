//! Checks of the user in SQL: read from the home directory, asked of the lake within limits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use wk_model::capture::GLOBAL;
use wk_model::check::{CheckResult, Verdict};
use wk_model::{AccountId, Timestamp};
use wk_store::query::output::Texts;
use wk_store::query::{AskOptions, Questions};
use wk_watch::checks::About;
use wk_watch::own_checks::{BadCheck, COLUMNS, OwnCheck, Rows, read};

use super::{App, rule_files};

/// Rows that an answer may have; that there are more is a row of its own.
const ROWS_MAX: usize = 10_000;
/// So long one question may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Characters of a reason or a resource that are kept.
const CELL_CHARS: usize = 2_000;

/// What a check is asked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// The walk that is judged.
    pub(crate) run: String,
    /// The period that is judged, or that times of a design check count in.
    pub(crate) period: (Timestamp, Timestamp),
}

impl App {
    /// The user's checks, in the order of their names, and the files that are none.
    pub(crate) fn own_checks(&self) -> anyhow::Result<(Vec<OwnCheck>, Vec<BadCheck>)> {
        let folder = self.home.path().join("checks");
        let files = if folder.try_exists()? { rule_files(&folder)? } else { Vec::new() };
        let (mut checks, mut bad, mut named) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (file, text) in files {
            match read(&file, &text) {
                Ok(check) if !named.insert(check.about.id.clone()) => {
                    let why = format!("another file has the check {:?} too", check.about.id);
                    bad.push(BadCheck { file, why });
                }
                Ok(check) => checks.push(check),
                Err(why) => bad.push(why),
            }
        }
        checks.sort_by(|a, b| a.about.id.cmp(&b.about.id));
        Ok((checks, bad))
    }

    /// The user's checks; files that are none are told and left out.
    pub(crate) fn own_checks_told(&self) -> anyhow::Result<Vec<OwnCheck>> {
        let (checks, bad) = self.own_checks()?;
        bad.iter().for_each(|bad| super::tell(&format!("{bad}; the check is left out")));
        Ok(checks)
    }

    /// The rows of some checks. What cannot be asked is NO_DATA, and says why.
    pub(crate) async fn ask_own(
        &self,
        checks: &[OwnCheck],
        asked: &Asked,
    ) -> anyhow::Result<Vec<(Arc<About>, CheckResult)>> {
        let mut all = Vec::new();
        if checks.is_empty() {
            return Ok(all);
        }
        let questions = self.questions().await?;
        for check in checks {
            let about = Arc::new(check.about.clone());
            let answered = tokio::time::timeout(PATIENCE, rows_of(&questions, check, asked)).await;
            let rows = match answered {
                Ok(Ok(rows)) => rows,
                Ok(Err(e)) => vec![row(check, "the lake", Verdict::NoData, format!("{e:#}"))],
                Err(_) => {
                    let why = format!("it was not answered in {} s", PATIENCE.as_secs());
                    vec![row(check, "the lake", Verdict::NoData, why)]
                }
            };
            all.extend(rows.into_iter().map(|row| (about.clone(), row)));
        }
        Ok(all)
    }

    /// What is wrong with a check that can be told without asking it: its questions are planned over the
    /// lake as it is.
    pub(crate) async fn plan_own(&self, check: &OwnCheck) -> anyhow::Result<()> {
        let questions = self.questions().await?;
        let now = self.clock.now();
        let fill = |text: &str| OwnCheck::filled(text, "", (now.plus_seconds(-86_400), now));
        let options = AskOptions { now, ..AskOptions::default() };
        if let Some(needs) = &check.needs {
            questions.plan_sql(&fill(needs), &options).await.context("needs")?;
        }
        let answer = questions.ask_sql(&fill(&check.sql), &options).await.context("sql")?;
        let schema = answer.schema();
        let has = |name: &str| schema.fields().iter().any(|field| field.name() == name);
        if !has("resource") {
            bail!("sql: the answer has no column resource; it may have {}", COLUMNS.join(", "));
        }
        if check.rows == Rows::Verdicts && !has("verdict") {
            bail!("sql: rows are verdicts, and the answer has no column verdict");
        }
        Ok(())
    }
}

async fn rows_of(
    questions: &Questions,
    check: &OwnCheck,
    asked: &Asked,
) -> anyhow::Result<Vec<CheckResult>> {
    let fill = |text: &str| OwnCheck::filled(text, &asked.run, asked.period);
    if let Some(needs) = &check.needs {
        let sql = fill(needs);
        if table(questions, &sql, 1).await.context("needs")?.1.is_empty() {
            let why = "there is nothing to look at in the lake".to_owned();
            return Ok(vec![row(check, "the lake", Verdict::NoData, why)]);
        }
    }
    let (columns, cells) =
        table(questions, &fill(&check.sql), ROWS_MAX + 1).await.context("sql")?;
    let place = |name: &str| columns.iter().position(|column| column == name);
    if place("resource").is_none() && !columns.is_empty() {
        bail!("the answer has no column resource; it may have {}", COLUMNS.join(", "));
    }
    let more = cells.len() > ROWS_MAX;
    let mut rows = Vec::new();
    for cells in cells.iter().take(ROWS_MAX) {
        let cell = |name: &str| -> String {
            let text = place(name).and_then(|at| cells.get(at)).cloned().unwrap_or_default();
            text.chars().take(CELL_CHARS).collect()
        };
        rows.push(judged(check, cell));
    }
    if more {
        let why = format!("there are more than {ROWS_MAX} rows; the further ones were not read");
        rows.push(row(check, "further rows", Verdict::NonCompliant, why));
    }
    if rows.is_empty() {
        let verdict = match check.rows {
            Rows::Faults => Verdict::Compliant,
            Rows::Verdicts => Verdict::NoData,
        };
        rows.push(row(check, "the lake", verdict, "the question has no row".to_owned()));
    }
    Ok(rows)
}

fn judged(check: &OwnCheck, cell: impl Fn(&str) -> String) -> CheckResult {
    let said = cell("verdict");
    let (verdict, wrong) = match (check.rows, Verdict::parse(&said)) {
        (Rows::Faults, _) => (Verdict::NonCompliant, String::new()),
        (Rows::Verdicts, Some(verdict)) => (verdict, String::new()),
        (Rows::Verdicts, None) => (Verdict::NoData, format!("{said:?} is no verdict; ")),
    };
    let account = cell("account");
    let account = match AccountId::try_from(account.clone()) {
        Ok(_) => account,
        Err(_) => String::new(),
    };
    let region = Some(cell("region")).filter(|region| !region.is_empty());
    CheckResult {
        check: check.about.id.clone(),
        resource: Some(cell("resource")).filter(|r| !r.is_empty()).unwrap_or_else(|| "-".into()),
        account,
        region: region.unwrap_or_else(|| GLOBAL.to_owned()),
        verdict,
        why: format!("{wrong}{}", cell("why")),
        evidence: cell("evidence").split_whitespace().map(str::to_owned).collect(),
    }
}

fn row(check: &OwnCheck, resource: &str, verdict: Verdict, why: String) -> CheckResult {
    CheckResult {
        check: check.about.id.clone(),
        resource: resource.to_owned(),
        account: String::new(),
        region: GLOBAL.to_owned(),
        verdict,
        why,
        evidence: Vec::new(),
    }
}

/// The names of the columns of an answer, and at most so many of its rows.
async fn table(
    questions: &Questions,
    sql: &str,
    rows_max: usize,
) -> anyhow::Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut answer = questions.ask_sql(sql, &AskOptions::default()).await?;
    let fields = answer.schema();
    let names = fields.fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await? {
        let columns: Vec<Texts<'_>> =
            (0..batch.num_columns()).map(|c| Texts::of(&batch, c)).collect();
        for at in 0..batch.num_rows() {
            if rows.len() == rows_max {
                return Ok((names, rows));
            }
            let cell = |c: &Texts<'_>| c.get(at).unwrap_or_default().to_owned();
            rows.push(columns.iter().map(cell).collect());
        }
    }
    Ok((names, rows))
}
