//! Checks over a period, out of the lake: calls that switched something, and walks that saw it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use wk_model::check::CheckResult;
use wk_model::{Capture, Timestamp};
use wk_watch::checks::About;
use wk_watch::period::timeline::GAP_SECONDS;
use wk_watch::period::{PeriodCheck, judge};
use wk_watch::posture::Posture;

use super::App;
use super::inventory::{quoted, rows};

/// Calls that one check takes in; more are refused, for a part would not be the truth.
const CALLS_MAX: usize = 200_000;
/// Captures that one check takes in.
const CAPTURES_MAX: usize = 500_000;

impl App {
    /// The rows of checks over a period.
    pub(crate) async fn over_period(
        &self,
        checks: &[&'static PeriodCheck],
        period: (Timestamp, Timestamp),
    ) -> anyhow::Result<Vec<(Arc<About>, CheckResult)>> {
        let mut all = Vec::new();
        for check in checks {
            let about = Arc::new(check.about());
            let calls = self.calls(check, period).await?;
            let walks = self.walks(check, period).await?;
            let rows = judge(check, period, &calls, &walks, GAP_SECONDS);
            all.extend(rows.into_iter().map(|row| (about.clone(), row)));
        }
        Ok(all)
    }

    /// The records of the calls that switch what a check is about, from before the period too.
    async fn calls(
        &self,
        check: &PeriodCheck,
        period: (Timestamp, Timestamp),
    ) -> anyhow::Result<Vec<Value>> {
        let names: Vec<String> = check.calls.iter().map(|name| quoted(name)).collect();
        let sql = format!(
            "SELECT raw FROM cloudtrail WHERE \"eventSource\" = {} AND \"eventName\" IN ({}) \
             AND \"errorCode\" IS NULL AND {} LIMIT {}",
            quoted(check.source),
            names.join(", "),
            within(period),
            CALLS_MAX + 1
        );
        let found = rows(self, &sql).await?;
        ensure!(
            found.len() <= CALLS_MAX,
            "{}: more than {CALLS_MAX} calls switched it; judge a shorter period",
            check.id
        );
        let read = |raw: String| serde_json::from_str(&raw).context("a record of CloudTrail");
        found.into_iter().flatten().map(read).collect()
    }

    /// The walks, each with what it caught of what a check reads.
    async fn walks(
        &self,
        check: &PeriodCheck,
        period: (Timestamp, Timestamp),
    ) -> anyhow::Result<Vec<Posture>> {
        let keys: Vec<String> = check.reads.iter().map(|key| quoted(key)).collect();
        let sql = format!(
            "SELECT raw FROM inventory WHERE action IN ({}) AND {} LIMIT {}",
            keys.join(", "),
            within(period),
            CAPTURES_MAX + 1
        );
        let found = rows(self, &sql).await?;
        ensure!(
            found.len() <= CAPTURES_MAX,
            "{}: more than {CAPTURES_MAX} captures; judge a shorter period",
            check.id
        );
        let mut walks: BTreeMap<String, Vec<Capture>> = BTreeMap::new();
        for raw in found.into_iter().flatten() {
            let capture: Capture =
                serde_json::from_str(&raw).context("a capture in the lake cannot be read")?;
            walks.entry(capture.run.clone()).or_default().push(capture);
        }
        Ok(walks.into_values().map(Posture::of).collect())
    }
}

/// The period, and what before it still counts for its beginning.
fn within((since, until): (Timestamp, Timestamp)) -> String {
    let from = since.plus_seconds(-GAP_SECONDS).micros();
    let until = until.micros();
    format!(
        "event_time >= to_timestamp_micros({from}) AND event_time < to_timestamp_micros({until})"
    )
}
