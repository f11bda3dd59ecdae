//! Whatever the order in which events come, and however often: the same findings, and those that
//! the plainest reading of the definitions gives over all events at once.

use std::collections::{BTreeMap, BTreeSet};

use wk_lang::sigma::{Amount, FirstSeen, Kind, Measure, Rate, SequenceStep, Together, Travel};
use wk_model::Timestamp;
use wk_model::finding::{EventRef, FindingId, Sighting};
use wk_model::signal::{Count, Entry, Sample, Seen, Signal};

use super::tests::{START, rules, sign_in, signals};
use super::{Memory, StatefulRule};
use crate::detect::Detections;
use crate::places::{Place, Places, travel};
use crate::surroundings::Surroundings;

/// Events of each finding, by the finding's id.
type Findings = BTreeMap<String, BTreeSet<String>>;

/// A number that looks random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap().rem_euclid(end)
    }
    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let length = i64::try_from(choices.len()).unwrap();
        &choices[usize::try_from(self.below(length)).unwrap()]
    }
}

const ODD: &str = "name: odd\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {sourceIPAddress: [198.51.100.2, 198.51.100.4]}\n  condition: s\n---\n";

fn over(rule: &str) -> String {
    format!("{ODD}title: T\nid: t\ncorrelation:\n  group-by: [userIdentity.userName]\n  {rule}")
}

/// Correlations over sign-ins, most with a timespan of ten minutes.
fn correlations() -> Vec<String> {
    let count = |condition: &str| {
        over(&format!(
            "type: event_count\n  rules: [failed]\n  timespan: 10m\n  condition: {{{condition}}}"
        ))
    };
    let value = |kind: &str, condition: &str| {
        over(&format!(
            "type: {kind}\n  rules: [failed, worked]\n  timespan: 10m\n  condition: {{field: size, {condition}}}"
        ))
    };
    let temporal = |kind: &str, condition: &str| {
        over(&format!("type: {kind}\n  rules: [failed, worked, odd]\n  timespan: 10m{condition}"))
    };
    let sequence = |steps: &[&str]| {
        over(&format!(
            "type: sequence\n  timespan: 12m\n  steps:\n    - {{{}}}",
            steps.join("}\n    - {")
        ))
    };
    let chain_over = |inner: &str, kind: &str| {
        let inner = count(inner).replace("title: T\nid: t", "title: I\nid: i\nname: inner");
        format!(
            "{inner}\n---\ntitle: T\nid: t\ncorrelation:\n  group-by: [sourceIPAddress]\n  {kind}"
        )
    };
    let chain = |kind: &str| chain_over("gte: 2", kind);
    vec![
        chain_over(
            "eq: 2",
            "type: sequence\n  timespan: 20m\n  steps: [{rule: inner}, {not: worked, within: 5m}]",
        ),
        chain_over("eq: 2", "type: temporal\n  rules: [inner, worked]\n  timespan: 10m"),
        count("gte: 3"),
        count("gt: 1, lte: 3"),
        count("eq: 2"),
        count("neq: 2"),
        count("lt: 3"),
        value("value_count", "gte: 3").replace("field: size", "field: sourceIPAddress"),
        value("value_count", "lt: 2").replace("field: size", "field: [sourceIPAddress, size]"),
        value("value_sum", "gte: 12"),
        value("value_sum", "lte: 6"),
        value("value_avg", "gt: 3.5"),
        value("value_median", "gte: 4"),
        value("value_percentile", "percentile: 80, lt: 6"),
        temporal("temporal", ""),
        temporal("temporal", "\n  condition: {gte: 2}"),
        temporal("temporal", "\n  condition: failed and not (worked or odd)"),
        temporal("temporal", "\n  condition: odd and (failed or worked)"),
        temporal("temporal_ordered", ""),
        sequence(&["rule: failed", "rule: failed", "rule: worked, within: 4m"]),
        sequence(&["rule: failed", "not: odd", "rule: worked"]),
        sequence(&["rule: failed", "not: worked, within: 5m"]),
        sequence(&["not: failed, within: 5m", "rule: worked", "rule: odd", "not: odd, within: 3m"]),
        chain("type: temporal_ordered\n  rules: [inner, worked]\n  timespan: 20m"),
        chain("type: event_count\n  rules: [inner, odd]\n  timespan: 20m\n  condition: {gte: 3}"),
        chain(
            "type: sequence\n  timespan: 20m\n  steps: [{rule: inner}, {not: worked, within: 5m}]",
        ),
    ]
}

/// Random sign-ins, a good part of them at the same moments.
fn events(random: &mut Random, at: fn(i64) -> i64) -> Vec<(i64, String)> {
    let many = 3 + random.below(6);
    (0..many)
        .map(|_| {
            let (how, who) =
                (*random.of(&["failed", "worked"]), *random.of(&["ann", "ann", "bob"]));
            let from = *random.of(&["a", "b", "c", "d"]);
            let (second, record) = sign_in(at(random.below(24)), how, who, from);
            let with = format!("{{\"size\":{},", random.below(8));
            (second, record.replacen('{', &with, 1))
        })
        .collect()
}

/// The same, from addresses: 198.51.100.1 for a, and so on.
fn from_addresses(events: Vec<(i64, String)>) -> Vec<(i64, String)> {
    let address = |record: String| {
        ["a", "b", "c", "d"].iter().zip(1..).fold(record, |record, (from, n)| {
            let (before, after) = (format!("\"{from}\""), format!("\"198.51.100.{n}\""));
            record.replace(&before, &after)
        })
    };
    events.into_iter().map(|(second, record)| (second, address(record))).collect()
}

/// Brings events, each up to the lateness after it happened, some of them twice, some together; the
/// states are written and read at every step.
fn deliver(
    detections: &Detections,
    events: &[(i64, Vec<Signal>)],
    random: &mut Random,
    twice: bool,
) -> Vec<Sighting> {
    let grid = *random.of(&[1, 60, 300, 899]);
    let mut steps: BTreeMap<i64, Vec<Signal>> = BTreeMap::new();
    for (second, signals) in events {
        for _ in 0..if twice && random.below(3) == 0 { 2 } else { 1 } {
            // No earlier than it happened, and no later than is waited for.
            let at = second + random.below(900);
            let at = (at - at.rem_euclid(grid)).max(*second);
            steps.entry(at).or_default().extend(signals.iter().cloned());
        }
    }
    for _ in 0..random.below(4) {
        steps.entry(random.below(7_200)).or_default();
    }
    let mut memory = Memory::default();
    let (mut sightings, mut now) = (Vec::new(), Timestamp::from_seconds(START - 900));
    for (second, mut signals) in steps {
        // Steps in between, when something is due.
        let then = Timestamp::from_seconds(START + second);
        while let Some(due) = memory.due().filter(|due| *due < then) {
            now = now.max(due).plus_seconds(1);
            sightings.extend(memory.advance(detections.stateful(), Vec::new(), now.min(then)));
        }
        now = then;
        if random.below(2) == 0 {
            signals.reverse();
        }
        sightings.extend(memory.advance(detections.stateful(), signals, now));
    }
    for _ in 0..1_000 {
        let Some(due) = memory.due() else { break };
        now = now.max(due).plus_seconds(1);
        sightings.extend(memory.advance(detections.stateful(), Vec::new(), now));
    }
    assert!(memory.is_empty(), "everything is over");
    sightings
}

fn folded(sightings: &[Sighting]) -> Findings {
    let mut findings = Findings::new();
    for sighting in sightings {
        let events = findings.entry(sighting.finding.0.clone()).or_default();
        assert!(events.insert(sighting.event.id.clone()), "a sighting comes once");
    }
    findings
}

/// How many times the events of one set are shuffled, and how many sets there are.
const SHUFFLES: usize = 40;
const SETS: u64 = 25;

/// `at` says when the moments are, from 0 to 23, at which there may be events.
fn check(rule: &str, at: fn(i64) -> i64, twice: bool) {
    check_with(&rules(rule), rule, at, twice);
}

fn check_with(detections: &Detections, rule: &str, at: fn(i64) -> i64, twice: bool) {
    let mut found_something = 0;
    for set in 0..SETS {
        let mut random = Random(set * 7_919 + 17);
        let events = from_addresses(events(&mut random, at));
        let signals = signals(detections, &events);
        let expected = Oracle::of(detections).findings(&signals);
        found_something += u64::from(!expected.is_empty());
        for shuffle in 0..SHUFFLES {
            let found = folded(&deliver(detections, &signals, &mut random, twice));
            assert_eq!(found, expected, "{rule}\nset {set}, shuffle {shuffle}: {events:#?}");
        }
    }
    assert!(found_something > 0, "some of the sets must have a finding: {rule}");
}

/// A thousand shuffles for each correlation; in parts, because they take their time.
fn part(n: usize) {
    correlations().iter().skip(n).step_by(13).for_each(|rule| check(rule, |n| n * 60, true));
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_01() {
    part(0);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_02() {
    part(1);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_03() {
    part(2);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_04() {
    part(3);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_05() {
    part(4);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_06() {
    part(5);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_07() {
    part(6);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_08() {
    part(7);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_09() {
    part(8);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_10() {
    part(9);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_11() {
    part(10);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_12() {
    part(11);
}

#[test]
fn findings_are_those_of_the_definitions_in_a_thousand_orders_13() {
    part(12);
}

#[test]
fn what_is_first_is_first_in_any_order() {
    for (history, learning) in [("1d", "0d"), ("2d", "1d"), ("1d", "2d")] {
        let rule = over(&format!(
            "type: first_seen\n  rules: [failed, worked]\n  terms: [sourceIPAddress]\n  history: {history}\n  learning: {learning}"
        ));
        check(&rule, |n| n * 7 * 3_600, true);
    }
}

/// Counts are of events that were told apart at ingest, so none comes twice.
#[test]
fn what_is_unusual_is_unusual_in_any_order() {
    let rule = over(
        "type: rate\n  rules: [failed, worked]\n  history: 14d\n  learning: 7d\n  floor: 1\n  deviations: 2\n  buckets: 1",
    );
    check(&rule, |n| n * (84 * 3_600 + 100), false);
    // Eight buckets one after the other, in each of three weeks.
    let rows = |n: i64| n / 8 * 7 * 86_400 + n % 8 * 300;
    check(&rule.replace("buckets: 1", "buckets: 2"), rows, false);
}

#[test]
fn travel_is_impossible_in_any_order() {
    let rule = over(
        "type: impossible_travel\n  rules: [failed, worked]\n  timespan: 12h\n  speed: 900\n  distance: 500",
    );
    let mut places = Places::none();
    // Berlin, Leipzig, Sydney, and a country of which no more is known.
    for (address, position) in [
        ("198.51.100.1", "DE EU 52.52 13.4 20"),
        ("198.51.100.2", "DE EU 51.34 12.37 20"),
        ("198.51.100.3", "AU OC -33.87 151.21 50"),
        ("198.51.100.4", "BR SA"),
    ] {
        places.suppose(address.parse().unwrap(), Place::at(position).unwrap());
    }
    let detections = rules(&rule).with_surroundings(Surroundings::new(places, &[]));
    check_with(&detections, &rule, |n| n * 3_000, true);
    // Without a database nothing is known, and nothing is found.
    let blind = rules(&rule);
    let mut random = Random(5);
    let events = from_addresses(events(&mut random, |n| n * 3_000));
    assert!(signals(&blind, &events).iter().all(|(_, signals)| signals.is_empty()));
}

/// The definitions, read plainly, over all events.
struct Oracle<'a> {
    detections: &'a Detections,
    findings: Findings,
}

impl<'a> Oracle<'a> {
    fn of(detections: &'a Detections) -> Self {
        Self { detections, findings: Findings::new() }
    }

    fn findings(mut self, signals: &[(i64, Vec<Signal>)]) -> Findings {
        let mut all: Vec<Signal> = signals.iter().flat_map(|(_, s)| s.iter().cloned()).collect();
        for rule in self.detections.stateful().rules() {
            let mut by_key: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
            for signal in all.iter().filter(|signal| signal.rule == rule.rule.id) {
                by_key.entry(signal.key.clone()).or_default().push(signal.seen.clone());
            }
            for (key, seen) in by_key {
                all.extend(self.of_key(rule, &key, &seen));
            }
        }
        self.findings
    }

    /// What is found for a key; answers what the rules above see of it.
    fn of_key(&mut self, rule: &StatefulRule, key: &str, seen: &[Seen]) -> Vec<Signal> {
        let mut ends = BTreeSet::new();
        // What is known of one event is known of one event.
        let mut united: BTreeMap<(EventRef, Option<String>), Entry> = BTreeMap::new();
        for seen in seen {
            let Seen::Entries(entries) = seen else { continue };
            for entry in entries {
                let of = (entry.sample.event.clone(), entry.value.clone());
                united.entry(of).or_insert_with(|| entry.clone()).take_in(entry);
            }
        }
        let entries: Vec<&Entry> = united.values().collect();
        let mut told: Vec<(&Sample, &Sample)> = Vec::new();
        match &rule.correlation.kind {
            Kind::FirstSeen(kind) => told.extend(first_seen(kind, seen).map(|s| (s, s))),
            Kind::Rate(kind) => told.extend(rate(kind, seen).map(|s| (s, s))),
            Kind::Sequence(steps) => {
                let span = rule.correlation.timespan_seconds;
                for row in rows(steps, span, &entries) {
                    let last = &row.last().unwrap().sample;
                    told.extend(row.iter().map(|entry| (&entry.sample, last)));
                }
            }
            Kind::Travel(kind) => {
                let span = rule.correlation.timespan_seconds;
                for (earlier, later) in pairs(kind, span, &entries) {
                    told.extend([(&earlier.sample, &later.sample), (&later.sample, &later.sample)]);
                }
            }
            kind => {
                for end in &entries {
                    let window = window(rule, &entries, end.sample.event.time);
                    if holds(kind, rule.refers.len(), &window) {
                        told.extend(window.iter().map(|entry| (&entry.sample, &end.sample)));
                    }
                }
            }
        }
        for (sample, end) in told {
            let bucket = end.event.time.floor_to(rule.window_seconds);
            let id = FindingId::of_rule(&rule.rule.id, "111122223333", "", key, bucket);
            if rule.alerts {
                self.findings.entry(id.0).or_default().insert(sample.event.id.clone());
            }
            ends.insert(end);
        }
        ends.into_iter().flat_map(|end| above(rule, end)).collect()
    }
}

fn above<'a>(rule: &'a StatefulRule, end: &'a Sample) -> impl Iterator<Item = Signal> + 'a {
    rule.above.iter().flat_map(move |(id, place)| {
        let above = end.above.iter().filter(move |a| a.rule == *id && a.place == *place);
        above.map(move |above| {
            let entry =
                Entry { sample: end.clone(), rules: vec![*place], value: above.value.clone() };
            let (rule, key) = (id.clone(), above.key.clone());
            let seen = Seen::Entries(vec![entry]);
            Signal { rule, key, account: None, seen, left_out: 0 }
        })
    })
}

fn window<'a>(rule: &StatefulRule, entries: &[&'a Entry], end: Timestamp) -> Vec<&'a Entry> {
    let begin = end.plus_seconds(-rule.correlation.timespan_seconds);
    let within = |entry: &&&Entry| (begin..=end).contains(&entry.sample.event.time);
    entries.iter().filter(within).copied().collect()
}

fn holds(kind: &Kind, rules: usize, window: &[&Entry]) -> bool {
    let numbers = || -> Vec<Amount> {
        window.iter().filter_map(|e| Amount::read(e.value.as_deref()?)).collect()
    };
    let total = |n: &[Amount]| n.iter().fold(Amount::default(), |sum, n| sum.plus(*n));
    let matched = |place: usize| {
        window.iter().any(|entry| entry.rules.iter().any(|rule| usize::from(*rule) == place))
    };
    match kind {
        Kind::EventCount(bounds) => bounds.hold(Amount::whole(window.len() as u64)),
        Kind::ValueCount(_, bounds) => {
            let values: BTreeSet<_> = window.iter().map(|entry| entry.value.clone()).collect();
            bounds.hold(Amount::whole(values.len() as u64))
        }
        Kind::Value(Measure::Sum, _, bounds) => bounds.hold(total(&numbers())),
        Kind::Value(Measure::Average, _, bounds) => {
            let numbers = numbers();
            !numbers.is_empty() && bounds.hold_of_mean(total(&numbers), numbers.len() as u64)
        }
        Kind::Value(Measure::Percentile(percent), _, bounds) => {
            let mut numbers = numbers();
            numbers.sort_unstable();
            let rank = (numbers.len() * usize::from(*percent)).div_ceil(100).max(1);
            numbers.get(rank - 1).is_some_and(|number| bounds.hold(*number))
        }
        Kind::Temporal(Together::Count(bounds)) => {
            let there = (0..rules).filter(|place| matched(*place)).count();
            bounds.hold(Amount::whole(there as u64))
        }
        Kind::Temporal(Together::Condition(condition)) => condition.holds(&matched),
        Kind::TemporalOrdered => in_order(window, 0, rules, Timestamp::from_micros(i64::MIN)),
        Kind::FirstSeen(_) | Kind::Rate(_) | Kind::Sequence(_) | Kind::Travel(_) => {
            unreachable!("no windows")
        }
    }
}

fn in_order(window: &[&Entry], rule: usize, rules: usize, from: Timestamp) -> bool {
    rule == rules
        || window.iter().any(|entry| {
            let time = entry.sample.event.time;
            time >= from && is(entry, rule) && in_order(window, rule + 1, rules, time)
        })
}

fn is(entry: &Entry, rule: usize) -> bool {
    entry.rules.iter().any(|r| usize::from(*r) == rule)
}

/// Every two events between which nobody travels.
fn pairs<'a>(kind: &Travel, span: i64, entries: &[&'a Entry]) -> Vec<(&'a Entry, &'a Entry)> {
    let limits = travel::Limits {
        speed_kmh: f64::from(kind.speed_kmh),
        distance_km: f64::from(kind.distance_km),
    };
    let mut pairs = Vec::new();
    for (n, later) in entries.iter().enumerate() {
        for earlier in &entries[..n] {
            let place = |entry: &Entry| Place::at(entry.value.as_deref().unwrap()).unwrap();
            let (from, to) = (place(earlier), place(later));
            let time = |entry: &Entry| entry.sample.event.time;
            let seen = travel::Seen { time: time(earlier), place: &from };
            let then = travel::Seen { time: time(later), place: &to };
            let verdict = travel::travel(seen, then, limits).verdict;
            let near = time(earlier).plus_seconds(span) >= time(later);
            if near && verdict == travel::Verdict::Impossible {
                pairs.push((*earlier, *later));
            }
        }
    }
    pairs
}

/// Every row of events of a sequence, by trying them all.
fn rows<'a>(steps: &[SequenceStep], span: i64, entries: &[&'a Entry]) -> Vec<Vec<&'a Entry>> {
    let wanted: Vec<usize> = (0..steps.len()).filter(|step| !steps[*step].not).collect();
    let mut rows: Vec<Vec<&Entry>> = vec![Vec::new()];
    for step in &wanted {
        let mut longer = Vec::new();
        for row in &rows {
            for entry in entries.iter().filter(|entry| is(entry, steps[*step].rule)) {
                let mut row = row.clone();
                row.push(entry);
                longer.push(row);
            }
        }
        rows = longer;
    }
    let time = |entry: &Entry| entry.sample.event.time;
    let quiet = |rule: usize, begin: Timestamp, end: Timestamp, but: &[usize]| {
        let forbidden = |entry: &&&Entry| {
            let own = but.iter().any(|own| is(entry, *own));
            is(entry, rule) && !own && (begin..=end).contains(&time(entry))
        };
        !entries.iter().any(|entry| forbidden(&entry))
    };
    rows.retain(|row| {
        let (first, last) = (time(row[0]), time(row[row.len() - 1]));
        let mut good = first.plus_seconds(span) >= last;
        for (n, pair) in row.windows(2).enumerate() {
            let (from, to) = (wanted[n], wanted[n + 1]);
            let within = steps[to].within_seconds.unwrap_or(span);
            let (begin, end) = (time(pair[0]), time(pair[1]));
            good &= begin <= end && begin.plus_seconds(within) >= end;
            good &= pair[0].sample.event != pair[1].sample.event;
            let own = [steps[from].rule, steps[to].rule];
            good &= steps[from + 1..to].iter().all(|not| quiet(not.rule, begin, end, &own));
        }
        let own = [steps[wanted[0]].rule];
        good &= steps[..wanted[0]].iter().all(|not| {
            let within = not.within_seconds.unwrap_or(span);
            quiet(not.rule, first.plus_seconds(-within), first, &own)
        });
        let own = [steps[wanted[wanted.len() - 1]].rule];
        good &= steps[wanted[wanted.len() - 1] + 1..].iter().all(|not| {
            let within = not.within_seconds.unwrap_or(span);
            quiet(not.rule, last, last.plus_seconds(within), &own)
        });
        good
    });
    rows
}

fn first_seen<'a>(kind: &FirstSeen, seen: &'a [Seen]) -> impl Iterator<Item = &'a Sample> {
    let mut terms: Vec<(&str, &Sample)> = Vec::new();
    for seen in seen {
        let Seen::Terms(all) = seen else { continue };
        terms.extend(all.iter().map(|term| (term.term.as_str(), &term.first)));
    }
    let history = i32::try_from(kind.history_days).unwrap();
    let learning = i64::from(kind.learning_days) * 86_400;
    let day_of = |time: Timestamp| time.day().number();
    let day = move |sample: &Sample| day_of(sample.event.time);
    let all = terms.clone();
    let first = terms.into_iter().filter(move |(term, sample)| {
        let before = |other: &&(&str, &Sample)| {
            other.0 == *term
                && (day(sample) - history..=day(sample)).contains(&day(other.1))
                && other.1 < *sample
        };
        // Known since the first event before which there is a gap.
        let mut since = sample.event.time;
        let mut earlier: Vec<&Sample> =
            all.iter().map(|(_, s)| *s).filter(|s| s < sample).collect();
        earlier.sort();
        for other in earlier.into_iter().rev() {
            if day_of(since) - day(other) > history {
                break;
            }
            since = other.event.time;
        }
        let learned =
            since < sample.event.time && since.plus_seconds(learning) <= sample.event.time;
        learned && !all.iter().any(|other| before(&other))
    });
    first.map(|(_, sample)| sample)
}

fn rate<'a>(kind: &Rate, seen: &'a [Seen]) -> impl Iterator<Item = &'a Sample> {
    let mut counts: BTreeMap<i64, Vec<&Count>> = BTreeMap::new();
    for seen in seen {
        let Seen::Counts(all) = seen else { continue };
        all.iter().for_each(|count| counts.entry(count.bucket).or_default().push(count));
    }
    let count = |bucket: i64| counts.get(&bucket).map_or(0, |all| all.len() as u64);
    let high = |bucket: i64| {
        // Known since the first bucket before which there is a gap.
        let mut since = bucket;
        for other in counts.range(..bucket).rev().map(|(other, _)| *other) {
            if since - other > i64::from(kind.history_weeks) * 2_016 + 12 {
                break;
            }
            since = other;
        }
        let mut usual: Vec<f64> = Vec::new();
        for week in 1..=i64::from(kind.history_weeks) {
            let hour = bucket.div_euclid(12) * 12 - week * 2_016;
            let there = (hour..hour + 12).filter(|b| *b >= since);
            #[expect(clippy::cast_precision_loss, reason = "they are few")]
            usual.extend(there.map(|b| count(b) as f64));
        }
        let median = |numbers: &[f64]| {
            let mut sorted = numbers.to_vec();
            sorted.sort_by(f64::total_cmp);
            (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
        };
        if usual.is_empty() || since + i64::from(kind.learning_days) * 288 > bucket {
            return false;
        }
        let middle = median(&usual);
        let far: Vec<f64> = usual.iter().map(|n| (n - middle).abs()).collect();
        #[expect(clippy::cast_precision_loss, reason = "they are few")]
        let (deviations, there) = (kind.deviations.millionths() as f64 / 1e6, count(bucket) as f64);
        count(bucket) >= kind.floor && there >= middle + deviations * median(&far)
    };
    let row = i64::from(kind.buckets);
    let told: Vec<&Sample> = counts
        .iter()
        .filter(|(bucket, _)| {
            // It is one of so many high buckets without a gap.
            (0..row).any(|n| (0..row).all(|m| high(**bucket - n + m)))
        })
        .filter_map(|(_, all)| all.iter().map(|count| &count.first).min())
        .collect();
    told.into_iter()
}
