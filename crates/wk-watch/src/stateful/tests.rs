//! Rules over several events, from their text to their findings.

use std::collections::BTreeMap;

use wk_model::finding::{Finding, Sighting};
use wk_model::{Signal, Timestamp};

use super::{Happened, Memory, signals_of};
use crate::detect::Detections;
use crate::sources;

/// A rule that the tests refer to: a sign-in that failed, and one that did not.
const SIGN_INS: &str = "
name: failed
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, errorMessage|exists: true}
  condition: s
---
name: worked
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, errorMessage: null}
  condition: s
";

pub(super) fn rules(correlations: &str) -> Detections {
    let file = ("rules.yml".to_owned(), format!("{SIGN_INS}---\n{correlations}"));
    let (detections, bad) = Detections::read([file].into_iter());
    let bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    detections
}

pub(super) fn refusals(correlations: &str) -> Vec<String> {
    let file = ("rules.yml".to_owned(), format!("{SIGN_INS}---\n{correlations}"));
    let (_, bad) = Detections::read([file].into_iter());
    bad.iter().map(ToString::to_string).collect()
}

/// A sign-in at so many seconds: `failed` or `worked`, who, where from.
pub(super) fn sign_in(second: i64, how: &str, who: &str, from: &str) -> (i64, String) {
    let error = if how == "failed" { r#""errorMessage":"Failed authentication","# } else { "" };
    let record = format!(
        r#"{{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin",{error}"recipientAccountId":"111122223333","awsRegion":"eu-west-1","sourceIPAddress":"{from}","userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/{who}","userName":"{who}"}}}}"#
    );
    (second, record)
}

pub(super) const START: i64 = 1_700_000_000;

/// The signals of events, each by itself.
pub(super) fn signals(rules: &Detections, events: &[(i64, String)]) -> Vec<(i64, Vec<Signal>)> {
    let source = sources::named("cloudtrail").unwrap();
    let signals = events.iter().enumerate().map(|(n, (second, record))| {
        let time = Timestamp::from_seconds(START + second);
        let id = format!("e{n}");
        let happened = Happened { time, id: &id, record };
        (*second, signals_of(rules, source, happened).unwrap().0)
    });
    signals.collect()
}

/// Findings folded from sightings, by title and the first event's second.
pub(super) fn findings(sightings: &[Sighting]) -> Vec<Finding> {
    let mut findings: BTreeMap<String, Finding> = BTreeMap::new();
    for sighting in sightings {
        let begin = || {
            let mut finding = Finding::begin(sighting);
            finding.count = 0;
            finding
        };
        findings.entry(sighting.finding.0.clone()).or_insert_with(begin).fold(sighting);
    }
    findings.into_values().collect()
}

/// Runs events in the order in which they are given, one after the other, each a minute after the
/// one before; then a day passes.
pub(super) fn run(rules: &Detections, events: &[(i64, String)]) -> Vec<Finding> {
    let mut memory = Memory::default();
    let mut sightings = Vec::new();
    let latest = events.iter().map(|(second, _)| *second).max().unwrap_or_default();
    let mut now = START + latest;
    for (_, signals) in signals(rules, events) {
        now += 1;
        let now = Timestamp::from_seconds(now);
        sightings.extend(memory.advance(rules.stateful(), signals, now));
    }
    let tomorrow = Timestamp::from_seconds(now + 40 * 86_400);
    sightings.extend(memory.advance(rules.stateful(), Vec::new(), tomorrow));
    assert!(memory.is_empty(), "everything is over, {} states are left", memory.len());
    findings(&sightings)
}

const FIVE: &str = "
title: Five sign-ins failed
id: five
level: high
correlation:
  type: event_count
  rules: [failed]
  group-by: [userIdentity.userName]
  timespan: 15m
  condition: {gte: 5}
";

/// The promise R-272: four stay quiet, the fifth within fifteen minutes alerts, five in sixteen
/// minutes stay quiet; another user's failures do not count.
#[test]
fn five_failures_in_fifteen_minutes_alert_and_four_or_slower_ones_do_not() {
    let rules = rules(FIVE);
    let minutes = |minutes: &[i64]| -> Vec<(i64, String)> {
        minutes.iter().map(|m| sign_in(m * 60, "failed", "ann", "203.0.113.1")).collect()
    };
    let told = |events: &[(i64, String)]| -> Vec<u64> {
        run(&rules, events).iter().map(|finding| finding.count).collect()
    };
    assert!(told(&minutes(&[0, 1, 2, 3])).is_empty(), "four");
    assert_eq!(told(&minutes(&[0, 3, 6, 9, 12])), [5]);
    assert_eq!(told(&minutes(&[0, 4, 8, 12, 15])), [5], "both ends belong to the window");
    assert!(told(&minutes(&[0, 4, 8, 12, 16])).is_empty(), "five in sixteen minutes");
    assert_eq!(told(&minutes(&[12, 0, 9, 3, 6])), [5], "in any order");
    let mut other = minutes(&[0, 1, 2, 3]);
    other.push(sign_in(240, "failed", "bob", "203.0.113.1"));
    assert!(told(&other).is_empty(), "four of one and one of another");
    let mut success = minutes(&[0, 1, 2, 3]);
    success.push(sign_in(240, "worked", "ann", "203.0.113.1"));
    assert!(told(&success).is_empty(), "four and one that worked");
}

#[test]
fn a_finding_tells_whose_events_they_are() {
    let events: Vec<_> = (0..6).map(|n| sign_in(n * 60, "failed", "ann", "203.0.113.1")).collect();
    let found = run(&rules(FIVE), &events);
    let finding = &found[0];
    assert_eq!((finding.title.as_str(), finding.count), ("Five sign-ins failed", 6));
    assert_eq!(finding.account.as_deref(), Some("111122223333"));
    assert_eq!(finding.actor.as_deref(), Some("arn:aws:iam::111122223333:user/ann"));
    assert_eq!(finding.region.as_deref(), Some("eu-west-1"));
    assert_eq!(finding.severity.word().to_string(), "high");
    assert_eq!(finding.events.len(), 6);
}

#[test]
fn a_rule_of_the_same_file_keeps_quiet_unless_it_is_asked_to_speak() {
    let alerts =
        |text: &str| -> Vec<bool> { rules(text).rules().iter().map(|rule| rule.alerts).collect() };
    assert_eq!(alerts(FIVE), [false, true]);
    assert_eq!(alerts(&FIVE.replace("group-by", "generate: true\n  group-by")), [true, true]);
}

#[test]
fn what_a_correlation_refers_to_must_be_there() {
    let told = refusals(&FIVE.replace("[failed]", "[faild]"));
    assert_eq!(
        told,
        [
            "rules.yml:line 20, column 11: correlation.rules: no rule has the id or name \"faild\"; did you mean failed?"
        ]
    );
    let circle = format!(
        "{}\n---\n{}",
        FIVE.replace("[failed]", "[six]"),
        FIVE.replace("id: five", "id: six").replace("[failed]", "[five]")
    );
    let told = refusals(&circle);
    assert!(
        told.len() == 2 && told.iter().all(|t| t.contains("refers back to this rule")),
        "{told:#?}"
    );
    let same = format!("{FIVE}\n---\n{FIVE}");
    assert!(refusals(&same)[0].contains("is that of another rule in rules.yml"));
}
