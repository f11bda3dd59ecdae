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

/// Runs events in the order in which they are given, a second after the other, when the last of
/// them has just happened; then forty days pass.
pub(super) fn run(rules: &Detections, events: &[(i64, String)]) -> Vec<Finding> {
    let latest = events.iter().map(|(second, _)| *second).max().unwrap_or_default();
    let each = signals(rules, events).into_iter().zip(1..);
    run_at(rules, each.map(|((_, signals), n)| (START + latest + n, signals)).collect())
}

/// Runs events at once, as at the end of a first load.
fn run_at_once(rules: &Detections, events: &[(i64, String)]) -> Vec<Finding> {
    let latest = events.iter().map(|(second, _)| *second).max().unwrap_or_default();
    let all = signals(rules, events).into_iter().flat_map(|(_, signals)| signals).collect();
    run_at(rules, vec![(START + latest + 3600, all)])
}

/// Runs steps, each at its time; then forty days pass.
fn run_at(rules: &Detections, steps: Vec<(i64, Vec<Signal>)>) -> Vec<Finding> {
    let mut memory = Memory::default();
    let mut sightings = Vec::new();
    let last = steps.last().map_or(START, |(second, _)| *second);
    for (second, signals) in steps {
        let now = Timestamp::from_seconds(second);
        sightings.extend(memory.advance(rules.stateful(), signals, now));
    }
    for days in [1, 40, 41] {
        let then = Timestamp::from_seconds(last + days * 86_400);
        sightings.extend(memory.advance(rules.stateful(), Vec::new(), then));
    }
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

fn titles(found: &[Finding]) -> Vec<(String, u64)> {
    found.iter().map(|finding| (finding.title.clone(), finding.count)).collect()
}

/// How many events the findings have.
fn counts(correlation: &str, events: &[(i64, String)]) -> Vec<u64> {
    let mut counts: Vec<u64> =
        run(&rules(correlation), events).iter().map(|finding| finding.count).collect();
    counts.sort_unstable();
    counts
}

/// A correlation of a type over failed and successful sign-ins.
fn over(kind: &str) -> String {
    format!("title: T\nid: t\ncorrelation:\n  group-by: [userIdentity.userName]\n  {kind}")
}

fn ann(events: &[(i64, &str)]) -> Vec<(i64, String)> {
    events.iter().map(|(second, how)| sign_in(*second, how, "ann", "203.0.113.1")).collect()
}

#[test]
fn different_values_are_counted_in_their_window() {
    let rule = "title: T\nid: t\ncorrelation:\n  type: value_count\n  rules: [failed]\n  group-by: [sourceIPAddress]\n  timespan: 10m\n  condition: {field: userIdentity.userName, gte: 3}";
    let from = |events: &[(i64, &str)]| -> Vec<(i64, String)> {
        events.iter().map(|(second, who)| sign_in(*second, "failed", who, "198.51.100.9")).collect()
    };
    assert_eq!(counts(rule, &from(&[(0, "a"), (1, "b"), (2, "a"), (3, "c")])), [4]);
    assert!(counts(rule, &from(&[(0, "a"), (1, "b"), (2, "a"), (3, "b")])).is_empty());
    assert!(counts(rule, &from(&[(0, "a"), (1, "b"), (601, "c")])).is_empty());
}

#[test]
fn conditions_that_more_can_make_false_wait_for_their_window_to_close() {
    let exactly =
        over("type: event_count\n  rules: [failed]\n  timespan: 10m\n  condition: {eq: 2}");
    // The windows that end with each event hold 1, 2, 3.
    assert_eq!(counts(&exactly, &ann(&[(0, "failed"), (10, "failed"), (20, "failed")])), [2]);
    let few = over("type: event_count\n  rules: [failed]\n  timespan: 10m\n  condition: {lt: 2}");
    assert_eq!(counts(&few, &ann(&[(0, "failed"), (10, "failed")])), [1]);
    let range =
        over("type: event_count\n  rules: [failed]\n  timespan: 10m\n  condition: {gt: 1, lte: 2}");
    assert_eq!(counts(&range, &ann(&[(0, "failed"), (10, "failed"), (20, "failed")])), [2]);
    let not = over(
        "type: temporal\n  rules: [failed, worked]\n  timespan: 10m\n  condition: failed and not worked",
    );
    assert_eq!(counts(&not, &ann(&[(0, "failed")])), [1]);
    assert!(counts(&not, &ann(&[(0, "worked"), (10, "failed")])).is_empty());
}

#[test]
fn rules_that_match_together_and_in_order() {
    let both = over("type: temporal\n  rules: [failed, worked]\n  timespan: 10m");
    assert_eq!(counts(&both, &ann(&[(0, "worked"), (10, "failed")])), [2]);
    assert!(counts(&both, &ann(&[(0, "worked"), (601, "failed")])).is_empty());
    let either = over(
        "type: temporal\n  rules: [failed, worked]\n  timespan: 10m\n  condition: failed or worked",
    );
    assert_eq!(counts(&either, &ann(&[(0, "worked")])), [1]);
    let ordered = over("type: temporal_ordered\n  rules: [failed, worked]\n  timespan: 10m");
    assert!(counts(&ordered, &ann(&[(0, "worked"), (10, "failed")])).is_empty());
    assert_eq!(counts(&ordered, &ann(&[(0, "failed"), (10, "worked")])), [2]);
    assert_eq!(counts(&ordered, &ann(&[(5, "worked"), (5, "failed")])), [2], "of one moment");
}

/// A success that follows five failures: a correlation over a correlation (R-284).
#[test]
fn a_success_after_five_failures_is_a_finding_of_its_own() {
    let chain = format!(
        "{}---\ntitle: Guessed\nid: guessed\ncorrelation:\n  type: temporal_ordered\n  rules: [many, worked]\n  group-by: [userIdentity.userName]\n  timespan: 1h\n",
        FIVE.replace("id: five", "id: five\nname: many")
    );
    let mut events: Vec<(i64, &str)> = (0..5).map(|n| (n * 60, "failed")).collect();
    events.push((600, "worked"));
    let found = run(&rules(&chain), &ann(&events));
    assert_eq!(titles(&found), [("Guessed".to_owned(), 2)], "the fifth failure and the success");
    events[5] = (100, "worked");
    assert!(run(&rules(&chain), &ann(&events)).is_empty(), "before the fifth failure");
    let speak = chain.replace("timespan: 1h", "timespan: 1h\n  generate: true");
    events[5] = (600, "worked");
    let mut told = titles(&run(&rules(&speak), &ann(&events)));
    told.sort();
    assert_eq!(
        told.iter().map(|(t, _)| t.as_str()).collect::<Vec<_>>(),
        ["Five sign-ins failed", "Guessed"]
    );
}

#[test]
fn an_alias_is_another_field_in_the_events_of_each_rule() {
    let rule = "title: T\nid: t\ncorrelation:\n  type: temporal\n  rules: [failed, worked]\n  group-by: [who]\n  timespan: 10m\n  aliases:\n    who:\n      failed: userIdentity.userName\n      worked: sourceIPAddress";
    let events = [sign_in(0, "failed", "x", "y"), sign_in(1, "worked", "z", "x")];
    assert_eq!(counts(rule, &events), [2]);
    let events = [sign_in(0, "failed", "x", "y"), sign_in(1, "worked", "x", "z")];
    assert!(counts(rule, &events).is_empty());
    let wrong = refusals(&rule.replace("      worked:", "      wroked:"));
    assert!(wrong[0].contains("did you mean worked?"), "{wrong:?}");
}

#[test]
fn what_must_not_come_is_waited_for() {
    let rule = over(
        "type: sequence\n  timespan: 1h\n  steps:\n    - rule: failed\n    - not: worked\n      within: 10m",
    );
    assert_eq!(counts(&rule, &ann(&[(0, "failed")])), [1]);
    assert!(counts(&rule, &ann(&[(0, "failed"), (600, "worked")])).is_empty());
    assert_eq!(counts(&rule, &ann(&[(0, "failed"), (601, "worked")])), [1]);
    assert_eq!(counts(&rule, &ann(&[(-1, "worked"), (0, "failed")])), [1], "before does not count");
    let between = over(
        "type: sequence\n  timespan: 1h\n  steps:\n    - rule: failed\n    - not: worked\n    - rule: failed\n      within: 5m",
    );
    assert_eq!(counts(&between, &ann(&[(0, "failed"), (60, "failed")])), [2]);
    assert!(counts(&between, &ann(&[(0, "failed"), (30, "worked"), (60, "failed")])).is_empty());
    assert!(counts(&between, &ann(&[(0, "failed"), (301, "failed")])).is_empty());
    assert!(counts(&between, &ann(&[(0, "failed")])).is_empty(), "one event is not two steps");
    let first = over(
        "type: sequence\n  timespan: 1h\n  steps:\n    - not: failed\n      within: 10m\n    - rule: worked",
    );
    assert_eq!(counts(&first, &ann(&[(0, "worked")])), [1]);
    assert!(counts(&first, &ann(&[(0, "failed"), (600, "worked")])).is_empty());
}

#[test]
fn what_is_new_is_told_once_whoever_does_it_is_known() {
    const DAY: i64 = 86_400;
    let rule = "title: T\nid: t\ncorrelation:\n  type: first_seen\n  rules: [worked]\n  entity: [userIdentity.userName]\n  terms: [sourceIPAddress]\n  history: 30d\n  learning: 14d";
    let at = |day: i64, from: &str| sign_in(day * DAY, "worked", "ann", from);
    let counts = |rule: &str, events: &[(i64, String)]| -> Vec<u64> {
        run_at_once(&rules(rule), events).iter().map(|finding| finding.count).collect()
    };
    assert!(counts(rule, &[at(0, "a"), at(13, "b")]).is_empty(), "still learning");
    assert_eq!(counts(rule, &[at(0, "a"), at(14, "b"), at(15, "b")]), [1], "once");
    assert_eq!(counts(rule, &[at(15, "b"), at(14, "b"), at(0, "a")]), [1], "in any order");
    assert!(counts(rule, &[at(0, "a"), at(20, "a")]).is_empty(), "known");
    assert_eq!(
        counts(rule, &[at(0, "a"), at(20, "b"), at(31, "a")]),
        [1, 1],
        "forgotten after 30 days"
    );
    let bob = sign_in(20 * DAY, "worked", "bob", "c");
    assert!(counts(rule, &[at(0, "a"), bob]).is_empty(), "nobody knows bob yet");
    let at_once = rule.replace("learning: 14d", "learning: 0d");
    let minutes = |minute: i64, from: &str| sign_in(minute * 60, "worked", "ann", from);
    assert!(counts(&at_once, &[minutes(0, "a"), minutes(5, "a")]).is_empty(), "at home");
    assert_eq!(counts(&at_once, &[minutes(5, "b"), minutes(0, "a")]), [1], "away from home");
}

/// The terms of a day, and the days of a history, are a matter of the set of events only.
#[test]
fn more_than_is_usual_at_this_hour_of_the_week_is_told() {
    const WEEK: i64 = 7 * 86_400;
    let rule = "title: T\nid: t\ncorrelation:\n  type: rate\n  rules: [worked]\n  group-by: [userIdentity.userName]\n  history: 28d\n  deviations: 6\n  floor: 20\n  buckets: 2";
    // START lies within an hour: the first bucket of the hour behind it.
    let hour = 3600 - START.rem_euclid(3600);
    let burst = |week: i64, bucket: i64, count: i64| -> Vec<(i64, String)> {
        let begin = hour + week * WEEK + bucket * 300;
        (0..count).map(|n| sign_in(begin + n, "worked", "ann", "a")).collect()
    };
    let usual: Vec<_> = (0..3).flat_map(|week| burst(week, 0, 5)).collect();
    let counts = |rule: &str, events: &[(i64, String)]| -> Vec<u64> {
        run_at_once(&rules(rule), events).iter().map(|finding| finding.count).collect()
    };
    let with = |more: &[Vec<(i64, String)>]| {
        let all: Vec<_> = usual.iter().chain(more.iter().flatten()).cloned().collect();
        counts(rule, &all)
    };
    assert!(with(&[burst(3, 0, 25)]).is_empty(), "one bucket");
    assert_eq!(with(&[burst(3, 0, 25), burst(3, 1, 30)]), [30], "two; the higher is told");
    assert!(with(&[burst(3, 0, 25), burst(3, 2, 30)]).is_empty(), "with a gap");
    assert!(with(&[burst(3, 0, 19), burst(3, 1, 19)]).is_empty(), "below the floor");
    let few = [burst(0, 0, 25), burst(0, 1, 25)].concat();
    assert!(counts(rule, &few).is_empty(), "no history");
}

#[test]
fn a_filter_leaves_out_what_it_describes() {
    let filter = |rules: &str, condition: &str| {
        format!(
            "{FIVE}---\ntitle: F\nlogsource: {{product: aws, service: cloudtrail}}\nfilter:\n  rules: {rules}\n  tests: {{userIdentity.userName: ann}}\n  condition: {condition}\n"
        )
    };
    let events: Vec<_> = (0..5).map(|n| (n * 60, "failed")).collect();
    assert_eq!(counts(FIVE, &ann(&events)), [5]);
    assert!(counts(&filter("[failed]", "tests"), &ann(&events)).is_empty());
    assert!(counts(&filter("any", "tests"), &ann(&events)).is_empty());
    assert_eq!(counts(&filter("[worked]", "tests"), &ann(&events)), [5]);
    let told = refusals(&filter("[failed]", "not tests"));
    assert!(told[0].contains("must not begin with `not`"), "{told:?}");
    let told = refusals(&filter("[faild]", "tests"));
    assert!(
        told[0]
            .contains("filter.rules: no rule has the id or name \"faild\"; did you mean failed?"),
        "{told:?}"
    );
    let told = refusals(&filter("[five]", "tests"));
    assert!(told[0].contains("is a correlation"), "{told:?}");
}

#[test]
fn sums_and_means_and_percentiles() {
    let rule = |condition: &str, kind: &str| {
        over(&format!(
            "type: {kind}\n  rules: [worked]\n  timespan: 10m\n  condition: {{field: bytes, {condition}}}"
        ))
    };
    let bytes = |numbers: &[i64]| -> Vec<(i64, String)> {
        let with = |n: &i64| format!("{{\"bytes\":{n},");
        numbers
            .iter()
            .enumerate()
            .map(|(at, n)| {
                let (second, record) = sign_in(i64::try_from(at).unwrap(), "worked", "ann", "a");
                (second, record.replacen('{', &with(n), 1))
            })
            .collect()
    };
    assert_eq!(counts(&rule("gt: 100", "value_sum"), &bytes(&[60, 30, 11])), [3]);
    assert!(counts(&rule("gt: 101", "value_sum"), &bytes(&[60, 30, 11])).is_empty());
    assert_eq!(counts(&rule("gte: 200.5", "value_avg"), &bytes(&[1, 400])), [2]);
    assert!(counts(&rule("gte: 200.6", "value_avg"), &bytes(&[1, 400])).is_empty());
    assert_eq!(counts(&rule("eq: 7", "value_median"), &bytes(&[9, 7, 1])), [3]);
    assert_eq!(
        counts(&rule("gte: 9, percentile: 90", "value_percentile"), &bytes(&[1, 1, 9])),
        [3]
    );
}

fn entries(rules: &Detections, seconds: impl Iterator<Item = i64>) -> Signal {
    let one = &signals(rules, &ann(&[(0, "failed")]))[0].1[0];
    let wk_model::signal::Seen::Entries(like) = &one.seen else { panic!("{one:?}") };
    let entry = |second: i64| {
        let mut entry = like[0].clone();
        entry.sample.event.time = Timestamp::from_seconds(START + second);
        entry.sample.event.id = second.to_string();
        entry
    };
    Signal { seen: wk_model::signal::Seen::Entries(seconds.map(entry).collect()), ..one.clone() }
}

/// A key with very many events is bounded, finds what it finds, and says what it let go.
#[test]
fn a_key_with_very_many_events_is_bounded_and_tells_it() {
    const MANY: i64 = 40_000;
    let rules = rules(FIVE);
    let rule = &rules.stateful().rules()[0];
    let flood = entries(&rules, (0..MANY).map(|n| n / 200));
    let flood = Signal { seen: flood.seen, ..flood };
    let wk_model::signal::Seen::Entries(mut all) = flood.seen.clone() else { panic!() };
    for (n, entry) in all.iter_mut().enumerate() {
        entry.sample.event.id = n.to_string();
    }
    let seen = wk_model::signal::Seen::Entries(all);
    let flood = Signal { seen, ..flood };
    let now = Timestamp::from_seconds(START + 600);
    let stepped = super::step(rule, &flood.key, None, vec![flood.clone()], now);
    assert_eq!(stepped.sightings.len(), 40_000);
    assert_eq!(stepped.dropped, 20_000, "what is kept for events to come is bounded");
    assert!(stepped.state.unwrap().len() < 4 << 20);
}

/// Sequences look at rows of events, so a flood could make them slow; it cannot.
#[test]
fn a_flood_of_one_moment_does_not_make_a_sequence_slow() {
    let text = over(
        "type: sequence\n  timespan: 1h\n  steps: [{rule: failed}, {not: worked}, {rule: failed}, {rule: failed}]",
    );
    let rules = rules(&text);
    let rule = &rules.stateful().rules()[0];
    let flood = entries(&rules, 0..800);
    let now = Timestamp::from_seconds(START + 10_000);
    let stepped = super::step(rule, &flood.key, None, vec![flood.clone()], now);
    assert_eq!(stepped.sightings.len(), 800);
}

#[test]
fn bytes_that_are_no_state_begin_it_anew() {
    let rules = rules(FIVE);
    let rule = &rules.stateful().rules()[0];
    let signal = entries(&rules, 0..3);
    let now = Timestamp::from_seconds(START + 10);
    let stepped = super::step(rule, &signal.key, None, vec![signal.clone()], now);
    let state = stepped.state.unwrap();
    for length in 0..state.len() {
        let cut = &state[..length];
        let stepped = super::step(rule, &signal.key, Some(cut), vec![signal.clone()], now);
        assert!(stepped.begun_anew && stepped.state.as_deref() == Some(&state[..]), "{length}");
    }
    let changed = self::rules(&FIVE.replace("gte: 5", "gte: 6"));
    let rule = &changed.stateful().rules()[0];
    assert!(super::step(rule, &signal.key, Some(&state), vec![], now).begun_anew);
}

#[test]
fn files_of_hostile_size_are_refused_in_time() {
    let many =
        |n: usize, of: &str| (0..n).map(|n| format!("{of}{n}")).collect::<Vec<_>>().join(", ");
    let told = refusals(&FIVE.replace("[failed]", &format!("[{}]", many(100_000, "r"))));
    assert!(told[0].contains("correlation.rules: more than 1000"), "{}", told[0]);
    let told = refusals(&FIVE.replace("gte: 5", "gte: 1000000"));
    assert!(told[0].contains("more than 10000"), "{}", told[0]);
    let told = refusals(&FIVE.replace("15m", "90d"));
    assert!(told[0].contains("longer than 31 days"), "{}", told[0]);
    // A thousand correlations, none of whose references is there: few names are compared.
    let missing: Vec<String> = (0..1_000)
        .map(|n| {
            FIVE.replace("id: five", &format!("id: i{n}")).replace("[failed]", &format!("[x{n}]"))
        })
        .collect();
    assert_eq!(refusals(&missing.join("---")).len(), 1_000);
    // Each stands on the one before; eight may.
    let deep: Vec<String> = (0..20)
        .map(|n| {
            let below = if n == 0 { "failed".to_owned() } else { format!("n{}", n - 1) };
            FIVE.replace("id: five", &format!("id: i{n}\nname: n{n}"))
                .replace("[failed]", &format!("[{below}]"))
        })
        .collect();
    let told = refusals(&deep.join("---"));
    assert!(
        told.len() == 12 && told[0].contains("stands on more than 8 correlations"),
        "{told:#?}"
    );
}
