//! Answers as text: a table for people, JSON, JSON lines and CSV for machines.

use std::io::{self, Write};

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::csv::WriterBuilder as CsvBuilder;
use datafusion::arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use wk_model::complaint::printable;

use super::{QueryError, running};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people, at most [`TABLE_ROWS`] rows; control characters are escaped.
    Table,
    /// One JSON array of objects; columns that are null are there as null.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180 with a header line.
    Csv,
}

/// How many rows a table for people shows; it says how many more there are.
const TABLE_ROWS: usize = 1000;

/// Writes all rows; answers how many there were.
pub(super) async fn write(
    stream: SendableRecordBatchStream,
    format: Format,
    out: &mut dyn Write,
) -> Result<u64, QueryError> {
    match format {
        Format::Table => table(stream, out).await,
        Format::Json => json::<JsonArray>(stream, out, b"\n").await,
        Format::JsonLines => json::<LineDelimited>(stream, out, b"").await,
        Format::Csv => csv(stream, out).await,
    }
}

async fn json<F: JsonFormat>(
    mut stream: SendableRecordBatchStream,
    out: &mut dyn Write,
    end: &[u8],
) -> Result<u64, QueryError> {
    let mut rows = 0;
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, F>(&mut *out);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(running)?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(writing)?;
    }
    writer.finish().map_err(writing)?;
    drop(writer);
    out.write_all(end).map_err(QueryError::Writing)?;
    Ok(rows)
}

async fn csv(
    mut stream: SendableRecordBatchStream,
    out: &mut dyn Write,
) -> Result<u64, QueryError> {
    let mut rows = 0;
    let schema = stream.schema();
    let mut writer = CsvBuilder::new().with_header(true).build(out);
    writer.write(&RecordBatch::new_empty(schema)).map_err(writing)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(running)?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(writing)?;
    }
    Ok(rows)
}

async fn table(
    mut stream: SendableRecordBatchStream,
    out: &mut dyn Write,
) -> Result<u64, QueryError> {
    let schema = stream.schema();
    let mut shown: Vec<Vec<String>> =
        vec![schema.fields().iter().map(|f| printable(f.name().as_bytes())).collect()];
    let mut rows = 0u64;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(running)?;
        rows += batch.num_rows() as u64;
        let room = (TABLE_ROWS + 1).saturating_sub(shown.len()).min(batch.num_rows());
        append(&batch.slice(0, room), &mut shown).map_err(writing)?;
    }
    print(&shown, rows, out).map_err(QueryError::Writing)?;
    Ok(rows)
}

fn append(
    batch: &RecordBatch,
    shown: &mut Vec<Vec<String>>,
) -> Result<(), datafusion::arrow::error::ArrowError> {
    let options = FormatOptions::default().with_null("");
    let columns = batch
        .columns()
        .iter()
        .map(|c| ArrayFormatter::try_new(c.as_ref() as &dyn Array, &options))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..batch.num_rows() {
        shown.push(columns.iter().map(|c| cell(&c.value(row).to_string())).collect());
    }
    Ok(())
}

/// A cell for people: one line, at most 120 characters.
fn cell(text: &str) -> String {
    let safe = printable(text.as_bytes());
    if safe.chars().count() <= 120 { safe } else { safe.chars().take(119).chain(['…']).collect() }
}

fn print(shown: &[Vec<String>], rows: u64, out: &mut dyn Write) -> io::Result<()> {
    let columns = shown.first().map_or(0, Vec::len);
    let width = |c: usize| shown.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (n, row) in shown.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
        if n == 0 {
            let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
            writeln!(out, "{}", rule.join("  "))?;
        }
    }
    let more = rows.saturating_sub(shown.len().saturating_sub(1) as u64);
    match more {
        0 => writeln!(out, "{rows} rows"),
        _ => writeln!(out, "{rows} rows; {more} are not shown: --format json gives all"),
    }
}

fn writing(error: impl Into<datafusion::arrow::error::ArrowError>) -> QueryError {
    QueryError::Writing(io::Error::other(error.into()))
}
