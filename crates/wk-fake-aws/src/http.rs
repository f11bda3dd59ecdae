//! HTTP/1.1, as much of it as AWS's clients speak.

use std::io::BufRead;

/// The largest body that is taken.
const BODY_BYTES_MAX: usize = 8 << 20;

/// A request as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `POST`, `GET`, …
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The path without what is behind the `?`.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// What is behind the `?`, as names and values, still written by number.
    pub fn query(&self) -> Vec<(&str, &str)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        pairs(query)
    }
}

/// The fields of a form, still written by number.
pub(crate) fn pairs(form: &str) -> Vec<(&str, &str)> {
    let fields = form.split('&').filter(|field| !field.is_empty());
    fields.map(|field| field.split_once('=').unwrap_or((field, ""))).collect()
}

/// Text that was written by number.
pub(crate) fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |b: Option<u8>| char::from(b.unwrap_or(b'0')).to_digit(16).unwrap_or(0);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The next request of a connection; nothing when it has ended.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, target, ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    if length > BODY_BYTES_MAX {
        return None;
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
