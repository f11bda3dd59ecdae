//! Servers on this machine that take notices: HTTP receivers and a mail server that answer as they
//! are told to, and keep what they were given.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a server was given, in order.
#[derive(Clone, Default)]
pub(crate) struct Given(Arc<Mutex<Vec<String>>>);

impl Given {
    fn keep(&self, text: String) -> usize {
        let mut all = self.all_locked();
        all.push(text);
        all.len()
    }
    fn all_locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn all(&self) -> Vec<String> {
        self.all_locked().clone()
    }
}

/// The body of every answer: what Jira says of an issue that it made.
const TICKET: &str = r#"{"id":"1","key":"SEC-7"}"#;

/// An HTTP receiver. What it answers follows from how many requests it got, this one counted; no
/// answer at all is `None`: it stalls until it is asked no more.
pub(crate) fn receiver(
    answer: impl Fn(usize) -> Option<(u16, &'static str)> + Send + Sync + 'static,
) -> (String, Given) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let given = Given::default();
    let (kept, answer) = (given.clone(), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (kept, answer) = (kept.clone(), answer.clone());
            std::thread::spawn(move || take(stream, &kept, answer.as_ref()));
        }
    });
    (address, given)
}

/// What an API answers: status, more headers, body. `None`: it stalls until it is asked no more.
pub(crate) type Said = Option<(u16, &'static str, String)>;

/// An API that answers each request by what was asked.
pub(crate) fn api(answer: impl Fn(&str) -> Said + Send + Sync + 'static) -> (String, Given) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let given = Given::default();
    let (kept, answer) = (given.clone(), Arc::new(answer));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (kept, answer) = (kept.clone(), answer.clone());
            std::thread::spawn(move || {
                let Some(request) = request(&mut stream) else { return };
                kept.keep(request.clone());
                match answer(&request) {
                    Some((status, headers, body)) => say(&mut stream, status, headers, &body),
                    // Waits until the other side gives up or is killed.
                    None => drop(stream.read(&mut [0])),
                }
            });
        }
    });
    (address, given)
}

fn say(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let said = format!(
        "HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    drop(stream.write_all(said.as_bytes()));
}

fn take(
    mut stream: TcpStream,
    given: &Given,
    answer: &dyn Fn(usize) -> Option<(u16, &'static str)>,
) {
    let Some(request) = request(&mut stream) else { return };
    let count = given.keep(request);
    match answer(count) {
        Some((status, headers)) => say(&mut stream, status, headers, TICKET),
        // Waits until the other side gives up or is killed.
        None => drop(stream.read(&mut [0])),
    }
}

/// Head and body of a request; `None` if the other side went away.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |l| l.trim().parse().unwrap());
        if text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length) {
            return Some(text);
        }
    }
}

/// A mail server: address and mails. To `RCPT` it answers what follows from how many mails were
/// begun, this one counted.
pub(crate) fn mail_server(answer: impl Fn(usize) -> &'static str + Send + 'static) -> (u16, Given) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let given = Given::default();
    let kept = given.clone();
    std::thread::spawn(move || {
        let mut begun = 0;
        for stream in listener.incoming().flatten() {
            // Whoever hangs up in between has said enough.
            drop(converse(&stream, &kept, &mut begun, &answer));
        }
    });
    (port, given)
}

fn converse(
    stream: &TcpStream,
    given: &Given,
    begun: &mut usize,
    answer: &dyn Fn(usize) -> &'static str,
) -> std::io::Result<()> {
    let mut out = stream;
    let mut lines = BufReader::new(stream);
    out.write_all(b"220 mail.test ready\r\n")?;
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
        match verb.as_str() {
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                let mut part = String::new();
                while lines.read_line(&mut part)? > 0 && part != ".\r\n" {
                    mail.push_str(&part);
                    part.clear();
                }
                given.keep(mail);
                out.write_all(b"250 taken as 42\r\n")?;
            }
            "RCPT" => {
                *begun += 1;
                out.write_all(format!("{}\r\n", answer(*begun)).as_bytes())?;
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => out.write_all(b"250 fine\r\n")?,
        }
        line.clear();
    }
    Ok(())
}
