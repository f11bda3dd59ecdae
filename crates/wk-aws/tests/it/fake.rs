//! The client against the strict stand-in; and boto3 against it, so that it fools nobody.

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use wk_aws::{Cursor, LogsPull, RoleHop, Sns, Sqs};
use wk_fake_aws::{FakeAws, Fault, World};
use wk_model::{AccountId, Timestamp};
use wk_seam::aws::{AwsErrorKind, Target, ask};
use wk_seam::clock::{Clock as _, StandingClock};
use wk_seam::courier::{Courier as _, Outcome, Parcel, SnsTarget};
use wk_seam::queue::Queue as _;

use crate::calls::{DescribeVpcs, GetDetector, ListAccounts};
use crate::moto::python;
use crate::service::{Keys, NOW, client_by, wait_for};

const ACCOUNTS: [&str; 3] = ["111122223333", "222233334444", "333344445555"];
const HERE: &str = "eu-central-1";

fn clock() -> Arc<StandingClock> {
    Arc::new(StandingClock::at(Timestamp::parse(NOW).unwrap()))
}

fn world() -> World {
    World::organization(&ACCOUNTS, &[HERE, "eu-west-1"], "watchkeeper-reader", "an-outside-id")
}

fn hop(external_id: &str) -> Option<RoleHop> {
    Some(RoleHop {
        name: "watchkeeper-reader".into(),
        external_id: Some(external_id.into()),
        session_name: "watchkeeper".into(),
    })
}

fn other() -> Target {
    let account = AccountId::try_from(ACCOUNTS[1].to_owned()).ok();
    Target { account, region: Some("eu-west-1".into()) }
}

#[test]
fn signatures_hold_before_other_arithmetic_in_every_protocol() {
    let (clock, mut world) = (clock(), world());
    let here = world.here(ACCOUNTS[0], HERE);
    here.vpcs = (0..5).map(|n| format!("vpc-{n}")).collect();
    here.detectors.push(("d 1/2".into(), "ENABLED".into()));
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock.clone(), Keys("example"));
    wait_for(async {
        let accounts = ask(&client, &ListAccounts, Target::default()).await.unwrap();
        assert_eq!(accounts.pages.iter().map(|p| p.accounts.len()).sum::<usize>(), 3);
        let vpcs = ask(&client, &DescribeVpcs, Target::default()).await.unwrap();
        assert_eq!((vpcs.pages.len(), vpcs.is_whole()), (3, true));
        let detector = ask(&client, &GetDetector("d 1/2"), Target::default()).await.unwrap();
        assert_eq!(detector.pages[0]["status"], "ENABLED");
    });
    let (wrong, _) = client_by(fake.url(), None, clock, Keys("another"));
    let error = wait_for(ask(&wrong, &ListAccounts, Target::default())).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Credentials);
    assert_eq!(error.code.as_deref(), Some("SignatureDoesNotMatch"));
}

#[test]
fn a_clock_that_is_an_hour_off_is_corrected_once_and_for_all() {
    let theirs = clock();
    let fake = FakeAws::start(world(), theirs.clone()).unwrap();
    let ours = Arc::new(StandingClock::at(theirs.now().plus_seconds(-3600)));
    let (client, notes) = client_by(fake.url(), None, ours, Keys("example"));
    for _ in 0..2 {
        drop(wait_for(ask(&client, &DescribeVpcs, Target::default())).unwrap());
    }
    assert_eq!(client.clock_ahead_seconds(), Some(3600));
    let retries: Vec<u32> = notes.records().iter().map(|r| r.retries).collect();
    assert_eq!((retries, fake.asked().len()), (vec![1, 0], 3));
}

#[test]
fn an_account_is_entered_only_with_the_right_external_id() {
    let (clock, mut world) = (clock(), world());
    world.here(ACCOUNTS[1], "eu-west-1").detectors.push(("d1".into(), "ENABLED".into()));
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), hop("an-outside-id"), clock.clone(), Keys("example"));
    let seen = wait_for(ask(&client, &GetDetector("d1"), other())).unwrap();
    assert_eq!(seen.pages[0]["status"], "ENABLED");
    let (client, _) = client_by(fake.url(), hop("guessed"), clock, Keys("example"));
    let error = wait_for(ask(&client, &GetDetector("d1"), other())).unwrap_err();
    assert!(error.to_string().contains("not authorized to perform: sts:AssumeRole"), "{error}");
}

#[test]
fn a_role_s_credentials_are_renewed_before_they_end() {
    let (clock, mut world) = (clock(), world());
    world.here(ACCOUNTS[1], "eu-west-1").detectors.push(("d1".into(), "ENABLED".into()));
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, notes) =
        client_by(fake.url(), hop("an-outside-id"), clock.clone(), Keys("example"));
    let began = clock.now();
    for minutes in [0, 30, 54, 56, 120, 600] {
        clock.set(began.plus_seconds(minutes * 60));
        drop(wait_for(ask(&client, &GetDetector("d1"), other())).unwrap());
    }
    let assumed = notes.records().iter().filter(|r| r.operation == "AssumeRole").count();
    assert_eq!(assumed, 4, "at the start, five minutes before the end, and after each long pause");
}

#[test]
fn a_deletion_without_an_answer_is_made_again_and_nothing_is_lost() {
    let (clock, mut world) = (clock(), world());
    let now = clock.now();
    (0..25).for_each(|n| world.here(ACCOUNTS[0], HERE).send("logs", &format!("b{n}"), now));
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock.clone(), Keys("example"));
    fake.fault("sqs:ReceiveMessage", Fault::Throttle, 2);
    fake.fault("sqs:DeleteMessageBatch", Fault::SilentAfterEffect, 1);
    fake.fault("sqs:DeleteMessageBatch", Fault::Error, 1);
    wait_for(async {
        let queue = Sqs::over(client, "logs").await.unwrap();
        let mut done = 0;
        loop {
            let messages = queue.receive(10, 0, 60).await.unwrap();
            if messages.is_empty() {
                break;
            }
            let receipts: Vec<String> = messages.iter().map(|m| m.receipt.clone()).collect();
            // What was deleted without an answer is told as not deleted the second time: SQS takes a
            // receipt again, and so does the stand-in.
            assert_eq!(queue.delete(&receipts).await.unwrap(), Vec::<String>::new());
            done += receipts.len();
        }
        assert_eq!(done, 25);
    });
    assert!(fake.world().here(ACCOUNTS[0], HERE).queues["logs"].is_empty());
}

#[test]
fn a_message_comes_again_when_its_time_is_over_and_not_before() {
    let (clock, mut world) = (clock(), world());
    let began = clock.now();
    world.here(ACCOUNTS[0], HERE).send("logs", "b", began);
    world.stale_reads = 1;
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock.clone(), Keys("example"));
    wait_for(async {
        let queue = Sqs::over(client, "logs").await.unwrap();
        let first = queue.receive(1, 0, 60).await.unwrap();
        // SQS counts approximately: the first look still shows what was.
        assert_eq!(queue.depth().await.unwrap().waiting, 1);
        assert_eq!(queue.depth().await.unwrap().in_flight, 1);
        clock.set(began.plus_seconds(50));
        assert!(queue.extend(&[first[0].receipt.clone()], 60).await.unwrap().is_empty());
        clock.set(began.plus_seconds(100));
        assert!(queue.receive(1, 0, 60).await.unwrap().is_empty());
        clock.set(began.plus_seconds(111));
        assert_eq!(queue.receive(1, 0, 60).await.unwrap()[0].deliveries, 2);
        // What is no longer in flight cannot be extended.
        clock.set(began.plus_seconds(1000));
        assert_eq!(queue.extend(&["0-2".to_owned()], 60).await.unwrap(), ["0-2"]);
    });
}

#[test]
fn a_publication_without_an_answer_is_there_once() {
    let clock = clock();
    let fake = FakeAws::start(world(), clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock, Keys("example"));
    fake.fault("sns:Publish", Fault::SilentAfterEffect, 1);
    let parcel = |subject: &str| Parcel::Sns {
        to: SnsTarget::Topic(format!("arn:aws:sns:{HERE}:{}:t", ACCOUNTS[0])),
        subject: Some(subject.into()),
        message: "m".into(),
        attributes: Vec::new(),
    };
    let outcome = wait_for(Sns::new(client.clone()).carry(&parcel("s")));
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    assert_eq!(fake.world().here(ACCOUNTS[0], HERE).published.len(), 1);
    let long = wait_for(Sns::new(client).carry(&parcel(&"x".repeat(101))));
    assert!(matches!(long, Outcome::Refused { .. }), "{long:?}");
}

#[test]
fn what_is_denied_is_told_as_denied_in_every_service_s_words() {
    let (clock, mut world) = (clock(), world());
    for action in ["organizations:ListAccounts", "ec2:DescribeVpcs", "guardduty:GetDetector"] {
        world.deny(ACCOUNTS[0], action);
    }
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock, Keys("example"));
    let kinds = wait_for(async {
        [
            ask(&client, &ListAccounts, Target::default()).await.map(drop).unwrap_err().kind,
            ask(&client, &DescribeVpcs, Target::default()).await.map(drop).unwrap_err().kind,
            ask(&client, &GetDetector("d"), Target::default()).await.map(drop).unwrap_err().kind,
        ]
    });
    assert_eq!(kinds, [AwsErrorKind::Denied; 3]);
}

#[test]
fn logs_are_read_over_small_pages() {
    let (clock, mut world) = (clock(), world());
    let now = clock.now();
    let event = |n: i64| json!({"eventId": n.to_string(), "timestamp": now.micros() / 1000 - n, "message": "m", "logStreamName": "s"});
    world.here(ACCOUNTS[0], HERE).log_groups.insert("g".into(), (0..7).map(event).collect());
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock, Keys("example"));
    let pull = LogsPull::new(client, "g", ACCOUNTS[0], Target::default()).unwrap();
    let (mut cursor, mut events, mut pages) = (Cursor::from(now.plus_seconds(-60)), 0, 0);
    loop {
        let page = wait_for(pull.page(&cursor, now)).unwrap();
        (events, pages, cursor) = (events + page.events, pages + 1, page.cursor);
        if page.done {
            break;
        }
    }
    assert_eq!((events, pages), (7, 4));
}

/// boto3 signs by its own means, and reads answers by AWS's own models.
const BOTO3: &str = r#"
import sys, boto3
from botocore.exceptions import ClientError
endpoint = sys.argv[1]
def client(service, **more):
    keys = dict(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name="eu-central-1")
    return boto3.client(service, endpoint_url=endpoint, **{**keys, **more})
assert client("sts").get_caller_identity()["Account"] == "111122223333"
role = client("sts").assume_role(RoleArn="arn:aws:iam::222233334444:role/watchkeeper-reader",
    RoleSessionName="boto", ExternalId="an-outside-id")["Credentials"]
assert role["Expiration"].year >= 2026, role
there = client("sts", aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"],
    aws_session_token=role["SessionToken"])
assert there.get_caller_identity()["Account"] == "222233334444"
accounts = [a for p in client("organizations").get_paginator("list_accounts").paginate() for a in p["Accounts"]]
assert len(accounts) == 3, accounts
regions = client("ec2").describe_regions()["Regions"]
assert [r["RegionName"] for r in regions] == ["eu-central-1", "eu-west-1"], regions
vpcs = [v for p in client("ec2").get_paginator("describe_vpcs").paginate() for v in p["Vpcs"]]
assert [v["VpcId"] for v in vpcs] == ["vpc-1", "vpc-2", "vpc-3"], vpcs
logs = client("ec2").describe_flow_logs()["FlowLogs"]
assert logs[0]["DeliverLogsStatus"] == "SUCCESS", logs
assert client("guardduty").list_detectors()["DetectorIds"] == ["d1"]
assert client("guardduty").get_detector(DetectorId="d1")["Status"] == "ENABLED"
assert client("config").describe_configuration_recorders()["ConfigurationRecorders"][0]["name"] == "default"
assert client("config").describe_configuration_recorder_status()["ConfigurationRecordersStatus"][0]["recording"] is True
assert client("securityhub").describe_hub()["HubArn"].endswith("hub/default")
trail = client("cloudtrail").describe_trails()["trailList"][0]
assert trail["LogFileValidationEnabled"] and trail["S3BucketName"] == "b", trail
status = client("cloudtrail").get_trail_status(Name=trail["TrailARN"])
assert status["IsLogging"] and status["LatestDeliveryTime"].year >= 2026, status
assert client("kms").describe_key(KeyId="arn:k")["KeyMetadata"]["KeyState"] == "Enabled"
sqs = client("sqs")
url = sqs.get_queue_url(QueueName="logs")["QueueUrl"]
message = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"][0]
assert message["Body"] == "b <&>" and message["Attributes"]["ApproximateReceiveCount"] == "1", message
done = sqs.delete_message_batch(QueueUrl=url, Entries=[dict(Id="0", ReceiptHandle=message["ReceiptHandle"]), dict(Id="1", ReceiptHandle="never")])
assert [s["Id"] for s in done["Successful"]] == ["0"] and [f["Id"] for f in done["Failed"]] == ["1"], done
assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"] == "0"
assert client("sns").publish(TopicArn="arn:aws:sns:eu-central-1:111122223333:t", Message="m")["MessageId"]
assert len(client("logs").filter_log_events(logGroupName="g", startTime=0)["events"]) == 1
def refused(code, call, **words):
    try: call(**words)
    except ClientError as e: assert e.response["Error"]["Code"] == code, e
    else: raise AssertionError(code)
refused("AccessDenied", client("sts").assume_role, RoleArn="arn:aws:iam::222233334444:role/watchkeeper-reader", RoleSessionName="boto")
refused("AccessDenied", client("sts").assume_role, RoleArn="arn:aws:iam::222233334444:role/nobody", RoleSessionName="boto", ExternalId="an-outside-id")
refused("SignatureDoesNotMatch", client("sts", aws_secret_access_key="wrong").get_caller_identity)
refused("InvalidAccessException", client("securityhub", region_name="eu-west-1").describe_hub)
refused("OptInRequired", client("cloudtrail", region_name="us-east-1").describe_trails)
refused("TrailNotFoundException", client("cloudtrail").get_trail_status, Name="nobody")
refused("InvalidParameterValue", client("ec2").describe_vpcs, MaxResults=1001)
refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="nobody")
"#;

#[test]
fn moto_boto3_finds_nothing_strange_in_the_stand_in() {
    let Some(python) = python() else { return };
    // boto3 signs with this machine's time, so the stand-in judges by it.
    let clock = Arc::new(SystemTime);
    let mut world = world();
    let now = clock.now();
    let here = world.here(ACCOUNTS[0], HERE);
    here.vpcs = (1..=3).map(|n| format!("vpc-{n}")).collect();
    here.flow_logs.push(("fl-1".into(), "vpc-1".into(), "SUCCESS".into()));
    here.detectors.push(("d1".into(), "ENABLED".into()));
    here.recorders.push(("default".into(), true));
    here.hub = true;
    here.keys.insert("arn:k".into(), "Enabled".into());
    here.send("logs", "b <&>", now);
    here.log_groups.insert(
        "g".into(),
        vec![json!({"eventId": "1", "timestamp": 5, "message": "m", "logStreamName": "s"})],
    );
    here.trails.push(wk_fake_aws::Trail {
        name: "t".into(),
        bucket: "b".into(),
        logging: true,
        delivered: Some(now),
        digests: true,
        key: None,
    });
    let fake = FakeAws::start(world, clock).unwrap();
    let done = Command::new(python)
        .args(["-c", BOTO3, fake.url()])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

struct SystemTime;

impl wk_seam::clock::Clock for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "boto3 takes the system's time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
    }
}
