//! What AWS's own products find, and alarms, come in as they are delivered, become findings, and people
//! are told by the routes that are built in.

use serde_json::{Value, json};

use crate::notify::now;
use crate::post::receiver;
use crate::program::Home;

/// What people got of events that came in now, and the findings that the home has then.
fn told_of(event: &Value) -> (Vec<String>, Value) {
    let (address, given) = receiver(|_| Some((200, "")));
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let channel =
        |name: &str| format!("[channels.{name}]\nkind = 'webhook'\nurl = '{address}/{name}'\n");
    let config: String = ["page", "ticket", "operations"].map(channel).concat();
    let config = format!("{config}[notify]\ngroup_wait_seconds = 0\n");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let file = home.path().with_file_name("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    let read = home.run(["ingest".as_ref(), file.as_os_str()]);
    assert_eq!(read.code, Some(0), "{read:?}");
    let once = home.run(["notify", "run", "--once"]);
    assert_eq!(once.code, Some(0), "{once:?}");
    let findings = home.run(["findings", "list", "--json"]);
    let findings: Value =
        serde_json::from_str(&findings.out).unwrap_or_else(|e| panic!("{e}: {findings:?}"));
    (given.all(), findings)
}

/// The paths to which something went, sorted.
fn paths(told: &[String]) -> Vec<&str> {
    let mut paths: Vec<&str> = told.iter().filter_map(|text| text.split(' ').nth(1)).collect();
    paths.sort_unstable();
    paths
}

fn ago(minutes: i64) -> String {
    now().plus_seconds(-minutes * 60).to_string()
}

/// An event as EventBridge delivers it.
fn event(source: &str, kind: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": kind,
        "source": source, "account": "111122223333", "time": ago(1), "region": "eu-west-1",
        "resources": [], "detail": detail})
}

#[test]
fn slow_a_finding_of_guardduty_leads_to_a_detection_and_people_are_told() {
    let detail = json!({
        "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "id": "f-1",
        "arn": "arn:aws:guardduty:eu-west-1:111122223333:detector/d-1/finding/f-1",
        "type": "UnauthorizedAccess:EC2/MaliciousIPCaller.Custom", "severity": 8,
        "resource": {"resourceType": "Instance",
            "instanceDetails": {"instanceId": "i-0123456789abcdef0"}},
        "service": {"serviceName": "guardduty", "archived": false, "count": 3,
            "eventFirstSeen": ago(9), "eventLastSeen": ago(3)},
        "createdAt": ago(5), "updatedAt": ago(2), "title": "An instance calls a bad address",
    });
    let (told, findings) = told_of(&event("aws.guardduty", "GuardDuty Finding", &detail));
    assert_eq!(paths(&told), ["/page", "/ticket"], "high: {told:?}");
    assert!(told[0].contains("An instance calls a bad address"), "{}", told[0]);
    assert!(told[0].contains("watchkeeper runbook guardduty"), "{}", told[0]);
    assert_eq!(findings[0]["rule"]["product"], "guardduty", "{findings:#}");
}

#[test]
fn slow_a_finding_of_security_hub_leads_to_a_detection_and_people_are_told() {
    let finding = json!({
        "SchemaVersion": "2018-10-08", "Id": "arn:aws:securityhub:eu-west-1:111122223333:finding/1",
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "ProductName": "Security Hub", "GeneratorId": "security-control/S3.8",
        "AwsAccountId": "111122223333", "Region": "eu-west-1",
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "FirstObservedAt": ago(30), "LastObservedAt": ago(3), "CreatedAt": ago(30),
        "UpdatedAt": ago(2), "Severity": {"Label": "MEDIUM", "Normalized": 40},
        "Title": "A bucket may be made public", "Description": "Its block is off.",
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::acme-data"}],
        "Compliance": {"Status": "FAILED"}, "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    });
    let detail = json!({"findings": [finding]});
    let kind = "Security Hub Findings - Imported";
    let (told, findings) = told_of(&event("aws.securityhub", kind, &detail));
    assert_eq!(paths(&told), ["/ticket"], "medium pages nobody: {told:?}");
    assert!(told[0].contains("A bucket may be made public"), "{}", told[0]);
    assert!(told[0].contains("watchkeeper runbook security-hub"), "{}", told[0]);
    assert_eq!(findings[0]["rule"]["product"], "securityhub", "{findings:#}");
}

#[test]
fn slow_an_alarm_leads_to_a_detection_and_people_are_told() {
    let detail = |state: &str, before: &str| {
        json!({
            "alarmName": "root-login", "state": {"value": state, "reason": "Threshold Crossed",
                "timestamp": ago(1)},
            "previousState": {"value": before, "timestamp": ago(60)},
            "configuration": {"metrics": []},
        })
    };
    let kind = "CloudWatch Alarm State Change";
    let (told, findings) = told_of(&event("aws.cloudwatch", kind, &detail("ALARM", "OK")));
    assert_eq!(paths(&told), ["/operations", "/ticket"], "{told:?}");
    assert!(told[0].contains("watchkeeper runbook alarm"), "{}", told[0]);
    assert_eq!(findings[0]["rule"]["product"], "cloudwatch", "{findings:#}");
    let (told, _) = told_of(&event("aws.cloudwatch", kind, &detail("OK", "ALARM")));
    assert_eq!(told, [""; 0], "that it is well again is no detection");
}
