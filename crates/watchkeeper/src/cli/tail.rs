//! `watchkeeper tail`

use std::io::Write;
use std::time::Duration;

use arrow_array::RecordBatch;
use clap::{Args, ValueEnum};
use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_seam::ledger::{Ledger as _, Snapshot};
use wk_store::query::output::{self, Sink};
use wk_store::query::{Answer, AskOptions, Limits, QueryError, Questions};

use super::query::tell;
use super::stop::Stop;
use super::when::{When, when};
use super::{Exit, Usage};
use crate::wire::App;

/// Show events as they are committed to the lake, by this or another process.
///
/// Each event is shown once, those of one commit in the order of their time.
#[derive(Args)]
pub(crate) struct Tail {
    /// The table
    #[arg(long, value_name = "TABLE", default_value = "events")]
    table: String,
    /// Log group, instead of a table; may be repeated
    #[arg(long, value_name = "GROUP", conflicts_with = "table")]
    log_group: Vec<String>,
    /// Only events that this filter of Logs Insights lets through: "errorCode like /Denied/"
    #[arg(long, value_name = "INSIGHTS")]
    filter: Option<String>,
    /// Only events for which this SQL condition holds: "errorCode IS NOT NULL"
    #[arg(long = "where", value_name = "SQL", conflicts_with_all = ["filter", "log_group"])]
    condition: Option<String>,
    /// Begin with the events since this time: -10m, 2024-02-15T14:23:00Z
    #[arg(long, value_name = "TIME", default_value = "-10m", value_parser = when,
          allow_hyphen_values = true)]
    since: When,
    /// Go on until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Form of the events
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Form of events that go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for people
    Table,
    /// All columns as one JSON object a line
    Jsonl,
}

/// The view over all tables.
const EVENTS: &str = "events";
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Columns of a line for people.
const COLUMNS: &str = "event_time, account, region, action, outcome, actor, source_ip";
/// Letters of a cell of a line.
const CELL_MAX: usize = 80;

impl Tail {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.filter.is_some() && self.log_group.is_empty() && self.table == EVENTS {
            return Err(Usage::error("--filter needs --table or --log-group"));
        }
        let stop = Stop::listen()?;
        let begin = app.ledger.snapshot().await?;
        let mut version = begin.version;
        let since = self.since.at(app.clock.now());
        if !self.show(app, &begin, Some(since), &stop, out).await? {
            return Ok(Exit::Ok);
        }
        while self.follow && stop.pause(PAUSE).await {
            let (newest, files) = app.ledger.arrivals(version).await?;
            if newest == version {
                continue;
            }
            // Late events are new events: of what arrives, nothing is too old.
            let arrived = Snapshot { version: newest, files };
            if !self.show(app, &arrived, None, &stop, out).await? {
                break;
            }
            version = newest;
        }
        Ok(Exit::Ok)
    }

    /// Shows the events of some files; answers whether to go on.
    async fn show(
        &self,
        app: &App,
        files: &Snapshot,
        since: Option<Timestamp>,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> anyhow::Result<bool> {
        let all = self.table == EVENTS || !self.log_group.is_empty();
        if since.is_none() && !files.files.iter().any(|f| all || f.table == self.table) {
            return Ok(true);
        }
        let spill = app.home.spill(app.clock.now())?;
        let limits = Limits { spill: Some(spill.path().to_path_buf()), ..Limits::default() };
        let questions = app.questions_over(files, limits).await?;
        let answer = self.ask(app, &questions, since).await?;
        let schema = answer.schema();
        let mut sink: Box<dyn Sink + '_> = match self.format {
            Format::Table => Box::new(Lines(out)),
            Format::Jsonl => output::sink(output::Format::JsonLines, &schema, out)?,
        };
        let stopped = async {
            stop.wait().await;
            "it was stopped".to_owned()
        };
        let written = answer.write_until(sink.as_mut(), None, stopped).await?;
        drop(sink);
        out.flush()?;
        if written.stopped.is_some() {
            tell("stopped: further events of this commit were not shown");
        }
        Ok(written.stopped.is_none())
    }
}

impl Tail {
    async fn ask(
        &self,
        app: &App,
        questions: &Questions,
        since: Option<Timestamp>,
    ) -> anyhow::Result<Answer> {
        let group_tables = app.config.log_groups.tables()?;
        let options = AskOptions { since, group_tables, every_row: true, ..AskOptions::default() };
        if self.filter.is_none() && self.log_group.is_empty() {
            let columns = match self.format {
                Format::Jsonl => "*",
                Format::Table if self.table == EVENTS => &format!("source, {COLUMNS}"),
                Format::Table => COLUMNS,
            };
            let table = self.table.replace('"', "\"\"");
            let condition = self.condition.as_deref().unwrap_or("true");
            let sql = format!(
                "SELECT {columns} FROM \"{table}\" WHERE ({condition}) ORDER BY event_time, event_id"
            );
            return Ok(questions.ask_sql(&sql, &options).await?);
        }
        let table = self.log_group.is_empty().then(|| self.table.clone());
        let options = AskOptions { table, log_groups: self.log_group.clone(), ..options };
        // First, so that a mistake stands where the user wrote it.
        let filter = self.filter.as_ref().map(|f| format!("filter {f}\n| ")).unwrap_or_default();
        let more =
            if self.format == Format::Jsonl { ", event_id, object, ordinal, raw" } else { "" };
        let text = format!("{filter}fields {COLUMNS}{more}\n| sort event_time, event_id");
        Ok(questions.ask_insights(&text, &options).await?)
    }
}

/// A line for each event.
struct Lines<'a>(&'a mut dyn Write);

impl Sink for Lines<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        for row in output::cells(batch)? {
            let cell = |c: &String| {
                let safe: String = printable(c.as_bytes()).chars().take(CELL_MAX).collect();
                if safe.is_empty() { "-".to_owned() } else { safe }
            };
            let line: Vec<String> = row.iter().map(cell).collect();
            writeln!(self.0, "{}", line.join("  ")).map_err(QueryError::Writing)?;
        }
        Ok(())
    }
    fn end(&mut self) -> Result<(), QueryError> {
        Ok(())
    }
}
