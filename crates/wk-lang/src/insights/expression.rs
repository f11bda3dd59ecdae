//! Expressions, by the strength of their operators.
//!
//! From weak to strong: `or`; `and`; `not` and `!`; comparisons, `like`, `in` and `=~`; `+` and `-`;
//! `*`, `/` and `%`; a minus in front; `^`, which binds to the right; `.name` and `[n]`. AWS has
//! published none of this; it is the order of SQL, and of AWS's samples.

use super::ast::{At, Binary, Duration, Expr, InList, Span, Unary, Unit};
use super::commands::command;
use super::mistake::{Mistake, shown};
use super::parser::{DEPTH_MAX, PARTS_MAX, Parser, Read};
use super::token::{Kind, Token, expression, name, unquote};

/// Words that are never names of fields, unless they stand in back ticks.
pub(super) const KEYWORDS: &[&str] = &["and", "as", "by", "in", "like", "not", "or"];

/// A part of an expression and how deep its operators lie.
pub(super) struct Tree {
    at: At<Expr>,
    depth: usize,
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Read<At<Expr>> {
        self.parts = 0;
        Ok(self.alternatives()?.at)
    }

    /// A field, a call or something in parentheses, without operators.
    pub(super) fn value(&mut self) -> Read<At<Expr>> {
        self.parts = 0;
        Ok(self.postfix()?.at)
    }

    fn alternatives(&mut self) -> Read<Tree> {
        self.chain(Binary::Or, "or", Self::conjunction)
    }

    fn conjunction(&mut self) -> Read<Tree> {
        self.chain(Binary::And, "and", Self::negation)
    }

    /// `a or b or c …`, arranged as a balanced tree: what it says does not change, and thousands of
    /// terms lie no deeper than a dozen.
    fn chain(
        &mut self,
        operator: Binary,
        keyword: &str,
        term: fn(&mut Self) -> Read<Tree>,
    ) -> Read<Tree> {
        let first = term(self)?;
        if !self.is(self.next, keyword) {
            return Ok(first);
        }
        let mut row = vec![first];
        while self.eat_word(keyword) {
            row.push(term(self)?);
        }
        while row.len() > 1 {
            let mut pairs = Vec::with_capacity(row.len().div_ceil(2));
            let mut terms = row.into_iter();
            while let Some(left) = terms.next() {
                pairs.push(match terms.next() {
                    Some(right) => self.binary(left, operator, right)?,
                    None => left,
                });
            }
            row = pairs;
        }
        row.pop().ok_or_else(|| self.unexpected("a value"))
    }

    fn negation(&mut self) -> Read<Tree> {
        let start = self.next.span.start;
        if !self.eat_word("not") && !self.eat(Kind::Bang) {
            return self.comparison();
        }
        self.enter()?;
        let inner = self.negation()?;
        self.leave();
        self.unary(start, Unary::Not, inner)
    }

    fn comparison(&mut self) -> Read<Tree> {
        let mut left = self.arithmetic(0)?;
        loop {
            let negated = self.is(self.next, "not");
            let word = if negated { self.second() } else { self.next };
            if self.is(word, "like") || self.is(word, "in") {
                if negated {
                    self.bump();
                }
                let word = self.bump();
                left = if self.is(word, "like") {
                    self.like(left, negated)?
                } else {
                    self.within(left, negated)?
                };
                continue;
            }
            let operator = match self.next.kind {
                Kind::Equal => Binary::Equal,
                Kind::NotEqual => Binary::NotEqual,
                Kind::Less => Binary::Less,
                Kind::LessOrEqual => Binary::LessOrEqual,
                Kind::Greater => Binary::Greater,
                Kind::GreaterOrEqual => Binary::GreaterOrEqual,
                Kind::Matches => {
                    self.bump();
                    left = self.matches(left)?;
                    continue;
                }
                _ => return Ok(left),
            };
            self.bump();
            let right = self.arithmetic(0)?;
            left = self.binary(left, operator, right)?;
        }
    }

    fn like(&mut self, value: Tree, negated: bool) -> Read<Tree> {
        let pattern = self.arithmetic(0)?;
        let span = Span { start: value.at.span.start, end: self.last_end };
        let depth = value.depth.max(pattern.depth);
        let (value, pattern) = (Box::new(value.at), Box::new(pattern.at));
        self.tree(Expr::Like { value, pattern, negated }, span, depth)
    }

    /// `a =~ /x/`; a text behind it is a regular expression too.
    fn matches(&mut self, value: Tree) -> Read<Tree> {
        let mut like = self.like(value, false)?;
        if let Expr::Like { pattern, .. } = &mut like.at.node
            && let Expr::Text(text) = &mut pattern.node
        {
            pattern.node = Expr::Regex(std::mem::take(text));
        }
        Ok(like)
    }

    fn within(&mut self, value: Tree, negated: bool) -> Read<Tree> {
        let in_parentheses = self.next.kind == Kind::Open;
        let (list, depth) = if in_parentheses && self.begins_query() {
            (InList::Query(Box::new(self.inner_query()?)), 0)
        } else {
            let (open, close) = if in_parentheses {
                (Kind::Open, Kind::Close)
            } else {
                (Kind::OpenBracket, Kind::CloseBracket)
            };
            self.expect(open, "[ or ( and values after in")?;
            let (values, depth) = self.values(close)?;
            (InList::Values(values), depth)
        };
        let span = Span { start: value.at.span.start, end: self.last_end };
        let depth = depth.max(value.depth);
        self.tree(Expr::In { value: Box::new(value.at), list, negated }, span, depth)
    }

    /// Whether the parenthesis that comes next holds a query: a command and then no comma.
    fn begins_query(&self) -> bool {
        let word = self.second();
        let ends_value = |token: Token| matches!(token.kind, Kind::Comma | Kind::Close);
        word.kind == Kind::Pipe
            || word.kind == Kind::Word
                && command(self.slice(word.span)).is_some()
                && !ends_value(super::token::token(self.text, word.span.end))
    }

    /// Values between commas, up to the bracket that closes them.
    fn values(&mut self, close: Kind) -> Read<(Vec<At<Expr>>, usize)> {
        let (mut values, mut depth) = (Vec::new(), 0);
        self.enter()?;
        while self.next.kind != close {
            if !values.is_empty() {
                self.expect(Kind::Comma, "a comma or the closing bracket")?;
            }
            let value = self.alternatives()?;
            depth = depth.max(value.depth);
            values.push(value.at);
        }
        self.leave();
        self.bump();
        Ok((values, depth))
    }

    /// Operators between numbers, at least as strong as `weakest`.
    fn arithmetic(&mut self, weakest: u8) -> Read<Tree> {
        let mut left = self.signed()?;
        loop {
            let (operator, strength) = match self.next.kind {
                Kind::Plus => (Binary::Add, 1),
                Kind::Minus => (Binary::Subtract, 1),
                Kind::Star => (Binary::Multiply, 2),
                Kind::Slash => (Binary::Divide, 2),
                Kind::Percent => (Binary::Remainder, 2),
                _ => return Ok(left),
            };
            if strength <= weakest {
                return Ok(left);
            }
            self.bump();
            let right = self.arithmetic(strength)?;
            left = self.binary(left, operator, right)?;
        }
    }

    /// A minus in front, then powers: `-2 ^ 2` is -4.
    fn signed(&mut self) -> Read<Tree> {
        let start = self.next.span.start;
        if self.eat(Kind::Minus) {
            self.enter()?;
            let inner = self.signed()?;
            self.leave();
            return self.unary(start, Unary::Minus, inner);
        }
        let base = self.postfix()?;
        if !self.eat(Kind::Caret) {
            return Ok(base);
        }
        self.enter()?;
        let power = self.signed()?;
        self.leave();
        self.binary(base, Binary::Power, power)
    }

    fn postfix(&mut self) -> Read<Tree> {
        let mut base = self.primary()?;
        loop {
            let start = base.at.span.start;
            let depth = base.depth;
            if self.eat(Kind::OpenBracket) {
                self.enter()?;
                let index = self.alternatives()?;
                self.leave();
                self.expect(Kind::CloseBracket, "]")?;
                let span = Span { start, end: self.last_end };
                let depth = depth.max(index.depth);
                let inner = Expr::Index(Box::new(base.at), Box::new(index.at));
                base = self.tree(inner, span, depth)?;
            } else if self.next.kind == Kind::Dot && self.second().kind == Kind::Word {
                self.bump();
                let word = self.bump();
                base = self.members(base, word)?;
            } else {
                return Ok(base);
            }
        }
    }

    /// `.a.b` behind a call or an index, each part as an index of its own.
    fn members(&mut self, mut base: Tree, word: Token) -> Read<Tree> {
        let start = base.at.span.start;
        for member in members(self.slice(word.span)) {
            let index = At { node: Expr::Text(member), span: word.span };
            let depth = base.depth;
            let inner = Expr::Index(Box::new(base.at), Box::new(index));
            base = self.tree(inner, Span { start, end: word.span.end }, depth)?;
        }
        Ok(base)
    }

    fn primary(&mut self) -> Read<Tree> {
        let Token { kind, span } = self.next;
        let found = self.slice(span);
        let node = match kind {
            Kind::Open => return self.parentheses(),
            Kind::Slash => {
                let slashed = self.regex()?;
                let node = Expr::Regex(expression(self.slice(slashed.span)));
                return self.tree(node, slashed.span, 0);
            }
            Kind::Word if self.second().kind == Kind::Open && !is_keyword(found) => {
                return self.call();
            }
            Kind::Word if is_keyword(found) => return Err(self.unexpected("a value")),
            Kind::Word if name(found).is_empty() => {
                return Err(self.mistake(span, "a name in back ticks is empty"));
            }
            Kind::Word => word(found),
            Kind::Number if self.unit_follows() => {
                let number = self.bump();
                let unit = self.slice(self.next.span);
                let node = duration(self.slice(number.span), unit);
                let node = node.ok_or_else(|| self.unexpected("a unit of time"))?;
                self.bump();
                let span = Span { start: span.start, end: self.last_end };
                return self.tree(Expr::Duration(node), span, 0);
            }
            Kind::Number => Expr::Number(found.to_owned()),
            Kind::Unit => Expr::Duration(self.duration(self.next)?),
            Kind::Text => Expr::Text(unquote(found)),
            _ => return Err(self.unexpected("a value")),
        };
        self.bump();
        self.tree(node, span, 0)
    }

    fn parentheses(&mut self) -> Read<Tree> {
        let start = self.bump().span.start;
        self.enter()?;
        let mut inner = self.alternatives()?;
        self.leave();
        self.expect(Kind::Close, ") or an operator")?;
        inner.at.span = Span { start, end: self.last_end };
        Ok(inner)
    }

    fn call(&mut self) -> Read<Tree> {
        let word = self.bump();
        let called = At { node: name(self.slice(word.span)), span: word.span };
        self.bump();
        let (arguments, depth) = if self.next.kind == Kind::Star {
            self.bump();
            self.expect(Kind::Close, ")")?;
            (Vec::new(), 0)
        } else {
            self.values(Kind::Close)?
        };
        let span = Span { start: word.span.start, end: self.last_end };
        self.tree(Expr::Call { name: called, arguments }, span, depth)
    }

    /// Whether the next token is a number and a unit of time follows: `5 minutes`.
    fn unit_follows(&self) -> bool {
        let word = self.second();
        word.kind == Kind::Word && unit(self.slice(word.span)).is_some()
    }

    /// What `5m` says.
    pub(super) fn duration(&self, token: Token) -> Read<Duration> {
        let found = self.slice(token.span);
        let digits = found.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = found.split_at_checked(digits).unwrap_or((found, ""));
        duration(count, unit).ok_or_else(|| {
            let message = if found.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                format!("{} is no number; a text stands in quotes", shown(found))
            } else {
                format!(
                    "{} is neither a number nor a length of time such as 5m; a name that begins \
                     with a digit stands in back ticks",
                    shown(found)
                )
            };
            self.mistake(token.span, message)
        })
    }

    fn unary(&mut self, start: usize, operator: Unary, inner: Tree) -> Read<Tree> {
        let span = Span { start, end: inner.at.span.end };
        self.tree(Expr::Unary(operator, Box::new(inner.at)), span, inner.depth)
    }

    fn binary(&mut self, left: Tree, operator: Binary, right: Tree) -> Read<Tree> {
        let span = Span { start: left.at.span.start, end: right.at.span.end };
        let depth = left.depth.max(right.depth);
        let node = Expr::Binary(Box::new(left.at), operator, Box::new(right.at));
        self.tree(node, span, depth)
    }

    /// A part whose own parts lie this deep.
    fn tree(&mut self, node: Expr, span: Span, depth: usize) -> Read<Tree> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(self.too_long(span, "an expression has at most", PARTS_MAX, "parts"));
        }
        if depth >= DEPTH_MAX {
            let what = "an expression has at most";
            return Err(self.too_long(span, what, DEPTH_MAX, "operators within each other"));
        }
        Ok(Tree { at: At { node, span }, depth: depth + 1 })
    }

    fn too_long(&self, span: Span, what: &str, max: usize, of: &str) -> Mistake {
        self.mistake(span, format!("{what} {max} {of}"))
    }
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// A word that is no call: a field, or one of the three constants.
fn word(found: &str) -> Expr {
    match found {
        _ if found.eq_ignore_ascii_case("true") => Expr::Bool(true),
        _ if found.eq_ignore_ascii_case("false") => Expr::Bool(false),
        _ if found.eq_ignore_ascii_case("null") => Expr::Null,
        _ => Expr::Field(name(found)),
    }
}

fn duration(count: &str, unit_name: &str) -> Option<Duration> {
    Some(Duration { count: count.parse().ok()?, unit: unit(unit_name)? })
}

/// The unit of this name: AWS's names and abbreviations, those of more than one letter also with s.
fn unit(name: &str) -> Option<Unit> {
    let name = name.to_ascii_lowercase();
    let singular = name.strip_suffix('s').filter(|short| short.len() > 1).unwrap_or(&name);
    Some(match singular {
        "millisecond" | "ms" | "msec" => Unit::Millisecond,
        "second" | "s" | "sec" => Unit::Second,
        "minute" | "m" | "min" => Unit::Minute,
        "hour" | "h" | "hr" => Unit::Hour,
        "day" | "d" => Unit::Day,
        "week" | "w" => Unit::Week,
        "month" | "mo" | "mon" => Unit::Month,
        "quarter" | "q" | "qtr" => Unit::Quarter,
        "year" | "y" | "yr" => Unit::Year,
        _ => return None,
    })
}

/// The parts of `` a.`b.c`.d ``.
fn members(word: &str) -> Vec<String> {
    let (mut parts, mut ticked) = (vec![String::new()], false);
    for letter in word.chars() {
        match letter {
            '`' => ticked = !ticked,
            '.' if !ticked => parts.push(String::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(letter);
                }
            }
        }
    }
    parts
}
