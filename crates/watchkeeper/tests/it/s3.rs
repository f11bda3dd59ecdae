//! Objects and lakes in S3: against moto, and against a stub that misbehaves.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::program::{Ended, Home, ended};

/// The stand-in for AWS, on a port of its own.
pub(crate) struct Moto {
    child: Child,
    pub(crate) endpoint: String,
    pub(crate) python: PathBuf,
}

#[expect(clippy::disallowed_methods, reason = "where the tests' Python is, the environment says")]
pub(crate) fn python() -> Option<PathBuf> {
    let python = std::env::var_os("WATCHKEEPER_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: WATCHKEEPER_TEST_PYTHON names no Python with moto");
    }
    python
}

impl Moto {
    pub(crate) fn start() -> Option<Self> {
        const SERVE: &str = "
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
";
        let python = python()?;
        let mut child = Command::new(&python)
            .args(["-c", SERVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().expect("moto says its port");
        Some(Self { child, endpoint: format!("http://127.0.0.1:{port}"), python })
    }

    /// Runs Python with a client for S3 as `s3`, and what else is named, as `words`.
    pub(crate) fn do_in_python(&self, code: &str, words: &[&str]) -> String {
        let whole = format!(
            "
import sys, os, boto3
endpoint, words = sys.argv[1], sys.argv[2:]
keys = dict(aws_access_key_id='AKIAEXAMPLE', aws_secret_access_key='example', region_name='eu-central-1')
s3 = boto3.client('s3', endpoint_url=endpoint, **keys)
{code}
"
        );
        let done = Command::new(&self.python)
            .args(["-c", &whole, &self.endpoint])
            .args(words)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn bucket(&self, name: &str) {
        let code = "s3.create_bucket(Bucket=words[0], CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})";
        self.do_in_python(code, &[name]);
    }

    fn upload(&self, folder: &Path, bucket: &str) {
        let code = "
for at, _, names in os.walk(words[0]):
    for name in names:
        path = os.path.join(at, name)
        s3.upload_file(path, words[1], 'trail/' + os.path.relpath(path, words[0]))
";
        self.do_in_python(code, &[&folder.display().to_string(), bucket]);
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the program as a user whose profile `reader` assumes a role.
fn run(home: &Home, endpoint: &str, args: &[&str]) -> Ended {
    ended(as_reader(home, endpoint, args).output().unwrap())
}

/// The program as a user whose profile `reader` assumes a role.
pub(crate) fn as_reader(home: &Home, endpoint: &str, args: &[&str]) -> Command {
    let aws = home.path().with_file_name("aws");
    std::fs::create_dir_all(&aws).unwrap();
    let config = "
[profile base]
region = eu-central-1
[profile reader]
region = eu-central-1
role_arn = arn:aws:iam::123456789012:role/log-reader
source_profile = base
";
    let keys = "[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n";
    std::fs::write(aws.join("config"), config).unwrap();
    std::fs::write(aws.join("credentials"), keys).unwrap();
    let mut command = home.command(args);
    command
        .env("HOME", aws.parent().unwrap())
        .env("AWS_CONFIG_FILE", aws.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", aws.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", endpoint);
    command
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

const READ: [&str; 5] = ["ingest", "--json", "--profile", "reader", "s3://logs/trail"];

#[test]
fn moto_a_bucket_gives_what_the_disk_gives() {
    let Some(moto) = Moto::start() else { return };
    let (corpus, from_disk, from_s3) = (Corpus::some(200), Home::new(), Home::new());
    let (code, on_disk) = from_disk.ingest([corpus.path()]);
    moto.bucket("logs");
    moto.upload(&corpus.path(), "logs");
    let first = run(&from_s3, &moto.endpoint, &READ);
    assert_eq!((code, first.code), (0, Some(0)), "{}", first.err);
    // Two keys are two objects, whatever they hold; two files that hold the same are one.
    let stored = |report: &Value| -> Vec<(String, Value)> {
        let sources = report["sources"].as_object().unwrap().iter();
        sources.map(|(name, tally)| (name.clone(), tally["stored"].clone())).collect()
    };
    assert_eq!(stored(&report(&first)), stored(&on_disk));
    let again = report(&run(&from_s3, &moto.endpoint, &READ));
    assert_eq!((&again["objects"]["read"], &again["objects"]["skipped"]), (&0.into(), &200.into()));
    let findings = |home: &Home| {
        let mut findings = home.seen().findings;
        findings.as_array_mut().unwrap().iter_mut().for_each(without_places);
        findings
    };
    assert_eq!(findings(&from_s3), findings(&from_disk));
}

/// Events without an id are named by their object, which is another one in a bucket.
fn without_places(finding: &mut Value) {
    let name = |event: &mut Value| {
        if event["id"].as_str().is_some_and(|id| id.contains(':') && !id.starts_with("arn:")) {
            event["id"] = "its place".into();
        }
    };
    name(&mut finding["latest"]);
    finding["events"].as_array_mut().unwrap().iter_mut().for_each(name);
}

#[test]
fn moto_a_lake_in_a_bucket_is_written_and_asked() {
    let Some(moto) = Moto::start() else { return };
    let (corpus, on_disk, home) = (Corpus::some(60), Home::new(), Home::new());
    moto.bucket("lake");
    std::fs::create_dir_all(home.path()).unwrap();
    let config = "[lake]\nlocation = 's3://lake/watchkeeper'\nprofile = 'reader'\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let place = corpus.path().display().to_string();
    let read = run(&home, &moto.endpoint, &["ingest", "--json", &place]);
    assert_eq!(read.code, Some(0), "{}", read.err);
    assert!(!home.path().join("lake").try_exists().unwrap(), "nothing lies on the disk");
    on_disk.ingest([corpus.path()]);
    let ask = [
        "query",
        "--format",
        "jsonl",
        "--sql",
        "SELECT event_time, raw FROM events ORDER BY event_time, raw",
    ];
    let answered = run(&home, &moto.endpoint, &ask);
    assert_eq!((answered.code, answered.out), (Some(0), on_disk.run(ask).out), "{}", answered.err);
}

#[test]
fn moto_a_lake_in_a_bucket_is_kept_fit_checked_rebuilt_and_forgets() {
    let Some(moto) = Moto::start() else { return };
    let (corpus, home) = (Corpus::some(60), Home::new());
    moto.bucket("lake");
    std::fs::create_dir_all(home.path()).unwrap();
    let config = "[lake]\nlocation = 's3://lake/watchkeeper'\nprofile = 'reader'\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let ok = |args: &[&str]| {
        let ended = run(&home, &moto.endpoint, args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}{}", ended.out, ended.err);
        ended.out
    };
    for files in corpus.files.chunks(corpus.files.len().div_ceil(3)) {
        let places: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        ok(&[&["ingest"], &places.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
    }
    let all = ["query", "--format", "jsonl", "--sql", "SELECT raw FROM events ORDER BY raw"];
    let (rows, findings) = (ok(&all), ok(&["findings", "list", "--json"]));
    let compacted: Value =
        serde_json::from_str(&ok(&["lake", "compact", "--all", "--json"])).unwrap();
    assert!(compacted["files"]["after"].as_u64() < compacted["files"]["before"].as_u64());
    assert_eq!(ok(&all), rows);
    ok(&["lake", "fsck", "--deep"]);
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        drop(std::fs::remove_file(home.path().join(name)));
    }
    ok(&["lake", "rebuild"]);
    assert_eq!((ok(&all), ok(&["findings", "list", "--json"])), (rows.clone(), findings));
    ok(&["verify"]);
    let people = ["--authorised-by", "ann", "--second-person", "ben", "--json"];
    let erase = ["lake", "erase", "--subject", "111122223333", "--request", "T-1", "--apply"];
    let ended = run(&home, &moto.endpoint, &[&erase[..], &people].concat());
    let erased = report(&ended)["deleted"]["rows"].as_u64().unwrap();
    assert_eq!(ok(&all).lines().count() as u64 + erased, rows.lines().count() as u64);
}

#[test]
fn moto_a_bucket_that_is_not_there_is_named() {
    let Some(moto) = Moto::start() else { return };
    let ended = run(&Home::new(), &moto.endpoint, &READ);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.err.contains("s3://logs/trail") && ended.err.contains("NoSuchBucket"),
        "{}",
        ended.err
    );
}

/// What the stub answers to a request: status, headers and the bytes that it sends before it hangs
/// up.
type Reply = (u16, String, Vec<u8>);

/// A server that answers as it is told; credentials are taken from a profile with plain keys.
fn stub(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = reply.clone();
            // A client that hangs up is none of the stub's business.
            std::thread::spawn(move || drop(serve(&stream, reply.as_ref())));
        }
    });
    endpoint
}

fn serve(stream: &TcpStream, reply: &dyn Fn(&str) -> Reply) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let (status, headers, body) = reply(&first);
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} Stub\r\nConnection: close\r\n{headers}\r\n")?;
    stream.write_all(&body)
}

fn whole(body: impl Into<Vec<u8>>, headers: &str) -> Reply {
    let body = body.into();
    (200, format!("Content-Length: {}\r\n{headers}", body.len()), body)
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, format!("Content-Length: {}\r\n", body.len()), body.into_bytes())
}

fn listing(objects: &[(&str, usize)]) -> Reply {
    let contents: String = objects
        .iter()
        .map(|(key, size)| {
            format!(
                "<Contents><Key>trail/{key}</Key><LastModified>2024-02-15T14:30:00.000Z</LastModified><ETag>\"{key}\"</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        })
        .collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>logs</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    );
    whole(body, "Content-Type: application/xml\r\n")
}

/// The headers of an object.
fn object(tag: &str) -> String {
    format!("ETag: \"{tag}\"\r\nLast-Modified: Thu, 15 Feb 2024 14:30:00 GMT\r\n")
}

fn records(count: usize) -> Vec<u8> {
    let record = |n| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2024-02-15T14:23:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","eventID":"00000000-0000-4000-8000-{n:012}","recipientAccountId":"111122223333"}}"#
        )
    };
    (0..count).map(record).collect::<Vec<_>>().join("\n").into_bytes()
}

const READ_STUB: [&str; 5] = ["ingest", "--json", "--profile", "base", "s3://logs/trail"];

#[test]
fn slow_objects_that_break_off_are_failed_and_leave_nothing() {
    let (good, small, large) = (records(3), records(50), records(20_000));
    let sizes = [
        ("good", good.len()),
        ("broken", 9),
        ("large", large.len()),
        ("replaced", 9),
        ("small", small.len()),
    ];
    let endpoint = stub(move |request| {
        let cut = |bytes: &[u8], tag: &str| {
            let headers = format!("Content-Length: {}\r\n{}", bytes.len(), object(tag));
            (200, headers, bytes[..bytes.len() / 2].to_vec())
        };
        match request.split([' ', '?']).nth(1).unwrap_or_default() {
            "/logs/trail/good" => whole(good.clone(), &object("good")),
            "/logs/trail/broken" => refusal(500, "InternalError", "try again"),
            "/logs/trail/large" => cut(&large, "large"),
            "/logs/trail/replaced" => whole(good.clone(), &object("another")),
            "/logs/trail/small" => cut(&small, "small"),
            _ => listing(&sizes),
        }
    });
    let home = Home::new();
    let ended = run(&home, &endpoint, &READ_STUB);
    let report = report(&ended);
    assert_eq!(ended.code, Some(4), "{report:#}");
    assert_eq!((&report["objects"]["read"], &report["total"]["stored"]), (&1.into(), &3.into()));
    let reasons: Vec<String> =
        report["failures"].as_array().unwrap().iter().map(Value::to_string).collect();
    for name in ["broken", "large", "replaced", "small"] {
        assert!(
            reasons.iter().any(|r| r.contains(&format!("s3://logs/trail/{name}"))),
            "{reasons:#?}"
        );
    }
    assert!(reasons.iter().any(|r| r.contains("replaced after it was listed")), "{reasons:#?}");
    assert_eq!(home.seen().events, 3);
}

#[test]
fn slow_a_refusal_says_what_to_allow() {
    let listed =
        stub(|_| refusal(403, "AccessDenied", "User is not authorized to perform: s3:ListBucket"));
    let ended = run(&Home::new(), &listed, &READ_STUB);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.err.contains("s3://logs/trail") && ended.err.contains("s3:ListBucket"),
        "{}",
        ended.err
    );
    let sealed = stub(|request| match request.split([' ', '?']).nth(1) {
        Some("/logs/trail/a") => {
            refusal(403, "AccessDenied", "not authorized to perform: kms:Decrypt on the resource")
        }
        _ => listing(&[("a", 9)]),
    });
    let ended = run(&Home::new(), &sealed, &READ_STUB);
    let failure = report(&ended)["failures"][0]["reason"].to_string();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        failure.contains("s3://logs/trail/a") && failure.contains("allow it to the reader's role"),
        "{failure}"
    );
}
