//! Findings of unusual rates as CloudTrail Insights events, counted anew in the lake.

use std::collections::BTreeMap;

use serde_json::Value;
use wk_case::reports::insights::{Insight, Side, events};
use wk_lang::sigma::{Kind, Rate};
use wk_model::{Finding, Timestamp};
use wk_watch::detect::Detections;

use super::App;
use super::inventory::{quoted, rows};
use super::reports::LakeReports;

/// How far back the usual is counted.
const BASELINE_DAYS: i64 = 28;
/// How long after its last bucket an insight is over: what comes late may still belong to it.
const OVER_SECONDS: i64 = 1_800;
/// Identities, clients and errors that are told apart in one stretch.
const GROUPS_MAX: usize = 10_000;

impl App {
    /// The Insights events of findings, and how many findings are none.
    pub(crate) async fn insights(&self, findings: &[Finding]) -> anyhow::Result<(Vec<Value>, u64)> {
        let detections = self.detections()?;
        let rates: Vec<&Finding> = findings.iter().filter(|f| is_rate(&detections, f)).collect();
        let mut others = (findings.len() - rates.len()) as u64;
        let records = LakeReports::of(self).read(&rates).await?;
        let mut all = Vec::new();
        for (finding, record) in rates.into_iter().zip(records) {
            let record = record.and_then(|record| serde_json::from_str(&record).ok());
            let counts_errors = counts_errors(&detections, finding);
            match record.and_then(|record: Value| Call::of(&record, finding, counts_errors)) {
                Some(call) => all.extend(events(&self.insight(finding, call).await?)),
                None => others += 1,
            }
        }
        Ok((all, others))
    }

    async fn insight(&self, finding: &Finding, call: Call) -> anyhow::Result<Insight> {
        let start = finding.first_seen.floor_to(Rate::BUCKET_SECONDS);
        let end =
            finding.last_seen.floor_to(Rate::BUCKET_SECONDS).plus_seconds(Rate::BUCKET_SECONDS);
        let insight = self.side(&call, start, end).await?;
        let from = self.first_of(&call, start.plus_seconds(-BASELINE_DAYS * 86_400)).await?;
        let baseline = self.side(&call, from.unwrap_or(start).min(start), start).await?;
        let over = self.clock.now() > end.plus_seconds(OVER_SECONDS);
        Ok(Insight {
            finding: finding.id.clone(),
            account: call.account,
            region: call.region,
            event_source: call.source,
            event_name: call.name,
            error_code: call.error,
            start,
            end: over.then_some(end),
            baseline,
            insight,
        })
    }

    /// Since when there are events of the account and region, not before a time.
    async fn first_of(&self, call: &Call, since: Timestamp) -> anyhow::Result<Option<Timestamp>> {
        let sql = format!(
            "SELECT cast(cast(min(event_time) AS bigint) AS varchar) FROM cloudtrail WHERE account = {} \
             AND region = {} AND event_time >= {}",
            quoted(&call.account),
            quoted(&call.region),
            quoted(&since.to_string()),
        );
        let first = rows(self, &sql).await?.into_iter().flatten().next();
        Ok(first.and_then(|micros| micros.parse().ok()).map(Timestamp::from_micros))
    }

    async fn side(&self, call: &Call, from: Timestamp, until: Timestamp) -> anyhow::Result<Side> {
        let sql = format!(
            "SELECT coalesce(actor, ''), coalesce(user_agent, ''), coalesce(\"errorCode\", 'null'), \
             cast(count(*) AS varchar) FROM cloudtrail WHERE {} AND event_time >= {} AND event_time < {} \
             GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT {GROUPS_MAX}",
            call.condition(),
            quoted(&from.to_string()),
            quoted(&until.to_string()),
        );
        let minutes = (until.seconds() - from.seconds()) / 60;
        let mut counts: [BTreeMap<String, u64>; 3] = Default::default();
        let mut calls = 0_u64;
        for row in rows(self, &sql).await? {
            let Ok([actor, agent, error, count]) = <[String; 4]>::try_from(row) else { continue };
            let count: u64 = count.parse().unwrap_or(0);
            calls += count;
            for (of, value) in counts.iter_mut().zip([actor, agent, error]) {
                *of.entry(value).or_default() += count;
            }
        }
        let [identities, agents, errors] = counts.map(|of| of.into_iter().collect());
        Ok(Side { minutes, calls, identities, agents, errors })
    }
}

/// The call whose rate is unusual.
struct Call {
    account: String,
    region: String,
    source: String,
    name: String,
    /// The error whose rate it is.
    error: Option<String>,
    /// Where all calls are counted: whether it is one that reads.
    reads: Option<bool>,
}

impl Call {
    /// From a record of it.
    fn of(record: &Value, finding: &Finding, counts_errors: bool) -> Option<Self> {
        let text = |key: &str| record.get(key)?.as_str().map(str::to_owned);
        let error = if counts_errors { Some(text("errorCode")?) } else { None };
        Some(Self {
            account: finding.account.clone().or_else(|| text("recipientAccountId"))?,
            region: text("awsRegion")?,
            source: text("eventSource")?,
            name: text("eventName")?,
            reads: record.get("readOnly").and_then(Value::as_bool).filter(|_| error.is_none()),
            error,
        })
    }

    fn condition(&self) -> String {
        let mut all = vec![
            format!("account = {}", quoted(&self.account)),
            format!("region = {}", quoted(&self.region)),
            format!("\"eventSource\" = {}", quoted(&self.source)),
            format!("\"eventName\" = {}", quoted(&self.name)),
        ];
        all.extend(self.error.as_ref().map(|error| format!("\"errorCode\" = {}", quoted(error))));
        all.extend(self.reads.map(|reads| format!("\"readOnly\" = {reads}")));
        all.join(" AND ")
    }
}

/// What a rule groups by, if it is one over the rate of a call.
fn grouped_by<'d>(detections: &'d Detections, finding: &Finding) -> Option<&'d [String]> {
    let mut rules = detections.stateful().rules().iter();
    let rule = rules.find(|rule| rule.rule.id == finding.rule.id)?;
    matches!(rule.correlation.kind, Kind::Rate(_)).then_some(rule.correlation.group_by.as_slice())
}

fn is_rate(detections: &Detections, finding: &Finding) -> bool {
    let has = |name: &str, of: &[String]| of.iter().any(|field| field == name);
    grouped_by(detections, finding).is_some_and(|of| has("eventSource", of) && has("eventName", of))
}

fn counts_errors(detections: &Detections, finding: &Finding) -> bool {
    grouped_by(detections, finding).is_some_and(|of| of.iter().any(|field| field == "errorCode"))
}
