//! Verdicts: what each row of a check was before, which exception covers it, and how it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};
use wk_case::exceptions::{self, Exceptions};
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Severity, SeverityWord, Sha256, Timestamp};
use wk_seam::triage::Triage as _;
use wk_watch::checks::{About, Check, Overrides};
use wk_watch::posture::Posture;
use wk_watch::posture::drift::{Before, Turn};
use wk_watch::posture::last::{Last, Said};
use wk_watch::sources;

use super::App;
use super::inventory::{quoted, rows, take_in, write_lines};
use super::walks::name_of;

/// A row with what is known beside it.
pub(crate) struct Judged {
    /// The check.
    pub(crate) about: Arc<About>,
    /// What it says.
    pub(crate) row: CheckResult,
    /// What it said when it could be told last.
    pub(crate) before: Before,
    /// The exception that covers it.
    pub(crate) exception: Option<String>,
    /// What becomes of the resource.
    pub(crate) turn: Turn,
    /// The drift that it is part of.
    pub(crate) drifted: Option<String>,
}

/// A run of checks.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunOf {
    /// Its name.
    pub(crate) name: String,
    /// What was judged: the walk.
    pub(crate) inventory: String,
    /// Changes that it was made for.
    pub(crate) because: Vec<String>,
    /// The period that was judged, where one was.
    pub(crate) period: Option<(Timestamp, Timestamp)>,
}

impl RunOf {
    /// A run that begins now, over this walk.
    pub(crate) fn over(app: &App, inventory: &str) -> Self {
        let inventory = inventory.to_owned();
        Self { name: name_of(app), inventory, because: Vec::new(), period: None }
    }
}

/// The rows of native checks over a posture.
pub(crate) fn native(
    checks: &[&'static Check],
    posture: &Posture,
    overrides: &Overrides,
) -> Vec<(Arc<About>, CheckResult)> {
    let mut all = Vec::new();
    for check in checks {
        let about = Arc::new(check.about(overrides));
        all.extend(check.run(posture, overrides).into_iter().map(|row| (about.clone(), row)));
    }
    all
}

impl App {
    /// Sets rows beside what was said before, if they are to be kept, and beside the exceptions that
    /// count now. Where a resource that had drifted is not there any more, there is a row that says so.
    pub(crate) async fn judged(
        &self,
        rows: Vec<(Arc<About>, CheckResult)>,
        kept: bool,
    ) -> anyhow::Result<Vec<Judged>> {
        let now = self.clock.now();
        let last = if kept { last(self).await? } else { Last::default() };
        let (exceptions, bad) = Exceptions::new(self.ledger.exceptions().await?);
        for id in bad {
            tracing::warn!(exception = id, "an exception cannot be read and covers nothing");
        }
        let (abouts, rows): (Vec<Arc<About>>, Vec<CheckResult>) = rows.into_iter().unzip();
        let by_check: BTreeMap<String, Arc<About>> =
            abouts.iter().map(|about| (about.id.clone(), about.clone())).collect();
        let of_gone = |row: CheckResult| Some((by_check.get(&row.check)?.clone(), row));
        let gone: Vec<_> = last.gone(&rows).into_iter().filter_map(of_gone).collect();
        let judge = |(about, row): (Arc<About>, CheckResult)| {
            let before = last.before(&row);
            let exception = (row.verdict == Verdict::NonCompliant)
                .then(|| exceptions::of_check(&row, &about.title, about.severity(), now))
                .and_then(|finding| exceptions.active(&finding, now).map(|e| e.id.clone()));
            let turn = Turn::of(&before, row.verdict, exception.as_deref());
            let drifted = turn.drift(&before, row.verdict, now);
            Judged { about, row, before, exception, turn, drifted }
        };
        Ok(abouts.into_iter().zip(rows).chain(gone).map(judge).collect())
    }

    /// Keeps rows in the lake; what drifted becomes a finding there.
    pub(crate) async fn keep_verdicts(&self, run: &RunOf, judged: &[Judged]) -> anyhow::Result<()> {
        let at = self.clock.now().to_string();
        let lines: Vec<Value> = judged.iter().map(|one| line(one, run, &at)).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let folder = self.home.path().join("check-results").join(&run.name);
        write_lines(&folder, "verdicts.ndjson", &lines)?;
        take_in(self, &folder, &sources::check_results::SOURCE).await?;
        Ok(())
    }
}

/// What each row was when it was judged last. How a period went says nothing of now.
async fn last(app: &App) -> anyhow::Result<Last> {
    let seen = format!("FILTER (WHERE verdict <> {})", quoted(Verdict::NoData.as_str()));
    let sql = format!(
        "SELECT \"check\", account, region, resource, \
         cast(cast(max(event_time) AS bigint) AS varchar), \
         last_value(verdict ORDER BY event_time), \
         last_value(verdict ORDER BY event_time) {seen}, \
         last_value(coalesce(drifted, '') ORDER BY event_time) {seen}, \
         last_value(coalesce(\"exception\", '') ORDER BY event_time) {seen} \
         FROM checks WHERE since IS NULL GROUP BY \"check\", account, region, resource"
    );
    let filled = |text: String| Some(text).filter(|t| !t.is_empty());
    let mut all = Vec::new();
    for row in rows(app, &sql).await? {
        let Ok([check, account, region, resource, at, now, verdict, drifted, exception]) =
            <[String; 9]>::try_from(row)
        else {
            continue;
        };
        let before = Before {
            verdict: Verdict::parse(&verdict),
            drifted: filled(drifted),
            exception: filled(exception),
            absent: false,
        };
        let micros = at.parse().context("a time of the lake cannot be read")?;
        let blind = Verdict::parse(&now) == Some(Verdict::NoData);
        let said = Said { at: Timestamp::from_micros(micros), blind, before };
        all.push(((check, account, region, resource), said));
    }
    Ok(Last::of(all))
}

/// The rows of some checks that were not as they should be when they were judged last, with the titles
/// and severities of their checks.
pub(crate) async fn bad_rows(
    app: &App,
    checks: &[String],
) -> anyhow::Result<Vec<(CheckResult, String, Severity)>> {
    let names: Vec<String> = checks.iter().map(|name| quoted(name)).collect();
    let sql = format!(
        "SELECT \"check\", account, region, resource, last_value(verdict ORDER BY event_time), \
         last_value(why ORDER BY event_time), last_value(title ORDER BY event_time), \
         last_value(severity ORDER BY event_time) \
         FROM checks WHERE \"check\" IN ({}) GROUP BY \"check\", account, region, resource \
         ORDER BY \"check\", account, region, resource",
        names.join(", ")
    );
    let mut bad = Vec::new();
    for row in rows(app, &sql).await? {
        let Ok([check, account, region, resource, verdict, why, title, severity]) =
            <[String; 8]>::try_from(row)
        else {
            continue;
        };
        if Verdict::parse(&verdict) == Some(Verdict::NonCompliant) {
            let (verdict, evidence) = (Verdict::NonCompliant, Vec::new());
            let word = SeverityWord::parse(&severity).unwrap_or(SeverityWord::Medium);
            let row = CheckResult { check, resource, account, region, verdict, why, evidence };
            bad.push((row, title, Severity::of_word(word)));
        }
    }
    Ok(bad)
}

/// A row as its record in the lake.
fn line(one: &Judged, run: &RunOf, at: &str) -> Value {
    let mut line = row_json(one);
    let row = &one.row;
    let id = [&run.name, &row.check, &row.account, &row.region, &row.resource];
    line["resultId"] = Sha256::of_parts(&id.map(String::as_bytes)).short().into();
    line["run"] = run.name.as_str().into();
    line["inventoryRun"] = run.inventory.as_str().into();
    line["checkedAt"] = at.into();
    line["parameters"] = json!(one.about.parameters);
    if !run.because.is_empty() {
        line["because"] = json!(run.because);
    }
    if let Some((since, until)) = run.period {
        line["since"] = since.to_string().into();
        line["until"] = until.to_string().into();
    }
    line
}

/// A row with everything that is known beside it, as JSON.
pub(crate) fn row_json(one: &Judged) -> Value {
    let (about, row) = (&one.about, &one.row);
    let mut line = json!({
        "check": row.check,
        "title": about.title,
        "severity": about.severity().word().as_str(),
        "resource": row.resource,
        "account": row.account,
        "region": row.region,
        "verdict": row.verdict,
        "why": row.why,
        "evidence": row.evidence,
        "points": about.points,
        "nist": about.nist,
        "cis": about.cis,
        "requirements": about.serves,
        "test": about.test.as_str(),
        "method": about.method.as_str(),
        "remediation": about.remedy,
    });
    let was = one.before.verdict.map(|verdict| verdict.as_str().to_owned());
    let more = [
        ("was", was),
        ("drifted", one.drifted.clone()),
        ("exception", one.exception.clone()),
        ("wasException", one.before.exception.clone()),
        ("appeared", (one.turn == Turn::Appeared).then(|| "yes".to_owned())),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            line[name] = value.into();
        }
    }
    line
}

/// How many rows an exception covers: they count as accepted, not as well.
pub(crate) fn accepted(judged: &[Judged]) -> usize {
    judged.iter().filter(|one| one.exception.is_some()).count()
}

/// Whether a row is bad, and no exception covers it, in a check of at least this severity.
pub(crate) fn is_open(one: &Judged, least: Severity) -> bool {
    one.row.verdict == Verdict::NonCompliant
        && one.exception.is_none()
        && one.about.severity() >= least
}
