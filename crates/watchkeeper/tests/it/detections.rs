//! What AWS's own products find, and alarms, come in as they are delivered, become findings, and people
//! are told by the routes that are built in.

use serde_json::{Value, json};

use crate::notify::now;
use crate::post::receiver;
use crate::program::Home;
use crate::service::Running;

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

/// The promise R-001: an attack, a failing disk and a broken data job are each found, within a minute
/// of their delivery. What happens on the way there is AWS's time.
#[test]
fn slow_an_attack_a_failing_disk_and_a_broken_job_are_each_found_within_their_minute() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let config = format!(
        "[service]\nlisten = '127.0.0.1:0'\n[[folder]]\npath = '{}'\nsettle_seconds = 0\npoll_seconds = 1\n",
        folder.path().display()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let attack = json!({
        "eventVersion": "1.08", "eventID": "22222222-0000-4000-8000-000000000001",
        "eventTime": ago(4), "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
        "awsRegion": "eu-west-1", "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.10", "requestParameters": {"name": "all-regions"},
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/operator",
            "accountId": "111122223333", "userName": "operator"},
    });
    let disk = event(
        "aws.health",
        "AWS Health Event",
        &json!({"eventArn": "arn:aws:health:eu-west-1::event/EBS/v/1", "service": "EBS",
            "eventTypeCode": "AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE",
            "eventTypeCategory": "issue", "affectedEntities": [{"entityValue": "vol-1"}]}),
    );
    let mut job = event(
        "aws.glue",
        "Glue Job State Change",
        &json!({"jobName": "nightly", "state": "FAILED", "jobRunId": "jr_1", "severity": "ERROR"}),
    );
    job["id"] = "6a7e8feb-b491-4cf7-a9f1-000000000002".into();
    let mut service = Running::at(&home);
    service.address("http");
    for (name, record, title) in [
        ("attack", &attack, "Logging of a trail"),
        ("disk", &disk, "AWS reports that hardware under a resource is failing"),
        ("job", &job, "A Glue job failed"),
    ] {
        let delivered = now();
        std::fs::write(folder.path().join(".coming"), record.to_string()).unwrap();
        std::fs::rename(folder.path().join(".coming"), folder.path().join(format!("{name}.json")))
            .unwrap();
        let found = loop {
            let listed = home.run(["findings", "list", "--rule", title, "--json"]);
            let listed: Value = serde_json::from_str(&listed.out).unwrap();
            if let Some(found) = listed.as_array().unwrap().first() {
                break found.clone();
            }
            assert!(now() < delivered.plus_seconds(60), "{name} was not found within its minute");
            std::thread::park_timeout(std::time::Duration::from_millis(300));
        };
        assert_eq!(found["count"], 1, "{found:#}");
    }
    assert_eq!(service.stop().0, Some(0));
}
