//! `=`, `!=`, `<` and the like, between values of any type.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, Operator, lit};
use datafusion::scalar::ScalarValue;
use wk_lang::insights::ast::Binary;
use wk_lang::insights::meaning::number;
use wk_model::Timestamp;

use super::expression::two;
use super::functions;
use super::value::{Value, time};

/// A comparison. It is plain where the types allow it; else a function of the language does it.
pub(super) fn compare(operator: Binary, left: Value, right: Value) -> Expr {
    if left.constant().is_some() && right.constant().is_none() {
        return compare(mirrored(operator), right, left);
    }
    if let Some(plain) = plain(operator, &left, &right) {
        return plain;
    }
    let name = match operator {
        Binary::Equal => "insights_equal",
        Binary::NotEqual => "insights_not_equal",
        Binary::Less => "insights_less",
        Binary::LessOrEqual => "insights_less_or_equal",
        Binary::Greater => "insights_greater",
        _ => "insights_greater_or_equal",
    };
    functions::call(name, vec![left.expr, right.expr])
}

fn mirrored(operator: Binary) -> Binary {
    match operator {
        Binary::Less => Binary::Greater,
        Binary::LessOrEqual => Binary::GreaterOrEqual,
        Binary::Greater => Binary::Less,
        Binary::GreaterOrEqual => Binary::LessOrEqual,
        same => same,
    }
}

fn plain_operator(operator: Binary) -> Operator {
    match operator {
        Binary::Equal => Operator::Eq,
        Binary::NotEqual => Operator::NotEq,
        Binary::Less => Operator::Lt,
        Binary::LessOrEqual => Operator::LtEq,
        Binary::Greater => Operator::Gt,
        _ => Operator::GtEq,
    }
}

/// The comparison without a function, where it means the same.
fn plain(operator: Binary, left: &Value, right: &Value) -> Option<Expr> {
    let equality = matches!(operator, Binary::Equal | Binary::NotEqual);
    let simple = |right: Expr| Some(two(left.expr.clone(), plain_operator(operator), right));
    match right.constant() {
        Some(constant) => {
            let constant = constant.clone();
            // Nothing compares with nothing.
            if constant.is_null() {
                return Some(lit(false));
            }
            if left.is_text() {
                // Two texts that are numbers have the order of numbers.
                let ScalarValue::Utf8(Some(text)) = &constant else { return None };
                let usable = equality || !looks_like_number(text);
                return usable.then(|| simple(right.expr.clone())).flatten();
            }
            if left.is_number() {
                return match as_number(&constant) {
                    Some(number) => simple(lit(number)),
                    None => Some(unlike(operator, left)),
                };
            }
            if left.is_truth() && equality {
                return match as_truth(&constant) {
                    Some(truth) => simple(lit(truth)),
                    None => Some(unlike(operator, left)),
                };
            }
            if left.is_time() {
                return match as_time(&constant) {
                    Some(at) => simple(time(at)),
                    None => Some(unlike(operator, left)),
                };
            }
            None
        }
        None => {
            let same = left.kind == right.kind && (!left.is_text() || equality);
            let listed = matches!(left.kind, DataType::List(_));
            let numbers = left.is_number() && right.is_number();
            ((same && !listed) || numbers).then(|| simple(right.expr.clone())).flatten()
        }
    }
}

/// What has no order with the constant is unequal to it, where it is there.
fn unlike(operator: Binary, left: &Value) -> Expr {
    match operator {
        Binary::NotEqual => left.expr.clone().is_not_null(),
        _ => lit(false),
    }
}

/// Whether a text may be taken for a number; rather once too often.
fn looks_like_number(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        || ["true", "false"].contains(&text)
        || text.parse::<f64>().is_ok()
}

/// A constant as a number.
pub(super) fn as_number(constant: &ScalarValue) -> Option<ScalarValue> {
    match constant {
        ScalarValue::Int64(Some(_)) | ScalarValue::Float64(Some(_)) => Some(constant.clone()),
        ScalarValue::Boolean(Some(truth)) => Some(ScalarValue::Int64(Some(i64::from(*truth)))),
        ScalarValue::Utf8(Some(text)) if text == "true" => Some(ScalarValue::Int64(Some(1))),
        ScalarValue::Utf8(Some(text)) if text == "false" => Some(ScalarValue::Int64(Some(0))),
        ScalarValue::Utf8(Some(text)) => match text.trim_ascii().parse::<i64>() {
            Ok(whole) => Some(ScalarValue::Int64(Some(whole))),
            Err(_) => number::of(text).map(|number| ScalarValue::Float64(Some(number))),
        },
        _ => None,
    }
}

fn as_truth(constant: &ScalarValue) -> Option<bool> {
    match as_number(constant)? {
        ScalarValue::Int64(Some(0)) => Some(false),
        ScalarValue::Int64(Some(1)) => Some(true),
        ScalarValue::Float64(Some(0.0)) => Some(false),
        ScalarValue::Float64(Some(1.0)) => Some(true),
        _ => None,
    }
}

/// Milliseconds of the epoch, or a time as text.
fn as_time(constant: &ScalarValue) -> Option<Timestamp> {
    let millis = |millis: i64| millis.checked_mul(1000).map(Timestamp::from_micros);
    match constant {
        ScalarValue::Int64(Some(n)) => millis(*n),
        ScalarValue::Float64(Some(n)) => format!("{n:.0}").parse().ok().and_then(millis),
        ScalarValue::TimestampMicrosecond(Some(n), _) => Some(Timestamp::from_micros(*n)),
        ScalarValue::Utf8(Some(text)) => match text.trim_ascii().parse::<i64>() {
            Ok(n) => millis(n),
            Err(_) => {
                let zoned =
                    Timestamp::parse(text).or_else(|_| Timestamp::parse(&[text, "Z"].concat()));
                zoned.ok()
            }
        },
        _ => None,
    }
}
