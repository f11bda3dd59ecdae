//! `pattern` and `diff`: the shapes of messages, counted.
//!
//! * A message is cut at blanks, quotes, brackets, commas and `=`. What varies (numbers, times,
//!   addresses, ids, any word with a digit) becomes a token such as `<Number-1>`; the rest stays.
//! * The same messages give the same patterns in whatever order they come.

use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::{count::count_udaf, sum::sum_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{
    Expr as Plan, ExprFunctionExt as _, Operator, WindowFunctionDefinition, cast, ident, lit, when,
};
use wk_lang::insights::ast::{At, Expr, Span};
use wk_model::Timestamp;

use super::expression::{Lower, Lowered, two};
use super::own::{Own, texts};
use super::rows::{Key, Rows};
use super::scope::Scope;
use super::value::{Value, time};

/// How much of a message counts, in bytes.
const MESSAGE_BYTES_MAX: usize = 4096;

/// The times that a `diff` compares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    /// From here on a record is of the asked time, before it of the earlier one.
    pub(super) since: Timestamp,
}

/// Runs a `pattern`. Where a `diff` follows, it counts.
pub(super) fn pattern(
    lower: &Lower<'_>,
    of: &At<Expr>,
    span: Span,
    rows: &mut Rows,
) -> Lowered<()> {
    let text = lower.value(of, &rows.scope)?.to_text();
    rows.pattern = Some(shape(text));
    if rows.compared.is_some() {
        return Ok(());
    }
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    rows.limited().map_err(failed)?;
    counted(rows, &[("@sampleCount", count(lit(1_i64)))]).map_err(failed)?;
    let whole = whole("@sampleCount").map_err(failed)?.alias("#all");
    rows.change(|plan| plan.window(vec![whole])).map_err(failed)?;
    let float = |name: &str| cast(ident(name), DataType::Float64);
    let ratio = two(float("@sampleCount"), Operator::Divide, float("#all"));
    rows.put(vec![("@ratio".to_owned(), Value::number(ratio))]).map_err(failed)?;
    finish(rows, &["@pattern", "@sampleCount", "@ratio", "@severityLabel"], "@sampleCount");
    Ok(())
}

/// Runs a `diff`: patterns of the asked time beside those of the earlier one.
pub(super) fn diff(lower: &Lower<'_>, span: Span, rows: &mut Rows) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    let Some(compared) = rows.compared else {
        return Err(lower
            .mistake(span, "diff compares two times: say --since and --until, or START and END"));
    };
    if rows.pattern.is_none() {
        let message = rows.scope.field(lower.text, "@message", span)?;
        rows.pattern = Some(shape(message.to_text()));
    }
    rows.limited().map_err(failed)?;
    let at = rows.scope.field(lower.text, "@timestamp", span)?.expr;
    let one = |condition: Plan| when(condition, lit(1_i64)).end().map_err(failed);
    let now = count(one(at.clone().gt_eq(time(compared.since)))?);
    let before = count(one(at.lt(time(compared.since)))?);
    counted(rows, &[("@sampleCount", now), ("@previousSampleCount", before)]).map_err(failed)?;
    let difference = ident("@sampleCount") - ident("@previousSampleCount");
    rows.put(vec![("@differenceCount".to_owned(), Value::of(difference, DataType::Int64))])
        .map_err(failed)?;
    let change = ident("@differenceCount");
    let change = when(change.clone().lt(lit(0_i64)), lit(0_i64) - change.clone()).otherwise(change);
    let change = Value::of(change.map_err(failed)?, DataType::Int64);
    rows.put(vec![("#change".to_owned(), change)]).map_err(failed)?;
    let shown =
        ["@pattern", "@sampleCount", "@previousSampleCount", "@differenceCount", "@severityLabel"];
    finish(rows, &shown, "#change");
    Ok(())
}

fn finish(rows: &mut Rows, shown: &[&str], order: &str) {
    rows.shown.said = true;
    rows.shown.names = shown.iter().map(|n| (*n).to_owned()).collect();
    rows.order = vec![Key::descending(order)];
    rows.ties = vec![Key::ascending("@pattern")];
}

/// Groups by pattern.
fn counted(rows: &mut Rows, counts: &[(&str, Plan)]) -> Result<()> {
    let Some(shape) = rows.pattern.take() else { return Ok(()) };
    let calls: Vec<Plan> = counts.iter().map(|(name, call)| call.clone().alias(*name)).collect();
    rows.change(|plan| plan.aggregate(vec![shape.alias("@pattern")], calls))?;
    let mut names = vec![("@pattern".to_owned(), DataType::Utf8)];
    names.extend(counts.iter().map(|(name, _)| ((*name).to_owned(), DataType::Int64)));
    rows.scope = Scope::new(names, false);
    rows.any_order = false;
    let severity =
        Own::call("severity", "", DataType::Utf8, vec![ident("@pattern")], |arguments| {
            let mut out = StringBuilder::new();
            texts(arguments, 0)?.iter().for_each(|text| out.append_option(text.map(severity)));
            Ok(Arc::new(out.finish()))
        });
    rows.put(vec![("@severityLabel".to_owned(), Value::text(severity))])
}

fn count(of: Plan) -> Plan {
    Plan::AggregateFunction(AggregateFunction::new_udf(
        count_udaf(),
        vec![of],
        false,
        None,
        vec![],
        None,
    ))
}

/// The sum of a column over all rows.
fn whole(column: &str) -> Result<Plan> {
    let sum = WindowFunctionDefinition::AggregateUDF(sum_udaf());
    Plan::from(WindowFunction::new(sum, vec![ident(column)])).partition_by(vec![]).build()
}

fn shape(text: Plan) -> Plan {
    Own::call("pattern", "", DataType::Utf8, vec![text], |arguments| {
        let mut out = StringBuilder::new();
        texts(arguments, 0)?.iter().for_each(|text| out.append_option(text.map(template)));
        Ok(Arc::new(out.finish()))
    })
}

/// The pattern of one message.
fn template(message: &str) -> String {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let (mut out, mut tokens) = (String::new(), 0);
    let cut = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '|'
            )
    };
    for piece in message.get(..end).unwrap_or_default().split_inclusive(cut) {
        let (word, mark) = match piece.chars().next_back().filter(|c| cut(*c)) {
            Some(mark) => (piece.strip_suffix(mark).unwrap_or(piece), Some(mark)),
            None => (piece, None),
        };
        let body = word.trim_end_matches([':', '.', '!', '?']);
        match token(body) {
            Some(kind) => {
                tokens += 1;
                out.extend(["<", kind, "-", &tokens.to_string(), ">"]);
                out.push_str(word.strip_prefix(body).unwrap_or_default());
            }
            None => out.push_str(word),
        }
        out.extend(mark);
    }
    out
}

/// What a varying word is; none if it stays.
fn token(word: &str) -> Option<&'static str> {
    if !word.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let address = word.split_once('/').map_or(word, |(a, _)| a);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let time = word
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T' | b'Z' | b'.' | b'/' | b'+'));
    let marks = word.bytes().filter(|b| matches!(b, b'-' | b':' | b'/')).count();
    let number = word.trim_start_matches(['+', '-']);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    Some(match word {
        _ if address.parse::<IpAddr>().is_ok() || host.parse::<IpAddr>().is_ok() => "IP",
        _ if word.len() == 36 && hex && word.bytes().filter(|b| *b == b'-').count() == 4 => "UUID",
        _ if time && marks >= 2 && digits >= 5 => "Time",
        _ if number.starts_with(|c: char| c.is_ascii_digit())
            && unit.len() <= 2
            && unit.chars().all(|c| c.is_alphabetic() || c == '%') =>
        {
            "Number"
        }
        _ if word.starts_with("arn:") => "ARN",
        _ if hex && word.len() >= 8 => "Hex",
        _ => "String",
    })
}

/// How bad a pattern is, by its words.
fn severity(pattern: &str) -> &'static str {
    let words = pattern.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_uppercase);
    let mut worst = (0, "NONE");
    for word in words {
        let (rank, label) = match word.as_str() {
            "FATAL" | "CRITICAL" => (5, "FATAL"),
            "ERROR" | "ERR" | "SEVERE" | "EXCEPTION" => (4, "ERROR"),
            "WARN" | "WARNING" => (3, "WARN"),
            "INFO" => (2, "INFO"),
            "DEBUG" | "TRACE" => (1, "DEBUG"),
            _ => continue,
        };
        worst = worst.max((rank, label));
    }
    worst.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_becomes_a_token() {
        let message =
            "2026-11-22T10:00:01Z [ERROR] user=bob42 took 31.5ms from 192.0.2.7:8080, retry 3.";
        let shape =
            "<Time-1> [ERROR] user=<String-2> took <Number-3> from <IP-4>, retry <Number-5>.";
        assert_eq!(template(message), shape);
        assert_eq!(template("no digits here"), "no digits here");
        assert_eq!(template("id 123e4567-e89b-12d3-a456-426614174000 done"), "id <UUID-1> done");
        assert_eq!(severity(shape), "ERROR");
    }

    #[test]
    fn a_long_message_is_cut_at_a_letter() {
        let long = "é".repeat(5000);
        assert!(template(&long).len() <= MESSAGE_BYTES_MAX);
    }
}
