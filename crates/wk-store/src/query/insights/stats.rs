//! `stats`: aggregates, arithmetic over them, and group keys.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::{average, min_max, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr as Plan, ident, lit};
use datafusion::scalar::ScalarValue;
use wk_lang::insights::ast::{At, Expr, Output, Span, Stats};

use super::calls::unknown;
use super::expression::{Lower, Lowered};
use super::rows::{Batch, Key, Rows, sort_value};
use super::scope::{Scope, shown};
use super::value::{Value, plain_kind};
use crate::query::functions::describe_aggregate;

/// Whether a name is an aggregate's.
pub(super) fn is_aggregate(name: &str) -> bool {
    describe_aggregate(name).is_some()
}

/// Runs a `stats`.
pub(super) fn stats(lower: &Lower<'_>, stats: &Stats, span: Span, rows: &mut Rows) -> Lowered<()> {
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    if let Some(offset) = &stats.offset {
        return Err(lower.mistake(offset.span, "stats … offset is not run yet"));
    }
    rows.limited().map_err(failed)?;
    let mut group = Group::default();
    for key in &stats.by {
        group.key(lower, key, &rows.scope)?;
    }
    let mut results = Vec::new();
    for output in &stats.outputs {
        let title = lower.title(output);
        if group.keys.iter().any(|(n, _)| *n == title)
            || results.iter().any(|(n, ..): &(String, _, _)| *n == title)
        {
            continue_or_refuse(lower, output, &title, stats)?;
            continue;
        }
        let tree = group.take(lower, &output.value, &rows.scope)?;
        results.push((title, tree, output));
    }
    let keys: Vec<Plan> = group.keys.iter().map(|(n, v)| v.expr.clone().alias(n)).collect();
    let calls: Vec<Plan> =
        group.calls.iter().enumerate().map(|(n, call)| call.clone().alias(agg_name(n))).collect();
    rows.change(|plan| plan.aggregate(keys, calls)).map_err(failed)?;
    let fields = rows.plan.schema().fields().iter().skip(group.keys.len());
    group.kinds = fields.map(|f| plain_kind(f.data_type())).collect();

    let names = group.keys.iter().map(|(n, v)| (n.clone(), v.kind.clone())).collect();
    rows.scope = Scope::new(names, false);
    rows.scope.also = also(lower, stats);
    rows.shown.names = group.keys.iter().map(|(n, _)| n.clone()).collect();
    rows.shown.said = true;
    rows.shown.results = true;
    rows.order.clear();
    rows.any_order = false;
    let mut columns = Batch::new(rows);
    for (title, tree, _) in results {
        let value = group.put_back(lower, tree, &columns.scope)?;
        columns.put(rows, &title, value).map_err(failed)?;
        rows.shown.add(&title);
    }
    columns.flush(rows).map_err(failed)?;
    rows.ties = ties(rows).map_err(failed)?;
    Ok(())
}

/// The same result twice is shown once; two results of one name are a mistake.
fn continue_or_refuse(
    lower: &Lower<'_>,
    output: &Output,
    title: &str,
    stats: &Stats,
) -> Lowered<()> {
    let same = stats.outputs.iter().chain(&stats.by).any(|other| {
        !std::ptr::eq(other, output)
            && lower.title(other) == title
            && lower.normal(other.value.span) == lower.normal(output.value.span)
    });
    if same {
        return Ok(());
    }
    let place = output.name.as_ref().map_or(output.value.span, |n| n.span);
    Err(lower.mistake(place, format!("two results of this stats are named {}", shown(title))))
}

/// Group keys in their order decide between rows that are the same otherwise.
fn ties(rows: &mut Rows) -> Result<Vec<Key>, DataFusionError> {
    let keys: Vec<String> = rows.shown.names.clone();
    let mut ties = Vec::new();
    for name in keys {
        let Some(value) = rows.scope.get(&name) else { continue };
        if matches!(value.kind, DataType::List(_)) {
            let column = rows.hide(sort_value(value))?;
            ties.push(Key::ascending(column));
        } else {
            ties.push(Key::ascending(name));
        }
    }
    Ok(ties)
}

/// Other ways to name the results: a key's own expression, a function's bare name.
fn also(lower: &Lower<'_>, stats: &Stats) -> Vec<(String, String)> {
    let mut also = Vec::new();
    for output in stats.by.iter().chain(&stats.outputs) {
        let title = lower.title(output);
        also.push((lower.normal(output.value.span), title.clone()));
        let Expr::Call { name, .. } = &output.value.node else { continue };
        also.push((name.node.clone(), title.clone()));
        if name.node.eq_ignore_ascii_case("bin") {
            also.push(("@timestamp".to_owned(), title));
        }
    }
    also
}

fn agg_name(n: usize) -> String {
    format!("#agg{n}")
}

/// An expression whose aggregates were taken out.
enum Tree<'q> {
    Aggregate(usize),
    Plain(&'q At<Expr>, Vec<(Span, usize)>),
}

#[derive(Default)]
struct Group {
    keys: Vec<(String, Value)>,
    calls: Vec<Plan>,
    /// Their types, once they are planned.
    kinds: Vec<DataType>,
}

impl Group {
    fn key(&mut self, lower: &Lower<'_>, key: &Output, scope: &Scope) -> Lowered<()> {
        let title = lower.title(key);
        let value = lower.value(&key.value, scope)?;
        if self.keys.iter().any(|(n, v)| *n == title && v.expr == value.expr) {
            return Ok(());
        }
        if self.keys.iter().any(|(n, _)| *n == title) {
            return Err(lower.mistake(
                key.value.span,
                format!("two keys of this stats are named {}", shown(&title)),
            ));
        }
        self.keys.push((title, value));
        Ok(())
    }

    /// Takes the aggregates out of an expression.
    fn take<'q>(
        &mut self,
        lower: &Lower<'_>,
        value: &'q At<Expr>,
        scope: &Scope,
    ) -> Lowered<Tree<'q>> {
        if let Expr::Call { name, arguments } = &value.node
            && is_aggregate(&name.node)
        {
            return Ok(Tree::Aggregate(self.aggregate(lower, name, arguments, scope)?));
        }
        let mut taken = Vec::new();
        self.walk(lower, value, scope, &mut taken)?;
        Ok(Tree::Plain(value, taken))
    }

    fn walk(
        &mut self,
        lower: &Lower<'_>,
        value: &At<Expr>,
        scope: &Scope,
        taken: &mut Vec<(Span, usize)>,
    ) -> Lowered<()> {
        match &value.node {
            Expr::Call { name, arguments } if is_aggregate(&name.node) => {
                let call = self.aggregate(lower, name, arguments, scope)?;
                taken.push((value.span, call));
                Ok(())
            }
            Expr::Call { arguments, .. } => {
                arguments.iter().try_for_each(|a| self.walk(lower, a, scope, taken))
            }
            Expr::Unary(_, inner) => self.walk(lower, inner, scope, taken),
            Expr::Binary(left, _, right) | Expr::Index(left, right) => {
                self.walk(lower, left, scope, taken)?;
                self.walk(lower, right, scope, taken)
            }
            _ => Ok(()),
        }
    }

    /// The place of an aggregate among the calls; the same one is counted once.
    fn aggregate(
        &mut self,
        lower: &Lower<'_>,
        name: &At<String>,
        arguments: &[At<Expr>],
        scope: &Scope,
    ) -> Lowered<usize> {
        let call = aggregate(lower, name, arguments, scope)?;
        if let Some(at) = self.calls.iter().position(|c| *c == call) {
            return Ok(at);
        }
        self.calls.push(call);
        Ok(self.calls.len() - 1)
    }

    /// The expression over the results.
    fn put_back(&self, lower: &Lower<'_>, tree: Tree<'_>, scope: &Scope) -> Lowered<Value> {
        let result = |n: usize| {
            let kind = self.kinds.get(n).cloned().unwrap_or(DataType::Utf8);
            Value::of(ident(agg_name(n)), kind)
        };
        match tree {
            Tree::Aggregate(n) => Ok(result(n)),
            Tree::Plain(value, taken) => {
                let mut scope = scope.clone();
                scope.taken = taken.into_iter().map(|(span, n)| (span, result(n))).collect();
                lower.value(value, &scope)
            }
        }
    }
}

/// One aggregate. Columns that have a type are counted as they are.
fn aggregate(
    lower: &Lower<'_>,
    name: &At<String>,
    arguments: &[At<Expr>],
    scope: &Scope,
) -> Lowered<Plan> {
    let Some(known) = describe_aggregate(&name.node) else { return Err(unknown(lower, name)) };
    let values = arguments.iter().map(|a| lower.value(a, scope)).collect::<Lowered<Vec<_>>>()?;
    let typed = match (known.insights[0], values.as_slice()) {
        ("sum" | "sumOverTime", [value]) => Some((sum::sum_udaf(), value.to_number())),
        ("avg", [value]) => Some((average::avg_udaf(), value.to_float())),
        ("min", [value]) if typed(value) => Some((min_max::min_udaf(), value.expr.clone())),
        ("max", [value]) if typed(value) => Some((min_max::max_udaf(), value.expr.clone())),
        _ => None,
    };
    if let Some((function, value)) = typed {
        let plan = AggregateFunction::new_udf(function, vec![value], false, None, vec![], None);
        return Ok(Plan::AggregateFunction(plan));
    }
    let time = match known.insights[0] {
        "earliest" | "latest" => scope.field(lower.text, "@timestamp", name.span)?.expr,
        _ => lit(ScalarValue::Null),
    };
    let values = values.into_iter().map(|v| v.expr).collect();
    known.over(values, time).map_err(|e| lower.mistake(name.span, e.strip_backtrace()))
}

fn typed(value: &Value) -> bool {
    value.is_number() || value.is_time()
}
