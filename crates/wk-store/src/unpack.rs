//! What lies in an object, taken out of its packing: gzip and Parquet.

use std::fs::File;
use std::io::{self, Read, Seek as _};

use arrow_json::LineDelimitedWriter;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use wk_seam::objects::{Body, Unpack, Unpacked};

use crate::inflate::{Capped, Limits, OneShot, is_gzip};

/// Takes gzip and Parquet apart. Parquet rows become JSON lines, which their source reads.
#[derive(Default)]
pub struct Unpacker {
    one_shot: OneShot,
}

/// Content up to this size is inflated in one shot.
const ONE_SHOT_MAX: usize = 16 << 20;
/// What Parquet files begin and end with.
const PARQUET: &[u8] = b"PAR1";
/// A column chunk of a row group that would be larger when unpacked is refused.
const CHUNK_BYTES_MAX: i64 = 256 << 20;
/// Rows that are decoded at a time.
const ROWS: usize = 1024;

impl Unpacker {
    /// One for a worker.
    pub fn boxed() -> Box<dyn Unpack> {
        Box::new(Self::default())
    }
}

impl Unpack for Unpacker {
    fn unpack(&mut self, body: Body, buffer: &mut Vec<u8>) -> io::Result<Unpacked> {
        match body {
            Body::Whole(bytes) if is_gzip(&bytes) => {
                if self.one_shot.inflate(&bytes, ONE_SHOT_MAX, buffer) {
                    return Ok(Unpacked::InBuffer);
                }
                Ok(stream(Capped::new(io::Cursor::new(bytes), Limits::default())))
            }
            Body::Whole(bytes) if bytes.starts_with(PARQUET) => rows(Bytes::from(bytes)),
            Body::Whole(bytes) => Ok(Unpacked::Whole(bytes)),
            Body::Stream(mut inner) => {
                let mut head = [0u8; 4];
                let n = read_full(&mut inner, &mut head)?;
                let whole = io::Cursor::new(head[..n].to_vec()).chain(inner);
                if is_gzip(&head[..n]) {
                    let buffered = io::BufReader::with_capacity(256 << 10, whole);
                    return Ok(stream(Capped::new(buffered, Limits::default())));
                }
                if head[..n] == *PARQUET {
                    return rows(spooled(whole)?);
                }
                Ok(stream(whole))
            }
        }
    }
}

fn stream(reader: impl Read + Send + 'static) -> Unpacked {
    Unpacked::Stream(Box::new(reader))
}

fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match reader.read(&mut buffer[n..])? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// Parquet is read from its end: a stream is laid into a file without a name first.
fn spooled(mut reader: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut reader, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn rows(file: impl ChunkReader + 'static) -> io::Result<Unpacked> {
    let damaged = |e: parquet::errors::ParquetError| io::Error::new(io::ErrorKind::InvalidData, e);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    check(builder.metadata())?;
    let reader = builder.with_batch_size(ROWS).build().map_err(damaged)?;
    Ok(stream(Lines { reader, line: Vec::new(), at: 0 }))
}

fn check(metadata: &ParquetMetaData) -> io::Result<()> {
    let chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
    match chunks.map(|c| c.uncompressed_size()).max() {
        Some(bytes) if bytes > CHUNK_BYTES_MAX => {
            let why = format!(
                "a column of the Parquet file unpacks to {bytes} bytes; at most {CHUNK_BYTES_MAX} are read"
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
        _ => Ok(()),
    }
}

/// The rows of a Parquet file as JSON lines.
struct Lines {
    reader: ParquetRecordBatchReader,
    line: Vec<u8>,
    at: usize,
}

impl Read for Lines {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.line.len() {
            let damaged = |e| io::Error::new(io::ErrorKind::InvalidData, e);
            let Some(batch) = self.reader.next() else { return Ok(0) };
            self.line.clear();
            self.at = 0;
            let mut writer = LineDelimitedWriter::new(&mut self.line);
            writer
                .write(&batch.map_err(damaged)?)
                .and_then(|()| writer.finish())
                .map_err(damaged)?;
        }
        let n = buf.len().min(self.line.len() - self.at);
        buf[..n].copy_from_slice(&self.line[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
