//! The built-in pack over records of attacks and over records of ordinary days.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use wk_lang::json::Value;
use wk_model::event::EventId;
use wk_model::finding::Finding;
use wk_model::severity::SeverityWord;
use wk_model::{Row, Severity, Signal, Timestamp};
use wk_watch::detect::Detections;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::files;
use crate::together::{at_once, signals_of_row};

/// Runs the pack over every event once, however often it was delivered.
pub(crate) struct Watch<'a> {
    pack: &'a Detections,
    known: HashSet<String>,
    matching: Vec<usize>,
    /// Rules that matched, by their place in the pack, and how often.
    pub(crate) rules: BTreeMap<usize, usize>,
    /// For rules over several events.
    signals: Vec<Signal>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(pack: &'a Detections) -> Self {
        Self {
            pack,
            known: HashSet::new(),
            matching: Vec::new(),
            rules: BTreeMap::new(),
            signals: Vec::new(),
        }
    }

    fn read(&mut self, path: &Path) {
        self.read_bytes(&path.display().to_string(), &fs::read(path).unwrap());
    }

    pub(crate) fn read_bytes(&mut self, uri: &str, bytes: &[u8]) {
        let facts = ObjectFacts { uri, modified: Timestamp::default(), metadata: &[] };
        let settings = Settings::default();
        Reader::new(facts, &settings, None, 16 << 20).read(bytes, true, self);
    }
}

impl Sink for Watch<'_> {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, at: u64) {
        if let EventId::Own(id) = &row.id
            && !self.known.insert(id.clone().into_owned())
        {
            return;
        }
        self.pack.run(source, &row, record, &mut self.matching, &mut |_| {});
        self.signals.extend(signals_of_row(self.pack, &row, record, &self.matching, at));
        for rule in &self.matching {
            *self.rules.entry(*rule).or_default() += 1;
        }
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        panic!("{source} at {at}: {reason}");
    }
}

/// Each file holds one attack technique, which its name tells: a rule that is made for it fires.
#[test]
fn every_technique_file_raises_its_own_techniques_finding() {
    let pack = Detections::built_in().unwrap();
    let mut missed = Vec::new();
    for path in files("cloudtrail/stratus-per-technique") {
        let technique = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut watch = Watch::new(&pack);
        watch.read(&path);
        let own =
            |rule: &usize| pack.rules()[*rule].sigma.extension.techniques.contains(&technique);
        if !watch.rules.keys().any(own) {
            missed.push(technique);
        }
    }
    assert!(missed.is_empty(), "no rule of their own fires on {missed:?}");
}

/// The golden case: an attack tool took the credentials of one of two instances and used them from
/// its own address.
#[test]
fn stolen_instance_credentials_are_one_finding_with_session_address_and_time() {
    let pack = Detections::built_in().unwrap();
    let there = files("cloudtrail/invictus-stratus");
    if there.is_empty() {
        return;
    }
    let mut watch = Watch::new(&pack);
    there.iter().for_each(|path| watch.read(path));
    let stolen = |finding: &&Finding| finding.title.starts_with("Credentials of an instance");
    let findings = at_once(&pack, watch.signals);
    let found: Vec<&Finding> = findings.iter().filter(stolen).collect();
    let [finding] = found[..] else { panic!("{found:#?}") };
    let actor = finding.actor.as_deref().unwrap();
    assert!(actor.ends_with("/i-0dbc91f429e48eeed"), "{actor}");
    assert!(finding.resources.iter().any(|r| r == "192.168.10.20"), "{:?}", finding.resources);
    assert_eq!(finding.first_seen.to_string(), "2023-07-10T11:57:22Z");
    assert!(finding.severity >= Severity::of_word(SeverityWord::High));
}

/// Each rule has an event that fires and one that does not, which the tests of the pack run.
#[test]
fn every_subject_of_cis_section_4_has_a_rule() {
    let pack = Detections::built_in().unwrap();
    for subject in 1..=15 {
        let tag = format!("cis.4.{subject}");
        assert!(pack.rules().iter().any(|d| d.sigma.tags.contains(&tag)), "{tag} has no rule");
    }
}

/// Every type of finding that GuardDuty has is read, whatever it is about.
#[test]
fn every_guardduty_type_becomes_an_event_and_a_finding() {
    let lists = files("guardduty");
    let Some(list) = lists.iter().find(|p| p.ends_with("finding-types.txt")) else { return };
    let types = fs::read_to_string(list).unwrap();
    let pack = Detections::none();
    let mut seen = super::Seen::default();
    let mut count = 0;
    for kind in types.lines().map(str::trim).filter(|l| l.contains(':') && !l.starts_with('#')) {
        let finding = serde_json::json!({
            "schemaVersion": "2.0", "accountId": "111122223333", "region": "us-east-1",
            "id": format!("id-{count}"), "arn": format!("arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/id-{count}"),
            "type": kind, "severity": 5, "title": "t", "description": "d",
            "createdAt": "2024-02-15T14:23:00.000Z", "updatedAt": "2024-02-15T14:23:00.000Z",
            "resource": {"resourceType": "Unknown"}, "service": {"serviceName": "guardduty", "count": 1},
        });
        let facts = ObjectFacts { uri: "o", modified: Timestamp::default(), metadata: &[] };
        let text = finding.to_string();
        Reader::new(facts, &Settings::default(), None, 1 << 20).read(
            text.as_bytes(),
            true,
            &mut seen,
        );
        count += 1;
    }
    assert!(count > 100, "{count} types");
    assert_eq!(seen.events.get("guardduty"), Some(&count));
    assert_eq!((seen.findings, seen.refused.len(), pack.rules().len()), (count, 0, 0));
}
