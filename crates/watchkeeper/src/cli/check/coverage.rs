//! `watchkeeper check coverage`

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_model::check::Verdict;
use wk_watch::focus::{self, Focus, Told};

use crate::cli::{Exit, table};
use crate::wire::App;
use crate::wire::inventory::rows;

/// Show what tells of each point of SOC 2 CC7: programs, in part, or people who sign for it.
///
/// Design is how it is set up, operation how it went. Rows are counted as they were judged last.
#[derive(Args)]
pub(super) struct Coverage {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Rows of each check by verdict, as they were judged last.
type Rows = BTreeMap<String, BTreeMap<Verdict, u64>>;

impl Coverage {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let judged = judged(app).await?;
        if self.json {
            let told: Vec<Value> = focus::ALL.iter().map(|f| as_json(f, &judged)).collect();
            writeln!(out, "{:#}", Value::Array(told))?;
            return Ok(Exit::Ok);
        }
        let mut lines = Vec::new();
        for point in focus::ALL {
            for (side, told) in [("design", point.design), ("operation", point.operation)] {
                let (id, about) = match side {
                    "design" => (point.id, point.about),
                    _ => ("", ""),
                };
                let by = [told.checks.join(" "), told.more.to_owned()];
                let by: Vec<&str> =
                    by.iter().map(String::as_str).filter(|t| !t.is_empty()).collect();
                lines.push(
                    [
                        id,
                        about,
                        side,
                        told.method.as_str(),
                        &counted(told, &judged),
                        &by.join("; "),
                    ]
                    .map(str::to_owned)
                    .to_vec(),
                );
            }
        }
        let heads = ["point", "what it is about", "side", "told", "rows", "by"];
        table::print(&heads, &lines, out)?;
        writeln!(
            out,
            "\n{} points of focus, in our own words; the criteria are the AICPA's. An auditor judges.",
            focus::ALL.len()
        )?;
        Ok(Exit::Ok)
    }
}

async fn judged(app: &App) -> anyhow::Result<Rows> {
    let sql = "SELECT \"check\", verdict, cast(count(*) AS varchar) FROM \
               (SELECT \"check\", account, region, resource, \
               last_value(verdict ORDER BY event_time) AS verdict FROM checks \
               GROUP BY \"check\", account, region, resource) GROUP BY \"check\", verdict";
    let mut judged = Rows::new();
    for row in rows(app, sql).await? {
        if let [check, verdict, count] = row.as_slice()
            && let (Some(verdict), Ok(count)) = (Verdict::parse(verdict), count.parse())
        {
            judged.entry(check.clone()).or_default().insert(verdict, count);
        }
    }
    Ok(judged)
}

fn count(told: Told, judged: &Rows) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for check in told.checks {
        for (verdict, count) in judged.get(*check).into_iter().flatten() {
            *counts.entry(verdict.as_str()).or_default() += count;
        }
    }
    counts
}

fn counted(told: Told, judged: &Rows) -> String {
    let counts = count(told, judged);
    counts.iter().map(|(verdict, n)| format!("{n} {verdict}")).collect::<Vec<_>>().join(", ")
}

fn as_json(point: &Focus, judged: &Rows) -> Value {
    let side = |told: Told| {
        json!({
            "method": told.method.as_str(),
            "checks": told.checks,
            "more": told.more,
            "rows": count(told, judged),
        })
    };
    json!({
        "point": point.id,
        "about": point.about,
        "design": side(point.design),
        "operation": side(point.operation),
    })
}
