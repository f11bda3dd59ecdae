//! The calls in CloudTrail behind changes: those that the item names, else the last calls that
//! wrote to the resource before it was recorded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow_array::{Array as _, TimestampMicrosecondArray};
use wk_case::changes::{Change, ResourceKey};
use wk_model::Timestamp;
use wk_store::query::output::{Texts, cells};
use wk_store::query::{AskOptions, Questions};

use super::items::{Body, Names};
use super::quoted;

/// A call that may have made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) time: Timestamp,
    pub(super) event_id: String,
    pub(super) call: String,
    pub(super) actor: String,
    pub(super) source_ip: String,
    /// Whether the item itself names the call; else it wrote to the resource shortly before.
    pub(super) is_named: bool,
}

/// Calls that are told of one change.
const CAUSES_MAX: usize = 3;
/// Config records a change within minutes; a call that comes later is not its cause. Seconds.
const CLOCKS_DIFFER: i64 = 60;

type Changed<'a> = (&'a ResourceKey, &'a Names, Change<'a>);

/// The calls behind each change.
pub(super) async fn find(
    questions: &Questions,
    changes: &[Changed<'_>],
    bodies: &HashMap<String, Body>,
    begin: Timestamp,
    end: Timestamp,
) -> anyhow::Result<BTreeMap<ResourceKey, Vec<Cause>>> {
    let mut wanted: HashMap<&str, Vec<usize>> = HashMap::new(); // event id, name, id or ARN
    for (place, (key, names, change)) in changes.iter().enumerate() {
        let related = bodies.get(&change.to.row).map(|b| b.related.as_slice());
        let named = related.unwrap_or_default().iter().map(String::as_str);
        let own = [Some(key.3.as_str()), names.arn.as_deref(), names.name.as_deref()];
        let texts: BTreeSet<&str> = named.chain(own.into_iter().flatten()).collect();
        for text in texts.into_iter().filter(|t| !t.is_empty()) {
            wanted.entry(text).or_default().push(place);
        }
    }
    let mut found: Vec<Vec<Cause>> = vec![Vec::new(); changes.len()];
    if !wanted.is_empty() {
        search(questions, changes, &wanted, &mut found, begin, end).await?;
    }
    let keyed = changes.iter().zip(found).map(|((key, ..), mut causes)| {
        let is_named = causes.iter().any(|c| c.is_named);
        causes.retain(|c| c.is_named == is_named);
        causes.sort_by(|a, b| (b.time, &b.event_id).cmp(&(a.time, &a.event_id)));
        causes.truncate(CAUSES_MAX);
        ((*key).clone(), causes)
    });
    Ok(keyed.collect())
}

async fn search(
    questions: &Questions,
    changes: &[Changed<'_>],
    wanted: &HashMap<&str, Vec<usize>>,
    found: &mut [Vec<Cause>],
    begin: Timestamp,
    end: Timestamp,
) -> anyhow::Result<()> {
    // Calls shortly before the span may be recorded in it.
    let since = begin.plus_seconds(-3600);
    let sql = format!(
        "SELECT event_time, event_id, action, actor, source_ip, account, resource_ids FROM cloudtrail \
         WHERE readOnly = false AND outcome = {}",
        quoted("success")
    );
    let options = AskOptions { since: Some(since), until: Some(end), ..AskOptions::default() };
    let mut answer = questions.ask_sql(&sql, &options).await?;
    while let Some(batch) = answer.next().await? {
        let times = batch.column(0).as_any().downcast_ref::<TimestampMicrosecondArray>();
        let texts: Vec<Texts<'_>> = (0..6).map(|c| Texts::of(&batch, c)).collect();
        let resources = cells(&batch.project(&[6])?)?;
        for (row, resources) in resources.iter().enumerate() {
            let text = |c: usize| texts[c].get(row).unwrap_or_default();
            let time = Timestamp::from_micros(times.map_or(0, |t| t.value(row)));
            let cause = |is_named| Cause {
                time,
                event_id: text(1).to_owned(),
                call: text(2).to_owned(),
                actor: text(3).to_owned(),
                source_ip: text(4).to_owned(),
                is_named,
            };
            for place in wanted.get(text(1)).into_iter().flatten() {
                found[*place].push(cause(true));
            }
            let listed = resources.first().map_or("", String::as_str).trim_matches(['[', ']']);
            let touched: BTreeSet<usize> = listed
                .split(", ")
                .filter_map(|resource| wanted.get(resource))
                .flatten()
                .copied()
                .collect();
            for place in touched {
                if fits(&changes[place], time, text(5)) {
                    keep(&mut found[place], cause(false));
                }
            }
        }
    }
    Ok(())
}

/// Whether a call can have made the change: in its account, after the item before, before this one.
fn fits((key, _, change): &Changed<'_>, time: Timestamp, account: &str) -> bool {
    let after = change.from.is_none_or(|from| time >= from.time.plus_seconds(-CLOCKS_DIFFER));
    let before = time <= change.to.time.plus_seconds(CLOCKS_DIFFER);
    after && before && (account.is_empty() || account == key.0)
}

/// Keeps the latest calls.
fn keep(causes: &mut Vec<Cause>, cause: Cause) {
    causes.push(cause);
    if causes.len() > 4 * CAUSES_MAX {
        causes.sort_by_key(|c| Reverse((c.is_named, c.time)));
        causes.truncate(CAUSES_MAX);
    }
}
