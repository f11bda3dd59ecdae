//! Answers for machines: JSON, JSON lines, CSV and Parquet; and their cells as text for people.
//!
//! * A form is written row by row and can be ended at any row: what was written is then whole.
//! * Forms for machines hold every row unchanged. What people see is escaped and cut by whoever
//!   prints it.

use std::fs::File;
use std::io::{self, Write};

use datafusion::arrow::array::{Array, RecordBatch, StringArray, StringViewArray};
use datafusion::arrow::csv::{Writer as CsvWriter, WriterBuilder as CsvBuilder};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{
    JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::QueryError;

/// Where the rows of an answer go.
pub trait Sink {
    /// Takes rows.
    ///
    /// # Errors
    /// If they cannot be written.
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError>;
    /// Writes what comes after the last row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn end(&mut self) -> Result<(), QueryError>;
}

/// A form of text for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON array of objects; columns that are null are there as null.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180 with a header line.
    Csv,
}

/// Rows as text.
///
/// # Errors
/// If the beginning cannot be written.
pub fn sink<'a>(
    format: Format,
    schema: &SchemaRef,
    out: &'a mut dyn Write,
) -> Result<Box<dyn Sink + 'a>, QueryError> {
    let json = WriterBuilder::new().with_explicit_nulls(true);
    Ok(match format {
        Format::Json => Box::new(Json(json.build::<_, JsonArray>(out), b"\n")),
        Format::JsonLines => Box::new(Json(json.build::<_, LineDelimited>(out), b"")),
        Format::Csv => {
            let mut csv = CsvBuilder::new().with_header(true).build(out);
            csv.write(&RecordBatch::new_empty(schema.clone())).map_err(writing)?;
            Box::new(Csv(csv))
        }
    })
}

/// Rows as one Parquet file, compressed with zstd.
///
/// # Errors
/// If the columns have no form in Parquet, or the file cannot be written.
pub fn parquet(schema: &SchemaRef, file: File) -> Result<Box<dyn Sink>, QueryError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(parquetry)?;
    Ok(Box::new(Parquet(writer)))
}

/// The cells of rows as plain text; null is empty.
///
/// # Errors
/// If a column is of a type that has no text.
pub fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>, QueryError> {
    let options = FormatOptions::default().with_null("");
    let columns = batch
        .columns()
        .iter()
        .map(|c| ArrayFormatter::try_new(c.as_ref() as &dyn Array, &options))
        .collect::<Result<Vec<_>, _>>()
        .map_err(writing)?;
    let row = |row| columns.iter().map(|c| c.value(row).to_string()).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

struct Json<'a, F: JsonFormat>(JsonWriter<&'a mut dyn Write, F>, &'static [u8]);

impl<F: JsonFormat> Sink for Json<'_, F> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.0.write(batch).map_err(writing)
    }
    fn end(&mut self) -> Result<(), QueryError> {
        self.0.finish().map_err(writing)?;
        self.0.get_mut().write_all(self.1).map_err(QueryError::Writing)
    }
}

struct Csv<'a>(CsvWriter<&'a mut dyn Write>);

impl Sink for Csv<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.0.write(batch).map_err(writing)
    }
    fn end(&mut self) -> Result<(), QueryError> {
        Ok(())
    }
}

struct Parquet(ArrowWriter<File>);

impl Sink for Parquet {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.0.write(batch).map_err(parquetry)
    }
    fn end(&mut self) -> Result<(), QueryError> {
        self.0.finish().map_err(parquetry)?;
        self.0.inner().sync_all().map_err(QueryError::Writing)
    }
}

fn writing(error: ArrowError) -> QueryError {
    match error {
        ArrowError::IoError(_, error) => QueryError::Writing(error),
        // The CSV writer keeps no error, only its text.
        ArrowError::CsvError(text) if text.contains("Broken pipe") => {
            QueryError::Writing(io::Error::new(io::ErrorKind::BrokenPipe, text))
        }
        other => QueryError::Writing(io::Error::other(other)),
    }
}

fn parquetry(error: parquet::errors::ParquetError) -> QueryError {
    QueryError::Writing(io::Error::other(error))
}

/// The texts of a column, however Arrow keeps them.
pub struct Texts<'a>(Kind<'a>);

enum Kind<'a> {
    Plain(&'a StringArray),
    View(&'a StringViewArray),
    None,
}

impl<'a> Texts<'a> {
    /// The texts of a column of a batch; of another type, nothing but nulls.
    pub fn of(batch: &'a RecordBatch, column: usize) -> Self {
        let Some(column) = batch.columns().get(column) else { return Self(Kind::None) };
        let any = column.as_any();
        Self(match any.downcast_ref::<StringArray>() {
            Some(texts) => Kind::Plain(texts),
            None => any.downcast_ref::<StringViewArray>().map_or(Kind::None, Kind::View),
        })
    }

    /// The text of a row; `None` where it is null.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        match self.0 {
            Kind::Plain(texts) => (!texts.is_null(row)).then(|| texts.value(row)),
            Kind::View(texts) => (!texts.is_null(row)).then(|| texts.value(row)),
            Kind::None => None,
        }
    }
}
