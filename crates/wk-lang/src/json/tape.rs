//! One document, checked and laid out as a row of nodes.
//!
//! Two passes. The first looks at 64 bytes at once and notes where quotes stand that are not
//! escaped, and, rarely, where escapes and control characters stand. The second walks the grammar;
//! it knows the end of each string without looking at the string, and strings are most of a log.

use std::num::NonZeroU64;

use super::blocks::{BLOCK, Block, Escapes};
use super::text::escape_length;
use super::value::{Kind, Value};

/// Buffers for one document at a time; use the same one again for the next.
#[derive(Debug, Default)]
pub struct Tape {
    /// Positions of unescaped quotes; only the first `quote_count` are of this document.
    quotes: Vec<u32>,
    quote_count: usize,
    /// Positions of backslashes that begin an escape and of control characters.
    marks: Vec<u32>,
    nodes: Vec<Node>,
    spaced: bool,
}

/// Why a text is not a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {position}")]
pub struct Defect {
    /// Byte offset in the text.
    pub position: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// A value in preorder: its children, if any, are the nodes behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// For a member of an object: where its key begins and ends, without quotes.
    pub(super) key: Span,
    /// The value's bytes; for a string, without quotes.
    pub(super) value: Span,
    /// How many nodes from here to the next sibling.
    pub(super) skip: u32,
    pub(super) kind: Kind,
}

/// A stretch of text, and whether it holds escapes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    /// Highest bit: escapes occur.
    end: u32,
}

impl Span {
    const ESCAPED: u32 = 1 << 31;
    #[inline(always)]
    fn new(start: usize, end: usize, escaped: bool) -> Self {
        let flag = if escaped { Self::ESCAPED } else { 0 };
        Self { start: narrow(start), end: narrow(end) | flag }
    }
    #[inline(always)]
    pub(super) fn end(self) -> usize {
        (self.end & !Self::ESCAPED) as usize
    }
    #[inline(always)]
    pub(super) fn escaped(self) -> bool {
        self.end & Self::ESCAPED != 0
    }
    #[inline(always)]
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end()).unwrap_or("")
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "texts beyond 1 GiB are refused at the door")]
fn narrow(position: usize) -> u32 {
    position as u32
}

impl Tape {
    /// Arrays and objects inside each other, at most.
    pub const DEPTH_MAX: usize = 128;
    /// Bytes of a document, at most.
    pub const BYTES_MAX: usize = 1 << 30;
    /// Values in a document, at most: more than records have, and few enough to be held.
    pub const VALUES_MAX: usize = 1 << 22;
    /// Nodes and positions that are kept for the next document.
    const KEPT_MAX: usize = 1 << 16;

    /// Empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one JSON document (RFC 8259): any value, white space around it, nothing else.
    ///
    /// Keys may occur twice; [`Value::get`] gives the first, [`Value::fields`] gives both.
    ///
    /// # Errors
    /// The first defect, from the left.
    pub fn parse<'a>(&'a mut self, text: &'a str) -> Result<Value<'a>, Defect> {
        if text.len() > Self::BYTES_MAX {
            return Err(Defect { position: 0, reason: "the document is larger than 1 GiB" });
        }
        self.forget();
        self.find_strings(text.as_bytes());
        let mut walk = Walk {
            bytes: text.as_bytes(),
            quotes: self.quotes.get(..self.quote_count).unwrap_or(&[]),
            next_quote: 0,
            next_mark: self.marks.first().map_or(usize::MAX, |p| *p as usize),
            marks: &self.marks,
            nodes: &mut self.nodes,
            open: [0; Self::DEPTH_MAX],
            depth: 0,
            in_object: false,
            at: 0,
            spaced: false,
        };
        walk.document()?;
        self.spaced = walk.spaced;
        Ok(Value::root(&self.nodes, text, self.spaced))
    }

    /// Clears the buffers and gives back what one huge document made them take.
    fn forget(&mut self) {
        self.marks.clear();
        self.nodes.clear();
        if self.quotes.len() > Self::KEPT_MAX {
            self.quotes.truncate(Self::KEPT_MAX);
            self.quotes.shrink_to_fit();
        }
        self.marks.shrink_to(Self::KEPT_MAX);
        self.nodes.shrink_to(Self::KEPT_MAX);
    }

    /// The first pass.
    fn find_strings(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mut escapes = Escapes::default();
        let mut count = 0;
        for (n, bytes) in blocks.iter().enumerate() {
            count = self.find_in_block(Block::new(bytes), n * BLOCK, &mut escapes, count);
        }
        if !rest.is_empty() {
            let position = blocks.len() * BLOCK;
            count = self.find_in_block(Block::padded(rest), position, &mut escapes, count);
        }
        self.quote_count = count;
    }

    #[inline(always)]
    fn find_in_block(
        &mut self,
        block: Block,
        position: usize,
        escapes: &mut Escapes,
        count: usize,
    ) -> usize {
        let mut quotes = block.equal_to(b'"');
        let specials = block.specials();
        if specials.any() {
            let backslashes = specials.backslashes();
            let escaped = escapes.escaped(backslashes);
            quotes &= !escaped;
            let marks = backslashes & !escaped | specials.controls();
            self.marks.extend(bits(marks).map(|bit| narrow(position) + bit));
        } else {
            quotes &= !escapes.escaped(0);
        }
        if self.quotes.len() < count + BLOCK {
            self.quotes.resize((count + BLOCK) * 2, 0);
        }
        let mut found = 0;
        for (slot, bit) in self.quotes.iter_mut().skip(count).zip(bits(quotes)) {
            *slot = narrow(position) + bit;
            found += 1;
        }
        count + found
    }
}

/// The places of the ones in a mask, lowest first.
#[inline(always)]
fn bits(mask: u64) -> impl Iterator<Item = u32> {
    let mut rest = NonZeroU64::new(mask);
    std::iter::from_fn(move || {
        let mask = rest?;
        rest = NonZeroU64::new(mask.get() & (mask.get() - 1));
        Some(mask.trailing_zeros())
    })
}

/// The second pass.
struct Walk<'t> {
    bytes: &'t [u8],
    quotes: &'t [u32],
    next_quote: usize,
    marks: &'t [u32],
    /// Position of the first of `marks`.
    next_mark: usize,
    nodes: &'t mut Vec<Node>,
    /// The nodes that are open, outermost first; the lowest bit says that it is an object.
    open: [u32; Tape::DEPTH_MAX],
    depth: usize,
    in_object: bool,
    at: usize,
    spaced: bool,
}

/// What comes behind a value.
enum Next {
    Value(Span),
    End,
}

impl Walk<'_> {
    fn document(&mut self) -> Result<(), Defect> {
        self.skip_space();
        self.spaced = false;
        self.values()?;
        let inside = self.spaced;
        self.skip_space();
        self.spaced = inside;
        if self.at < self.bytes.len() {
            return Err(self.defect("there is text behind the document"));
        }
        Ok(())
    }

    fn values(&mut self) -> Result<(), Defect> {
        let mut key = Span::default();
        loop {
            match self.byte() {
                b'"' => {
                    let value = self.string()?;
                    self.push(key, value, Kind::String);
                }
                opener @ (b'{' | b'[') => {
                    if let Some(first) = self.open(key, opener == b'{')? {
                        key = first;
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => self.number(key)?,
                b't' => self.literal(key, b"true", Kind::Bool)?,
                b'f' => self.literal(key, b"false", Kind::Bool)?,
                b'n' => self.literal(key, b"null", Kind::Null)?,
                _ => return Err(self.defect("here should be a value")),
            }
            match self.after_value()? {
                Next::Value(span) => key = span,
                Next::End => return Ok(()),
            }
        }
    }

    /// Goes behind the commas and closing brackets that follow a value.
    #[inline(always)]
    fn after_value(&mut self) -> Result<Next, Defect> {
        while self.depth > 0 {
            self.skip_space();
            match (self.byte(), self.in_object) {
                (b',', object) => {
                    if self.nodes.len() >= Tape::VALUES_MAX {
                        return Err(self.defect("there are more than 4,194,304 values"));
                    }
                    self.at += 1;
                    self.skip_space();
                    return Ok(Next::Value(if object { self.key()? } else { Span::default() }));
                }
                (b'}', true) | (b']', false) => self.close(),
                (_, true) => return Err(self.defect("here should be a comma or a brace")),
                (_, false) => return Err(self.defect("here should be a comma or a bracket")),
            }
        }
        Ok(Next::End)
    }

    /// Opens an object or an array; if it has members, gives the key of the first (nothing in an
    /// array) and stands at its value.
    #[inline(always)]
    fn open(&mut self, key: Span, object: bool) -> Result<Option<Span>, Defect> {
        let index = narrow(self.nodes.len());
        let Some(slot) = self.open.get_mut(self.depth) else {
            return Err(self.defect("there are more than 128 levels"));
        };
        *slot = index << 1 | u32::from(object);
        self.depth += 1;
        self.in_object = object;
        let kind = if object { Kind::Object } else { Kind::Array };
        self.push(key, Span::new(self.at, self.at, false), kind);
        self.at += 1;
        self.skip_space();
        match (self.byte(), object) {
            (b'}', true) | (b']', false) => {
                self.close();
                Ok(None)
            }
            (_, true) => self.key().map(Some),
            (_, false) => Ok(Some(Span::default())),
        }
    }

    #[inline(always)]
    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
        let index = (self.open[self.depth] >> 1) as usize;
        let next = narrow(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(index) {
            node.value.end = narrow(self.at);
            node.skip = next - narrow(index);
        }
        if let Some(parent) = self.depth.checked_sub(1) {
            self.in_object = self.open[parent] & 1 == 1;
        }
    }

    #[inline(always)]
    fn key(&mut self) -> Result<Span, Defect> {
        if self.byte() != b'"' {
            return Err(self.defect("here should be a key"));
        }
        let key = self.string()?;
        self.skip_space();
        if self.byte() != b':' {
            return Err(self.defect("here should be a colon"));
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    /// The quote at `at` is the next of `quotes`: all before it were passed in pairs, and a
    /// backslash outside a string, which could hide one, is refused when it is reached.
    #[inline(always)]
    fn string(&mut self) -> Result<Span, Defect> {
        let start = self.at + 1;
        let Some(end) = self.quotes.get(self.next_quote + 1).map(|p| *p as usize) else {
            return Err(self.unclosed(start));
        };
        self.next_quote += 2;
        let escaped = self.next_mark < end && self.check_marks(start, end)?;
        self.at = end + 1;
        Ok(Span::new(start, end, escaped))
    }

    /// Checks the escapes of a string and that no control character is in it.
    #[inline(never)]
    fn check_marks(&mut self, start: usize, end: usize) -> Result<bool, Defect> {
        let mut escaped = false;
        while let Some((position, rest)) = self.marks.split_first() {
            let position = *position as usize;
            if position >= end {
                break;
            }
            self.marks = rest;
            if position < start {
                continue;
            }
            let length = match self.bytes.get(position..end) {
                Some(&[b'\\', ..]) => escape_length(self.bytes.get(position..end).unwrap_or(&[])),
                _ => return Err(Defect { position, reason: "a control character in a string" }),
            };
            if length.is_none() {
                return Err(Defect { position, reason: "an escape that JSON does not have" });
            }
            escaped = true;
        }
        self.next_mark = self.marks.first().map_or(usize::MAX, |p| *p as usize);
        Ok(escaped)
    }

    /// What to say of a string without end: its first control character, else that it has no end.
    #[cold]
    fn unclosed(&mut self, start: usize) -> Defect {
        match self.check_marks(start, self.bytes.len()) {
            Err(defect) => defect,
            Ok(_) => Defect { position: self.bytes.len(), reason: "a string is not closed" },
        }
    }

    #[inline(always)]
    fn number(&mut self, key: Span) -> Result<(), Defect> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        match self.byte() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(self.defect("here should be a digit")),
        }
        if matches!(self.byte(), b'.' | b'e' | b'E') {
            self.fraction_and_exponent()?;
        }
        self.push(key, Span::new(start, self.at, false), Kind::Number);
        Ok(())
    }

    fn fraction_and_exponent(&mut self) -> Result<(), Defect> {
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Defect> {
        if !self.byte().is_ascii_digit() {
            return Err(self.defect("here should be a digit"));
        }
        self.skip_digits();
        Ok(())
    }

    #[inline(always)]
    fn skip_digits(&mut self) {
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn literal(&mut self, key: Span, word: &[u8], kind: Kind) -> Result<(), Defect> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word) {
            return Err(self.defect("here should be a value"));
        }
        self.push(key, Span::new(self.at, end, false), kind);
        self.at = end;
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, key: Span, value: Span, kind: Kind) {
        self.nodes.push(Node { key, value, skip: 1, kind });
    }

    /// The byte at `at`; behind the end, a byte that fits nowhere.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        if self.byte() <= b' ' {
            self.skip_more_space();
        }
    }

    #[inline(never)]
    fn skip_more_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
            self.spaced = true;
        }
    }

    #[cold]
    fn defect(&self, reason: &'static str) -> Defect {
        let ended = self.at >= self.bytes.len();
        Defect { position: self.at, reason: if ended { "the text ends too early" } else { reason } }
    }
}
