//! What the pack fires on where it should be calm: `rules/NOISE.md`.
//!
//! The figures of the page are made by `cargo xtask docs`; its reasons are written by hand and kept.
//! The test fails where the page says otherwise, where a rule that fires has no reason, and where a
//! calm day has more than one finding at high or five at medium.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;

use wk_lang::json::Value;
use wk_model::event::EventId;
use wk_model::finding::FindingId;
use wk_model::severity::SeverityWord;
use wk_model::{Row, Severity, Signal, Timestamp};
use wk_sim::{Plan, Simulation};
use wk_watch::detect::Detections;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::catalogue::{docs, update};
use crate::files;
use crate::together::{at_once, signals_of_row};

/// Runs the pack over every event once, however often it was delivered.
struct Watch<'a> {
    pack: &'a Detections,
    /// Phase of the attack corpus by event; empty for others.
    phases: &'a HashMap<String, String>,
    known: HashSet<String>,
    days: BTreeSet<String>,
    /// What fired, by name.
    rules: BTreeMap<String, Fired>,
    /// For rules over several events.
    signals: Vec<Signal>,
}

/// What one rule fired on.
struct Fired {
    severity: Severity,
    matches: usize,
    of_the_attack: usize,
    findings: HashSet<FindingId>,
    /// Findings of events that are no attack.
    calm: HashSet<FindingId>,
}

impl Fired {
    fn of(severity: Severity) -> Self {
        let (findings, calm) = (HashSet::new(), HashSet::new());
        Self { severity, matches: 0, of_the_attack: 0, findings, calm }
    }
}

impl<'a> Watch<'a> {
    fn new(pack: &'a Detections, phases: &'a HashMap<String, String>) -> Self {
        let (known, days, rules) = (HashSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { pack, phases, known, days, rules, signals: Vec::new() }
    }

    fn over(mut self, folder: &str) -> Self {
        for path in files(folder) {
            let bytes = fs::read(&path).unwrap();
            self.read(&path.display().to_string(), &bytes);
        }
        self.together()
    }

    /// Adds what the rules over several events find in all that was read.
    fn together(mut self) -> Self {
        for finding in at_once(self.pack, std::mem::take(&mut self.signals)) {
            let rule = self.pack.stateful().find(&finding.rule.id).unwrap();
            let name = rule.correlation.about.name.as_deref().unwrap_or_default();
            let name = format!("{} ({name})", rule.file.trim_end_matches(".yml"));
            let events = finding.events.iter();
            let phase = |id: &str| self.phases.get(id).is_some_and(|p| p.starts_with(ATTACK));
            let attack = events.filter(|event| phase(&event.id)).count();
            let fired = self.rules.entry(name).or_insert_with(|| Fired::of(rule.severity));
            fired.matches += usize::try_from(finding.count).unwrap();
            fired.of_the_attack += attack;
            if attack == 0 {
                fired.calm.insert(finding.id.clone());
            }
            fired.findings.insert(finding.id);
        }
        self
    }

    fn read(&mut self, uri: &str, bytes: &[u8]) {
        let facts = ObjectFacts { uri, modified: Timestamp::default(), metadata: &[] };
        let settings = Settings::default();
        let Some(bytes) = inflate(bytes) else { panic!("{uri} does not unpack") };
        Reader::new(facts, &settings, None, 16 << 20).read(&bytes, true, self);
    }

    /// Findings at or above a severity, outside the attack, on an average day.
    fn a_day(&self, word: SeverityWord, below: Option<SeverityWord>) -> f64 {
        let (from, to) = (Severity::of_word(word), below.map(Severity::of_word));
        let counted = self
            .rules
            .values()
            .filter(|fired| fired.severity >= from && to.is_none_or(|to| fired.severity < to));
        let findings: usize = counted.map(|fired| fired.calm.len()).sum();
        let days = u32::try_from(self.days.len().max(1)).unwrap();
        f64::from(u32::try_from(findings).unwrap()) / f64::from(days)
    }

    fn row(&self, name: &str) -> String {
        let matches: usize = self.rules.values().map(|f| f.matches).sum();
        let findings: usize = self.rules.values().map(|f| f.findings.len()).sum();
        let high = self.a_day(SeverityWord::High, None);
        let medium = self.a_day(SeverityWord::Medium, Some(SeverityWord::High));
        let cells = [
            name.to_owned(),
            self.known.len().to_string(),
            self.days.len().to_string(),
            self.rules.len().to_string(),
            matches.to_string(),
            findings.to_string(),
            format!("{high:.1}"),
            format!("{medium:.1}"),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

impl Sink for Watch<'_> {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, at: u64) {
        let id = match &row.id {
            EventId::Own(id) => id.clone().into_owned(),
            EventId::Versioned(id, version) => format!("{id}@{version}"),
            EventId::Ordinal => format!("{} {at} {}", source.id, self.known.len()),
        };
        let phase = self.phases.get(&id).map_or("", String::as_str).to_owned();
        if !self.known.insert(id) {
            return;
        }
        self.days.extend(row.time.map(|time| time.to_string().chars().take(10).collect()));
        let (mut matching, mut sightings) = (Vec::new(), Vec::new());
        self.pack.run(source, &row, record, &mut matching, &mut |s| sightings.push(s));
        let signals = signals_of_row(self.pack, &row, record, &matching, at);
        self.signals.extend(signals);
        let alerts = matching.iter().map(|rule| &self.pack.rules()[*rule]).filter(|r| r.alerts);
        for (rule, sighting) in alerts.zip(sightings) {
            let name = rule.file.trim_end_matches(".yml").to_owned();
            let fired = self.rules.entry(name).or_insert_with(|| Fired::of(rule.severity));
            fired.matches += 1;
            if phase.starts_with(ATTACK) {
                fired.of_the_attack += 1;
            } else {
                fired.calm.insert(sighting.finding.clone());
            }
            fired.findings.insert(sighting.finding);
        }
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        // One corpus has a few broken arrays; its own test says how many.
        println!("no record: {source} at {at}: {reason}");
    }
}

/// How the phases of the attack begin.
const ATTACK: &str = "attack_";

/// The content of a file of ours or of the data beside us.
#[expect(clippy::disallowed_methods, reason = "the files are at hand and known to be small")]
fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(bytes.to_vec());
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).ok().map(|_| plain)
}

/// The phase of each event of the attack corpus.
fn phases() -> HashMap<String, String> {
    let mut phases = HashMap::new();
    for path in files("labels").iter().filter(|p| p.ends_with("invictus-phases.csv")) {
        for line in fs::read_to_string(path).unwrap().lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            phases.insert(cells[0].to_owned(), cells[3].to_owned());
        }
    }
    phases
}

/// Days of the simulator without its stories.
fn calm_week<'a>(pack: &'a Detections, none: &'a HashMap<String, String>) -> Watch<'a> {
    let mut watch = Watch::new(pack, none);
    for file in Simulation::new(&Plan { scale: 0.05, days: 3, stories: false, ..Plan::demo(11) }) {
        watch.read(&file.path, &file.bytes);
    }
    watch.together()
}

#[test]
fn slow_calm_days_have_at_most_one_high_and_five_medium_findings() {
    let pack = Detections::built_in().unwrap();
    let (phases, none) = (phases(), HashMap::new());
    if phases.is_empty() {
        return;
    }
    let attacked = Watch::new(&pack, &phases).over("cloudtrail/invictus-stratus");
    let corpora = [
        (CORPORA[0], &attacked),
        (CORPORA[1], &Watch::new(&pack, &none).over("cloudtrail/sans504-s3")),
        (CORPORA[2], &Watch::new(&pack, &none).over("cloudtrail/opensearch")),
        (CORPORA[3], &calm_week(&pack, &none)),
    ];
    compare(&page(&corpora));
    for (name, watch) in corpora {
        let high = watch.a_day(SeverityWord::High, None);
        let medium = watch.a_day(SeverityWord::Medium, Some(SeverityWord::High));
        assert!(high <= 1.0 && medium <= 5.0, "{name}: {high} high, {medium} medium a day");
    }
}

const CORPORA: [&str; 4] = [
    "a red-team tool and the infrastructure code that sets it up, one account, one hour (invictus-stratus)",
    "two trails of a real account, service noise and log delivery (sans504-s3), distinct events",
    "a burst of a real account (opensearch)",
    "three simulated days without stories, all sources",
];

fn page(corpora: &[(&str, &Watch<'_>)]) -> String {
    let is = fs::read_to_string(docs().join(PAGE)).unwrap_or_default();
    let mut page = String::from(OPENING);
    page.push_str("| corpus | events | days | rules that fire | matches | findings | high a day | medium a day |\n");
    page.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (name, watch) in corpora {
        page.push_str(&watch.row(name));
    }
    page.push_str(BETWEEN);
    for (number, (_, watch)) in corpora.iter().enumerate() {
        let mut rules: Vec<(&String, &Fired)> = watch.rules.iter().collect();
        rules.sort_by_key(|(name, fired)| (usize::MAX - fired.matches, *name));
        for (name, fired) in rules {
            let level = fired.severity.word();
            let key = format!("| {} | {name} | {level} |", number + 1);
            let (all, found, attack) = (fired.matches, fired.findings.len(), fired.of_the_attack);
            let why = reason(&is, &key);
            writeln!(page, "{key} {all} | {found} | {attack} | {why} |").unwrap();
        }
    }
    let left_out = is.split_once(LEFT_OUT).map_or("", |(_, text)| text);
    page + LEFT_OUT + left_out
}

/// The last cell of the row that begins so.
fn reason(page: &str, key: &str) -> String {
    let row = page.lines().find(|line| line.starts_with(key));
    let why = row.and_then(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    why.map_or(String::new(), |(_, why)| why.to_owned())
}

const PAGE: &str = "../rules/NOISE.md";

const OPENING: &str = "# What the pack fires on where it should be calm\n\n\
<!-- Figures and rows are made by `cargo xtask docs`; the reasons are written by hand and kept. -->\n\n\
A match is an event a rule fires on; a finding is what remains after repeats of one rule, account, \
actor and\nresource within the window of the rule are put together. A rule that fires here must be \
worth it, or it goes. *High*\nand *medium a day* leave out the attack, not its set-up and clean-up; more \
than one or five fail the test.\n\n";

const BETWEEN: &str = "\n## Every rule that fires, by corpus\n\n\
| corpus | rule | level | matches | findings | of the attack | why it is right |\n\
|---|---|---|---:|---:|---:|---|\n";

const LEFT_OUT: &str = "\n## Left out because it could not be defended\n";

fn compare(page: &str) {
    let path = docs().join(PAGE);
    if update() {
        fs::write(&path, page).unwrap();
    } else {
        let is = fs::read_to_string(&path).unwrap_or_default();
        assert!(is == page, "rules/NOISE.md differs from the pack; run: cargo xtask docs");
    }
    let without: Vec<&str> = page.lines().filter(|line| line.ends_with("|  |")).collect();
    assert!(without.is_empty() || update(), "give each a reason: {without:#?}");
}
