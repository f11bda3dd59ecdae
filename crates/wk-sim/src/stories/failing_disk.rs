//! A disk that fails while it still works: AWS Health says so, an alarm agrees, people replace it.

use serde_json::{Value, json};
use wk_model::Timestamp;

use super::Teller;
use crate::identity::Actor;
use crate::record::Call;
use crate::truth::ExpectedFinding;
use crate::world::{PEOPLE, PRODUCTION, REPORTS};

const SNAPSHOT: &str = "snap-0b7d5f3a1c9e82640";
const FRESH: &str = "vol-04c2e8a6d1b9f7350";

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "At 10:12 UTC AWS Health reports degraded performance of the volume of reports-1 in \
         eu-west-1; the machine goes on working. At 10:15 the alarm on its attached storage agrees. \
         platform-1 takes a snapshot, makes a new volume of it and exchanges the two by 10:56; the \
         alarm is quiet again at 11:02 and AWS Health closes the event at 11:24.",
        "",
        &[REPORTS.volume, REPORTS.instance, FRESH],
    );
    health(teller, teller.at(10, 12, 31), "open");
    alarm(teller, teller.at(10, 15, 4), ("OK", "ALARM"));
    replace(teller);
    alarm(teller, teller.at(11, 2, 4), ("ALARM", "OK"));
    health(teller, teller.at(11, 24, 9), "closed");
    expectations(teller);
}

fn health(teller: &mut Teller<'_>, at: Timestamp, status: &str) {
    let place = REPORTS.place;
    let volume = place.arn("ec2", &format!("volume/{}", REPORTS.volume));
    let code = "AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE";
    let detail = json!({
        "eventArn": format!("arn:aws:health:{}::event/EBS/{code}/{code}_5f3a1c9e", place.region),
        "service": "EBS",
        "eventTypeCode": code,
        "eventTypeCategory": "issue",
        "eventScopeCode": "ACCOUNT_SPECIFIC",
        "communicationId": crate::world::hex_id(&format!("{code} {status}"), 40),
        "startTime": teller.at(10, 4, 0).to_string(),
        "lastUpdatedTime": at.to_string(),
        "statusCode": status,
        "eventRegion": place.region,
        "eventDescription": [{
            "language": "en_US",
            "latestDescription": format!("One of your EBS volumes, {}, is experiencing degraded performance.", REPORTS.volume),
        }],
        "affectedEntities": [{"entityValue": REPORTS.volume, "status": if status == "open" { "IMPAIRED" } else { "UNIMPAIRED" }}],
        "affectedAccount": place.account,
        "page": "1",
        "totalPages": "1",
    });
    teller.bridge(at, place, ("aws.health", "AWS Health Event"), &[volume], &detail);
}

fn alarm(teller: &mut Teller<'_>, at: Timestamp, (was, is): (&str, &str)) {
    let place = REPORTS.place;
    let name = "reports-1-attached-storage";
    let state = |value: &str, at: Timestamp| -> Value {
        json!({
            "value": value,
            "reason": format!("Threshold Crossed: the last two datapoints made the alarm {value}."),
            "timestamp": at.to_string().replace('Z', ".000+0000"),
        })
    };
    let detail = json!({
        "alarmName": name,
        "state": state(is, at),
        "previousState": state(was, at.plus_seconds(-3_600)),
        "configuration": {
            "description": "reports-1 cannot reach one of its volumes as it should",
            "metrics": [{
                "id": "m1",
                "metricStat": {
                    "metric": {
                        "namespace": "AWS/EC2",
                        "name": "StatusCheckFailed_AttachedEBS",
                        "dimensions": {"InstanceId": REPORTS.instance},
                    },
                    "period": 60,
                    "stat": "Maximum",
                },
                "returnData": true,
            }],
        },
    });
    let kind = ("aws.cloudwatch", "CloudWatch Alarm State Change");
    teller.bridge(at, place, kind, &[place.arn("cloudwatch", &format!("alarm:{name}"))], &detail);
}

fn replace(teller: &mut Teller<'_>) {
    let place = REPORTS.place;
    let actor = Actor::person(&PEOPLE[0], PRODUCTION, teller.at(10, 18, 50), Some(0));
    let look = Call::new("ec2", "DescribeVolumeStatus")
        .params(&json!({"volumeSet": {"items": [{"volumeId": REPORTS.volume}]}, "filterSet": {}}));
    teller.call(teller.at(10, 19, 22), place, &actor, look);
    let snapshot = Call::new("ec2", "CreateSnapshot")
        .params(
            &json!({"volumeId": REPORTS.volume, "description": "before the volume is replaced"}),
        )
        .response(&json!({
            "requestId": "@request", "snapshotId": SNAPSHOT, "volumeId": REPORTS.volume,
            "status": "pending", "startTime": teller.at(10, 26, 0).seconds() * 1000,
            "progress": "", "ownerId": PRODUCTION, "volumeSize": "100", "encrypted": true,
        }));
    teller.call(teller.at(10, 26, 3), place, &actor, snapshot);
    notify(
        teller,
        teller.at(10, 40, 41),
        "EBS Snapshot Notification",
        &json!({
            "event": "createSnapshot", "result": "succeeded", "cause": "",
            "snapshot_id": place.arn("ec2", &format!("snapshot/{SNAPSHOT}")),
            "source": place.arn("ec2", &format!("volume/{}", REPORTS.volume)),
        }),
    );
    let create = Call::new("ec2", "CreateVolume")
        .params(&json!({"size": "100", "zone": "eu-west-1a", "snapshotId": SNAPSHOT, "volumeType": "gp3", "encrypted": true}))
        .response(&json!({
            "requestId": "@request", "volumeId": FRESH, "size": "100", "snapshotId": SNAPSHOT,
            "zone": "eu-west-1a", "status": "creating", "volumeType": "gp3", "encrypted": true,
        }));
    teller.call(teller.at(10, 44, 12), place, &actor, create);
    notify(
        teller,
        teller.at(10, 44, 40),
        "EBS Volume Notification",
        &json!({
            "event": "createVolume", "result": "available", "cause": "", "request-id": "",
        }),
    );
    let pair = |volume: &str| json!({"volumeId": volume, "instanceId": REPORTS.instance, "device": "/dev/sdf"});
    let detach = Call::new("ec2", "DetachVolume").params(&pair(REPORTS.volume));
    teller.call(teller.at(10, 55, 2), place, &actor, detach);
    let attach = Call::new("ec2", "AttachVolume").params(&pair(FRESH));
    teller.call(teller.at(10, 55, 50), place, &actor, attach);
}

fn notify(teller: &mut Teller<'_>, at: Timestamp, kind: &str, detail: &Value) {
    let volume = REPORTS.place.arn("ec2", &format!("volume/{FRESH}"));
    teller.bridge(at, REPORTS.place, ("aws.ec2", kind), &[volume], detail);
}

fn expectations(teller: &mut Teller<'_>) {
    teller.expect(ExpectedFinding {
        what: "AWS Health reports a volume in trouble, later that it is well",
        source: "eventbridge",
        names: vec!["AWS Health Event", "AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE"],
        severity: "medium",
        account: PRODUCTION,
        first: teller.at(10, 12, 31),
        records: 2,
    });
    teller.expect(ExpectedFinding {
        what: "the status check of the attached volume failed, later not",
        source: "eventbridge",
        names: vec!["CloudWatch Alarm State Change", "StatusCheckFailed_AttachedEBS"],
        severity: "medium",
        account: PRODUCTION,
        first: teller.at(10, 15, 4),
        records: 2,
    });
}
