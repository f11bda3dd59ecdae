//! JSON lines, and what is no document at all.

use super::{Flaw, Splitter, State, Step, Turn};

impl Splitter {
    /// Behind the first record, which is in one line. If the line ends here, then the text is JSON
    /// lines.
    pub(super) fn behind(&mut self, window: &[u8], at_end: bool) -> Turn {
        match self.skip_while(window, |b| matches!(b, b' ' | b'\r' | b'\t')) {
            Some(b'\n') => {
                self.at += 1;
                self.lines = Some(true);
            }
            None if !at_end => return Turn::Starved(self.at),
            _ => self.lines = Some(false),
        }
        self.state = self.next_document();
        Turn::Again
    }

    /// The state in which the next document is looked for.
    pub(super) fn next_document(&self) -> State {
        match self.lines {
            Some(true) => State::Line { searched: self.at },
            _ => State::Between,
        }
    }

    /// One line of JSON lines.
    #[inline]
    pub(super) fn line(&mut self, searched: usize, window: &[u8], at_end: bool) -> Turn {
        let start = self.at;
        let rest = window.get(searched..).unwrap_or(&[]);
        let found = memchr::memchr(b'\n', rest).map(|n| searched + n);
        let end = found.unwrap_or(window.len());
        if end - start > self.record_bytes_max {
            self.state = State::RestOfLine;
            self.at = start + self.record_bytes_max;
            return Turn::Step(self.too_large(start));
        }
        if found.is_none() && !at_end {
            self.state = State::Line { searched: end };
            return Turn::Starved(start);
        }
        let line = window.get(start..end).unwrap_or(&[]);
        let next = if found.is_some() { end + 1 } else { end };
        self.take_line(line, start, next, found.is_none())
    }

    fn take_line(&mut self, line: &[u8], start: usize, next: usize, last: bool) -> Turn {
        let text = line.trim_ascii();
        let start = start + (line.len() - line.trim_ascii_start().len());
        let end = start + text.len();
        match (text.first(), text.last()) {
            (None, _) => {}
            (Some(b'{'), Some(b'}')) if !self.is_envelope_line(text) => {
                self.move_to_line(next, last);
                return Turn::Step(Step::Record { start, end });
            }
            // An envelope, or the first line of a document of several lines.
            (Some(b'{'), Some(b'}')) => return self.read_as_document(start),
            (Some(b'{'), _) if text.len() == 1 && !last => return self.read_as_document(start),
            (Some(b'['), _) => {
                self.at = start;
                self.begin_array();
                return Turn::Again;
            }
            (Some(first), _) => {
                let flaw = match (first, last) {
                    (b'{', true) => Flaw::Truncated,
                    (b'{', false) => Flaw::Broken,
                    _ => Flaw::NotAnObject,
                };
                self.move_to_line(next, last);
                return Turn::Step(Step::Defect { start, end, flaw });
            }
        }
        self.move_to_line(next, last);
        Turn::Again
    }

    fn move_to_line(&mut self, next: usize, last: bool) {
        self.at = next;
        self.forget_envelope();
        self.state = if last { State::Done } else { State::Line { searched: next } };
    }

    fn read_as_document(&mut self, start: usize) -> Turn {
        self.at = start;
        self.begin_document();
        Turn::Again
    }

    /// Whether the line's first key is a list key in front of an array. (An envelope in the midst
    /// of lines whose list comes later in it is not looked for: it would cost every line.)
    fn is_envelope_line(&self, line: &[u8]) -> bool {
        let Some(key) =
            line.get(1..).map(<[u8]>::trim_ascii_start).and_then(|t| t.strip_prefix(b"\""))
        else {
            return false;
        };
        self.list_keys.iter().any(|list_key| {
            key.strip_prefix(list_key.as_bytes())
                .and_then(|t| t.strip_prefix(b"\""))
                .and_then(|t| t.trim_ascii_start().strip_prefix(b":"))
                .is_some_and(|t| t.trim_ascii_start().starts_with(b"["))
        })
    }

    /// The rest of a line whose defect has been told.
    pub(super) fn rest_of_line(&mut self, window: &[u8], at_end: bool) -> Turn {
        let rest = window.get(self.at..).unwrap_or(&[]);
        match memchr::memchr(b'\n', rest) {
            Some(n) => {
                self.at += n + 1;
                self.state = self.next_document();
            }
            None => {
                self.at = window.len();
                if !at_end {
                    return Turn::Starved(self.at);
                }
                self.state = State::Done;
            }
        }
        Turn::Again
    }

    /// Something that is neither an object nor an array is a defect up to the end of its line.
    pub(super) fn junk(&mut self, searched: usize, window: &[u8], at_end: bool) -> Turn {
        let start = self.at;
        let rest = window.get(searched..).unwrap_or(&[]);
        let found = memchr::memchr(b'\n', rest).map(|n| searched + n);
        let end = found.unwrap_or(window.len());
        if end - start > self.record_bytes_max {
            self.state = State::RestOfLine;
            self.at = start + self.record_bytes_max;
            return Turn::Step(self.too_large(start));
        }
        if found.is_none() && !at_end {
            self.state = State::Junk { searched: end };
            return Turn::Starved(start);
        }
        self.at = end;
        self.state = self.next_document();
        let line = window.get(start..end).unwrap_or(&[]);
        let end = start + line.trim_ascii_end().len();
        Turn::Step(Step::Defect { start, end, flaw: Flaw::NotAnObject })
    }
}
