//! `watchkeeper check list`

use std::io::Write;

use clap::Args;
use serde_json::Value;
use wk_watch::checks::{ALL, About, Check, Overrides};
use wk_watch::period::{self, PeriodCheck};

use super::{about_as_json, as_json, period_as_json};
use crate::cli::{Exit, table};
use crate::wire::App;

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
    pub(super) fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let wanted = |points: &[&str]| {
            self.point.as_deref().is_none_or(|p| points.iter().any(|q| q.eq_ignore_ascii_case(p)))
        };
        let checks: Vec<&Check> =
            ALL.iter().filter(|check| wanted(check.points)).copied().collect();
        let periods: Vec<&PeriodCheck> =
            period::ALL.iter().filter(|check| wanted(check.points)).copied().collect();
        let mut own: Vec<About> = app.own_checks_told()?.into_iter().map(|c| c.about).collect();
        own.retain(|about| wanted(&about.points.iter().map(String::as_str).collect::<Vec<_>>()));
        if self.json {
            let mut told: Vec<Value> = checks.iter().map(|check| as_json(check)).collect();
            told.extend(periods.iter().map(|check| period_as_json(check)));
            told.extend(own.iter().map(about_as_json));
            writeln!(out, "{:#}", Value::Array(told))?;
            return Ok(Exit::Ok);
        }
        let row = |about: About| {
            vec![
                about.severity().word().as_str().to_owned(),
                about.points.join(" "),
                about.test.as_str().to_owned(),
                about.method.as_str().to_owned(),
                about.title,
            ]
        };
        let abouts = checks.iter().map(|check| check.about(&Overrides::new()));
        let abouts = abouts.chain(periods.iter().map(|check| check.about())).chain(own);
        let rows: Vec<Vec<String>> =
            abouts.map(|about| [vec![about.id.clone()], row(about)].concat()).collect();
        table::print(
            &["check", "severity", "points", "test", "method", "what should be so"],
            &rows,
            out,
        )?;
        Ok(Exit::Ok)
    }
}
