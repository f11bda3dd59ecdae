//! Configuration items out of the lake.

use std::collections::{BTreeSet, HashMap};

use arrow_array::{Array as _, RecordBatch, TimestampMicrosecondArray};
use serde_json::{Value, json};
use wk_case::changes::{Change, Item, ResourceKey, canonical};
use wk_model::{Sha256, Timestamp};
use wk_store::query::output::{Texts, cells};
use wk_store::query::{AskOptions, Questions};

use super::{Changes, Histories, quoted};

/// Names of a resource beside its id.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) arn: Option<String>,
    pub(super) name: Option<String>,
}

/// A rule's verdict on a resource that changed.
#[derive(Debug, Clone)]
pub(super) struct Compliance {
    pub(super) time: Timestamp,
    pub(super) account: String,
    pub(super) rule: String,
    pub(super) resource: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// What the items of a span say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) histories: Histories,
    pub(super) compliance: Vec<Compliance>,
    pub(super) compliance_more: u64,
    pub(super) oversized: u64,
}

/// The parts of an item that are compared, and the calls it names.
pub(super) struct Body {
    pub(super) parts: Value,
    pub(super) related: Vec<String>,
}

/// Compliance changes that are kept.
const COMPLIANCE_MAX: usize = 10_000;
/// Parts of an item that are compared. Relationships repeat what the other resource says.
const PARTS: [&str; 3] = ["configuration", "supplementaryConfiguration", "tags"];
/// Texts of an item, in the order in which they are asked for after the two times.
const TEXTS: &str = "account, region, concat(object, ':', ordinal) AS row, resourceType, resourceId, resourceName, arn, \
     configurationItemStatus, configurationStateId, changeType, configRuleName, complianceType, \
     oldComplianceType, s3DeliverySummary, configuration, supplementaryConfiguration, tags";

/// Reads every item up to the end of the span.
pub(super) async fn read(
    questions: &Questions,
    asked: &Changes,
    begin: Timestamp,
    end: Timestamp,
) -> anyhow::Result<Found> {
    let mut sql = format!(
        "SELECT event_time, resourceCreationTime, {TEXTS} FROM config WHERE resourceId IS NOT NULL"
    );
    if let Some(resource) = &asked.resource {
        let r = quoted(resource);
        sql = format!("{sql} AND (resourceId = {r} OR resourceName = {r} OR arn = {r})");
    }
    for (column, value) in [("resourceType", &asked.kind), ("account", &asked.account)] {
        if let Some(value) = value {
            sql = format!("{sql} AND {column} = {}", quoted(value));
        }
    }
    let options = AskOptions { until: Some(end), ..AskOptions::default() };
    let mut answer = questions.ask_sql(&sql, &options).await?;
    let mut found = Found::default();
    while let Some(batch) = answer.next().await? {
        let row = Rows::of(&batch);
        (0..batch.num_rows()).for_each(|place| take(&row, place, begin, &mut found));
    }
    found.compliance.sort_by(|a, b| (a.time, &a.rule).cmp(&(b.time, &b.rule)));
    Ok(found)
}

struct Rows<'a> {
    times: [Option<&'a TimestampMicrosecondArray>; 2],
    texts: Vec<Texts<'a>>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        let times = [0, 1].map(|c| batch.column(c).as_any().downcast_ref());
        Self { times, texts: (2..batch.num_columns()).map(|c| Texts::of(batch, c)).collect() }
    }
    fn time(&self, column: usize, row: usize) -> Option<Timestamp> {
        let times = self.times[column].filter(|t| !t.is_null(row))?;
        Some(Timestamp::from_micros(times.value(row)))
    }
    fn text(&self, column: usize, row: usize) -> Option<&'a str> {
        self.texts.get(column)?.get(row)
    }
}

fn take(rows: &Rows<'_>, row: usize, begin: Timestamp, found: &mut Found) {
    let text = |column| rows.text(column, row);
    let own = |column| text(column).unwrap_or_default().to_owned();
    let time = rows.time(0, row).unwrap_or_default();
    if text(10).is_some() {
        if time > begin && found.compliance.len() < COMPLIANCE_MAX {
            let resource = format!("{} {}", own(3), own(4));
            let (account, rule, to, from) = (own(0), own(10), own(11), own(12));
            found.compliance.push(Compliance { time, account, rule, resource, from, to });
        } else if time > begin {
            found.compliance_more += 1;
        }
        return;
    }
    let (status, change) = (own(7), own(9));
    let deleted = status.starts_with("ResourceDeleted") || change == "DELETE";
    if text(13).is_some() && text(14).is_none() && !deleted {
        found.oversized += u64::from(time > begin);
        return;
    }
    let parts = parts([14, 15, 16].map(text));
    let digest = Sha256::of(canonical(&parts).to_string().as_bytes());
    let content = digest.0.iter().take(16).fold(0u128, |sum, b| (sum << 8) | u128::from(*b));
    let item = Item {
        time,
        state_id: own(8),
        deleted,
        discovered: status == "ResourceDiscovered" || change == "CREATE",
        created: rows.time(1, row),
        content: if deleted { 0 } else { content },
        row: own(2),
    };
    let key: ResourceKey = (own(0), own(1), own(3), own(4));
    let (names, history) = found.histories.entry(key).or_default();
    names.name = names.name.take().or_else(|| text(5).map(str::to_owned));
    names.arn = names.arn.take().or_else(|| text(6).map(str::to_owned));
    history.add(item, begin);
}

fn parts(texts: [Option<&str>; 3]) -> Value {
    let part = |text: Option<&str>| {
        let text = text.unwrap_or("null");
        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
    };
    PARTS.iter().zip(texts).map(|(name, text)| ((*name).to_owned(), part(text))).collect()
}

/// The bodies of the items that show the changes, by object and place in it.
pub(super) async fn bodies(
    questions: &Questions,
    changes: &[(&ResourceKey, &Names, Change<'_>)],
    end: Timestamp,
) -> anyhow::Result<HashMap<String, Body>> {
    let rows: BTreeSet<&str> = changes
        .iter()
        .flat_map(|(_, _, c)| [Some(c.to), c.from].into_iter().flatten())
        .map(|item| item.row.as_str())
        .collect();
    // No text of a log: the first digits of a hash, by which whole files are passed over.
    let objects: BTreeSet<&str> = rows.iter().filter_map(|row| row.split(':').next()).collect();
    let objects: Vec<&str> = objects.into_iter().collect();
    let mut bodies = HashMap::new();
    let options = AskOptions { until: Some(end), ..AskOptions::default() };
    for some in objects.chunks(500) {
        let list: Vec<String> = some.iter().map(|object| quoted(object)).collect();
        let sql = format!(
            "SELECT concat(object, ':', ordinal) AS row, configuration, supplementaryConfiguration, \
             tags, relatedEvents FROM config WHERE object IN ({})",
            list.join(", ")
        );
        let mut answer = questions.ask_sql(&sql, &options).await?;
        while let Some(batch) = answer.next().await? {
            let texts: Vec<Texts<'_>> = (0..4).map(|c| Texts::of(&batch, c)).collect();
            let related = cells(&batch.project(&[4])?)?;
            for (row, related) in related.into_iter().enumerate() {
                let Some(id) = texts[0].get(row).filter(|id| rows.contains(id)) else { continue };
                let parts = parts([1, 2, 3].map(|c: usize| texts[c].get(row)));
                let related = related.first().map(|list| listed(list)).unwrap_or_default();
                bodies.insert(id.to_owned(), Body { parts, related });
            }
        }
    }
    Ok(bodies)
}

/// The ids in `[a, b]`.
fn listed(text: &str) -> Vec<String> {
    let inside = text.trim_matches(['[', ']']);
    inside.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}
