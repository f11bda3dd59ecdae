//! From marks to signals, once it is known which rows stay.
//!
//! * What findings tell of an event is taken from the finished columns, and only for marks of rows
//!   that stay. It is packed at once: signals are many.
//! * Of kinds that look at nearly every event, the marks that belong together are one: the first
//!   event of a term and day, or of a bucket.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use arrow_array::RecordBatch;
use wk_lang::sigma::{Kind, Rate};
use wk_model::Signal;
use wk_model::signal::Sample;

use super::compile::{Stateful, StatefulRule};
use super::looks::BETWEEN;
use super::mark::{Mark, Marks};
use super::packed::{AboveText, Pack, Packed, Parts, Shown};
use crate::columns::Samples;

impl Marks {
    /// Packs the signals of the rows that stay: all of them, or those for which `keep` is true. The
    /// batch is that of the marked rows.
    pub fn pack(
        self,
        into: &mut Pack,
        rules: &Stateful,
        batch: &RecordBatch,
        table: &str,
        keep: Option<&[bool]>,
    ) {
        if self.marks.is_empty() {
            return;
        }
        let samples = Samples::new(batch, table);
        let stays = |mark: &Mark| match (keep, usize::try_from(mark.row)) {
            (None, _) => true,
            (Some(keep), Ok(row)) => keep.get(row) == Some(&true),
            (Some(_), Err(_)) => false,
        };
        let (mut singles, mut folds) = (Vec::new(), Folds::default());
        for (number, mark) in self.marks.iter().enumerate().filter(|(_, mark)| stays(mark)) {
            let Some(rule) = rules.rules.get(usize::from(mark.rule)) else { continue };
            match rule.correlation.kind {
                Kind::FirstSeen(_) | Kind::Rate(_) => folds.add(rule, mark, number, &samples),
                _ => singles.push(Fold { mark: number, row: 0, part: 0, count: 1 }),
            }
        }
        let rows = vec![(0, 0); batch.num_rows()];
        let mut packing =
            Packing { marks: &self, rules, samples: &samples, into, events: Vec::new(), rows };
        packing.groups(singles);
        packing.groups(folds.folds);
    }

    /// The same, as signals.
    pub fn signals(
        self,
        rules: &Stateful,
        batch: &RecordBatch,
        table: &str,
        keep: Option<&[bool]>,
    ) -> Vec<Signal> {
        let mut pack = Pack::default();
        self.pack(&mut pack, rules, batch, table, keep);
        let packs = Packed::all(&pack.finish()).unwrap_or_default();
        packs.iter().flat_map(|pack| pack.signals().filter_map(|at| pack.read(at))).collect()
    }
}

/// Marks that are being packed.
struct Packing<'a> {
    marks: &'a Marks,
    rules: &'a Stateful,
    samples: &'a Samples<'a>,
    into: &'a mut Pack,
    /// Events as they are written.
    events: Vec<u8>,
    /// Where the event of each row is in it; nowhere where there is none yet.
    rows: Vec<(usize, usize)>,
}

impl Packing<'_> {
    /// One signal for each rule and key.
    fn groups(&mut self, mut folds: Vec<Fold>) {
        let marks = self.marks;
        let of = |fold: &Fold| {
            let mark = &marks.marks[fold.mark];
            (mark.rule, mark.key)
        };
        folds.sort_unstable_by_key(|fold| (of(fold), fold.mark));
        for group in folds.chunk_by(|a, b| of(a) == of(b)) {
            let Some(mark) = group.first().map(|fold| &marks.marks[fold.mark]) else { continue };
            let Some(rule) = self.rules.rules.get(usize::from(mark.rule)) else { continue };
            self.group(rule, marks.texts.get(mark.key), group);
        }
    }

    fn group(&mut self, rule: &StatefulRule, key: &str, group: &[Fold]) {
        for fold in group {
            self.event(self.marks.marks[fold.mark].row as usize);
        }
        let Self { marks, rules, samples, into, events, rows } = self;
        let shown = match rule.correlation.kind {
            Kind::Rate(_) => Shown::Counts,
            Kind::FirstSeen(_) => Shown::Terms,
            _ => Shown::Entries,
        };
        into.signal((&rule.rule.id, key), (shown, group.len()), 0, |parts| {
            for fold in group {
                let mark = &marks.marks[fold.mark];
                let value = mark.value.map(|value| marks.texts.get(value));
                match shown {
                    Shown::Counts => {
                        parts.signed(fold.part);
                        parts.number(fold.count);
                    }
                    Shown::Terms => parts.text(value.unwrap_or_default()),
                    Shown::Entries => {}
                }
                let (from, to) = rows.get(mark.row as usize).copied().unwrap_or_default();
                parts.again(events.get(from..to).unwrap_or_default());
                rest(marks, rules, mark, samples, parts);
                if shown == Shown::Entries {
                    let places = marks.places.get(mark.places as usize);
                    let places = places.map(Vec::as_slice).unwrap_or_default();
                    parts.number(places.len() as u64);
                    places.iter().for_each(|place| parts.number((*place).into()));
                    parts.option(value);
                }
            }
        });
    }

    /// Writes the event of a row, if it is not there.
    fn event(&mut self, row: usize) {
        let from = self.events.len();
        if let Some(place) = self.rows.get_mut(row).filter(|(from, to)| from == to) {
            self.samples.event(row).write(self.into, &mut self.events);
            *place = (from, self.events.len());
        }
    }
}

/// What a mark adds to its event: what was acted on, and what it is to rules above.
fn rest(
    marks: &Marks,
    rules: &Stateful,
    mark: &Mark,
    samples: &Samples<'_>,
    parts: &mut Parts<'_>,
) {
    let (from, to) = mark.above;
    let above = marks.above.get(from as usize..to as usize).unwrap_or_default().iter();
    let above = above.map(|above| {
        let (look, nth) = above.of;
        let of = &rules.looks.looks[look].above[nth];
        let value = above.value.map(|value| marks.texts.get(value));
        AboveText { rule: &of.rule, place: of.place, key: marks.texts.get(above.key), value }
    });
    match mark.resources {
        Some(named) => {
            let named: Vec<&str> = marks.texts.get(named).split_terminator(BETWEEN).collect();
            let some = named.iter().take(Sample::RESOURCES_MAX).copied();
            parts.rest(mark.live, some, above);
        }
        None => samples.resources(mark.row as usize, |all| {
            parts.rest(mark.live, all.iter().copied(), above);
        }),
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
