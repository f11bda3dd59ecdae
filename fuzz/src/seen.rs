//! What a reader says of an object, and whether it may say so.

use std::fmt::{Debug, Write as _};

use wk_lang::json::{Splitter, Step, Tape, Value};
use wk_model::event::Cell;
use wk_model::table::ColumnType;
use wk_model::{Row, Timestamp};
use wk_watch::reader::{LIST_KEYS, ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::windows;

/// Everything that came of an object, in its order: where, and what in words.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen(Vec<(u64, String)>);

/// How an object is read.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) forced: Option<&'static Source>,
    pub(crate) record_bytes_max: usize,
    pub(crate) head_bytes: usize,
}

/// Reads the object in windows of a seed; seed 0 is one window.
pub(crate) fn read(bytes: &[u8], seed: u8, how: How) -> Seen {
    let settings = Settings::default();
    let modified = Timestamp::from_seconds(1_700_000_000);
    let facts = ObjectFacts { uri: "object", modified, metadata: &[] };
    let mut reader = Reader::new(facts, &settings, how.forced, how.record_bytes_max)
        .with_head_bytes(how.head_bytes);
    let mut seen = Seen::default();
    windows::each(bytes, seed, &mut |window, at_end| reader.read(window, at_end, &mut seen));
    seen
}

impl Seen {
    /// What was said lies in the object, in its order, and nothing of it is passed over.
    pub(crate) fn is_sound(&self, bytes: &[u8]) {
        let places: Vec<u64> = self.0.iter().map(|(at, _)| *at).collect();
        assert!(places.iter().all(|at| *at <= bytes.len() as u64), "outside the object");
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let is_json = self.0.iter().any(|(_, said)| said.starts_with("json "));
        if is_json || text.starts_with(b"{\"") {
            self.is_complete(bytes);
        }
    }

    /// Every record that a splitter finds alone has come to something.
    fn is_complete(&self, bytes: &[u8]) {
        let mut splitter = Splitter::new(LIST_KEYS);
        loop {
            let (start, end) = match splitter.step(bytes, true) {
                Step::Record { start, end } | Step::Defect { start, end, .. } => (start, end),
                Step::NeedMore { .. } | Step::End => return,
            };
            let said = |(at, _): &(u64, String)| (start as u64..=end as u64).contains(at);
            let record = &bytes[start..end];
            assert!(
                self.0.iter().any(said) || is_envelope(record),
                "nothing is said of {start}..{end}: {}",
                String::from_utf8_lossy(record)
            );
        }
    }
}

/// Whether there may be nothing in a record because it is an envelope.
fn is_envelope(record: &[u8]) -> bool {
    const KEYS: &[&str] = &[
        "Sns",
        "Message",
        "body",
        "Body",
        "logEvents",
        "awslogs",
        "kinesis",
        "data",
        "detail-type",
        "invokingEvent",
    ];
    let mut tape = Tape::new();
    let value = std::str::from_utf8(record).ok().and_then(|text| tape.parse(text).ok());
    value.is_some_and(|value| KEYS.iter().any(|key| value.get(key).is_some()))
}

impl Sink for Seen {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, at: u64) {
        fits(&row);
        assert_eq!(row.table.name, source.table.name);
        let mut said = if record.is_some() { "json ".to_owned() } else { String::new() };
        let mut put = |part: &dyn Debug| write!(said, "{part:?} ").expect("a text takes it");
        put(&source.id);
        put(&(row.time, row.delivered, &row.id, &row.account, &row.region, &row.actor));
        put(&(&row.actor_type, &row.access_key, &row.session_issuer, &row.source_ip));
        put(&(&row.user_agent, &row.action, row.outcome, &row.resources, &row.flags));
        put(&(&row.cells, &row.raw, &row.sighting));
        self.0.push((at, said));
    }

    fn refuse(&mut self, source: &str, at: u64, reason: &str, bytes: &[u8]) {
        assert!(!reason.is_empty() && !reason.ends_with('.'), "{reason:?} is no reason");
        self.0.push((at, format!("refused {source} {reason} {bytes:?}")));
    }
}

/// Every cell has its column's type, and what is bounded is.
fn fits(row: &Row<'_>) {
    assert_eq!(row.cells.len(), row.table.columns.len());
    assert!(row.flags.len() <= Row::FLAGS_MAX + 1 && row.resources.len() <= Row::RESOURCES_MAX);
    assert!(!row.time.unwrap_or_default().to_string().is_empty());
    for (column, cell) in row.table.columns.iter().zip(&row.cells) {
        let fits = match (cell, column.kind) {
            (Cell::Null, _)
            | (Cell::Text(_), ColumnType::Text)
            | (Cell::Int(_), ColumnType::Int)
            | (Cell::Bool(_), ColumnType::Bool)
            | (Cell::Time(_), ColumnType::Time)
            | (Cell::List(_), ColumnType::TextList) => true,
            (Cell::Float(n), ColumnType::Float) => n.is_finite(),
            (Cell::Text(text), ColumnType::Json) => is_compact_json(text),
            _ => false,
        };
        assert!(fits, "{} of {}: {cell:?}", column.name, row.table.name);
    }
}

fn is_compact_json(text: &str) -> bool {
    Tape::new().parse(text).is_ok_and(|value| !value.has_whitespace() && value.raw() == text)
}
