//! Documents that are objects or arrays, and the lists of records in them.

use super::scan::{Found, Scan};
use super::{Document, Fate, Flaw, Item, Phase, Role, Splitter, State, Step, Then, Turn};

/// Files put together by hand indent their records differently; objects inside a record are
/// indented twice by what their printer uses, which is rarely less than two.
const SLACK: usize = 2;

impl Splitter {
    /// A key longer than this is no list key, and is not kept to be compared.
    const KEY_BYTES_MAX: usize = 1 << 10;

    /// One move through a document that is an object.
    pub(super) fn document(&mut self, document: Document, window: &[u8], at_end: bool) -> Turn {
        if self.is_over_limit(document) {
            return self.document_too_large(document, window);
        }
        match document.phase {
            Phase::Member => self.member(document, window, at_end),
            Phase::Key { start, scan } => self.key(document, start, scan, window, at_end),
            Phase::Colon { list_key } => match self.skip_space(window) {
                Some(b':') => {
                    self.at += 1;
                    self.enter(document, Phase::Value { list_key })
                }
                Some(_) => self.enter(document, self.unreadable()),
                None => self.starve_document(document, window, at_end),
            },
            Phase::Value { list_key } => self.value(document, list_key, window, at_end),
            Phase::Bracket { list_key } => self.bracket(document, list_key, window, at_end),
            Phase::Inside { scan, then } => self.inside(document, scan, then, window, at_end),
        }
    }

    fn enter(&mut self, document: Document, phase: Phase) -> Turn {
        self.state = State::Document(Document { phase, ..document });
        Turn::Again
    }

    /// The document breaks the grammar between its members. Its end is where its brackets balance.
    fn unreadable(&self) -> Phase {
        Phase::Inside { scan: Scan::nested(self.at, 1), then: Then::End }
    }

    /// Before a key, a comma or the closing brace.
    fn member(&mut self, document: Document, window: &[u8], at_end: bool) -> Turn {
        match self.skip_while(window, |b| matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b',')) {
            Some(b'"') => {
                self.at += 1;
                let scan = Scan::text(self.at);
                self.enter(document, Phase::Key { start: self.at, scan })
            }
            Some(b'}') => self.end_document(document, self.at + 1, window),
            Some(_) => self.enter(document, self.unreadable()),
            None => self.starve_document(document, window, at_end),
        }
    }

    fn key(
        &mut self,
        document: Document,
        start: usize,
        mut scan: Scan,
        window: &[u8],
        at_end: bool,
    ) -> Turn {
        match scan.run(window) {
            Found::End(end) => {
                self.at = end;
                let key = window.get(start..end - 1).unwrap_or(&[]);
                let list_key = self.list_keys.iter().position(|k| k.as_bytes() == key);
                self.enter(document, Phase::Colon { list_key })
            }
            Found::Broken(at) => self.broken_document(document, at, window),
            Found::Not if scan.at - start > Self::KEY_BYTES_MAX => {
                self.at = scan.at;
                self.enter(document, Phase::Inside { scan, then: Then::Colon })
            }
            Found::Not => {
                let phase = Phase::Key { start, scan };
                self.starve_document(Document { phase, ..document }, window, at_end)
            }
        }
    }

    /// Before a value: a list of records, or something to pass over.
    fn value(
        &mut self,
        document: Document,
        list_key: Option<usize>,
        window: &[u8],
        at_end: bool,
    ) -> Turn {
        let before = self.at;
        match (self.skip_space(window), list_key) {
            (None, _) => self.starve_document(document, window, at_end),
            // First the limit is looked at again.
            _ if self.at > before => self.enter(document, document.phase),
            (Some(b'['), Some(list_key)) => {
                if document.role == Role::Record {
                    let end = self.at.min(document.start + Self::HEAD_BYTES_MAX - 1) + 1;
                    self.head.extend_from_slice(window.get(document.start..end).unwrap_or(&[]));
                }
                self.at += 1;
                self.enter(document, Phase::Bracket { list_key })
            }
            (Some(first), _) => {
                let scan = Scan::of_value(first, self.at);
                self.enter(document, Phase::Inside { scan, then: Then::Member })
            }
        }
    }

    /// Inside the bracket behind a list key. An array of anything but objects is no list of
    /// records: `{"user":"x","records":[1,2]}` is a record.
    fn bracket(
        &mut self,
        document: Document,
        list_key: usize,
        window: &[u8],
        at_end: bool,
    ) -> Turn {
        let before = self.at;
        match self.skip_space(window) {
            None => self.starve_document(document, window, at_end),
            _ if self.at > before => self.enter(document, document.phase),
            Some(b'{' | b']') => self.begin_list(document, list_key),
            Some(_) => {
                if document.role == Role::Record {
                    self.head.clear();
                }
                let scan = Scan::nested(self.at, 1);
                self.enter(document, Phase::Inside { scan, then: Then::Member })
            }
        }
    }

    /// Inside the bracket of a list: the document is an envelope.
    fn begin_list(&mut self, document: Document, list_key: usize) -> Turn {
        self.list_key = Some(list_key);
        let envelope = Document { role: Role::Envelope, phase: Phase::Member, ..document };
        self.state = State::List(Some(envelope));
        Turn::Again
    }

    /// In something that is passed over.
    fn inside(
        &mut self,
        document: Document,
        mut scan: Scan,
        then: Then,
        window: &[u8],
        at_end: bool,
    ) -> Turn {
        match (scan.run(window), then) {
            (Found::End(end), Then::End) => self.end_document(document, end, window),
            (Found::End(end), _) => {
                self.at = end;
                let colon = Phase::Colon { list_key: None };
                self.enter(document, if then == Then::Colon { colon } else { Phase::Member })
            }
            (Found::Broken(at), _) => self.broken_document(document, at, window),
            (Found::Not, _) => {
                self.at = scan.at;
                let phase = Phase::Inside { scan, then };
                self.starve_document(Document { phase, ..document }, window, at_end)
            }
        }
    }

    fn is_over_limit(&self, document: Document) -> bool {
        document.role == Role::Record
            && self.at.saturating_sub(document.start) > self.record_bytes_max
    }

    /// The document's last brace is the byte before `end`.
    fn end_document(&mut self, document: Document, end: usize, window: &[u8]) -> Turn {
        let start = document.start;
        if document.role == Role::Record && end - start > self.record_bytes_max {
            return self.document_too_large(document, window);
        }
        self.at = end;
        if document.role != Role::Record {
            self.state = self.next_document();
            return Turn::Again;
        }
        let bytes = window.get(start..end).unwrap_or(&[]);
        if self.lines.is_none() && memchr::memchr(b'\n', bytes).is_none() {
            self.state = State::Behind;
        } else {
            self.lines = self.lines.or(Some(false));
            self.state = self.next_document();
        }
        Turn::Step(Step::Record { start, end })
    }

    /// A document that may be a record has passed the limit. If it was a broken first line of
    /// JSON lines, the line is the defect; otherwise the document is, and a list in it is still
    /// looked for.
    fn document_too_large(&mut self, document: Document, window: &[u8]) -> Turn {
        let known = document.start + self.record_bytes_max + 1;
        if let Some(turn) = self.first_line_is_broken(document, known, window) {
            return turn;
        }
        let step = self.too_large(document.start);
        self.state = State::Document(Document { role: Role::TooLarge, ..document });
        Turn::Step(step)
    }

    /// One of the document's strings meets a line break at `end`: the document is broken there.
    fn broken_document(&mut self, document: Document, end: usize, window: &[u8]) -> Turn {
        let start = document.start;
        if document.role == Role::Record {
            if end - start > self.record_bytes_max {
                return self.document_too_large(document, window);
            }
            if let Some(turn) = self.first_line_is_broken(document, end, window) {
                return turn;
            }
        }
        self.at = end;
        self.state = self.next_document();
        match document.role {
            Role::Record => Turn::Step(Step::Defect { start, end, flaw: Flaw::Broken }),
            Role::Envelope => {
                Turn::Step(Step::Defect { start: end, end, flaw: Flaw::ListTruncated })
            }
            Role::TooLarge => Turn::Again,
        }
    }

    /// A document did not come to a good end. If the line after its first begins another object,
    /// then only that first line is broken: it is the defect, and the next line is read anew.
    /// Only bytes before `known` are looked at, so that windows do not change the answer.
    fn first_line_is_broken(
        &mut self,
        document: Document,
        known: usize,
        window: &[u8],
    ) -> Option<Turn> {
        let start = document.start;
        let bytes = window.get(start..known)?;
        let end = memchr::memchr(b'\n', bytes)?;
        if !bytes.get(end..)?.trim_ascii_start().starts_with(b"{\"") {
            return None;
        }
        self.at = start + end;
        self.state = self.next_document();
        let end = start + bytes.get(..end)?.trim_ascii_end().len();
        Some(Turn::Step(Step::Defect { start, end, flaw: Flaw::Broken }))
    }

    /// The window ends inside the document.
    fn starve_document(&mut self, document: Document, window: &[u8], at_end: bool) -> Turn {
        if document.role == Role::Record && window.len() - document.start > self.record_bytes_max {
            return self.document_too_large(document, window);
        }
        if at_end {
            return self.truncated_document(document, window);
        }
        self.state = State::Document(document);
        Turn::Starved(match (document.role, document.phase) {
            (Role::Record, _) => document.start,
            (_, Phase::Key { start, .. }) => start,
            _ => self.at,
        })
    }

    fn truncated_document(&mut self, document: Document, window: &[u8]) -> Turn {
        let (start, flaw) = match document.role {
            Role::Record => {
                if let Some(turn) = self.first_line_is_broken(document, window.len(), window) {
                    return turn;
                }
                (document.start, Flaw::Truncated)
            }
            Role::Envelope => (self.at, Flaw::ListTruncated),
            Role::TooLarge => {
                self.state = State::Done;
                return Turn::Again;
            }
        };
        self.state = State::Done;
        Turn::Step(Step::Defect { start, end: window.len(), flaw })
    }

    /// Between the elements of an array of records.
    #[inline]
    pub(super) fn list(&mut self, within: Option<Document>, window: &[u8], at_end: bool) -> Turn {
        let from = self.at;
        let next = self.skip_while(window, |b| matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b','));
        self.note_indent(window.get(from..self.at).unwrap_or_default());
        match next {
            Some(b']') => {
                self.at += 1;
                self.indent = None;
                self.state = match within {
                    Some(document) => State::Document(document),
                    None => self.next_document(),
                };
                Turn::Again
            }
            // Behind a record that took the end of its list with it, another document begins.
            Some(b'[') if self.indent == Some(0) => {
                self.indent = None;
                self.state = self.next_document();
                Turn::Again
            }
            Some(first) => {
                let fate = if first == b'{' { Fate::Record } else { Fate::NotAnObject };
                let item = Item { start: self.at, fate, indent: self.indent.take() };
                let mut scan = Scan::of_value(first, self.at);
                if matches!(first, b'}' | b':') {
                    scan.at += 1; // whatever it is, it is at least this byte
                }
                self.element(within, item, scan, window, at_end)
            }
            None if at_end => {
                self.state = State::Done;
                let (start, end) = (self.at, window.len());
                Turn::Step(Step::Defect { start, end, flaw: Flaw::ListTruncated })
            }
            None => Turn::Starved(self.at),
        }
    }

    /// In an element of such an array.
    #[inline]
    pub(super) fn element(
        &mut self,
        within: Option<Document>,
        item: Item,
        mut scan: Scan,
        window: &[u8],
        at_end: bool,
    ) -> Turn {
        let found = scan.run(window);
        let reached = match found {
            Found::End(end) | Found::Broken(end) => end,
            Found::Not => window.len(),
        };
        if item.fate != Fate::Told && reached - item.start > self.record_bytes_max {
            let known = item.start + self.record_bytes_max;
            if let Some(turn) = self.resume_behind(within, item, known, window) {
                return turn;
            }
            self.at = scan.at.max(item.start);
            let step = self.too_large(item.start);
            let item = Item { fate: Fate::Told, ..item };
            self.state = State::Element { within, item, scan };
            return Turn::Step(step);
        }
        let (start, end) = (item.start, reached);
        match (found, item.fate) {
            (Found::Not, fate) if !at_end => {
                self.at = if fate == Fate::Told { scan.at } else { start };
                self.state = State::Element { within, item, scan };
                return Turn::Starved(self.at);
            }
            (Found::Not, fate) => {
                if fate != Fate::Told
                    && let Some(turn) = self.resume_behind(within, item, window.len(), window)
                {
                    return turn;
                }
                self.state = State::Done;
            }
            _ => {
                self.at = reached;
                self.state = State::List(within);
            }
        }
        let flaw = match (found, item.fate) {
            (_, Fate::Told) => return Turn::Again,
            (Found::End(_), Fate::Record) => return Turn::Step(Step::Record { start, end }),
            (Found::End(_), Fate::NotAnObject) => Flaw::NotAnObject,
            (Found::Broken(_), _) => Flaw::Broken,
            (Found::Not, _) => Flaw::Truncated,
        };
        Turn::Step(Step::Defect { start, end, flaw })
    }

    /// Follows what stands between elements, to know how far the next one is indented.
    #[inline]
    fn note_indent(&mut self, skipped: &[u8]) {
        for byte in skipped {
            self.indent = match byte {
                b'\n' => Some(0),
                b',' => None,
                _ => self.indent.map(|blanks| blanks + 1),
            };
        }
    }

    /// An element did not end. If a later line, indented hardly further than the element's first,
    /// begins an object or an array or ends the list, then the element was not closed: it is the
    /// defect, and that line is read anew. Only bytes before `known` are looked at, so that windows
    /// do not change the answer.
    fn resume_behind(
        &mut self,
        within: Option<Document>,
        item: Item,
        known: usize,
        window: &[u8],
    ) -> Option<Turn> {
        let indent = item.indent.filter(|_| self.resumed < Self::RESUMED_MAX)?;
        let bytes = window.get(item.start..known)?;
        let begins = memchr::memchr_iter(b'\n', bytes).find_map(|end| {
            let line = bytes.get(end + 1..)?;
            let blanks = line.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
            let indent_max = match line.get(blanks)? {
                b'{' | b'[' => indent + SLACK,
                b']' => indent,
                _ => return None,
            };
            (blanks <= indent_max).then_some((end, end + 1 + blanks))
        });
        let (end, next) = begins?;
        self.resumed += 1;
        self.at = item.start + next;
        self.indent = Some(next - end - 1);
        self.state = match bytes.get(next) {
            Some(b'[') => self.next_document(),
            _ => State::List(within),
        };
        let end = item.start + bytes.get(..end)?.trim_ascii_end().len();
        Some(Turn::Step(Step::Defect { start: item.start, end, flaw: Flaw::Unclosed }))
    }
}
