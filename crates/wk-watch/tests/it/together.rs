//! Rules over several events, over records at hand: what ingest and the detector do, without a lake.

use std::collections::BTreeMap;

use wk_lang::json::Value;
use wk_model::finding::{Finding, Origin, Sighting};
use wk_model::{Row, Signal, Timestamp};
use wk_watch::columns::{Place, TableBuilder};
use wk_watch::detect::Detections;
use wk_watch::stateful::{MarkedRow, Marks, Memory};

/// What one event means to the rules over several events. `matching`: the single-event rules that
/// match it.
pub(crate) fn signals_of_row(
    pack: &Detections,
    row: &Row<'_>,
    record: Option<Value<'_>>,
    matching: &[usize],
    ordinal: u64,
) -> Vec<Signal> {
    let mut marks = Marks::default();
    pack.mark(row, record, matching, MarkedRow { row: 0, origin: Origin::Live }, &mut marks);
    if marks.is_empty() {
        return Vec::new();
    }
    let time = row.time.unwrap_or_default();
    let mut builder = TableBuilder::new(row.table);
    let place = Place { delivered: time, received: time, object: "events", ordinal };
    builder.append(row, time, &place);
    let batch = builder.finish(time).expect("one row fits");
    marks.signals(pack.stateful(), &batch, row.table.name, None)
}

/// What comes of signals that are all there at once, when everything is over.
pub(crate) fn at_once(pack: &Detections, signals: Vec<Signal>) -> Vec<Finding> {
    let latest = signals.iter().filter_map(|signal| signal.seen.earliest()).max();
    let then = latest.unwrap_or_default().plus_seconds(50 * 86_400);
    let mut memory = Memory::default();
    findings(&memory.advance(pack.stateful(), signals, then))
}

/// What comes of signals that arrive one after the other, a second apart, when the last event has
/// just happened.
pub(crate) fn one_by_one(pack: &Detections, signals: Vec<Vec<Signal>>) -> Vec<Finding> {
    let latest = signals.iter().flatten().filter_map(|signal| signal.seen.earliest()).max();
    let mut now = latest.unwrap_or_default();
    let (mut memory, mut sightings) = (Memory::default(), Vec::new());
    for signals in signals {
        now = now.plus_seconds(1);
        sightings.extend(memory.advance(pack.stateful(), signals, now));
    }
    let end: Timestamp = now.plus_seconds(50 * 86_400);
    sightings.extend(memory.advance(pack.stateful(), Vec::new(), end));
    findings(&sightings)
}

fn findings(sightings: &[Sighting]) -> Vec<Finding> {
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    for sighting in sightings {
        let begin = || {
            let mut finding = Finding::begin(sighting);
            finding.count = 0;
            finding
        };
        findings.entry(&sighting.finding.0).or_insert_with(begin).fold(sighting);
    }
    findings.into_values().collect()
}
