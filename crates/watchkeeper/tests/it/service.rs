//! The service as a process: begun, stopped, killed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::program::{Home, ended};

/// A service that runs, and what it said so far.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<Value>,
}

/// How long something may take on a crowded machine, in tenths of a second.
const PATIENCE: u32 = 600;

impl Running {
    pub(crate) fn begin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    pub(crate) fn at(home: &Home) -> Self {
        Self::begin(home.command(["run", "--log-format", "json"]))
    }

    /// Waits for a line of its log.
    pub(crate) fn line(&mut self, wanted: &str, job: &str) -> Value {
        let fits =
            |line: &Value| line["message"] == wanted && (job.is_empty() || line["job"] == job);
        for _ in 0..PATIENCE {
            if let Some(found) = self.said.iter().find(|line| fits(line)) {
                return found.clone();
            }
            if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(100)) {
                let said = serde_json::from_str(&line);
                self.said.push(said.unwrap_or_else(|_| panic!("a line that is no JSON: {line}")));
            }
        }
        panic!("{wanted} was never said, but {:#?}", self.said);
    }

    pub(crate) fn address(&mut self, job: &str) -> String {
        self.line("listening", job)["address"].as_str().unwrap().to_owned()
    }

    /// The figure of a series: the sum of all lines that begin so, or in one of several ways.
    pub(crate) fn figure(&mut self, series: &str) -> f64 {
        let address = self.address("http");
        let (_, text) = get(&address, "/metrics");
        let begins = |line: &&str| series.split('|').any(|one| line.starts_with(one));
        let of = text.lines().filter(begins);
        of.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until a figure is at least so large.
    pub(crate) fn reaches(&mut self, series: &str, least: f64) {
        let mut last = 0.0;
        for _ in 0..PATIENCE {
            last = self.figure(series);
            if last >= least {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{series} is {last}, not {least}");
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop and waits until it has ended.
    pub(crate) fn stop(self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let ended = ended(self.child.wait_with_output().unwrap());
        (ended.code, ended.out)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

/// A page of the service.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, body.to_owned())
}

/// A home whose service watches a folder.
fn watching(folder: &Path) -> Home {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let config = format!(
        "[service]\nlisten = '127.0.0.1:0'\ngather_seconds = 1\n[[folder]]\npath = '{}'\nsettle_seconds = 0\npoll_seconds = 1\n",
        folder.display()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

/// Objects that were opened: new ones, and such as hold the same as another.
const HANDLED: &str = "watchkeeper_objects_total|watchkeeper_known_objects_total";

/// Puts some files of the corpus into a folder, as programs do that rename them in.
fn drop_into(folder: &Path, corpus: &Corpus, files: std::ops::Range<usize>) {
    for (number, file) in corpus.files[files.clone()].iter().enumerate() {
        let name = format!("{:05}-{}", files.start + number, file.file_name().unwrap().display());
        std::fs::copy(file, folder.join(".coming")).unwrap();
        std::fs::rename(folder.join(".coming"), folder.join(name)).unwrap();
    }
}

#[test]
fn slow_a_watched_folder_is_read_stopped_killed_and_read_on() {
    let (corpus, folder, plain) = (Corpus::some(90), tempfile::tempdir().unwrap(), Home::new());
    plain.ingest([corpus.path()]);
    let home = watching(folder.path());
    drop_into(folder.path(), &corpus, 0..30);
    let mut first = Running::at(&home);
    first.reaches(HANDLED, 30.0);
    let (code, body) = get(&first.address("http"), "/readyz");
    assert_eq!(code, 200, "{body}");
    assert!(body.contains("folder ") && body.contains("\"ready\": true"), "{body}");
    assert_eq!(get(&first.address("http"), "/healthz"), (200, "alive\n".to_owned()));
    let (code, out) = first.stop();
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("records in"), "{out}");
    // A restart opens nothing again, and goes on.
    drop_into(folder.path(), &corpus, 30..60);
    let mut second = Running::at(&home);
    second.reaches(HANDLED, 30.0);
    assert!(second.figure(HANDLED) < 31.0);
    // Killed in the middle of whatever it does, twice.
    drop_into(folder.path(), &corpus, 60..75);
    second.kill();
    let third = Running::at(&home);
    drop_into(folder.path(), &corpus, 75..90);
    third.kill();
    let mut last = Running::at(&home);
    last.reaches("watchkeeper_job_up{job=\"intake\"}", 1.0);
    for _ in 0..PATIENCE {
        if home.seen().events == plain.seen().events {
            break;
        }
    }
    assert_eq!(last.stop().0, Some(0));
    assert_eq!(home.seen(), plain.seen());
}

#[test]
fn slow_a_service_that_cannot_begin_says_why() {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let begun_with = |config: &str| {
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let ended = home.run(["run"]);
        (ended.code, ended.err)
    };
    let (code, err) = begun_with("");
    assert!(code == Some(3) && err.contains("nothing to watch"), "{err}");
    let open = "[service]\nlisten = '0.0.0.0:7480'\n[[folder]]\npath = 'x'\n";
    let (code, err) = begun_with(open);
    assert!(
        code == Some(3) && err.contains("[service] listen") && err.contains("0.0.0.0"),
        "{err}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, err) =
        begun_with(&format!("[service]\nlisten = '{address}'\n[[folder]]\npath = 'x'\n"));
    assert!(code == Some(3) && err.contains(&address.to_string()), "{err}");
}

#[test]
fn slow_a_folder_that_is_not_there_makes_unready_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let home = watching(&missing);
    let mut running = Running::at(&home);
    let job = format!("folder {}", missing.display());
    let line = running.line("a job failed", &job);
    assert!(line["why"].as_str().unwrap().contains("No such file"), "{line}");
    let address = running.address("http");
    for _ in 0..PATIENCE {
        if get(&address, "/readyz").0 == 503 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let (code, body) = get(&address, "/readyz");
    assert!(code == 503 && body.contains("failed 3 times in a row"), "{body}");
    // It is mended without a restart.
    std::fs::create_dir(&missing).unwrap();
    std::fs::write(missing.join("a.json"), "{\"eventVersion\":\"1.08\",\"eventID\":\"00000000-0000-4000-8000-000000000001\",\"eventTime\":\"2024-02-15T14:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"CreateUser\",\"awsRegion\":\"us-east-1\",\"recipientAccountId\":\"111122223333\"}\n").unwrap();
    running.reaches("watchkeeper_records_total{source=\"cloudtrail\",became=\"stored\"}", 1.0);
    assert_eq!(running.stop().0, Some(0));
}

/// A message of protobuf with one field that is bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![tag << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        out.push(u8::try_from(length & 127).unwrap() | 128);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}

/// An OTLP request with one log record: resource_logs, scope_logs, log_records, body, string.
fn one_log(text: &str) -> Vec<u8> {
    field(1, &field(2, &field(2, &field(5, &field(1, text.as_bytes())))))
}

fn send(address: &str, kind: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn slow_what_otlp_was_answered_for_is_there_after_a_kill() {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let config = "[service]\nlisten = '127.0.0.1:0'\ngather_seconds = 1\n[otlp]\nhttp = '127.0.0.1:0'\ngrpc = '127.0.0.1:0'\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut answered = 0;
    for round in 0..3 {
        let mut running = Running::at(&home);
        let address = running.address("otlp http");
        for number in 0..40 {
            let text = format!("round {round} number {number}");
            let json = format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}"#
            );
            let code = if number % 2 == 0 {
                send(&address, "application/json", json.as_bytes())
            } else {
                send(&address, "application/x-protobuf", &one_log(&text))
            };
            answered += u32::from(code == 200);
        }
        // Killed right after the last answer.
        running.kill();
    }
    assert_eq!(answered, 120);
    let mut last = Running::at(&home);
    over_grpc(&last.address("otlp grpc"));
    last.reaches("watchkeeper_otlp_records_total{became=\"taken\"}", 1.0);
    let ask = "SELECT count(*) AS n, count(DISTINCT message) AS d FROM app_log";
    let wanted = "{\"n\":121,\"d\":121}\n";
    let mut seen = String::new();
    for _ in 0..PATIENCE / 4 {
        seen = home.run(["query", "--format", "jsonl", "--sql", ask]).out;
        if seen == wanted {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(300));
    }
    assert_eq!(seen, wanted);
    assert_eq!(last.stop().0, Some(0));
    let left = std::fs::read_dir(home.path().join("spool")).unwrap().count();
    assert_eq!(left, 0, "what is committed is gone from the spool");
}

/// A frame of HTTP/2 (RFC 9113).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A header as HPACK writes it without tables and without packing.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// A log by gRPC over plain HTTP/2; its status is 0.
fn over_grpc(address: &str) {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const END_STREAM: u8 = 1;
    const END_HEADERS: u8 = 4;
    let message = one_log("by gRPC");
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let headers = [
        literal(":method", "POST"),
        literal(":scheme", "http"),
        literal(":path", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
        literal(":authority", address),
        literal("content-type", "application/grpc"),
        literal("te", "trailers"),
    ];
    let mut stream = TcpStream::connect(address).unwrap();
    let request = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, b""),
        frame(HEADERS, END_HEADERS, 1, &headers.concat()),
        frame(DATA, END_STREAM, 1, &[&[0][..], &length, &message].concat()),
    ];
    stream.write_all(&request.concat()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("the call is answered to its end");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == HEADERS && head[4] & END_STREAM != 0 {
            // The last header is `grpc-status`; "0" is these bytes in HPACK's code (RFC 7541).
            assert!(payload.ends_with(&[0x81, 0x07]), "{payload:x?}");
            return;
        }
    }
}

#[test]
fn slow_an_event_can_be_asked_for_within_a_minute_and_is_counted_once_when_it_comes_again() {
    let (corpus, folder) = (Corpus::some(60), tempfile::tempdir().unwrap());
    let of_trail = |file: &&std::path::PathBuf| file.display().to_string().contains("/CloudTrail/");
    let files: Vec<_> = corpus.files.iter().filter(of_trail).take(3).collect();
    let home = watching(folder.path());
    let mut running = Running::at(&home);
    running.address("http");
    let texts: Vec<Vec<u8>> = files
        .iter()
        .map(|file| wk_store::inflate::small(&std::fs::read(file).unwrap()).unwrap())
        .collect();
    let put = |name: &str, end: &[u8]| {
        for (number, text) in texts.iter().enumerate() {
            let coming = folder.path().join(".coming");
            std::fs::write(&coming, [text, end].concat()).unwrap();
            std::fs::rename(&coming, folder.path().join(format!("{name}-{number}"))).unwrap();
        }
    };
    let ask = "SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM cloudtrail";
    let events = || {
        let answer = home.run(["query", "--format", "jsonl", "--sql", ask]).out;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        (answer["n"].as_u64().unwrap(), answer["d"].as_u64().unwrap())
    };
    let begun = crate::crash::now();
    put("live", b"");
    while events().0 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing to be seen after a minute");
    }
    running.reaches(HANDLED, 3.0);
    let live = events();
    assert!(live.0 > 0 && live.0 == live.1, "{live:?}");
    // The archive brings the same events again, in other objects.
    put("archived", b"\n\n");
    running.reaches(HANDLED, 6.0);
    assert_eq!(events(), live);
    let again = "watchkeeper_records_total{source=\"cloudtrail\",became=\"duplicate\"}";
    assert!(running.figure(again) > 0.0);
    assert_eq!(running.stop().0, Some(0));
}
