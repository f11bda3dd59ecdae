//! Signals: what events are to the rules that look at several of them.
//!
//! * At ingest an event that such a rule looks at becomes a signal; signals travel with the commit
//!   of their events, so that what is known of them is a function of the committed lake.
//! * Signals of one rule and key are one signal: [`together`] makes them one, in any order, with the
//!   same outcome.

use serde::{Deserialize, Serialize};

use crate::finding::{EventRef, Origin};
use crate::time::Timestamp;

/// What some events are to one rule, for one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The rule's id.
    pub rule: String,
    /// Account and group-by values, in one text; see [`Signal::KEY_MAX`].
    pub key: String,
    /// The account, where the key holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What was seen.
    pub seen: Seen,
    /// Events that were left out because there were too many for one signal.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// What was seen, by the kind of the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Single events; earliest first.
    Entries(Vec<Entry>),
    /// The first event of a term on each day; by term and day.
    Terms(Vec<Term>),
    /// How many events there were in each bucket of time; by bucket.
    Counts(Vec<Count>),
}

/// One event that a rule looks at. Entries are in order of event time, then of the event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The event.
    pub sample: Sample,
    /// The value that is counted or summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Which of the rules that the rule refers to matched it, by their places.
    pub rules: Vec<u16>,
}

/// The first event of a term on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Term {
    /// The values of the terms, in one text.
    pub term: String,
    /// That event.
    pub first: Sample,
}

/// The events of a bucket of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count {
    /// Number of the bucket since 1970.
    pub bucket: i64,
    /// How many events.
    pub count: u64,
    /// The first of them.
    pub first: Sample,
}

/// An event, as findings tell it. Samples are in order of event time, then of the event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sample {
    /// Where it lies.
    pub event: EventRef,
    /// Whether it came live or late.
    pub origin: Origin,
    /// Region it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who did it, else where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// What it is to rules that look at findings of this rule, should it end up in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<Above>,
}

/// What an event is to a rule that looks at another rule's findings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Above {
    /// The id of the rule that looks.
    pub rule: String,
    /// At which of its places the rule stands whose finding it looks at.
    pub place: u16,
    /// Its key.
    pub key: String,
    /// The value that it counts or sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Entry {
    /// By event, then by value.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_event = self.sample.event.cmp(&other.sample.event);
        by_event.then_with(|| self.value.cmp(&other.value)).then_with(|| self.cmp(other))
    }

    /// Takes in what another entry says of the same event and value: a rule may look at an event,
    /// and at another rule's finding that the event completes. False: it is of another.
    pub fn take_in(&mut self, other: &Self) -> bool {
        if self.sample.event != other.sample.event || self.value != other.value {
            return false;
        }
        unite(&mut self.rules, &other.rules);
        unite(&mut self.sample.above, &other.sample.above);
        true
    }
}

/// Adds what is not there yet, in order.
fn unite<T: Ord + Clone>(here: &mut Vec<T>, there: &[T]) {
    here.extend(there.iter().cloned());
    here.sort();
    here.dedup();
}

impl Sample {
    /// How many resources a sample names.
    pub const RESOURCES_MAX: usize = 16;
}

impl Signal {
    /// The longest key, in bytes; longer ones are their SHA-256.
    pub const KEY_MAX: usize = 512;

    /// How many entries, terms or buckets it holds.
    pub fn parts(&self) -> usize {
        self.seen.len()
    }
}

impl Seen {
    /// How many entries, terms or buckets it holds.
    pub fn len(&self) -> usize {
        match self {
            Self::Entries(entries) => entries.len(),
            Self::Terms(terms) => terms.len(),
            Self::Counts(counts) => counts.len(),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of the earliest event in it.
    pub fn earliest(&self) -> Option<Timestamp> {
        let time = |sample: &Sample| sample.event.time;
        match self {
            Self::Entries(entries) => entries.iter().map(|e| time(&e.sample)).min(),
            Self::Terms(terms) => terms.iter().map(|t| time(&t.first)).min(),
            Self::Counts(counts) => counts.iter().map(|c| time(&c.first)).min(),
        }
    }
}

/// Makes one signal of signals that are all of one rule and key. Whether they come at once or in
/// parts, and in which order, does not show.
pub fn together(signals: impl IntoIterator<Item = Signal>) -> Option<Signal> {
    let mut signals = signals.into_iter();
    let mut first = signals.next()?;
    signals.for_each(|other| first.add(other));
    first.settle();
    Some(first)
}

impl Signal {
    fn add(&mut self, other: Self) {
        self.left_out += other.left_out;
        match (&mut self.seen, other.seen) {
            (Seen::Entries(here), Seen::Entries(there)) => here.extend(there),
            (Seen::Terms(here), Seen::Terms(there)) => here.extend(there),
            (Seen::Counts(here), Seen::Counts(there)) => here.extend(there),
            // A rule whose kind was changed between two commits: what was seen first stays.
            (_, there) => self.left_out += there.len() as u64,
        }
    }

    /// Sorts what it holds, and makes one of what belongs together.
    fn settle(&mut self) {
        let before = self.parts();
        match &mut self.seen {
            Seen::Entries(entries) => {
                entries.sort_by(Entry::order);
                entries.dedup_by(|other, first| first.take_in(other));
            }
            Seen::Terms(terms) => {
                terms.sort();
                terms.dedup_by(|later, first| {
                    let day = |term: &Term| term.first.event.time.day();
                    later.term == first.term && day(later) == day(first)
                });
            }
            Seen::Counts(counts) => {
                counts.sort_by(|a, b| (a.bucket, &a.first).cmp(&(b.bucket, &b.first)));
                counts.dedup_by(|later, first| {
                    let same = later.bucket == first.bucket;
                    if same {
                        first.count = first.count.saturating_add(later.count);
                    }
                    same
                });
            }
        }
        debug_assert!(self.parts() <= before, "settling adds nothing");
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(second: i64) -> Sample {
        let time = Timestamp::from_seconds(second);
        let event = EventRef { time, table: "cloudtrail".into(), id: second.to_string() };
        let (region, actor, source_ip) = (None, Some("a".into()), None);
        let (resources, above) = (vec![], vec![]);
        Sample { event, origin: Origin::Live, region, actor, source_ip, resources, above }
    }

    fn signal(key: &str, seen: Seen) -> Signal {
        Signal { rule: "r".into(), key: key.into(), account: None, seen, left_out: 0 }
    }

    fn signals(second: i64) -> [Signal; 3] {
        let entry = Entry { sample: sample(second), rules: vec![0], value: None };
        let term = Term { term: (second % 3).to_string(), first: sample(second) };
        let count = Count { bucket: second / 300, count: 1, first: sample(second) };
        [
            signal("entries", Seen::Entries(vec![entry])),
            signal("terms", Seen::Terms(vec![term])),
            signal("counts", Seen::Counts(vec![count])),
        ]
    }

    proptest! {
        #[test]
        fn the_order_in_which_signals_meet_does_not_show(
            (seconds, shuffled) in proptest::collection::btree_set(0i64..200_000, 1..60)
                .prop_flat_map(|s| { let v: Vec<_> = s.into_iter().collect(); (Just(v.clone()), Just(v).prop_shuffle()) }),
            cut in 0usize..60,
            kind in 0usize..3,
        ) {
            let all = |order: &[i64]| order.iter().map(|s| signals(*s)[kind].clone()).collect::<Vec<_>>();
            let at_once = together(all(&seconds));
            let (a, b) = shuffled.split_at(cut.min(shuffled.len()));
            let in_parts = together(together(all(a)).into_iter().chain(together(all(b))));
            prop_assert_eq!(at_once, in_parts);
        }
    }

    #[test]
    fn an_entry_that_comes_twice_is_there_once_and_counts_add_up() {
        let twice = signals(5).map(|signal| together([signal.clone(), signal]).unwrap());
        assert_eq!(twice.each_ref().map(Signal::parts), [1, 1, 1]);
        let Seen::Counts(counts) = &twice[2].seen else { panic!("{:?}", twice[2]) };
        assert_eq!(counts[0].count, 2);
    }
}
