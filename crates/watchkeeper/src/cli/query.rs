//! `watchkeeper query`

use std::io::Write;

use anyhow::bail;
use clap::{Args, ValueEnum};
use wk_store::query;

use super::Exit;
use crate::wire::App;

/// Ask the lake a question.
///
/// One table per source, `events` for what all have in common. Columns have the source's own
/// names: SELECT eventName, userIdentity.arn FROM cloudtrail WHERE errorCode IS NOT NULL
#[derive(Args)]
pub(crate) struct Query {
    /// The question, as one SQL SELECT
    #[arg(long, value_name = "SQL")]
    sql: Option<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

impl Query {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Some(sql) = self.sql else { bail!("say what to ask: --sql 'SELECT …'") };
        let format = match self.format {
            Format::Table => query::Format::Table,
            Format::Json => query::Format::Json,
            Format::Jsonl => query::Format::JsonLines,
            Format::Csv => query::Format::Csv,
        };
        let answer = app.questions().await?.ask(&sql).await?;
        answer.write(format, out).await?;
        Ok(Exit::Ok)
    }
}
