//! `watchkeeper status gaps`

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_model::arrivals::hour_start;
use wk_model::selfwatch::PlaceFacts;
use wk_seam::ledger::Ledger as _;
use wk_watch::selfwatch::gap::{self, Gap};

use super::super::{Exit, table};
use crate::wire::App;

/// Name every gap by source, account, region and hour.
///
/// A gap is a run of hours without an event at a place that normally has some. Where AWS gives no
/// outside total, as for flow logs, completeness cannot be shown: gaps are by volume only.
#[derive(Args)]
pub(super) struct Gaps {
    /// How many days back
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Gaps {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let places = places(app, app.clock.now(), self.days).await?;
        let gaps: Vec<Gap> = places.iter().flat_map(gap::gaps).collect();
        let hours: i64 = gaps.iter().map(|gap| gap.until - gap.from).sum();
        if self.json {
            let seen: Vec<Value> = places.iter().filter_map(place).collect();
            let list: Vec<Value> = gaps.iter().map(as_json).collect();
            let report = json!({"days": self.days, "places": seen, "gaps": list, "hours": hours,
                "judged": "by volume only"});
            writeln!(out, "{report:#}")?;
            return Ok(Exit::Ok);
        }
        let row = |gap: &Gap| {
            vec![
                gap.source.clone(),
                gap.account.clone(),
                gap.region.clone(),
                hour_start(gap.from).to_string(),
                if gap.open { "open".to_owned() } else { hour_start(gap.until).to_string() },
                (gap.until - gap.from).to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = gaps.iter().map(row).collect();
        if !rows.is_empty() {
            let heads = ["source", "account", "region", "from", "until", "hours"];
            table::print(&heads, &rows, out)?;
        }
        let seen = places.iter().filter(|p| p.hours.count() > 0).count();
        writeln!(
            out,
            "{} gaps, {hours} hours, in {} days at {seen} places (source, account, region)",
            gaps.len(),
            self.days
        )?;
        writeln!(out, "Gaps are told by volume only: completeness is not demonstrable by them.")?;
        Ok(Exit::Ok)
    }
}

/// How many gaps each source has in the days that self-alerts look at.
pub(super) async fn by_source(app: &App, now: Timestamp) -> anyhow::Result<Vec<(String, usize)>> {
    let days = u16::try_from(gap::DAYS).unwrap_or(30);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for place in places(app, now, days).await? {
        *counts.entry(place.source.clone()).or_default() += gap::gaps(&place).len();
    }
    Ok(counts.into_iter().collect())
}

async fn places(app: &App, now: Timestamp, days: u16) -> anyhow::Result<Vec<PlaceFacts>> {
    let until = gap::settled(now);
    Ok(app.ledger.place_hours(until - i64::from(days) * 24, until).await?)
}

fn place(of: &PlaceFacts) -> Option<Value> {
    let first = of.hours.iter().next()?;
    let (_, until) = of.hours.span();
    Some(json!({"source": of.source, "account": of.account, "region": of.region,
        "from": hour_start(first), "until": hour_start(until),
        "hours": until - first, "hours_with_events": of.hours.count()}))
}

fn as_json(gap: &Gap) -> Value {
    json!({"source": gap.source, "account": gap.account, "region": gap.region,
        "from": hour_start(gap.from), "until": hour_start(gap.until), "open": gap.open,
        "hours": gap.until - gap.from})
}
