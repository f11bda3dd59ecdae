//! The courier against servers on this machine that answer, refuse, stall and lie.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use wk_model::Timestamp;
use wk_seam::clock::StandingClock;
use wk_seam::courier::{Courier as _, Outcome, Parcel, Proof, SecretName, Secretive};

use crate::Router;

/// A server that answers each request with these bytes, and keeps what it was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answering(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (asked.clone(), answer.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                // Whoever asked may have heard enough.
                drop(stream.write_all(answer.as_bytes()));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Head and body of a request.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |l| l.trim().parse().unwrap());
        let whole = text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length);
        if n == 0 || whole {
            return text;
        }
    }
}

/// A file with this secret, and its name.
fn secret(folder: &tempfile::TempDir, text: &str) -> SecretName {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    SecretName(format!("file:{}", path.display()))
}

fn post(url: &str, proof: Proof, reference: Option<&'static str>) -> Parcel {
    Parcel::Http {
        method: "POST",
        url: Secretive::Plain(url.to_owned()),
        headers: vec![("content-type", "application/json".to_owned())],
        body: b"{\"a\":1}".to_vec(),
        proof,
        reference,
    }
}

fn carry(parcel: &Parcel) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1_614_265_330)));
    let router = Router::new(clock, None, None).unwrap();
    runtime.block_on(router.carry(parcel))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[test]
fn an_answer_says_whether_to_try_again() {
    let of = |status: &str, headers: &str| {
        let server = Server::answering(&answer(status, headers, "why"));
        carry(&post(&server.address, Proof::None, None))
    };
    assert!(matches!(of("202 Accepted", ""), Outcome::Accepted { .. }));
    for status in ["408 Request Timeout", "425 Too Early", "500 Oops", "503 Busy"] {
        assert!(matches!(of(status, ""), Outcome::Later { after_seconds: None, .. }), "{status}");
    }
    let asked = of("429 Slow Down", "retry-after: 17\r\n");
    assert!(matches!(asked, Outcome::Later { after_seconds: Some(17), .. }), "{asked:?}");
    for status in ["400 Bad", "401 Who", "404 Gone", "302 Elsewhere"] {
        let refused = of(status, "location: http://203.0.113.1/\r\n");
        assert!(matches!(refused, Outcome::Refused { .. }), "{status}: {refused:?}");
    }
}

#[test]
fn a_secret_is_sent_and_blotted_out_of_what_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(&answer("400 Bad", "", "no such key: s3cret"));
    let secret = secret(&folder, "s3cret\n");
    let proof = Proof::BodyMember { member: "routing_key", secret };
    let outcome = carry(&post(&server.address, proof, None));
    assert!(server.asked()[0].ends_with(r#"{"a":1,"routing_key":"s3cret"}"#));
    let said = format!("{outcome:?}");
    assert!(said.contains("no such key") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_webhook_is_signed_by_every_key() {
    // The vector of standard-webhooks' own libraries: id, time, body and key give this signature.
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(&answer("200 OK", "", ""));
    let key = secret(&folder, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let mut parcel = post(&server.address, Proof::None, None);
    if let Parcel::Http { body, proof, .. } = &mut parcel {
        *body = br#"{"test": 2432232314}"#.to_vec();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned();
        *proof = Proof::StandardWebhook { id, secrets: vec![key.clone(), key] };
    }
    assert!(matches!(carry(&parcel), Outcome::Accepted { .. }));
    let request = server.asked()[0].clone();
    let signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(request.contains(&format!("webhook-signature: {signed} {signed}")), "{request}");
    assert!(request.contains("webhook-timestamp: 1614265330"), "{request}");
    assert!(request.contains("webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek"), "{request}");
}

#[test]
fn an_endless_answer_is_read_to_its_limit_and_nothing_there_is_for_later() {
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(1 << 20));
    let server = Server::answering(&endless);
    let taken = carry(&post(&server.address, Proof::None, Some("/key")));
    assert!(matches!(taken, Outcome::Accepted { reference: None, .. }), "{taken:?}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = carry(&post(&format!("http://{closed}/secret-path"), Proof::None, None));
    let Outcome::Later { reason, .. } = &nobody else { panic!("{nobody:?}") };
    assert!(reason.contains("127.0.0.1") && !reason.contains("secret-path"), "{reason}");
}

#[test]
fn the_key_of_what_was_made_comes_back() {
    let server = Server::answering(&answer("201 Created", "", r#"{"id":"1","key":"SEC-7"}"#));
    let made = carry(&post(&server.address, Proof::None, Some("/key")));
    assert!(
        matches!(&made, Outcome::Accepted { reference: Some(key), .. } if key == "SEC-7"),
        "{made:?}"
    );
}
