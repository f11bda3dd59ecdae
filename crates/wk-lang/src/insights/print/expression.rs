//! Expressions as text, with the parentheses they need and no others.

use std::fmt::{self, Display, Formatter, Write as _};

use super::super::ast::{At, Binary, Duration, Expr, InList, Unary, Unit};
use super::super::expression::is_keyword;
use super::super::functions::function;
use super::super::token::{Kind, token};

/// How strongly an expression holds together, from weak to strong, as the parser reads it.
mod strength {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const COMPARE: u8 = 4;
    pub(super) const ADD: u8 = 5;
    pub(super) const MULTIPLY: u8 = 6;
    pub(super) const SIGN: u8 = 7;
    pub(super) const POWER: u8 = 8;
    pub(super) const VALUE: u8 = 9;
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        expression(f, self, strength::OR)
    }
}

impl Expr {
    /// The expression in one form, functions by their documented names: equal for `COUNT()` and
    /// `count(*)`, or for `bin( 5min )` and `bin(5m)`.
    pub fn canonical(&self) -> String {
        let mut same = self.clone();
        rename(&mut same);
        same.to_string()
    }
}

fn rename(expr: &mut Expr) {
    match expr {
        Expr::Unary(_, inner) => rename(&mut inner.node),
        Expr::Binary(left, _, right) | Expr::Index(left, right) => {
            rename(&mut left.node);
            rename(&mut right.node);
        }
        Expr::Like { value, pattern, .. } => {
            rename(&mut value.node);
            rename(&mut pattern.node);
        }
        Expr::In { value, list, .. } => {
            rename(&mut value.node);
            if let InList::Values(values) = list {
                values.iter_mut().for_each(|value| rename(&mut value.node));
            }
        }
        Expr::Call { name, arguments } => {
            if let Some(function) = function(&name.node) {
                function.name.clone_into(&mut name.node);
            }
            // A bucket of @timestamp is what bin makes of nothing else.
            let is_timestamp =
                |argument: &At<Expr>| argument.node == Expr::Field("@timestamp".into());
            if name.node == "bin" && arguments.len() == 2 && is_timestamp(&arguments[0]) {
                arguments.remove(0);
            }
            arguments.iter_mut().for_each(|argument| rename(&mut argument.node));
        }
        Expr::Field(_)
        | Expr::Text(_)
        | Expr::Number(_)
        | Expr::Bool(_)
        | Expr::Null
        | Expr::Duration(_)
        | Expr::Regex(_) => {}
    }
}

/// An expression where no operator may stand outside of parentheses.
pub(super) struct Operand<'a>(pub(super) &'a Expr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        expression(f, self.0, strength::VALUE)
    }
}

fn strength_of(expr: &Expr) -> u8 {
    match expr {
        Expr::Binary(_, Binary::Or, _) => strength::OR,
        Expr::Binary(_, Binary::And, _) => strength::AND,
        Expr::Unary(Unary::Not, _) => strength::NOT,
        Expr::Like { .. } | Expr::In { .. } => strength::COMPARE,
        Expr::Binary(_, Binary::Add | Binary::Subtract, _) => strength::ADD,
        Expr::Binary(_, Binary::Multiply | Binary::Divide | Binary::Remainder, _) => {
            strength::MULTIPLY
        }
        Expr::Unary(Unary::Minus, _) => strength::SIGN,
        Expr::Binary(_, Binary::Power, _) => strength::POWER,
        Expr::Binary(..) => strength::COMPARE,
        _ => strength::VALUE,
    }
}

/// An expression where one at least this strong must stand; in parentheses if it is weaker.
fn expression(f: &mut Formatter<'_>, expr: &Expr, weakest: u8) -> fmt::Result {
    let strength = strength_of(expr);
    if strength < weakest { write!(f, "({expr})") } else { bare(f, expr, strength) }
}

fn bare(f: &mut Formatter<'_>, expr: &Expr, strength: u8) -> fmt::Result {
    match expr {
        Expr::Field(name) => write!(f, "{}", Name(name)),
        Expr::Text(text) => write!(f, "{}", Quoted(text)),
        Expr::Number(number) => f.write_str(number),
        Expr::Bool(value) => write!(f, "{value}"),
        Expr::Null => f.write_str("null"),
        Expr::Duration(duration) => write!(f, "{duration}"),
        Expr::Regex(pattern) => slashed(f, pattern),
        Expr::Unary(operator, inner) => {
            f.write_str(if *operator == Unary::Not { "not " } else { "-" })?;
            expression(f, &inner.node, strength)
        }
        Expr::Binary(left, operator, right) => binary(f, &left.node, *operator, &right.node),
        Expr::Like { value, pattern, negated } => {
            expression(f, &value.node, strength::COMPARE)?;
            f.write_str(if *negated { " not like " } else { " like " })?;
            expression(f, &pattern.node, strength::ADD)
        }
        Expr::In { value, list, negated } => {
            expression(f, &value.node, strength::COMPARE)?;
            f.write_str(if *negated { " not in " } else { " in " })?;
            match list {
                InList::Query(query) => write!(f, "({})", query.node),
                InList::Values(values) => {
                    f.write_char('[')?;
                    expressions(f, values)?;
                    f.write_char(']')
                }
            }
        }
        Expr::Call { name, arguments } => {
            write!(f, "{}(", Name(&name.node))?;
            if arguments.is_empty() && name.node.eq_ignore_ascii_case("count") {
                f.write_char('*')?;
            }
            expressions(f, arguments)?;
            f.write_char(')')
        }
        Expr::Index(base, index) => {
            expression(f, &base.node, strength::VALUE)?;
            write!(f, "[{}]", index.node)
        }
    }
}

fn binary(f: &mut Formatter<'_>, left: &Expr, operator: Binary, right: &Expr) -> fmt::Result {
    let (sign, left_strength, right_strength) = match operator {
        Binary::Or => return chain(f, left, operator, right, "or", strength::AND),
        Binary::And => return chain(f, left, operator, right, "and", strength::NOT),
        Binary::Equal => ("=", strength::COMPARE, strength::ADD),
        Binary::NotEqual => ("!=", strength::COMPARE, strength::ADD),
        Binary::Less => ("<", strength::COMPARE, strength::ADD),
        Binary::LessOrEqual => ("<=", strength::COMPARE, strength::ADD),
        Binary::Greater => (">", strength::COMPARE, strength::ADD),
        Binary::GreaterOrEqual => (">=", strength::COMPARE, strength::ADD),
        Binary::Add => ("+", strength::ADD, strength::MULTIPLY),
        Binary::Subtract => ("-", strength::ADD, strength::MULTIPLY),
        Binary::Multiply => ("*", strength::MULTIPLY, strength::SIGN),
        Binary::Divide => ("/", strength::MULTIPLY, strength::SIGN),
        Binary::Remainder => ("%", strength::MULTIPLY, strength::SIGN),
        Binary::Power => ("^", strength::VALUE, strength::SIGN),
    };
    expression(f, left, left_strength)?;
    write!(f, " {sign} ")?;
    expression(f, right, right_strength)
}

/// `a and b and c` where the parser would arrange the terms as they are, else two sides.
fn chain(
    f: &mut Formatter<'_>,
    left: &Expr,
    operator: Binary,
    right: &Expr,
    word: &str,
    stronger: u8,
) -> fmt::Result {
    let mut terms = Vec::new();
    if paired(left, operator, &mut terms).is_some_and(|count| {
        paired(right, operator, &mut terms)
            .is_some_and(|others| count.is_power_of_two() && others <= count)
    }) {
        for (at, term) in terms.into_iter().enumerate() {
            if at > 0 {
                write!(f, " {word} ")?;
            }
            expression(f, term, stronger)?;
        }
        return Ok(());
    }
    expression(f, left, stronger)?;
    write!(f, " {word} ")?;
    expression(f, right, stronger)
}

/// How many terms of one operator lie below, if they are arranged in pairs from the left.
fn paired<'a>(expr: &'a Expr, operator: Binary, terms: &mut Vec<&'a Expr>) -> Option<usize> {
    match expr {
        Expr::Binary(left, own, right) if *own == operator => {
            let left = paired(&left.node, operator, terms)?;
            let right = paired(&right.node, operator, terms)?;
            (left.is_power_of_two() && right <= left).then_some(left + right)
        }
        _ => {
            terms.push(expr);
            Some(1)
        }
    }
}

pub(super) fn expressions(f: &mut Formatter<'_>, list: &[At<Expr>]) -> fmt::Result {
    for (at, expr) in list.iter().enumerate() {
        write!(f, "{}{}", if at > 0 { ", " } else { "" }, expr.node)?;
    }
    Ok(())
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Millisecond => "ms",
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => "mo",
            Unit::Quarter => "q",
            Unit::Year => "y",
        };
        write!(f, "{}{unit}", self.count)
    }
}

/// A regular expression between slashes.
pub(super) fn slashed(f: &mut Formatter<'_>, pattern: &str) -> fmt::Result {
    f.write_char('/')?;
    let mut chars = pattern.chars();
    while let Some(letter) = chars.next() {
        match letter {
            '/' => f.write_str("\\/")?,
            '\\' => {
                f.write_char(letter)?;
                chars.next().map_or(Ok(()), |escaped| f.write_char(escaped))?;
            }
            _ => f.write_char(letter)?,
        }
    }
    f.write_char('/')
}

/// A name, in back ticks where it needs them.
pub(super) struct Name<'a>(pub(super) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.0;
        let read = token(name, 0);
        let whole = read.kind == Kind::Word && (read.span.start, read.span.end) == (0, name.len());
        let constant = ["true", "false", "null"].iter().any(|word| word.eq_ignore_ascii_case(name));
        if whole && !is_keyword(name) && !constant {
            f.write_str(name)
        } else {
            write!(f, "`{name}`")
        }
    }
}

/// A text in double quotes.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escaped(self.0))
    }
}

pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\\' | '"' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}
