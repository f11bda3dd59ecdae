//! The records themselves: fields, times, delays, shapes.

use std::collections::BTreeSet;

use serde_json::Value;
use wk_model::Timestamp;

use crate::{flow_lines, lines, small, text, trail_records, week, week_records};

#[test]
fn every_record_has_the_fields_that_cloudtrail_requires() {
    const REQUIRED: [&str; 14] = [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "requestParameters",
        "responseElements",
        "eventID",
        "eventType",
        "recipientAccountId",
        "eventCategory",
    ];
    for record in week_records().values() {
        for field in REQUIRED {
            assert!(record.get(field).is_some(), "{field} is missing in {record}");
        }
        let (management, category) = (&record["managementEvent"], text(&record["eventCategory"]));
        assert_eq!(management.as_bool(), Some(category == "Management"), "{record}");
        assert!(!text(&record["eventSource"]).is_empty());
        assert_eq!(text(&record["eventID"]).len(), 36);
        let call = record["eventType"] == "AwsApiCall";
        assert_eq!(record.get("requestID").is_some(), call, "{record}");
        assert!(!record.to_string().contains("@request"));
    }
}

#[test]
fn records_are_as_odd_as_in_life() {
    let records = week_records();
    let any = |test: &dyn Fn(&Value) -> bool| records.values().any(test);
    assert!(any(&|r| r["userIdentity"].get("type").is_none()));
    assert!(any(&|r| r["userIdentity"].get("arn").is_none()));
    assert!(any(&|r| r["eventType"] == "AwsServiceEvent"));
    for code in ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"] {
        assert!(any(&|r| r["errorCode"] == code), "{code}");
    }
    let versions: BTreeSet<String> = records.values().map(|r| text(&r["eventVersion"])).collect();
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["1.08", "1.09", "1.10", "1.11"]);
    let names: BTreeSet<String> = records.values().map(|r| text(&r["eventName"])).collect();
    assert!(names.len() > 150, "{} event names", names.len());
    let bytes: usize = records.values().map(|r| r.to_string().len()).sum();
    assert!((1_100..1_500).contains(&(bytes / records.len())), "{}", bytes / records.len());
}

#[test]
fn a_place_in_the_path_is_the_place_of_the_records() {
    for file in week().0.iter().filter(|f| f.source == "cloudtrail") {
        for record in trail_records(file) {
            let (account, region) =
                (text(&record["recipientAccountId"]), text(&record["awsRegion"]));
            let folder = format!("AWSLogs/o-exampleorgid/{account}/CloudTrail/{region}/");
            assert!(file.path.starts_with(&folder), "{} {record}", file.path);
        }
    }
}

#[test]
fn everything_happens_within_the_plan() {
    let (files, plan) = (&week().0, small());
    let inside = |at: Timestamp| plan.start.start() <= at && at < plan.end();
    for record in week_records().values() {
        assert!(inside(Timestamp::parse(&text(&record["eventTime"])).unwrap()), "{record}");
    }
    for envelope in lines(files, "eventbridge") {
        assert!(inside(Timestamp::parse(&text(&envelope["time"])).unwrap()), "{envelope}");
    }
    for file in files {
        assert!(file.delivered >= plan.start.start());
        assert!(file.delivered <= plan.end().plus_seconds(7_200), "{}", file.path);
    }
}

#[test]
fn delivery_is_as_late_as_in_life() {
    let mut delays = Vec::new();
    let mut seen = BTreeSet::new();
    for file in week().0.iter().filter(|f| f.source == "cloudtrail") {
        for record in trail_records(file) {
            if seen.insert(text(&record["eventID"])) {
                let at = Timestamp::parse(&text(&record["eventTime"])).unwrap();
                delays.push(file.delivered.seconds() - at.seconds());
            }
        }
    }
    delays.sort_unstable();
    let quantile = |q: usize| delays[(delays.len() - 1) * q / 1000];
    assert!(delays[0] > 0);
    assert!((170..215).contains(&quantile(500)), "median {}", quantile(500));
    assert!((405..500).contains(&quantile(950)), "p95 {}", quantile(950));
    assert!(quantile(1000) <= 608, "max {}", quantile(1000));
}

#[test]
fn records_come_out_of_order() {
    let trail = week().0.iter().filter(|f| f.source == "cloudtrail");
    let mut latest = String::new();
    let (mut late, mut all) = (0u64, 0u64);
    for record in trail.flat_map(trail_records) {
        let at = text(&record["eventTime"]);
        all += 1;
        late += u64::from(at < latest);
        latest = latest.max(at);
    }
    assert!(late * 10 > all * 5, "{late} of {all} come after a later one");
}

#[test]
fn flow_logs_have_the_fields_that_their_header_names() {
    let mut statuses = BTreeSet::new();
    for file in week().0.iter().filter(|f| f.source == "vpcflow") {
        let text = std::str::from_utf8(&file.bytes).unwrap();
        let fields = text.lines().next().unwrap().split(' ').count();
        let custom = file.path.contains("222233334444");
        assert_eq!(fields, if custom { 25 } else { 14 });
        for line in text.lines().skip(1) {
            let parts: Vec<&str> = line.split(' ').collect();
            assert_eq!(parts.len(), fields, "{line}");
            assert_eq!(parts[0], if custom { "4" } else { "2" });
            assert!(parts[10].parse::<i64>().unwrap() <= parts[11].parse().unwrap(), "{line}");
            statuses.insert(parts[13]);
        }
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["NODATA", "OK", "SKIPDATA"]);
    let rejected = flow_lines(&week().0).iter().filter(|l| l[12] == "REJECT").count();
    assert!(rejected > 300, "{rejected}");
}

#[test]
fn guardduty_tells_the_same_through_both_doors() {
    let files = &week().0;
    let exported = lines(files, "guardduty");
    let enveloped: Vec<Value> = lines(files, "eventbridge")
        .into_iter()
        .filter(|e| e["source"] == "aws.guardduty")
        .map(|mut e| e["detail"].take())
        .collect();
    assert!(exported.iter().all(|finding| enveloped.contains(finding)));
    assert!(enveloped.iter().all(|finding| exported.contains(finding)));
}

#[test]
fn config_and_security_hub_have_their_shapes() {
    let files = &week().0;
    let mut kinds = BTreeSet::new();
    for file in files.iter().filter(|f| f.source == "config") {
        let whole: Value = serde_json::from_slice(&file.bytes).unwrap();
        let items = whole["configurationItems"].as_array().unwrap();
        assert_eq!(items.len() as u64, file.records);
        kinds.extend(items.iter().map(|i| text(&i["resourceType"])));
    }
    assert!(kinds.contains("AWS::EC2::SecurityGroup") && kinds.contains("AWS::S3::Bucket"));
    let hub = lines(files, "eventbridge").into_iter().filter(|e| e["source"] == "aws.securityhub");
    for envelope in hub {
        let finding = &envelope["detail"]["findings"][0];
        assert_eq!(finding["SchemaVersion"], "2018-10-08");
        assert!(finding["Severity"]["Label"].is_string());
    }
}
