//! What a simulated week promises, checked on the files alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where the test would")]

mod digests;
mod records;
mod stories;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;
use wk_model::Sha256;
use wk_sim::{File, Plan, Simulation, Truth};

/// The demo's week, at a tenth of its volume: made once for all tests.
fn week() -> &'static (Vec<File>, Truth) {
    static WEEK: OnceLock<(Vec<File>, Truth)> = OnceLock::new();
    WEEK.get_or_init(|| run(&small()))
}

fn small() -> Plan {
    Plan { scale: 0.1, ..Plan::demo(42) }
}

fn run(plan: &Plan) -> (Vec<File>, Truth) {
    let mut simulation = Simulation::new(plan);
    let files = simulation.by_ref().collect();
    (files, simulation.truth().clone())
}

fn fingerprint(plan: &Plan) -> Sha256 {
    let mut all = Vec::new();
    for file in Simulation::new(plan) {
        all.extend_from_slice(file.path.as_bytes());
        all.extend_from_slice(file.delivered.to_string().as_bytes());
        all.extend_from_slice(&Sha256::of(&file.bytes).0);
    }
    Sha256::of(&all)
}

/// The CloudTrail records of a file.
fn trail_records(file: &File) -> Vec<Value> {
    let mut whole: Value = serde_json::from_slice(&file.bytes).unwrap();
    match whole["Records"].take() {
        Value::Array(records) => records,
        other => panic!("{} holds {other}", file.path),
    }
}

/// Every distinct CloudTrail record of the week.
fn week_records() -> &'static BTreeMap<String, Value> {
    static RECORDS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    RECORDS.get_or_init(|| distinct(&week().0))
}

/// Every distinct CloudTrail record by its id.
fn distinct(files: &[File]) -> BTreeMap<String, Value> {
    let trail = files.iter().filter(|f| f.source == "cloudtrail");
    trail.flat_map(trail_records).map(|r| (text(&r["eventID"]), r)).collect()
}

/// The JSON lines of a source.
fn lines(files: &[File], source: &str) -> Vec<Value> {
    let of_source = files.iter().filter(|f| f.source == source);
    of_source
        .flat_map(|f| std::str::from_utf8(&f.bytes).unwrap().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The lines of the flow logs, without headers.
fn flow_lines(files: &[File]) -> Vec<Vec<&str>> {
    let of_source = files.iter().filter(|f| f.source == "vpcflow");
    of_source
        .flat_map(|f| std::str::from_utf8(&f.bytes).unwrap().lines().skip(1))
        .map(|line| line.split(' ').collect())
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let plan = Plan { days: 2, ..small() };
    assert_eq!(fingerprint(&plan), fingerprint(&plan));
}

#[test]
fn another_seed_gives_another_week() {
    let plan = Plan { days: 1, ..small() };
    assert_ne!(fingerprint(&plan), fingerprint(&Plan { seed: 43, ..plan.clone() }));
}

#[test]
fn files_come_in_the_order_of_their_delivery_and_no_path_twice() {
    let (files, _) = week();
    assert!(files.is_sorted_by_key(|f| f.delivered));
    let mut paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let all = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), all);
    assert!(files.iter().all(|f| f.gz && f.path.ends_with(".gz")));
}

#[test]
fn the_truth_counts_what_was_delivered() {
    let (files, truth) = week();
    for (source, counted) in &truth.sources {
        let of_source = || files.iter().filter(|f| f.source == *source);
        assert_eq!(of_source().count() as u64, counted.files, "{source}");
        assert_eq!(of_source().map(|f| f.records).sum::<u64>(), counted.records, "{source}");
    }
    let trail = truth.sources["cloudtrail"];
    let read: usize =
        files.iter().filter(|f| f.source == "cloudtrail").map(|f| trail_records(f).len()).sum();
    assert_eq!(read as u64, trail.records);
    assert_eq!(distinct(files).len() as u64, trail.distinct);
    assert_eq!(flow_lines(files).len() as u64, truth.sources["vpcflow"].records);
    let bridge = lines(files, "eventbridge");
    let ids: std::collections::BTreeSet<_> = bridge.iter().map(|e| text(&e["id"])).collect();
    let counted = truth.sources["eventbridge"];
    assert_eq!((bridge.len() as u64, ids.len() as u64), (counted.records, counted.distinct));
    assert_eq!(lines(files, "guardduty").len() as u64, truth.sources["guardduty"].records);
}

#[test]
fn about_two_records_in_a_hundred_come_twice_and_are_the_same() {
    let (files, truth) = week();
    let trail = truth.sources["cloudtrail"];
    let twice = (trail.records - trail.distinct) * 1000 / trail.records;
    assert!((8..40).contains(&twice), "{twice} in a thousand");
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    for record in files.iter().filter(|f| f.source == "cloudtrail").flat_map(trail_records) {
        if let Some(before) = seen.insert(text(&record["eventID"]), record.clone()) {
            assert_eq!(before, record);
        }
    }
}

#[test]
fn without_stories_there_is_only_background_and_it_is_the_same() {
    let plan = Plan { stories: false, ..small() };
    let (files, truth) = run(&plan);
    assert!(truth.stories.is_empty());
    assert_eq!(truth.unrecorded, 0);
    let told = week_records();
    let stopped = wk_model::Timestamp::parse("2024-02-17T02:43:20Z").unwrap();
    let started = wk_model::Timestamp::parse("2024-02-17T03:03:41Z").unwrap();
    for (id, record) in distinct(&files) {
        let at = wk_model::Timestamp::parse(&text(&record["eventTime"])).unwrap();
        if stopped < at && at < started {
            assert!(!told.contains_key(&id), "recorded while the trail was off: {record}");
        } else {
            assert_eq!(told.get(&id), Some(&record));
        }
    }
}

#[test]
fn half_a_week_has_half_the_stories() {
    let mut simulation = Simulation::new(&Plan { days: 3, scale: 0.05, ..Plan::demo(1) });
    let names: Vec<&str> = simulation.truth().stories.iter().map(|s| s.name).collect();
    assert_eq!(names, ["failing-disk", "denied-access", "failed-jobs"]);
    assert!(simulation.by_ref().count() > 100);
}

#[test]
fn nonsense_as_scale_is_a_quiet_week() {
    for scale in [f64::NAN, -1.0, 0.0] {
        let (files, _) = run(&Plan { days: 1, scale, ..Plan::demo(1) });
        assert!(files.iter().all(|f| f.source != "cloudtrail"));
    }
}

#[test]
fn a_larger_scale_comes_one_file_at_a_time() {
    let plan = Plan { scale: 3.0, ..Plan::bench(1) };
    let mut simulation = Simulation::new(&plan);
    let first = simulation.next().unwrap();
    assert!(first.delivered < plan.start.start().plus_seconds(1200));
    let held: u64 = simulation.truth().sources.values().map(|c| c.records).sum();
    assert_eq!(held, first.records, "only what was taken is counted");
}
