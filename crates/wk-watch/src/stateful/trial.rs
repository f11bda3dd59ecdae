//! Events at hand, as signals: what ingest does, without an object and a lake around it.

use std::borrow::Cow;

use wk_lang::json::{Tape, Value};
use wk_model::event::EventId;
use wk_model::finding::Origin;
use wk_model::{Row, Signal, Timestamp};

use super::mark::{MarkedRow, Marks};
use crate::columns::{Place, TableBuilder};
use crate::detect::Detections;
use crate::reader::{ObjectFacts, Reader, Sink};
use crate::sources::{Settings, Source};

/// An event of a trial.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// When it happened, whatever the record says.
    pub time: Timestamp,
    /// Its id.
    pub id: &'a str,
    /// The record.
    pub record: &'a str,
}

/// The signals of one event, and which single-event rules match it, by their places. `None` where
/// the text is no record of that source.
pub fn signals_of(
    detections: &Detections,
    source: &'static Source,
    event: Happened<'_>,
) -> Option<(Vec<Signal>, Vec<usize>)> {
    // A record that is read as a line of JSON.
    let mut tape = Tape::new();
    let line = tape.parse(event.record).ok()?.compact().into_owned();
    let facts = ObjectFacts { uri: "trial", modified: event.time, metadata: &[] };
    let settings = Settings::default();
    let mut sink = TrialSink { detections, event, answer: None };
    Reader::new(facts, &settings, Some(source), 16 << 20).read(line.as_bytes(), true, &mut sink);
    if sink.answer.is_none() {
        // A test may show no more of a record than its rule asks for. What every event has is not
        // known of it then.
        let record = tape.parse(&line).ok()?;
        sink.event(source, Row::new(source.table, line.as_str()), Some(record), 0);
    }
    sink.answer
}

struct TrialSink<'a> {
    detections: &'a Detections,
    event: Happened<'a>,
    answer: Option<(Vec<Signal>, Vec<usize>)>,
}

impl Sink for TrialSink<'_> {
    fn event(
        &mut self,
        source: &'static Source,
        mut row: Row<'_>,
        record: Option<Value<'_>>,
        _: u64,
    ) {
        let (time, detections) = (self.event.time, self.detections);
        row.time = Some(time);
        row.id = EventId::Own(Cow::Owned(self.event.id.to_owned()));
        let (mut matching, mut marks) = (Vec::new(), Marks::default());
        detections.run(source, &row, record, &mut matching, &mut |_| {});
        let at = MarkedRow { row: 0, origin: Origin::Live };
        detections.mark(&row, record, &matching, at, &mut marks);
        let mut builder = TableBuilder::new(row.table);
        let place = Place { delivered: time, received: time, object: "trial", ordinal: 0 };
        builder.append(&row, time, &place);
        let Ok(batch) = builder.finish(time) else { return };
        let signals = marks.signals(detections.stateful(), &batch, row.table.name, None);
        self.answer = Some((signals, matching));
    }

    fn refuse(&mut self, _: &str, _: u64, _: &str, _: &[u8]) {}
}
