//! `watchkeeper check list`

use std::io::Write;

use clap::Args;
use serde_json::Value;
use wk_model::Severity;
use wk_watch::checks::{ALL, Check};

use super::as_json;
use crate::cli::{Exit, table};

/// List the checks.
#[derive(Args)]
pub(super) struct List {
    /// Only those of this point of SOC 2: CC7.2
    #[arg(long, value_name = "POINT")]
    point: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let wanted = |check: &&&Check| {
            self.point
                .as_deref()
                .is_none_or(|p| check.points.iter().any(|q| q.eq_ignore_ascii_case(p)))
        };
        let checks: Vec<&Check> = ALL.iter().filter(wanted).copied().collect();
        if self.json {
            let told: Vec<Value> = checks.iter().map(|check| as_json(check)).collect();
            writeln!(out, "{:#}", Value::Array(told))?;
            return Ok(Exit::Ok);
        }
        let row = |check: &&Check| {
            vec![
                check.id.to_owned(),
                Severity::of_word(check.severity).word().as_str().to_owned(),
                check.points.join(" "),
                check.test.as_str().to_owned(),
                check.method.as_str().to_owned(),
                check.title.to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = checks.iter().map(row).collect();
        table::print(
            &["check", "severity", "points", "test", "method", "what should be so"],
            &rows,
            out,
        )?;
        Ok(Exit::Ok)
    }
}
