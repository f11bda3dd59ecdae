//! CloudWatch Logs by pull (JSON 1.1), for groups that nobody subscribes to.
//!
//! * Events come in the form in which a subscription delivers them, one document for each stream
//!   and page, so that the source that reads subscriptions reads these.
//! * A round reads from the cursor to now. Events that arrive late are found because the next round
//!   begins a little before the end of this one; those seen already are left out by their id.
//! * A round may be stopped after any page: the cursor says where it goes on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_seam::aws::{
    AwsError, AwsRead as _, AwsResult, Call, Operation, Paging, ReadCall, Target, Whole, typed,
};
use wk_seam::{Answer, Failure};

use crate::client::Client;

/// How far before the end of the last round the next one begins.
const LOOK_BACK_MILLIS: i64 = 15 * 60 * 1000;
/// So many ids are remembered; with more, late events may come twice, which the cursor counts.
const IDS_MAX: usize = 100_000;

/// A log group that is pulled.
#[derive(Debug, Clone)]
pub struct LogsPull {
    client: Client,
    /// Name of the group.
    group: String,
    /// The account that the documents name as the owner.
    owner: String,
    target: Target,
}

/// How far a group has been read. It is kept by whoever pulls, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The round begins here: milliseconds since 1970.
    pub from_millis: i64,
    /// The round ends here; none before it has begun.
    #[serde(default)]
    pub until_millis: Option<i64>,
    /// The next page of the round.
    #[serde(default)]
    pub token: Option<String>,
    /// Ids of events that were read already and may come again, with their times.
    #[serde(default)]
    pub seen: BTreeMap<String, i64>,
    /// Ids that were too many to be remembered. Their events may come twice.
    #[serde(default)]
    pub forgotten: u64,
}

/// A page of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Documents in the form of a subscription (`DATA_MESSAGE`), one for each stream.
    pub documents: Vec<String>,
    /// Events in them.
    pub events: u64,
    /// Events that were left out because an earlier page had them.
    pub again: u64,
    /// What to keep once the documents are safe.
    pub cursor: Cursor,
    /// Whether the round is at its end; else the next page can be read at once.
    pub done: bool,
}

/// A log group, as a list of them shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    /// Its name.
    pub log_group_name: String,
    /// Its ARN.
    pub arn: Option<String>,
    /// For how long events are kept; none is for ever.
    pub retention_in_days: Option<i64>,
    /// Bytes that are stored.
    pub stored_bytes: Option<i64>,
}

impl Cursor {
    /// Reading begins with events of this time.
    pub fn from(time: Timestamp) -> Self {
        Self { from_millis: time.micros().div_euclid(1000), ..Self::default() }
    }
}

impl LogsPull {
    /// A group of an account that is entered as `target` says.
    ///
    /// # Errors
    /// If the name cannot be one.
    pub fn new(client: Client, group: &str, owner: &str, target: Target) -> Answer<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
        if group.is_empty() || group.len() > 512 || !group.chars().all(fits) {
            let why = "its name has 1 to 512 letters, digits and _-/.#";
            return Err(Failure::new(format!("pull the log group {group:?}"), why));
        }
        Ok(Self { client, group: group.to_owned(), owner: owner.to_owned(), target })
    }

    /// The next page of the round, or the first one of a new round up to `now`.
    ///
    /// # Errors
    /// If the group cannot be read. The cursor that was given is still right.
    pub async fn page(&self, cursor: &Cursor, now: Timestamp) -> Answer<Pulled> {
        let until = cursor.until_millis.unwrap_or_else(|| now.micros().div_euclid(1000));
        let ask = FilterLogEvents { group: &self.group, from: cursor.from_millis, until };
        let mut call = ReadCall::of(&ask, self.target.clone());
        (call.pages_max, call.from) = (1, cursor.token.clone());
        let read = self.client.read(&call).await;
        let whole = read.and_then(|whole| typed::<FilterLogEvents<'_>>(whole, &call));
        Ok(self.pulled(whole.map_err(AwsError::into_failure)?, cursor, until))
    }

    fn pulled(&self, whole: Whole<Filtered>, cursor: &Cursor, until: i64) -> Pulled {
        let mut next = cursor.clone();
        next.until_millis = Some(until);
        next.token = whole.next;
        let (mut streams, mut events, mut again) = (BTreeMap::<String, Vec<Value>>::new(), 0, 0);
        for event in whole.pages.into_iter().flat_map(|page| page.events) {
            if next.seen.contains_key(&event.event_id) {
                again += 1;
                continue;
            }
            next.remember(&event, until);
            events += 1;
            let told = json!({
                "id": event.event_id, "timestamp": event.timestamp, "message": event.message,
            });
            streams.entry(event.log_stream_name).or_default().push(told);
        }
        let done = next.token.is_none();
        if done {
            next.end_round(until);
        }
        let documents = streams.into_iter().map(|(stream, events)| {
            json!({
                "messageType": "DATA_MESSAGE",
                "owner": self.owner,
                "logGroup": self.group,
                "logStream": stream,
                "subscriptionFilters": [],
                "logEvents": events,
            })
            .to_string()
        });
        Pulled { documents: documents.collect(), events, again, cursor: next, done }
    }
}

impl Cursor {
    /// Ids are kept only for events that the next round may bring again.
    fn remember(&mut self, event: &Filtering, until: i64) {
        if event.timestamp < until.saturating_sub(LOOK_BACK_MILLIS) {
            return;
        }
        if self.seen.len() < IDS_MAX {
            self.seen.insert(event.event_id.clone(), event.timestamp);
        } else {
            self.forgotten += 1;
        }
    }

    fn end_round(&mut self, until: i64) {
        let back = until.saturating_sub(LOOK_BACK_MILLIS).max(self.from_millis);
        self.seen.retain(|_, time| *time >= back);
        (self.from_millis, self.until_millis) = (back, None);
    }
}

impl Client {
    /// The log groups of an account and region. Whether they are all, the answer says.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn log_groups(&self, target: &Target) -> AwsResult<Whole<LogGroup>> {
        let call = ReadCall::of(&DescribeLogGroups, target.clone());
        let whole = typed::<DescribeLogGroups>(self.read(&call).await?, &call)?;
        let pages = whole.pages.into_iter().flat_map(|page| page.log_groups).collect();
        Ok(Whole { pages, next: whole.next, request_ids: whole.request_ids })
    }
}

/// What this adapter asks of CloudWatch Logs.
pub(crate) const OPERATIONS: &[&Operation] =
    &[DescribeLogGroups::OPERATION, FilterLogEvents::OPERATION];

struct DescribeLogGroups;

#[derive(Deserialize)]
struct Groups {
    #[serde(rename = "logGroups", default)]
    log_groups: Vec<LogGroup>,
}

impl Call for DescribeLogGroups {
    const OPERATION: &'static Operation = &Operation {
        service: "logs",
        name: "DescribeLogGroups",
        permission: "logs:DescribeLogGroups",
        pages: Paging::next_token("nextToken"),
        ..Operation::READ
    };
    type Answer = Groups;
    fn parameters(&self) -> Value {
        json!({"limit": 50})
    }
}

struct FilterLogEvents<'a> {
    group: &'a str,
    from: i64,
    until: i64,
}

#[derive(Deserialize)]
struct Filtered {
    #[serde(default)]
    events: Vec<Filtering>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filtering {
    log_stream_name: String,
    timestamp: i64,
    message: String,
    event_id: String,
}

impl Call for FilterLogEvents<'_> {
    const OPERATION: &'static Operation = &Operation {
        service: "logs",
        name: "FilterLogEvents",
        permission: "logs:FilterLogEvents",
        pages: Paging::next_token("nextToken"),
        ..Operation::READ
    };
    type Answer = Filtered;
    fn parameters(&self) -> Value {
        json!({
            "logGroupName": self.group,
            "startTime": self.from,
            "endTime": self.until,
            "limit": 10_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize, timestamp: i64) -> Filtering {
        Filtering {
            log_stream_name: "s".into(),
            timestamp,
            message: "m".into(),
            event_id: id.to_string(),
        }
    }

    #[test]
    fn ids_are_kept_only_for_what_may_come_again_and_too_many_are_counted() {
        let until = 100 * LOOK_BACK_MILLIS;
        let mut cursor = Cursor::default();
        cursor.remember(&event(0, 5), until);
        assert!(cursor.seen.is_empty());
        (0..IDS_MAX + 3).for_each(|id| cursor.remember(&event(id, until), until));
        assert_eq!((cursor.seen.len(), cursor.forgotten), (IDS_MAX, 3));
        cursor.end_round(until);
        assert_eq!(cursor.from_millis, until - LOOK_BACK_MILLIS);
        cursor.end_round(until + 2 * LOOK_BACK_MILLIS);
        assert!(cursor.seen.is_empty());
    }

    #[test]
    fn a_cursor_is_kept_as_json_and_read_again() {
        let mut cursor = Cursor::from(Timestamp::from_seconds(7));
        cursor.seen.insert("1".into(), 2);
        let text = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
        assert!(serde_json::from_str::<Cursor>(r#"{"from_millis": 1, "x": 2}"#).is_err());
    }
}
