//! Cuts a stream of bytes into records.
//!
//! * The caller brings windows; no more of the stream is held than one record, and a record has a
//!   limit. How the stream was cut into windows never shows in the answer.
//! * Every byte that is not white space, punctuation between records, or the envelope around a
//!   list of records is in exactly one [`Step::Record`] or [`Step::Defect`] (a record beyond the
//!   limit is one defect that shows its first bytes).
//! * It finds where records end; whether they are JSON inside is for [`super::Tape`] to say. In
//!   JSON lines a line is one record: two objects in a line are for the tape to refuse.
//!
//! A string never holds a line break in JSON, so a string that meets one is broken there, and the
//! search for the next record goes on behind the break.

mod document;
mod lines;
mod scan;

use scan::Scan;

/// Finds the records in a stream of JSON text.
#[derive(Debug)]
pub struct Splitter {
    list_keys: Vec<String>,
    record_bytes_max: usize,
    /// Position in the window: everything before is decided.
    at: usize,
    /// Offset of the window in the stream.
    base: u64,
    state: State,
    /// Whether the text is JSON lines; the first value decides.
    lines: Option<bool>,
    head: Vec<u8>,
    list_key: Option<usize>,
    /// In a list, between elements: blanks since the last line break, if nothing else stands there.
    indent: Option<usize>,
    /// How often the search went on behind an element that was not closed.
    resumed: usize,
}

/// What [`Splitter::step`] found. Positions are places in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A record, from its first byte to behind its last.
    Record {
        /// Its first byte.
        start: usize,
        /// Behind its last byte.
        end: usize,
    },
    /// Bytes that are no record.
    Defect {
        /// The first byte.
        start: usize,
        /// Behind the last byte.
        end: usize,
        /// Why they are none.
        flaw: Flaw,
    },
    /// Drop the window before `keep_from`, append more of the stream, and call again.
    NeedMore {
        /// The first byte that is still needed.
        keep_from: usize,
    },
    /// The stream is cut completely.
    End,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Something else stands where an object should.
    #[error("not a JSON object")]
    NotAnObject,
    /// The stream ended first.
    #[error("the text ends inside a record")]
    Truncated,
    /// The stream ended in an envelope, where more records could have followed.
    #[error("the text ends inside a list of records")]
    ListTruncated,
    /// A line break came first.
    #[error("the line ends inside a record")]
    Broken,
    /// A line that looks like the next record came first.
    #[error("the record is not closed before the next one begins")]
    Unclosed,
    /// It was passed over; the bytes are its first.
    #[error("record larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

/// Where the splitter stands.
#[derive(Debug, Clone, Copy)]
enum State {
    /// At the first byte.
    Start,
    /// Between documents.
    Between,
    /// Behind the first record, which is in one line: is this the end of its line?
    Behind,
    /// In JSON lines, at the start of a line; no line end before `searched`.
    Line { searched: usize },
    /// In a line that is passed over.
    RestOfLine,
    /// In something that is no document; no line end before `searched`.
    Junk { searched: usize },
    /// In a document that is an object.
    Document(Document),
    /// In an array of records, between its elements; the document around it, if there is one.
    List(Option<Document>),
    /// In an element of such an array.
    Element { within: Option<Document>, item: Item, scan: Scan },
    /// Nothing follows.
    Done,
}

/// An element that is being scanned: where it starts and what it will be.
#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    fate: Fate,
    /// How far its first line is indented, if it begins a line.
    indent: Option<usize>,
}

/// What an element will be at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Record,
    NotAnObject,
    /// Its defect has been told; the rest is passed over.
    Told,
}

/// An object at the top of the stream.
#[derive(Debug, Clone, Copy)]
struct Document {
    start: usize,
    role: Role,
    phase: Phase,
}

/// What a document has turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A record, unless a list turns up in it.
    Record,
    /// An envelope around lists of records.
    Envelope,
    /// Too large for a record; told.
    TooLarge,
}

/// Where in a document: always between its members or in one of them.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Before a key or the closing brace.
    Member,
    /// In a key that starts here (inside its quotes).
    Key { start: usize, scan: Scan },
    /// Behind a key: is it one of the list keys?
    Colon { list_key: Option<usize> },
    /// Before a value.
    Value { list_key: Option<usize> },
    /// Inside the bracket behind a list key: are the elements objects?
    Bracket { list_key: usize },
    /// In something that is passed over, and what follows it.
    Inside { scan: Scan, then: Then },
}

/// What follows the part of a document that is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Member,
    Colon,
    /// It was the rest of a document that is no JSON.
    End,
}

/// What the inner steps answer: an answer for the caller, or "look again".
enum Turn {
    Step(Step),
    Again,
    /// More bytes are needed, from here on.
    Starved(usize),
}

impl Splitter {
    /// Bytes of a record, at most, unless the caller says otherwise.
    pub const RECORD_BYTES_MAX: usize = 16 << 20;
    /// How much of an envelope is kept for [`Splitter::head`].
    pub const HEAD_BYTES_MAX: usize = 64 << 10;
    /// How often, in one stream, the search for records goes on behind one that is not closed. Each
    /// time may cost a look at the whole record limit.
    const RESUMED_MAX: usize = 64;

    /// A splitter at the start of a stream. A document that is an object is an envelope if one of
    /// `list_keys` is among its own keys with an array that is empty or begins with an object;
    /// keys are compared as they are written. Any other object is a record.
    pub fn new(list_keys: &[&str]) -> Self {
        Self {
            list_keys: list_keys.iter().map(|k| (*k).to_owned()).collect(),
            record_bytes_max: Self::RECORD_BYTES_MAX,
            at: 0,
            base: 0,
            state: State::Start,
            lines: None,
            head: Vec::new(),
            list_key: None,
            indent: None,
            resumed: 0,
        }
    }

    /// The same with another limit on the size of a record.
    #[must_use]
    pub fn with_record_bytes_max(self, bytes: usize) -> Self {
        Self { record_bytes_max: bytes.max(1), ..self }
    }

    /// Offset in the stream of the window's first byte.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The document around the latest record, from its brace to the bracket of its first list:
    /// what the envelope says before its records. Empty outside an envelope, and cut at
    /// [`Splitter::HEAD_BYTES_MAX`].
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The key of the list that the latest record was in.
    pub fn list_key(&self) -> Option<&str> {
        self.list_key.and_then(|n| self.list_keys.get(n)).map(String::as_str)
    }

    /// The next step. `window` is what the caller kept of the last one and what it appended;
    /// `at_end` says that nothing will follow it.
    pub fn step(&mut self, window: &[u8], at_end: bool) -> Step {
        loop {
            match self.turn(window, at_end) {
                Turn::Step(step) => return step,
                Turn::Again => {}
                Turn::Starved(keep_from) => {
                    debug_assert!(!at_end, "at the end every state has an answer");
                    self.rebase(keep_from.min(window.len()));
                    return Step::NeedMore { keep_from: keep_from.min(window.len()) };
                }
            }
        }
    }

    #[inline]
    fn turn(&mut self, window: &[u8], at_end: bool) -> Turn {
        match self.state {
            State::Start => self.byte_order_mark(window, at_end),
            State::Between => self.between(window, at_end),
            State::Behind => self.behind(window, at_end),
            State::Line { searched } => self.line(searched, window, at_end),
            State::RestOfLine => self.rest_of_line(window, at_end),
            State::Junk { searched } => self.junk(searched, window, at_end),
            State::Document(document) => self.document(document, window, at_end),
            State::List(within) => self.list(within, window, at_end),
            State::Element { within, item, scan } => {
                self.element(within, item, scan, window, at_end)
            }
            State::Done => Turn::Step(Step::End),
        }
    }

    /// All positions after the caller has dropped `by` bytes.
    fn rebase(&mut self, by: usize) {
        self.base += by as u64;
        self.at -= by;
        let document = |d: Document| Document {
            start: d.start.saturating_sub(by),
            phase: match d.phase {
                Phase::Key { start, scan } => {
                    Phase::Key { start: start.saturating_sub(by), scan: scan.rebase(by) }
                }
                Phase::Inside { scan, then } => Phase::Inside { scan: scan.rebase(by), then },
                other => other,
            },
            ..d
        };
        self.state = match self.state {
            State::Line { searched } => State::Line { searched: searched - by },
            State::Junk { searched } => State::Junk { searched: searched - by },
            State::Document(d) => State::Document(document(d)),
            State::List(within) => State::List(within.map(document)),
            State::Element { within, item, scan } => State::Element {
                within: within.map(document),
                item: Item { start: item.start.saturating_sub(by), ..item },
                scan: scan.rebase(by),
            },
            other => other,
        };
    }

    fn byte_order_mark(&mut self, window: &[u8], at_end: bool) -> Turn {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if window.starts_with(MARK) {
            self.at = MARK.len();
        } else if MARK.starts_with(window) && !at_end {
            return Turn::Starved(0);
        }
        self.state = State::Between;
        Turn::Again
    }

    /// The next byte that is not white space, and `at` on it.
    #[inline]
    fn skip_space(&mut self, window: &[u8]) -> Option<u8> {
        self.skip_while(window, |b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'))
    }

    #[inline]
    fn skip_while(&mut self, window: &[u8], skips: impl Fn(u8) -> bool) -> Option<u8> {
        while let Some(b) = window.get(self.at) {
            if !skips(*b) {
                return Some(*b);
            }
            self.at += 1;
        }
        None
    }

    /// Between documents, where white space and nothing else may stand.
    fn between(&mut self, window: &[u8], at_end: bool) -> Turn {
        match self.skip_space(window) {
            Some(b'{') => self.begin_document(),
            Some(b'[') => self.begin_array(),
            Some(_) => self.state = State::Junk { searched: self.at },
            None if at_end => self.state = State::Done,
            None => return Turn::Starved(self.at),
        }
        Turn::Again
    }

    fn begin_document(&mut self) {
        self.forget_envelope();
        self.state =
            State::Document(Document { start: self.at, role: Role::Record, phase: Phase::Member });
        self.at += 1;
    }

    fn begin_array(&mut self) {
        self.forget_envelope();
        self.state = State::List(None);
        self.at += 1;
    }

    fn forget_envelope(&mut self) {
        self.head.clear();
        self.list_key = None;
    }

    fn too_large(&self, start: usize) -> Step {
        let bytes_max = self.record_bytes_max;
        Step::Defect { start, end: start + bytes_max, flaw: Flaw::TooLarge { bytes_max } }
    }
}

#[cfg(test)]
mod tests;
