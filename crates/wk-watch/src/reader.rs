//! The bytes of an object into events or complaints.
//!
//! * Every record yields exactly one event or one refusal; nothing is dropped in silence.
//! * The kind is told by content, not by name.
//! * Works on successive windows, so that an object of any size needs bounded memory.

use wk_lang::json::{Splitter, Step, Tape, Value};
use wk_model::{Row, Timestamp};

use crate::sources::google_workspace;
use crate::sources::{self, Context, Envelope, Line, LineReader, Settings, Source};
use crate::unwrap;

/// Where events and refusals go.
pub trait Sink {
    /// An event of a source. `record` is its JSON where it has any, for rules.
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, at: u64);
    /// Asked before the row of a JSON record is made: whether it is wanted. Who only runs rules
    /// over records says no.
    fn wants_row(&mut self, _source: &'static Source, _record: Value<'_>) -> bool {
        true
    }
    /// A record, or a stretch of bytes, that is no event. `source` may be `unknown`.
    fn refuse(&mut self, source: &str, at: u64, reason: &str, bytes: &[u8]);
}

/// What is known of an object from outside.
pub struct ObjectFacts<'a> {
    /// Where it lies.
    pub uri: &'a str,
    /// When it was written.
    pub modified: Timestamp,
    /// Its metadata.
    pub metadata: &'a [(String, String)],
}

/// Reads one object.
pub struct Reader<'a> {
    facts: ObjectFacts<'a>,
    settings: &'a Settings,
    forced: Option<&'static Source>,
    state: State,
    tape: Tape,
    hint: Option<&'static Source>,
    /// Offset of the window in the object.
    position: u64,
    record_bytes_max: usize,
    head_bytes: usize,
}

enum State {
    /// Nothing seen yet.
    Start,
    Json(Box<Splitter>),
    Lines(&'static Source, Box<dyn LineReader>, Passing),
    /// Not a kind that is known: one refusal, the rest is passed over.
    Unknown,
}

/// Keys under which AWS lists records in a document.
pub const LIST_KEYS: &[&str] =
    &["Records", "records", "Findings", "findings", "configurationItems", "events", "Events"];

/// How many bytes of an object are looked at to tell its kind.
const HEAD_BYTES: usize = 64 << 10;
/// How many lines of it.
const HEAD_LINES: usize = 20;

impl<'a> Reader<'a> {
    /// A reader for one object. `forced` is the user's word on what it is.
    pub fn new(
        facts: ObjectFacts<'a>,
        settings: &'a Settings,
        forced: Option<&'static Source>,
        record_bytes_max: usize,
    ) -> Self {
        Self {
            facts,
            settings,
            forced,
            state: State::Start,
            tape: Tape::default(),
            hint: None,
            position: 0,
            record_bytes_max,
            head_bytes: HEAD_BYTES,
        }
    }

    /// The same, but the kind is told by other than the first 64 KiB; for tests with small windows.
    #[must_use]
    pub fn with_head_bytes(self, bytes: usize) -> Self {
        Self { head_bytes: bytes.max(1), ..self }
    }

    /// Reads a window: the bytes that the last call left, then new ones. Answers how many bytes at
    /// its beginning are done with. With `at_end` all of them are.
    pub fn read(&mut self, window: &[u8], at_end: bool, sink: &mut dyn Sink) -> usize {
        let blank = self.begin(window, at_end, sink);
        let window = &window[blank..];
        let done = match self.state {
            State::Start => 0,
            State::Unknown => window.len(),
            State::Json(_) => self.json(window, at_end, sink),
            State::Lines(..) => self.lines(window, at_end, sink),
        };
        self.position += done as u64;
        blank + done
    }

    /// Tells the kind once enough is there to tell it: more than the head, so that how the object
    /// is cut into windows does not show. Answers how many blank bytes were passed over.
    fn begin(&mut self, window: &[u8], at_end: bool, sink: &mut dyn Sink) -> usize {
        let mut blank = 0;
        while matches!(self.state, State::Start) {
            let rest = &window[blank..];
            if rest.len() <= self.head_bytes && !at_end {
                break;
            }
            if rest.len() > self.head_bytes && without_mark(&rest[..self.head_bytes]).is_empty() {
                blank += self.head_bytes;
                self.position += self.head_bytes as u64;
                continue;
            }
            self.state = self.recognise(rest, sink);
        }
        blank
    }

    fn recognise(&self, window: &[u8], sink: &mut dyn Sink) -> State {
        let head = &window[..window.len().min(self.head_bytes)];
        let text = without_mark(head);
        if text.is_empty() {
            return State::Unknown; // an empty object: no record, no complaint
        }
        let forced_lines = self.forced.filter(|s| s.json.is_none());
        if is_json(text) && forced_lines.is_none() {
            return State::Json(Box::new(
                Splitter::new(LIST_KEYS).with_record_bytes_max(self.record_bytes_max),
            ));
        }
        let shown = String::from_utf8_lossy(text);
        let mut lines: Vec<&str> =
            shown.lines().filter(|l| !l.trim().is_empty()).take(HEAD_LINES + 1).collect();
        if lines.len() > 1 && (lines.len() > HEAD_LINES || window.len() > head.len()) {
            lines.pop(); // may be cut
        }
        let binary = head.iter().take(4096).filter(|b| **b == 0).count() > 0;
        let source =
            self.forced.or_else(|| sources::of_lines(&lines, self.settings).filter(|_| !binary));
        match source.and_then(|s| Some((s, s.lines.as_ref()?))) {
            Some((source, form)) => {
                State::Lines(source, (form.begin)(self.settings), Passing::Nothing)
            }
            None => {
                let reason = "not a kind of log that Watchkeeper knows; --source names one";
                sink.refuse(self.forced.map_or("unknown", |s| s.id), self.position, reason, head);
                State::Unknown
            }
        }
    }

    fn json(&mut self, window: &[u8], at_end: bool, sink: &mut dyn Sink) -> usize {
        let State::Json(splitter) = &mut self.state else { return window.len() };
        // Checked once for the window; a window that fails is checked record by record.
        let text = std::str::from_utf8(window).ok();
        loop {
            match splitter.step(window, at_end) {
                Step::Record { start, end } => {
                    let at = self.position + start as u64;
                    let bytes = &window[start..end];
                    let record = match text {
                        Some(text) => text.get(start..end),
                        None => std::str::from_utf8(bytes).ok(),
                    };
                    let context = context(&self.facts, self.settings);
                    let Some(record) = record else {
                        sink.refuse(name(self.hint), at, "is not UTF-8", bytes);
                        continue;
                    };
                    // An activity of Google's looks like a list of events; its head is part of each.
                    let whole = activity(splitter.head(), splitter.list_key(), record);
                    match self.tape.parse(whole.as_deref().unwrap_or(record)) {
                        Ok(value) => {
                            let found =
                                unwrap::record(value, &context, self.forced, self.hint, at, sink);
                            self.hint = found.or(self.hint);
                        }
                        Err(defect) => {
                            let at = at + defect.position as u64;
                            sink.refuse(name(self.hint), at, defect.reason, bytes);
                        }
                    }
                }
                Step::Defect { start, end, flaw } => {
                    let at = self.position + start as u64;
                    sink.refuse(name(self.hint), at, &flaw.to_string(), &window[start..end]);
                }
                Step::NeedMore { keep_from } => return keep_from,
                Step::End => return window.len(),
            }
        }
    }

    fn lines(&mut self, window: &[u8], at_end: bool, sink: &mut dyn Sink) -> usize {
        let State::Lines(source, reader, passing) = &mut self.state else { return window.len() };
        let context = context(&self.facts, self.settings);
        let limit = self.record_bytes_max;
        let cut = Cut { window, at_end, begins: reader.begins(), record_bytes_max: limit };
        let marked = self.position == 0 && window.starts_with(MARK);
        let mut start = if marked { MARK.len() } else { 0 };
        loop {
            start = cut.pass(start, passing);
            if start >= window.len() || *passing != Passing::Nothing {
                return start;
            }
            let at = self.position + start as u64;
            let end = match cut.record(start) {
                Some(Ok(end)) => end,
                Some(Err(TooLong)) => {
                    let end = start + limit;
                    let reason = format!("record larger than {limit} bytes");
                    sink.refuse(source.id, at, &reason, &window[start..end]);
                    (start, *passing) = (end, Passing::Line);
                    continue;
                }
                None => return start,
            };
            let bytes = &window[start..end];
            start = end;
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.trim().is_empty() {
                continue;
            }
            match reader.record(text, &context) {
                Line::Event(mut row) => {
                    if std::str::from_utf8(bytes).is_err() {
                        row.flag("raw", "was not UTF-8", "");
                    }
                    sink.event(source, *row, None, at);
                }
                Line::Header => {}
                Line::Refused(refusal) => sink.refuse(source.id, at, &refusal.0, bytes),
            }
        }
    }
}

/// How a text may begin that says it is UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text behind its byte order mark and blanks.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text).trim_ascii_start()
}

/// Whether the text begins as JSON records do. A bracket before a letter or digit is that of a
/// log's own time or level: `[15/Feb/2024:14:23:00 +0000]`, `[INFO]`.
fn is_json(text: &[u8]) -> bool {
    match text.split_first() {
        Some((b'{', _)) => true,
        Some((b'[', rest)) => {
            !rest.trim_ascii_start().first().is_some_and(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

/// The activity of Google Workspace that is cut after `head`, with this one of its events.
fn activity(head: &[u8], list: Option<&str>, event: &str) -> Option<String> {
    let head = (list == Some("events")).then(|| std::str::from_utf8(head).ok()).flatten()?;
    let is_activity = head.contains(google_workspace::ACTIVITY) && head.ends_with('[');
    is_activity.then(|| [head, event, "]}"].concat())
}

fn name(source: Option<&'static Source>) -> &'static str {
    source.map_or("unknown", |s| s.id)
}

fn context<'a>(facts: &ObjectFacts<'a>, settings: &'a Settings) -> Context<'a> {
    Context {
        uri: facts.uri,
        modified: facts.modified,
        settings,
        metadata: facts.metadata,
        envelope: Envelope::default(),
    }
}

/// What of a record beyond the limit is still to be passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    Nothing,
    /// The rest of the line.
    Line,
    /// The lines that continue the record.
    Record,
}

/// A record is larger than the limit.
struct TooLong;

/// A window of lines, and what they are cut by.
struct Cut<'w> {
    window: &'w [u8],
    at_end: bool,
    begins: Option<fn(&str) -> bool>,
    record_bytes_max: usize,
}

impl Cut<'_> {
    /// Where the record that begins at `start` ends: after its line and the lines that continue it.
    /// `None` if more bytes are needed.
    fn record(&self, start: usize) -> Option<Result<usize, TooLong>> {
        let mut line = start;
        loop {
            let end = self.line_end(line);
            if end.unwrap_or(self.window.len()) - start > self.record_bytes_max {
                return Some(Err(TooLong));
            }
            let Some(here) = end else { return self.at_end.then_some(Ok(self.window.len())) };
            if self.begins.is_none() || (here == self.window.len() && self.at_end) {
                return Some(Ok(here));
            }
            if self.begins_at(here)? {
                return Some(Ok(here));
            }
            line = here;
        }
    }

    /// Passes over what is to be passed over from `start` on; answers how far it came.
    fn pass(&self, mut start: usize, passing: &mut Passing) -> usize {
        while *passing != Passing::Nothing && start < self.window.len() {
            if *passing == Passing::Record {
                match self.begins_at(start) {
                    Some(false) => {}
                    Some(true) => {
                        *passing = Passing::Nothing;
                        break;
                    }
                    None => break,
                }
            }
            (start, *passing) = match self.line_end(start) {
                Some(end) if self.begins.is_some() => (end, Passing::Record),
                Some(end) => (end, Passing::Nothing),
                None => (self.window.len(), Passing::Line),
            };
        }
        start
    }

    /// Whether the line at `start` begins a record; `None` if too little of it is there to tell.
    /// Of a long line only as much is looked at as a record may have.
    fn begins_at(&self, start: usize) -> Option<bool> {
        let rest = &self.window[start..];
        let known = rest.len() > self.record_bytes_max || self.at_end;
        let end = match self.line_end(start) {
            Some(end) => end - start,
            None if known => rest.len(),
            None => return None,
        };
        let line = String::from_utf8_lossy(&rest[..end.min(self.record_bytes_max)]);
        Some(self.begins.is_none_or(|begins| begins(line.trim_end_matches(['\n', '\r']))))
    }

    /// Behind the line break of the line at `start`.
    fn line_end(&self, start: usize) -> Option<usize> {
        memchr::memchr(b'\n', &self.window[start..]).map(|n| start + n + 1)
    }
}

#[cfg(test)]
mod tests;
