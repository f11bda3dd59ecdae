//! `watchkeeper query`

mod catalog;
mod forms;
mod saved;
mod spent;

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{ArgGroup, Args, ValueEnum};
use wk_seam::lake::GRACE_SECONDS;
use wk_seam::ledger::Ledger as _;
use wk_store::query::{Answer, AskOptions, Limits, Questions};

use super::stop::Stop;
use super::when::{Span, duration};
use super::{Exit, Usage};
use crate::wire::App;

/// Ask the lake a question, in CloudWatch Logs Insights or in SQL.
///
/// One table for each source, `events` for what all have in common. Columns have the source's own
/// names: SELECT eventName, userIdentity.arn FROM cloudtrail WHERE errorCode IS NOT NULL
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(crate) struct Query {
    /// The question, in CloudWatch Logs Insights
    #[arg(group = "what", value_name = "INSIGHTS")]
    insights: Option<String>,
    /// The question, as one SQL SELECT
    #[arg(long, group = "what", value_name = "SQL")]
    sql: Option<String>,
    /// A file that holds the question: SQL if its name ends in .sql, else Insights; - is standard
    /// input
    #[arg(long, group = "what", value_name = "FILE")]
    file: Option<PathBuf>,
    /// A saved question; --list lists them
    #[arg(long, group = "what", value_name = "NAME")]
    saved: Option<String>,
    /// List the saved questions: built in, and yours in `queries` of the home directory
    #[arg(long, group = "what")]
    list: bool,
    /// List the tables: rows, first and last event
    #[arg(long, group = "what")]
    tables: bool,
    /// Describe a table: columns, types, further names
    #[arg(long, group = "what", value_name = "TABLE")]
    describe: Option<String>,
    #[command(flatten)]
    span: Span,
    /// Log groups that an Insights question asks; may be repeated
    #[arg(long, value_name = "GROUP")]
    log_group: Vec<String>,
    /// Table that an Insights question asks
    #[arg(long, value_name = "TABLE", conflicts_with = "log_group")]
    table: Option<String>,
    #[command(flatten)]
    saved_as: saved::SavedArgs,
    /// Print a detection rule made of the filters of an Insights question, instead of asking it
    #[arg(long)]
    as_rule: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write the answer to a file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the plan and what the answer took, instead of the answer
    #[arg(long)]
    explain: bool,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Stop after so long, with the rows so far: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = timeout)]
    timeout: Duration,
    /// Memory for sorts, joins and aggregations; beyond it they use temporary files: 64MiB, 1GiB
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = memory)]
    memory: usize,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// A Parquet file; needs --output
    Parquet,
}

/// A question in one of the languages.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Sql(String),
    Insights(String),
}

/// Memory that a question needs at least.
const MEMORY_MIN: usize = 16 << 20;
/// How long the lake keeps files after they left the manifest. A question reads one version of
/// the manifest, so it must end before.
const GRACE: Duration = Duration::from_secs(GRACE_SECONDS.unsigned_abs());
/// The longest text of a question that is read from a file.
const TEXT_BYTES_MAX: u64 = 1 << 20;

impl Query {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.tables {
            return catalog::tables(app, self.format == Format::Json, out).await;
        }
        if let Some(table) = &self.describe {
            return catalog::describe(table, self.format == Format::Json, out);
        }
        if self.list {
            return saved::list(app, self.format == Format::Json, out);
        }
        let (asked, table) = self.asked(app)?;
        if self.as_rule {
            let saved = self.saved.as_deref().map(|name| saved::find(app, name)).transpose()?;
            return saved::print_rule(&asked, table.as_deref(), saved, out);
        }
        if self.format == Format::Parquet && self.output.is_none() && !self.explain {
            return Err(Usage::error("--format parquet needs --output FILE"));
        }
        let (since, until) = self.span.resolve(app.clock.now())?;
        let options = AskOptions {
            now: app.clock.now(),
            since,
            until,
            log_groups: self.log_group.clone(),
            table,
            group_tables: app.config.log_groups.tables()?,
            lookups: Some(app.home.path().join("lookups")),
            ..AskOptions::default()
        };
        let spill = app.home.spill(app.clock.now())?;
        let limits = Limits {
            memory_bytes: self.memory,
            spill: Some(spill.path().to_path_buf()),
            ..Limits::default()
        };
        // Before the question begins, so that a stop is heard while it is planned.
        let stop = Stop::listen()?;
        let snapshot = app.ledger.snapshot().await?;
        let files_of_lake = snapshot.files.len();
        let questions = app.questions_over(&snapshot, limits).await?;
        let answer = ask(&questions, &asked, &options).await?;
        if self.explain {
            let run = spent::Run { questions: &questions, files_of_lake, memory: self.memory };
            return self.explain(app, run, answer, &stop, out).await;
        }
        self.write(answer, &stop, out).await
    }

    /// The question and, for Insights, the table that it asks.
    fn asked(&self, app: &App) -> anyhow::Result<(Asked, Option<String>)> {
        let (asked, table) = if let Some(sql) = &self.sql {
            (Asked::Sql(sql.clone()), None)
        } else if let Some(text) = &self.insights {
            (Asked::Insights(text.clone()), None)
        } else if let Some(path) = &self.file {
            (from_file(path)?, None)
        } else if let Some(name) = &self.saved {
            saved::find(app, name)?.asked(&self.saved_as)?
        } else {
            bail!("say what to ask");
        };
        let narrowed = self.table.is_some() || !self.log_group.is_empty();
        if narrowed && matches!(asked, Asked::Sql(_)) {
            return Err(Usage::error("--table and --log-group are for Insights; in SQL say FROM"));
        }
        let table = if narrowed { self.table.clone() } else { table };
        Ok((asked, table))
    }

    async fn write(
        &self,
        answer: Answer,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let notes = answer.notes();
        let mut target = forms::Target::open(self.format, self.output.as_deref(), out)?;
        let mut sink = target.sink(&answer)?;
        let stopped = stop.wait_at_most(self.timeout);
        let written = answer.write_until(sink.as_mut(), self.limit, stopped).await?;
        drop(sink);
        target.close()?;
        for note in notes.list() {
            tell(&format!("note: {note}"));
        }
        if written.more {
            tell(&format!("note: there are more rows than --limit {}", written.rows));
        }
        match written.stopped {
            None => Ok(Exit::Ok),
            Some(why) => {
                tell(&format!(
                    "partial: {why}; {} rows were written, others are missing",
                    written.rows
                ));
                Ok(Exit::Partial)
            }
        }
    }
}

async fn ask(questions: &Questions, asked: &Asked, options: &AskOptions) -> anyhow::Result<Answer> {
    Ok(match asked {
        Asked::Sql(text) => questions.ask_sql(text, options).await?,
        Asked::Insights(text) => questions.ask_insights(text, options).await?,
    })
}

fn from_file(path: &Path) -> anyhow::Result<Asked> {
    let failed = || format!("could not read the question in {}", path.display());
    let mut text = String::new();
    let mut read = |from: &mut dyn std::io::Read| {
        from.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text).with_context(failed)
    };
    let length = if path.as_os_str() == "-" {
        read(&mut std::io::stdin().lock())?
    } else {
        read(&mut std::fs::File::open(path).with_context(failed)?)?
    };
    if length as u64 > TEXT_BYTES_MAX {
        bail!("{}: it is longer than {TEXT_BYTES_MAX} bytes", failed());
    }
    let sql = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("sql"));
    Ok(if sql { Asked::Sql(text) } else { Asked::Insights(text) })
}

fn timeout(text: &str) -> anyhow::Result<Duration> {
    let limit = Duration::from_secs(u64::try_from(duration(text)?)?);
    if limit.is_zero() || limit >= GRACE {
        bail!("a question may take from 1s to less than {} minutes", GRACE.as_secs() / 60);
    }
    Ok(limit)
}

fn memory(text: &str) -> anyhow::Result<usize> {
    let wrong = || anyhow!("{text:?} is no size such as 64MiB or 1GiB");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let unit = match unit {
        "" | "B" => 1usize,
        "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    let bytes = number.checked_mul(unit).ok_or_else(wrong)?;
    if bytes < MEMORY_MIN {
        bail!("a question needs at least {} MiB", MEMORY_MIN >> 20);
    }
    Ok(bytes)
}

/// Says something beside the answer.
#[expect(clippy::print_stderr, reason = "the answer has standard output for itself")]
pub(super) fn tell(text: &str) {
    eprintln!("{}", wk_model::complaint::printable(text.as_bytes()));
}
