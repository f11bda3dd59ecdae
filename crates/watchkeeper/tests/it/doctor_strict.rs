//! `doctor` against the strict stand-in: what is denied, stale, paged and throttled.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use wk_fake_aws::{FakeAws, Fault, Trail, World};
use wk_model::Timestamp;
use wk_seam::clock::Clock;

use crate::program::{Ended, Home, ended};

const ACCOUNTS: [&str; 3] = ["111122223333", "222233334444", "333344445555"];
const HERE: &str = "eu-central-1";

/// The program signs with this machine's time, so the stand-in judges by it.
struct SystemTime;

impl Clock for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the program takes the system's time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
    }
}

/// An organisation in which much is wrong in the first account's home region.
fn world() -> World {
    let mut world =
        World::organization(&ACCOUNTS, &[HERE, "eu-west-1"], "watchkeeper-reader", "an-outside-id");
    let now = SystemTime.now();
    let here = world.here(ACCOUNTS[0], HERE);
    let key = "arn:aws:kms:eu-central-1:111122223333:key/k1";
    here.trails.push(Trail {
        name: "org".into(),
        bucket: "org-trail".into(),
        logging: true,
        delivered: Some(now.plus_seconds(-3 * 3600)),
        digests: true,
        key: Some(key.into()),
    });
    here.keys.insert(key.into(), "PendingDeletion".into());
    here.detectors = (0..5).map(|n| (format!("d{n}"), "ENABLED".to_owned())).collect();
    here.detectors[4].1 = "DISABLED".into();
    here.recorders.push(("default".into(), true));
    here.hub = true;
    here.vpcs = (0..5).map(|n| format!("vpc-{n}")).collect();
    here.flow_logs = (0..4)
        .map(|n| {
            (
                format!("fl-{n}"),
                format!("vpc-{n}"),
                if n == 3 { "FAILED" } else { "SUCCESS" }.into(),
            )
        })
        .collect();
    let roles = &mut world.accounts.get_mut(ACCOUNTS[2]).unwrap().roles;
    roles.get_mut("watchkeeper-reader").unwrap().external_id = Some("another".into());
    world
}

fn doctor(fake: &FakeAws, config: &str, args: &[&str]) -> (Ended, Value) {
    doctor_with(fake, config, args, &[])
}

fn doctor_with(
    fake: &FakeAws,
    config: &str,
    args: &[&str],
    more: &[(&str, &str)],
) -> (Ended, Value) {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut command = home.command(["doctor", "--json"]);
    command
        .args(args)
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", HERE)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", fake.url())
        .envs(more.iter().copied());
    let done = ended(command.output().unwrap());
    let report = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{done:?}"));
    (done, report)
}

const CONFIG: &str = "[aws]\nrole = 'watchkeeper-reader'\nexternal_id = 'an-outside-id'\n";

/// `verdict what: say` of the lines of a subject.
fn lines(report: &Value, subject: &str) -> Vec<String> {
    let all = report["lines"].as_array().unwrap().iter().filter(|l| l["subject"] == subject);
    all.map(|l| {
        let text = |name: &str| l[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", text("verdict"), text("what"), text("say"))
    })
    .collect()
}

fn any(lines: &[String], parts: [&str; 2]) -> bool {
    lines.iter().any(|line| line.starts_with(parts[0]) && line.contains(parts[1]))
}

#[test]
fn slow_doctor_follows_every_page_and_sees_what_is_stale() {
    let fake = FakeAws::start(world(), Arc::new(SystemTime)).unwrap();
    fake.fault("cloudtrail:DescribeTrails", Fault::Throttle, 1);
    fake.fault("ec2:DescribeVpcs", Fault::HangUp, 1);
    let (done, report) = doctor(&fake, CONFIG, &[]);
    assert_eq!(done.code, Some(4), "an account lets nobody in: {}", done.err);
    let of = |subject: &str| lines(&report, subject);
    assert!(any(&of("organization"), ["ok", "3 active"]), "{:?}", of("organization"));
    assert_eq!(of("role").iter().filter(|l| l.starts_with("ok")).count(), 2, "{:?}", of("role"));
    assert!(any(&of("role"), ["failed", "not authorized"]), "{:?}", of("role"));
    assert!(any(&of("trail"), ["stale org", "last delivery 180 minutes ago"]), "{:?}", of("trail"));
    assert!(any(&of("key"), ["stale", "PendingDeletion"]), "{:?}", of("key"));
    let detectors = of("detector");
    assert_eq!(detectors.iter().filter(|l| l.starts_with("ok")).count(), 4, "{detectors:?}");
    assert!(any(&detectors, ["stale d4", "DISABLED"]) && any(&detectors, ["none", "no detector"]));
    let flow = of("flow log");
    assert!(any(&flow, ["stale fl-3", "does not reach"]), "{flow:?}");
    assert!(any(&flow, ["none networks", "1 of 5 networks have none: vpc-4"]), "{flow:?}");
    let retried = report["calls"].as_array().unwrap().iter().filter(|c| c["retries"] == 1).count();
    assert_eq!(retried, 2, "what was throttled and what was cut off came through");
}

#[test]
fn slow_what_is_denied_is_never_called_missing() {
    let mut world = world();
    for action in [
        "cloudtrail:DescribeTrails",
        "guardduty:ListDetectors",
        "config:DescribeConfigurationRecorders",
        "securityhub:DescribeHub",
        "ec2:DescribeFlowLogs",
        "organizations:ListAccounts",
        "organizations:ListDelegatedAdministrators",
    ] {
        world.deny(ACCOUNTS[0], action);
    }
    let fake = FakeAws::start(world, Arc::new(SystemTime)).unwrap();
    let (done, report) = doctor(&fake, "", &[]);
    assert_eq!(done.code, Some(4), "{}", done.err);
    for subject in ["trail", "detector", "recorder", "hub", "flow log"] {
        let said = lines(&report, subject);
        assert!(!said.is_empty() && !said.iter().any(|l| l.starts_with("none")), "{said:?}");
        assert_eq!(said.iter().filter(|l| l.starts_with("denied")).count(), 2, "{said:?}");
    }
    assert!(any(&lines(&report, "trail"), ["failed", "is not known"]));
    let to_do: Vec<&str> =
        report["lines"].as_array().unwrap().iter().filter_map(|l| l["to_do"].as_str()).collect();
    assert!(to_do.iter().any(|t| t.contains("allow guardduty:ListDetectors")), "{to_do:?}");
    // Without the list of regions, only the one that is named is looked at, and that is said.
    let mut world = self::world();
    world.deny(ACCOUNTS[0], "ec2:DescribeRegions");
    let fake = FakeAws::start(world, Arc::new(SystemTime)).unwrap();
    let (_, report) = doctor(&fake, "", &[]);
    assert!(any(&lines(&report, "regions"), ["denied", "looked only at eu-central-1"]));
}

#[test]
fn slow_an_account_without_an_organization_is_told_so() {
    let mut world = world();
    world.organization.clear();
    let fake = FakeAws::start(world, Arc::new(SystemTime)).unwrap();
    let (_, report) = doctor(&fake, "", &["--region", HERE]);
    assert!(any(&lines(&report, "organization"), ["none", "AWSOrganizationsNotInUse"]));
    assert_eq!(lines(&report, "organization").len(), 1);
}

#[test]
fn slow_one_service_may_have_an_endpoint_of_its_own() {
    let fake = FakeAws::start(world(), Arc::new(SystemTime)).unwrap();
    let elsewhere = FakeAws::start(World::default(), Arc::new(SystemTime)).unwrap();
    let own = [("AWS_ENDPOINT_URL_CONFIG_SERVICE", elsewhere.url())];
    let (_, report) = doctor_with(&fake, "", &["--region", HERE], &own);
    assert!(any(&lines(&report, "detector"), ["ok", "ENABLED"]));
    // Nobody has keys there.
    assert!(any(&lines(&report, "recorder"), ["failed", "InvalidClientTokenId"]));
    assert_eq!(elsewhere.asked().len(), 1);
}

/// Compares what our program sent with what botocore sends for the same calls.
const COMPARE: &str = r#"
import json, sys, urllib.parse
from collections import Counter
import botocore.session
from botocore.awsrequest import AWSResponse
class Nothing:
    def stream(self, **_): yield b""
def canonical(method, target, headers, body):
    path, _, query = target.partition("?")
    kind = headers.get("content-type", "")
    if "x-amz-target" in headers or (body and "json" in kind): body = json.loads(body or "{}")
    elif body: body = sorted(urllib.parse.parse_qsl(body))
    return json.dumps([method, path, sorted(urllib.parse.parse_qsl(query)), headers.get("x-amz-target"), body or None], sort_keys=True)
ours, calls = json.load(sys.stdin)
ours = Counter(canonical(r["method"], r["target"], r["headers"], r["body"]) for r in ours)
session = botocore.session.get_session()
session.set_credentials("AKIAEXAMPLE", "example")
theirs, clients = Counter(), {}
for call in calls:
    service = call["service"]
    client = clients.setdefault(service, None) or session.create_client(service, region_name="eu-central-1", endpoint_url="http://127.0.0.1:9")
    clients[service] = client
    sent = {}
    def keep(request, **_):
        body = request.body or b""
        sent.update(method=request.method, target=request.url.split("127.0.0.1:9", 1)[1] or "/",
            body=body.decode() if isinstance(body, bytes) else body,
            headers={k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()})
        return AWSResponse(request.url, 200, {}, Nothing())
    client.meta.events.register_last("before-send", keep, unique_id="keep")
    try: client._make_api_call(call["operation"], call["parameters"])
    except Exception as e:
        if not sent: raise
    client.meta.events.unregister("before-send", keep, unique_id="keep")
    theirs[canonical(sent["method"], sent["target"], sent["headers"], sent["body"])] += 1
print(json.dumps(sorted({c["service"] + ":" + c["operation"] for c in calls})))
if ours != theirs:
    sys.exit(f"only ours: {ours - theirs}\nonly botocore's: {theirs - ours}")
"#;

#[test]
fn moto_botocore_sends_the_same_for_every_call_of_doctor() {
    let Some(python) = crate::s3::python() else { return };
    let fake = FakeAws::start(world(), Arc::new(SystemTime)).unwrap();
    let (_, report) = doctor(&fake, "", &[]);
    let asked: Vec<Value> = fake
        .asked()
        .iter()
        // The bucket is asked by the object store, which is not ours.
        .filter(|r| !r.header("authorization").contains("/s3/"))
        .map(|r| {
            let headers: serde_json::Map<String, Value> =
                r.headers.iter().map(|(n, v)| (n.clone(), v.clone().into())).collect();
            json!({
                "method": r.method,
                "target": r.target,
                "headers": headers,
                "body": String::from_utf8(r.body.clone()).unwrap(),
            })
        })
        .collect();
    let mut process = Command::new(python)
        .args(["-c", COMPARE])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(json!([asked, report["calls"]]).to_string().as_bytes()).unwrap();
    drop(input);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compared: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    let mut declared: Vec<String> = wk_engine::doctor::OPERATIONS
        .iter()
        .map(|operation| format!("{}:{}", operation.service, operation.name))
        .collect();
    declared.sort();
    assert_eq!(compared, declared, "every call that is declared was made and compared");
}
