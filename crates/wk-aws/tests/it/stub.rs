//! A server that gives prepared answers, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers by the start of the request line, such as `GET /federation`.
type Answers = Vec<(&'static str, u16, String)>;

pub(crate) struct Stub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// A server until the test ends; what it does not know is not found.
    pub(crate) fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                noted.lock().unwrap().push(serve(stream.unwrap(), &answers));
            }
        });
        Self { url, asked }
    }

    /// A server that takes calls and never answers.
    pub(crate) fn silent() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    /// The requests so far, with their headers and bodies.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answers: &Answers) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if read == 0 || line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.push_str(&String::from_utf8(body).unwrap());
    let known = answers.iter().find(|(start, _, _)| request.starts_with(start));
    let (status, body) = known.map_or((404, "not here"), |(_, status, body)| (*status, body));
    let headers = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\nx-amzn-requestid: r-7\r\n";
    let length = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    write!(stream, "HTTP/1.1 {status} Said\r\n{headers}{length}\r\n{body}").unwrap();
    request
}
