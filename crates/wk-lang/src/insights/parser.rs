//! Text to query: the commands between the pipes, and what every part of the parser uses.
//!
//! * Nesting, chains, commands and the text itself have limits; reaching one is a mistake with a
//!   place, never a deep recursion.
//! * After a mistake reading goes on behind the next pipe, so that one look shows several.

use super::ast::{At, Command, Expr, FillMissing, Output, Query, Span};
use super::commands::{COMMANDS, command};
use super::mistake::{Mistake, shown};
use super::token::{Kind, PATTERN_BYTES_MAX, Token, regex_end, slashed_end, token};
use crate::nearest::nearest;

/// Bytes of a query's text.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Commands of a query, those of its inner queries among them.
pub const COMMANDS_MAX: usize = 100;
/// Parentheses, brackets, calls and `not` within each other.
pub const NESTING_MAX: usize = 64;
/// Parts of one expression.
pub const PARTS_MAX: usize = 10_000;
/// Operators within each other. Chains of `and` and of `or` are arranged as a balanced tree, so that
/// thousands of terms lie no deeper than a dozen.
pub const DEPTH_MAX: usize = 200;
/// Regular expressions of a query.
pub const PATTERNS_MAX: usize = 200;
/// Mistakes that are told at once.
pub const MISTAKES_MAX: usize = 20;

/// Words that may stand behind a value.
const JOINING: [&str; 9] = ["and", "as", "asc", "by", "desc", "in", "like", "not", "or"];

/// Reads a query.
///
/// Only form is judged here; what a function takes and which field exists where is for
/// [`check`](super::check).
///
/// # Errors
///
/// What cannot be read, each with its place. After [`MISTAKES_MAX`] a last one says that reading stopped.
pub fn parse(text: &str) -> Result<Query, Vec<Mistake>> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the query has {} bytes; {TEXT_BYTES_MAX} are read", text.len());
        return Err(vec![Mistake::new(text, Span::default(), message)]);
    }
    let mut parser = Parser::new(text);
    match parser.query(false) {
        Ok(query) if parser.mistakes.is_empty() => Ok(query),
        Ok(_) => Err(parser.mistakes),
        Err(mistake) => {
            parser.mistakes.push(mistake);
            Err(parser.mistakes)
        }
    }
}

pub(super) type Read<T> = Result<T, Mistake>;

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    /// The token that has not been taken yet.
    pub(super) next: Token,
    /// Where the last taken token ended.
    pub(super) last_end: usize,
    pub(super) nesting: usize,
    pub(super) parts: usize,
    patterns: usize,
    commands: usize,
    mistakes: Vec<Mistake>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let next = token(text, 0);
        Self {
            text,
            next,
            last_end: 0,
            nesting: 0,
            parts: 0,
            patterns: 0,
            commands: 0,
            mistakes: Vec::new(),
        }
    }

    /// A query up to the end, or up to the parenthesis that closes an inner one.
    pub(super) fn query(&mut self, inner: bool) -> Read<Query> {
        let mut query = Query::default();
        loop {
            while self.eat(Kind::Pipe) {}
            if self.at_end(inner) {
                break;
            }
            let from = self.next;
            match self.piece(&mut query, inner) {
                Ok(()) => {}
                Err(mistake) if inner => return Err(mistake),
                Err(mistake) => {
                    self.mistakes.push(mistake);
                    if self.mistakes.len() >= MISTAKES_MAX {
                        let message = "nothing is read behind so many mistakes";
                        self.mistakes.push(self.mistake(self.next.span, message));
                        break;
                    }
                    self.restart(from);
                }
            }
        }
        if query == Query::default() && self.mistakes.is_empty() {
            return Err(self.mistake(self.next.span, "the query says nothing"));
        }
        Ok(query)
    }

    /// Whether nothing more can follow.
    fn at_end(&mut self, inner: bool) -> bool {
        match self.next.kind {
            Kind::End => true,
            Kind::Close => inner,
            Kind::Semicolon => token(self.text, self.next.span.end).kind == Kind::End,
            _ => false,
        }
    }

    /// One command and what ends it.
    fn piece(&mut self, query: &mut Query, inner: bool) -> Read<()> {
        self.commands += 1;
        if self.commands > COMMANDS_MAX {
            // Nothing behind it is read: thousands of mistakes would tell no more.
            let span = self.next.span;
            self.next = Token { kind: Kind::End, span };
            return Err(self.mistake(span, format!("a query has at most {COMMANDS_MAX} commands")));
        }
        let word = self.next;
        self.one_command(query)?;
        if self.next.kind == Kind::Pipe || self.at_end(inner) {
            return Ok(());
        }
        let found = self.slice(self.next.span);
        let after = shown(self.slice(word.span));
        Err(if self.next.kind == Kind::Word && command(found).is_some() {
            self.mistake(self.next.span, format!("a | is missing before {}", shown(found)))
        } else {
            let near = (self.next.kind == Kind::Word).then(|| nearest(found, JOINING)).flatten();
            self.unexpected(&format!("a | or the end after {after}")).or_rather(near)
        })
    }

    fn one_command(&mut self, query: &mut Query) -> Read<()> {
        let start = self.next.span.start;
        if self.next.kind != Kind::Word {
            return Err(self.unexpected("a command"));
        }
        let word = self.slice(self.next.span);
        let Some(entry) = command(word) else {
            let near = nearest(word, COMMANDS.iter().map(|entry| entry.name));
            let message = format!("there is no command {}", shown(word));
            return Err(self.mistake(self.next.span, message).or_rather(near));
        };
        let span = self.next.span;
        self.bump();
        if entry.name == "SOURCE" {
            return self.source(query, span);
        }
        let node = self.body(entry, query)?;
        query.commands.push(At { node, span: Span { start, end: self.last_end } });
        Ok(())
    }

    /// Goes behind the command that could not be read, from its beginning.
    fn restart(&mut self, from: Token) {
        if self.next.kind == Kind::End {
            return;
        }
        let seen = self.next.span.start;
        self.nesting = 0;
        self.next = from;
        let is_parse = self.slice(from.span).eq_ignore_ascii_case("parse");
        self.skip(is_parse);
        // What was read as something else, such as a text with a quote too few, is not read again.
        while self.next.span.start < seen && self.next.kind != Kind::End {
            self.bump();
            self.skip(is_parse);
        }
    }

    /// Takes everything up to the next pipe that is in no parentheses, no quotes and no regular
    /// expression; everything at all behind a quote without its partner.
    pub(super) fn skip(&mut self, is_parse: bool) {
        let (mut open, mut after_value, mut slashes_pair) = (0usize, false, true);
        loop {
            let Token { kind, span } = self.next;
            match kind {
                Kind::End => return,
                Kind::Pipe if open == 0 => return,
                Kind::Semicolon if self.second().kind == Kind::End => return,
                Kind::Close if open == 0 && self.nesting > 0 => return,
                Kind::Unclosed => {
                    let end = self.text.len();
                    self.next = Token { kind: Kind::End, span: Span { start: end, end } };
                    return;
                }
                Kind::Slash if slashes_pair && (is_parse || !after_value) => {
                    match slashed_end(self.text, span.start) {
                        Some(end) => self.next.span.end = end,
                        None => slashes_pair = false,
                    }
                }
                Kind::Open | Kind::OpenBracket => open += 1,
                Kind::Close | Kind::CloseBracket => open = open.saturating_sub(1),
                _ => {}
            }
            let value = matches!(kind, Kind::Word | Kind::Number | Kind::Text | Kind::Close);
            after_value = value && !self.is(self.next, "like");
            self.bump();
        }
    }

    /// The buckets that a `fillmissing` fills are those of the `stats` before it.
    pub(super) fn fill_missing(
        &self,
        fills: Vec<(At<String>, At<Expr>)>,
        query: &Query,
        span: Span,
    ) -> Read<FillMissing> {
        let stats = query.commands.iter().rev().find_map(|command| match &command.node {
            Command::Stats(stats) => Some(stats),
            _ => None,
        });
        let keys = stats.map_or(&[][..], |stats| &stats.by);
        let is_bucket = |key: &Output| match &key.value.node {
            Expr::Call { name, .. } => name.node.eq_ignore_ascii_case("bin"),
            _ => false,
        };
        let Some(at) = keys.iter().position(is_bucket) else {
            let message = "fillmissing needs a stats … by bin(…) before it";
            return Err(self.mistake(span, message));
        };
        let others = keys.iter().enumerate().filter(|(other, _)| *other != at);
        let by = others.map(|(_, key)| key.value.clone()).collect();
        Ok(FillMissing { bucket: keys[at].value.clone(), fills, by })
    }
}

/// What every part of the parser uses.
impl<'a> Parser<'a> {
    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Takes the next token.
    pub(super) fn bump(&mut self) -> Token {
        let taken = self.next;
        self.last_end = taken.span.end;
        self.next = token(self.text, taken.span.end);
        taken
    }

    /// The token after the next one.
    pub(super) fn second(&self) -> Token {
        token(self.text, self.next.span.end)
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let is = self.next.kind == kind;
        if is {
            self.bump();
        }
        is
    }

    /// Whether a token is this keyword, in any case.
    pub(super) fn is(&self, token: Token, keyword: &str) -> bool {
        token.kind == Kind::Word && self.slice(token.span).eq_ignore_ascii_case(keyword)
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn eat_word(&mut self, keyword: &str) -> bool {
        let is = self.is(self.next, keyword);
        if is {
            self.bump();
        }
        is
    }

    pub(super) fn expect(&mut self, kind: Kind, what: &str) -> Read<Token> {
        if self.next.kind == kind { Ok(self.bump()) } else { Err(self.unexpected(what)) }
    }

    pub(super) fn expect_word(&mut self, keyword: &str) -> Read<()> {
        if self.eat_word(keyword) { Ok(()) } else { Err(self.unexpected(keyword)) }
    }

    /// Takes the regular expression that begins with the next token, a slash.
    pub(super) fn regex(&mut self) -> Read<Token> {
        let start = self.next.span.start;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            let message = format!("a query has at most {PATTERNS_MAX} regular expressions");
            return Err(self.mistake(self.next.span, message));
        }
        let Some(end) = regex_end(self.text, start) else {
            let message = format!(
                "a regular expression begins here and has no second / within {PATTERN_BYTES_MAX} bytes"
            );
            return Err(self.mistake(self.next.span, message));
        };
        self.next.span.end = end;
        Ok(self.bump())
    }

    /// One level deeper; [`leave`](Self::leave) comes back.
    pub(super) fn enter(&mut self) -> Read<()> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            let message = format!("more than {NESTING_MAX} levels within each other");
            return Err(self.mistake(self.next.span, message));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    pub(super) fn mistake(&self, span: Span, message: impl Into<String>) -> Mistake {
        Mistake::new(self.text, span, message)
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Mistake {
        let Token { kind, span } = self.next;
        let found = self.slice(span);
        let message = match kind {
            Kind::End => format!("{wanted} is missing at the end"),
            Kind::Unclosed => format!("{found} begins here and has no second {found}"),
            Kind::Strange => format!("{:?} has no meaning here; {wanted} should stand here", found),
            _ => format!("{wanted} should stand here, not {}", shown(found)),
        };
        self.mistake(span, message)
    }
}
