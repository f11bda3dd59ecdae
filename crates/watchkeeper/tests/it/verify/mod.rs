//! `verify cloudtrail`, beside AWS's own tool: over chains that were forged in every way of the table.

mod record;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{Ended, Home, ended};
use crate::s3::{Moto, as_reader, python};

const SINCE: &str = "2026-01-01T00:00:00Z";
const UNTIL: &str = "2026-01-01T06:00:00Z";

/// A case, and what is said of it.
struct Case {
    name: &'static str,
    /// Our exit code.
    ours: i32,
    /// How often we tell of which problem.
    problems: &'static [(&'static str, u64)],
    /// The exit code of `aws cloudtrail validate-logs`. Where it is 0 and ours is not, it is blind.
    aws: i32,
}

const fn case(
    name: &'static str,
    ours: i32,
    problems: &'static [(&'static str, u64)],
    aws: i32,
) -> Case {
    Case { name, ours, problems, aws }
}

const CASES: &[Case] = &[
    case("whole", 0, &[], 0),
    case("log-modified", 1, &[("LOG MODIFIED", 1)], 1),
    case("log-truncated", 1, &[("LOG DAMAGED", 1)], 1),
    case("log-appended", 1, &[("LOG DAMAGED", 1)], 1),
    case("log-deleted", 1, &[("LOG MISSING", 1)], 1),
    case("digest-deleted", 1, &[("DIGEST MISSING", 1), ("LOG UNCOVERED", 3)], 1),
    case("digest-modified", 1, &[("SIGNATURE FAILED", 1), ("LOG UNCOVERED", 3)], 1),
    case("digest-damaged", 1, &[("DIGEST INVALID", 1), ("LOG UNCOVERED", 3)], 1),
    case("digest-unsigned", 1, &[("SIGNATURE FAILED", 1), ("LOG UNCOVERED", 3)], 1),
    case("digest-moved", 1, &[("DIGEST MOVED", 1), ("LOG UNCOVERED", 3)], 1),
    case("strange-key", 1, &[("KEY UNKNOWN", 1), ("LOG UNCOVERED", 3)], 1),
    case("newest-deleted", 4, &[("MISSING TAIL", 1), ("LOG UNCOVERED", 3)], 0),
    case("log-extra", 1, &[("UNREFERENCED LOG", 1)], 0),
    case("digest-replaced", 1, &[("CHAIN BROKEN", 1), ("UNREFERENCED LOG", 1)], 0),
    case("restarted", 4, &[("GAP", 1)], 0),
    case("backfilled", 0, &[], 0),
    case("without-digests", 4, &[("NO DIGESTS", 1)], 0),
];

/// Trails with signed digests, a folder for each case.
struct Chains {
    folder: tempfile::TempDir,
}

impl Chains {
    fn make(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(python)
            .args(["-c", include_str!("chains.py")])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Verifies a copy, with the keys and metadata beside it.
    fn verify(&self, home: &Home, case: &str, more: &[&str]) -> Ended {
        let (keys, metadata) = (self.path("keys.json"), self.path(&format!("{case}.jsonl")));
        let mut command = home.command(["verify", "cloudtrail", "--json"]);
        command.arg(self.path(case)).arg("--keys").arg(keys).arg("--metadata").arg(metadata);
        ended(command.args(more).output().unwrap())
    }
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// How often each kind of problem was found, sorted by name.
fn counts(report: &Value) -> Vec<(String, u64)> {
    let counts = report["problem_counts"].as_object().unwrap();
    let mut counts: Vec<(String, u64)> =
        counts.iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap())).collect();
    counts.sort();
    counts
}

fn sorted(problems: &[(&str, u64)]) -> Vec<(String, u64)> {
    let mut sorted: Vec<(String, u64)> =
        problems.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    sorted.sort();
    sorted
}

/// Answers every call with the keys of a file, as ListPublicKeys does.
struct KeyServer {
    child: Child,
    endpoint: String,
}

impl KeyServer {
    fn start(python: &Path, keys: &Path) -> Self {
        const SERVE: &str = "
import http.server, sys
answer = open(sys.argv[1], 'rb').read()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        assert self.headers['X-Amz-Target'].endswith('.ListPublicKeys')
        self.send_response(200)
        self.send_header('Content-Type', 'application/x-amz-json-1.1')
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
";
        let mut child = Command::new(python)
            .args(["-c", SERVE])
            .arg(keys)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().expect("it says its port");
        Self { child, endpoint: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Uploads each case with the metadata of its digests to a bucket of its name.
fn upload(moto: &Moto, chains: &Chains) {
    let code = "
import json
folder, buckets = words[0], words[1:]
s3 = boto3.client('s3', endpoint_url=endpoint, **{**keys, 'region_name': 'us-east-1'})
for bucket in buckets:
    s3.create_bucket(Bucket=bucket)
    lines = map(json.loads, open(os.path.join(folder, bucket + '.jsonl')))
    metadata = {line['Key']: line['Metadata'] for line in lines}
    root = os.path.join(folder, bucket)
    for at, _, names in os.walk(root):
        for name in names:
            path = os.path.join(at, name)
            key = os.path.relpath(path, root)
            s3.put_object(Bucket=bucket, Key=key, Body=open(path, 'rb').read(), Metadata=metadata.get(key, {}))
";
    let folder = chains.folder.path().display().to_string();
    let cases = CASES.iter().map(|case| case.name);
    moto.do_in_python(code, &std::iter::once(folder.as_str()).chain(cases).collect::<Vec<_>>());
}

/// The exit codes of AWS's own tool over the buckets of all cases, in one process.
fn validate_logs(moto: &Moto, keys: &KeyServer) -> Vec<i32> {
    const ALL: &str = "
import sys
import awscli.clidriver
since, until, *cases = sys.argv[1:]
trail = 'arn:aws:cloudtrail:us-east-1:111122223333:trail/main'
for case in cases:
    words = ['cloudtrail', 'validate-logs', '--region', 'us-east-1', '--trail-arn', trail]
    words += ['--start-time', since, '--end-time', until, '--s3-bucket', case, '--verbose']
    print('exit code', awscli.clidriver.create_clidriver().main(words), flush=True)
";
    let output = Command::new(&moto.python)
        .args(["-c", ALL, SINCE, UNTIL])
        .args(CASES.iter().map(|case| case.name))
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_ENDPOINT_URL_S3", &moto.endpoint)
        .env("AWS_ENDPOINT_URL_CLOUDTRAIL", &keys.endpoint)
        .output()
        .unwrap();
    let ended = ended(output);
    let codes = ended.out.lines().filter_map(|line| line.strip_prefix("exit code "));
    codes.map(|code| code.parse().unwrap_or_else(|_| panic!("{ended:?}"))).collect()
}

#[test]
fn moto_forged_chains_are_judged_as_aws_does_and_where_it_is_blind() {
    let Some(moto) = Moto::start() else { return };
    let chains = Chains::make(&moto.python);
    let keys = KeyServer::start(&moto.python, &chains.path("keys.json"));
    upload(&moto, &chains);
    let home = Home::new();
    for case in CASES {
        let place = format!("s3://{}", case.name);
        let words = ["verify", "cloudtrail", "--json", "--profile", "reader", &place];
        let mut command = as_reader(&home, &moto.endpoint, &words);
        command.args(["--since", SINCE, "--until", UNTIL]);
        command.env("AWS_ENDPOINT_URL_CLOUDTRAIL", &keys.endpoint);
        let ended = ended(command.output().unwrap());
        let told = report(&ended);
        let (ours, name) = ((ended.code, counts(&told)), case.name);
        assert_eq!(ours, (Some(case.ours), sorted(case.problems)), "{name}: {told:#}");
    }
    let theirs: Vec<i32> = CASES.iter().map(|case| case.aws).collect();
    assert_eq!(validate_logs(&moto, &keys), theirs);
}

#[test]
fn moto_a_copy_in_a_folder_is_proved_as_the_bucket_is_without_asking_aws() {
    let Some(python) = python() else { return };
    let chains = Chains::make(&python);
    let home = Home::new();
    for case in CASES {
        // In a copy the successor's word counts where metadata is missing.
        let (code, problems) = match case.name {
            "digest-unsigned" => (0, &[][..]),
            _ => (case.ours, case.problems),
        };
        let ended = chains.verify(&home, case.name, &["--since", SINCE, "--until", UNTIL]);
        let (told, name) = (report(&ended), case.name);
        let ours = (ended.code, counts(&told));
        assert_eq!(ours, (Some(code), sorted(problems)), "{name}: {told:#}");
        assert_eq!(told["copy"], true);
    }
}

#[test]
fn moto_without_metadata_all_but_the_newest_digest_is_proved_and_that_is_said() {
    let Some(python) = python() else { return };
    let (chains, home) = (Chains::make(&python), Home::new());
    let keys = chains.path("keys.json");
    let mut command = home.command(["verify", "cloudtrail", "--json", "--until", UNTIL]);
    let ended = ended(command.arg(chains.path("whole")).arg("--keys").arg(keys).output().unwrap());
    let told = report(&ended);
    assert_eq!(
        counts(&told),
        sorted(&[("LOG UNCOVERED", 3), ("SIGNATURE NOT HELD", 1)]),
        "{told:#}"
    );
    assert_eq!((ended.code, &told["chains"][0]["digests_proven"]), (Some(4), &5.into()));
    // 5 of 6 hours, rounded down.
    assert_eq!(told["chains"][0]["covered_percent"], 83.33);
}

#[test]
fn moto_a_run_goes_on_where_the_last_one_ended_and_sees_what_was_changed_before() {
    let Some(python) = python() else { return };
    let (chains, home) = (Chains::make(&python), Home::new());
    let until = |hour: &str| report(&chains.verify(&home, "whole", &["--until", hour]));
    let first = until("2026-01-01T03:00:00Z");
    let second = until(UNTIL);
    let third = until(UNTIL);
    let seen = |told: &Value| {
        let chain = &told["chains"][0];
        (told["verdict"].clone(), chain["digests"].clone(), chain["logs"].clone())
    };
    assert_eq!(seen(&first), ("proven".into(), 3.into(), 9.into()), "{first:#}");
    assert_eq!(seen(&second), ("proven".into(), 3.into(), 9.into()), "{second:#}");
    assert_eq!(seen(&third), ("proven".into(), 0.into(), 0.into()), "{third:#}");
    // The last digest that was proved is exchanged for another one that AWS signed.
    let name = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/01/01/111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260101T060000Z.json.gz";
    let digest = chains.path("whole").join(name);
    std::fs::write(&digest, std::fs::read(chains.path("strange-key").join(name)).unwrap()).unwrap();
    assert_eq!(counts(&until(UNTIL)), sorted(&[("CHAIN BROKEN", 1)]));
    std::fs::remove_file(&digest).unwrap();
    assert_eq!(counts(&until(UNTIL)), sorted(&[("DIGEST MISSING", 1)]));
    // What was proved is a leaf of the log.
    assert_eq!(home.run(["verify"]).code, Some(0));
}

#[test]
fn moto_digests_bucket_and_lake_are_compared_log_by_log() {
    let Some(python) = python() else { return };
    let (chains, home) = (Chains::make(&python), Home::new());
    let period = ["--since", SINCE, "--until", UNTIL];
    let lake = |case: &str| report(&chains.verify(&home, case, &period));
    assert_eq!(lake("whole")["lake"], Value::Null, "it holds none of them");
    // All but one log, and one that no digest lists.
    let missing = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/111122223333_CloudTrail_us-east-1_20260101T0215Z_0000000200000001.json.gz";
    let (left_out, kept) = (chains.path("log-extra").join(missing), chains.path("kept.json.gz"));
    std::fs::rename(&left_out, &kept).unwrap();
    let logs = chains.path("log-extra").join("AWSLogs/111122223333/CloudTrail");
    assert_eq!(home.ingest([logs]).0, 0);
    std::fs::rename(&kept, &left_out).unwrap();
    let told = lake("whole");
    let expected = [("LAKE HOLDS LESS", 1), ("LAKE HOLDS MORE", 1)];
    assert_eq!(counts(&told), sorted(&expected), "{told:#}");
    let hours = told["hours_that_differ"].as_array().unwrap();
    assert_eq!(hours.len(), 1, "{told:#}");
    let hour = ["in_digest", "in_bucket", "in_lake"].map(|place| hours[0][place].as_u64().unwrap());
    assert_eq!((hours[0]["hour"].as_str(), hour), (Some("2026-01-01T02:00:00Z"), [3, 3, 2]));
    // With the log the hour is whole again.
    assert_eq!(home.ingest([left_out]).0, 0);
    assert_eq!(counts(&lake("whole")), sorted(&[("LAKE HOLDS MORE", 1)]));
}

#[test]
fn moto_a_gap_that_somebody_accounts_for_is_told_and_not_held_against_the_period() {
    let Some(python) = python() else { return };
    let (chains, home) = (Chains::make(&python), Home::new());
    let file = chains.path("excuses.jsonl");
    let line = r#"{"account":"111122223333","from":"2026-01-01T02:00:00Z","until":"2026-01-01T04:00:00Z","by":"ann","why":"the trail was moved, change 12"}"#;
    std::fs::write(&file, line).unwrap();
    let file = file.display().to_string();
    let words = ["--since", SINCE, "--until", UNTIL, "--excuses", &file];
    let ended = chains.verify(&home, "restarted", &words);
    let told = report(&ended);
    assert_eq!((ended.code, &told["verdict"]), (Some(0), &"proven".into()), "{told:#}");
    assert_eq!(told["excused"][0]["by"], "ann");
    assert_eq!(told["chains"][0]["covered_percent"], 66.66);
    std::fs::write(chains.path("excuses.jsonl"), line.replace("04:00", "03:00")).unwrap();
    let ended = chains.verify(&home, "restarted", &words);
    assert_eq!((ended.code, counts(&report(&ended))), (Some(4), sorted(&[("GAP", 1)])));
}

#[test]
fn moto_people_are_told_what_it_means_and_what_to_do() {
    let Some(python) = python() else { return };
    let (chains, home) = (Chains::make(&python), Home::new());
    let mut command = home.command(["verify", "cloudtrail", "--since", SINCE, "--until", UNTIL]);
    command.arg(chains.path("log-modified")).arg("--keys").arg(chains.path("keys.json"));
    command.arg("--metadata").arg(chains.path("log-modified.jsonl"));
    let ended = ended(command.output().unwrap());
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    for words in ["LOG MODIFIED (invalid, 1)", "20260101T0215Z", "to do: ", "83.33 %", "invalid: "]
    {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
}

#[test]
fn a_place_or_file_that_is_none_is_an_error_that_names_it() {
    let home = Home::new();
    let nowhere = home.run(["verify", "cloudtrail", "/nowhere/at/all"]);
    assert_eq!(nowhere.code, Some(3));
    assert!(nowhere.err.contains("/nowhere/at/all"), "{}", nowhere.err);
    let file = home.path().with_file_name("keys.json");
    std::fs::write(&file, "{}").unwrap();
    let folder = home.path().with_file_name("empty");
    std::fs::create_dir(&folder).unwrap();
    let mut command = home.command(["verify", "cloudtrail"]);
    let bad = ended(command.arg(&folder).arg("--keys").arg(&file).output().unwrap());
    assert_eq!(bad.code, Some(3));
    assert!(bad.err.contains("PublicKeyList"), "{}", bad.err);
    std::fs::write(&file, r#"{"PublicKeyList":[]}"#).unwrap();
    let mut command = home.command(["verify", "cloudtrail", "--json"]);
    let empty = ended(command.arg(&folder).arg("--keys").arg(&file).output().unwrap());
    assert_eq!((empty.code, counts(&report(&empty))), (Some(4), sorted(&[("NO DIGESTS", 1)])));
}
