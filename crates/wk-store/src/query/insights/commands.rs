//! The commands that change rows one after the other.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_window::row_number::row_number;
use datafusion::logical_expr::{Expr as Plan, ExprFunctionExt as _, Operator, ident, lit};
use wk_lang::insights::ast::{At, Command, Expr, Limit, Output, SortKey, Span};

use super::expression::{Lower, Lowered, balanced};
use super::own::{Own, texts};
use super::rows::{Batch, Key, Rows, sort_value};
use super::value::Value;
use super::{lookup, pattern, stats, take_apart};

/// The most rows that a query may ask for.
pub(super) const LIMIT_MAX: u64 = 100_000;

/// Runs one command over the rows. Those that have to wait for an answer are run elsewhere.
pub(super) fn run(lower: &Lower<'_>, command: &At<Command>, rows: &mut Rows) -> Lowered<()> {
    let span = command.span;
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    match &command.node {
        Command::Fields(outputs) => {
            rows.shown.said = true;
            if std::mem::take(&mut rows.shown.results) {
                rows.shown.names.clear();
            }
            show(lower, outputs, rows)
        }
        Command::Display(outputs) => {
            rows.shown.said = true;
            rows.shown.names.clear();
            // Exactly these: not what was made before.
            rows.made.names.clear();
            show(lower, outputs, rows)
        }
        Command::Filter(condition) | Command::FilterIndex(condition) => {
            rows.limited().map_err(failed)?;
            let condition = lower.filter(condition, &rows.scope)?;
            rows.filter(condition).map_err(failed)
        }
        Command::Stats(of) => stats::stats(lower, of, span, rows),
        Command::Sort(keys) => sort(lower, keys, span, rows),
        Command::Limit(limit) => limit_to(lower, limit, span, rows),
        Command::Tail { rows: last } => tail(*last, rows).map_err(failed),
        Command::Parse(parse) => take_apart::parse(lower, parse, span, rows),
        Command::Dedup(keys) => dedup(lower, keys, span, rows),
        Command::Pattern(of) => pattern::pattern(lower, of, span, rows),
        Command::Diff(_) => pattern::diff(lower, span, rows),
        Command::Unnest { list, into } => unnest(lower, list, into, span, rows),
        Command::Lookup(of) => lookup::lookup(lower, of, false, span, rows),
        Command::CidrLookup(of) => lookup::lookup(lower, of, true, span, rows),
        Command::NotYet { name } => Err(lower.mistake(span, format!("{name} is not run yet"))),
        Command::Join(_) | Command::FillMissing(_) => Ok(()),
    }
}

/// Adds fields to what is shown; one may use those before it.
fn show(lower: &Lower<'_>, outputs: &[Output], rows: &mut Rows) -> Lowered<()> {
    let mut fields = Batch::new(rows);
    for output in outputs {
        let title = lower.title(output);
        let plain = output.name.is_none() && matches!(output.value.node, Expr::Field(_));
        if !(plain && fields.scope.get(&title).is_some()) {
            let value = lower.value(&output.value, &fields.scope)?;
            lower.names([title.as_str()].into_iter(), output.value.span)?;
            let failed = |e: DataFusionError| lower.mistake(output.value.span, e.strip_backtrace());
            fields.put(rows, &title, value).map_err(failed)?;
        }
        rows.shown.add(&title);
    }
    let span = outputs.first().map_or(Span::default(), |o| o.value.span);
    fields.flush(rows).map_err(|e| lower.mistake(span, e.strip_backtrace()))
}

fn sort(lower: &Lower<'_>, keys: &[SortKey], span: Span, rows: &mut Rows) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    rows.limited().map_err(failed)?;
    let mut order: Vec<Key> = Vec::new();
    for key in keys {
        let value = lower.value(&key.value, &rows.scope)?;
        let column = rows.hide(sort_value(value)).map_err(failed)?;
        if !order.iter().any(|k| k.column == column) {
            order.push(Key { column, descending: key.descending });
        }
        rows.order.clone_from(&order);
    }
    Ok(())
}

fn limit_to(lower: &Lower<'_>, limit: &Limit, span: Span, rows: &mut Rows) -> Lowered<()> {
    if limit.rows > LIMIT_MAX {
        return Err(lower.mistake(span, "a query gives at most 100,000 rows"));
    }
    let wanted = usize::try_from(limit.rows).unwrap_or(usize::MAX);
    rows.limit = Some(rows.limit.map_or(wanted, |there| there.min(wanted)));
    rows.any_order |= limit.any;
    Ok(())
}

/// The last rows of the order, in that order.
fn tail(last: u64, rows: &mut Rows) -> Result<()> {
    rows.limited()?;
    let turned: Vec<_> = rows
        .keys()
        .into_iter()
        .map(|key| Key { descending: !key.descending, ..key }.sort())
        .collect();
    let last = usize::try_from(last.min(LIMIT_MAX)).ok();
    if turned.is_empty() {
        return rows.change(|plan| plan.limit(0, last));
    }
    rows.change(|plan| plan.sort_with_limit(turned, last))
}

/// Keeps the first row of each key in the order of the rows. A row that lacks a key stays.
fn dedup(lower: &Lower<'_>, keys: &[At<Expr>], span: Span, rows: &mut Rows) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    rows.limited().map_err(failed)?;
    let keys: Vec<Plan> =
        keys.iter().map(|k| lower.value(k, &rows.scope).map(|v| v.expr)).collect::<Lowered<_>>()?;
    let order = rows.keys().iter().map(Key::sort).collect();
    let numbered = row_number().partition_by(keys.clone()).order_by(order).build();
    let numbered = numbered.map_err(failed)?.alias("#row");
    let mut keep: Vec<Plan> = keys.into_iter().map(Plan::is_null).collect();
    keep.push(ident("#row").eq(lit(1_u64)));
    let keep = balanced(keep, Operator::Or).unwrap_or_else(|| lit(true));
    let columns: Vec<Plan> = rows.plan.schema().columns().iter().map(|c| ident(&c.name)).collect();
    rows.change(|plan| plan.window(vec![numbered])?.filter(keep)?.project(columns)).map_err(failed)
}

/// One row for each item of a list; a row without items goes.
fn unnest(
    lower: &Lower<'_>,
    list: &At<Expr>,
    into: &At<String>,
    span: Span,
    rows: &mut Rows,
) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    rows.limited().map_err(failed)?;
    lower.names([into.node.as_str()].into_iter(), into.span)?;
    let value = lower.value(list, &rows.scope)?;
    let kind = DataType::new_list(DataType::Utf8, true);
    let items = match value.kind {
        DataType::List(_) => value.expr,
        _ => Own::call("json_items", "", kind.clone(), vec![value.to_text()], json_items),
    };
    rows.put(vec![(into.node.clone(), Value::of(items, kind))]).map_err(failed)?;
    rows.change(|plan| {
        plan.filter(ident(&into.node).is_not_null())?.unnest_column(Column::from_name(&into.node))
    })
    .map_err(failed)?;
    rows.scope.put(&into.node, DataType::Utf8);
    rows.made.add(&into.node);
    Ok(())
}

/// The items of JSON arrays as texts.
fn json_items(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts(arguments, 0)?.iter() {
        let parsed = text.and_then(|t| serde_json::from_str::<serde_json::Value>(t).ok());
        let Some(serde_json::Value::Array(items)) = parsed else {
            lists.append_null();
            continue;
        };
        for item in items {
            match item {
                serde_json::Value::Null => lists.values().append_null(),
                serde_json::Value::String(text) => lists.values().append_value(text),
                other => lists.values().append_value(other.to_string()),
            }
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
