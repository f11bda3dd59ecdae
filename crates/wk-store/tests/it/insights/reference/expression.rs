//! Expressions over one row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use wk_lang::insights::ast::{At, Binary, Expr, InList, Unary};

use super::functions::{aggregate, call, kind_of_call};
use super::{Kind, Row, Value, at_path};

/// What is known beside the row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The query's text.
    pub(super) text: &'a str,
    pub(super) kinds: &'a BTreeMap<String, Kind>,
    /// The rows of the group, within `stats`.
    pub(super) group: Option<&'a [Row]>,
    /// Results of a `stats` by what was written for them.
    pub(super) written: &'a BTreeMap<String, String>,
    /// What `in (…)` found, by where it stands.
    pub(super) found: &'a BTreeMap<usize, Vec<Value>>,
}

impl Known<'_> {
    /// What stands in the query there, without blanks.
    pub(super) fn normal(&self, expr: &At<Expr>) -> String {
        let text = self.text.get(expr.span.start..expr.span.end).unwrap();
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }
}

pub(super) fn value(known: Known<'_>, expr: &At<Expr>, row: &Row) -> Value {
    let of = |expr: &At<Expr>| value(known, expr, row);
    match &expr.node {
        Expr::Field(name) => match known.written.get(name) {
            Some(title) if !row.fields.contains_key(name) => row.field(title),
            _ => row.field(name),
        },
        Expr::Text(text) | Expr::Regex(text) => Value::Text(text.clone()),
        Expr::Number(number) => Value::Number(number.parse().unwrap()),
        Expr::Bool(truth) => Value::Bool(*truth),
        Expr::Null => Value::Missing,
        Expr::Duration(duration) => Value::Text(duration.to_string()),
        Expr::Unary(Unary::Not, inner) => Value::Bool(!of(inner).is_true()),
        Expr::Unary(Unary::Minus, inner) => {
            of(inner).number().map_or(Value::Missing, |number| Value::Number(-number))
        }
        Expr::Binary(left, Binary::And, right) => {
            Value::Bool(of(left).is_true() && of(right).is_true())
        }
        Expr::Binary(left, Binary::Or, right) => {
            Value::Bool(of(left).is_true() || of(right).is_true())
        }
        Expr::Binary(left, operator, right) => binary(*operator, &of(left), &of(right)),
        Expr::Like { value, pattern, negated } => {
            let (Some(text), Some(part)) = (of(value).text(), of(pattern).text()) else {
                return Value::Bool(false);
            };
            let matches = match &pattern.node {
                Expr::Regex(regex) => regex::Regex::new(regex).unwrap().is_match(&text),
                _ => text.contains(&part),
            };
            Value::Bool(matches != *negated)
        }
        Expr::In { value, list, negated } => {
            let wanted = of(value);
            let values = match list {
                InList::Values(values) => values.iter().map(of).collect(),
                InList::Query(query) => known.found[&query.span.start].clone(),
            };
            let any = values.iter().any(|value| compare(Binary::Equal, &wanted, value));
            Value::Bool(!wanted.is_missing() && any != *negated)
        }
        Expr::Call { name, arguments } => {
            let aggregates = wk_lang::insights::is_aggregate(&name.node);
            if let (Some(group), true) = (known.group, aggregates) {
                return aggregate(Known { group: None, ..known }, &name.node, arguments, group);
            }
            if let Some(title) = known.written.get(&known.normal(expr)) {
                return row.field(title);
            }
            let values: Vec<Value> = arguments.iter().map(of).collect();
            call(known, &name.node, arguments, &values, row)
        }
        Expr::Index(base, index) => {
            let json = of(base).text().and_then(|text| serde_json::from_str(&text).ok());
            let (Some(json), Some(index)) = (json, of(index).text()) else { return Value::Missing };
            at_path(&json, &index)
        }
    }
}

fn binary(operator: Binary, left: &Value, right: &Value) -> Value {
    let numbers = left.number().zip(right.number());
    let number = |f: fn(f64, f64) -> f64| {
        numbers.map_or(Value::Missing, |(l, r)| Value::number_or_nothing(f(l, r)))
    };
    match operator {
        Binary::Add => number(|l, r| l + r),
        Binary::Subtract => number(|l, r| l - r),
        Binary::Multiply => number(|l, r| l * r),
        Binary::Divide => number(|l, r| l / r),
        Binary::Remainder => number(|l, r| l % r),
        Binary::Power => number(f64::powf),
        _ => Value::Bool(compare(operator, left, right)),
    }
}

/// A comparison; with a missing value it is a no.
pub(super) fn compare(operator: Binary, left: &Value, right: &Value) -> bool {
    if left.is_missing() || right.is_missing() {
        return false;
    }
    let equality = matches!(operator, Binary::Equal | Binary::NotEqual);
    let order: Option<Ordering> = match (left, right) {
        (Value::List(_), _) | (_, Value::List(_)) | (Value::Text(_), Value::Text(_)) => {
            let (l, r) = (left.text().unwrap(), right.text().unwrap());
            let numbers =
                (!equality).then(|| super::number_in(&l).zip(super::number_in(&r))).flatten();
            numbers.map_or(Some(l.cmp(&r)), |(l, r)| l.partial_cmp(&r))
        }
        (Value::Time(_), Value::Time(_) | Value::Text(_)) | (Value::Text(_), Value::Time(_)) => {
            left.time().zip(right.time()).map(|(l, r)| l.cmp(&r))
        }
        _ => left.number().zip(right.number()).and_then(|(l, r)| l.partial_cmp(&r)),
    };
    match operator {
        Binary::Equal => order == Some(Ordering::Equal),
        Binary::NotEqual => order != Some(Ordering::Equal),
        Binary::Less => order == Some(Ordering::Less),
        Binary::LessOrEqual => order.is_some_and(Ordering::is_le),
        Binary::Greater => order == Some(Ordering::Greater),
        _ => order.is_some_and(Ordering::is_ge),
    }
}

/// The type of an expression, which does not depend on the row.
pub(super) fn kind(known: Known<'_>, expr: &At<Expr>) -> Kind {
    match &expr.node {
        Expr::Field(name) => known.kinds.get(name).copied().unwrap_or(Kind::Text),
        Expr::Number(_) | Expr::Unary(Unary::Minus, _) => Kind::Number,
        Expr::Binary(
            _,
            Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder
            | Binary::Power,
            _,
        ) => Kind::Number,
        Expr::Bool(_)
        | Expr::Unary(Unary::Not, _)
        | Expr::Binary(..)
        | Expr::Like { .. }
        | Expr::In { .. } => Kind::Bool,
        Expr::Call { name, arguments } => match known.written.get(&known.normal(expr)) {
            Some(title) => known.kinds.get(title).copied().unwrap_or(Kind::Text),
            None => kind_of_call(known, &name.node, arguments),
        },
        Expr::Text(_) | Expr::Regex(_) | Expr::Null | Expr::Duration(_) | Expr::Index(..) => {
            Kind::Text
        }
    }
}
