//! Rules over one event that somebody holds in the hand: a test of a rule, a sample.

use wk_lang::json::Value;
use wk_model::finding::Sighting;
use wk_model::{Row, Timestamp};

use crate::detect::Detections;
use crate::reader::{ObjectFacts, Reader, Sink};
use crate::sources::{Settings, Source};

/// The longest event that is tried, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// What rules say of an event: sightings, and why it could not be read, where that is so.
#[derive(Debug, Default)]
pub struct Tried {
    /// What the rules saw.
    pub sightings: Vec<Sighting>,
    /// Why the event, or a part of it, is none.
    pub refused: Vec<String>,
}

/// Runs rules over an event; `source` where content alone may not tell whose it is.
pub fn run(detections: &Detections, source: Option<&'static Source>, event: &str) -> Tried {
    let metadata = [];
    let facts = ObjectFacts { uri: "trial", modified: Timestamp::default(), metadata: &metadata };
    let settings = Settings::default();
    let mut seen = Seen { detections, tried: Tried::default(), matching: Vec::new() };
    let mut reader = Reader::new(facts, &settings, source, BYTES_MAX);
    reader.read(event.as_bytes(), true, &mut seen);
    seen.tried
}

struct Seen<'a> {
    detections: &'a Detections,
    tried: Tried,
    matching: Vec<usize>,
}

impl Sink for Seen<'_> {
    fn event(
        &mut self,
        source: &'static Source,
        row: Row<'_>,
        record: Option<Value<'_>>,
        _at: u64,
    ) {
        let sightings = &mut self.tried.sightings;
        let mut see = |sighting| sightings.push(sighting);
        self.detections.run(source, &row, record, &mut self.matching, &mut see);
    }

    fn refuse(&mut self, _source: &str, _at: u64, reason: &str, _bytes: &[u8]) {
        self.tried.refused.push(reason.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_lang::sigma::{Expected, RuleTest};

    #[test]
    fn every_firing_test_of_the_pack_fires_by_itself_or_is_no_whole_event() {
        let pack = Detections::built_in().unwrap();
        let mut wrong = Vec::new();
        for detection in pack.rules() {
            let service = detection.sigma.logsource.service.as_deref();
            let source = crate::sources::ALL.iter().copied().find(|s| s.service == service);
            let tests = &detection.sigma.extension.tests;
            // What a test supposes of lists and places is not there.
            let fires =
                |test: &&RuleTest| test.expected == Expected::Fires && test.around.is_empty();
            for test in tests.iter().filter(fires) {
                let tried = run(&pack, source, &test.event);
                let seen = tried.sightings.iter().any(|s| s.rule.id == detection.rule.id);
                if !seen && tried.refused.is_empty() && detection.alerts {
                    wrong.push(format!("{}: {}: {:?}", detection.title, test.name, tried.refused));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
