//! Packed objects: whole or as a stream they hold the same, and damaged Parquet is only damaged.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, types::Int32Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use wk_seam::objects::{Body, Unpacked};

use crate::unpack::Unpacker;

/// So much is read of an object; a fuzzer's few bytes may claim a lot.
const READ_MAX: u64 = 4 << 20;

/// Small Parquet files, each packed in another way.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    // A panic in a decoder is caught by the unpacker. The fuzzer's own hook would end everything
    // before that.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let packings = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    packings.into_iter().flat_map(|packing| [file(packing, true), file(packing, false)]).collect()
});

/// The first byte says what the others are: an object, or changes to one of the Parquet files,
/// each a place of two bytes and what is put there.
pub fn check(data: &[u8]) {
    let [kind, rest @ ..] = data else { return };
    let object = match FILES.get(usize::from(*kind)) {
        Some(file) => changed(file.clone(), rest),
        None => rest.to_vec(),
    };
    let whole = unpacked(Body::Whole(object.clone()));
    let stream = unpacked(Body::Stream(Box::new(std::io::Cursor::new(object.clone()))));
    // A file and bytes in memory say in different words that a place lies beyond their end.
    let ended = |(ended, bytes): &(Option<String>, Vec<u8>)| (ended.is_some(), bytes.clone());
    assert_eq!(ended(&whole), ended(&stream), "whole or as a stream: {whole:?} {stream:?}");
    if usize::from(*kind) < FILES.len() && rest.is_empty() {
        let (ended, bytes) = whole;
        assert_eq!(ended, None);
        let lines = std::str::from_utf8(&bytes).expect("lines are text").lines();
        assert_eq!(lines.map(serde_json::from_str::<serde_json::Value>).flatten().count(), 40);
    }
}

fn changed(mut file: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(3) {
        let from_end = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        let place = file.len() - 1 - from_end;
        file[place] = change[2];
    }
    file
}

/// How reading ended, and what came of it.
fn unpacked(body: Body) -> (Option<String>, Vec<u8>) {
    let mut buffer = Vec::new();
    let bytes = match Unpacker::boxed().unpack(body, &mut buffer) {
        Ok(Unpacked::InBuffer) => buffer,
        Ok(Unpacked::Whole(bytes)) => bytes,
        Ok(Unpacked::Stream(stream)) => {
            let mut out = Vec::new();
            let ended = stream.take(READ_MAX).read_to_end(&mut out);
            return (ended.err().map(damaged), out);
        }
        Err(error) => return (Some(damaged(error)), Vec::new()),
    };
    (None, bytes)
}

fn damaged(error: std::io::Error) -> String {
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    error.to_string()
}

fn file(packing: Compression, dictionary: bool) -> Vec<u8> {
    let text = (0..40).map(|n| (n % 7 > 0).then(|| format!("eni-{}", n % 9)));
    let lists = (0..40).map(|n| Some((0..n % 4).map(Some).collect::<Vec<Option<i32>>>()));
    let columns: [(&str, ArrayRef); 3] = [
        ("start", Arc::new(Int64Array::from_iter_values(1_708_000_000..1_708_000_040))),
        ("interface_id", Arc::new(StringArray::from_iter(text))),
        ("ports", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_compression(packing)
        .set_dictionary_enabled(dictionary)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(25))
        .build();
    let mut file = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).expect("a schema");
    writer.write(&batch).expect("rows");
    writer.close().expect("a file");
    file
}
