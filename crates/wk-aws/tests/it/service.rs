//! A service that answers as it is told, and a client that calls it without waiting in earnest.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wk_aws::{Client, Parts, Pause, RoleHop, Settings};
use wk_model::Timestamp;
use wk_seam::aws::{CallRecord, Recorder};
use wk_seam::clock::StandingClock;
use wk_seam::credentials::{CredentialSource, Credentials};
use wk_seam::{Answer, Future};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Status, headers, body; status 0 hangs up without an answer.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

pub(crate) struct Service {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

impl Service {
    /// Answers until the test ends; the closure is told how many requests came before.
    pub(crate) fn start(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        let reply = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, reply) = (noted.clone(), reply.clone());
                std::thread::spawn(move || serve(&stream, &noted, reply.as_ref()));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    noted: &Mutex<Vec<Asked>>,
    reply: &(dyn Fn(usize, &Asked) -> Reply + Send + Sync),
) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let before = {
            let mut noted = noted.lock().unwrap();
            noted.push(asked.clone());
            noted.len() - 1
        };
        let (status, headers, body) = reply(before, &asked);
        if status == 0 {
            return;
        }
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n", body.len());
        let mut out = stream;
        if write!(out, "{head}{headers}\r\n{body}").is_err() {
            return;
        }
    }
}

/// A request, or nothing when the client has hung up.
fn read(reader: &mut impl std::io::BufRead) -> Option<Asked> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut asked = Asked { method, path, ..Asked::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = asked.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

/// Keeps records, and counts for how long it was to be waited.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) records: Mutex<Vec<CallRecord>>,
    pub(crate) pauses: Mutex<Vec<Duration>>,
}

impl Recorder for Notes {
    fn record(&self, record: &CallRecord) {
        self.records.lock().unwrap().push(record.clone());
    }
}

impl Pause for Notes {
    fn pause(&self, long: Duration) -> Future<'_, ()> {
        self.pauses.lock().unwrap().push(long);
        Box::pin(async {})
    }
}

impl Notes {
    pub(crate) fn records(&self) -> Vec<CallRecord> {
        self.records.lock().unwrap().clone()
    }
}

/// Keys of a user, with this secret.
#[derive(Debug)]
pub(crate) struct Keys(pub(crate) &'static str);

impl CredentialSource for Keys {
    fn credentials(&self) -> Future<'_, Answer<Credentials>> {
        Box::pin(async {
            Ok(Credentials {
                access_key: "AKIAEXAMPLE".into(),
                secret_key: self.0.into(),
                session_token: None,
                expires: None,
            })
        })
    }
    fn region(&self) -> Option<String> {
        Some("eu-central-1".into())
    }
    fn s3_endpoint(&self) -> Option<String> {
        None
    }
}

/// The time that the client takes for now: that of AWS's examples.
pub(crate) const NOW: &str = "2015-08-30T12:36:00Z";

/// A client of everything that listens at this address.
pub(crate) fn client(url: &str) -> (Client, Arc<Notes>) {
    let role = RoleHop {
        name: "watchkeeper-reader".into(),
        external_id: Some("an-outside-id".into()),
        session_name: "watchkeeper".into(),
    };
    client_at(url, Some(role), NOW)
}

pub(crate) fn client_at(url: &str, role: Option<RoleHop>, now: &str) -> (Client, Arc<Notes>) {
    client_by(
        url,
        role,
        Arc::new(StandingClock::at(Timestamp::parse(now).unwrap())),
        Keys("SeCrEt"),
    )
}

/// A client with a clock that the test moves.
pub(crate) fn client_by(
    url: &str,
    role: Option<RoleHop>,
    clock: Arc<StandingClock>,
    keys: Keys,
) -> (Client, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let parts =
        Parts { credentials: Arc::new(keys), clock, pause: notes.clone(), recorder: notes.clone() };
    let settings = Settings { endpoint: Some(url.to_owned()), role, ..Settings::default() };
    (Client::with(parts, &settings).unwrap(), notes)
}

/// Runs what is asynchronous.
pub(crate) fn wait_for<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
