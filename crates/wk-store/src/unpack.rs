//! What lies in an object, taken out of its packing: gzip and Parquet.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_json::LineDelimitedWriter;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
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
    // Parquet's own types are enough. The Arrow schema that some writers put beside them is one more
    // thing that may be damaged.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = caught(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options);
        let builder = builder.map_err(damaged)?;
        check(builder.metadata())?;
        builder.with_batch_size(ROWS).build().map_err(damaged)
    })?;
    Ok(stream(Lines { reader: Some(reader), line: Vec::new(), at: 0 }))
}

/// Reads with a decoder that panics over some damaged files: that is damage too.
fn caught<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let why = "the Parquet file is damaged: its decoder gave up";
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    })
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
    /// None after a decoder gave up: it is not to be asked again.
    reader: Option<ParquetRecordBatchReader>,
    line: Vec<u8>,
    at: usize,
}

impl Read for Lines {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.line.len() {
            let damaged = |e| io::Error::new(io::ErrorKind::InvalidData, e);
            let Some(mut reader) = self.reader.take() else { return Ok(0) };
            let (batch, reader) = caught(|| Ok((reader.next().transpose(), reader)))?;
            let Some(batch) = batch.map_err(damaged)? else { return Ok(0) };
            self.reader = Some(reader);
            self.line.clear();
            self.at = 0;
            let mut writer = LineDelimitedWriter::new(&mut self.line);
            writer.write(&batch).and_then(|()| writer.finish()).map_err(damaged)?;
        }
        let n = buf.len().min(self.line.len() - self.at);
        buf[..n].copy_from_slice(&self.line[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    /// A file as most writers make it: an Arrow schema lies beside Parquet's own.
    fn file() -> Vec<u8> {
        let (texts, numbers) = (StringArray::from(vec!["a", "b"]), Int64Array::from(vec![1, 2]));
        let times = TimestampMillisecondArray::from(vec![0, 1]).with_timezone("UTC");
        let batch = RecordBatch::try_from_iter([
            ("text", Arc::new(texts) as arrow_array::ArrayRef),
            ("number", Arc::new(numbers)),
            ("time", Arc::new(times)),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn lines(bytes: Vec<u8>) -> io::Result<String> {
        let (mut text, mut buffer) = (String::new(), Vec::new());
        match Unpacker::default().unpack(Body::Whole(bytes), &mut buffer)? {
            Unpacked::Stream(mut stream) => drop(stream.read_to_string(&mut text)?),
            // It begins as no Parquet file does, so it is taken as it lies there.
            Unpacked::Whole(_) | Unpacked::InBuffer => {}
        }
        Ok(text)
    }

    #[test]
    fn damaged_parquet_is_told_and_ends_nothing() {
        let whole = file();
        let told = lines(whole.clone()).unwrap();
        let first = r#"{"text":"a","number":1,"time":"1970-01-01T00:00:00Z"}"#;
        assert_eq!(told.lines().next(), Some(first));
        let mut damaged = 0;
        for place in 0..whole.len() {
            for other in [0, 0xff, whole[place] ^ 1, whole[place].wrapping_add(7)] {
                let mut bytes = whole.clone();
                bytes[place] = other;
                damaged += usize::from(lines(bytes).is_err());
            }
        }
        assert!(damaged > 100, "{damaged}");
    }
}
