//! The reader on a simulated week, whose truth is known.

use std::collections::BTreeMap;

use wk_lang::json::Value;
use wk_model::Row;
use wk_sim::{Plan, Simulation};
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

/// What was read of the week.
#[derive(Default)]
struct Week {
    events: BTreeMap<&'static str, u64>,
    incomplete: Vec<String>,
    refused: Vec<String>,
}

impl Sink for Week {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        *self.events.entry(source.id).or_default() += 1;
        let origin = row.source_ip.is_some() || row.actor.is_some() || row.sighting.is_some();
        let windows_without_traffic = source.id == "vpcflow" && row.action.is_none();
        if row.time.is_none() || row.account.is_none() || !(origin || windows_without_traffic) {
            self.incomplete.push(format!("{}: {}", source.id, row.raw));
        }
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        self.refused.push(format!("{source} at {at}: {reason}"));
    }
}

/// Reads a small week; answers what was read, and how many records were written.
fn read() -> (Week, u64) {
    let plan = Plan { scale: 0.05, ..Plan::demo(11) };
    let (mut week, mut simulation) = (Week::default(), Simulation::new(&plan));
    for file in simulation.by_ref() {
        let facts = ObjectFacts { uri: &file.path, modified: file.delivered, metadata: &[] };
        let settings = Settings::default();
        let mut reader = Reader::new(facts, &settings, None, 16 << 20);
        assert_eq!(reader.read(&file.bytes, true, &mut week), file.bytes.len());
    }
    let written = simulation.truth().sources.values().map(|c| c.records).sum();
    (week, written)
}

#[test]
fn every_source_of_the_simulated_week_is_read_to_the_last_record() {
    let (week, written) = read();
    assert_eq!(week.refused, [""; 0]);
    assert_eq!(week.events.values().sum::<u64>(), written, "{:?}", week.events);
    let sources: Vec<_> = week.events.keys().copied().collect();
    let expected = [
        "cloudtrail",
        "cloudtrail-digest",
        "config",
        "eventbridge",
        "guardduty",
        "securityhub",
        "vpcflow",
    ];
    assert_eq!(sources, expected);
}

#[test]
fn every_event_has_a_time_an_origin_and_an_actor() {
    let (week, _) = read();
    let shown: Vec<_> = week.incomplete.iter().take(5).collect();
    assert!(shown.is_empty(), "{} events, such as {shown:#?}", week.incomplete.len());
}
