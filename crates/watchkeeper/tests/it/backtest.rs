//! `detect backtest` finds in the lake what the ingest found on the way in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::program::Home;

fn answer(home: &Home, args: &[&str]) -> Value {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

/// Findings and events of each rule of ours.
fn of_ingest(home: &Home) -> BTreeMap<String, (u64, u64)> {
    let mut rules: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let findings = answer(home, &["findings", "list", "--product", "watchkeeper", "--json"]);
    for finding in findings.as_array().unwrap() {
        let of = rules.entry(finding["rule"]["id"].as_str().unwrap().to_owned()).or_default();
        of.0 += 1;
        of.1 += finding["count"].as_u64().unwrap();
    }
    rules
}

fn of_backtest(home: &Home, args: &[&str]) -> BTreeMap<String, (u64, u64)> {
    let told = answer(home, &[&["detect", "backtest", "--json"][..], args].concat());
    assert!(told["records"].as_u64().unwrap() > 1000, "{told:#}");
    let rules = told["rules"].as_array().unwrap().iter();
    let number = |rule: &Value, key: &str| rule[key].as_u64().unwrap();
    let found = rules.filter(|rule| number(rule, "findings") > 0);
    found
        .map(|rule| {
            let id = rule["id"].as_str().unwrap().to_owned();
            (id, (number(rule, "findings"), number(rule, "events")))
        })
        .collect()
}

#[test]
fn slow_a_backtest_finds_what_the_ingest_found_and_keeps_nothing() {
    let (home, corpus) = (Home::new(), Corpus::write());
    let (code, report) = home.ingest([corpus.path()]);
    assert_eq!(code, 0, "{report:#}");
    let found = of_ingest(&home);
    assert!(found.len() >= 3, "{found:?}");
    assert_eq!(of_backtest(&home, &[]), found);
    // A rule by its id alone, and nothing before the first event.
    let (id, counts) = found.first_key_value().unwrap();
    assert_eq!(of_backtest(&home, &["--rule", id])[id], *counts);
    let ended = home.run(["detect", "backtest", "--until", "2001-01-01"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("no events"), "{ended:?}");
    assert_eq!(of_ingest(&home), found, "a backtest keeps nothing");
}

#[test]
fn slow_rules_over_several_events_learn_from_the_lake_once() {
    let (home, corpus) = (Home::new(), Corpus::write());
    let files: Vec<_> = corpus.files.iter().collect();
    let read = home.run([&["ingest".into(), "--no-detect".into()][..], &paths(&files)].concat());
    assert_eq!(read.code, Some(0), "{read:?}");
    let learnt = answer(&home, &["detect", "learn", "--json"]);
    let rules = learnt["rules"].as_array().unwrap().len();
    assert!(rules > 3 && learnt["steps"].as_u64().unwrap() > 10, "{learnt:#}");
    assert!(of_ingest(&home).is_empty(), "what they would have found is not told");
    // Those that know something now are not asked to learn it twice.
    let again = answer(&home, &["detect", "learn", "--json"]);
    assert!(again["rules"].as_array().unwrap().len() < rules, "{again:#}");
}

fn paths(files: &[&std::path::PathBuf]) -> Vec<std::ffi::OsString> {
    files.iter().map(|file| file.as_os_str().to_owned()).collect()
}
