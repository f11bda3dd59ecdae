//! Where an answer goes, and in which form.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use wk_model::complaint::printable;
use wk_store::query::output::{self, Sink};
use wk_store::query::{Answer, QueryError};

use super::Format;
use crate::cli::table;

/// How many rows a table for people shows; it says how many more there are.
const TABLE_ROWS: usize = 1000;

/// Standard output or a file.
pub(super) struct Target<'a> {
    format: Format,
    file: Option<File>,
    out: Box<dyn Write + 'a>,
}

impl<'a> Target<'a> {
    /// Opens the file, where one is named.
    pub(super) fn open(
        format: Format,
        path: Option<&Path>,
        out: &'a mut dyn Write,
    ) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { format, file: None, out: Box::new(out) }) };
        let failed = || format!("could not write {}", path.display());
        let file = File::create(path).with_context(failed)?;
        let written = BufWriter::new(file.try_clone().with_context(failed)?);
        Ok(Self { format, file: Some(file), out: Box::new(written) })
    }

    /// Takes the rows of an answer.
    pub(super) fn sink<'s>(&'s mut self, answer: &Answer) -> anyhow::Result<Box<dyn Sink + 's>> {
        let schema = answer.schema();
        let format = match self.format {
            Format::Table => {
                let heads =
                    schema.fields().iter().map(|f| printable(f.name().as_bytes())).collect();
                return Ok(Box::new(Table {
                    heads,
                    rows: Vec::new(),
                    count: 0,
                    out: &mut self.out,
                }));
            }
            Format::Parquet => {
                let file = self.file.take().context("Parquet needs a file")?;
                return Ok(output::parquet(&schema, file)?);
            }
            Format::Json => output::Format::Json,
            Format::Jsonl => output::Format::JsonLines,
            Format::Csv => output::Format::Csv,
        };
        Ok(output::sink(format, &schema, &mut self.out)?)
    }

    /// Everything is written.
    pub(super) fn close(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}

/// A table for people, printed when its widths are known.
struct Table<'a> {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    count: u64,
    out: &'a mut (dyn Write + 'a),
}

impl Sink for Table<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.count += batch.num_rows() as u64;
        let room = TABLE_ROWS.saturating_sub(self.rows.len()).min(batch.num_rows());
        let cells = output::cells(&batch.slice(0, room))?;
        let safe = |cell: String| table::cut(&printable(cell.as_bytes()), table::CELL_MAX);
        self.rows.extend(cells.into_iter().map(|row| row.into_iter().map(safe).collect()));
        Ok(())
    }

    fn end(&mut self) -> Result<(), QueryError> {
        let heads: Vec<&str> = self.heads.iter().map(String::as_str).collect();
        table::print_ruled(&heads, &self.rows, self.out).map_err(QueryError::Writing)?;
        let count = self.count;
        let end = match count.saturating_sub(self.rows.len() as u64) {
            0 => writeln!(self.out, "{count} rows"),
            more => {
                writeln!(self.out, "{count} rows; {more} are not shown: --format json gives all")
            }
        };
        end.map_err(QueryError::Writing)
    }
}

/// Counts rows and shows none.
#[derive(Default)]
pub(super) struct Counted;

impl Sink for Counted {
    fn rows(&mut self, _: &RecordBatch) -> Result<(), QueryError> {
        Ok(())
    }
    fn end(&mut self) -> Result<(), QueryError> {
        Ok(())
    }
}
