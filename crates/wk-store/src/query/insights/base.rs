//! The records that a query begins with: the needed fields of the asked tables.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Operator, TableSource, col, ident, lit,
};
use std::sync::Arc;
use wk_lang::insights::Mistake;
use wk_lang::insights::ast::Span;

use super::catalog;
use super::expression::balanced;
use super::fields::{Found, find};
use super::functions;
use super::groups::{Asked, Place};
use super::needs::Needs;
use super::rows::{Key, Rows};
use super::scope::{Scope, shown};
use super::value::{Value, common, time};

/// Hidden columns that decide between records of the same time.
const OBJECT: &str = "#object";
const ORDINAL: &str = "#ordinal";

/// Why the records could not be planned.
pub(super) enum NoBase {
    Mistake(Mistake),
    Failed(DataFusionError),
}

impl From<DataFusionError> for NoBase {
    fn from(error: DataFusionError) -> Self {
        Self::Failed(error)
    }
}

/// The records of a place, with the needed fields.
pub(super) fn base(
    text: &str,
    place: &Place,
    needs: &Needs,
    scan: &dyn Fn(&str) -> Option<Arc<dyn TableSource>>,
) -> std::result::Result<Rows, NoBase> {
    let found = resolve(text, place, needs).map_err(NoBase::Mistake)?;
    let kinds: Vec<(String, DataType)> = needs
        .fields
        .iter()
        .enumerate()
        .map(|(n, (name, _))| {
            let known =
                found.iter().filter_map(|values| values.get(n)).filter(|v| v.constant().is_none());
            let kind = known.map(|v| v.kind.clone()).reduce(|a, b| common(&a, &b));
            (name.clone(), kind.unwrap_or(DataType::Utf8))
        })
        .collect();
    let mut all: Option<LogicalPlanBuilder> = None;
    for (asked, values) in place.asked.iter().zip(found) {
        let Some(source) = scan(asked.table.name) else { continue };
        let part = part(asked, place, source, values, &kinds)?;
        all = Some(match all {
            None => part,
            Some(all) => all.union(part.build()?)?,
        });
    }
    let plan = match all {
        Some(all) => plain_names(all)?,
        None => nothing(&kinds)?,
    };
    let mut rows = Rows::new(plan, Scope::new(kinds, true));
    rows.ties = vec![Key::ascending(OBJECT), Key::ascending(ORDINAL)];
    Ok(rows)
}

/// What each needed field is in each asked table. A field that no table knows is a mistake.
fn resolve(
    text: &str,
    place: &Place,
    needs: &Needs,
) -> std::result::Result<Vec<Vec<Value>>, Mistake> {
    let mut found: Vec<Vec<Value>> = place.asked.iter().map(|_| Vec::new()).collect();
    for (name, span) in &needs.fields {
        let (mut known, mut near) = (place.asked.is_empty(), None);
        for (asked, values) in place.asked.iter().zip(&mut found) {
            match find(asked.table, &catalog::of(asked.table.name), name) {
                Found::Value(value) => {
                    known = true;
                    values.push(value);
                }
                Found::Unknown(nearest) => {
                    near = near.or(nearest);
                    values.push(Value::null());
                }
            }
        }
        if !known {
            return Err(unknown(text, place, name, *span, near.as_deref()));
        }
    }
    Ok(found)
}

fn unknown(text: &str, place: &Place, name: &str, span: Span, near: Option<&str>) -> Mistake {
    let tables: Vec<&str> = place.asked.iter().map(|a| a.table.name).collect();
    let message = format!("there is no field {} in {}", shown(name), tables.join(", "));
    Mistake::new(text, span, message).or_rather(near)
}

/// One table's records.
fn part(
    asked: &Asked,
    place: &Place,
    source: Arc<dyn TableSource>,
    values: Vec<Value>,
    kinds: &[(String, DataType)],
) -> Result<LogicalPlanBuilder> {
    let mut plan = LogicalPlanBuilder::scan(asked.table.name, source, None)?;
    if let Some(condition) = condition(asked, place) {
        plan = plan.filter(condition)?;
    }
    let mut columns: Vec<Expr> = Vec::new();
    for ((name, kind), value) in kinds.iter().zip(values) {
        let expr = match value.constant() {
            Some(constant) if constant.is_null() => super::fields::nothing(kind),
            _ => value.to_kind(kind),
        };
        columns.push(expr.alias(name));
    }
    columns.push(ident("object").alias(OBJECT));
    columns.push(ident("ordinal").alias(ORDINAL));
    plan.project(columns)
}

/// The part of a table that is asked.
fn condition(asked: &Asked, place: &Place) -> Option<Expr> {
    let mut all = Vec::new();
    all.extend(place.since.map(|at| ident("event_time").gt_eq(time(at))));
    all.extend(place.until.map(|at| ident("event_time").lt(time(at))));
    let texts = |texts: &[String]| texts.iter().map(|t| lit(t.as_str())).collect::<Vec<_>>();
    if !asked.accounts.is_empty() {
        all.push(ident("account").in_list(texts(&asked.accounts), false));
    }
    if !asked.groups.is_empty() || !asked.prefixes.is_empty() {
        let mut any = Vec::new();
        if !asked.groups.is_empty() {
            any.push(ident("log_group").in_list(texts(&asked.groups), false));
        }
        let begins =
            |p: &String| functions::call("starts_with", vec![ident("log_group"), lit(p.as_str())]);
        any.extend(asked.prefixes.iter().map(begins));
        all.extend(balanced(any, Operator::Or));
    }
    balanced(all, Operator::And)
}

/// A union's columns without the names of its tables.
fn plain_names(plan: LogicalPlanBuilder) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    if columns.iter().all(|c| c.relation.is_none()) {
        return plan.build();
    }
    let plain: Vec<Expr> = columns.into_iter().map(|c| col(c.clone()).alias(c.name)).collect();
    plan.project(plain)?.build()
}

/// No records: nothing that was named is in this lake.
fn nothing(kinds: &[(String, DataType)]) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> =
        kinds.iter().map(|(name, kind)| super::fields::nothing(kind).alias(name)).collect();
    columns.push(lit("").alias(OBJECT));
    columns.push(lit(0_i64).alias(ORDINAL));
    LogicalPlanBuilder::empty(false).project(columns)?.build()
}
