//! From marks to signals, once it is known which rows stay.
//!
//! * What findings tell of an event is taken from the finished columns, and only for marks of rows
//!   that stay.
//! * Of kinds that look at nearly every event, the marks that belong together are one: the first
//!   event of a term and day, or of a bucket.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use arrow_array::RecordBatch;
use wk_lang::sigma::{Kind, Rate};
use wk_model::finding::Origin;
use wk_model::signal::{Count, Entry, Sample, Seen, Signal, Term, merge};

use super::compile::{Stateful, StatefulRule};
use super::key;
use super::looks::BETWEEN;
use super::mark::{Mark, Marks};
use crate::columns::Samples;

impl Marks {
    /// The signals of the rows that stay: all of them, or those for which `keep` is true. The batch
    /// is that of the marked rows.
    pub fn signals(
        self,
        rules: &Stateful,
        batch: &RecordBatch,
        table: &str,
        keep: Option<&[bool]>,
    ) -> Vec<Signal> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        let samples = Samples::new(batch, table);
        let stays = |mark: &Mark| match (keep, usize::try_from(mark.row)) {
            (None, _) => true,
            (Some(keep), Ok(row)) => keep.get(row) == Some(&true),
            (Some(_), Err(_)) => false,
        };
        let mut signals = Vec::new();
        let mut folds = Folds::default();
        for (number, mark) in self.marks.iter().enumerate().filter(|(_, mark)| stays(mark)) {
            let Some(rule) = rules.rules.get(usize::from(mark.rule)) else { continue };
            match rule.correlation.kind {
                Kind::FirstSeen(_) | Kind::Rate(_) => folds.add(rule, mark, number, &samples),
                _ => signals.push(self.entry(mark, rule, &samples)),
            }
        }
        signals.extend(self.folded(folds, rules, &samples));
        merge(signals)
    }

    fn entry(&self, mark: &Mark, rule: &StatefulRule, samples: &Samples<'_>) -> Signal {
        let places = self.places.get(mark.places as usize).cloned().unwrap_or_default();
        let value = mark.value.map(|value| self.texts.get(value).to_owned());
        let entry = Entry { sample: self.sample(mark, samples), rules: places, value };
        self.signal(mark, rule, Seen::Entries(vec![entry]))
    }

    fn signal(&self, mark: &Mark, rule: &StatefulRule, seen: Seen) -> Signal {
        let key = self.texts.get(mark.key).to_owned();
        Signal {
            rule: rule.rule.id.clone(),
            account: key::account(&key).map(str::to_owned),
            key,
            seen,
            left_out: 0,
        }
    }

    /// One signal for each rule and key of what was folded.
    fn folded(&self, folds: Folds, rules: &Stateful, samples: &Samples<'_>) -> Vec<Signal> {
        let mut all = folds.folds;
        let of = |fold: &Fold| {
            let mark = &self.marks[fold.mark];
            (mark.rule, mark.key)
        };
        all.sort_unstable_by_key(of);
        let mut signals = Vec::new();
        for group in all.chunk_by(|a, b| of(a) == of(b)) {
            let Some(mark) = group.first().map(|fold| &self.marks[fold.mark]) else { continue };
            let Some(rule) = rules.rules.get(usize::from(mark.rule)) else { continue };
            let first = |fold: &Fold| self.sample(&self.marks[fold.mark], samples);
            let seen = match rule.correlation.kind {
                Kind::Rate(_) => Seen::Counts(
                    group
                        .iter()
                        .map(|f| Count { bucket: f.part, count: f.count, first: first(f) })
                        .collect(),
                ),
                _ => Seen::Terms(
                    group
                        .iter()
                        .map(|fold| {
                            let term = self.marks[fold.mark].value.unwrap_or_default();
                            Term { term: self.texts.get(term).to_owned(), first: first(fold) }
                        })
                        .collect(),
                ),
            };
            signals.push(self.signal(mark, rule, seen));
        }
        signals
    }

    fn sample(&self, mark: &Mark, samples: &Samples<'_>) -> Sample {
        let origin = if mark.live { Origin::Live } else { Origin::BackFill };
        let mut sample = samples.sample(mark.row as usize, origin);
        if let Some(resources) = mark.resources {
            let texts = self.texts.get(resources).split_terminator(BETWEEN);
            sample.resources = texts.map(str::to_owned).collect();
            sample.resources.truncate(Sample::RESOURCES_MAX);
        }
        if let Some(above) = mark.above.and_then(|above| self.above.get(above as usize)) {
            sample.above.clone_from(above);
        }
        sample
    }
}

/// Marks of kinds that look at nearly every event: of those that belong together the first is kept,
/// and how many there are.
#[derive(Debug, Default)]
struct Folds {
    folds: Vec<Fold>,
    /// By rule, key, value, and day or bucket.
    places: HashMap<(u16, u32, Option<u32>, i64), usize>,
}

#[derive(Debug)]
struct Fold {
    /// The mark of the first event.
    mark: usize,
    row: usize,
    /// The day or the bucket.
    part: i64,
    count: u64,
}

impl Folds {
    fn add(&mut self, rule: &StatefulRule, mark: &Mark, number: usize, samples: &Samples<'_>) {
        let row = mark.row as usize;
        let key = samples.key(row);
        let part = match rule.correlation.kind {
            Kind::Rate(_) => key.0.seconds().div_euclid(Rate::BUCKET_SECONDS),
            _ => i64::from(key.0.day().number()),
        };
        match self.places.entry((mark.rule, mark.key, mark.value, part)) {
            Place::Vacant(place) => {
                place.insert(self.folds.len());
                self.folds.push(Fold { mark: number, row, part, count: 1 });
            }
            Place::Occupied(place) => {
                let fold = &mut self.folds[*place.get()];
                fold.count += 1;
                if key < samples.key(fold.row) {
                    (fold.mark, fold.row) = (number, row);
                }
            }
        }
    }
}
