//! botocore as the judge: what it would send for the same call, and what it reads in an answer.
//!
//! A request of ours and one of botocore's are the same if method, path, the headers that say what
//! it is, and the body are; members of JSON and fields of a form may come in another order.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wk_aws::{Cursor, LogsPull, Sns, Sqs};
use wk_model::{AccountId, Timestamp};
use wk_seam::aws::{Target, ask};
use wk_seam::courier::{Courier as _, Parcel, SnsTarget};
use wk_seam::queue::Queue as _;
use wk_watch::inventory::Item;

use crate::calls::{DescribeVpcs, GetDetector, ListAccounts};
use crate::moto::python;
use crate::service::{Asked, Service, client, wait_for};

/// Takes lines `[service, operation, parameters]`, answers lines with what botocore sends.
const SEND: &str = r#"
import json, sys
import botocore.session
from botocore.awsrequest import AWSResponse
class Nothing:
    def stream(self, **_): yield b""
session = botocore.session.get_session()
session.set_credentials("AKIAEXAMPLE", "example")
for line in sys.stdin:
    service, operation, parameters = json.loads(line)
    client = session.create_client(service, region_name="eu-central-1", endpoint_url="http://127.0.0.1:9")
    sent = {}
    def keep(request, **_):
        body = request.body or b""
        sent.update(method=request.method, path=request.url.split("127.0.0.1:9", 1)[1] or "/",
            body=body.decode() if isinstance(body, bytes) else body,
            headers={k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()})
        return AWSResponse(request.url, 200, {}, Nothing())
    client.meta.events.register("before-send", keep)
    try:
        client._make_api_call(operation, parameters)
    except Exception as e:
        if not sent: raise
    print(json.dumps(sent), flush=True)
"#;

/// What botocore would send for these calls.
pub(crate) fn sends(calls: &[(&str, &str, Value)]) -> Option<Vec<Asked>> {
    let mut process = Command::new(python()?)
        .args(["-c", SEND])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    for (service, operation, parameters) in calls {
        writeln!(input, "{}", json!([service, operation, parameters])).unwrap();
    }
    drop(input);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let sent: Vec<Asked> = lines.lines().map(asked).collect();
    assert_eq!(sent.len(), calls.len());
    Some(sent)
}

fn asked(line: &str) -> Asked {
    let sent: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| sent[name].as_str().unwrap().to_owned();
    let headers = sent["headers"].as_object().unwrap().iter();
    Asked {
        method: text("method"),
        path: text("path"),
        headers: headers.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect(),
        body: text("body"),
    }
}

/// Fails where a request of ours says something else than botocore's.
pub(crate) fn assert_alike(ours: &Asked, theirs: &Asked) {
    assert_eq!((&ours.method, fields(&ours.path)), (&theirs.method, fields(&theirs.path)));
    for name in ["content-type", "x-amz-target"] {
        // botocore names no type where there is no body.
        if !theirs.body.is_empty() {
            assert_eq!(ours.header(name), theirs.header(name), "{name} of {ours:?}");
        }
    }
    if theirs.header("content-type").contains("json") {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&ours.body), read(&theirs.body));
    } else {
        assert_eq!(fields(&ours.body), fields(&theirs.body));
    }
}

/// The fields of a form, or of what is behind a `?`, as they are meant.
fn fields(form: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| percent_read(&text.replace('+', " "));
    let pairs = form.split(['?', '&']).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (plain(name), plain(value))).collect()
}

fn percent_read(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let digits = String::from_utf8(digits).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// What our client sends while this is done.
fn ours(work: impl AsyncFnOnce(wk_aws::Client, String)) -> Vec<Asked> {
    let service = Service::start(|_, asked| match asked.method.as_str() {
        "POST" if asked.body.starts_with("Action") => (200, Vec::new(), "<R/>".into()),
        _ => (200, Vec::new(), json!({"Accounts": []}).to_string()),
    });
    let (client, _) = client(&service.url);
    wait_for(work(client, service.url.clone()));
    service.asked()
}

#[test]
fn moto_botocore_sends_the_same_for_every_call_of_the_queue() {
    let sent = ours(async |client, url| {
        let queue = Sqs::over(client.clone(), &format!("{url}/1/q")).await.unwrap();
        queue.receive(7, 3, 45).await.unwrap();
        let receipts = ["a+b/c==".to_owned(), "d".to_owned()];
        queue.delete(&receipts).await.unwrap();
        queue.extend(&receipts, 90).await.unwrap();
        queue.depth().await.unwrap();
        drop(Sqs::over(client, "arn:aws:sqs:eu-central-1:111122223333:logs").await);
    });
    let url = "q";
    let names = ["ApproximateReceiveCount", "SentTimestamp"];
    let counts = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ];
    let entry = |id: &str, handle: &str| json!({"Id": id, "ReceiptHandle": handle});
    let longer = |id: &str, handle: &str| json!({"Id": id, "ReceiptHandle": handle, "VisibilityTimeout": 90});
    let calls = [
        (
            "sqs",
            "ReceiveMessage",
            json!({"QueueUrl": url, "MaxNumberOfMessages": 7, "WaitTimeSeconds": 3, "VisibilityTimeout": 45, "MessageSystemAttributeNames": names}),
        ),
        (
            "sqs",
            "DeleteMessageBatch",
            json!({"QueueUrl": url, "Entries": [entry("0", "a+b/c=="), entry("1", "d")]}),
        ),
        (
            "sqs",
            "ChangeMessageVisibilityBatch",
            json!({"QueueUrl": url, "Entries": [longer("0", "a+b/c=="), longer("1", "d")]}),
        ),
        ("sqs", "GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": counts})),
        (
            "sqs",
            "GetQueueUrl",
            json!({"QueueName": "logs", "QueueOwnerAWSAccountId": "111122223333"}),
        ),
    ];
    let Some(theirs) = sends(&calls) else { return };
    assert_eq!(sent.len(), theirs.len());
    for (mut ours, theirs) in sent.into_iter().zip(theirs) {
        // The queue lies at the stand-in's address, which botocore cannot know.
        if let Ok(Value::Object(mut body)) = serde_json::from_str(&ours.body)
            && body.contains_key("QueueUrl")
        {
            body.insert("QueueUrl".into(), url.into());
            ours.body = Value::Object(body).to_string();
        }
        assert_alike(&ours, &theirs);
    }
}

#[test]
fn moto_botocore_sends_the_same_in_every_protocol() {
    let sent = ours(async |client, _| {
        drop(ask(&client, &ListAccounts, Target::default()).await);
        drop(ask(&client, &DescribeVpcs, Target::default()).await);
        drop(ask(&client, &GetDetector("a/b c"), Target::default()).await);
    });
    let filters = json!([{"Name": "is-default", "Values": ["true"]}]);
    let calls = [
        ("organizations", "ListAccounts", json!({"MaxResults": 2})),
        ("ec2", "DescribeVpcs", json!({"Filters": filters})),
        ("guardduty", "GetDetector", json!({"DetectorId": "a/b c"})),
    ];
    let Some(theirs) = sends(&calls) else { return };
    assert_eq!(sent.len(), theirs.len());
    sent.iter().zip(&theirs).for_each(|(ours, theirs)| assert_alike(ours, theirs));
}

#[test]
fn moto_botocore_sends_the_same_for_sns_logs_and_roles() {
    let other = AccountId::try_from("444455556666".to_owned()).unwrap();
    let sent = ours(async |client, _| {
        let topic = "arn:aws:sns:eu-central-1:1:t".to_owned();
        let parcel = |to, subject: Option<&str>| Parcel::Sns {
            to,
            subject: subject.map(str::to_owned),
            message: "ü & =+".into(),
            attributes: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
        };
        let sns = Sns::new(client.clone());
        sns.carry(&parcel(SnsTarget::Topic(topic), Some("s"))).await;
        sns.carry(&parcel(SnsTarget::Phone("+1".into()), None)).await;
        drop(client.log_groups(&Target::default()).await);
        let pull = LogsPull::new(client.clone(), "g", "1", Target::default()).unwrap();
        drop(pull.page(&Cursor::default(), Timestamp::from_seconds(9)).await);
        let there = Target { account: Some(other), region: None };
        drop(ask(&client, &ListAccounts, there).await);
    });
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({"a": text("1"), "b": text("2")});
    let role = "arn:aws:iam::444455556666:role/watchkeeper-reader";
    let calls = [
        (
            "sns",
            "Publish",
            json!({"TopicArn": "arn:aws:sns:eu-central-1:1:t", "Subject": "s", "Message": "ü & =+", "MessageAttributes": attributes}),
        ),
        (
            "sns",
            "Publish",
            json!({"PhoneNumber": "+1", "Message": "ü & =+", "MessageAttributes": attributes}),
        ),
        ("logs", "DescribeLogGroups", json!({"limit": 50})),
        (
            "logs",
            "FilterLogEvents",
            json!({"logGroupName": "g", "startTime": 0, "endTime": 9000, "limit": 10000}),
        ),
        (
            "sts",
            "AssumeRole",
            json!({"RoleArn": role, "RoleSessionName": "watchkeeper", "DurationSeconds": 3600, "ExternalId": "an-outside-id"}),
        ),
    ];
    let Some(theirs) = sends(&calls) else { return };
    assert_eq!(sent.len(), theirs.len());
    sent.iter().zip(&theirs).for_each(|(ours, theirs)| assert_alike(ours, theirs));
}

/// What a question is asked with in the test, beside its fixed parameters.
fn example(key: &str) -> Value {
    let arn = "arn:aws:x:eu-central-1:111122223333:thing/a";
    match key {
        "cloudtrail:GetTrailStatus" => json!({"Name": arn}),
        "cloudtrail:GetEventSelectors" | "cloudtrail:GetInsightSelectors" => {
            json!({"TrailName": arn})
        }
        "monitoring:GetDashboard" => json!({"DashboardName": "d"}),
        "monitoring:ListMetrics" => json!({"Namespace": "N", "MetricName": "M"}),
        "eks:DescribeCluster" => json!({"name": "c d"}),
        "elasticloadbalancing:DescribeLoadBalancerAttributes" => json!({"LoadBalancerArn": arn}),
        "events:ListRules" => json!({"EventBusName": "default"}),
        "events:ListTargetsByRule" => json!({"EventBusName": "default", "Rule": "r"}),
        "guardduty:GetFindings" => json!({"DetectorId": "d", "findingIds": ["f", "g"]}),
        "guardduty:GetAdministratorAccount"
        | "guardduty:GetDetector"
        | "guardduty:ListFindings"
        | "guardduty:ListMembers" => json!({"DetectorId": "d"}),
        "iam:GetAccessKeyLastUsed" => json!({"AccessKeyId": "AKIAEXAMPLEEXAMPLE"}),
        "iam:GetLoginProfile" | "iam:ListAccessKeys" | "iam:ListMFADevices" => {
            json!({"UserName": "ana"})
        }
        "kms:DescribeKey" | "kms:GetKeyRotationStatus" => json!({"KeyId": "k"}),
        "sns:GetTopicAttributes" | "sns:ListSubscriptionsByTopic" => json!({"TopicArn": arn}),
        "ssm:DescribeInstancePatchStates" => json!({"InstanceIds": ["i-0123456789abcdef0"]}),
        "wafv2:GetLoggingConfiguration" => json!({"ResourceArn": arn}),
        "wafv2:GetWebACL" => json!({"Name": "n", "Id": "i"}),
        "wafv2:ListResourcesForWebACL" => json!({"WebACLArn": arn}),
        "s3:ListBuckets" => json!({}),
        s3 if s3.starts_with("s3:") => json!({"Bucket": "a-bucket"}),
        _ => json!({}),
    }
}

/// As botocore calls a service, and a parameter that travels under another name.
fn in_models(service: &'static str, mut parameters: Value) -> (&'static str, Value) {
    for (ours, theirs) in [("Owner", "OwnerIds"), ("findingIds", "FindingIds")] {
        if let Some(value) = parameters.as_object_mut().and_then(|p| p.shift_remove(ours)) {
            parameters[theirs] = value;
        }
    }
    if parameters.as_object_mut().is_some_and(|p| p.shift_remove("findingCriteria").is_some()) {
        let severity = json!({"GreaterThanOrEqual": 7});
        parameters["FindingCriteria"] = json!({"Criterion": {"severity": severity}});
    }
    let service = match service {
        "elasticloadbalancing" => "elbv2",
        other => other,
    };
    (service, parameters)
}

#[test]
fn moto_botocore_sends_the_same_for_every_question_of_the_inventory() {
    // botocore speaks to CloudWatch in a protocol of its own by now; the old one is AWS's still.
    let items: Vec<&'static Item> =
        wk_watch::inventory::items().filter(|i| i.operation.service != "monitoring").collect();
    let service = Service::start(|_, asked| {
        let xml =
            asked.body.starts_with("Action") || asked.header("authorization").contains("/s3/");
        (200, Vec::new(), if xml { "<R/>" } else { "{}" }.to_owned())
    });
    let (client, _) = client(&service.url);
    let mut calls = Vec::new();
    for item in &items {
        let parameters = item.with(&example(&item.key()));
        let (name, in_models) = in_models(item.operation.service, parameters.clone());
        calls.push((name, item.operation.name, in_models));
        let call = wk_seam::aws::ReadCall {
            operation: &item.operation,
            parameters,
            target: Target::default(),
            pages_max: 1,
            from: None,
        };
        drop(wait_for(wk_seam::aws::AwsRead::read(&client, &call)).unwrap());
    }
    let sent = service.asked();
    let Some(theirs) = sends(&calls) else { return };
    assert_eq!((sent.len(), theirs.len()), (items.len(), items.len()));
    assert!(items.len() > 60, "{}", items.len());
    for (mut ours, theirs) in sent.into_iter().zip(&theirs) {
        // An operation without any member has an empty object here, and no body there.
        if theirs.body.is_empty() && ours.body == "{}" {
            ours.body.clear();
        }
        assert_alike(&ours, theirs);
    }
}
