//! Sorted rows become files of the size they should have.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use wk_model::Timestamp;
use wk_model::digest::Sha256Writer;
use wk_seam::lake::{File, Rewrite, SORTED};
use wk_seam::{Answer, Failure, schema};

use super::{form, path_of, span};
use crate::files::Files;

/// Writes files one after another; memory is one row group, packed.
pub(super) struct Writer<'a> {
    files: &'a Files,
    scratch: &'a Path,
    of: &'a Rewrite,
    open: Option<Open>,
    written: Vec<File>,
}

/// The file that is being written.
struct Open {
    parquet: ArrowWriter<Hashed>,
    temporary: PathBuf,
    rows: u64,
    first: Timestamp,
    last: Timestamp,
}

impl<'a> Writer<'a> {
    pub(super) fn new(files: &'a Files, scratch: &'a Path, of: &'a Rewrite) -> Self {
        Self { files, scratch, of, open: None, written: Vec::new() }
    }

    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Answer<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let (first, last) = span(batch);
        let open = self.open.insert(open);
        open.parquet.write(batch).map_err(|e| failed(&open.temporary, e))?;
        open.rows += batch.num_rows() as u64;
        (open.first, open.last) = (open.first.min(first), open.last.max(last));
        let bytes = open.parquet.bytes_written() + open.parquet.in_progress_size();
        if bytes as u64 >= self.of.file_bytes { self.end().await } else { Ok(()) }
    }

    /// The files that were written, staged.
    pub(super) async fn finish(mut self) -> Answer<Vec<File>> {
        self.end().await?;
        Ok(self.written)
    }

    fn begin(&self) -> Answer<Open> {
        let temporary = self.scratch.join(format!("{}.parquet", self.written.len()));
        let rows = self.of.files.iter().map(|f| f.rows).sum();
        let properties = form::sorted(self.of.table, rows);
        let make = || -> Result<_, ParquetError> {
            let file = Hashed::make(&temporary)?;
            ArrowWriter::try_new(file, schema::of(self.of.table), Some(properties))
        };
        let parquet = make().map_err(|e| failed(&temporary, e))?;
        let (first, last) = (Timestamp::from_micros(i64::MAX), Timestamp::from_micros(i64::MIN));
        Ok(Open { parquet, temporary, rows: 0, first, last })
    }

    async fn end(&mut self) -> Answer<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let hashed = open.parquet.into_inner().map_err(|e| failed(&open.temporary, e))?;
        let (sha256, bytes) = hashed.finish().map_err(|e| failed(&open.temporary, e))?;
        let (table, day) = (self.of.table.name, self.of.day);
        let path = path_of(table, day, sha256);
        self.files.take(&path, &open.temporary).await?;
        let (rows, first, last, layout) = (open.rows, open.first, open.last, SORTED);
        let table = table.to_owned();
        self.written.push(File { path, table, day, sha256, bytes, rows, first, last, layout });
        Ok(())
    }
}

fn failed(path: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(format!("write {}", path.display()), e)
}

/// A file whose digest is taken while it is written.
struct Hashed {
    file: BufWriter<fs::File>,
    digest: Sha256Writer,
    bytes: u64,
}

impl Hashed {
    fn make(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { file, digest: Sha256Writer::default(), bytes: 0 })
    }

    fn finish(mut self) -> io::Result<(wk_model::Sha256, u64)> {
        self.file.flush()?;
        Ok((self.digest.finish(), self.bytes))
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let (done, _) = bytes.split_at(written.min(bytes.len()));
        self.digest.write(done);
        self.bytes += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
