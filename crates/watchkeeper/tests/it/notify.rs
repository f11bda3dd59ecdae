//! Notices to real servers: none is lost, whatever the servers do and whenever the program is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::Value;
use wk_act::notices::{Advice, ChannelPolicy, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::Routes;
use wk_courier::Router;
use wk_engine::notify::Notify;
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Severity, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::ledger::{Commit, Ledger as _};
use wk_store::ledger::SqliteLedger;

use crate::post::{mail_server, receiver};
use crate::program::{Ended, Home, ended};
use crate::s3::Moto;
use crate::service::Running;

const ROUTES: &str = "
- name: all
  pattern: {source: [watchkeeper]}
  notify: {channels: [team], group_by: [finding]}
";

#[expect(
    clippy::disallowed_methods,
    reason = "the program asks the system's clock, and so must we"
)]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap())
}

/// A home with this configuration and so many live High findings.
pub(crate) fn home(config: &str, findings: usize) -> Home {
    let home = Home::new();
    assert_eq!(home.run(["complaints"]).code, Some(0), "the home is made");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    std::fs::create_dir_all(home.path().join("routes")).unwrap();
    std::fs::write(home.path().join("routes/all.yaml"), ROUTES).unwrap();
    see(&home, (0..findings).map(|n| sighting(&format!("finding-{n:03}"))).collect());
    home
}

pub(crate) fn see(home: &Home, sightings: Vec<Sighting>) {
    let commit = Commit { writer: "test".to_owned(), sightings, ..Commit::default() };
    run(async {
        let ledger = SqliteLedger::open(&home.path()).unwrap();
        ledger.commit(&commit).await.unwrap();
    });
}

/// A file with a secret that only we may read.
pub(crate) fn secret(home: &Home) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.path().join("secret");
    std::fs::write(&path, "s3cret\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

pub(crate) fn sighting(id: &str) -> Sighting {
    let time = now().plus_seconds(-60);
    Sighting {
        finding: FindingId(id.to_owned()),
        rule: Arc::new(Rule {
            id: "51c75fd7-1bfe-45e8-95f3-72110582401e".to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: "A machine image was made public".into(),
        severity: Severity::from_tenths(80),
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        actor: Some("arn:aws:iam::111122223333:user/operator".to_owned()),
        resources: vec!["ami-0123456789abcdef0".to_owned()],
        event: EventRef { time, table: "cloudtrail".to_owned(), id: id.to_owned() },
        first_seen: time,
        last_seen: time,
        reported_count: None,
        origin: Origin::Live,
        ended: None,
        grounds: Default::default(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn webhook(address: &str) -> String {
    format!("[channels.team]\nkind = 'webhook'\nurl = '{address}/in'\n[notify]\nflood_max = 1000\n")
}

pub(crate) fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// The ids of the notices in requests, in order.
fn ids(requests: &[String]) -> Vec<String> {
    let id = |request: &String| {
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let read: Value = serde_json::from_str(body).unwrap();
        read["data"]["id"].as_str().unwrap().to_owned()
    };
    requests.iter().map(id).collect()
}

#[test]
fn slow_a_finding_becomes_a_notice_with_a_receipt_and_a_first_analysis() {
    let (address, given) = receiver(|_| Some((200, "")));
    let home = home(&webhook(&address), 1);
    let once = home.run(["notify", "run", "--once", "--json"]);
    assert_eq!(once.code, Some(0), "{once:?}");
    assert_eq!(json(&once)["delivered"]["accepted"], 1);
    let request = &given.all()[0];
    let said: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let data = &said["data"];
    assert_eq!(data["findings"][0]["id"], "finding-000");
    assert_eq!(data["resources"][0], "ami-0123456789abcdef0");
    let analysis = data["analysis"].as_str().unwrap();
    assert!(analysis.contains("read its disk"), "why it matters, from the rule: {analysis}");
    assert!(data["actions"][0].as_str().unwrap().contains("permission"), "what to do: {data:#}");
    assert!(data["runbook"].as_str().unwrap().contains("triage"));
    let receipts = home.run(["notify", "receipts", "--finding", "finding-000", "--json"]);
    assert_eq!(json(&receipts)[0]["receipt"]["attempt"], 1);
    let again = home.run(["notify", "run", "--once", "--json"]);
    assert_eq!(json(&again)["queued"], 0, "once");
    assert_eq!(given.all().len(), 1);
}

#[test]
fn slow_receivers_that_fail_stall_or_limit_lose_nothing() {
    // Fails, is busy, then takes it.
    let (address, given) = receiver(|n| match n {
        1 => Some((500, "")),
        2 => Some((429, "retry-after: 1\r\n")),
        _ => Some((202, "")),
    });
    let home = home(&webhook(&address), 1);
    let mut accepted = 0;
    // Waits are short at first: at most 10 s, then 20 s.
    for _ in 0..60 {
        let once = home.run(["notify", "run", "--once", "--json"]);
        accepted = json(&once)["delivered"]["accepted"].as_u64().unwrap();
        if accepted == 1 {
            break;
        }
        wait(Duration::from_millis(700));
    }
    assert_eq!((accepted, given.all().len()), (1, 3));
    let sent: BTreeSet<String> = ids(&given.all()).into_iter().collect();
    assert_eq!(sent.len(), 1, "the same notice each time");
    let receipts = home.run(["notify", "receipts", "--json"]);
    assert_eq!(json(&receipts)[0]["receipt"]["attempt"], 3);
}

#[test]
fn slow_a_refusal_is_a_dead_letter_that_a_person_can_retry() {
    let (address, given) = receiver(|n| Some(if n == 1 { (401, "") } else { (200, "") }));
    let home = home(&webhook(&address), 1);
    assert_eq!(home.run(["notify", "run", "--once"]).code, Some(4), "given up in part");
    let dead = home.run(["notify", "dead", "--json"]);
    assert_eq!(dead.code, Some(1));
    let id = json(&dead)[0]["notice"]["id"].as_str().unwrap().to_owned();
    assert!(json(&dead)[0]["reason"].as_str().unwrap().contains("401"));
    assert_eq!(home.run(["notify", "retry", "nothing", "--by", "Ada"]).code, Some(3));
    assert_eq!(home.run(["notify", "retry", &id, "--by", "Ada"]).code, Some(0));
    assert_eq!(home.run(["notify", "run", "--once"]).code, Some(0));
    assert_eq!(home.run(["notify", "dead"]).code, Some(0));
    assert_eq!(given.all().len(), 2);
}

fn wait(length: Duration) {
    let (_keep, never) = mpsc::channel::<()>();
    assert!(never.recv_timeout(length).is_err());
}

/// What delivers what a killed process left: the same loop, two minutes later.
fn later(home: &Home, address: &str) -> Notify {
    let clock = Arc::new(StandingClock::at(now().plus_seconds(150)));
    let settings = BTreeMap::from([("url".to_owned(), vec![format!("{address}/in")])]);
    let channel = Channel::new("team", "webhook", settings).unwrap();
    let mut policy = Policy { flood_max: 1000, ..Policy::default() };
    policy.channels.insert("team".to_owned(), ChannelPolicy::of(channel));
    Notify {
        outbox: Arc::new(SqliteLedger::open(&home.path()).unwrap()),
        triage: Arc::new(SqliteLedger::open(&home.path()).unwrap()),
        courier: Arc::new(Router::new(clock.clone(), None, None).unwrap()),
        clock,
        routes: Arc::new(Routes::with_own([("all", ROUTES)]).0),
        policy: Arc::new(policy),
        advice: Arc::new(|_| Advice::default()),
        is_drill: Arc::new(|_| false),
        reports: None,
        paging: None,
        by: "later".to_owned(),
    }
}

#[test]
fn crash_a_killed_delivery_loses_nothing_and_doubles_only_what_was_on_its_way() {
    const FINDINGS: usize = 40;
    for round in 0..8u64 {
        // Every answer takes a moment, so that the kill comes in between.
        let (address, given) = receiver(|_| {
            wait(Duration::from_millis(15));
            Some((200, ""))
        });
        let home = home(&webhook(&address), FINDINGS);
        let mut child = home.command(["notify", "run", "--once"]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From before the first notice to the middle of them.
        while given.all().len() < usize::try_from(round).unwrap() * 4 {
            wait(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        run(async {
            let notify = later(&home, &address);
            for _ in 0..10 {
                notify.turn().await.unwrap();
            }
            notify.outbox.backlog().await.map(|b| assert_eq!((b.waiting, b.dead), (0, 0))).unwrap();
        });
        let sent = ids(&given.all());
        let mut often: BTreeMap<&String, usize> = BTreeMap::new();
        sent.iter().for_each(|id| *often.entry(id).or_default() += 1);
        assert_eq!(often.len(), FINDINGS, "round {round}: every finding was told of");
        assert!(often.values().all(|n| *n <= 2), "round {round}: {often:?}");
        let twice = sent.len() - often.len();
        assert!(twice <= 4, "round {round}: {twice} were on their way");
        let receipts = home.run(["notify", "receipts", "--json", "--limit", "1000"]);
        assert_eq!(json(&receipts).as_array().unwrap().len(), FINDINGS, "each has a receipt");
        run(async {
            let ledger = SqliteLedger::open(&home.path()).unwrap();
            ledger.verify_log().await.unwrap().expect("a log");
        });
    }
}

#[test]
fn slow_mail_goes_out_is_tried_again_and_is_given_up() {
    let (port, given) = mail_server(|n| match n {
        1 => "250 fine",
        2 => "451 later",
        _ => "550 nobody",
    });
    let config = format!(
        "[smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n[channels.team]\nkind = 'email'\nfrom = 'Watch <watch@example.com>'\nto = ['team@example.com']\n"
    );
    let home = home(&config, 0);
    let taken = home.run(["notify", "test", "team", "--json"]);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let receipt = json(&taken)["receipt"]["said"].as_str().unwrap().to_owned();
    assert!(receipt.contains("taken as 42"), "{receipt}");
    let mail = given.all()[0].clone();
    assert!(mail.contains("Subject: [TEST] Watchkeeper tries the channel team"), "{mail}");
    assert!(mail.contains("To: team@example.com"), "{mail}");
    let id = json(&taken)["notice"]["id"].as_str().unwrap().to_owned();
    assert!(mail.contains(&format!("Message-ID: <{id}@example.com>")), "{mail}");
    assert_eq!(home.run(["notify", "test", "team"]).code, Some(4), "it is tried again");
    assert_eq!(home.run(["notify", "test", "team"]).code, Some(3), "it was refused");
    assert_eq!(home.run(["notify", "test", "tea"]).code, Some(2), "there is no such channel");
}

#[test]
fn slow_a_silence_holds_back_and_an_alarm_is_taken_by_a_person() {
    let (address, given) = receiver(|_| Some((200, "")));
    let home = home(&webhook(&address), 2);
    let everything =
        home.run(["silence", "add", "rule!=none", "--for", "1h", "--by", "Ada", "--comment", "x"]);
    assert_eq!(everything.code, Some(3), "{everything:?}");
    let words = [
        "silence",
        "add",
        "finding=finding-000",
        "--for",
        "1h",
        "--by",
        "Ada",
        "--comment",
        "migration",
        "--json",
    ];
    let placed = json(&home.run(words));
    let once = json(&home.run(["notify", "run", "--once", "--json"]));
    assert_eq!((&once["held_back"]["silenced"], given.all().len()), (&1.into(), 1));
    let alarms = json(&home.run(["notify", "alarms", "--json"]));
    assert_eq!(alarms.as_array().unwrap().len(), 2, "what is silenced is kept");
    let id = placed["id"].as_str().unwrap();
    assert_eq!(home.run(["silence", "expire", id, "--by", "Ada"]).code, Some(0));
    assert!(home.run(["silence", "list"]).out.contains("over"));
    let open = alarms.as_array().unwrap().iter().map(|a| a["alarm"].as_str().unwrap());
    for alarm in open {
        let taken = home.run(["notify", "ack", alarm, "--by", "Ada", "--note", "looking"]);
        assert_eq!(taken.code, Some(0), "{taken:?}");
    }
    let alarms = json(&home.run(["notify", "alarms", "--json"]));
    assert_eq!(alarms[0]["taken_by"], "Ada");
    assert!(home.run(["notify", "kinds", "pagerduty"]).out.contains("routing_key"));
}

#[test]
fn slow_the_rota_says_who_is_on_call() {
    let config = "[channels.team]\nkind = 'sms'\nto = '+4915112345678'\n[people.ada]\nchannels = ['team']\n[people.ben]\nchannels = ['team']\n[[oncall.layer]]\nname = 'primary'\npeople = ['ada', 'ben']\nstart = '2026-01-05'\ntime_zone = 'Europe/Berlin'\n";
    let home = home(config, 0);
    let who = |at: &str| home.run(["oncall", "who", "--at", at]).out;
    assert_eq!(who("2026-01-05T08:00:00Z"), "ada, by team\n");
    assert_eq!(who("2026-01-12T08:00:00Z"), "ben, by team\n");
    assert_eq!(home.run(["oncall", "who", "--at", "2026-01-01"]).code, Some(1), "nobody yet");
    let shifts = json(&home.run(["oncall", "list", "--days", "14", "--json"]));
    assert!(shifts.as_array().unwrap().len() >= 2, "{shifts:#}");
}

#[test]
fn moto_a_notice_goes_by_sns_into_a_queue_and_is_read_back_with_the_aws_cli() {
    let Some(moto) = Moto::start() else { return };
    let code = "
sns = boto3.client('sns', endpoint_url=endpoint, **keys)
sqs = boto3.client('sqs', endpoint_url=endpoint, **keys)
topic = sns.create_topic(Name='alarms')['TopicArn']
queue = sqs.create_queue(QueueName='alarms')['QueueUrl']
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=['QueueArn'])['Attributes']['QueueArn']
sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint=arn)
assert topic == 'arn:aws:sns:eu-central-1:123456789012:alarms', topic
";
    moto.do_in_python(code, &[]);
    let config =
        "[channels.team]\nkind = 'sns'\ntopic = 'arn:aws:sns:eu-central-1:123456789012:alarms'\n";
    let home = home(config, 1);
    let environment = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL", moto.endpoint.as_str()),
    ];
    let mut once = home.command(["notify", "run", "--once", "--json"]);
    let once = ended(once.envs(environment).output().unwrap());
    assert_eq!(once.code, Some(0), "{once:?}");
    assert_eq!(json(&once)["delivered"]["accepted"], 1, "{once:?}");
    let mut aws = std::process::Command::new(moto.python.with_file_name("aws"));
    let url = format!("{}/123456789012/alarms", moto.endpoint);
    let words = [
        "--endpoint-url",
        &moto.endpoint,
        "sqs",
        "receive-message",
        "--queue-url",
        &url,
        "--wait-time-seconds",
        "5",
        "--output",
        "json",
    ];
    let read = ended(aws.args(words).envs(environment).output().unwrap());
    assert_eq!(read.code, Some(0), "{read:?}");
    let body: Value =
        serde_json::from_str(json(&read)["Messages"][0]["Body"].as_str().unwrap()).unwrap();
    let subject = body["Subject"].as_str().unwrap();
    assert!(
        subject.starts_with("[HIGH] A machine image was made public 111122223333 eu-west-1 #"),
        "{subject}"
    );
    assert!(subject.len() <= 100);
    let message = body["Message"].as_str().unwrap();
    for said in [
        "Severity: high (8.0)",
        "Resources: ami-0123456789abcdef0",
        "What to do:\n1. ",
        "[finding-000]",
    ] {
        assert!(message.contains(said), "{said}: {message}");
    }
    assert_eq!(body["MessageAttributes"]["severity"]["Value"], "high");
    let receipts = home.run(["notify", "receipts", "--json"]);
    assert!(json(&receipts)[0]["receipt"]["said"].as_str().unwrap().contains("SNS message"));
}

#[test]
fn slow_a_ticket_is_opened_once_and_its_number_is_kept_for_what_comes_later() {
    let (address, given) = receiver(|_| Some((201, "")));
    let home = home("", 1);
    let token = secret(&home);
    let config = format!(
        "[channels.team]\nkind = 'jira'\nurl = '{address}'\nproject = 'SEC'\nuser = 'w'\ntoken = 'file:{token}'\n[notify]\ngroup_interval_seconds = 0\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let routes = ROUTES.replace("[finding]", "[rule]");
    std::fs::write(home.path().join("routes/all.yaml"), routes).unwrap();
    assert_eq!(home.run(["notify", "run", "--once"]).code, Some(0));
    see(&home, vec![sighting("finding-later")]);
    assert_eq!(home.run(["notify", "run", "--once"]).code, Some(0));
    let requests = given.all();
    assert!(requests[0].starts_with("POST /rest/api/3/issue HTTP"), "{}", requests[0]);
    assert!(requests[0].contains("authorization: Basic "), "{}", requests[0]);
    assert!(
        requests[1].starts_with("POST /rest/api/3/issue/SEC-7/comment HTTP"),
        "{}",
        requests[1]
    );
    assert!(requests[1].contains("finding-later"), "the ticket hears what is new");
    let receipts = home.run(["notify", "receipts", "--finding", "finding-000", "--json"]);
    assert_eq!(json(&receipts)[0]["receipt"]["reference"], "SEC-7");
    assert!(!format!("{receipts:?}").contains("s3cret"));
}

#[test]
fn moto_emergency_contacts_are_tried_by_mail_sms_and_pager_and_receipts_are_kept() {
    let Some(moto) = Moto::start() else { return };
    let (pager, pages) = receiver(|_| Some((202, "")));
    let (port, mails) = mail_server(|_| "250 fine");
    let home = home("", 0);
    let key = secret(&home);
    let config = format!(
        "[smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n[channels.mail]\nkind = 'email'\nfrom = 'w@example.com'\nto = 'team@example.com'\n[channels.phone]\nkind = 'sms'\nto = '+4915112345678'\n[channels.page]\nkind = 'pagerduty'\nrouting_key = 'file:{key}'\nurl = '{pager}/v2/enqueue'\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    for channel in ["mail", "phone", "page"] {
        let mut test = home.command(["notify", "test", channel]);
        test.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", &moto.endpoint);
        let tried = ended(test.output().unwrap());
        assert_eq!(tried.code, Some(0), "{channel}: {tried:?}");
    }
    assert_eq!((mails.all().len(), pages.all().len()), (1, 1));
    assert!(pages.all()[0].contains("\"routing_key\":\"s3cret\""), "the key went to the pager");
    let receipts = home.run(["notify", "receipts", "--json"]);
    let all = json(&receipts);
    let channels: BTreeSet<&str> =
        all.as_array().unwrap().iter().map(|r| r["receipt"]["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, BTreeSet::from(["mail", "page", "phone"]));
    assert!(!format!("{receipts:?}").contains("s3cret"));
}

#[test]
fn slow_the_service_tells_people_and_gives_signs_of_life_by_itself() {
    let (address, given) = receiver(|_| Some((200, "")));
    let (switch, beats) = receiver(|_| Some((200, "")));
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[service]\nlisten = '127.0.0.1:0'\n[[folder]]\npath = '{}'\n[channels.team]\nkind = 'webhook'\nurl = '{address}/in'\n[channels.switch]\nkind = 'heartbeat'\nurl = '{switch}/alive'\n[notify]\nheartbeat = 'switch'\n",
        folder.path().display()
    );
    let home = home(&config, 1);
    let mut service = Running::at(&home);
    service.reaches("watchkeeper_notices_total{became=\"accepted\"}", 1.0);
    see(&home, vec![sighting("finding-later")]);
    service.reaches("watchkeeper_notices_total{became=\"accepted\"}", 2.0);
    assert!(service.figure("watchkeeper_notices_dead") < 1.0);
    assert_eq!(service.stop().0, Some(0));
    assert_eq!(given.all().len(), 2);
    assert!(beats.all()[0].starts_with("GET /alive HTTP"), "{:?}", beats.all());
}
