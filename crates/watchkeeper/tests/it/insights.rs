//! Findings of unusual rates are CloudTrail Insights events for who asks for them so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_sim::{Plan, Simulation};

use crate::notify::now;
use crate::program::Home;

const DAY: i64 = 86_400;

/// The member names of a value at every depth, each with its kind; elements of lists stand together.
fn shape(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                shape(inner, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| shape(item, &format!("{path}[]"), into))
        }
        Value::String(_) => drop(into.insert(format!("{path}: text"))),
        Value::Number(_) => drop(into.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(into.insert(format!("{path}: truth"))),
        Value::Null => drop(into.insert(format!("{path}: null"))),
    }
}

fn shapes<'v>(records: impl Iterator<Item = &'v Value>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for record in records {
        let state = record["insightDetails"]["state"].as_str().unwrap().to_owned();
        shape(record, "", all.entry(state).or_default());
    }
    all
}

/// The Insights events of the simulated organisation.
fn simulated() -> Vec<Value> {
    let plan = Plan { scale: 0.1, ..Plan::demo(42) };
    let files = Simulation::new(&plan).filter(|file| file.source == "cloudtrail-insight");
    let records = |bytes: &[u8]| -> Vec<Value> {
        let whole: Value = serde_json::from_slice(bytes).unwrap();
        whole["Records"].as_array().unwrap().clone()
    };
    files.flat_map(|file| records(&file.bytes)).collect()
}

fn call(at: Timestamp, id: usize, who: &str) -> String {
    let arn = format!("arn:aws:iam::111122223333:user/{who}");
    json!({
        "eventVersion": "1.08", "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "eventTime": at.to_string(), "eventSource": "dynamodb.amazonaws.com",
        "eventName": "UpdateItem", "eventType": "AwsApiCall", "eventCategory": "Management",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userAgent": "a-program/1.0",
        "errorCode": "ThrottlingException", "readOnly": false, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "arn": arn},
    })
    .to_string()
}

/// The promise R-276: what CloudTrail Insights would say, in its own words.
#[test]
fn slow_an_unusual_rate_is_an_insights_event_of_the_shape_that_cloudtrail_delivers() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let burst = now().plus_seconds(-3 * 3_600).floor_to(3_600);
    // Two in the same five minutes of each of four weeks, then forty, twice.
    let usual =
        (1..=4).flat_map(|week| (0..2).map(move |n| burst.plus_seconds(n - week * 7 * DAY)));
    let now = (0..40).flat_map(|n| [n, 300 + n].map(|second| burst.plus_seconds(second)));
    let times: Vec<Timestamp> = usual.chain(now).collect();
    let who = |n: usize| if n.is_multiple_of(4) { "anna" } else { "builder" };
    let lines: Vec<String> = times.iter().enumerate().map(|(n, at)| call(*at, n, who(n))).collect();
    let file = home.path().join("calls.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    assert_eq!(home.run(["ingest", file.to_str().unwrap()]).code, Some(0));

    let ask = ["findings", "list", "--rule", "far more often", "--format", "insights"];
    let told = home.run(ask);
    assert_eq!(told.code, Some(0), "{told:?}");
    let said: Value = serde_json::from_str(&told.out).unwrap();
    let records = said["Records"].as_array().unwrap();
    assert_eq!(records.len(), 2, "{said:#}");
    assert_eq!(shapes(records.iter()), shapes(simulated().iter()));

    let end = &records[1]["insightDetails"];
    assert_eq!(end["insightType"], "ApiErrorRateInsight");
    assert_eq!(records[0]["eventTime"], burst.to_string());
    assert_eq!(records[1]["eventTime"], burst.plus_seconds(600).to_string());
    let statistics = &end["insightContext"]["statistics"];
    assert_eq!(statistics["insight"]["average"], 8.0, "80 in ten minutes");
    assert_eq!(statistics["baseline"]["average"], 0.000_198_412_7, "8 in four weeks");
    assert_eq!(statistics["baselineDuration"], 28 * 24 * 60);
    let identities = &end["insightContext"]["attributions"][0];
    assert_eq!(
        identities["insight"][0],
        json!({"value": "arn:aws:iam::111122223333:user/builder", "average": 6.0})
    );

    // Who reads it back has what CloudTrail would have delivered.
    let exported = home.path().join("insights.json");
    fs::write(&exported, &told.out).unwrap();
    assert_eq!(home.run(["ingest", exported.to_str().unwrap()]).code, Some(0));
    let sql = "SELECT count(*) AS n FROM cloudtrail WHERE \"eventCategory\" = 'Insight'";
    let asked = home.run(["query", "--sql", sql, "--format", "json"]);
    assert!(asked.out.contains('2'), "{asked:?}");
}

#[test]
fn slow_findings_that_are_no_rate_are_left_out_of_insights_and_counted() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let line = json!({
        "eventVersion": "1.08", "eventID": "00000000-0000-4000-8000-000000000001",
        "eventTime": now().plus_seconds(-60).to_string(), "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging", "eventType": "AwsApiCall", "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7", "recipientAccountId": "111122223333",
        "requestParameters": {"name": "org"},
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/anna"},
    });
    let file = home.path().join("calls.jsonl");
    fs::write(&file, line.to_string()).unwrap();
    assert_eq!(home.run(["ingest", file.to_str().unwrap()]).code, Some(0));
    let told = home.run(["findings", "list", "--format", "insights"]);
    let said: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(said["Records"], json!([]));
    assert!(told.err.contains("findings are no unusual rate of a call"), "{told:?}");
}
