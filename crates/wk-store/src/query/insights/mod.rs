//! Queries of CloudWatch Logs Insights as plans of DataFusion.
//!
//! * The records that a query begins with are a projection of the asked tables: one column for each
//!   field it names (`needs`, `groups`, `fields`, `base`). Nothing else is read.
//! * Each command then changes the plan and the names (`commands`, `rows`, `scope`). Expressions keep
//!   typed columns typed (`expression`, `compare`).
//! * Inner queries, the right side of a join and `fillmissing` are answered while planning, within
//!   limits (`later`).
//! * Every mistake has a line and a column. What differs from AWS is written in `docs/insights.md`.

mod base;
mod calls;
mod catalog;
mod commands;
mod compare;
mod expression;
mod fields;
mod functions;
mod groups;
mod later;
pub(super) mod lookup;
mod needs;
mod own;
mod pattern;
mod patterns;
mod rows;
mod scope;
mod stats;
mod take_apart;
mod value;

use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableSource, ident, lit};
use datafusion::scalar::ScalarValue;
use wk_lang::insights::ast::{At, Command, Expr, FillMissing, InList, Join, Period, Query, Span};
use wk_lang::insights::{Mistake, check, parse};
use wk_model::Timestamp;

use super::answer::thousands;
use super::{AskOptions, QueryError, Question, Questions};
use expression::Lower;
use groups::{Lake, Place};
use pattern::Compared;
use rows::Rows;

/// Rows that are shown where the query has no limit.
const ROWS_SHOWN: usize = 10_000;
/// Rows that an inner query, a join's right side or a `fillmissing` may have.
const ROWS_HELD_MAX: usize = 1_000_000;
/// Bytes of them.
const BYTES_HELD_MAX: usize = 128 << 20;

impl Questions {
    /// Plans a query of Logs Insights. Inner queries are answered meanwhile.
    ///
    /// # Errors
    /// If the text is no such query, or names what is not there: with line and column.
    pub async fn plan_insights(
        &self,
        text: &str,
        options: &AskOptions,
    ) -> Result<Question, QueryError> {
        let query = parse(text).map_err(|mistakes| {
            let told: Vec<String> = mistakes.iter().map(|m| m.render(text)).collect();
            QueryError::Text(told.join("\n"))
        })?;
        let checked = check(text, &query);
        if !checked.mistakes.is_empty() {
            let told: Vec<String> = checked.mistakes.iter().map(|m| m.render(text)).collect();
            return Err(QueryError::Text(told.join("\n")));
        }
        let planner = Planner { questions: self, text, options };
        let question = planner.whole(&query).await?;
        checked.warnings.iter().for_each(|warning| question.notes.add(warning.to_string()));
        Ok(question)
    }
}

/// What is asked, for the length of its planning.
struct Planner<'q> {
    questions: &'q Questions,
    text: &'q str,
    options: &'q AskOptions,
}

/// Rows of a query or of an inner one, with what is to be said about them.
struct Planned {
    rows: Rows,
    notes: Vec<String>,
}

impl Planner<'_> {
    async fn whole(&self, query: &Query) -> Result<Question, QueryError> {
        let Planned { mut rows, notes: said } = self.query(query, &[], false).await?;
        let default = rows.limit.is_none() && !self.options.every_row;
        rows.settle(default.then_some(ROWS_SHOWN + 1)).map_err(super::text)?;
        self.shown(&mut rows);
        rows.finish().map_err(super::text)?;
        let notes = super::Notes::default();
        said.into_iter().for_each(|note| notes.add(note));
        Ok(Question { plan: rows.plan, notes, rows_max: default.then_some(ROWS_SHOWN) })
    }

    /// What is shown where the query does not say it, and the pointer where it is asked for.
    fn shown(&self, rows: &mut Rows) {
        if !rows.shown.said {
            for name in ["@timestamp", "@message"] {
                rows.shown.add(name);
            }
        }
        let made = rows.made.names.clone();
        made.iter()
            .filter(|n| rows.scope.get(n).is_some() && rows.scope.records)
            .for_each(|n| rows.shown.add(n));
        let pointer = !rows.shown.said || self.options.pointers;
        if pointer && rows.scope.records && rows.scope.get("@ptr").is_some() {
            rows.shown.add("@ptr");
        }
    }

    /// The rows of a query, before they are put in order and cut.
    fn query<'a>(
        &'a self,
        query: &'a Query,
        more: &'a [(String, Span)],
        inner: bool,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Planned, QueryError>> + Send + 'a>> {
        Box::pin(self.rows(query, more, inner))
    }

    async fn rows(
        &self,
        query: &Query,
        more: &[(String, Span)],
        inner: bool,
    ) -> Result<Planned, QueryError> {
        let needs = needs::of(query, more, self.options.pointers && !inner);
        for (name, span) in &needs.fields {
            if name.starts_with('#') {
                return Err(self.told(&Mistake::new(
                    self.text,
                    *span,
                    "a field's name does not begin with #",
                )));
            }
        }
        let written = self.written(query).await?;
        let filled: Vec<&'static str> = self.questions.filled.clone();
        let lake = Lake { tables: &self.questions.tables, filled: &filled, written: &written };
        let mut place = groups::place(self.text, query, &needs, &lake, self.options)
            .map_err(|m| self.told(&m))?;
        // From here on the options have the query's own time.
        let options = AskOptions { since: place.since, until: place.until, ..self.options.clone() };
        let compared = self.compared(query, &mut place)?;
        let scan = |name: &str| self.questions.source(name);
        let mut rows = base::base(self.text, &place, &needs, &scan).map_err(|e| match e {
            base::NoBase::Mistake(mistake) => self.told(&mistake),
            base::NoBase::Failed(error) => super::text(error),
        })?;
        if let Some((compared, hole)) = compared {
            rows.compared = Some(compared);
            let inside = ident("@timestamp")
                .gt_eq(value::time(compared.since))
                .or(ident("@timestamp").lt(value::time(hole)));
            rows.change(|plan| plan.filter(inside)).map_err(super::text)?;
        }
        let mut notes = std::mem::take(&mut place.notes);
        let answers = self.inner(query, &mut notes).await?;
        let lower = Lower { text: self.text, options: &options, inner: &answers };
        for command in &query.commands {
            match &command.node {
                Command::Join(join) => {
                    self.join(&lower, join, command.span, &needs.right, &mut rows, &mut notes)
                        .await?
                }
                Command::FillMissing(fill) => {
                    self.fill(&lower, fill, command.span, &mut rows).await?
                }
                _ => commands::run(&lower, command, &mut rows).map_err(|m| self.told(&m))?,
            }
        }
        Ok(Planned { rows, notes })
    }

    fn told(&self, mistake: &Mistake) -> QueryError {
        QueryError::Text(mistake.render(self.text))
    }

    /// Groups of the query that a `log_group` column holds.
    async fn written(&self, query: &Query) -> Result<Vec<(String, &'static str)>, QueryError> {
        let mut written = Vec::new();
        for group in groups::named(query, self.options) {
            for table in &self.questions.tables {
                let known = table.index("log_group").is_some()
                    && self.questions.filled.contains(&table.name);
                let Some(source) = self.questions.source(table.name).filter(|_| known) else {
                    continue;
                };
                let plan = LogicalPlanBuilder::scan(table.name, source, None)
                    .and_then(|plan| plan.filter(ident("log_group").eq(lit(group.as_str()))))
                    .and_then(|plan| plan.project(vec![ident("ordinal")]))
                    .and_then(|plan| plan.limit(0, Some(1)))
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(super::text)?;
                let (_, batches) =
                    self.held(plan, Span::default(), "a look for a log group").await?;
                if batches.iter().any(|b| b.num_rows() > 0) {
                    written.push((group.clone(), table.name));
                    break;
                }
            }
        }
        Ok(written)
    }

    /// Widens the place by the earlier time of a `diff`. Answers it, and the end of that time.
    fn compared(
        &self,
        query: &Query,
        place: &mut Place,
    ) -> Result<Option<(Compared, Timestamp)>, QueryError> {
        let diff = query.commands.iter().find_map(|c| match &c.node {
            Command::Diff(period) => Some((*period, c.span)),
            _ => None,
        });
        let Some((period, span)) = diff else { return Ok(None) };
        let Some((since, until)) = place.since.zip(place.until).filter(|(s, u)| s < u) else {
            let why = "diff compares two times: say --since and --until, or START and END";
            return Err(self.told(&Mistake::new(self.text, span, why)));
        };
        const DAY: i64 = 86_400_000_000;
        let back = match period {
            Period::Same => until.micros().saturating_sub(since.micros()),
            Period::Day => DAY,
            Period::Week => 7 * DAY,
            Period::Month => 30 * DAY,
        };
        let earlier = |t: Timestamp| Timestamp::from_micros(t.micros().saturating_sub(back));
        place.since = Some(earlier(since));
        Ok(Some((Compared { since }, earlier(until).min(since))))
    }

    /// The answers of all inner queries of `in (…)`.
    async fn inner(
        &self,
        query: &Query,
        notes: &mut Vec<String>,
    ) -> Result<Vec<(Span, Vec<ScalarValue>)>, QueryError> {
        let mut asked: Vec<&At<Query>> = Vec::new();
        for command in &query.commands {
            if let Command::Filter(condition) | Command::FilterIndex(condition) = &command.node {
                inner_queries(condition, &mut asked);
            }
        }
        let mut answers = Vec::new();
        for query in asked {
            let Planned { mut rows, notes: said } = self.query(&query.node, &[], true).await?;
            notes.extend(said);
            let limited = rows.limit.is_some();
            if limited {
                rows.settle(None).map_err(super::text)?;
            }
            let [name] = rows.shown.names.as_slice() else {
                let why = "an inner query gives one field: end it with `| fields name` or `| display name`";
                return Err(self.told(&Mistake::new(self.text, query.span, why)));
            };
            let column = vec![ident(name)];
            rows.change(|plan| plan.project(column)?.distinct()).map_err(super::text)?;
            let (_, batches) = self.held(rows.plan, query.span, "an inner query").await?;
            let found = later::values(&batches).map_err(super::text)?;
            if found.len() > later::KEYS_MAX {
                return Err(self.too_many(
                    query.span,
                    "an inner query gives",
                    later::KEYS_MAX,
                    "values",
                ));
            }
            answers.push((query.span, later::constants(found)));
        }
        Ok(answers)
    }

    async fn join(
        &self,
        lower: &Lower<'_>,
        join: &Join,
        span: Span,
        needed: &[(String, Span)],
        rows: &mut Rows,
        notes: &mut Vec<String>,
    ) -> Result<(), QueryError> {
        let Planned { rows: mut right, notes: said } =
            self.query(&join.right.node, needed, true).await?;
        notes.extend(said);
        if right.limit.is_some() {
            right.settle(None).map_err(super::text)?;
        }
        let scope = right.scope.clone();
        let columns: Vec<_> = scope.names().map(|(name, _)| ident(name)).collect();
        right.change(|plan| plan.project(columns)).map_err(super::text)?;
        let (schema, batches) =
            self.held(right.plan, join.right.span, "the right side of a join").await?;
        let keys =
            later::distinct_keys(lower, join, &batches, &scope).map_err(|m| self.told(&m))?;
        if keys > later::KEYS_MAX {
            return Err(self.too_many(
                join.right.span,
                "the right side of a join has",
                later::KEYS_MAX,
                "distinct keys",
            ));
        }
        let plan = later::held(schema, batches).map_err(super::text)?;
        later::join(lower, join, (plan, scope), span, rows).map_err(|m| self.told(&m))
    }

    async fn fill(
        &self,
        lower: &Lower<'_>,
        fill: &FillMissing,
        span: Span,
        rows: &mut Rows,
    ) -> Result<(), QueryError> {
        rows.limited().map_err(super::text)?;
        let (schema, batches) =
            self.held(rows.plan.clone(), span, "what fillmissing fills").await?;
        let all = later::one(&schema, &batches).map_err(super::text)?;
        let filled =
            later::fill(lower, fill, &all, span, &rows.scope).map_err(|m| self.told(&m))?;
        rows.plan = later::held(filled.schema(), vec![filled]).map_err(super::text)?;
        Ok(())
    }

    fn too_many(&self, span: Span, what: &str, max: usize, of: &str) -> QueryError {
        let why = format!("{what} more than {} {of}", thousands(max));
        self.told(&Mistake::new(self.text, span, why))
    }

    /// Runs a plan and holds its rows, within limits.
    async fn held(
        &self,
        plan: LogicalPlan,
        span: Span,
        what: &str,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), QueryError> {
        let question = Question { plan, notes: super::Notes::default(), rows_max: None };
        let mut answer = self.questions.run(question).await?;
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while let Some(batch) = answer.next().await? {
            rows += batch.num_rows();
            bytes += batch.get_array_memory_size();
            if rows > ROWS_HELD_MAX || bytes > BYTES_HELD_MAX {
                let why = format!(
                    "{what} has too many rows to be held: at most {} and 128 MiB",
                    thousands(ROWS_HELD_MAX)
                );
                return Err(self.told(&Mistake::new(self.text, span, why)));
            }
            batches.push(batch);
        }
        Ok((answer.schema(), batches))
    }
}

/// The inner queries of a condition, in their order.
fn inner_queries<'q>(condition: &'q At<Expr>, found: &mut Vec<&'q At<Query>>) {
    match &condition.node {
        Expr::In { list: InList::Query(query), .. } => found.push(query),
        Expr::Unary(_, inner) => inner_queries(inner, found),
        Expr::Binary(left, _, right) => {
            inner_queries(left, found);
            inner_queries(right, found);
        }
        _ => {}
    }
}

impl Questions {
    /// A table's files as a plan reads them.
    fn source(&self, name: &str) -> Option<Arc<dyn TableSource>> {
        self.sources.iter().find(|(table, _)| *table == name).map(|(_, source)| source.clone())
    }

    /// The one record that a `@ptr` of an answer points to.
    ///
    /// # Errors
    /// If the text is no pointer, or points into no table of this lake.
    pub async fn record(&self, pointer: &str) -> Result<super::Answer, QueryError> {
        let wrong = || {
            QueryError::Text("a @ptr is table:time:object:ordinal, as a query gives it".to_owned())
        };
        let parts: Vec<&str> = pointer.split(':').collect();
        let [table, micros, object, ordinal] = parts.as_slice() else { return Err(wrong()) };
        let micros: i64 = micros.parse().map_err(|_| wrong())?;
        let ordinal: i64 = ordinal.parse().map_err(|_| wrong())?;
        let source = self.source(table).ok_or_else(wrong)?;
        let plan = |source: Arc<dyn TableSource>| -> Result<LogicalPlan, DataFusionError> {
            let here = ident("event_time").eq(value::time(Timestamp::from_micros(micros)));
            let here =
                here.and(ident("object").eq(lit(*object))).and(ident("ordinal").eq(lit(ordinal)));
            LogicalPlanBuilder::scan(*table, source, None)?.filter(here)?.limit(0, Some(1))?.build()
        };
        let plan = plan(source).map_err(super::text)?;
        self.run(Question { plan, notes: super::Notes::default(), rows_max: None }).await
    }
}
