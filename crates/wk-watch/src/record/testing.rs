//! How a source is tested: an input, and what came of it as text.

use std::fmt::Write as _;

use expect_test::Expect;
use wk_lang::json::Value;
use wk_model::event::{Cell, EventId};
use wk_model::{Row, Timestamp};

use crate::reader::{ObjectFacts, Reader, Sink};
use crate::sources::{Settings, Source};

/// Reads the input as an object of unknown kind and compares what came of it: for each event a
/// line `source column=value …` (what is absent is left out; `raw` too), for each refusal a line
/// `refused source at reason`.
pub(crate) fn check(input: &str, expected: Expect) {
    check_with(input, &Settings::default(), expected);
}

/// The same with settings of the user.
#[expect(clippy::needless_pass_by_value, reason = "as expect! makes it")]
pub(crate) fn check_with(input: &str, settings: &Settings, expected: Expect) {
    expected.assert_eq(&read(input.as_bytes(), settings, None));
}

/// What comes of an object's bytes, as text.
pub(crate) fn read(input: &[u8], settings: &Settings, forced: Option<&'static Source>) -> String {
    let mut seen = Seen::default();
    let modified = Timestamp::from_seconds(1_700_000_000);
    let facts = ObjectFacts { uri: "object", modified, metadata: &[] };
    let done = Reader::new(facts, settings, forced, 16 << 20).read(input, true, &mut seen);
    assert_eq!(done, input.len(), "the reader left bytes");
    seen.0
}

#[derive(Default)]
struct Seen(String);

impl Sink for Seen {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        let mut line = source.id.to_owned();
        let mut put = |name: &str, value: &dyn std::fmt::Display| {
            write!(line, " {name}={value}").unwrap();
        };
        if let Some(time) = row.time {
            put("event_time", &time);
        }
        match &row.id {
            EventId::Own(id) => put("event_id", id),
            EventId::Versioned(id, version) => put("event_id", &format!("{id}@{version}")),
            EventId::Ordinal => {}
        }
        for (name, value) in [
            ("account", &row.account),
            ("region", &row.region),
            ("actor", &row.actor),
            ("actor_type", &row.actor_type),
            ("access_key", &row.access_key),
            ("session_issuer", &row.session_issuer),
            ("source_ip", &row.source_ip),
            ("user_agent", &row.user_agent),
            ("action", &row.action),
        ] {
            if let Some(value) = value {
                put(name, value);
            }
        }
        if let Some(outcome) = row.outcome {
            put("outcome", &outcome.as_str());
        }
        if !row.resources.is_empty() {
            put("resource_ids", &row.resources.join(","));
        }
        for (column, cell) in row.table.columns.iter().zip(&row.cells) {
            match cell {
                Cell::Null => {}
                Cell::Text(text) => put(column.name, text),
                Cell::Int(n) => put(column.name, n),
                Cell::Float(n) => put(column.name, n),
                Cell::Bool(truth) => put(column.name, truth),
                Cell::Time(time) => put(column.name, time),
                Cell::List(items) => put(column.name, &items.join(",")),
            }
        }
        if !row.flags.is_empty() {
            put("flags", &row.flags.join("; "));
        }
        if let Some(s) = &row.sighting {
            put("finding", &format!("{} {} {:?}", s.rule.id, s.severity, s.title));
        }
        self.0.push_str(&line);
        self.0.push('\n');
    }

    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        writeln!(self.0, "refused {source} {at} {reason}").unwrap();
    }
}
