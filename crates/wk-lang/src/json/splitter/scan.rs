//! Finding the end of one value, 64 bytes at a time, over as many windows as it takes.

use crate::json::blocks::{BLOCK, Block, Escapes, Strings};

/// A value whose end is being looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    /// Everything of the value before this is taken in.
    pub(super) at: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Inside this many braces and brackets.
    Nested(Nesting),
    /// Inside a string.
    Text { escaped: bool },
    /// A number, a literal, or something that should have been one.
    Plain,
}

/// How a scan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Behind the value's last byte.
    End(usize),
    /// At the line break in one of its strings.
    Broken(usize),
    /// Not in this window.
    Not,
}

impl Scan {
    /// Scans the value that begins with the byte at `at`.
    pub(super) fn of_value(first: u8, at: usize) -> Self {
        match first {
            b'{' | b'[' => Self::nested(at, 0),
            b'"' => Self::text(at + 1),
            _ => Self { at, kind: Kind::Plain },
        }
    }

    /// Scans on from `at`, which lies inside `depth` braces or brackets, to behind the last.
    pub(super) fn nested(at: usize, depth: u32) -> Self {
        let (strings, escapes) = (Strings::default(), Escapes::default());
        Self { at, kind: Kind::Nested(Nesting { depth, strings, escapes }) }
    }

    /// Scans on from `at`, which lies inside a string, to behind its closing quote.
    pub(super) fn text(at: usize) -> Self {
        Self { at, kind: Kind::Text { escaped: false } }
    }

    pub(super) fn rebase(self, by: usize) -> Self {
        Self { at: self.at - by, ..self }
    }

    /// Looks for the end in the window. After [`Found::Not`], go on with more bytes behind it.
    #[inline]
    pub(super) fn run(&mut self, window: &[u8]) -> Found {
        match &mut self.kind {
            Kind::Nested(state) => nested(&mut self.at, state, window),
            Kind::Text { escaped } => text(&mut self.at, escaped, window),
            Kind::Plain => plain(&mut self.at, window),
        }
    }
}

fn nested(at: &mut usize, state: &mut Nesting, window: &[u8]) -> Found {
    let mut next = *state;
    while let Some(bytes) = window.get(*at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        match next.take(&Block::new(bytes)) {
            None => *at += BLOCK,
            Some(ended) => return ended.at(*at),
        }
        *state = next;
    }
    // Less than a block is left. The value may end in it; if not, these bytes are looked at again
    // together with those that follow.
    match next.take(&Block::padded(window.get(*at..).unwrap_or(&[]))) {
        None => Found::Not,
        Some(ended) => ended.at(*at),
    }
}

/// The byte of a block in which a value ends.
enum Ended {
    Closed(u32),
    Broken(u32),
}

impl Ended {
    fn at(self, block: usize) -> Found {
        match self {
            Self::Closed(bit) => Found::End(block + bit as usize + 1),
            Self::Broken(bit) => Found::Broken(block + bit as usize),
        }
    }
}

/// How deep, and whether in a string, a block begins.
#[derive(Debug, Clone, Copy)]
struct Nesting {
    depth: u32,
    strings: Strings,
    escapes: Escapes,
}

impl Nesting {
    #[inline(always)]
    fn take(&mut self, block: &Block) -> Option<Ended> {
        let escaped = self.escapes.escaped(block.equal_to(b'\\'));
        let quotes = block.equal_to(b'"') & !escaped;
        let inside = self.strings.inside(quotes);
        let openers = block.openers() & !inside;
        let closers = block.closers() & !inside;
        let breaks = block.equal_to(b'\n') & inside;
        if breaks != 0 {
            let bit = breaks.trailing_zeros();
            let before = (1u64 << bit) - 1;
            let closed = closing_bit(openers & before, closers & before, &mut self.depth);
            return Some(closed.unwrap_or(Ended::Broken(bit)));
        }
        if closers.count_ones() < self.depth {
            self.depth += openers.count_ones();
            self.depth -= closers.count_ones();
            return None;
        }
        closing_bit(openers, closers, &mut self.depth)
    }
}

/// Walks the brackets of a block to the one that closes the value.
fn closing_bit(openers: u64, closers: u64, depth: &mut u32) -> Option<Ended> {
    let mut rest = openers | closers;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        if openers & bit != 0 {
            *depth += 1;
        } else {
            *depth = depth.saturating_sub(1);
            if *depth == 0 {
                return Some(Ended::Closed(bit.trailing_zeros()));
            }
        }
        rest ^= bit;
    }
    None
}

fn text(at: &mut usize, escaped: &mut bool, window: &[u8]) -> Found {
    if *escaped && *at < window.len() {
        // Whatever it is, it is no quote; a line break is none of JSON's escapes, but it is one.
        if window.get(*at) == Some(&b'\n') {
            return Found::Broken(*at);
        }
        *at += 1;
        *escaped = false;
    }
    while let Some(rest) = window.get(*at..) {
        let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', rest) else {
            *at = window.len();
            return Found::Not;
        };
        *at += found;
        match rest.get(found) {
            Some(b'"') => return Found::End(*at + 1),
            Some(b'\n') => return Found::Broken(*at),
            _ => {}
        }
        match window.get(*at + 1) {
            Some(b'\n') => return Found::Broken(*at + 1),
            Some(_) => *at += 2,
            None => {
                (*at, *escaped) = (*at + 1, true);
                return Found::Not;
            }
        }
    }
    Found::Not
}

fn plain(at: &mut usize, window: &[u8]) -> Found {
    let rest = window.get(*at..).unwrap_or(&[]);
    let ends = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
    match rest.iter().position(ends) {
        Some(found) => Found::End(*at + found),
        None => {
            *at = window.len();
            Found::Not
        }
    }
}
