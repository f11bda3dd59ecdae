//! The tests that others wrote for their rules, each event as a record of its source.
//!
//! What a test leaves out of a record, because its own rule does not ask for it, is filled in as an
//! ordinary record has it; what it says is kept letter by letter.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use wk_lang::yaml;

use crate::files;

/// One event and what others expect of their rule.
pub(super) struct Case {
    /// The file of the rule, without its ending, and the number of the test in it.
    pub(super) rule: String,
    pub(super) number: usize,
    pub(super) subject: &'static str,
    /// Whether their rule must fire; `None` where the test is not about a rule.
    pub(super) fires: Option<bool>,
    /// Their rule alone raises no alert: it counts towards a threshold or feeds a correlation.
    pub(super) signal: bool,
    /// The bytes of an object that holds the record.
    pub(super) object: Vec<u8>,
}

/// All of them, in the order of their files.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in files("rule-tests/panther") {
        of_yaml(&path, &mut cases);
    }
    for path in files("rule-tests/streamalert") {
        of_json(&path, &mut cases);
    }
    cases
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn of_yaml(path: &Path, cases: &mut Vec<Case>) {
    let text = fs::read_to_string(path).unwrap();
    let folder = path.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
    let documents = yaml::read(&text).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
    let rule: Value = serde_json::from_str(&documents[0].to_json()).unwrap();
    let signal = rule["CreateAlert"] == json!(false) || number(&rule["Threshold"]) > 1.0;
    for (index, test) in rule["Tests"].as_array().into_iter().flatten().enumerate() {
        let log = test.get("Log").cloned().unwrap_or(Value::Null);
        let kind = log["p_log_type"].as_str().or(rule["LogTypes"][0].as_str()).unwrap_or_default();
        let (subject, object) = match (&*folder, kind) {
            ("policies", _) => ("configuration", Vec::new()),
            ("correlation_rules", _) => ("correlation", Vec::new()),
            (_, kind) => wrap(kind, log.clone(), cases.len()),
        };
        let fires = test["ExpectedResult"].as_bool();
        assert!(fires.is_some(), "{}: {test}", path.display());
        cases.push(Case { rule: stem(path), number: index + 1, subject, fires, signal, object });
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn of_json(path: &Path, cases: &mut Vec<Case>) {
    let tests: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for (index, test) in tests.into_iter().enumerate() {
        let fires = test["trigger_rules"].as_array().map(|rules| !rules.is_empty());
        let guardduty = stem(path).contains("guardduty");
        let subject = match (fires, guardduty) {
            (None, _) => "recognition",
            (_, true) => "GuardDuty",
            _ => "CloudTrail",
        };
        let object = streamalert(test["data"].clone());
        let case =
            Case { rule: stem(path), number: index + 1, subject, fires, signal: false, object };
        cases.push(case);
    }
}

/// These tests write `...` where they do not care. Where a reader must care, an ordinary record's
/// value stands there instead.
fn streamalert(mut data: Value) -> Vec<u8> {
    let event = match data.get("detail") {
        Some(_) => Some("/detail"),
        None => data.get("Records").map(|_| "/Records/0"),
    };
    if data["detail-type"] == json!("...") {
        data["detail-type"] = json!("AWS API Call via CloudTrail");
    }
    if data["detail-type"] == json!("GuardDuty Finding") && data["detail"] == json!({}) {
        data["detail"] = json!({
            "schemaVersion": "2.0", "accountId": "111122223333", "region": "us-east-1", "id": "f",
            "type": "Recon:EC2/Portscan", "severity": 5, "resource": {"resourceType": "Instance"},
            "service": {"serviceName": "guardduty"}, "updatedAt": "2024-01-01T00:00:00Z",
        });
    }
    let Some(Value::Object(event)) = event.and_then(|path| data.pointer_mut(path)) else {
        return data.to_string().into_bytes();
    };
    event.retain(|_, value| *value != json!("..."));
    let service = match event.get("eventName").and_then(Value::as_str) {
        Some("ConsoleLogin") => "signin.amazonaws.com",
        Some(name) if name.contains("NetworkAcl") => "ec2.amazonaws.com",
        Some(_) => "s3.amazonaws.com",
        None => return data.to_string().into_bytes(),
    };
    let usual = json!({
        "eventVersion": "1.05", "eventTime": "2024-01-01T00:00:00Z", "eventType": "AwsApiCall",
        "eventSource": service,
    });
    fill(event, &usual);
    data.to_string().into_bytes()
}

/// The subject and the object for a log of this kind.
fn wrap(kind: &str, log: Value, place: usize) -> (&'static str, Vec<u8>) {
    let Value::Object(mut log) = log else { return ("CloudTrail", Vec::new()) };
    log.retain(|key, _| !key.starts_with("p_"));
    match kind {
        "AWS.CloudTrail" => ("CloudTrail", cloudtrail(log, place)),
        "AWS.S3ServerAccess" => ("S3 access", s3_access(&log)),
        "AWS.VPCFlow" => ("VPC flow", vpc_flow(&log)),
        "OCSF.NetworkActivity" => ("VPC flow", ocsf(log, 4001)),
        "AWS.VPCDns" => ("DNS queries", Value::Object(log).to_string().into_bytes()),
        "OCSF.DnsActivity" => ("DNS queries", ocsf(log, 4003)),
        "Amazon.EKS.Audit" => ("EKS audit", eks(log, place)),
        "AWS.GuardDuty" => ("GuardDuty", guardduty(log)),
        "AWS.SecurityFindingFormat" => ("Security Hub", asff(log)),
        "AWS.WAFWebACL" => ("WAF", waf(log)),
        "AWS.BedrockModelInvocation" => ("Bedrock", Value::Object(log).to_string().into_bytes()),
        other => panic!("no subject for {other}"),
    }
}

fn fill(log: &mut Map<String, Value>, with: &Value) {
    for (key, value) in with.as_object().into_iter().flatten() {
        let absent = log.get(key).is_none_or(Value::is_null);
        if absent {
            log.insert(key.clone(), value.clone());
        }
    }
}

fn cloudtrail(log: Map<String, Value>, place: usize) -> Vec<u8> {
    // One file spells the names of fields small.
    let spelt = log.into_iter().map(|(key, value)| match &*key {
        "eventname" => ("eventName".to_owned(), value),
        "eventsource" => ("eventSource".to_owned(), value),
        "eventtime" => ("eventTime".to_owned(), value),
        "eventtype" => ("eventType".to_owned(), value),
        _ => (key, value),
    });
    let mut log: Map<String, Value> = spelt.collect();
    if log.get("eventSource").is_some_and(Value::is_string) {
        fill(
            &mut log,
            &json!({
                "eventVersion": "1.08", "eventTime": "2024-01-01T00:00:00Z",
                "awsRegion": "us-east-1", "eventID": format!("case-{place}"),
            }),
        );
    }
    json!({"Records": [log]}).to_string().into_bytes()
}

fn eks(mut log: Map<String, Value>, place: usize) -> Vec<u8> {
    fill(
        &mut log,
        &json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": format!("case-{place}"),
            "stage": "ResponseComplete", "stageTimestamp": "2024-01-01T00:00:00Z",
        }),
    );
    Value::Object(log).to_string().into_bytes()
}

fn ocsf(mut log: Map<String, Value>, class: u32) -> Vec<u8> {
    let time = json!("2024-01-01T00:00:00Z");
    fill(&mut log, &json!({"class_uid": class, "metadata": {"version": "1.1.0"}, "time_dt": time}));
    Value::Object(log).to_string().into_bytes()
}

fn guardduty(mut log: Map<String, Value>) -> Vec<u8> {
    fill(&mut log, &json!({"resource": {"resourceType": "AccessKey"}}));
    Value::Object(log).to_string().into_bytes()
}

fn asff(mut log: Map<String, Value>) -> Vec<u8> {
    fill(&mut log, &json!({"SchemaVersion": "2018-10-08", "UpdatedAt": "2024-01-01T00:00:00Z"}));
    Value::Object(log).to_string().into_bytes()
}

fn waf(mut log: Map<String, Value>) -> Vec<u8> {
    fill(
        &mut log,
        &json!({"timestamp": 1_704_067_200_000_u64, "webaclId": "w", "httpRequest": {}}),
    );
    Value::Object(log).to_string().into_bytes()
}

/// A line as S3 writes it; fields that the test has no word for are `-`.
fn s3_access(log: &Map<String, Value>) -> Vec<u8> {
    let log: Map<String, Value> =
        log.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect();
    let plain = |key: &str| match log.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    let quoted = |key: &str| match plain(key) {
        text if text == "-" => text,
        text => format!("\"{text}\""),
    };
    let mut line = format!("{} {} [01/Jan/2024:00:00:00 +0000]", "ab".repeat(32), plain("bucket"));
    for key in ["remoteip", "requester", "requestid", "operation", "key"] {
        write!(line, " {}", plain(key)).unwrap();
    }
    write!(line, " {}", quoted("requesturi")).unwrap();
    for key in ["httpstatus", "errorcode", "bytessent", "objectsize", "totaltime", "turnaroundtime"]
    {
        write!(line, " {}", plain(key)).unwrap();
    }
    write!(line, " {} {}", quoted("referrer"), quoted("useragent")).unwrap();
    for key in [
        "versionid",
        "hostid",
        "signatureversion",
        "ciphersuite",
        "authenticationtype",
        "hostheader",
        "tlsversion",
    ] {
        write!(line, " {}", plain(key)).unwrap();
    }
    line.push_str(" - -\n");
    line.into_bytes()
}

/// A header and a line. Without a word of what became of the traffic it was let through; without a
/// word of how much there was it is one packet.
fn vpc_flow(log: &Map<String, Value>) -> Vec<u8> {
    let log: Map<String, Value> =
        log.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect();
    let given = |key: &str, usual: &str| match log.get(key) {
        Some(Value::String(text)) if !text.is_empty() && text != "null" => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => usual.to_owned(),
    };
    let status = given("status", "OK");
    let usual = |text: &'static str| if status == "OK" { text } else { "-" };
    let fields = [
        ("version", "5".to_owned()),
        ("account-id", given("account", "111122223333")),
        ("interface-id", given("interfaceid", "eni-0123456789abcdef0")),
        ("srcaddr", given("srcaddr", "-")),
        ("dstaddr", given("dstaddr", "-")),
        ("srcport", given("srcport", usual("49152"))),
        ("dstport", given("dstport", "-")),
        ("protocol", given("protocol", usual("6"))),
        ("packets", given("packets", usual("1"))),
        ("bytes", given("bytes", usual("44"))),
        ("start", "1704067200".to_owned()),
        ("end", "1704067260".to_owned()),
        ("action", given("action", usual("ACCEPT"))),
        ("log-status", status.clone()),
        ("vpc-id", given("vpcid", "-")),
        ("subnet-id", given("subnetid", "-")),
        ("instance-id", given("instanceid", "-")),
        ("flow-direction", given("flowdirection", "-")),
    ];
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = fields.iter().map(|(_, value)| &**value).collect();
    format!("{}\n{}\n", names.join(" "), values.join(" ")).into_bytes()
}
