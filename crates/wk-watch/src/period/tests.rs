//! A simulated quarter: two accounts, three regions, a walk a day, and what went wrong in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_model::capture::Outcome;
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Sha256};

use super::timeline::GAP_SECONDS;
use super::{ALL, judge};
use crate::posture::Posture;

const ACCOUNTS: [&str; 2] = ["111122223333", "222233334444"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

fn quarter() -> (Timestamp, Timestamp) {
    let at = |text| Timestamp::parse(text).unwrap();
    (at("2026-07-01T00:00:00Z"), at("2026-10-01T00:00:00Z"))
}

fn trail(account: &str) -> String {
    format!("arn:aws:cloudtrail:eu-west-1:{account}:trail/org")
}

/// What is off when: thing (`recorder`, `detector`, `hub`, `trail`), account, region, since and until in
/// seconds of the quarter.
type Outage = (&'static str, &'static str, &'static str, i64, i64);

/// A quarter with these outages, as calls and daily walks tell it; the walks of these days are missing.
fn told(outages: &[Outage], missing: &[i64]) -> (Vec<Value>, Vec<Posture>) {
    let begin = quarter().0;
    let is_off = |thing: &str, account: &str, region: &str, second: i64| {
        outages.iter().any(|(t, a, r, since, until)| {
            (*t, *a, *r) == (thing, account, region) && (*since..*until).contains(&second)
        })
    };
    let mut walks = Vec::new();
    for day in (-1..92).filter(|day| !missing.contains(day)) {
        let second = day * DAY + HOUR;
        let mut all = Vec::new();
        for account in ACCOUNTS {
            for region in REGIONS {
                let on = |thing: &str| !is_off(thing, account, region, second);
                all.extend(seen(account, region, begin.plus_seconds(second), on));
            }
        }
        walks.push(Posture::of(all));
    }
    let mut calls = Vec::new();
    for (thing, account, region, since, until) in outages {
        let (off, on) = names(thing);
        for (name, second) in [(off, *since), (on, *until)] {
            if (0..92 * DAY).contains(&second) {
                calls.push(call(thing, account, region, name, begin.plus_seconds(second)));
            }
        }
    }
    (calls, walks)
}

fn names(thing: &str) -> (&'static str, &'static str) {
    match thing {
        "recorder" => ("StopConfigurationRecorder", "StartConfigurationRecorder"),
        "detector" => ("DeleteDetector", "CreateDetector"),
        "hub" => ("DisableSecurityHub", "EnableSecurityHub"),
        _ => ("StopLogging", "StartLogging"),
    }
}

fn call(thing: &str, account: &str, region: &str, name: &str, at: Timestamp) -> Value {
    let source = match thing {
        "recorder" => "config",
        "detector" => "guardduty",
        "hub" => "securityhub",
        _ => "cloudtrail",
    };
    json!({
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name, "awsRegion": region,
        "eventTime": at.to_string(), "eventID": format!("{name}-{at}"), "recipientAccountId": account,
        "userIdentity": {"arn": "arn:aws:iam::111122223333:user/eve"},
        "requestParameters": {"name": "org", "enable": true},
    })
}

/// What a walk sees of a region.
fn seen(account: &str, region: &str, at: Timestamp, on: impl Fn(&str) -> bool) -> Vec<Capture> {
    let arn = trail(account);
    let trails = json!([{"TrailARN": arn, "HomeRegion": "eu-west-1"}]);
    let detectors = if on("detector") { json!(["d"]) } else { json!([]) };
    let mut answers = vec![
        (
            "config:DescribeConfigurationRecorderStatus",
            json!({}),
            json!({"ConfigurationRecordersStatus": [{"recording": on("recorder")}]}),
        ),
        ("guardduty:ListDetectors", json!({}), json!({"detectorIds": detectors})),
        ("guardduty:GetDetector", json!({"DetectorId": "d"}), json!({"status": "ENABLED"})),
        ("cloudtrail:DescribeTrails", json!({}), json!({"trailList": trails})),
    ];
    if region == "eu-west-1" {
        answers.push((
            "cloudtrail:GetTrailStatus",
            json!({"Name": arn}),
            json!({"IsLogging": on("trail")}),
        ));
    }
    let hub = if on("hub") { Outcome::Answered } else { Outcome::Absent };
    let mut all: Vec<Capture> = answers
        .into_iter()
        .map(|(key, of, page)| capture(account, region, at, key, of, (Outcome::Answered, page)))
        .collect();
    all.push(capture(account, region, at, "securityhub:DescribeHub", json!({}), (hub, json!({}))));
    all
}

fn capture(
    account: &str,
    region: &str,
    at: Timestamp,
    key: &str,
    parameters: Value,
    (outcome, page): (Outcome, Value),
) -> Capture {
    let (service, operation) = key.split_once(':').unwrap();
    let run = at.to_string();
    Capture {
        id: Capture::id_of(&run, key, account, region, &parameters),
        run,
        service: service.into(),
        operation: operation.into(),
        parameters,
        account: account.into(),
        region: region.into(),
        at: at.to_string(),
        principal: String::new(),
        request_ids: Vec::new(),
        outcome,
        reason: None,
        answer_sha256: Sha256::of(b""),
        masked: Vec::new(),
        answer: if outcome == Outcome::Answered { vec![page] } else { Vec::new() },
    }
}

/// Every row of every check over the quarter.
fn rows(outages: &[Outage], missing: &[i64]) -> Vec<CheckResult> {
    let (calls, walks) = told(outages, missing);
    let all = ALL.iter().flat_map(|check| judge(check, quarter(), &calls, &walks, GAP_SECONDS));
    all.collect()
}

/// The rows that are not COMPLIANT: `check account region: why`.
fn bad(rows: &[CheckResult]) -> Vec<String> {
    let bad = rows.iter().filter(|row| row.verdict != Verdict::Compliant);
    bad.map(|r| format!("{} {} {} {}: {}", r.verdict, r.check, r.account, r.region, r.why))
        .collect()
}

#[test]
fn a_quarter_in_which_everything_was_on_is_compliant_for_every_hour() {
    let rows = rows(&[], &[]);
    assert_eq!(bad(&rows), [""; 0]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        assert_eq!(row.why, "on for all of 2208 h", "{row:?}");
        assert!(!row.evidence.is_empty());
        *counts.entry(row.check.as_str()).or_default() += 1;
    }
    // Six regions have a recorder, a detector and a hub each, two accounts a trail.
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [6, 6, 6, 2]);
}

#[test]
fn a_simulated_quarter_with_planted_outages_names_exactly_those() {
    let (one, two) = (ACCOUNTS[0], ACCOUNTS[1]);
    let whole = (-2 * DAY, 200 * DAY);
    let outages = [
        ("recorder", one, "us-east-1", 40 * DAY + 10 * HOUR, 40 * DAY + 12 * HOUR),
        ("detector", two, "us-west-2", whole.0, whole.1),
        ("trail", one, "eu-west-1", 70 * DAY + 3 * HOUR, 72 * DAY + 4 * HOUR + 90),
    ];
    let rows = rows(&outages, &[]);
    let eve = "by arn:aws:iam::111122223333:user/eve";
    assert_eq!(
        bad(&rows),
        [
            format!(
                "NON_COMPLIANT config-recorder-on-for-the-period {one} us-east-1: off for 2 h of 2208 h: 2026-08-10T10:00:00Z to 2026-08-10T12:00:00Z (StopConfigurationRecorder {eve} at 2026-08-10T10:00:00Z, StartConfigurationRecorder {eve} at 2026-08-10T12:00:00Z)"
            ),
            format!(
                "NON_COMPLIANT guardduty-on-for-the-period {two} us-west-2: off for 2208 h of 2208 h: 2026-07-01T00:00:00Z to 2026-10-01T00:00:00Z"
            ),
            format!(
                "NON_COMPLIANT trail-on-for-the-period {one} eu-west-1: off for 49 h 2 min of 2208 h: 2026-09-09T03:00:00Z to 2026-09-11T04:01:30Z (StopLogging {eve} at 2026-09-09T03:00:00Z, StartLogging {eve} at 2026-09-11T04:01:30Z)"
            ),
        ]
    );
    let stopped = rows.iter().find(|r| r.verdict == Verdict::NonCompliant).unwrap();
    assert!(
        stopped.evidence.iter().any(|id| id == "StopConfigurationRecorder-2026-08-10T10:00:00Z")
    );
    let trail_row = rows.iter().find(|r| r.check.starts_with("trail") && r.account == one).unwrap();
    assert_eq!(trail_row.resource, trail(one));
}

#[test]
fn what_no_call_tells_is_not_known_between_two_walks_and_what_nobody_saw_is_no_data() {
    let one = ACCOUNTS[0];
    let hub = [("hub", one, "eu-west-1", 10 * DAY + 5 * HOUR, 12 * DAY + 5 * HOUR)];
    let (_, walks) = told(&hub, &[]);
    let hubs = ALL.iter().find(|check| check.id.starts_with("securityhub")).unwrap();
    let rows = judge(hubs, quarter(), &[], &walks, GAP_SECONDS);
    assert_eq!(
        bad(&rows),
        [format!(
            "NON_COMPLIANT securityhub-on-for-the-period {one} eu-west-1: off for 24 h of 2208 h: 2026-07-12T01:00:00Z to 2026-07-13T01:00:00Z; not known for 48 h of 2208 h: 2026-07-11T01:00:00Z to 2026-07-12T01:00:00Z; 2026-07-13T01:00:00Z to 2026-07-14T01:00:00Z"
        )]
    );
    // Four walks failed: after 50 hours nobody knows any more.
    let rows = super::tests::rows(&[], &[30, 31, 32, 33]);
    assert_eq!(rows.len(), 20);
    assert!(rows.iter().all(|row| row.verdict == Verdict::NoData), "{:#?}", bad(&rows));
    assert_eq!(
        rows[0].why,
        "not known for 70 h of 2208 h: 2026-08-01T03:00:00Z to 2026-08-04T01:00:00Z"
    );
}

#[test]
fn a_region_that_is_denied_and_an_empty_lake_are_no_data() {
    let at = quarter().0;
    let denied =
        |key| capture(ACCOUNTS[0], "eu-west-1", at, key, json!({}), (Outcome::Denied, json!({})));
    let walks = [Posture::of(vec![denied("securityhub:DescribeHub")])];
    let hubs = ALL.iter().find(|check| check.id.starts_with("securityhub")).unwrap();
    let rows = judge(hubs, quarter(), &[], &walks, GAP_SECONDS);
    assert!(rows.len() == 1 && rows[0].why.contains("was denied"), "{rows:?}");
    let rows = judge(hubs, quarter(), &[], &[], GAP_SECONDS);
    assert_eq!((rows.len(), rows[0].verdict), (1, Verdict::NoData));
}

#[test]
fn a_trail_that_is_made_within_the_period_is_judged_from_then_on_and_one_that_failed_to_stop_is_on()
{
    let begin = quarter().0;
    let own = |name: &str, day: i64, error: bool| {
        let mut call = call("trail", ACCOUNTS[0], "eu-west-1", name, begin.plus_seconds(day * DAY));
        call["requestParameters"] = json!({"name": "new"});
        if error {
            call["errorCode"] = "AccessDenied".into();
        }
        call
    };
    let trails = ALL.iter().find(|check| check.id.starts_with("trail")).unwrap();
    let calls = [
        own("CreateTrail", 90, false),
        own("StartLogging", 90, false),
        own("StopLogging", 91, true),
    ];
    let rows = judge(trails, quarter(), &calls, &[], GAP_SECONDS);
    let said: Vec<&str> = rows.iter().map(|row| row.why.as_str()).collect();
    assert_eq!(said, ["on for all of 48 h"]);
}
