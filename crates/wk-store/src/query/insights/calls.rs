//! Calls of functions.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{cast, lit};
use datafusion::scalar::ScalarValue;
use wk_lang::insights::ast::{At, Expr, Span};
use wk_model::Timestamp;

use super::expression::{Lower, Lowered};
use super::functions;
use super::scope::{Scope, shown};
use super::stats::is_aggregate;
use super::value::Value;
use crate::query::functions::period_text;

/// A call that gives a value of its own row.
pub(super) fn call(
    lower: &Lower<'_>,
    name: &At<String>,
    arguments: &[At<Expr>],
    span: Span,
    scope: &Scope,
) -> Lowered<Value> {
    match (name.node.to_ascii_lowercase().as_str(), arguments) {
        ("bin", _) => bin(lower, arguments, span, scope),
        ("datefloor" | "dateceil", [of, period]) => {
            let Expr::Duration(duration) = &period.node else {
                return Err(lower.mistake(period.span, "a length of time such as 5m stands here"));
            };
            let of = lower.value(of, scope)?;
            let arguments = vec![of.expr, lit(period_text(duration))];
            let name = if name.node.eq_ignore_ascii_case("datefloor") {
                "date_floor"
            } else {
                "date_ceil"
            };
            Ok(Value::time(functions::call(name, arguments)))
        }
        ("now", []) => Ok(Value::of(lit(lower.options.now.seconds()), DataType::Int64)),
        ("querystarttime", []) => Ok(edge(lower.options.since)),
        ("queryendtime", []) => Ok(edge(lower.options.until)),
        ("querytimerange", []) => Ok(range(lower.options.since, lower.options.until)),
        ("ispresent", [of]) => {
            let of = lower.value(of, scope)?;
            Ok(Value::truth(of.expr.is_not_null()))
        }
        ("strcontains", [text, part]) => {
            let (text, part) = (lower.value(text, scope)?, lower.value(part, scope)?);
            let found = functions::call("contains", vec![text.to_text(), part.to_text()]);
            // AWS answers 1 or 0.
            Ok(Value::of(cast(found.is_true(), DataType::Int64), DataType::Int64))
        }
        (_, _)
            if crate::query::functions::NOT_YET
                .iter()
                .any(|n| n.eq_ignore_ascii_case(&name.node)) =>
        {
            Err(lower.mistake(
                name.span,
                format!("{} is not run yet: AWS does not say what it computes", shown(&name.node)),
            ))
        }
        (_, _) if is_aggregate(&name.node) => Err(lower.mistake(
            name.span,
            format!("{} counts over rows and stands in stats only", shown(&name.node)),
        )),
        _ => by_name(lower, name, arguments, scope),
    }
}

fn by_name(
    lower: &Lower<'_>,
    name: &At<String>,
    arguments: &[At<Expr>],
    scope: &Scope,
) -> Lowered<Value> {
    let Some(function) = crate::query::functions::scalar(&name.node) else {
        return Err(unknown(lower, name));
    };
    let values =
        arguments.iter().map(|a| argument(lower, a, scope)).collect::<Lowered<Vec<_>>>()?;
    let kinds: Vec<DataType> = values.iter().map(|v| v.kind.clone()).collect();
    let wrong =
        |e: datafusion::error::DataFusionError| lower.mistake(name.span, e.strip_backtrace());
    let kinds = function.coerce_types(&kinds).map_err(wrong)?;
    let kind = function.return_type(&kinds).map_err(wrong)?;
    Ok(Value::of(function.call(values.into_iter().map(|v| v.expr).collect()), kind))
}

fn argument(lower: &Lower<'_>, argument: &At<Expr>, scope: &Scope) -> Lowered<Value> {
    match &argument.node {
        Expr::Duration(duration) => Ok(Value::text(lit(period_text(duration)))),
        Expr::Regex(regex) => Ok(Value::text(lit(regex.as_str()))),
        _ => lower.value(argument, scope),
    }
}

/// The complaint about a function that is not there.
pub(super) fn unknown(lower: &Lower<'_>, name: &At<String>) -> wk_lang::insights::Mistake {
    let known = wk_lang::insights::FUNCTIONS.iter().map(|f| f.name);
    let near = wk_lang::nearest::nearest(&name.node, known);
    lower.mistake(name.span, format!("there is no function {}", shown(&name.node))).or_rather(near)
}

/// `bin(5m)` and `bin(@timestamp, 5m)`; a bare `bin(30)` is of seconds.
fn bin(lower: &Lower<'_>, arguments: &[At<Expr>], span: Span, scope: &Scope) -> Lowered<Value> {
    let (of, period) = match arguments {
        [period] => (None, period),
        [of, period] => (Some(of), period),
        _ => return Err(lower.mistake(span, "bin takes a length of time: bin(5m)")),
    };
    let duration = match &period.node {
        Expr::Duration(duration) => duration.clone(),
        _ => return Err(lower.mistake(period.span, "a length of time such as 5m stands here")),
    };
    let of = match of {
        Some(of) => lower.value(of, scope)?,
        None => scope.field(lower.text, "@timestamp", span)?,
    };
    let period = period_text(&duration);
    Ok(Value::time(functions::call("bin_floor", vec![of.expr, lit(period)])))
}

/// Milliseconds of an edge of the asked time; nothing where it is open.
fn edge(at: Option<Timestamp>) -> Value {
    let millis: Option<i64> = at.map(|t| t.micros() / 1000);
    Value::of(lit(ScalarValue::Int64(millis)), DataType::Int64)
}

fn range(since: Option<Timestamp>, until: Option<Timestamp>) -> Value {
    let millis: Option<i64> = since.zip(until).map(|(s, u)| (u.micros() - s.micros()) / 1000);
    Value::of(lit(ScalarValue::Int64(millis)), DataType::Int64)
}
