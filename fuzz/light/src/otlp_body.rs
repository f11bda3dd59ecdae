//! The body of a request of OTLP, in protobuf or JSON: whatever can be read becomes one line of JSON for
//! each record, and every line is a row of application logs, whatever the sender wrote into it.

use prost::Message as _;
use wk_model::event::Row;
use wk_model::Timestamp;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

// The program's own files: axum would have to be built with the fuzzer's counters too.
#[path = "../../../crates/watchkeeper/src/api/otlp/lines.rs"]
mod lines;
#[path = "../../../crates/watchkeeper/src/api/otlp/messages.rs"]
mod messages;

use messages::ExportLogs;

/// The first byte says which form the others have: JSON, protobuf, or JSON that is sent as protobuf with
/// one byte changed, whose place and value come first.
pub fn check(data: &[u8]) {
    let Some((form, body)) = data.split_first() else { return };
    let request = match form % 3 {
        0 => serde_json::from_slice(body).ok(),
        1 => ExportLogs::decode(body).ok(),
        _ => damaged(body),
    };
    let Some(request): Option<ExportLogs> = request else { return };
    let of_scopes = request.resource_logs.iter().flat_map(|of| &of.scope_logs);
    let records: usize = of_scopes.map(|of| of.log_records.len()).sum();
    let made = lines::lines(request, Timestamp::from_seconds(1_700_000_000), "mark");
    assert_eq!(made.taken + made.refused, records as u64, "a record got lost");
    let text = std::str::from_utf8(&made.text).expect("lines are text");
    assert_eq!(text.lines().count() as u64, made.taken, "a line for each record");
    for line in text.lines() {
        let read: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(read.is_object());
    }
    let mut rows = Rows(0);
    let settings = Settings::default();
    let facts = ObjectFacts { uri: "spool", modified: Timestamp::default(), metadata: &[] };
    Reader::new(facts, &settings, None, 2 << 20).read(&made.text, true, &mut rows);
    assert_eq!(rows.0, made.taken, "each line is a row");
}

fn damaged(data: &[u8]) -> Option<ExportLogs> {
    let (place, rest) = data.split_first_chunk::<2>()?;
    let (value, body) = rest.split_first()?;
    let request: ExportLogs = serde_json::from_slice(body).ok()?;
    let mut sent = request.encode_to_vec();
    let whole = ExportLogs::decode(sent.as_slice()).expect("what was written is read");
    assert_eq!(whole, request, "another request came than was sent");
    if let Some(at) = usize::from(u16::from_le_bytes(*place)).checked_rem(sent.len()) {
        sent[at] = *value;
    }
    ExportLogs::decode(sent.as_slice()).ok()
}

/// Counts rows of application logs; there may be nothing else.
struct Rows(u64);

impl Sink for Rows {
    fn event(
        &mut self,
        source: &'static Source,
        _: Row<'_>,
        _: Option<wk_lang::json::Value<'_>>,
        _: u64,
    ) {
        assert_eq!(source.table.name, "app_log", "a sender made it look like {}", source.id);
        self.0 += 1;
    }
    fn refuse(&mut self, source: &str, _: u64, reason: &str, text: &[u8]) {
        panic!("{source} refused a line: {reason}: {}", String::from_utf8_lossy(text));
    }
}
