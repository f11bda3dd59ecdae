//! The reader on records of real accounts, where they are at hand.
//!
//! The folder `shared/data` beside the workspace holds them; where it is absent these tests say
//! so and pass.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test tells what it skipped")]

mod access_and_app_logs;
mod agreement;
mod behaviour;
mod catalogue;
mod disguised;
mod drifts;
mod lint;
mod network;
mod noise;
mod pack;
mod places;
mod together;
mod week;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wk_lang::json::Value;
use wk_model::event::Cell;
use wk_model::{Row, Timestamp};
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

/// What came of one file.
#[derive(Default)]
struct Seen {
    events: BTreeMap<&'static str, usize>,
    refused: Vec<String>,
    /// Events without account, time, actor, resources.
    without: [usize; 4],
    findings: usize,
    flags: Vec<String>,
}

impl Sink for Seen {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        *self.events.entry(source.id).or_default() += 1;
        assert!(std::ptr::eq(row.table, source.table), "{} fills another table", source.id);
        assert!(!row.raw.is_empty(), "{} keeps no raw record", source.id);
        for (column, cell) in row.table.columns.iter().zip(&row.cells) {
            assert_eq!(cell_fits(cell, column.kind), Ok(()), "{}", column.name);
        }
        let lacks = [
            row.account.is_none(),
            row.time.is_none(),
            row.actor.is_none(),
            row.resources.is_empty(),
        ];
        for (count, lacks) in self.without.iter_mut().zip(lacks) {
            *count += usize::from(lacks);
        }
        self.findings += usize::from(row.sighting.is_some());
        self.flags.extend(row.flags);
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        self.refused.push(format!("{source} at {at}: {reason}"));
    }
}

fn cell_fits(cell: &Cell<'_>, kind: wk_model::table::ColumnType) -> Result<(), String> {
    use wk_model::table::ColumnType as Kind;
    match (cell, kind) {
        (Cell::Null, _)
        | (Cell::Text(_), Kind::Text | Kind::Json)
        | (Cell::Int(_), Kind::Int)
        | (Cell::Float(_), Kind::Float)
        | (Cell::Bool(_), Kind::Bool)
        | (Cell::Time(_), Kind::Time)
        | (Cell::List(_), Kind::TextList) => Ok(()),
        _ => Err(format!("{cell:?} in a column of {kind:?}")),
    }
}

/// Reads a file whole and once more in small windows: both must see the same.
fn read(path: &Path) -> Seen {
    let bytes = fs::read(path).unwrap();
    let whole = read_in(path, &bytes, bytes.len().max(1));
    let pieces = read_in(path, &bytes, 70_000);
    assert_eq!(whole.events, pieces.events, "{}", path.display());
    assert_eq!(whole.refused, pieces.refused, "{}", path.display());
    whole
}

fn read_in(path: &Path, bytes: &[u8], step: usize) -> Seen {
    let uri = path.to_string_lossy();
    let facts = ObjectFacts { uri: &uri, modified: Timestamp::from_seconds(1), metadata: &[] };
    let settings = Settings::default();
    let mut reader = Reader::new(facts, &settings, None, 16 << 20);
    let (mut seen, mut start, mut end) = (Seen::default(), 0, 0);
    while end < bytes.len() {
        end = (end + step).min(bytes.len());
        start += reader.read(&bytes[start..end], end == bytes.len(), &mut seen);
    }
    assert_eq!(start, bytes.len(), "{} is not read to its end", path.display());
    seen
}

/// The files below a folder of the data, sorted; none, with a printed line, where it is absent.
fn files(folder: &str) -> Vec<PathBuf> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = Path::new(data).join(folder);
    if !root.is_dir() {
        println!("skipped: {folder} is not at hand");
        return Vec::new();
    }
    let (mut found, mut folders) = (Vec::new(), vec![root]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Reads all files of a folder that the filter takes; each must hold events of the source alone,
/// without a refusal.
fn all_are(source: &str, folder: &str, takes: fn(&str) -> bool) {
    for path in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !takes(&name) {
            continue;
        }
        let seen = read(&path);
        show(&name, &seen);
        assert_eq!(seen.refused, [""; 0], "{name}");
        assert_eq!(seen.events.keys().collect::<Vec<_>>(), [&source], "{name}");
        assert_eq!(seen.without[1], 0, "{name} has events without time");
    }
}

fn show(name: &str, seen: &Seen) {
    let [account, time, actor, resources] = seen.without;
    println!(
        "{name}: {:?}, {} findings; without account {account}, time {time}, actor {actor}, \
         resources {resources}; flags {:?}; refused {:?}",
        seen.events, seen.findings, seen.flags, seen.refused
    );
}

#[test]
fn guardduty_findings_in_both_letter_cases() {
    all_are("guardduty", "guardduty/eventbridge", |_| true);
    for path in files("guardduty/eventbridge") {
        let seen = read(&path);
        assert_eq!((seen.findings, seen.flags.len()), (1, 0), "{}", path.display());
        assert_eq!(seen.without, [0; 4], "{}", path.display());
    }
}

#[test]
fn security_hub_findings() {
    all_are("securityhub", "securityhub-asff", |_| true);
}

#[test]
fn config_items_notifications_and_rule_calls() {
    all_are("config", "config", |name| name != "event-cloudsearch.json");
    all_are("cloudtrail", "config", |name| name == "event-cloudsearch.json");
}

#[test]
fn ocsf_events_of_every_version() {
    all_are("ocsf", "ocsf/examples", |name| name.ends_with(".ocsf") || name.contains("_OCSF_"));
    all_are("ocsf", "ocsf/prowler", |name| name.ends_with(".json"));
    all_are("vpcflow", "ocsf/examples", |name| name.contains("vpcflowlog.raw"));
}

#[test]
fn flow_logs_of_every_version() {
    all_are("vpcflow", "vpcflow", |name| name.ends_with(".json") || name.starts_with("valid_"));
    for path in files("vpcflow/aws-docs") {
        let (seen, text) = (read(&path), fs::read_to_string(&path).unwrap());
        show(&path.file_name().unwrap().to_string_lossy(), &seen);
        let header = text.lines().next().is_some_and(|l| l.contains("srcaddr"));
        let lines = text.lines().filter(|l| !l.trim().is_empty()).count() - usize::from(header);
        let events = seen.events.get("vpcflow").copied().unwrap_or(0);
        let elided = text.lines().filter(|l| l.trim() == "...").count();
        assert_eq!((events, seen.refused.len()), (lines - elided, elided), "{}", path.display());
    }
}

#[test]
fn eventbridge_events_are_told_apart() {
    for path in files("eventbridge") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".json5") {
            continue; // patterns, not events
        }
        let (seen, text) = (read(&path), fs::read_to_string(&path).unwrap());
        show(&name, &seen);
        let count = seen.events.values().sum::<usize>() + seen.refused.len();
        assert!(count > 0, "{name} is neither event nor refusal");
        if text.contains("\"detail-type\"") {
            let known = ["cloudtrail", "eventbridge", "guardduty", "securityhub"];
            assert!(seen.refused.is_empty(), "{name}");
            assert!(seen.events.keys().all(|id| known.contains(id)), "{name}: {:?}", seen.events);
        }
    }
}

#[test]
fn a_file_of_broken_arrays_gives_all_but_its_broken_records() {
    for path in files("cloudtrail/opensearch") {
        let seen = read(&path);
        show(&path.display().to_string(), &seen);
        if path.ends_with("samples-large.json") {
            let stored = seen.events["cloudtrail"];
            assert!(stored >= 830, "{stored} of 840");
        }
    }
}
