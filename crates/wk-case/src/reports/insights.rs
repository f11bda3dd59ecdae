//! CloudTrail Insights events: an unusual rate of calls or errors, as a trail would report it.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-insights-events.html>
//!
//! * An insight is two events of one `sharedEventID`: `Start`, and `End` once it is over.
//! * Averages are calls a minute. The caller counts them.

use serde_json::{Value, json};
use wk_model::finding::FindingId;
use wk_model::{Sha256, Timestamp};

/// An unusual rate of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Insight {
    /// The finding that it is.
    pub finding: FindingId,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// `ec2.amazonaws.com`
    pub event_source: String,
    /// `RunInstances`
    pub event_name: String,
    /// The error, where it is the rate of errors that is unusual.
    pub error_code: Option<String>,
    /// When it began.
    pub start: Timestamp,
    /// When it was over; nothing while it may go on.
    pub end: Option<Timestamp>,
    /// What is usual.
    pub baseline: Side,
    /// What was counted.
    pub insight: Side,
}

/// Calls of a stretch of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// How long it was, in minutes.
    pub minutes: i64,
    /// How many there were.
    pub calls: u64,
    /// How many of them by each identity.
    pub identities: Vec<(String, u64)>,
    /// How many of them by each client.
    pub agents: Vec<(String, u64)>,
    /// How many of them with each error; `null` for none.
    pub errors: Vec<(String, u64)>,
}

/// Values of an attribute that are listed.
const VALUES_MAX: usize = 5;

/// The events of an insight: the start, and the end if it is over.
pub fn events(insight: &Insight) -> Vec<Value> {
    let start = event(insight, "Start", insight.start);
    let end = insight.end.map(|end| event(insight, "End", end));
    std::iter::once(start).chain(end).collect()
}

fn event(insight: &Insight, state: &str, at: Timestamp) -> Value {
    let mut details = json!({
        "state": state,
        "eventSource": insight.event_source,
        "eventName": insight.event_name,
        "insightType": if insight.error_code.is_some() { "ApiErrorRateInsight" } else { "ApiCallRateInsight" },
        "insightContext": {
            "statistics": statistics(insight, state),
            "attributions": attributions(insight),
        },
    });
    if let Some(error) = &insight.error_code {
        details["errorCode"] = error.clone().into();
    }
    json!({
        "eventVersion": "1.08",
        "eventTime": at.to_string(),
        "awsRegion": insight.region,
        "eventID": uuid(&[&insight.finding.0, state]),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": insight.account,
        "sharedEventID": uuid(&[&insight.finding.0]),
        "insightDetails": details,
        "eventCategory": "Insight",
    })
}

fn statistics(insight: &Insight, state: &str) -> Value {
    let mut statistics = json!({
        "baseline": {"average": average(insight.baseline.calls, insight.baseline.minutes)},
        "insight": {"average": average(insight.insight.calls, insight.insight.minutes)},
        "baselineDuration": insight.baseline.minutes,
    });
    if state == "End" {
        statistics["insightDuration"] = insight.insight.minutes.into();
    }
    statistics
}

fn attributions(insight: &Insight) -> Vec<Value> {
    let (now, usual) = (&insight.insight, &insight.baseline);
    let mut all = vec![
        attribution("userIdentityArn", (now, &now.identities), (usual, &usual.identities)),
        attribution("userAgent", (now, &now.agents), (usual, &usual.agents)),
    ];
    if insight.error_code.is_none() {
        all.push(attribution("errorCode", (now, &now.errors), (usual, &usual.errors)));
    }
    all
}

type Counted<'a> = (&'a Side, &'a [(String, u64)]);

fn attribution(attribute: &str, now: Counted<'_>, usual: Counted<'_>) -> Value {
    let side = |(side, values): Counted<'_>| -> Vec<Value> {
        let mut values: Vec<&(String, u64)> = values.iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let one = |(value, calls): &(String, u64)| json!({"value": value, "average": average(*calls, side.minutes)});
        values.into_iter().take(VALUES_MAX).map(one).collect()
    };
    json!({"attribute": attribute, "insight": side(now), "baseline": side(usual)})
}

/// Calls a minute, to ten places.
fn average(calls: u64, minutes: i64) -> f64 {
    const PLACES: f64 = 1e10;
    let number = |count: u64| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    let minutes = u64::try_from(minutes.max(1)).unwrap_or(1);
    (number(calls) / number(minutes) * PLACES).round() / PLACES
}

/// An id in the form of a UUID; the same for the same parts.
fn uuid(parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let digits = Sha256::of_parts(&parts).digits(32);
    let mut text = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insight(error_code: Option<&str>, end: bool) -> Insight {
        let values = |calls: u64| Side {
            minutes: 10,
            calls,
            identities: vec![("arn:a".to_owned(), 1), ("arn:b".to_owned(), calls - 1)],
            agents: (0..7).map(|n| (format!("agent-{n}"), n)).collect(),
            errors: vec![("null".to_owned(), calls)],
        };
        let start = Timestamp::parse("2026-03-30T00:00:00Z").unwrap();
        Insight {
            finding: FindingId("0123456789abcdef0123456789abcdef".to_owned()),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            event_source: "dynamodb.amazonaws.com".to_owned(),
            event_name: "UpdateItem".to_owned(),
            error_code: error_code.map(str::to_owned),
            start,
            end: end.then(|| start.plus_seconds(600)),
            baseline: Side { minutes: 40_320, ..values(8) },
            insight: values(80),
        }
    }

    #[test]
    fn an_insight_has_a_start_and_an_end_of_one_shared_id_with_averages_a_minute() {
        let both = events(&insight(None, true));
        let [start, end] = both.as_slice() else { panic!("{both:#?}") };
        assert_eq!(start["sharedEventID"], end["sharedEventID"]);
        assert_ne!(start["eventID"], end["eventID"]);
        assert_eq!(start["eventID"].as_str().unwrap().len(), 36);
        assert_eq!(end["eventTime"], "2026-03-30T00:10:00Z");
        let of = |event: &Value| event["insightDetails"]["insightContext"]["statistics"].clone();
        assert_eq!(of(start)["insight"]["average"], 8.0);
        assert_eq!(of(start)["baseline"]["average"], 0.000_198_412_7);
        assert_eq!(
            (&of(end)["insightDuration"], &of(start)["insightDuration"]),
            (&json!(10), &Value::Null)
        );
        assert_eq!(start["insightDetails"]["insightType"], "ApiCallRateInsight");
        let attributions = &start["insightDetails"]["insightContext"]["attributions"];
        let names: Vec<&str> = attributions
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["attribute"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["userIdentityArn", "userAgent", "errorCode"]);
        assert_eq!(attributions[0]["insight"][0], json!({"value": "arn:b", "average": 7.9}));
        assert_eq!(attributions[1]["insight"].as_array().unwrap().len(), VALUES_MAX);
    }

    #[test]
    fn what_may_go_on_has_no_end_and_errors_name_their_code_once() {
        let all = events(&insight(Some("ThrottlingException"), false));
        let [start] = all.as_slice() else { panic!("{all:#?}") };
        let details = &start["insightDetails"];
        assert_eq!(details["insightType"], "ApiErrorRateInsight");
        assert_eq!(details["errorCode"], "ThrottlingException");
        assert_eq!(details["insightContext"]["attributions"].as_array().unwrap().len(), 2);
    }
}
