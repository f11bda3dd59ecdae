//! Real access, database and application logs, where the folder of shared data is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wk_lang::json::Value;
use wk_model::{Row, Timestamp};
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

/// What came of a file.
#[derive(Default)]
struct Outcome {
    events: BTreeMap<&'static str, usize>,
    refusals: Vec<String>,
    without_time: usize,
    flagged: usize,
}

impl Sink for Outcome {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        assert_eq!(row.cells.len(), source.table.columns.len());
        *self.events.entry(source.id).or_default() += 1;
        self.without_time += usize::from(row.time.is_none());
        self.flagged += usize::from(!row.flags.is_empty());
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, _: &[u8]) {
        self.refusals.push(format!("{source} {at} {reason}"));
    }
}

fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let there = folder.try_exists().unwrap_or(false);
    if !there {
        println!("SKIPPED: the folder shared/data beside the checkout is absent");
    }
    there.then_some(folder)
}

/// Reads the bytes in windows of a size: how they are cut must not show.
fn read(bytes: &[u8], window_bytes: usize) -> Outcome {
    let settings = Settings::default();
    let modified = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let facts = ObjectFacts { uri: "object", modified, metadata: &[] };
    let mut reader = Reader::new(facts, &settings, None, 16 << 20);
    let mut outcome = Outcome::default();
    let (mut start, mut end) = (0, window_bytes.min(bytes.len()));
    loop {
        let at_end = end == bytes.len();
        start += reader.read(&bytes[start..end], at_end, &mut outcome);
        if at_end {
            assert_eq!(start, bytes.len(), "the reader left bytes");
            return outcome;
        }
        end = (end + window_bytes).min(bytes.len());
    }
}

/// Checks what came of a file: its only source, how many events, and that none was refused.
fn all_of(folder: &Path, file: &str, source: &'static str, count: usize) -> Outcome {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let outcome = read(&bytes, usize::MAX);
    assert_eq!(outcome.refusals, [""; 0], "{file}");
    assert_eq!(outcome.events, BTreeMap::from([(source, count)]), "{file}");
    let in_pieces = read(&bytes, 70_001);
    assert_eq!(in_pieces.events, outcome.events, "{file} in pieces");
    outcome
}

#[test]
fn access_logs_are_told_by_their_content() {
    let Some(data) = shared_data() else { return };
    for (file, source, count) in [
        ("access-logs/s3/opensearch-raw.log", "s3access", 18),
        ("access-logs/alb/opensearch-raw.log", "alb", 63),
        ("access-logs/cloudfront/opensearch-raw.log", "cloudfront", 40),
        ("access-logs/waf/opensearch-raw.log", "waf", 38),
        ("access-logs/network-firewall/opensearch-sample.json", "networkfirewall", 13),
        ("ocsf/examples/markdown__AWS__v1.1.0__WAF__Samples__waf.raw", "waf", 1),
        ("ocsf/examples/markdown__AWS__v1.1.0__Route53__samples__route53.raw", "resolver", 1),
        ("ocsf/examples/markdown__AWS__v1.0.0-rc.2__Route53__samples__route53.raw", "resolver", 1),
        ("ocsf/examples/bloblang__AWS__route53__v1.0.0__samples__route53.raw", "resolver", 1),
        ("ocsf/examples/bloblang__AWS__route53__v1.1.0__samples__route53.raw", "resolver", 1),
        ("ocsf/examples/markdown__AWS__v1.1.0__EKS_Audit_Logs__samples__eks.raw", "eks", 1),
        ("ocsf/examples/bloblang__AWS__eks__v1.2.0__samples__eks.json", "eks", 1),
    ] {
        let outcome = all_of(&data, file, source, count);
        assert_eq!((outcome.without_time, outcome.flagged), (0, 0), "{file}");
    }
}

#[test]
fn database_and_host_logs_are_told_by_their_content() {
    let Some(data) = shared_data() else { return };
    let postgres = all_of(&data, "applogs/rds-postgres/opensearch-raw.log", "rds-postgres", 201);
    assert_eq!((postgres.without_time, postgres.flagged), (0, 0));
    let sshd = all_of(&data, "applogs/sshd/auth.log", "applog", 7_121);
    assert_eq!((sshd.without_time, sshd.flagged), (0, 0));
}

#[test]
fn every_message_of_a_subscription_becomes_an_event() {
    let Some(data) = shared_data() else { return };
    let mut files: Vec<_> = std::fs::read_dir(data.join("cloudwatch-logs-subscription"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let outcome = read(&bytes, usize::MAX);
        assert_eq!(outcome.refusals, [""; 0], "{}", file.display());
        assert_eq!(outcome.without_time, 0, "{}", file.display());
        let events: usize = outcome.events.values().sum();
        assert_eq!(events, document["logEvents"].as_array().unwrap().len(), "{}", file.display());
    }
}
