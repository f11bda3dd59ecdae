//! Findings are worked on until each has its end, and nothing leaves the count.

use std::sync::Arc;

use serde_json::{Value, json};
use wk_model::finding::{EventRef, FindingId, Grounds, Origin, Rule, Sighting};
use wk_model::{Severity, Timestamp};
use wk_seam::ledger::{Commit, Ledger as _};
use wk_store::ledger::SqliteLedger;

use crate::notify::now;
use crate::program::{Ended, Home};

/// A rule of the pack: a machine image was made public.
const RULE: &str = "51c75fd7-1bfe-45e8-95f3-72110582401e";

fn sighting(id: &str, tenths: u8, time: Timestamp) -> Sighting {
    Sighting {
        finding: FindingId(id.to_owned()),
        rule: Arc::new(Rule {
            id: RULE.to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: "A machine image was made public".into(),
        severity: Severity::from_tenths(tenths),
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        actor: Some("arn:aws:iam::111122223333:user/operator".to_owned()),
        resources: vec![format!("ami-{id}")],
        event: EventRef { time, table: "cloudtrail".to_owned(), id: id.to_owned() },
        first_seen: time,
        last_seen: time,
        reported_count: None,
        origin: Origin::Live,
        ended: None,
        grounds: Grounds { source_ip: Some("192.0.2.7".to_owned()), ..Grounds::default() },
    }
}

/// Findings that became known so many hours ago.
fn see(home: &Home, hours: i64, sightings: Vec<Sighting>) {
    let recorded = now().plus_seconds(-hours * 3600);
    let commit = Commit { writer: "test".to_owned(), recorded, sightings, ..Commit::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ledger = SqliteLedger::open(&home.path()).unwrap();
        ledger.commit(&commit).await.unwrap();
    });
}

fn home_with(ids: &[(&str, u8, i64)]) -> Home {
    let home = Home::new();
    assert_eq!(home.run(["complaints"]).code, Some(0), "the home is made");
    for (id, tenths, hours) in ids {
        let time = now().plus_seconds(-hours * 3600);
        see(&home, *hours, vec![sighting(id, *tenths, time)]);
    }
    home
}

fn ok(home: &Home, args: &[&str]) -> String {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    ended.out
}

fn refused(home: &Home, args: &[&str], why: &str) {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(3), "{args:?}: {ended:?}");
    assert!(ended.err.contains(why), "{why}: {}", ended.err);
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

fn reconciled(home: &Home, code: i32) -> Value {
    let ended = home.run(["findings", "reconcile", "--json"]);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let json = json(&ended);
    assert_eq!(json["adds_up"], true);
    json
}

#[test]
fn slow_each_finding_ends_in_one_disposition_and_the_list_says_which_did_not() {
    let home = home_with(&[
        ("aaaa1", 80, 1),
        ("bbbb2", 80, 2),
        ("cccc3", 80, 3),
        ("dddd4", 80, 30),
        ("eeee5", 20, 4),
    ]);
    let before = reconciled(&home, 1);
    assert_eq!((&before["found"], &before["population"]), (&json!(5), &json!(4)));
    assert_eq!((&before["below_severity"], &before["overdue"]), (&json!(1), &json!(1)));
    ok(&home, &["findings", "ack", "aaaa1", "bbbb2", "--who", "anna"]);
    ok(&home, &["findings", "assign", "aaaa1", "--to", "bert", "--who", "anna"]);
    let open = home.run(["findings", "list", "--state", "acknowledged", "--json"]);
    assert_eq!(json(&open).as_array().unwrap().len(), 2);
    let dismiss = [
        "findings",
        "dismiss",
        "aaaa1",
        "--as",
        "benign",
        "--who",
        "bert",
        "--reason",
        "the image is meant to be public",
    ];
    refused(&home, &dismiss, "needs --evidence");
    ok(&home, &[&dismiss[..], &["--evidence", "CHG-7"]].concat());
    refused(
        &home,
        &[&dismiss[..], &["--evidence", "CHG-7"]].concat(),
        "benign-true-positive since",
    );
    let why = ["--who", "bert", "--reason", "it is real", "--evidence", "query 7"];
    ok(&home, &[&["findings", "promote", "bbbb2", "--incident", "INC-1"][..], &why].concat());
    ok(&home, &[&["findings", "merge", "cccc3", "--into", "bbbb2"][..], &why].concat());
    let merge = [&["findings", "merge", "dddd4", "--into", "cccc3"][..], &why].concat();
    refused(&home, &merge, "is itself a duplicate, of bbbb2");
    let after = reconciled(&home, 1);
    assert_eq!(after["without_disposition"], 1);
    let state = |id: &str| {
        let rows = after["findings"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == id).unwrap().clone()
    };
    assert_eq!(state("aaaa1")["state"], "benign-true-positive");
    assert_eq!(state("bbbb2")["incident"], "INC-1");
    assert_eq!(state("cccc3")["duplicate_of"], "bbbb2");
    assert_eq!((&state("dddd4")["state"], &state("dddd4")["late"]), (&json!("new"), &json!(true)));
    let dismiss = ["findings", "dismiss", "dddd4", "--as", "false-positive"];
    ok(&home, &[&dismiss[..], &why].concat());
    let all = reconciled(&home, 0);
    assert_eq!((&all["in_time"], &all["decided_late"]), (&json!(3), &json!(1)));
}

#[test]
fn slow_a_decision_that_was_wrong_is_taken_back_and_stays_in_the_history() {
    let home = home_with(&[("aaaa1", 80, 1)]);
    let why = ["--who", "anna", "--reason", "a scan\u{1b}[31m", "--evidence", "e"];
    ok(&home, &[&["findings", "dismiss", "aaaa1", "--as", "false-positive"][..], &why].concat());
    ok(&home, &["findings", "reopen", "aaaa1", "--who", "bert", "--reason", "it was not our scan"]);
    let shown = ok(&home, &["findings", "show", "aaaa", "--without-lake"]);
    for part in [
        "false-positive by anna: a scan",
        "reopened by bert: it was not our scan",
        "state        new",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "what people write is escaped");
    let shown = home.run(["findings", "show", "aaaa1", "--json"]);
    let history = json(&shown)["history"].as_array().unwrap().clone();
    assert_eq!(history.len(), 2);
    assert_eq!((&history[0]["nth"], &history[1]["deed"]), (&json!(1), &json!("reopened")));
    assert_eq!(home.run(["verify"]).code, Some(0));
    let refused_ids = ["findings", "ack", "zzzz", "--who", "anna"];
    refused(&home, &refused_ids, "no finding has an id that begins with");
}

/// One GuardDuty finding as GuardDuty tells of it.
fn guardduty(account: &str, region: &str, count: u64, updated: &str) -> Value {
    let detector = format!("arn:aws:guardduty:{region}:{account}:detector/d-1");
    json!({"schemaVersion": "2.0", "accountId": account, "region": region, "partition": "aws",
        "id": format!("f-{account}-{region}"),
        "arn": format!("{detector}/finding/f-{account}-{region}"),
        "type": "Recon:EC2/PortProbeUnprotectedPort", "severity": 8, "title": "Somebody probes a port",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0123456789abcdef0"}},
        "service": {"serviceName": "guardduty", "detectorId": "d-1", "resourceRole": "TARGET",
            "eventFirstSeen": "2024-02-15T10:00:00Z", "eventLastSeen": updated, "archived": false,
            "count": count},
        "createdAt": "2024-02-15T10:05:00Z", "updatedAt": updated})
}

/// The same finding as Security Hub hands it on.
fn security_hub(account: &str, region: &str, updated: &str) -> Value {
    json!({"SchemaVersion": "2018-10-08",
        "Id": format!("arn:aws:guardduty:{region}:{account}:detector/d-1/finding/f-{account}-{region}"),
        "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/guardduty"),
        "GeneratorId": format!("arn:aws:guardduty:{region}:{account}:detector/d-1"),
        "AwsAccountId": account, "Region": region,
        "Types": ["TTPs/Discovery/Recon:EC2-PortProbeUnprotectedPort"],
        "FirstObservedAt": "2024-02-15T10:00:00Z", "LastObservedAt": updated,
        "CreatedAt": "2024-02-15T10:05:00Z", "UpdatedAt": updated,
        "Severity": {"Label": "HIGH", "Product": 8, "Normalized": 80},
        "Title": "Somebody probes a port", "RecordState": "ACTIVE", "Workflow": {"Status": "NEW"},
        "ProductFields": {"aws/guardduty/service/count": "5"},
        "Resources": [{"Type": "AwsEc2Instance", "Id": "i-0123456789abcdef0", "Region": region}]})
}

#[test]
fn slow_one_finding_of_guardduty_is_one_however_it_comes_and_keeps_its_updates() {
    let home = Home::new();
    let given = tempfile::tempdir().unwrap();
    let (early, late) = ("2024-02-15T11:00:00Z", "2024-02-15T12:00:00Z");
    let event = |source: &str, kind: &str, account: &str, region: &str, detail: Value| {
        json!({"version": "0", "id": format!("{kind}-{account}-{region}"), "detail-type": kind,
            "source": source, "account": account, "region": region, "time": late,
            "resources": [], "detail": detail})
    };
    let mut number = 0;
    let mut write = |value: &Value| {
        number += 1;
        std::fs::write(given.path().join(format!("{number}.json")), format!("{value}\n")).unwrap();
    };
    for account in ["111122223333", "222233334444", "333344445555"] {
        for region in ["eu-west-1", "us-east-1"] {
            write(&guardduty(account, region, 3, early)); // the export to S3
            let detail = guardduty(account, region, 3, early);
            write(&event("aws.guardduty", "GuardDuty Finding", account, region, detail));
            write(&guardduty(account, region, 7, late));
            let findings = json!({"findings": [security_hub(account, region, late)]});
            let kind = "Security Hub Findings - Imported";
            write(&event("aws.securityhub", kind, account, region, findings));
        }
    }
    let (code, report) = home.ingest([given.path()]);
    assert_eq!(code, 0, "{report}");
    let listed = json(&home.run(["findings", "list", "--json"]));
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 6, "three accounts, two regions: {listed:#?}");
    for finding in listed {
        assert_eq!(finding["rule"]["product"], "guardduty");
        assert_eq!(finding["rule"]["id"], "Recon:EC2/PortProbeUnprotectedPort");
        assert_eq!(finding["count"], 7, "GuardDuty's own count");
    }
    let id = listed[0]["id"].as_str().unwrap();
    let shown = json(&home.run(["findings", "show", id, "--json"]));
    let mut updates: Vec<(String, Value)> = shown["updates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| (u["event"]["table"].as_str().unwrap().to_owned(), u["count"].clone()))
        .collect();
    updates.sort_by_key(|(table, count)| (table.clone(), count.to_string()));
    let told = |table: &str, count: u64| (table.to_owned(), json!(count));
    assert_eq!(updates, [told("guardduty", 3), told("guardduty", 7), told("securityhub", 5)]);
}

#[test]
fn slow_what_an_exception_covers_stays_in_the_count_and_is_open_again_when_it_ends() {
    let home = home_with(&[("aaaa1", 80, 1), ("bbbb2", 80, 1), ("cccc3", 80, 2)]);
    let why = ["--who", "anna", "--reason", "real", "--evidence", "query"];
    ok(&home, &[&["findings", "promote", "cccc3", "--incident", "INC-1"][..], &why].concat());
    let add = |more: &[&str]| {
        let said = [
            "exception",
            "add",
            "--rule",
            RULE,
            "--reason",
            "golden images",
            "--owner",
            "anna",
            "--ticket",
            "T-1",
            "--json",
        ];
        home.run([&said[..], more].concat())
    };
    for (more, why) in [
        (&["--approver", "Anna", "--for", "30d"][..], "another person than the owner"),
        (&["--approver", "bert", "--for", "366d"], "at most 365 days"),
        (&["--approver", "bert", "--for", "0d"], "over before it begins"),
        (
            &["--approver", "bert", "--for", "1d", "--where", "{\"x\":[\"1\"]}"],
            "findings have no \"x\"",
        ),
        (
            &["--approver", "bert", "--for", "1d", "--rule", "no-such"],
            "no rule has the id or title",
        ),
    ] {
        let refused = add(more);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.err.contains(why), "{why}: {refused:?}");
    }
    assert_eq!(add(&["--approver", "bert"]).code, Some(2), "an end must be said");
    let granted = json(&add(&["--approver", "bert", "--for", "30d", "--resource", "ami-aaaa*"]));
    assert_eq!((&granted["covers"], &granted["warnings"]), (&json!(1), &json!([])));
    let id = granted["id"].as_str().unwrap();
    let sums = reconciled(&home, 1);
    assert_eq!((&sums["population"], &sums["standings"]["accepted"]), (&json!(3), &json!(1)));
    let row =
        &sums["findings"].as_array().unwrap().iter().find(|r| r["id"] == "aaaa1").unwrap().clone();
    assert_eq!((&row["exception"], &row["decided_by"]), (&json!(id), &json!("bert")));
    let hidden = json(&home.run(["findings", "list", "--exception", id, "--json"]));
    assert_eq!(hidden.as_array().unwrap().len(), 1);
    let shown = ok(&home, &["exception", "show", id]);
    assert!(shown.contains("ami-aaaa1") && !shown.contains("ami-bbbb2"), "{shown}");
    ok(&home, &["exception", "revoke", id, "--who", "carl", "--reason", "no longer built so"]);
    refused(&home, &["exception", "revoke", id, "--who", "carl", "--reason", "x"], "it is over");
    let turned = json(&home.run(["notify", "run", "--once", "--json"]));
    assert_eq!(turned["findings"]["reopened"], 1, "{turned}");
    let shown = json(&home.run(["findings", "show", "aaaa1", "--json"]));
    assert_eq!(shown["triage"]["state"], "new");
    assert_eq!(shown["history"][0]["deed"], "reopened");
    assert!(shown["history"][0]["reason"].as_str().unwrap().contains(id));
    assert_eq!(home.run(["verify"]).code, Some(0));
}

#[test]
fn slow_an_exception_that_would_hide_a_known_true_positive_is_warned_of() {
    let home = home_with(&[("aaaa1", 80, 1)]);
    let why = ["--who", "anna", "--reason", "real", "--evidence", "query"];
    ok(&home, &[&["findings", "promote", "aaaa1", "--incident", "INC-1"][..], &why].concat());
    let add = |more: &[&str]| {
        let said = [
            "exception",
            "add",
            "--rule",
            "Logging of a trail was stopped or somebody tried to",
            "--rule",
            RULE,
            "--reason",
            "r",
            "--owner",
            "anna",
            "--approver",
            "bert",
            "--ticket",
            "T-1",
            "--for",
            "9d",
            "--json",
        ];
        json(&home.run([&said[..], more].concat()))["warnings"].to_string()
    };
    let warned = add(&["--account", "111122223333"]);
    assert!(warned.contains("aaaa1, which was a true positive"), "{warned}");
    assert!(warned.contains("logging is stopped"), "the rule's own test: {warned}");
    assert_eq!(add(&["--account", "999999999999"]), "[]");
    let lint = home.run(["exception", "lint"]);
    assert_eq!(lint.code, Some(1), "{lint:?}");
    assert!(
        lint.out.contains("would hide what the rule") && lint.out.contains("it ends"),
        "{lint:?}"
    );
}

const STOPPED: &str = r#"{"Records":[{"eventVersion":"1.08","eventID":"11111111-0000-4000-8000-000000000001","eventTime":"2024-02-15T14:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","eventType":"AwsApiCall","recipientAccountId":"111122223333","sourceIPAddress":"203.0.113.10","userAgent":"aws-cli","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/operator","accountId":"111122223333","userName":"operator"},"requestParameters":{"name":"all-regions"}}]}"#;

#[test]
fn slow_a_rule_that_is_only_tried_is_kept_marked_and_told_to_nobody() {
    let home = Home::new();
    assert_eq!(home.run(["complaints"]).code, Some(0), "the home is made");
    let mode = |mode: &str, accounts: &str| {
        let text = format!(
            "[[detect.mode]]\nmode = '{mode}'\nrules = ['0fb06e2d-b773-4918-b293-14fbbc6e5a5a', 'no such']\naccounts = [{accounts}]\nreason = 'it is new'\n"
        );
        std::fs::write(home.path().join("config.toml"), text).unwrap();
    };
    let given = tempfile::tempdir().unwrap();
    let ingest = |number: u64| {
        let path = given.path().join(format!("{number}.json"));
        let text = STOPPED.replace("000000000001", &format!("{number:012}"));
        std::fs::write(&path, text.replace("all-regions", &format!("trail-{number}"))).unwrap();
        home.run(["ingest", "--json", path.to_str().unwrap()])
    };
    mode("dry-run", "'111122223333'");
    let ended = ingest(1);
    assert!(ended.err.contains("no rule has the id or title \"no such\""), "{ended:?}");
    let listed = json(&home.run(["findings", "list", "--state", "dry-run", "--json"]));
    let ruleset = listed[0]["ruleset"].as_str().unwrap().to_owned();
    assert_eq!((&listed[0]["dry_run"], ruleset.len()), (&json!(true), 16));
    assert_eq!(listed[0]["matched"][1], json!({"field": "eventName", "value": "StopLogging"}));
    assert_eq!(listed[0]["source_ips"][0], "203.0.113.10");
    let sums = reconciled(&home, 0);
    assert_eq!(
        (&sums["found"], &sums["dry_run"], &sums["population"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let turned = json(&home.run(["notify", "run", "--once", "--json"]));
    assert_eq!((&turned["findings"]["dry_run"], &turned["queued"]), (&json!(1), &json!(0)));
    mode("off", "");
    ingest(2);
    assert_eq!(json(&home.run(["findings", "list", "--json"])).as_array().unwrap().len(), 1);
    mode("off", "'999999999999'");
    ingest(3);
    let live = json(&home.run(["findings", "list", "--state", "open", "--json"]));
    assert_eq!(live.as_array().unwrap().len(), 1, "off in another account: {live}");
    assert_ne!(live[0]["ruleset"].as_str().unwrap(), ruleset, "the set says its modes too");
}

#[test]
fn slow_a_change_of_the_rules_is_recorded_with_its_lines_and_who_made_it() {
    let home = Home::new();
    assert_eq!(home.run(["complaints"]).code, Some(0), "the home is made");
    let rules = home.path().join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    let rule = "title: Mine\nid: 00000000-0000-4000-8000-000000000001\nauthor: dora\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {eventName: One}\n  condition: a\n";
    std::fs::write(rules.join("mine.yml"), rule).unwrap();
    let given = tempfile::tempdir().unwrap();
    std::fs::write(given.path().join("1.json"), STOPPED).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    std::fs::write(rules.join("mine.yml"), rule.replace("One", "Two")).unwrap();
    let pending = json(&home.run(["detect", "changes", "--json"]));
    assert_eq!(pending["changes"].as_array().unwrap().len(), 1, "the first set");
    assert_eq!(pending["pending"]["changes"][0]["author"], "dora", "as the file says");
    let record = ["detect", "record", "--who", "dora", "--reason", "two is meant"];
    let own = [&record[..], &["--approver", "Dora"]].concat();
    refused(&home, &own, "another person");
    ok(&home, &[&record[..], &["--approver", "emil"]].concat());
    assert!(ok(&home, &record).contains("recorded already"));
    let shown = ok(&home, &["detect", "changes", "--diff", "--limit", "1"]);
    for part in [
        "by dora, agreed by emil: two is meant",
        "0 rules came, 0 went, 1 changed",
        "-  a: {eventName: One}",
        "+  a: {eventName: Two}",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    std::fs::remove_file(rules.join("mine.yml")).unwrap();
    std::fs::write(given.path().join("2.json"), STOPPED.replace("000000000001", "000000000002"))
        .unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let shown = ok(&home, &["detect", "changes", "--limit", "1"]);
    assert!(shown.contains("nobody said who") && shown.contains("1 went"), "{shown}");
    assert_eq!(home.run(["verify"]).code, Some(0));
}

#[test]
fn slow_rules_are_linted_and_their_coverage_is_told() {
    let home = Home::new();
    let rules = tempfile::tempdir().unwrap();
    let path = rules.path().join("mine.yml");
    std::fs::write(&path, "title: \"Mine\\u0007\"\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {eventNme: One}\n  condition: a\n").unwrap();
    let linted = home.run(["detect", "lint", path.to_str().unwrap()]);
    assert_eq!(linted.code, Some(1), "{linted:?}");
    assert!(linted.out.contains("did you mean eventName?"), "{linted:?}");
    assert!(linted.out.contains("error[field]") && !linted.out.contains('\u{7}'), "{linted:?}");
    let given = tempfile::tempdir().unwrap();
    std::fs::write(given.path().join("1.json"), STOPPED).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let after = json(&home.run(["detect", "coverage", "--json"]));
    assert_eq!(after["logged"], json!(["cloudtrail"]));
    assert!(after["sums"]["tested"].as_u64().unwrap() > 30, "{}", after["sums"]);
}

/// CloudTrail records of one user: hour of 2024-02-15, service, call, address.
fn trail(calls: &[(u64, &str, &str, &str)]) -> String {
    let record = |(number, (hour, service, call, address)): (usize, &(u64, &str, &str, &str))| {
        json!({"eventVersion": "1.08", "eventID": format!("11111111-0000-4000-8000-{:012}", number + 100),
            "eventTime": format!("2024-02-15T{hour:02}:00:00Z"),
            "eventSource": format!("{service}.amazonaws.com"), "eventName": call,
            "awsRegion": "eu-west-1", "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
            "sourceIPAddress": address, "userAgent": "aws-cli",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/operator",
                "accountId": "111122223333", "userName": "operator"},
            "requestParameters": {"name": "all-regions", "userName": "somebody"}})
    };
    json!({"Records": calls.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string()
}

#[test]
fn slow_a_finding_is_set_beside_what_is_usual_and_firsts_are_marked() {
    let home = Home::new();
    let given = tempfile::tempdir().unwrap();
    let text = trail(&[
        (1, "ec2", "DescribeInstances", "192.0.2.10"),
        (2, "ec2", "DescribeInstances", "192.0.2.10"),
        (9, "ec2", "DescribeInstances", "192.0.2.10"),
        (9, "cloudtrail", "StopLogging", "203.0.113.10"),
    ]);
    std::fs::write(given.path().join("1.json"), text).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let listed = json(&home.run(["findings", "list", "--rule", "Logging of a trail", "--json"]));
    let id = listed[0]["id"].as_str().unwrap();
    let shown = json(&home.run(["findings", "show", id, "--json"]));
    let firsts = shown["actor_usual"]["first_times"].to_string();
    assert_eq!(shown["actor_usual"]["events_before"], 2);
    assert!(firsts.contains("StopLogging") && firsts.contains("203.0.113.10"), "{firsts}");
    assert!(!firsts.contains("DescribeInstances") && !firsts.contains("192.0.2.10"), "{firsts}");
    assert!(shown["firsts"].to_string().contains("the first finding of this rule"), "{shown}");
    let from = json!([{"address": "203.0.113.10", "events": 1, "country": null, "network": null,
        "clients": [{"client": "aws-cli", "events": 1}], "lists": []}]);
    assert_eq!(shown["from"], from, "address, client software and place");
    let text = ok(&home, &["findings", "show", id]);
    for part in [
        "eventName = StopLogging",
        "first time  actions: cloudtrail:StopLogging",
        "from         203.0.113.10: place not known; aws-cli (1); 1 events",
        "query --saved data-touched --param principal=user/operator --since 2024-02-14",
        "why  ",
        "triage 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The promise R-282: where a database knows the place of an address, a finding says it.
#[test]
fn slow_a_finding_says_where_its_addresses_are() {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/geoip");
    let databases = ["GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"];
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    for name in databases {
        let from = std::path::Path::new(shared).join(name);
        if std::fs::copy(&from, home.path().join(name)).is_err() {
            eprintln!("SKIPPED: {name} is not in ../shared/data/geoip");
            return;
        }
    }
    let config = format!("[places]\ndatabases = {databases:?}\n");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let given = tempfile::tempdir().unwrap();
    let text = trail(&[(9, "cloudtrail", "StopLogging", "81.2.69.160")]);
    std::fs::write(given.path().join("1.json"), text).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let listed = json(&home.run(["findings", "list", "--rule", "Logging of a trail", "--json"]));
    let id = listed[0]["id"].as_str().unwrap();
    let shown = json(&home.run(["findings", "show", id, "--json"]));
    assert_eq!(shown["from"][0]["country"], "GB", "{shown:#}");
    let text = ok(&home, &["findings", "show", id]);
    assert!(text.contains("81.2.69.160: GB; aws-cli (1)"), "{text}");
}

/// The promise R-285: the playbook asks whether data was read or changed, with the query, which answers.
#[test]
fn slow_the_playbook_asks_whether_data_was_read_or_changed_and_the_query_answers() {
    let home = Home::new();
    let given = tempfile::tempdir().unwrap();
    let text = trail(&[
        (9, "cloudtrail", "StopLogging", "203.0.113.10"),
        (10, "secretsmanager", "GetSecretValue", "203.0.113.10"),
        (11, "secretsmanager", "DeleteSecret", "203.0.113.10"),
        (12, "ec2", "DescribeInstances", "203.0.113.10"),
    ]);
    std::fs::write(given.path().join("1.json"), text).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let playbook = ok(&home, &["runbook", "triage"]);
    assert!(playbook.contains("Was data read, changed or deleted?"), "{playbook}");
    assert!(playbook.contains("query --saved data-touched --param principal="), "{playbook}");
    let listed = json(&home.run(["findings", "list", "--rule", "Logging of a trail", "--json"]));
    let shown = json(&home.run(["findings", "show", listed[0]["id"].as_str().unwrap(), "--json"]));
    let query = shown["data_touched"].as_str().unwrap();
    let words: Vec<&str> = query.split(' ').skip(1).chain(["--format", "json"]).collect();
    let answer = json(&home.run(words));
    let names: Vec<&str> =
        answer.as_array().unwrap().iter().map(|row| row["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["DeleteSecret", "GetSecretValue"], "{answer:#}");
}

#[test]
fn slow_findings_that_tell_one_story_are_read_in_their_order() {
    let home = Home::new();
    let given = tempfile::tempdir().unwrap();
    let text = trail(&[
        (9, "iam", "CreateAccessKey", "203.0.113.10"),
        (10, "cloudtrail", "StopLogging", "203.0.113.10"),
        (11, "cloudtrail", "DeleteTrail", "203.0.113.10"),
    ]);
    std::fs::write(given.path().join("1.json"), text).unwrap();
    assert_eq!(home.ingest([given.path()]).0, 0);
    let told = json(&home.run(["findings", "stories", "--json"]));
    let parts = told[0]["parts"].as_array().unwrap();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told:#}");
    assert!(parts.len() >= 3, "{told:#}");
    let times: Vec<&str> = parts.iter().map(|part| part["first_seen"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(parts[1]["because"].to_string().contains("the same actor"), "{told:#}");
    let id = parts[1]["finding"].as_str().unwrap();
    let shown = ok(&home, &["findings", "show", id, "--without-lake"]);
    assert!(shown.contains("steps of an attack: ") && shown.contains("\n> 2024-02-15T"), "{shown}");
    let why = ["--as", "false-positive", "--who", "anna", "--reason", "a drill", "--evidence", "e"];
    for part in parts.iter().skip(1) {
        let id = part["finding"].as_str().unwrap();
        ok(&home, &[&["findings", "dismiss", id][..], &why].concat());
    }
    assert_eq!(json(&home.run(["findings", "stories", "--json"])), json!([]));
}
