//! Commands that need an answer before the plan goes on: inner queries, joins, buckets to fill.

use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use datafusion::arrow::compute::{cast, concat_batches, take};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::JoinType;
use datafusion::datasource::{MemTable, TableProvider as _, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, LogicalPlanBuilder, ident};
use datafusion::scalar::ScalarValue;
use std::collections::{BTreeMap, BTreeSet};
use wk_lang::insights::ast::{At, Expr, FillMissing, Join, Span};

use super::expression::{Lower, Lowered};
use super::rows::Rows;
use super::scope::Scope;
use super::value::time_kind;
use crate::query::functions::Period;

/// Distinct keys of a join's right side, and values of an inner query.
pub(super) const KEYS_MAX: usize = 50_000;
/// Buckets that `fillmissing` makes.
const BUCKETS_MAX: usize = 100_000;

/// Rows that are there, as a plan.
pub(super) fn held(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<LogicalPlan> {
    let table = MemTable::try_new(schema, vec![batches])?;
    let columns: Vec<Plan> =
        table.schema().fields().iter().map(|f| ident(f.name()).alias(f.name())).collect();
    LogicalPlanBuilder::scan("held", provider_as_source(Arc::new(table)), None)?
        .project(columns)?
        .build()
}

/// The distinct values of an inner query's column.
pub(super) fn values(batches: &[RecordBatch]) -> Result<BTreeSet<Vec<u8>>> {
    let mut found = BTreeSet::new();
    for batch in batches {
        let texts = cast(batch.column(0), &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        found.extend(texts.iter().flatten().map(|t| t.as_bytes().to_vec()));
    }
    Ok(found)
}

/// Puts the right side of a join, which is there already, to the rows.
pub(super) fn join(
    lower: &Lower<'_>,
    join: &Join,
    right: (LogicalPlan, Scope),
    span: Span,
    rows: &mut Rows,
) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    rows.limited().map_err(failed)?;
    let (plan, right_scope) = right;
    let alias = join.right_alias.as_ref().map_or("right", |a| a.node.as_str());
    let prefix = [alias, "."].concat();
    let left_prefix = [join.left_alias.as_ref().map_or("left", |a| a.node.as_str()), "."].concat();
    rows.scope.alias = Some(left_prefix);
    let mut right_of = right_scope.clone();
    right_of.alias = Some(prefix.clone());
    let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
    for (left, right) in &join.on {
        let (left, right) = (lower.value(left, &rows.scope)?, lower.value(right, &right_of)?);
        let same = left.kind == right.kind;
        left_keys.push(if same { left.expr.clone() } else { left.to_text() });
        right_keys.push((if same { right.expr.clone() } else { right.to_text() }, right));
    }
    let mut columns: Vec<Plan> = Vec::new();
    let mut names = Vec::new();
    for (name, kind) in right_scope.names() {
        let title = [prefix.as_str(), name].concat();
        columns.push(ident(name).alias(&title));
        names.push((title, kind.clone()));
    }
    let keys: Vec<String> = (0..right_keys.len()).map(|n| format!("#key{n}")).collect();
    columns.extend(right_keys.into_iter().zip(&keys).map(|((key, _), name)| key.alias(name)));
    let plan = LogicalPlanBuilder::from(plan).project(columns).and_then(LogicalPlanBuilder::build);
    let plan = plan.map_err(failed)?;
    let kind = if join.left { JoinType::Left } else { JoinType::Inner };
    let keys: Vec<Plan> = keys.iter().map(ident).collect();
    rows.change(|left| left.join_with_expr_keys(plan, kind, (left_keys, keys), None))
        .map_err(failed)?;
    names.into_iter().for_each(|(name, kind)| rows.scope.put(&name, kind));
    Ok(())
}

/// How many distinct keys a join's right side has.
pub(super) fn distinct_keys(
    lower: &Lower<'_>,
    join: &Join,
    batches: &[RecordBatch],
    scope: &Scope,
) -> Lowered<usize> {
    let mut scope = scope.clone();
    scope.alias =
        Some([join.right_alias.as_ref().map_or("right", |a| a.node.as_str()), "."].concat());
    let mut columns: Vec<String> = Vec::new();
    for (_, right) in &join.on {
        if let Plan::Column(column) = lower.value(right, &scope)?.expr {
            columns.push(column.name);
        }
    }
    let mut seen: std::collections::HashSet<Vec<u8>> = std::collections::HashSet::new();
    for batch in batches {
        let arrays: Vec<ArrayRef> =
            columns.iter().filter_map(|c| batch.column_by_name(c).cloned()).collect();
        let fields = arrays.iter().map(|a| SortField::new(a.data_type().clone())).collect();
        let Ok(converter) = RowConverter::new(fields) else { continue };
        let Ok(rows) = converter.convert_columns(&arrays) else { continue };
        seen.extend(rows.iter().map(|row| row.as_ref().to_vec()));
        if seen.len() > KEYS_MAX {
            break;
        }
    }
    Ok(seen.len())
}

/// The batches as one.
pub(super) fn one(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(concat_batches(schema, batches)?)
}

/// Adds a row for every bucket that has none, for each combination of the other keys.
pub(super) fn fill(
    lower: &Lower<'_>,
    fill: &FillMissing,
    all: &RecordBatch,
    span: Span,
    scope: &Scope,
) -> Lowered<RecordBatch> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    let name = |of: &At<Expr>| -> Lowered<String> {
        match lower.value(of, scope)?.expr {
            Plan::Column(column) => Ok(column.name),
            _ => Err(lower.mistake(of.span, "this is no key of the stats before it")),
        }
    };
    let bucket = name(&fill.bucket)?;
    let period = period(lower, &fill.bucket)?;
    let by: Vec<String> = fill.by.iter().map(&name).collect::<Lowered<_>>()?;
    let there = buckets(all, &bucket).map_err(failed)?;
    let first = lower.options.since.map(|t| t.micros()).or_else(|| there.iter().flatten().min());
    let last = lower.options.until.map(|t| t.micros() - 1).or_else(|| there.iter().flatten().max());
    let (Some(first), Some(last)) = (first, last) else { return Ok(all.clone()) };
    let too_many = || {
        lower.mistake(
            span,
            "fillmissing would make more than 100,000 rows; ask a shorter time or a longer bucket",
        )
    };
    let mut wanted = Vec::new();
    let mut at = period.floor(first).ok_or_else(too_many)?;
    while at <= last {
        wanted.push(at);
        if wanted.len() > BUCKETS_MAX {
            return Err(too_many());
        }
        at = at.checked_add(1).and_then(|next| period.ceil(next)).ok_or_else(too_many)?;
    }
    let (rows, times) = missing(all, &by, &there, &wanted).map_err(failed)?.ok_or_else(too_many)?;
    let mut constants: BTreeMap<String, ScalarValue> = BTreeMap::new();
    for (name, value) in &fill.fills {
        let column = scope.field(lower.text, &name.node, name.span)?;
        let Plan::Column(column) = column.expr else { continue };
        let constant = lower.value(value, scope)?.constant().cloned();
        let constant =
            constant.ok_or_else(|| lower.mistake(value.span, "a constant stands here"))?;
        constants.insert(column.name, constant);
    }
    let filled = filled(all, &bucket, &by, &rows, &times, &constants).map_err(failed)?;
    one(&filled.schema(), &[all.clone(), filled]).map_err(failed)
}

fn period(lower: &Lower<'_>, bucket: &At<Expr>) -> Lowered<Period> {
    let last = match &bucket.node {
        Expr::Call { arguments, .. } => arguments.last().map(|a| &a.node),
        _ => None,
    };
    match last {
        Some(Expr::Duration(duration)) => Ok(Period::from(duration).capped()),
        _ => Err(lower.mistake(bucket.span, "a bucket such as bin(5m) stands here")),
    }
}

fn buckets(all: &RecordBatch, name: &str) -> Result<TimestampMicrosecondArray> {
    let column = all
        .column_by_name(name)
        .ok_or_else(|| DataFusionError::Plan(format!("there is no {name}")))?;
    Ok(cast(column, &time_kind())?.as_primitive::<TimestampMicrosecondType>().clone())
}

type Missing = (UInt64Array, TimestampMicrosecondArray);

/// For each combination of keys its first row, and each bucket that it lacks.
fn missing(
    all: &RecordBatch,
    by: &[String],
    there: &TimestampMicrosecondArray,
    wanted: &[i64],
) -> Result<Option<Missing>> {
    let mut groups: BTreeMap<Vec<u8>, (u64, BTreeSet<i64>)> = BTreeMap::new();
    let arrays: Vec<ArrayRef> = by.iter().filter_map(|c| all.column_by_name(c).cloned()).collect();
    let keys = match arrays.is_empty() {
        true => None,
        false => {
            let fields = arrays.iter().map(|a| SortField::new(a.data_type().clone())).collect();
            Some(RowConverter::new(fields)?.convert_columns(&arrays)?)
        }
    };
    for row in 0..all.num_rows() {
        let key = keys.as_ref().map_or_else(Vec::new, |k| k.row(row).as_ref().to_vec());
        let group = groups.entry(key).or_insert((row as u64, BTreeSet::new()));
        if there.is_valid(row) {
            group.1.insert(there.value(row));
        }
    }
    let (mut rows, mut times) = (Vec::new(), Vec::new());
    for (row, has) in groups.values() {
        for at in wanted.iter().filter(|at| !has.contains(*at)) {
            rows.push(*row);
            times.push(*at);
        }
        if rows.len() > BUCKETS_MAX {
            return Ok(None);
        }
    }
    let zone = wk_seam::schema::UTC;
    Ok(Some((UInt64Array::from(rows), TimestampMicrosecondArray::from(times).with_timezone(zone))))
}

fn filled(
    all: &RecordBatch,
    bucket: &str,
    by: &[String],
    rows: &UInt64Array,
    times: &TimestampMicrosecondArray,
    constants: &BTreeMap<String, ScalarValue>,
) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in all.schema().fields().iter().zip(all.columns()) {
        let name = field.name();
        columns.push(if name == bucket {
            cast(times, field.data_type())?
        } else if by.contains(name) {
            take(column, rows, None)?
        } else if let Some(constant) = constants.get(name) {
            cast(&constant.to_array_of_size(rows.len())?, field.data_type())?
        } else {
            new_null_array(field.data_type(), rows.len())
        });
    }
    // A filled row lacks what is not said, so every column may be null.
    let fields = all
        .schema()
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true))
        .collect::<Vec<_>>();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// What `in (…)` compares with: the constants of an inner query.
pub(super) fn constants(found: BTreeSet<Vec<u8>>) -> Vec<ScalarValue> {
    let text = |bytes: Vec<u8>| ScalarValue::Utf8(String::from_utf8(bytes).ok());
    found.into_iter().map(text).collect()
}
