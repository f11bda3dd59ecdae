//! Findings: what the watch reports, and the sightings they are folded from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::severity::Severity;
use crate::time::Timestamp;

/// One event that a rule matched, or that is itself a report of another product. What all sightings
/// of a rule say is shared: an attack can make very many.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Which finding it belongs to.
    pub finding: FindingId,
    /// The rule or product that says so.
    pub rule: Arc<Rule>,
    /// What was seen, as a short statement.
    pub title: Arc<str>,
    /// Severity as this sighting has it.
    pub severity: Severity,
    /// Account the event happened in.
    pub account: Option<String>,
    /// Region the event happened in.
    pub region: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// What it was done to.
    pub resources: Vec<String>,
    /// The event behind it.
    pub event: EventRef,
    /// First time of the activity that the sighting reports; for a rule, the event's time.
    pub first_seen: Timestamp,
    /// Last time of the activity that the sighting reports.
    pub last_seen: Timestamp,
    /// For reports of other products: how often they counted it. `None`: this is one event.
    pub reported_count: Option<u64>,
    /// Whether the event came live or late.
    pub origin: Origin,
    /// When what it reports was over, where that is known: only the watch's word on itself.
    pub ended: Option<Timestamp>,
    /// What a rule's match rests on; empty for what other products report.
    pub grounds: Grounds,
}

/// What a match of a rule rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The address that it came from.
    pub source_ip: Option<String>,
    /// The fields that the rule asks for, as the event has them; at most [`Grounds::MATCHED_MAX`].
    pub matched: Arc<[Matched]>,
    /// The hash of the whole set of rules that was loaded.
    pub ruleset: Option<Arc<str>>,
    /// The rule is being tried: nobody is told, nothing is done.
    pub dry_run: bool,
}

/// A field that a rule asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Matched {
    /// Its path.
    pub field: String,
    /// What the event has there; cut.
    pub value: String,
}

/// A finding: all sightings of one rule, account, actor and resource within one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Deterministic: the same events give the same id, in whatever order they come.
    pub id: FindingId,
    /// The rule or product that says so.
    pub rule: Rule,
    /// What was seen, as a short statement.
    pub title: String,
    /// From 0 to 10; of the latest sighting.
    pub severity: Severity,
    /// Account it happened in.
    pub account: Option<String>,
    /// Region of the latest sighting.
    pub region: Option<String>,
    /// Who did it; of the latest sighting, where a rule over several events saw several.
    pub actor: Option<String>,
    /// What it was done to, sorted; at most [`Finding::RESOURCES_MAX`].
    pub resources: Vec<String>,
    /// First time of the activity.
    pub first_seen: Timestamp,
    /// Last time of the activity.
    pub last_seen: Timestamp,
    /// How often: events, or the count of the product that reported it.
    pub count: u64,
    /// The events behind it, earliest first; at most [`Finding::EVENTS_MAX`].
    pub events: Vec<EventRef>,
    /// Live if any of its events came live.
    pub origin: Origin,
    /// Which event the fields of the latest sighting come from.
    pub latest: EventRef,
    /// When it was over, as the latest sighting says: a self-alert that resolved. Most findings
    /// report something that happened, which is never over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The addresses that its events came from, sorted; at most [`Finding::SOURCES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
    /// The fields that the rule asked for, as the latest event has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
    /// The set of rules that saw the latest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruleset: Option<String>,
    /// Every event of it was seen in a dry run: nobody is told, nothing is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// The identity of a finding: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(pub String);

/// Who says so: a rule of ours or of the user, or another product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The rule's id (UUID in Sigma), or the product's type of finding.
    pub id: String,
    /// First 16 digits of the SHA-256 of the rule's text; the schema version for other products.
    pub version: String,
    /// `watchkeeper`, or the product that reported it: `guardduty`, `securityhub`, …
    pub product: String,
    /// ATT&CK technique and tactic tags, without prefix: `t1098.001`.
    pub attack: Vec<String>,
    /// Points of SOC 2 CC7 it serves: `CC7.2`.
    pub controls: Vec<String>,
}

/// Where an event lies in the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventRef {
    /// When it happened.
    pub time: Timestamp,
    /// The table.
    pub table: String,
    /// Its `event_id`.
    pub id: String,
}

/// Whether an event reached us while it mattered, or as history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Received later than the limit for live events: never pages, never acts.
    BackFill,
    /// Received within the limit.
    Live,
}

impl Grounds {
    /// Fields that are kept.
    pub const MATCHED_MAX: usize = 20;
    /// Characters of a field's value that are kept.
    pub const VALUE_CHARS: usize = 300;
}

impl Rule {
    /// The product of findings that come from rules of ours or of the user.
    pub const OWN: &'static str = "watchkeeper";
    /// What stands before a route's name in the id of a rule that is no detection: the route asked,
    /// when an event came in, to be told of it.
    pub const OF_ROUTE: &'static str = "route.";
}

impl FindingId {
    /// The identity of a rule's finding: rule, account, actor, resource and window.
    pub fn of_rule(
        rule: &str,
        account: &str,
        actor: &str,
        resource: &str,
        window: Timestamp,
    ) -> Self {
        let start = window.micros().to_be_bytes();
        Self::of(&[
            b"rule",
            rule.as_bytes(),
            account.as_bytes(),
            actor.as_bytes(),
            resource.as_bytes(),
            &start,
        ])
    }
    /// The identity of a finding that another product keeps under an id of its own.
    pub fn of_report(product: &str, native: &str) -> Self {
        Self::of(&[b"report", product.as_bytes(), native.as_bytes()])
    }
    fn of(parts: &[&[u8]]) -> Self {
        Self(Sha256::of_parts(parts).digits(32))
    }
}

impl std::fmt::Display for FindingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    /// Live if it was received at most `live_seconds` after it happened.
    pub fn of(event: Timestamp, received: Timestamp, live_seconds: i64) -> Self {
        if received.seconds() - event.seconds() <= live_seconds {
            Self::Live
        } else {
            Self::BackFill
        }
    }
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackFill => "back-fill",
            Self::Live => "live",
        }
    }
}

impl Finding {
    /// How many resources a finding names; the count goes on.
    pub const RESOURCES_MAX: usize = 50;
    /// How many events a finding names (the earliest); the count goes on.
    pub const EVENTS_MAX: usize = 100;
    /// How many addresses a finding names.
    pub const SOURCES_MAX: usize = 20;

    /// A finding of one sighting.
    pub fn begin(sighting: &Sighting) -> Self {
        let mut finding = Self {
            id: sighting.finding.clone(),
            rule: (*sighting.rule).clone(),
            title: sighting.title.to_string(),
            severity: sighting.severity,
            account: sighting.account.clone(),
            region: sighting.region.clone(),
            actor: sighting.actor.clone(),
            resources: Vec::new(),
            first_seen: sighting.first_seen,
            last_seen: sighting.last_seen,
            count: 0,
            events: Vec::new(),
            origin: sighting.origin,
            latest: sighting.event.clone(),
            ended: sighting.ended,
            source_ips: Vec::new(),
            matched: sighting.grounds.matched.to_vec(),
            ruleset: sighting.grounds.ruleset.as_deref().map(str::to_owned),
            dry_run: sighting.grounds.dry_run,
        };
        finding.fold(sighting);
        finding
    }

    /// Takes one more sighting in. Each event must be folded in once; the order does not matter.
    pub fn fold(&mut self, sighting: &Sighting) {
        self.first_seen = self.first_seen.min(sighting.first_seen);
        self.last_seen = self.last_seen.max(sighting.last_seen);
        self.origin = self.origin.max(sighting.origin);
        self.count = match sighting.reported_count {
            Some(reported) => self.count.max(reported),
            None => self.count.saturating_add(1),
        };
        if sighting.event >= self.latest {
            self.latest.clone_from(&sighting.event);
            // The sightings of a finding mostly say the same.
            if self.rule != *sighting.rule {
                self.rule.clone_from(&sighting.rule);
            }
            if *self.title != *sighting.title {
                self.title = sighting.title.to_string();
            }
            self.severity = sighting.severity;
            self.actor.clone_from(&sighting.actor);
            self.region.clone_from(&sighting.region);
            self.ended = sighting.ended;
            if *self.matched != *sighting.grounds.matched {
                self.matched = sighting.grounds.matched.to_vec();
            }
            if self.ruleset.as_deref() != sighting.grounds.ruleset.as_deref() {
                self.ruleset = sighting.grounds.ruleset.as_deref().map(str::to_owned);
            }
        }
        self.dry_run &= sighting.grounds.dry_run;
        if let Some(address) = &sighting.grounds.source_ip {
            insert_sorted(&mut self.source_ips, address, Self::SOURCES_MAX);
        }
        for resource in &sighting.resources {
            insert_sorted(&mut self.resources, resource, Self::RESOURCES_MAX);
        }
        insert_sorted(&mut self.events, &sighting.event, Self::EVENTS_MAX);
    }

    /// Takes in what other events add, as if their sightings were folded in one by one.
    pub fn join(&mut self, folded: &Folded) {
        let more = &folded.finding;
        self.first_seen = self.first_seen.min(more.first_seen);
        self.last_seen = self.last_seen.max(more.last_seen);
        self.origin = self.origin.max(more.origin);
        self.count = match folded.reported {
            true => self.count.max(more.count),
            false => self.count.saturating_add(more.count),
        };
        if more.latest >= self.latest {
            self.latest.clone_from(&more.latest);
            self.rule.clone_from(&more.rule);
            self.title.clone_from(&more.title);
            self.severity = more.severity;
            self.actor.clone_from(&more.actor);
            self.region.clone_from(&more.region);
            self.ended = more.ended;
            self.matched.clone_from(&more.matched);
            self.ruleset.clone_from(&more.ruleset);
        }
        self.dry_run &= more.dry_run;
        let add = |all: &mut Vec<String>, more: &[String], max| {
            more.iter().for_each(|item| insert_sorted(all, item, max));
        };
        add(&mut self.source_ips, &more.source_ips, Self::SOURCES_MAX);
        add(&mut self.resources, &more.resources, Self::RESOURCES_MAX);
        more.events
            .iter()
            .for_each(|event| insert_sorted(&mut self.events, event, Self::EVENTS_MAX));
    }
}

/// What some events add to a finding of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The finding, as these events alone make it.
    pub finding: Finding,
    /// How many sightings there were.
    pub sightings: u64,
    /// The count is what somebody reports, so that it is not added up.
    reported: bool,
}

impl Folded {
    /// What one sighting adds.
    pub fn begin(sighting: &Sighting) -> Self {
        let reported = sighting.reported_count.is_some();
        Self { finding: Finding::begin(sighting), sightings: 1, reported }
    }

    /// Takes one more sighting in.
    pub fn fold(&mut self, sighting: &Sighting) {
        self.finding.fold(sighting);
        self.sightings += 1;
    }

    /// Takes in what other events add to the same finding.
    pub fn join(&mut self, other: &Self) {
        self.finding.join(other);
        self.sightings += other.sightings;
        self.reported |= other.reported;
    }
}

/// Keeps the smallest `max` distinct items, sorted: the same in whatever order they come.
fn insert_sorted<T: Ord + Clone>(items: &mut Vec<T>, item: &T, max: usize) {
    if let Err(place) = items.binary_search(item) {
        items.insert(place, item.clone());
        items.truncate(max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sighting(second: i64, resource: &str) -> Sighting {
        let time = Timestamp::from_seconds(second);
        Sighting {
            finding: FindingId("f".into()),
            rule: Arc::new(Rule {
                id: "r".into(),
                version: second.to_string(),
                product: "watchkeeper".into(),
                attack: vec![],
                controls: vec![],
            }),
            title: format!("t{second}").into(),
            severity: Severity::from_tenths(u8::try_from(second % 100).unwrap()),
            account: None,
            region: Some(format!("region-{second}")),
            actor: None,
            resources: vec![resource.into()],
            event: EventRef { time, table: "cloudtrail".into(), id: second.to_string() },
            first_seen: time,
            last_seen: time,
            reported_count: None,
            origin: if second % 7 == 0 { Origin::Live } else { Origin::BackFill },
            ended: (second % 5 == 0).then_some(time),
            grounds: Grounds {
                source_ip: Some(format!("192.0.2.{}", second % 200)),
                matched: [Matched { field: "f".into(), value: second.to_string() }].into(),
                ruleset: Some(second.to_string().into()),
                dry_run: second % 3 == 0,
            },
        }
    }

    proptest! {
        #[test]
        fn the_order_of_events_does_not_change_a_finding(
            (seconds, shuffled) in proptest::collection::btree_set(0i64..2_000, 1..150)
                .prop_flat_map(|s| { let v: Vec<_> = s.into_iter().collect(); (Just(v.clone()), Just(v).prop_shuffle()) })
        ) {
            let fold = |order: &[i64]| {
                let mut all = order.iter().map(|s| sighting(*s, &format!("r{s}")));
                let mut finding = Finding::begin(&all.next().unwrap());
                all.for_each(|s| finding.fold(&s));
                finding
            };
            let finding = fold(&seconds);
            prop_assert_eq!(finding.count, seconds.len() as u64);
            prop_assert_eq!(finding, fold(&shuffled));
        }
    }

    proptest! {
        #[test]
        fn what_events_add_together_is_what_they_add_one_by_one(
            seconds in proptest::collection::btree_set(0i64..2_000, 2..150), cut in 1usize..150, reported in any::<bool>(),
        ) {
            let all: Vec<Sighting> = seconds.iter().map(|s| {
                let count = reported.then_some(s.unsigned_abs());
                Sighting { reported_count: count, ..sighting(*s, &format!("r{s}")) }
            }).collect();
            let folded = |all: &[Sighting]| {
                let (first, rest) = all.split_first().unwrap();
                let mut folded = Folded::begin(first);
                rest.iter().for_each(|s| folded.fold(s));
                folded
            };
            let (a, b) = all.split_at(cut.min(all.len() - 1));
            let mut joined = folded(a).finding;
            joined.join(&folded(b));
            let mut turned = folded(b).finding;
            turned.join(&folded(a));
            prop_assert_eq!(&joined, &folded(&all).finding);
            prop_assert_eq!(joined, turned);
        }
    }

    #[test]
    fn a_products_own_count_is_taken_as_it_says() {
        let mut s = sighting(1, "r");
        s.reported_count = Some(147);
        let mut finding = Finding::begin(&s);
        s.reported_count = Some(150);
        finding.fold(&s);
        assert_eq!(finding.count, 150);
    }

    #[test]
    fn identities_differ_by_every_part() {
        let id = |r, a, w| FindingId::of_rule(r, a, "x", "y", Timestamp::from_seconds(w)).0;
        assert_ne!(id("r", "ab", 0), id("ra", "b", 0));
        assert_ne!(id("r", "a", 0), id("r", "a", 3600));
        assert_eq!(id("r", "a", 0).len(), 32);
    }
}
