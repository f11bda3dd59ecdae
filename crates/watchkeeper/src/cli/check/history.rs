//! `watchkeeper check history`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_watch::period;

use crate::cli::{Exit, table};
use crate::wire::App;
use crate::wire::inventory::{quoted, rows};

/// Show when verdicts changed.
///
/// A line for the first verdict on each resource, and one for every change since.
#[derive(Args)]
pub(super) struct History {
    /// Only this check
    #[arg(value_name = "CHECK")]
    check: Option<String>,
    /// Only resources with this text in their name
    #[arg(long, value_name = "TEXT")]
    resource: Option<String>,
    /// Only this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Every verdict, also where nothing changed
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl History {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let mut wanted = vec!["true".to_owned()];
        if let Some(check) = &self.check {
            let id = match period::named(check) {
                Some(check) => check.id.to_owned(),
                None => match app.own_checks()?.0.into_iter().find(|own| own.about.id == *check) {
                    Some(own) => own.about.id,
                    None => super::named(check)?.id.to_owned(),
                },
            };
            wanted.push(format!("\"check\" = {}", quoted(&id)));
        }
        if let Some(text) = &self.resource {
            wanted.push(format!("strpos(resource, {}) > 0", quoted(text)));
        }
        if let Some(account) = &self.account {
            wanted.push(format!("account = {}", quoted(account)));
        }
        let sql = format!(
            "SELECT \"check\", account, region, resource, cast(event_time AS varchar) AS at, verdict, why, run \
             FROM checks WHERE {} ORDER BY \"check\", account, region, resource, event_time",
            wanted.join(" AND ")
        );
        let mut found = rows(app, &sql).await?;
        if !self.all {
            found = changes(found);
        }
        if self.json {
            let line = |r: &Vec<String>| json!({"check": r[0], "account": r[1], "region": r[2], "resource": r[3], "at": r[4], "verdict": r[5], "why": r[6], "run": r[7]});
            writeln!(out, "{:#}", Value::Array(found.iter().map(line).collect()))?;
            return Ok(Exit::Ok);
        }
        if found.is_empty() {
            writeln!(out, "no verdicts yet: watchkeeper check run")?;
            return Ok(Exit::Ok);
        }
        let line = |r: &Vec<String>| {
            let cell = |n: usize| r.get(n).cloned().unwrap_or_default();
            vec![cell(4), cell(5), cell(0), cell(1), cell(2), table::cut(&cell(3), 80), cell(6)]
        };
        let told: Vec<Vec<String>> = found.iter().map(line).collect();
        let heads = ["at", "verdict", "check", "account", "region", "resource", "why"];
        table::print(&heads, &told, out)?;
        Ok(Exit::Ok)
    }
}

/// The first of the rows of each resource, and those whose verdict is not that of the row before.
fn changes(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut kept: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let same = kept.last().is_some_and(|last| last[..4] == row[..4] && last[5] == row[5]);
        if !same {
            kept.push(row);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn only_changes_are_kept_of_each_resource() {
        let row = |resource: &str, verdict: &str| {
            ["c", "1", "r", resource, "t", verdict, "w", "x"].map(str::to_owned).to_vec()
        };
        let all = vec![
            row("a", "COMPLIANT"),
            row("a", "COMPLIANT"),
            row("a", "NON_COMPLIANT"),
            row("b", "NON_COMPLIANT"),
            row("b", "NON_COMPLIANT"),
        ];
        let kept: Vec<String> = changes(all).iter().map(|r| format!("{} {}", r[3], r[5])).collect();
        assert_eq!(kept, ["a COMPLIANT", "a NON_COMPLIANT", "b NON_COMPLIANT"]);
    }
}
