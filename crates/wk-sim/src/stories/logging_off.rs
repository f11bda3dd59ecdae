//! A compromised access key switches the watch off at night; on-call switches it on again.
//!
//! What the trail does not record while it is off is missing here too: the truth counts it.

use serde_json::json;
use wk_model::Timestamp;

use super::Teller;
use crate::flow::{NETWORKS, log_id};
use crate::identity::{Actor, access_key};
use crate::record::Call;
use crate::truth::ExpectedFinding;
use crate::world::{
    HOME, ORGANISATION, PEOPLE, Place, SECURITY, TOOLS_VPC, TRAIL, detector, hex_id,
};

const THIEF: &str = "198.51.100.203";
const HERE: Place = Place { account: SECURITY, region: HOME };

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "The access key of the user report-reader in the security account is in the wrong hands. \
         At 02:37 UTC on a Saturday it looks around from 198.51.100.203; at 02:41 it disables \
         GuardDuty's detector, at 02:42 it deletes the flow log of the tools' VPC, at 02:43:20 it \
         stops the organisation trail. The trail records nothing until platform-3, on call, starts \
         it at 03:03:41, then deactivates the key, enables the detector and creates the flow log \
         anew. Between, records are missing in every account.",
        "arn:aws:iam::111122223333:user/report-reader",
        &[&trail(), &log_id(&NETWORKS[1]), &detector(HERE)],
    );
    let key = access_key("AKIA", "report-reader");
    let from = (
        THIEF,
        "aws-cli/2.13.0 Python/3.11.4 Linux/6.1.0 exe/x86_64.debian.12 prompt/off command/",
    );
    let thief = Actor::user(SECURITY, "report-reader", &key, from);
    look_around(teller, &thief);
    switch_off(teller, &thief);
    alarm(teller);
    switch_on(teller, &key);
    expectations(teller);
}

fn trail() -> String {
    HERE.arn("cloudtrail", &format!("trail/{TRAIL}"))
}

fn look_around(teller: &mut Teller<'_>, thief: &Actor) {
    let calls = [
        Call::new("sts", "GetCallerIdentity"),
        Call::new("cloudtrail", "DescribeTrails")
            .params(&json!({"trailNameList": [], "includeShadowTrails": true})),
        Call::new("guardduty", "ListDetectors"),
        Call::new("ec2", "DescribeFlowLogs").params(&json!({"DescribeFlowLogsRequest": ""})),
        Call::new("iam", "ListAttachedUserPolicies").params(&json!({"userName": "report-reader"})),
        Call::new("iam", "CreateUser")
            .params(&json!({"userName": "backup-admin"}))
            .denied(thief, "arn:aws:iam::111122223333:user/backup-admin"),
    ];
    let mut at = teller.at(2, 37, 11);
    for call in calls {
        teller.call(at, HERE, thief, call);
        at = at.plus_seconds(teller.rng.seconds(8, 30));
    }
}

fn switch_off(teller: &mut Teller<'_>, thief: &Actor) {
    let disable = Call::new("guardduty", "UpdateDetector")
        .params(&json!({"detectorId": detector(HERE), "enable": false}));
    teller.call(teller.at(2, 41, 6), HERE, thief, disable);
    let delete = Call::new("ec2", "DeleteFlowLogs")
        .params(&json!({"DeleteFlowLogsRequest": {"FlowLogId": {"content": log_id(&NETWORKS[1]), "tag": 1}}}))
        .response(&json!({"DeleteFlowLogsResponse": {
            "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "unsuccessful": "",
            "requestId": "@request",
        }}));
    teller.call(teller.at(2, 42, 2), HERE, thief, delete);
    let stop = Call::new("cloudtrail", "StopLogging").params(&json!({"name": trail()}));
    teller.call(stopped(teller), HERE, thief, stop);
    teller.silence(None, stopped(teller), started(teller));
    teller.silence(Some(TOOLS_VPC), teller.at(2, 42, 2), teller.at(3, 15, 0));
}

fn stopped(teller: &Teller<'_>) -> Timestamp {
    teller.at(2, 43, 20)
}

fn started(teller: &Teller<'_>) -> Timestamp {
    teller.at(3, 3, 41)
}

/// EventBridge carries the call itself: how on-call learns of it.
fn alarm(teller: &mut Teller<'_>) {
    let at = stopped(teller);
    let detail = teller.last_record();
    let kind = ("aws.cloudtrail", "AWS API Call via CloudTrail");
    teller.bridge(at.plus_seconds(14), HERE, kind, &[], &detail);
}

fn switch_on(teller: &mut Teller<'_>, key: &str) {
    let person = &PEOPLE[2];
    let on_call = Actor::person(person, SECURITY, teller.at(2, 58, 2), Some(1));
    let start = Call::new("cloudtrail", "StartLogging").params(&json!({"name": trail()}));
    teller.call(started(teller), HERE, &on_call, start);
    let status = Call::new("cloudtrail", "GetTrailStatus").params(&json!({"name": trail()}));
    teller.call(teller.at(3, 4, 2), HERE, &on_call, status);
    let deactivate = Call::new("iam", "UpdateAccessKey")
        .params(&json!({"userName": "report-reader", "accessKeyId": key, "status": "Inactive"}));
    teller.call(teller.at(3, 5, 27), HERE, &on_call, deactivate);
    let enable = Call::new("guardduty", "UpdateDetector")
        .params(&json!({"detectorId": detector(HERE), "enable": true}));
    teller.call(teller.at(3, 7, 50), HERE, &on_call, enable);
    let create = Call::new("ec2", "CreateFlowLogs")
        .params(&json!({"CreateFlowLogsRequest": {
            "ResourceType": "VPC",
            "ResourceId": {"content": TOOLS_VPC, "tag": 1},
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": format!("arn:aws:s3:::{}", crate::world::LOG_BUCKET),
        }}))
        .response(&json!({"CreateFlowLogsResponse": {
            "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "unsuccessful": "",
            "clientToken": hex_id(ORGANISATION, 32),
            "flowLogIdSet": {"item": log_id(&NETWORKS[1])},
            "requestId": "@request",
        }}));
    teller.call(teller.at(3, 9, 14), HERE, &on_call, create);
}

fn expectations(teller: &mut Teller<'_>) {
    let rows = [
        (
            "the organisation trail was stopped",
            "cloudtrail",
            "StopLogging",
            "critical",
            stopped(teller),
        ),
        (
            "GuardDuty's detector was disabled",
            "cloudtrail",
            "UpdateDetector",
            "high",
            teller.at(2, 41, 6),
        ),
        ("a flow log was deleted", "cloudtrail", "DeleteFlowLogs", "high", teller.at(2, 42, 2)),
        (
            "the stop is also carried by EventBridge",
            "eventbridge",
            "AWS API Call via CloudTrail",
            "critical",
            teller.at(2, 43, 34),
        ),
    ];
    for (what, source, name, severity, first) in rows {
        teller.expect(ExpectedFinding {
            what,
            source,
            names: vec![name],
            severity,
            account: SECURITY,
            first,
            records: 1,
        });
    }
    teller.expect(ExpectedFinding {
        what: "no records of any account for twenty minutes",
        source: "cloudtrail",
        names: vec!["gap"],
        severity: "high",
        account: SECURITY,
        first: stopped(teller),
        records: 0,
    });
}
