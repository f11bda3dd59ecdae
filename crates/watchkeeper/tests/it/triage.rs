//! Findings are worked on until each has its end, and nothing leaves the count.

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
        rule: Rule {
            id: RULE.to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        },
        title: "A machine image was made public".to_owned(),
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
