//! `inventory` and `check`, against moto: from AWS's answers to verdicts that stay.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::program::{Ended, Home, ended};
use crate::s3::Moto;

/// An account in which some things are as they should be and others are not.
const WORLD: &str = r#"
import json, boto3
def client(service, region="eu-central-1"):
    return boto3.client(service, endpoint_url=endpoint, **{**keys, "region_name": region})
client("organizations").create_organization(FeatureSet="ALL")
s3.create_bucket(Bucket="org-trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
open = {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"}
s3.put_bucket_policy(Bucket="photos", Policy=json.dumps({"Version": "2012-10-17", "Statement": [open]}))
key = client("kms").create_key()["KeyMetadata"]["Arn"]
trail = client("cloudtrail")
trail.create_trail(Name="org", S3BucketName="org-trail", IsMultiRegionTrail=True, EnableLogFileValidation=True, KmsKeyId=key)
trail.start_logging(Name="org")
client("guardduty").create_detector(Enable=True, FindingPublishingFrequency="FIFTEEN_MINUTES")
iam = client("iam")
iam.create_user(UserName="ana")
iam.create_login_profile(UserName="ana", Password="Xx1!abcdefghijk")
code = b"x"
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
client("lambda").create_function(FunctionName="f", Runtime="python3.11", Role=role, Handler="x.y", Code={"ZipFile": code}, Environment={"Variables": {"DB_PASSWORD": "hunter2"}})
logs = client("logs")
for n in range(60):
    logs.create_log_group(logGroupName=f"g{n:03}")
"#;

/// What was wrong is mended, and what was right is broken.
const DRIFT: &str = r#"
import boto3
def client(service, region="eu-central-1"):
    return boto3.client(service, endpoint_url=endpoint, **{**keys, "region_name": region})
s3.delete_bucket_policy(Bucket="photos")
client("cloudtrail").stop_logging(Name="org")
"#;

fn run(home: &Home, moto: &Moto, args: &[&str]) -> Ended {
    let mut command = home.command(args);
    command
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &moto.endpoint);
    ended(command.output().unwrap())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// Services of which moto answers every question; what it does not know is asked again and again.
const SERVICES: &[&str] = &["cloudtrail", "ec2", "iam", "kms", "lambda", "logs", "s3", "sns"];

fn walk(home: &Home, moto: &Moto, services: &[&str]) -> Value {
    let mut args = vec!["inventory", "run", "--json", "--region", "eu-central-1"];
    services.iter().for_each(|service| args.extend(["--service", service]));
    let done = run(home, moto, &args);
    assert!(matches!(done.code, Some(0 | 4)), "{done:?}");
    json(&done)
}

/// Verdicts by check and resource.
fn verdicts(report: &Value) -> BTreeMap<(String, String), (String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|r| {
        ((text(&r["check"]), text(&r["resource"])), (text(&r["verdict"]), text(&r["was"])))
    })
    .collect()
}

#[test]
fn moto_answers_become_verdicts_and_a_drift_is_a_finding() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(WORLD, &[]);
    let home = Home::new();
    let none = run(&home, &moto, &["check", "run"]);
    assert_eq!(none.code, Some(3));
    assert!(none.err.contains("watchkeeper inventory run"), "{}", none.err);

    let walked = walk(&home, &moto, SERVICES);
    assert_eq!(walked["accounts"], serde_json::json!(["123456789012"]));
    assert!(walked["captures"]["answered"].as_u64().unwrap() > 40, "{walked}");
    let groups = run(&home, &moto, &["inventory", "show", "logs:DescribeLogGroups", "--json"]);
    let pages = json(&groups)[0]["answer"].as_array().unwrap().len();
    assert_eq!(pages, 2, "60 groups are two pages");
    let functions = run(&home, &moto, &["inventory", "show", "lambda", "--json"]);
    assert!(functions.out.contains("DB_PASSWORD") && !functions.out.contains("hunter2"));

    let judged = run(&home, &moto, &["check", "run", "--json"]);
    assert_eq!(judged.code, Some(4), "GuardDuty was not asked: {}", judged.err);
    let seen = verdicts(&json(&judged));
    let verdict = |check: &str, resource: &str| seen[&(check.into(), resource.into())].0.clone();
    assert_eq!(verdict("S3_BUCKET_PUBLIC_READ_PROHIBITED", "photos"), "NON_COMPLIANT");
    assert_eq!(verdict("S3_BUCKET_PUBLIC_READ_PROHIBITED", "org-trail"), "COMPLIANT");
    assert_eq!(verdict("MULTI_REGION_CLOUD_TRAIL_ENABLED", "123456789012"), "COMPLIANT");
    assert_eq!(verdict("MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "ana"), "NON_COMPLIANT");
    assert_eq!(verdict("GUARDDUTY_ENABLED_CENTRALIZED", "123456789012"), "NO_DATA");
    let fail = run(&home, &moto, &["check", "run", "--no-record", "--fail-on", "high"]);
    assert_eq!(fail.code, Some(1));

    moto.do_in_python(DRIFT, &[]);
    walk(&home, &moto, SERVICES);
    let judged = run(&home, &moto, &["check", "run", "--json"]);
    let seen = verdicts(&json(&judged));
    let row = |check: &str, resource: &str| seen[&(check.into(), resource.into())].clone();
    let pair = |now: &str, was: &str| (now.to_owned(), was.to_owned());
    let photos = row("S3_BUCKET_PUBLIC_READ_PROHIBITED", "photos");
    assert_eq!(photos, pair("COMPLIANT", "NON_COMPLIANT"));
    let trail = row("MULTI_REGION_CLOUD_TRAIL_ENABLED", "123456789012");
    assert_eq!(trail, pair("NON_COMPLIANT", "COMPLIANT"));

    let findings = run(&home, &moto, &["findings", "list", "--product", "posture", "--json"]);
    let told = &findings.out;
    assert!(told.contains("MULTI_REGION_CLOUD_TRAIL_ENABLED"), "{told}");
    assert!(!told.contains("S3_BUCKET_PUBLIC_READ_PROHIBITED"), "{told}");
    let history = run(
        &home,
        &moto,
        &["check", "history", "S3_BUCKET_PUBLIC_READ_PROHIBITED", "--resource", "photos", "--json"],
    );
    let changes: Vec<Value> = serde_json::from_str(&history.out).unwrap();
    let changes: Vec<&str> = changes.iter().map(|c| c["verdict"].as_str().unwrap()).collect();
    assert_eq!(changes, ["NON_COMPLIANT", "COMPLIANT"]);
}

#[test]
fn slow_a_capture_in_a_log_bucket_is_not_taken_for_ours() {
    let home = Home::new();
    let folder = home.path().with_file_name("logs");
    std::fs::create_dir_all(&folder).unwrap();
    let forged = r#"{"captureId":"x","run":"r9","service":"sts","operation":"GetCallerIdentity","parameters":{},"account":"111122223333","region":"global","capturedAt":"2026-11-22T10:00:00Z","principal":"","requestIds":[],"outcome":"answered","answerSha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","answer":[]}"#;
    std::fs::write(folder.join("x.json"), forged).unwrap();
    home.run(["ingest", &folder.display().to_string()]);
    let judged = home.run(["check", "run"]);
    assert_eq!(judged.code, Some(3), "{judged:?}");
    assert!(judged.err.contains("there is no inventory yet"), "{}", judged.err);
}

#[test]
fn moto_every_answer_is_kept_whole_with_call_request_time_and_hash() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(WORLD, &[]);
    let home = Home::new();
    walk(&home, &moto, &["cloudtrail", "config", "ec2", "logs"]);
    for question in [
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "ec2:DescribeFlowLogs",
        "logs:DescribeLogGroups",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannels",
    ] {
        let shown = json(&run(&home, &moto, &["inventory", "show", question, "--json"]));
        let capture = &shown[0];
        assert_eq!(capture["outcome"], "answered", "{question}");
        let pages = capture["answer"].as_array().unwrap().len();
        let requests = capture["requestIds"].as_array().unwrap().len();
        assert!(pages > 0 && pages == requests, "{question}: {pages} {requests}");
        for member in ["capturedAt", "principal", "account", "region", "answerSha256"] {
            assert!(capture[member].as_str().is_some_and(|t| !t.is_empty()), "{question} {member}");
        }
        // What is kept has the digest that it is kept under: nothing was masked in these.
        let text: String =
            capture["answer"].as_array().unwrap().iter().map(Value::to_string).collect();
        let digest = wk_model::Sha256::of(text.as_bytes()).to_string();
        assert_eq!(capture["answerSha256"], digest, "{question}");
    }
    let verified = home.run(["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
