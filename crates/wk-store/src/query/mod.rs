//! SQL over one version of the lake, read only.
//!
//! * A query sees the files of one version of the manifest, whatever is committed meanwhile.
//! * No statement that writes, sets or reaches a file is planned; memory and output are bounded.
//! * Column names are the source's own: `eventName` needs no quotes, `userIdentity.arn` neither.

mod answer;
mod bounds;
mod counted;
mod date_trunc;
pub mod explain;
mod first_seen;
pub mod functions;
mod holds;
#[cfg(test)]
mod hostile;
mod insights;
mod mistakes;
mod names;
mod one_of;
pub mod output;
mod room;
mod statement;
mod table;
mod until;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array as _, RecordBatch};
use datafusion::common::tree_node::{Transformed, TransformedResult as _};
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_aggregate::min_max::min;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableSource, col, ident, lit,
};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{Column, SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use tokio::runtime::Handle;
use wk_model::table::CORE;
use wk_model::{Day, Table, Timestamp};
use wk_seam::lake::RowTest;
use wk_seam::ledger::Snapshot;
use wk_seam::schema;

use crate::files::Files;
use explain::Remembering;
use room::with_room;
use table::LakeTable;

pub use answer::{Answer, Notes};
pub use output::Format;
pub use until::Written;

/// The stack that threads need on which an answer runs, in bytes: a condition may be as deep as the
/// limits of a text allow, and calls itself as often.
pub const STACK_BYTES: usize = 64 << 20;

/// Answers questions over one version of the lake. The threads of its runtime have [`STACK_BYTES`].
pub struct Questions {
    context: SessionContext,
    names: Arc<names::Names>,
    pool: Arc<Remembering>,
    snapshot: Snapshot,
    /// Every table of the lake.
    tables: Vec<&'static Table>,
    /// Those that hold something.
    filled: Vec<&'static str>,
    /// Their files.
    sources: Vec<(&'static str, Arc<dyn TableSource>)>,
}

/// A question that is planned and not yet run.
#[derive(Debug, Clone)]
pub struct Question {
    plan: LogicalPlan,
    notes: Notes,
    /// Rows that are shown; the plan gives one more.
    rows_max: Option<usize>,
}

/// What is asked beside the text.
#[derive(Debug, Clone, Default)]
pub struct AskOptions {
    /// What time it is: for `now()` and for times that count from now.
    pub now: Timestamp,
    /// Event times from here on.
    pub since: Option<Timestamp>,
    /// Event times before this one.
    pub until: Option<Timestamp>,
    /// Log groups that are asked where the query has no `SOURCE`.
    pub log_groups: Vec<String>,
    /// The table that is asked where the query has no `SOURCE`.
    pub table: Option<String>,
    /// The user's own rules of which log group is which table: pattern with `*`, table.
    pub group_tables: Vec<(String, String)>,
    /// Folder of the lookup tables: `NAME.csv`.
    pub lookups: Option<PathBuf>,
    /// Adds `@ptr` to every record of an answer.
    pub pointers: bool,
    /// Every row, where an Insights query says no limit; else the first 10,000.
    pub every_row: bool,
}

/// Limits of a question.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory of sorts, joins and aggregations; beyond it they spill to disk.
    pub memory_bytes: usize,
    /// Threads.
    pub partitions: usize,
    /// Where they spill to; `None` is the system's folder for temporary files.
    pub spill: Option<PathBuf>,
}

/// A question that could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is no SQL, or names what is not there.
    #[error("{0}")]
    Text(String),
    /// The statement does not only read.
    #[error("only SELECT is answered: {0}")]
    NotReading(String),
    /// A file that the manifest names is not there.
    #[error(
        "a file of the lake is lost: {0}; `watchkeeper lake fsck` says what else is, and the rest can be asked by leaving its table and day out"
    )]
    Lost(String),
    /// It failed while it ran.
    #[error("the query failed while it ran")]
    Running(#[source] Box<DataFusionError>),
    /// The answer could not be written.
    #[error("the answer could not be written")]
    Writing(#[source] std::io::Error),
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, partitions: 2, spill: None }
    }
}

impl Questions {
    /// Prepares questions over a snapshot; `tables` are all that the lake knows.
    ///
    /// # Errors
    /// If the lake's folder cannot be reached.
    pub fn over(
        files: &Files,
        snapshot: &Snapshot,
        tables: &[&'static Table],
        limits: Limits,
    ) -> Result<Self, QueryError> {
        let pool = Arc::new(Remembering::new(limits.memory_bytes));
        let context = session(limits, pool.clone()).map_err(running)?;
        functions::register(&context);
        let store: Arc<dyn object_store::ObjectStore> = match files {
            Files::Local(root) => {
                Arc::new(LocalFileSystem::new_with_prefix(root).map_err(|e| running(e.into()))?)
            }
            Files::Store(store, prefix) => {
                Arc::new(PrefixStore::new(store.clone(), prefix.clone()))
            }
        };
        context.register_object_store(table::store_url().as_ref(), store);
        context.register_udf(holds::function());
        for table in tables {
            register(&context, table, snapshot).map_err(running)?;
        }
        register_events(&context, tables, snapshot).map_err(running)?;
        first_seen::register(&context, tables, snapshot).map_err(running)?;
        let holds = |t: &&&'static Table| snapshot.files.iter().any(|f| f.table == t.name);
        let filled = tables.iter().filter(holds).map(|t| t.name).collect();
        let source = |t: &&'static Table| {
            (t.name, provider_as_source(Arc::new(LakeTable::new(t, snapshot))))
        };
        let sources = tables.iter().map(source).collect();
        Ok(Self {
            context,
            names: Arc::new(names::Names::of(tables)),
            pool,
            snapshot: snapshot.clone(),
            tables: tables.to_vec(),
            filled,
            sources,
        })
    }

    /// The most bytes that sorts, joins and aggregations had at once.
    pub fn memory_peak_bytes(&self) -> usize {
        self.pool.most()
    }

    /// Plans and starts a SELECT over all times.
    ///
    /// # Errors
    /// If the text is not one SELECT over what is there.
    pub async fn ask(&self, sql: &str) -> Result<Answer, QueryError> {
        self.ask_sql(sql, &AskOptions::default()).await
    }

    /// Plans and starts a SELECT; of the options, `since` and `until` count.
    ///
    /// # Errors
    /// If the text is not one SELECT over what is there.
    pub async fn ask_sql(&self, sql: &str, options: &AskOptions) -> Result<Answer, QueryError> {
        let question = self.plan_sql(sql, options).await?;
        self.run(question).await
    }

    /// Plans and starts a query of Logs Insights.
    ///
    /// # Errors
    /// If the text is no such query, or names what is not there: with line and column.
    pub async fn ask_insights(
        &self,
        text: &str,
        options: &AskOptions,
    ) -> Result<Answer, QueryError> {
        let question = self.plan_insights(text, options).await?;
        self.run(question).await
    }

    /// Plans a SELECT.
    ///
    /// # Errors
    /// If the text is not one SELECT over what is there.
    pub async fn plan_sql(&self, sql: &str, options: &AskOptions) -> Result<Question, QueryError> {
        self.know_lookups(sql, options)?;
        let (names, state) = (self.names.clone(), self.context.state());
        let tables = self.table_names();
        let (sql, options) = (sql.to_owned(), options.clone());
        let plan_it = move |runtime: &Handle| {
            let statement = names.parse(&sql)?;
            let plan = runtime.block_on(state.statement_to_plan(statement));
            let plan = plan.map_err(|e| QueryError::Text(mistakes::told(&e, &tables)))?;
            let reading = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            reading.verify_plan(&plan).map_err(|e| QueryError::NotReading(e.strip_backtrace()))?;
            within(plan, &options).map_err(text)
        };
        let plan = with_room(plan_it).await?;
        Ok(Question { plan, notes: Notes::default(), rows_max: None })
    }

    /// Makes the lookup tables that a SELECT names known to it, as they lie on the disk now.
    fn know_lookups(&self, sql: &str, options: &AskOptions) -> Result<(), QueryError> {
        let Some(folder) = &options.lookups else { return Ok(()) };
        let named = insights::lookup::named_in_sql(sql, folder).map_err(QueryError::Text)?;
        for (name, table) in named {
            let name = TableReference::bare(name);
            self.context.deregister_table(name.clone()).map_err(running)?;
            self.context.register_table(name, Arc::new(table)).map_err(running)?;
        }
        Ok(())
    }

    /// Starts a planned question: the one way in which questions of either language are run.
    ///
    /// # Errors
    /// If the plan cannot be started.
    pub async fn run(&self, question: Question) -> Result<Answer, QueryError> {
        let Question { plan, notes, rows_max } = question;
        let state = self.context.state();
        let plan_it = move |runtime: &Handle| {
            runtime.block_on(state.create_physical_plan(&plan)).map_err(text)
        };
        let plan = with_room(plan_it).await?;
        let stream = execute_stream(plan.clone(), self.context.task_ctx()).map_err(running)?;
        Ok(Answer::new(plan, stream, notes, rows_max))
    }
}

impl Questions {
    /// Every row of a table, with its physical columns, in the schema of the lake's files.
    ///
    /// # Errors
    /// If a file of the lake cannot be read.
    pub async fn rows(&self, table: &Table) -> Result<Rows, QueryError> {
        let written = LakeTable::as_written(table, &self.snapshot);
        let frame = self.context.read_table(Arc::new(written)).map_err(text)?;
        Ok(Rows(frame.execute_stream().await.map_err(text)?))
    }

    /// Whether the lake may have rows of a table of this time.
    pub fn may_have(&self, table: &Table, (since, until): (Timestamp, Timestamp)) -> bool {
        let files = self.snapshot.files.iter().filter(|file| file.table == table.name);
        files.into_iter().any(|file| file.last >= since && file.first < until)
    }

    /// Rows of a table whose events happened at `since` or later and before `until`: of these
    /// columns (none is all), and such that one of the tests is true (none is every row).
    ///
    /// # Errors
    /// If a file of the lake cannot be read.
    pub async fn rows_within(
        &self,
        table: &Table,
        (since, until): (Timestamp, Timestamp),
        columns: &[&str],
        tests: &[RowTest],
    ) -> Result<Rows, QueryError> {
        let written = LakeTable::as_written(table, &self.snapshot);
        let mut frame = self.context.read_table(Arc::new(written)).map_err(text)?;
        let inside =
            ident("event_time").gt_eq(time(since)).and(ident("event_time").lt(time(until)));
        frame = frame.filter(inside).map_err(text)?;
        if let Some(any) = tests.iter().map(test).reduce(Expr::or) {
            frame = frame.filter(any).map_err(text)?;
        }
        if !columns.is_empty() {
            frame = frame.select(columns.iter().map(|name| ident(*name))).map_err(text)?;
        }
        Ok(Rows(frame.execute_stream().await.map_err(text)?))
    }
}

/// A test of a row as an expression.
fn test(test: &RowTest) -> Expr {
    match test {
        RowTest::There { column } => ident(column).is_not_null(),
        RowTest::OneOf { column, texts } => one_of::call(ident(column), texts.iter().cloned()),
    }
}

/// Rows that came late.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// Received at or after this time,
    pub received_since: Timestamp,
    /// and before this one,
    pub received_until: Timestamp,
    /// so long after their events happened, in seconds, or longer;
    pub seconds: i64,
    /// of events of this day.
    pub day: Day,
}

impl Questions {
    /// The rows of a table that came late.
    ///
    /// # Errors
    /// If a file of the lake cannot be read.
    pub async fn rows_late(&self, table: &Table, late: Late) -> Result<Rows, QueryError> {
        let written = LakeTable::as_written(table, &self.snapshot);
        let frame = self.context.read_table(Arc::new(written)).map_err(text)?;
        let received = || ident("received_time");
        let micros = late.seconds.saturating_mul(1_000_000);
        let least = lit(ScalarValue::DurationMicrosecond(Some(micros)));
        let inside = received()
            .gt_eq(time(late.received_since))
            .and(received().lt(time(late.received_until)))
            .and(of_days(late.day, 1))
            .and((received() - ident("event_time")).gt_eq(least));
        let frame = frame.filter(inside).map_err(text)?;
        Ok(Rows(frame.execute_stream().await.map_err(text)?))
    }

    /// When the first row was received of the events of a day, the one before and the one behind it.
    ///
    /// # Errors
    /// If a file of the lake cannot be read.
    pub async fn first_received(
        &self,
        table: &Table,
        day: Day,
    ) -> Result<Option<Timestamp>, QueryError> {
        let written = LakeTable::as_written(table, &self.snapshot);
        let frame = self.context.read_table(Arc::new(written)).map_err(text)?;
        let before = Day::from_number(day.number().saturating_sub(1));
        let frame = frame.filter(of_days(before, 3)).map_err(text)?;
        let first = vec![min(ident("received_time")).alias("first")];
        let frame = frame.aggregate(Vec::new(), first).map_err(text)?;
        let batches = frame.collect().await.map_err(running)?;
        let first = batches.first().and_then(|batch| batch.column_by_name("first"));
        let first = first.map(|column| column.as_primitive::<TimestampMicrosecondType>());
        let first = first.filter(|column| !column.is_empty() && column.is_valid(0));
        Ok(first.map(|column| Timestamp::from_micros(column.value(0))))
    }
}

/// Events of so many days, this one the first.
fn of_days(day: Day, days: i32) -> Expr {
    let end = Day::from_number(day.number().saturating_add(days)).start();
    ident("event_time").gt_eq(time(day.start())).and(ident("event_time").lt(time(end)))
}

/// Rows of a table, batch by batch.
pub struct Rows(SendableRecordBatchStream);

impl Rows {
    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// If a file of the lake cannot be read.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.0.next().await.transpose().map_err(running)
    }
}

impl Question {
    /// The logical plan, as text.
    pub fn explain(&self) -> String {
        self.plan.display_indent().to_string()
    }
    /// What is to be said about it before it runs.
    pub fn notes(&self) -> Notes {
        self.notes.clone()
    }
}

/// A time as a literal.
fn time(t: Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(t.micros()), Some(schema::UTC.into())))
}

/// The same plan over the event times of the options.
fn within(plan: LogicalPlan, options: &AskOptions) -> Result<LogicalPlan, DataFusionError> {
    let since = options.since.map(|t| ident("event_time").gt_eq(time(t)));
    let until = options.until.map(|t| ident("event_time").lt(time(t)));
    let Some(inside) = since.into_iter().chain(until).reduce(Expr::and) else { return Ok(plan) };
    let of_lake = |plan: LogicalPlan| match &plan {
        LogicalPlan::TableScan(scan)
            if scan.projected_schema.has_column_with_unqualified_name("event_time")
                && !first_seen::is_part(&scan.table_name) =>
        {
            LogicalPlanBuilder::from(plan).filter(inside.clone())?.build().map(Transformed::yes)
        }
        _ => Ok(Transformed::no(plan)),
    };
    plan.transform_up_with_subqueries(of_lake).data()
}

#[expect(clippy::needless_pass_by_value, reason = "stands where an error is mapped")]
fn text(error: DataFusionError) -> QueryError {
    QueryError::Text(error.strip_backtrace())
}

fn running(error: DataFusionError) -> QueryError {
    match lost(&error) {
        Some(path) => QueryError::Lost(path),
        None => QueryError::Running(Box::new(error)),
    }
}

/// The file that is not there, where that is why a query failed.
fn lost(error: &DataFusionError) -> Option<String> {
    let mut here: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = here {
        if let Some(object_store::Error::NotFound { path, .. }) = error.downcast_ref() {
            return Some(path.clone());
        }
        here = error.source();
    }
    // Where a footer is read, only the text is left of the error below it.
    let text = error.to_string();
    let (_, text) = text.split_once("Failed to fetch metadata for file ")?;
    let (path, why) = text.split_once(": ")?;
    why.contains(" not found").then(|| path.to_owned())
}

fn session(limits: Limits, pool: Arc<Remembering>) -> Result<SessionContext, DataFusionError> {
    // Sorts hold whole batches: with little memory these are small.
    let batch_rows = (limits.memory_bytes >> 15).clamp(256, 8192);
    let mut config = SessionConfig::new()
        .with_batch_size(batch_rows)
        .with_target_partitions(limits.partitions.max(1))
        .with_information_schema(true)
        .with_default_catalog_and_schema("watchkeeper", "lake");
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.time_zone = Some("UTC".to_owned());
    // The plan says that `x is true` is never null, what runs it does not.
    options.execution.skip_physical_aggregate_schema_check = true;
    // One sort has all of the memory; one for each stretch of each table would have next to none.
    options.optimizer.repartition_sorts = false;
    // What each sort keeps back for merging what it spilled: the default of 10 MiB leaves
    // nothing of a small limit.
    let kept_back = options.execution.sort_spill_reservation_bytes;
    options.execution.sort_spill_reservation_bytes = kept_back.min(limits.memory_bytes / 16);
    let mut runtime = RuntimeEnvBuilder::new().with_memory_pool(pool);
    if let Some(folder) = limits.spill {
        let mode = DiskManagerMode::Directories(vec![folder]);
        let disks = DiskManagerBuilder::default().with_mode(mode);
        runtime = runtime.with_disk_manager_builder(disks);
    }
    let runtime = runtime.build_arc()?;
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_physical_optimizer_rules(counted::rules())
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_udf(date_trunc::date_trunc());
    Ok(context)
}

/// Registers a table under its name: its own columns, their aliases and the core.
fn register(
    context: &SessionContext,
    table: &'static Table,
    snapshot: &Snapshot,
) -> Result<(), DataFusionError> {
    let physical = Arc::new(LakeTable::new(table, snapshot));
    if table.aliases.is_empty() {
        return context.register_table(TableReference::bare(table.name), physical).map(drop);
    }
    let hidden = TableReference::bare(format!("{}_files", table.name));
    let source = datafusion::datasource::provider_as_source(physical);
    let own = table.columns.iter().map(|c| ident(c.name));
    let aliases = table.aliases.iter().map(|(alias, name)| ident(*name).alias(*alias));
    let core = CORE.iter().map(|c| ident(c.name));
    let plan = LogicalPlanBuilder::scan(hidden, source, None)?
        .project(aliases.chain(own).chain(core).collect::<Vec<_>>())?
        .build()?;
    let view = ViewTable::new(plan, None);
    context.register_table(TableReference::bare(table.name), Arc::new(view)).map(drop)
}

/// Registers `events`: the core of every table that holds something, with the table's name.
fn register_events(
    context: &SessionContext,
    tables: &[&'static Table],
    snapshot: &Snapshot,
) -> Result<(), DataFusionError> {
    let holds = |t: &&&'static Table| snapshot.files.iter().any(|f| f.table == t.name);
    let mut some: Vec<_> = tables.iter().filter(holds).collect();
    if some.is_empty() {
        some.extend(tables.first());
    }
    let mut union: Option<LogicalPlanBuilder> = None;
    for table in some {
        let source =
            datafusion::datasource::provider_as_source(Arc::new(LakeTable::new(table, snapshot)));
        let mut columns = vec![lit(table.name).alias("source")];
        columns.extend(CORE.iter().map(|c| ident(c.name)));
        let part = LogicalPlanBuilder::scan(format!("{}_core", table.name), source, None)?
            .project(columns)?;
        union = Some(match union {
            None => part,
            Some(all) => all.union(part.build()?)?,
        });
    }
    let Some(union) = union else { return Ok(()) };
    // The names of the parts' tables are not part of the view.
    let names = union.schema().columns();
    let plain: Vec<_> =
        names.into_iter().map(|c| col(c.clone()).alias(Column::from_name(c.name).name)).collect();
    let view = ViewTable::new(union.project(plain)?.build()?, None);
    context.register_table(TableReference::bare("events"), Arc::new(view)).map(drop)
}
