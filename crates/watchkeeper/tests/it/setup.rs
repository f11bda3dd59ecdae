//! `setup`, against moto: what is planned, called, and planned again; what is exported, deployed, and
//! planned again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Ended, Home, ended};
use crate::s3::{Moto, python};

const FOUNDATION: &str = "\
foundation: 1
organization: o-exampleorgid
accounts: {management: '123456789012', security: '123456789012', archive: '123456789012'}
regions: {home: eu-central-1, others: [us-east-1]}
contacts: {critical: [{email: security@example.com}]}
buckets: {trail: example-logs, config: example-logs, flow_logs: example-logs}
";

const ORGANIZATION: &str = r#"
import boto3
boto3.client("organizations", endpoint_url=endpoint, **keys).create_organization(FeatureSet="ALL")
"#;

/// Makes every call of the plan. botocore refuses parameters that the operation does not have; what
/// moto does not know is told.
const APPLY: &str = r#"
import boto3, botocore, json, os, re
from botocore import xform_name
names, answers, lacking = {"s3api": "s3", "configservice": "config"}, {}, set()
def fill(value):
    if isinstance(value, dict): return {k: fill(v) for k, v in value.items()}
    if isinstance(value, list): return [fill(v) for v in value]
    if not isinstance(value, str): return value
    def put(found):
        answer = answers[found.group(1)]
        for part in found.group(2).split("."): answer = answer[part]
        return answer
    return re.sub(r"\$\{([a-z0-9]+:[A-Za-z]+)\.([A-Za-z.]+)\}", put, value)
config = botocore.config.Config(retries={"total_max_attempts": 1})
for step in json.load(open(words[0]))["steps"]:
    service = names.get(step["service"], step["service"])
    client = boto3.client(service, endpoint_url=endpoint, config=config, **{**keys, "region_name": step["region"]})
    key = step["service"] + ":" + step["operation"]
    try:
        answers[key] = getattr(client, xform_name(step["operation"]))(**fill(step["parameters"]))
    except botocore.exceptions.ClientError as e:
        if e.response["ResponseMetadata"]["HTTPStatusCode"] not in (404, 500): raise
        lacking.add(key)
open(words[1], "w").write("\n".join(sorted(lacking)))
"#;

/// Deploys every template, and tells the types that moto makes nothing of.
const DEPLOY: &str = r#"
import boto3, glob, json, os
folder, lacking = words[0], set()
def deploy(path, region):
    client = boto3.client("cloudformation", endpoint_url=endpoint, **{**keys, "region_name": region})
    name = "s-" + os.path.basename(path).split(".cloudformation")[0].replace(".", "-")
    client.create_stack(StackName=name, TemplateBody=open(path).read(), Capabilities=["CAPABILITY_NAMED_IAM"])
    assert client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", name
    made = {r.get("LogicalResourceId") for r in client.describe_stack_resources(StackName=name)["StackResources"]}
    lacking.update(r["Type"] for n, r in json.load(open(path))["Resources"].items() if n not in made)
for path in sorted(glob.glob(folder + "/[1-4]-*.json")): deploy(path, "eu-central-1")
for path in sorted(glob.glob(folder + "/[56]-*.json")):
    for region in ("eu-central-1", "us-east-1"): deploy(path, region)
for path in sorted(glob.glob(folder + "/flow-logs.*.json")): deploy(path, os.path.basename(path).split(".")[2])
open(words[1], "w").write("\n".join(sorted(lacking)))
"#;

/// Things that somebody breaks.
const DRIFT: &str = r#"
import boto3
def client(service, region="eu-central-1"):
    return boto3.client(service, endpoint_url=endpoint, **{**keys, "region_name": region})
client("cloudtrail").stop_logging(Name="org-security-trail")
client("logs").delete_metric_filter(logGroupName="/aws/cloudtrail/org-security-trail", filterName="RootAccountUsage")
client("logs").put_retention_policy(logGroupName="/aws/cloudtrail/org-security-trail", retentionInDays=90)
client("cloudwatch").delete_alarms(AlarmNames=["VpcChanges"])
client("config", "us-east-1").stop_configuration_recorder(ConfigurationRecorderName="default")
ec2 = client("ec2", "us-east-1")
ec2.delete_flow_logs(FlowLogIds=[f["FlowLogId"] for f in ec2.describe_flow_logs()["FlowLogs"] if f["LogDestinationType"] == "s3"])
detector = client("guardduty").list_detectors()["DetectorIds"][0]
client("guardduty").update_detector(DetectorId=detector, FindingPublishingFrequency="SIX_HOURS")
s3.delete_public_access_block(Bucket="example-logs")
client("events", "us-east-1").disable_rule(Name="watchkeeper-foundation-findings")
client("kms").delete_alias(AliasName="alias/security-logs")
"#;

const SERVICES: &[&str] = &[
    "cloudtrail",
    "config",
    "ec2",
    "events",
    "guardduty",
    "iam",
    "kms",
    "logs",
    "monitoring",
    "organizations",
    "s3",
    "securityhub",
    "sns",
    "sts",
];

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

fn walk(home: &Home, moto: &Moto) {
    let mut args =
        vec!["inventory", "run", "--anew", "--region", "eu-central-1", "--region", "us-east-1"];
    SERVICES.iter().for_each(|service| args.extend(["--service", service]));
    let done = run(home, moto, &args);
    assert!(matches!(done.code, Some(0 | 4)), "{done:?}");
}

fn plan(home: &Home, moto: &Moto) -> Value {
    let done = run(home, moto, &["setup", "plan", "--json"]);
    assert!(matches!(done.code, Some(0 | 4)), "{done:?}");
    serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{done:?}"))
}

fn home() -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("foundation.yaml"), FOUNDATION).unwrap();
    home
}

fn calls(plan: &Value) -> BTreeSet<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    steps.map(|s| format!("{}:{}", text(&s["service"]), text(&s["operation"]))).collect()
}

fn lines(path: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn moto_the_calls_of_a_plan_leave_nothing_to_plan_and_what_drifts_is_planned_by_name() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(ORGANIZATION, &[]);
    let home = home();
    walk(&home, &moto);
    let first = plan(&home, &moto);
    assert!(first["steps"].as_array().unwrap().len() > 100, "{first:#}");
    assert_eq!(first["unknown"], serde_json::json!([]));
    let (file, lacking) = (home.path().join("plan.json"), home.path().join("lacking"));
    let apply = |plan: &Value| {
        std::fs::write(&file, plan.to_string()).unwrap();
        let (file, lacking) = (file.display().to_string(), lacking.display().to_string());
        moto.do_in_python(APPLY, &[&file, &lacking]);
    };
    apply(&first);
    let without = lines(&lacking);
    eprintln!("moto makes nothing of {without:?}");
    // The trail, its key, bucket, group and role; Config; GuardDuty; flow logs; topic; alarms: all made.
    let known = [
        "configservice:PutOrganizationConfigRule",
        "securityhub:BatchEnableStandards",
        "securityhub:EnableImportFindingsForProduct",
    ];
    assert_eq!(without, known.map(str::to_owned).into());
    walk(&home, &moto);
    let second = plan(&home, &moto);
    assert_eq!(
        calls(&second),
        ["configservice:PutOrganizationConfigRule".to_owned()].into(),
        "{second:#}"
    );
    let unknown = second["unknown"].as_array().unwrap().iter();
    let unknown: BTreeSet<&str> = unknown.map(|u| u["subject"].as_str().unwrap()).collect();
    assert_eq!(unknown, ["security-hub"].into(), "moto does not answer these");

    moto.do_in_python(DRIFT, &[]);
    walk(&home, &moto);
    let third = plan(&home, &moto);
    let drifted: BTreeSet<String> = &calls(&third) - &calls(&second);
    let expected = [
        "cloudtrail:StartLogging",
        "cloudwatch:PutMetricAlarm",
        "configservice:StartConfigurationRecorder",
        "ec2:CreateFlowLogs",
        "events:PutRule",
        "guardduty:UpdateDetector",
        "kms:CreateAlias",
        "kms:CreateKey",
        "kms:EnableKeyRotation",
        "logs:PutMetricFilter",
        "logs:PutRetentionPolicy",
        "s3api:PutPublicAccessBlock",
    ];
    assert_eq!(drifted, expected.map(str::to_owned).into());
    apply(&third);
    walk(&home, &moto);
    assert_eq!(
        calls(&plan(&home, &moto)),
        calls(&second),
        "after repair nothing is left but what moto lacks"
    );
}

#[test]
fn moto_what_is_exported_and_deployed_is_planned_no_more() {
    let Some(moto) = Moto::start() else { return };
    moto.do_in_python(ORGANIZATION, &[]);
    let home = home();
    walk(&home, &moto);
    let (stacks, lacking) = (home.path().join("stacks"), home.path().join("lacking"));
    let folder = stacks.display().to_string();
    let done =
        run(&home, &moto, &["setup", "export", "--format", "cloudformation", "--out", &folder]);
    assert_eq!(done.code, Some(0), "{done:?}");
    cfn_lint(&stacks);
    moto.do_in_python(DEPLOY, &[&folder, &lacking.display().to_string()]);
    let without = lines(&lacking);
    eprintln!("moto makes nothing of {without:?}");
    walk(&home, &moto);
    let after = plan(&home, &moto);
    let subjects: BTreeSet<&str> =
        after["steps"].as_array().unwrap().iter().map(|s| s["subject"].as_str().unwrap()).collect();
    // What consists of types that moto makes is planned no more.
    for (subject, types) in [
        ("key", &["AWS::KMS::Key", "AWS::KMS::Alias"][..]),
        ("flow-logs", &["AWS::EC2::FlowLog", "AWS::Logs::LogGroup", "AWS::IAM::Role"]),
        ("dashboard", &["AWS::CloudWatch::Dashboard"]),
        ("retention", &["AWS::Logs::LogGroup"]),
    ] {
        let made = types.iter().all(|kind| !without.contains(*kind));
        assert!(!made || !subjects.contains(subject), "{subject} is still planned: {after:#}");
    }
    assert!(!subjects.contains("flow-logs") && !subjects.contains("retention"), "{subjects:?}");
    let said: Vec<&str> = after["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["operation"].as_str().unwrap())
        .collect();
    for made in
        ["CreateLogGroup", "CreateRole", "CreateTopic", "PutRule", "CreateFlowLogs", "CreateBucket"]
    {
        assert!(!said.contains(&made), "{made} is still planned");
    }
}

/// The templates hold before AWS's own rules, where cfn-lint is installed beside moto.
fn cfn_lint(folder: &Path) {
    let Some(python) = python() else { return };
    let lint = python.with_file_name("cfn-lint");
    if !lint.try_exists().unwrap_or(false) {
        eprintln!("SKIPPED: cfn-lint is not beside {}", python.display());
        return;
    }
    let mut templates: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    templates.retain(|path| path.extension().is_some_and(|e| e == "json"));
    assert!(templates.len() >= 7, "{templates:?}");
    let done = Command::new(&lint).args(&templates).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn slow_modules_of_terraform_are_read_by_terraform_s_own_parsers() {
    let home = home();
    std::fs::write(
        home.path().join("foundation.yaml"),
        include_str!("../../../../docs/foundation.yaml"),
    )
    .unwrap();
    let out = home.path().join("modules").display().to_string();
    let done = home.run(["setup", "export", "--format", "terraform", "--out", &out]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let again = home.run(["setup", "export", "--format", "terraform", "--out", &out]);
    assert_eq!(again.code, Some(3), "what is there is not written over");
    let mut read = false;
    match Command::new("terraform")
        .args(["fmt", "-recursive", "-write=false", "-list=false", &out])
        .output()
    {
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            read = true;
        }
        Err(_) => eprintln!("SKIPPED: terraform is not installed"),
    }
    let python = python().unwrap_or_else(|| "python3".into());
    let parse = "import sys, glob, hcl2\nfor f in glob.glob(sys.argv[1] + '/**/*.tf', recursive=True):\n    hcl2.load(open(f))\n";
    let has = Command::new(&python)
        .args(["-c", "import hcl2"])
        .output()
        .is_ok_and(|d| d.status.success());
    if has {
        let done = Command::new(&python).args(["-c", parse, &out]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        read = true;
    } else {
        eprintln!("SKIPPED: python-hcl2 is not installed");
    }
    if !read {
        eprintln!("SKIPPED: nothing here reads Terraform's language; braces were counted only");
    }
}

#[test]
fn slow_setup_says_what_is_wrong_and_where_and_needs_an_inventory() {
    let home = home();
    let bad = home.path().join("bad.yaml");
    std::fs::write(
        &bad,
        FOUNDATION.replace("trail: example-logs", "trail: Example")
            + "retention: {default_days: 2555}\n",
    )
    .unwrap();
    let bad = bad.display().to_string();
    let told = home.run(["setup", "lint", &bad, "--json"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let lines: Vec<u64> = told["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["only_told"] == false)
        .map(|m| m["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [6, 7]);
    let refused = home.run(["setup", "plan", &bad]);
    assert!(refused.code == Some(2) && refused.err.contains("2557"), "{refused:?}");
    let early = home.run(["setup", "plan"]);
    assert!(early.code == Some(3) && early.err.contains("watchkeeper inventory run"), "{early:?}");
    let example = home.run(["setup", "example"]);
    std::fs::write(home.path().join("own.yaml"), &example.out).unwrap();
    let own = home.path().join("own.yaml").display().to_string();
    assert_eq!(home.run(["setup", "lint", &own]).code, Some(0));
    let script = home.path().join("a.sh");
    std::fs::write(
        &script,
        "aws logs put-retention-policy --log-group-name a --retention-in-days 2555\n",
    )
    .unwrap();
    let told = home.run(["setup", "lint", &script.display().to_string()]);
    assert!(
        told.code == Some(1) && told.out.contains("line 1") && told.out.contains("2557"),
        "{told:?}"
    );
}
