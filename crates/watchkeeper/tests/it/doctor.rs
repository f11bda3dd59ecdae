//! `doctor` and `init`, against moto with three accounts.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Ended, Home, ended};
use crate::s3::Moto;

const MANAGEMENT: &str = "111122223333";
const SECURITY: &str = "444455556666";

/// An organization of three: trail, detector, recorder and key in one region of the management
/// account. moto keeps each account apart; who calls is told by the role that was assumed.
const WORLD: &str = r#"
import json, boto3
from datetime import datetime, timezone
def client(service, region="eu-central-1", account=None):
    c = keys
    if account:
        role = boto3.client("sts", endpoint_url=endpoint, **keys).assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/x", RoleSessionName="world")["Credentials"]
        c = dict(aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"],
            aws_session_token=role["SessionToken"], region_name=region)
    return boto3.client(service, endpoint_url=endpoint, **{**c, "region_name": region})
org = client("organizations")
org.create_organization(FeatureSet="ALL")
members = [org.create_account(AccountName=n, Email=f"{n}@example.com")["CreateAccountStatus"]["AccountId"] for n in ("audit", "shop")]
org.register_delegated_administrator(AccountId=members[0], ServicePrincipal="guardduty.amazonaws.com")
s3.create_bucket(Bucket="org-trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
for n in range(7):
    s3.put_object(Bucket="org-trail", Key=f"AWSLogs/1/CloudTrail/eu-central-1/2026/01/0{n+1}/x.json.gz", Body=b"x" * 100)
key = client("kms").create_key()["KeyMetadata"]["Arn"]
trail = client("cloudtrail")
trail.create_trail(Name="org", S3BucketName="org-trail", IsMultiRegionTrail=True, EnableLogFileValidation=True, KmsKeyId=key)
trail.start_logging(Name="org")
trail.create_trail(Name="asleep", S3BucketName="org-trail")
client("guardduty").create_detector(Enable=True)
config = client("config")
config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::123456789012:role/c"})
client("sqs").create_queue(QueueName="watchkeeper")
print(json.dumps(members))
"#;

fn doctor(home: &Home, moto: &Moto, args: &[&str]) -> Ended {
    let mut command = home.command(["doctor"]);
    command
        .args(args)
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &moto.endpoint);
    ended(command.output().unwrap())
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// The verdicts of a subject, with what they are of.
fn verdicts(report: &Value, subject: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = report["lines"].as_array().unwrap().iter();
    lines
        .filter(|l| l["subject"] == subject)
        .map(|l| (text(&l["verdict"]), text(&l["what"])))
        .collect()
}

fn has(report: &Value, subject: &str, verdict: &str, what: &str) -> bool {
    verdicts(report, subject).iter().any(|(v, w)| v == verdict && w.contains(what))
}

#[test]
fn moto_doctor_says_what_is_there_what_sleeps_and_what_is_missing() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(WORLD, &[]);
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(
        home.path().join("config.toml"),
        "[aws]\nrole = 'watchkeeper-reader'\nexternal_id = 'an-outside-id'\n[[queue]]\nurl = 'watchkeeper'\n",
    )
    .unwrap();
    let args = ["--json", "--region", "eu-central-1", "--region", "eu-west-1"];
    let done = doctor(&home, &moto, &args);
    assert_eq!(done.code, Some(1), "something is stale: {}", done.err);
    let report = report(&done);
    let expected = [
        ("identity", "ok", "arn:aws:sts"),
        ("config", "ok", "config.toml"),
        ("ledger", "ok", ""),
        ("lake", "ok", ""),
        ("organization", "ok", "3 accounts"),
        ("organization", "ok", "delegated administrators"),
        ("role", "ok", "the reader"),
        ("trail", "ok", "org"),
        ("trail", "stale", "asleep"),
        ("key", "ok", "arn:aws:kms"),
        ("detector", "ok", ""),
        ("detector", "none", "GuardDuty"),
        ("recorder", "stale", "default"),
        ("hub", "none", "Security Hub"),
        ("flow log", "none", "networks"),
        ("bucket", "ok", "s3://org-trail"),
        ("queue", "ok", "watchkeeper"),
        ("clock", "ok", ""),
    ];
    for (subject, verdict, what) in expected {
        let seen = verdicts(&report, subject);
        assert!(has(&report, subject, verdict, what), "{subject} {verdict} {what}: {seen:?}");
    }
    assert_eq!(verdicts(&report, "role").len(), 3, "every active account was entered");
    let lines = report["lines"].as_array().unwrap();
    let pull = lines.iter().find(|l| l["subject"] == "first pull").unwrap();
    assert!(
        pull["say"].as_str().unwrap().starts_with("7 objects, 700 bytes; 1 LIST, 7 GET"),
        "{pull}"
    );
    let calls = report["calls"].as_array().unwrap();
    assert!(calls.len() > 20 && calls.iter().all(|c| c["answer_sha256"].is_string()), "{calls:?}");
    assert!(!done.out.contains("an-outside-id"), "the external id is nobody's business");
    let told = doctor(&home, &moto, &["--region", "eu-central-1"]);
    assert!(told.out.contains("calls to AWS, all of them reads"), "{}", told.out);
    assert!(told.out.contains("noted 2026"), "prices name their date: {}", told.out);
}

#[test]
fn moto_doctor_looks_into_other_accounts_by_the_role() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(
        &format!(
            "{WORLD}\nclient('guardduty', account='{SECURITY}').create_detector(Enable=True)\n"
        ),
        &[],
    );
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("config.toml"), "[aws]\nrole = 'watchkeeper-reader'\n")
        .unwrap();
    let args =
        ["--json", "--region", "eu-central-1", "--account", SECURITY, "--account", MANAGEMENT];
    let report = report(&doctor(&home, &moto, &args));
    let of = |account: &str, subject: &str| -> Vec<String> {
        let lines = report["lines"].as_array().unwrap().iter();
        lines
            .filter(|l| l["account"] == account && l["subject"] == subject)
            .map(|l| l["verdict"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of(SECURITY, "detector"), ["ok"]);
    assert_eq!(of(MANAGEMENT, "detector"), ["none"]);
    assert_eq!(of(MANAGEMENT, "trail"), ["none"]);
}

#[test]
fn a_broken_configuration_is_a_line_and_nobody_is_told_once() {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("config.toml"), "[aws]\nrol = 'x'\n").unwrap();
    let mut command = home.command(["doctor", "--json"]);
    command.env("HOME", home.path()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_REGION", "eu-central-1");
    let done = ended(command.output().unwrap());
    assert_eq!(done.code, Some(4), "{}", done.err);
    let report = report(&done);
    assert!(has(&report, "config", "failed", "config.toml"));
    let identity = verdicts(&report, "identity");
    assert_eq!(identity, [("failed".to_owned(), "we".to_owned())]);
    assert!(verdicts(&report, "trail").is_empty(), "without credentials nothing else is asked");
    assert!(done.out.contains("rol"), "{}", done.out);
}

fn init(home: &Home, folder: &Path, args: &[&str]) -> Ended {
    let folder = folder.display().to_string();
    let mut words = vec!["init", "--out", &folder];
    words.extend(args);
    home.run(words)
}

const WORDS: [&str; 11] = [
    "--account",
    MANAGEMENT,
    "--region",
    "eu-central-1",
    "--log-bucket",
    "org-trail",
    "--lake-bucket",
    "the-lake",
    "--external-id",
    "an-outside-id",
    "--json",
];

#[test]
fn init_writes_templates_and_never_over_files_of_the_user() {
    let home = Home::new();
    let folder = home.path().join("setup");
    let done = init(&home, &folder, &WORDS);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    for name in told["files"].as_array().unwrap() {
        let path = folder.join(name.as_str().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|e| e == "json") {
            serde_json::from_str::<Value>(&text).unwrap();
        }
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = init(&home, &folder, &WORDS);
    assert_eq!(again.code, Some(3));
    assert!(again.err.contains("is there already"), "{}", again.err);
    let missing = init(&home, &folder, &["--region", "eu-central-1"]);
    assert_eq!(missing.code, Some(2), "{}", missing.err);
    assert!(missing.err.contains("--account is needed"), "{}", missing.err);
}

#[test]
fn init_refuses_what_would_become_another_policy() {
    let home = Home::new();
    let sly = [
        ["--log-bucket", "b/*\", \"*"],
        ["--role", "r\"}"],
        ["--external-id", "x\"y"],
        ["--queue", "q:*"],
        ["--organization", "o-${x}"],
        ["--log-key", "arn:aws:kms:eu-west-1:1:key/*"],
    ];
    for words in sly {
        let mut args = vec!["--account", MANAGEMENT, "--region", "eu-central-1"];
        args.extend(words);
        let done = init(&home, &home.path().join("sly"), &args);
        assert_eq!(done.code, Some(2), "{words:?}: {}", done.err);
    }
}

#[test]
fn moto_the_templates_make_stacks_and_the_queue_takes_what_the_bucket_tells() {
    let Some(moto) = Moto::start() else { return };
    let home = Home::new();
    let folder = home.path().join("setup");
    assert_eq!(init(&home, &folder, &WORDS).code, Some(0));
    let code = r#"
import json
def client(service): return boto3.client(service, endpoint_url=endpoint, **keys)
folder = words[0]
read = lambda name: open(f"{folder}/{name}").read()
cfn = client("cloudformation")
for name in ("reader-role", "hub"):
    cfn.create_stack(StackName=name, TemplateBody=read(f"{name}.cloudformation.json"), Capabilities=["CAPABILITY_NAMED_IAM"])
    assert cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
iam = client("iam")
role = iam.get_role(RoleName="watchkeeper-reader")["Role"]
trust = role["AssumeRolePolicyDocument"]["Statement"][0]
assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "an-outside-id"}}, trust
never = iam.get_role_policy(RoleName="watchkeeper-reader", PolicyName="watchkeeper-never")["PolicyDocument"]
if isinstance(never, str): never = __import__("ast").literal_eval(never)  # as moto keeps what a stack made
assert all(s["Effect"] == "Deny" for s in never["Statement"]) and len(never["Statement"]) >= 7
policy = [p for p in iam.list_policies(Scope="Local")["Policies"] if p["PolicyName"] == "watchkeeper-service"]
assert len(policy) == 1, policy
s3.create_bucket(Bucket="org-trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
notification = json.loads(read("bucket-notification.json").replace("111122223333", "123456789012"))
s3.put_bucket_notification_configuration(Bucket="org-trail", NotificationConfiguration=notification)
s3.put_object(Bucket="org-trail", Key="AWSLogs/x", Body=b"x")
sqs = client("sqs")
url = sqs.get_queue_url(QueueName="watchkeeper")["QueueUrl"]
messages = []
for _ in range(3): messages += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
assert any("AWSLogs" in m["Body"] for m in messages), messages
attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (10, "10"), attributes
assert client("events").describe_rule(Name="watchkeeper-findings")["State"] == "ENABLED"
"#;
    moto.do_in_python(code, &[&folder.display().to_string()]);
}

/// cfn-lint, where the tests' Python has it: the templates against AWS's own schemas.
#[test]
fn moto_the_templates_hold_before_cfn_lint() {
    let Some(python) = crate::s3::python() else { return };
    let lint = python.with_file_name("cfn-lint");
    if !lint.try_exists().unwrap() {
        eprintln!("skipped: the tests' Python has no cfn-lint");
        return;
    }
    let home = Home::new();
    let folder = home.path().join("setup");
    assert_eq!(init(&home, &folder, &WORDS).code, Some(0));
    let done = Command::new(python)
        .arg(lint)
        .args(["--regions", "eu-central-1", "--template"])
        .arg(folder.join("reader-role.cloudformation.json"))
        .arg(folder.join("hub.cloudformation.json"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
