//! Windows of event time: which of them satisfy a rule.
//!
//! The window of an event reaches back from it over the timespan, both ends included. One pass over
//! the entries in order of time judges them all: entries come in at the front and go out at the
//! back.

use std::collections::{BTreeMap, HashMap};

use wk_lang::sigma::{Amount, Bounds, Kind, Measure, Together};
use wk_model::Timestamp;

use super::compile::StatefulRule;
use super::state::Held;

/// A window that satisfies its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The first entry in it.
    pub(super) first: usize,
    /// The first entry of the moment at which it ends.
    pub(super) last: usize,
    /// Behind its last entry.
    pub(super) end: usize,
}

/// The windows that end between two moments, both included, and satisfy the rule; by their ends.
pub(super) fn satisfied(
    rule: &StatefulRule,
    held: &[Held],
    from: Timestamp,
    to: Timestamp,
) -> Vec<Window> {
    let span = rule.correlation.timespan_seconds;
    let start = held.partition_point(|held| held.time() < from.plus_seconds(-span));
    let mut sum = Sum::of(&rule.correlation.kind, rule.refers.len(), &held[start..]);
    let (mut found, mut first, mut at) = (Vec::new(), start, start);
    while let Some(end_of_window) = held.get(at).map(Held::time).filter(|time| *time <= to) {
        let moment = held[at..].partition_point(|held| held.time() == end_of_window);
        let end = at + moment;
        sum.add(&held[at..end], at - start);
        let begin = end_of_window.plus_seconds(-span);
        while held[first].time() < begin {
            sum.remove(&held[first], first - start);
            first += 1;
        }
        if end_of_window >= from && sum.holds(begin) {
            found.push(Window { first, last: at, end });
        }
        at = end;
    }
    found
}

/// What is known of the entries in the window.
enum Sum<'a> {
    Count(&'a Bounds, u64),
    Distinct(&'a Bounds, HashMap<&'a str, u64>),
    Total { bounds: &'a Bounds, numbers: Vec<Option<Amount>>, total: Amount },
    Average { bounds: &'a Bounds, numbers: Vec<Option<Amount>>, total: Amount, count: u64 },
    Ranked { bounds: &'a Bounds, percent: u64, ranks: Ranks },
    Together(&'a Together, Vec<u64>),
    Ordered(Vec<Option<Timestamp>>),
    Never,
}

impl<'a> Sum<'a> {
    /// Nothing, of what may come into the window.
    fn of(kind: &'a Kind, rules: usize, held: &'a [Held]) -> Self {
        let numbers = || -> Vec<Option<Amount>> {
            let value = |held: &Held| Amount::read(held.entry.value.as_deref()?);
            held.iter().map(value).collect()
        };
        let total = Amount::default();
        match kind {
            Kind::EventCount(bounds) => Self::Count(bounds, 0),
            Kind::ValueCount(_, bounds) => Self::Distinct(bounds, HashMap::new()),
            Kind::Value(Measure::Sum, _, bounds) => {
                let positive = |n: Option<Amount>| n.map(|n| n.max(Amount::default()));
                let numbers = numbers().into_iter().map(positive).collect();
                Self::Total { bounds, numbers, total }
            }
            Kind::Value(Measure::Average, _, bounds) => {
                Self::Average { bounds, numbers: numbers(), total, count: 0 }
            }
            Kind::Value(Measure::Percentile(percent), _, bounds) => {
                Self::Ranked { bounds, percent: u64::from(*percent), ranks: Ranks::of(&numbers()) }
            }
            Kind::Temporal(together) => Self::Together(together, vec![0; rules]),
            Kind::TemporalOrdered => Self::Ordered(vec![None; rules]),
            // These are not judged by windows.
            Kind::FirstSeen(_) | Kind::Rate(_) | Kind::Sequence(_) | Kind::Travel(_) => Self::Never,
        }
    }

    /// Takes in the entries of one moment, the first of which has this place.
    fn add(&mut self, moment: &'a [Held], place: usize) {
        let places = place..place + moment.len();
        match self {
            Self::Count(_, count) => *count += moment.len() as u64,
            Self::Distinct(_, counts) => {
                for value in moment.iter().filter_map(|held| held.entry.value.as_deref()) {
                    *counts.entry(value).or_default() += 1;
                }
            }
            Self::Total { numbers, total, .. } => {
                places.filter_map(|n| numbers[n]).for_each(|n| *total = total.plus(n));
            }
            Self::Average { numbers, total, count, .. } => {
                for number in places.filter_map(|n| numbers[n]) {
                    *total = total.plus(number);
                    *count += 1;
                }
            }
            Self::Ranked { ranks, .. } => places.for_each(|n| ranks.add(n)),
            Self::Together(_, counts) => {
                for rule in moment.iter().flat_map(|held| &held.entry.rules) {
                    if let Some(count) = counts.get_mut(usize::from(*rule)) {
                        *count += 1;
                    }
                }
            }
            Self::Ordered(begins) => add_in_order(begins, moment),
            Self::Never => {}
        }
    }

    /// Lets the entry at this place go.
    fn remove(&mut self, held: &'a Held, place: usize) {
        match self {
            Self::Count(_, count) => *count -= 1,
            Self::Distinct(_, counts) => {
                let Some(value) = held.entry.value.as_deref() else { return };
                if let Some(count) = counts.get_mut(value) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(value);
                    }
                }
            }
            Self::Total { numbers, total, .. } => {
                *total = total.minus(numbers[place].unwrap_or_default());
            }
            Self::Average { numbers, total, count, .. } => {
                if let Some(number) = numbers[place] {
                    *total = total.minus(number);
                    *count -= 1;
                }
            }
            Self::Ranked { ranks, .. } => ranks.remove(place),
            Self::Together(_, counts) => {
                for rule in &held.entry.rules {
                    if let Some(count) = counts.get_mut(usize::from(*rule)) {
                        *count -= 1;
                    }
                }
            }
            // It looks at where rows of events begin, which is enough to know what is over.
            Self::Ordered(_) | Self::Never => {}
        }
    }

    /// Whether the window, which begins here, satisfies the rule.
    fn holds(&self, begin: Timestamp) -> bool {
        match self {
            Self::Count(bounds, count) => bounds.hold(Amount::whole(*count)),
            Self::Distinct(bounds, counts) => bounds.hold(Amount::whole(counts.len() as u64)),
            Self::Total { bounds, total, .. } => bounds.hold(*total),
            // Sums are compared, so that nothing is rounded.
            Self::Average { bounds, total, count, .. } => {
                *count > 0 && bounds.hold_of_mean(*total, *count)
            }
            Self::Ranked { bounds, percent, ranks } => {
                ranks.percentile(*percent).is_some_and(|number| bounds.hold(number))
            }
            Self::Together(Together::Count(bounds), counts) => {
                let there = counts.iter().filter(|count| **count > 0).count();
                bounds.hold(Amount::whole(there as u64))
            }
            Self::Together(Together::Condition(condition), counts) => {
                condition.holds(&|rule| counts.get(rule).is_some_and(|count| *count > 0))
            }
            Self::Ordered(begins) => {
                begins.last().copied().flatten().is_some_and(|row| row >= begin)
            }
            Self::Never => false,
        }
    }
}

/// For each number of rules, the latest moment at which a row of events begins that matches so many
/// of them in their order. Events of one moment are in whatever order is asked for.
fn add_in_order(begins: &mut [Option<Timestamp>], moment: &[Held]) {
    let Some(now) = moment.first().map(Held::time) else { return };
    for rule in 0..begins.len() {
        let matched = |held: &Held| held.entry.rules.iter().any(|r| usize::from(*r) == rule);
        if moment.iter().any(matched) {
            let row = match rule.checked_sub(1) {
                None => Some(now),
                Some(before) => begins[before],
            };
            begins[rule] = begins[rule].max(row);
        }
    }
}

/// Numbers by rank, of which some are in the window (a Fenwick tree of counts).
struct Ranks {
    /// The numbers, each once, in order.
    numbers: Vec<Amount>,
    /// The rank of each entry's number.
    of_entry: Vec<Option<usize>>,
    tree: Vec<u64>,
    count: u64,
}

impl Ranks {
    fn of(entries: &[Option<Amount>]) -> Self {
        let ranks: BTreeMap<Amount, ()> = entries.iter().flatten().map(|n| (*n, ())).collect();
        let numbers: Vec<Amount> = ranks.into_keys().collect();
        let rank = |n: &Option<Amount>| numbers.binary_search(&(*n)?).ok();
        let of_entry = entries.iter().map(rank).collect();
        Self { tree: vec![0; numbers.len() + 1], numbers, of_entry, count: 0 }
    }

    fn add(&mut self, entry: usize) {
        self.change(entry, |count| *count += 1);
    }

    fn remove(&mut self, entry: usize) {
        self.change(entry, |count| *count -= 1);
    }

    fn change(&mut self, entry: usize, by: impl Fn(&mut u64)) {
        let Some(rank) = self.of_entry[entry] else { return };
        by(&mut self.count);
        let mut node = rank + 1;
        while let Some(count) = self.tree.get_mut(node) {
            by(count);
            node += node & node.wrapping_neg();
        }
    }

    /// The smallest number that so many percent of all do not exceed.
    fn percentile(&self, percent: u64) -> Option<Amount> {
        let mut wanted = (self.count * percent).div_ceil(100).max(1);
        if self.count == 0 {
            return None;
        }
        let (mut node, mut step) = (0, self.numbers.len().next_power_of_two());
        while step > 0 {
            if let Some(count) = self.tree.get(node + step).filter(|count| **count < wanted) {
                wanted -= count;
                node += step;
            }
            step /= 2;
        }
        self.numbers.get(node).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_are_those_of_a_sorted_list(
            numbers in proptest::collection::vec(0u64..50, 1..60),
            gone in 0usize..60,
            percent in 1u64..=99,
        ) {
            let entries: Vec<_> = numbers.iter().map(|n| Some(Amount::whole(*n))).collect();
            let mut ranks = Ranks::of(&entries);
            (0..numbers.len()).for_each(|n| ranks.add(n));
            let gone = gone.min(numbers.len() - 1);
            (0..gone).for_each(|n| ranks.remove(n));
            let mut left = numbers[gone..].to_vec();
            left.sort_unstable();
            let place = (left.len() as u64 * percent).div_ceil(100).max(1) - 1;
            let expected = left[usize::try_from(place).unwrap()];
            prop_assert_eq!(ranks.percentile(percent), Some(Amount::whole(expected)));
        }
    }
}
