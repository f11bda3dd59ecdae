//! The tests that stand in rules, run.
//!
//! * Each test says of one event, or of a story of several, that its rule fires or stays quiet.
//! * A story is run as it happened, at once, and as deliveries that come late, out of order and
//!   twice: what is found must be the same each time.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use wk_lang::sigma::{Around, Expected, LogSource, RuleTest};
use wk_model::finding::Sighting;
use wk_model::{Signal, Timestamp};

use crate::detect::Detections;
use crate::lists::{self, Format, ListSpec};
use crate::own::{Aged, Host, Origin, Own};
use crate::places::{Place, Places};
use crate::sources::{self, Source};
use crate::stateful::{Happened, Memory, StatefulRule, Target, signals_of};
use crate::surroundings::Surroundings;

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The file of the rule.
    pub file: String,
    /// The rule's id.
    pub rule: String,
    /// What the rule finds.
    pub title: String,
    /// What the test shows.
    pub test: String,
    /// Whether the rule does as the test says.
    pub passed: bool,
    /// Why not; empty where it does.
    pub why: String,
}

/// How many times the deliveries of a story are shuffled; of a long one, fewer times.
const SHUFFLES: u64 = 20;
const SHUFFLES_OF_LONG: u64 = 2;
/// From how many events on a story is long.
const LONG: usize = 40;
/// When stories begin: Monday 2026-03-02, at midnight.
const BEGIN: i64 = 1_772_409_600;
/// How often a story's states are stepped after its end, at most.
const STEPS_AFTER_MAX: usize = 10_000;

/// Runs every test of every rule.
pub fn rehearse(detections: &Detections) -> Vec<Rehearsed> {
    let mut answers = Vec::new();
    for (place, single) in detections.rules().iter().enumerate() {
        let source = source_of(&single.sigma.logsource);
        for test in &single.sigma.extension.tests {
            let why = match Supposed::of(detections, &single.file, &test.around) {
                None => of_single(detections, place, source, test),
                Some(Err(why)) => Some(why),
                Some(Ok(Supposed(own))) => {
                    let same = own.rules().iter().position(|r| r.rule.id == single.rule.id);
                    same.map_or(Some(GONE.to_owned()), |same| of_single(&own, same, source, test))
                }
            };
            let (file, rule, title) = (&single.file, &single.rule.id, &single.title);
            answers.push(Rehearsed::of(file, rule, title, test, why));
        }
    }
    for rule in detections.stateful().rules() {
        let source = source_of_several(detections, rule);
        for test in &rule.correlation.about.extension.tests {
            let why = match Supposed::of(detections, &rule.file, &test.around) {
                None => of_several(detections, rule, source, test),
                Some(Err(why)) => Some(why),
                Some(Ok(Supposed(own))) => match own.stateful().find(&rule.rule.id) {
                    None => Some(GONE.to_owned()),
                    Some(same) => of_several(&own, same, source, test),
                },
            };
            answers.push(Rehearsed::of(&rule.file, &rule.rule.id, &rule.title, test, why));
        }
    }
    answers
}

const GONE: &str =
    "the file of the rule alone does not hold it: `around` needs all it refers to there";

/// The rules of a file, with what a test supposes around its events in the place of what the user's
/// lists and databases say.
struct Supposed(Detections);

impl Supposed {
    /// `None` where the test supposes nothing.
    fn of(detections: &Detections, file: &str, around: &Around) -> Option<Result<Self, String>> {
        if around.is_empty() {
            return None;
        }
        let text = detections.text_of(file).unwrap_or_default().to_owned();
        Some(Self::read((file.to_owned(), text), around))
    }

    fn read(file: (String, String), around: &Around) -> Result<Self, String> {
        let mut places = Places::none();
        for (address, position) in &around.places {
            let at = address.parse().map_err(|_| format!("{address:?} is no address"))?;
            let place = Place::at(position).ok_or_else(|| {
                format!("{position:?} is no position such as DE EU 52.52 13.4 20")
            })?;
            places.suppose(at, place);
        }
        let now = Timestamp::from_seconds(BEGIN);
        let mut lists = Vec::new();
        for (name, entries) in &around.lists {
            let spec = ListSpec::new(name, "around", Format::Plain);
            let text = entries.join("\n");
            lists.push(lists::read(&spec, text.as_bytes(), now, now).map_err(|e| e.to_string())?);
        }
        let (for_rules, _) = lists::for_rules(&lists);
        let (own, _) = Detections::read_with(std::iter::once(file), &for_rules);
        let surroundings = Surroundings::new(places, &lists).with_own(hosts(around)?, ALWAYS);
        Ok(Self(own.with_surroundings(surroundings)))
    }
}

/// What a test supposes of hosts is true at any time.
const ALWAYS: Aged = Aged { hours_max: 100 * 366 * 24 };

/// The hosts that a test supposes, as our own.
fn hosts(around: &Around) -> Result<Own, String> {
    let at = Timestamp::from_seconds(BEGIN);
    let origin = Origin { by: "around".to_owned(), evidence: "a test".to_owned(), at };
    let mut own = Own::default();
    for (id, addresses) in &around.hosts {
        let read = addresses.iter().map(|address| {
            address.parse::<IpAddr>().map_err(|_| format!("{address:?} is no address"))
        });
        let addresses: BTreeSet<IpAddr> = read.collect::<Result<_, _>>()?;
        own.addresses.extend(addresses.iter().map(|address| (*address, origin.clone())));
        let host = Host {
            account: String::new(),
            region: String::new(),
            profile: None,
            network: None,
            started: None,
            addresses,
            origin: origin.clone(),
        };
        own.hosts.insert(id.clone(), host);
    }
    Ok(own)
}

impl Rehearsed {
    fn of(file: &str, rule: &str, title: &str, test: &RuleTest, why: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            rule: rule.to_owned(),
            title: title.to_owned(),
            test: test.name.clone(),
            passed: why.is_none(),
            why: why.unwrap_or_default(),
        }
    }
}

/// The source whose records a log source is.
fn source_of(logsource: &LogSource) -> Option<&'static Source> {
    let service = logsource.service.as_deref()?;
    sources::ALL.iter().copied().find(|source| source.service == Some(service))
}

/// The source of the first single-event rule below a rule.
fn source_of_several(detections: &Detections, rule: &StatefulRule) -> Option<&'static Source> {
    let mut open: Vec<Target> = rule.refers.clone();
    open.reverse();
    while let Some(target) = open.pop() {
        match target {
            Target::Single(place) => {
                let single = detections.rules().get(place)?;
                return source_of(&single.sigma.logsource);
            }
            Target::Several(place) => {
                let below = detections.stateful().rules().get(place)?;
                open.extend(below.refers.iter().rev());
            }
        }
    }
    None
}

const NO_SOURCE: &str =
    "no source has the records that the rule's log source names; say which under `source`";

/// Why a rule over single events fails its test.
fn of_single(
    detections: &Detections,
    place: usize,
    source: Option<&'static Source>,
    test: &RuleTest,
) -> Option<String> {
    let story = match tell(detections, source, test) {
        Ok(story) => story,
        Err(why) => return Some(why),
    };
    let fires = story.iter().any(|told| told.matching.contains(&place));
    match (test.expected, fires) {
        (Expected::Fires, true) | (Expected::Quiet, false) => None,
        (Expected::Fires, false) => Some("it should fire, and stayed quiet".to_owned()),
        (Expected::Quiet, true) => Some("it should stay quiet, and fired".to_owned()),
    }
}

/// Why a rule over several events fails its test.
fn of_several(
    detections: &Detections,
    rule: &StatefulRule,
    source: Option<&'static Source>,
    test: &RuleTest,
) -> Option<String> {
    let story = match tell(detections, source, test) {
        Ok(story) => story,
        Err(why) => return Some(why),
    };
    // What only other rules look at would cost as much as this rule, and change nothing.
    let concerned = concerned(detections, rule);
    let mut story = story;
    for told in &mut story {
        told.signals.retain(|signal| concerned.contains(&*signal.rule));
    }
    let as_it_happened = Run::of(detections, rule).through(in_order(&story));
    match (test.expected, as_it_happened.fired) {
        (Expected::Fires, true) | (Expected::Quiet, false) => {}
        (Expected::Quiet, true) => return Some("it should stay quiet, and fired".to_owned()),
        (Expected::Fires, false) => {
            let looked = story.iter().filter(|told| looks_at(detections, rule, told)).count();
            let events = story.len();
            return Some(format!(
                "it should fire, and stayed quiet; it looks at {looked} of the {events} events"
            ));
        }
    }
    if Run::of(detections, rule).through(at_once(&story)) != as_it_happened {
        return Some("it finds something else when all events come at once".to_owned());
    }
    let mut random = Random::of(&test.name);
    let shuffles = if story.len() < LONG { SHUFFLES } else { SHUFFLES_OF_LONG };
    for _ in 0..shuffles {
        let deliveries = late(&story, rule.lateness_seconds, &mut random);
        if Run::of(detections, rule).through(deliveries) != as_it_happened {
            return Some("it finds something else when events come late and twice".to_owned());
        }
    }
    None
}

/// The ids of the rule and of all rules over several events below it.
fn concerned<'a>(detections: &'a Detections, rule: &'a StatefulRule) -> BTreeSet<&'a str> {
    let mut concerned = BTreeSet::from([&*rule.rule.id]);
    let mut open: Vec<Target> = rule.refers.clone();
    while let Some(target) = open.pop() {
        if let Target::Several(place) = target
            && let Some(below) = detections.stateful().rules().get(place)
            && concerned.insert(&below.rule.id)
        {
            open.extend(below.refers.iter().copied());
        }
    }
    concerned
}

/// Whether an event is one that the rule, or a rule below it, looks at.
fn looks_at(detections: &Detections, rule: &StatefulRule, told: &Told) -> bool {
    let mut open: Vec<Target> = rule.refers.clone();
    while let Some(target) = open.pop() {
        match target {
            Target::Single(place) if told.matching.contains(&place) => return true,
            Target::Single(_) => {}
            Target::Several(place) => {
                let below = detections.stateful().rules().get(place);
                open.extend(below.into_iter().flat_map(|below| below.refers.iter().copied()));
            }
        }
    }
    false
}

/// An event of a story.
struct Told {
    time: Timestamp,
    signals: Vec<Signal>,
    /// The single-event rules that match it.
    matching: Vec<usize>,
}

/// Reads the events of a test.
fn tell(
    detections: &Detections,
    source: Option<&'static Source>,
    test: &RuleTest,
) -> Result<Vec<Told>, String> {
    let mut story = Vec::new();
    let mut add = |source: Option<&'static Source>, seconds: i64, record: &str| {
        let source = source.ok_or_else(|| NO_SOURCE.to_owned())?;
        let time = Timestamp::from_seconds(BEGIN.saturating_add(seconds));
        let id = format!("event-{:06}", story.len());
        let happened = Happened { time, id: &id, record };
        let (signals, matching) = signals_of(detections, source, happened)
            .ok_or_else(|| format!("event {} is no record of {}", story.len() + 1, source.id))?;
        story.push(Told { time, signals, matching });
        Ok::<(), String>(())
    };
    if test.story.is_empty() {
        add(source, 0, &test.event)?;
    }
    for moment in &test.story {
        let own = match &moment.source {
            None => source,
            Some(name) => {
                Some(sources::named(name).ok_or_else(|| format!("no source is called {name:?}"))?)
            }
        };
        for time in 0..i64::from(moment.times) {
            let seconds =
                moment.at_seconds.saturating_add(time.saturating_mul(moment.every_seconds));
            // Each of several events may have a value of its own.
            add(own, seconds, &moment.event.replace("{n}", &time.to_string()))?;
        }
    }
    Ok(story)
}

/// What is read when: the moment of each step, and its signals.
type Deliveries = Vec<(Timestamp, Vec<Signal>)>;

fn in_order(story: &[Told]) -> Deliveries {
    let mut steps: BTreeMap<Timestamp, Vec<Signal>> = BTreeMap::new();
    for told in story {
        steps.entry(told.time).or_default().extend(told.signals.iter().cloned());
    }
    steps.into_iter().collect()
}

fn at_once(story: &[Told]) -> Deliveries {
    let last = story.iter().map(|told| told.time).max().unwrap_or_default();
    let signals = story.iter().flat_map(|told| told.signals.iter().cloned()).collect();
    vec![(last.plus_seconds(86_400), signals)]
}

/// Each event some time later, within what is waited for; events of one moment of delivery are one
/// step, so that some steps bring many.
fn late(story: &[Told], lateness: i64, random: &mut Random) -> Deliveries {
    let mut steps: BTreeMap<Timestamp, Vec<Signal>> = BTreeMap::new();
    for told in story {
        let delay = random.below(lateness.max(1)) / 30 * 30;
        let at = told.time.plus_seconds(delay);
        steps.entry(at).or_default().extend(told.signals.iter().cloned());
    }
    steps.into_iter().collect()
}

/// A story on its way through the rules.
struct Run<'a> {
    detections: &'a Detections,
    rule: &'a StatefulRule,
    memory: Memory,
    sightings: Vec<Sighting>,
}

/// What a rule found.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    fired: bool,
    /// Each finding with its events.
    findings: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Run<'a> {
    fn of(detections: &'a Detections, rule: &'a StatefulRule) -> Self {
        Self { detections, rule, memory: Memory::default(), sightings: Vec::new() }
    }

    fn through(mut self, deliveries: Deliveries) -> Found {
        let rules = self.detections.stateful();
        let mut now = Timestamp::from_seconds(BEGIN);
        for (at, signals) in deliveries {
            // Windows that close between two deliveries are judged then.
            self.until(at);
            now = at;
            self.sightings.extend(self.memory.advance(rules, signals, now));
        }
        for _ in 0..STEPS_AFTER_MAX {
            let Some(due) = self.memory.due() else { break };
            now = now.max(due).plus_seconds(1);
            self.sightings.extend(self.memory.advance(rules, Vec::new(), now));
        }
        let own = self.sightings.iter().filter(|s| s.rule.id == self.rule.rule.id);
        let mut findings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for sighting in own {
            let events = findings.entry(sighting.finding.0.clone()).or_default();
            events.insert(sighting.event.id.clone());
        }
        let fired = self.memory.has_fired(&self.rule.rule.id);
        Found { fired: fired || !findings.is_empty(), findings }
    }

    fn until(&mut self, then: Timestamp) {
        for _ in 0..STEPS_AFTER_MAX {
            let Some(due) = self.memory.due().filter(|due| *due < then) else { return };
            let rules = self.detections.stateful();
            self.sightings.extend(self.memory.advance(rules, Vec::new(), due.plus_seconds(1)));
        }
    }
}

/// Numbers that look random and are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn of(seed: &str) -> Self {
        let seed = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |n: u64, byte| {
            (n ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed | 1)
    }

    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap_or_default().rem_euclid(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "
name: failed
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, errorMessage|exists: true}
  condition: s
---
title: Five sign-ins failed
id: five
correlation:
  type: event_count
  rules: [failed]
  group-by: [userIdentity.userName]
  timespan: 15m
  condition: {gte: 5}
watchkeeper:
  tests:
    - name: five in fifteen minutes
      fires:
        - at: 0m
          times: 5
          every: 3m
          event: &failed {eventName: ConsoleLogin, errorMessage: no, userIdentity: {userName: ann}}
    - name: four
      quiet: [{at: +1m, times: 4, every: 1m, event: *failed}]
rsigma:
  exemplars:
    - name: five at once
      expect: match
      events: [{offset: 0s, times: 5, event: {eventName: ConsoleLogin, errorMessage: no}}]
    - expect: no-match
      event: {eventName: ConsoleLogin, errorMessage: no}
";

    fn run(text: &str) -> Vec<(String, String)> {
        let file = ("rules.yml".to_owned(), text.to_owned());
        let (detections, bad) = Detections::read([file].into_iter());
        assert!(bad.is_empty(), "{}", bad[0]);
        rehearse(&detections).into_iter().map(|r| (r.test, r.why)).collect()
    }

    #[test]
    fn stories_fire_and_stay_quiet_as_they_say() {
        let answers = run(RULES);
        let names: Vec<&str> = answers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["five in fifteen minutes", "four", "five at once", "exemplar 2"]);
        assert!(answers.iter().all(|(_, why)| why.is_empty()), "{answers:#?}");
    }

    #[test]
    fn a_story_that_does_otherwise_is_told() {
        let answers = run(&RULES.replace("times: 4", "times: 6").replace("gte: 5", "gte: 6"));
        let whys: Vec<&str> = answers.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(
            whys,
            [
                "it should fire, and stayed quiet; it looks at 5 of the 5 events",
                "it should stay quiet, and fired",
                "it should fire, and stayed quiet; it looks at 5 of the 5 events",
                ""
            ]
        );
    }
}
