//! Every story is in the files, as its truth says.

use serde_json::Value;
use wk_model::Timestamp;
use wk_sim::Story;

use crate::{flow_lines, lines, text, week, week_records};

fn story(name: &str) -> &'static Story {
    week().1.stories.iter().find(|s| s.name == name).expect("a story of the week")
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The records of a story, in order of time.
fn records(story: &Story) -> Vec<Value> {
    let all = week_records();
    story.events.iter().map(|id| all[id].clone()).collect()
}

fn names(records: &[Value]) -> Vec<String> {
    records.iter().map(|r| text(&r["eventName"])).collect()
}

#[test]
fn every_story_is_told_within_its_times() {
    let stories = &week().1.stories;
    assert_eq!(stories.len(), 7);
    for story in stories {
        assert!(story.first < story.last && !story.expect.is_empty(), "{}", story.name);
        for record in records(story) {
            let time = at(&text(&record["eventTime"]));
            assert!(story.first <= time && time <= story.last, "{}", story.name);
        }
    }
}

#[test]
fn names_that_a_story_expects_of_guardduty_and_eventbridge_are_there() {
    let files = &week().0;
    let (findings, bridge) = (lines(files, "guardduty"), lines(files, "eventbridge"));
    for expected in week().1.stories.iter().flat_map(|s| &s.expect) {
        let day = text(&Value::from(expected.first.day().to_string()));
        let of_day = |v: &&Value| v.to_string().contains(&day);
        let shown = |all: &[Value]| {
            let all = all.iter().filter(of_day).filter(|v| {
                let whole = v.to_string();
                expected.names.iter().all(|name| whole.contains(name))
            });
            all.map(ToString::to_string).collect::<std::collections::BTreeSet<_>>().len() as u64
        };
        match expected.source {
            "guardduty" => assert_eq!(shown(&findings), expected.records, "{}", expected.what),
            "eventbridge" => assert_eq!(shown(&bridge), expected.records, "{}", expected.what),
            _ => {}
        }
    }
}

#[test]
fn the_brute_force_has_147_attempts_and_a_finding_at_14_23() {
    let lines_of = flow_lines(&week().0);
    let attempts: Vec<_> = lines_of.iter().filter(|l| l[3] == "198.51.100.42").collect();
    assert_eq!(attempts.len(), 147);
    for line in &attempts {
        assert_eq!((line[6], line[12], line[16]), ("22", "ACCEPT", "i-0abc123def456"));
        let start = Timestamp::from_seconds(line[10].parse().unwrap());
        assert!(at("2024-02-15T14:08:00Z") <= start && start <= at("2024-02-15T14:23:00Z"));
    }
    let opened = records(story("ssh-brute-force"));
    assert!(opened.iter().any(|r| r["requestParameters"].to_string().contains("0.0.0.0/0")));
    let findings = lines(&week().0, "guardduty");
    let counts: Vec<_> = findings
        .iter()
        .filter(|f| f["type"] == "UnauthorizedAccess:EC2/SSHBruteForce")
        .map(|f| (f["severity"].as_f64(), f["service"]["count"].as_u64(), text(&f["updatedAt"])))
        .collect();
    let [(severity, Some(131), first), (_, Some(147), _)] = &counts[..] else {
        panic!("{counts:?}");
    };
    assert_eq!((*severity, first.as_str()), (Some(5.0), "2024-02-15T14:23:04.000Z"));
}

#[test]
fn stolen_credentials_are_used_abroad_and_revoked_at_14_25() {
    let story = story("instance-credentials");
    let records = records(story);
    let thief: Vec<Value> =
        records.iter().filter(|r| r["sourceIPAddress"] == "198.51.100.117").cloned().collect();
    let expected = story.expect[0].records;
    assert_eq!(thief.len() as u64, expected);
    assert!(
        thief.iter().all(|r| text(&r["userIdentity"]["arn"]).ends_with("/i-0d4c7a19e5b38f260"))
    );
    assert!(thief.iter().any(|r| r["awsRegion"] == "eu-west-1" && r.get("errorCode").is_none()));
    let revoked = records.iter().find(|r| r["eventName"] == "PutRolePolicy").unwrap();
    assert_eq!(revoked["eventTime"], "2024-02-15T14:25:12Z");
    let document = text(&revoked["requestParameters"]["policyDocument"]);
    assert!(document.contains("aws:TokenIssueTime") && document.contains("Deny"));
    let after = |r: &&Value| text(&r["eventTime"]).as_str() > "2024-02-15T14:25:12Z";
    assert!(thief.iter().filter(after).all(|r| r["errorCode"] == "AccessDenied"));
    let read = |r: &&Value| r["eventName"] == "GetObject" && r.get("errorCode").is_none();
    for record in thief.iter().filter(read) {
        assert_eq!(record["requestParameters"]["bucketName"], "example-orders-assets");
    }
}

#[test]
fn while_the_trail_is_off_nothing_is_recorded() {
    let (stopped, started) = (at("2024-02-17T02:43:20Z"), at("2024-02-17T03:03:41Z"));
    for record in week_records().values() {
        let time = at(&text(&record["eventTime"]));
        assert!(time <= stopped || time >= started, "{record}");
    }
    assert!(week().1.unrecorded > 0);
    let names = names(&records(story("logging-off")));
    let order: Vec<_> = ["UpdateDetector", "DeleteFlowLogs", "StopLogging", "StartLogging"]
        .iter()
        .map(|name| names.iter().position(|n| n == name).unwrap())
        .collect();
    assert!(order.is_sorted());
    let tools = week().0.iter().filter(|f| f.path.starts_with("AWSLogs/111122223333/vpcflowlogs"));
    assert_eq!(tools.count(), 7 * 144 - 3);
}

#[test]
fn the_refusals_of_the_analyst_come_in_three_spellings() {
    let story = story("denied-access");
    let records = records(story);
    let own = records.iter().filter(|r| r["recipientAccountId"] == "333344445555");
    assert_eq!(own.clone().count() as u64, story.expect[0].records);
    for code in &story.expect[0].names {
        assert!(own.clone().any(|r| r["errorCode"] == *code), "{code}");
    }
    let insights = week().0.iter().filter(|f| f.source == "cloudtrail-insight");
    let states: Vec<_> = insights
        .flat_map(crate::trail_records)
        .map(|r| (text(&r["insightDetails"]["state"]), text(&r["sharedEventID"])))
        .collect();
    assert_eq!(states.len(), 2);
    assert_eq!(states[0].1, states[1].1);
}

#[test]
fn five_failed_logins_in_fifteen_minutes_then_one_without_a_second_factor() {
    let records = records(story("remote-login"));
    let logins: Vec<_> = records.iter().filter(|r| r["eventName"] == "ConsoleLogin").collect();
    assert_eq!(logins.len(), 6);
    assert!(logins[..5].iter().all(|r| r["errorMessage"] == "Failed authentication"));
    assert!(logins[..5].iter().all(|r| r["responseElements"]["ConsoleLogin"] == "Failure"));
    let span =
        at(&text(&logins[4]["eventTime"])).seconds() - at(&text(&logins[0]["eventTime"])).seconds();
    assert!(span < 900);
    assert_eq!(logins[5]["responseElements"]["ConsoleLogin"], "Success");
    assert_eq!(logins[5]["additionalEventData"]["MFAUsed"], "No");
}

#[test]
fn the_background_does_nothing_that_a_story_is_about() {
    let told: std::collections::BTreeSet<&String> =
        week().1.stories.iter().flat_map(|s| &s.events).collect();
    let bad = [
        "StopLogging",
        "DeleteTrail",
        "UpdateDetector",
        "DeleteFlowLogs",
        "CreateAccessKey",
        "CreateUser",
        "PutRolePolicy",
        "UpdateAccessKey",
    ];
    for (id, record) in week_records() {
        if told.contains(id) {
            continue;
        }
        assert!(!bad.contains(&text(&record["eventName"]).as_str()), "{record}");
        assert!(!text(&record["sourceIPAddress"]).starts_with("198.51.100."), "{record}");
        assert!(!record["requestParameters"].to_string().contains("0.0.0.0/0"), "{record}");
        assert_ne!(record["userIdentity"]["type"], "IAMUser", "{record}");
        assert_ne!(record["userIdentity"]["type"], "Root", "{record}");
    }
}
