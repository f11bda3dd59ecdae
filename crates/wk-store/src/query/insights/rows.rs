//! The rows of a query between two commands: a plan, the names that can be used, what is shown.
//!
//! Sorting waits until the end or until a command needs it: filters and new fields do not change
//! an order, and a sort with a limit behind it keeps only its best rows.

use std::collections::HashMap;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::plan_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};

use super::functions;
use super::pattern::Compared;
use super::scope::Scope;
use super::value::Value;

/// Rows after some commands.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) plan: LogicalPlan,
    pub(super) scope: Scope,
    /// Titles that are shown, in their order; each is a name of the scope.
    pub(super) shown: Shown,
    /// The order that a `sort` asked for.
    pub(super) order: Vec<Key>,
    /// Columns that decide between rows which the order does not tell apart.
    pub(super) ties: Vec<Key>,
    /// Whether the order does not matter: `limit any`.
    pub(super) any_order: bool,
    /// Rows that a `limit` leaves; it is applied when the next command needs it.
    pub(super) limit: Option<usize>,
    /// Fields that the query made without saying that they are shown.
    pub(super) made: Shown,
    /// What `pattern` counts.
    pub(super) pattern: Option<Expr>,
    /// The times that a `diff` compares.
    pub(super) compared: Option<Compared>,
    hidden: usize,
    /// Projections on top of one another.
    depth: usize,
}

/// Projections on top of one another; what plans them walks them by recursion.
const DEPTH_MAX: usize = 50;

/// What is shown at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) names: Vec<String>,
    /// Whether the query said so; if not, the record itself is shown.
    pub(super) said: bool,
    /// Whether these are a `stats`' results, of which a `fields` chooses.
    pub(super) results: bool,
}

/// A column that rows are sorted by.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) column: String,
    pub(super) descending: bool,
}

impl Key {
    pub(super) fn ascending(column: impl Into<String>) -> Self {
        Self { column: column.into(), descending: false }
    }
    pub(super) fn descending(column: impl Into<String>) -> Self {
        Self { column: column.into(), descending: true }
    }
    /// What is missing is smaller than everything.
    pub(super) fn sort(&self) -> Sort {
        ident(&self.column).sort(!self.descending, !self.descending)
    }
}

impl Shown {
    /// Adds a name at the end, once.
    pub(super) fn add(&mut self, name: &str) {
        if !self.names.iter().any(|n| n == name) {
            self.names.push(name.to_owned());
        }
    }
}

impl Rows {
    pub(super) fn new(plan: LogicalPlan, scope: Scope) -> Self {
        Self {
            plan,
            scope,
            shown: Shown::default(),
            order: Vec::new(),
            ties: Vec::new(),
            any_order: false,
            limit: None,
            made: Shown::default(),
            pattern: None,
            compared: None,
            hidden: 0,
            depth: 0,
        }
    }

    /// Adds columns, or replaces those of the same names.
    pub(super) fn put(&mut self, values: Vec<(String, Value)>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let new = |name: &str| values.iter().any(|(n, _)| n == name);
        let mut columns: Vec<Expr> = Vec::new();
        for column in self.plan.schema().columns() {
            if !new(&column.name) {
                columns.push(ident(&column.name));
                continue;
            }
            // The order still means the old column.
            if self.order.iter().any(|key| key.column == column.name) {
                self.hidden += 1;
                let kept = format!("#kept{}", self.hidden);
                columns.push(ident(&column.name).alias(&kept));
                self.order
                    .iter_mut()
                    .filter(|k| k.column == column.name)
                    .for_each(|k| k.column.clone_from(&kept));
            }
        }
        for (name, value) in values {
            columns.push(value.expr.alias(&name));
            if !name.starts_with('#') {
                self.scope.put(&name, value.kind);
            }
        }
        self.project(columns)
    }

    /// A projection. On top of another one it becomes one with it, if that computes nothing that
    /// this one uses: a plan that is hundreds of steps deep takes its toll.
    fn project(&mut self, columns: Vec<Expr>) -> Result<()> {
        if let LogicalPlan::Projection(below) = &self.plan
            && let Some(merged) = merged(&columns, &below.expr)
        {
            let input = below.input.as_ref().clone();
            self.plan = LogicalPlanBuilder::from(input).project(merged)?.build()?;
            return Ok(());
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(plan_datafusion_err!(
                "more than {DEPTH_MAX} fields of this query build on one another"
            ));
        }
        self.change(|plan| plan.project(columns))
    }

    /// Keeps the rows of which a condition is true.
    pub(super) fn filter(&mut self, condition: Expr) -> Result<()> {
        if let LogicalPlan::Filter(below) = &self.plan {
            let both = below.predicate.clone().and(condition);
            let input = below.input.as_ref().clone();
            self.plan = LogicalPlanBuilder::from(input).filter(both)?.build()?;
            return Ok(());
        }
        self.change(|plan| plan.filter(condition))
    }

    /// Adds a column that no query can name; answers its name.
    pub(super) fn hide(&mut self, value: Value) -> Result<String> {
        if let Expr::Column(column) = &value.expr {
            return Ok(column.name.clone());
        }
        let name = format!("#{}", self.fresh());
        self.put(vec![(name.clone(), value)])?;
        Ok(name)
    }

    /// A number that no other hidden column of these rows has.
    pub(super) fn fresh(&mut self) -> usize {
        self.hidden += 1;
        self.hidden
    }

    pub(super) fn change(
        &mut self,
        change: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>,
    ) -> Result<()> {
        let plan = std::mem::replace(&mut self.plan, empty());
        self.plan = change(LogicalPlanBuilder::from(plan))?.build()?;
        Ok(())
    }

    /// The order of the rows, down to the last tie; records are newest first.
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys = self.order.clone();
        if keys.is_empty() && self.scope.records && self.scope.get("@timestamp").is_some() {
            keys.push(Key::descending("@timestamp"));
        }
        for tie in &self.ties {
            if !keys.iter().any(|key| key.column == tie.column) {
                keys.push(tie.clone());
            }
        }
        keys
    }

    /// Puts the rows into their order and leaves as many as the limit says.
    pub(super) fn settle(&mut self, default: Option<usize>) -> Result<()> {
        let limit = self.limit.take().or(default);
        if self.any_order && self.order.is_empty() {
            return match limit {
                Some(rows) => self.change(|plan| plan.limit(0, Some(rows))),
                None => Ok(()),
            };
        }
        let keys: Vec<Sort> = self.keys().iter().map(Key::sort).collect();
        match (keys.is_empty(), limit) {
            (true, Some(rows)) => self.change(|plan| plan.limit(0, Some(rows))),
            (true, None) => Ok(()),
            (false, limit) => self.change(|plan| plan.sort_with_limit(keys, limit)),
        }
    }

    /// Applies a limit that was said, before a command that works on what it leaves.
    pub(super) fn limited(&mut self) -> Result<()> {
        if self.limit.is_some() { self.settle(None) } else { Ok(()) }
    }

    /// Shows exactly the shown columns.
    pub(super) fn finish(&mut self) -> Result<()> {
        let columns: Vec<Expr> = self.shown.names.iter().map(ident).collect();
        self.change(|plan| plan.project(columns))
    }
}

/// Columns that are added together, as long as none uses another.
pub(super) struct Batch {
    /// The names, those of the batch among them.
    pub(super) scope: Scope,
    columns: Vec<(String, Value)>,
}

impl Batch {
    pub(super) fn new(rows: &Rows) -> Self {
        Self { scope: rows.scope.clone(), columns: Vec::new() }
    }

    /// Adds a column; what it uses of the batch is put into the rows before.
    pub(super) fn put(&mut self, rows: &mut Rows, name: &str, value: Value) -> Result<()> {
        let used = value.expr.column_refs();
        let meets =
            |(title, _): &(String, Value)| title == name || used.iter().any(|c| c.name == *title);
        if self.columns.iter().any(meets) {
            self.flush(rows)?;
        }
        self.scope.put(name, value.kind.clone());
        self.columns.push((name.to_owned(), value));
        Ok(())
    }

    /// Puts what there is into the rows.
    pub(super) fn flush(&mut self, rows: &mut Rows) -> Result<()> {
        rows.put(std::mem::take(&mut self.columns))
    }
}

/// Columns over a projection as columns over what lies below it, if they use only columns that it
/// hands on as they are.
fn merged(columns: &[Expr], below: &[Expr]) -> Option<Vec<Expr>> {
    let mut sources: HashMap<&str, &Expr> = HashMap::with_capacity(below.len());
    for expr in below {
        match expr {
            Expr::Column(column) => sources.insert(&column.name, expr),
            Expr::Alias(alias) => sources.insert(&alias.name, expr),
            _ => return None,
        };
    }
    let source = |name: &str| sources.get(name).copied();
    columns
        .iter()
        .map(|column| {
            let (inner, title) = match column {
                Expr::Column(column) => return source(&column.name).cloned(),
                Expr::Alias(alias) => (alias.expr.as_ref().clone(), alias.name.clone()),
                _ => return None,
            };
            let mut plain = true;
            let found = inner.transform(|e| {
                let Expr::Column(used) = &e else { return Ok(Transformed::no(e)) };
                let handed = source(&used.name).map(|s| s.clone().unalias());
                match handed {
                    Some(handed @ Expr::Column(_)) => Ok(Transformed::yes(handed)),
                    _ => {
                        plain = false;
                        Ok(Transformed::no(e))
                    }
                }
            });
            found.ok().filter(|_| plain).map(|found| found.data.alias(title))
        })
        .collect()
}

/// What a value is sorted by: itself where it has a type, else by the natural order of texts.
pub(super) fn sort_value(value: Value) -> Value {
    match &value.kind {
        DataType::Utf8 | DataType::List(_) => {
            let key = functions::call("natural_key", vec![value.to_text()]);
            Value::of(key, DataType::Binary)
        }
        _ => value,
    }
}

fn empty() -> LogicalPlan {
    LogicalPlan::default()
}
