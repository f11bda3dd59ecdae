//! The first half, at ingest: which events the rules look at, under which key, with which value.
//!
//! * An event leaves a mark for each rule and key; a mark is a few numbers, texts are kept once.
//! * What findings tell of an event is taken from the finished columns, and only for marks of rows
//!   that stay.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use wk_lang::json::Value;
use wk_lang::sigma::{self, FieldPath, Kind, Rate};
use wk_model::Row;
use wk_model::finding::Origin;
use wk_model::signal::{Above, Count, Entry, Sample, Seen, Signal, Term, merge};
use xxhash_rust::xxh3::xxh3_64;

use super::compile::{Stateful, StatefulRule, Target};
use super::key;
use crate::columns::Samples;
use crate::detect::RowRecord;

/// How many keys, or values, one event may have for a rule, where fields hold lists.
const KEYS_MAX: usize = 16;

/// What rules look at, by the single-event rules that they refer to.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// For each single-event rule, who looks at its events.
    of: Vec<Vec<usize>>,
    looks: Vec<Look>,
    /// Lists of fields whose values are asked for, each once.
    projections: Vec<Projection>,
}

/// A rule over several events that looks at the events of a single-event rule.
#[derive(Debug)]
struct Look {
    /// The rule that looks.
    rule: u16,
    /// At which of its places the single-event rule stands.
    place: u16,
    /// The list of fields of its key.
    key: usize,
    /// The list of fields of its value.
    value: Option<usize>,
    /// What the event is to rules that look at findings of this one.
    above: Vec<AboveLook>,
}

#[derive(Debug)]
struct AboveLook {
    rule: String,
    place: u16,
    key: usize,
    value: Option<usize>,
}

/// Fields that are asked for together.
#[derive(Debug)]
struct Projection {
    /// Whether the account stands before them.
    account: bool,
    fields: Vec<Field>,
}

#[derive(Debug)]
enum Field {
    /// What every event has, under this name.
    Core(&'static str),
    /// A field of the record.
    Path(FieldPath),
}

/// Fields that mean the same in the events of every source; they are asked before the record's own.
const CORE: [&str; 10] = [
    "account",
    "region",
    "actor",
    "actor_type",
    "access_key",
    "session_issuer",
    "source_ip",
    "user_agent",
    "action",
    "outcome",
];

impl Looks {
    pub(super) fn of(rules: &[StatefulRule], singles: usize) -> Self {
        let mut known = BTreeMap::new();
        let mut looks = Self { of: vec![Vec::new(); singles], ..Self::default() };
        for (number, rule) in rules.iter().enumerate() {
            for (place, target) in rule.refers.iter().enumerate() {
                let Target::Single(single) = target else { continue };
                let (Ok(number), Ok(at)) = (u16::try_from(number), u16::try_from(place)) else {
                    continue;
                };
                let key = looks.projection(true, &rule.group_by[place], &mut known);
                let value = looks.value(rule, place, &mut known);
                let above = looks.above(rules, rule, &mut known);
                looks.looks.push(Look { rule: number, place: at, key, value, above });
                if let Some(of) = looks.of.get_mut(*single) {
                    of.push(looks.looks.len() - 1);
                }
            }
        }
        looks
    }

    /// What events of a rule are to the rules above it, and above those.
    fn above(
        &mut self,
        rules: &[StatefulRule],
        rule: &StatefulRule,
        known: &mut BTreeMap<(bool, Vec<String>), usize>,
    ) -> Vec<AboveLook> {
        let mut all: Vec<AboveLook> = Vec::new();
        let mut open: Vec<(String, u16)> = rule.above.clone();
        while let Some((id, place)) = open.pop() {
            if all.iter().any(|a| a.rule == id && a.place == place) || all.len() >= KEYS_MAX {
                continue;
            }
            let Some(above) = rules.iter().find(|rule| rule.rule.id == id) else { continue };
            let at = usize::from(place);
            let key = self.projection(true, &above.group_by[at], known);
            let value = self.value(above, at, known);
            open.extend(above.above.iter().cloned());
            all.push(AboveLook { rule: id, place, key, value });
        }
        all
    }

    fn value(
        &mut self,
        rule: &StatefulRule,
        place: usize,
        known: &mut BTreeMap<(bool, Vec<String>), usize>,
    ) -> Option<usize> {
        let fields = &rule.values[place];
        (!fields.is_empty()).then(|| self.projection(false, fields, known))
    }

    /// The place of this list of fields; rules that ask for the same share it.
    fn projection(
        &mut self,
        account: bool,
        names: &[String],
        known: &mut BTreeMap<(bool, Vec<String>), usize>,
    ) -> usize {
        *known.entry((account, names.to_vec())).or_insert_with(|| {
            let fields = names.iter().map(|name| Field::of(name)).collect();
            self.projections.push(Projection { account, fields });
            self.projections.len() - 1
        })
    }
}

impl Field {
    fn of(name: &str) -> Self {
        match CORE.iter().find(|core| **core == name) {
            Some(core) => Self::Core(core),
            None => Self::Path(FieldPath::new(name)),
        }
    }

    fn each(&self, row: &Row<'_>, record: Option<&Value<'_>>, look: &mut dyn FnMut(&str)) {
        match (self, record) {
            (Self::Core(name), _) => {
                if let Some(text) = core(row, name) {
                    look(text);
                }
            }
            (Self::Path(path), Some(record)) => sigma::Record::field(record, path).each_text(look),
            (Self::Path(path), None) => {
                sigma::Record::field(&RowRecord(row), path).each_text(look);
            }
        }
    }
}

fn core<'a>(row: &'a Row<'_>, name: &str) -> Option<&'a str> {
    match name {
        "account" => row.account.as_deref(),
        "region" => row.region.as_deref(),
        "actor" => row.actor.as_deref(),
        "actor_type" => row.actor_type.as_deref(),
        "access_key" => row.access_key.as_deref(),
        "session_issuer" => row.session_issuer.as_deref(),
        "source_ip" => row.source_ip.as_deref(),
        "user_agent" => row.user_agent.as_deref(),
        "action" => row.action.as_deref(),
        "outcome" => row.outcome.map(wk_model::event::Outcome::as_str),
        _ => None,
    }
}

/// The marks of the rows of one part of a batch.
#[derive(Debug, Default)]
pub struct Marks {
    marks: Vec<Mark>,
    texts: Texts,
    /// Places of rules, as lists; most events have one of few.
    places: Vec<Vec<u16>>,
    extras: Vec<Extra>,
    /// Keys and values that were left out because one event had too many.
    left_out: u64,
    scratch: Scratch,
}

/// A row, as marks know it.
#[derive(Debug, Clone, Copy)]
pub struct MarkedRow {
    /// Its place among the rows of its part.
    pub row: u32,
    /// Whether it came live or late.
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    row: u32,
    rule: u16,
    live: bool,
    key: u32,
    value: Option<u32>,
    places: u32,
    extra: Option<u32>,
}

/// What few marks have.
#[derive(Debug)]
struct Extra {
    /// What was acted on, where the rule names the fields.
    resources: Vec<String>,
    above: Vec<Above>,
}

/// Room that is used again for each event.
#[derive(Debug, Default)]
struct Scratch {
    /// Rules that look at the event: rule, place of the look.
    touched: Vec<(u16, usize)>,
    /// Texts of each projection, where the event's number stands with it.
    known: Vec<(u64, Vec<u32>)>,
    /// The event's number.
    event: u64,
    text: String,
    /// What one rule sees: key, value, places.
    seen: Vec<(u32, Option<u32>, Vec<u16>)>,
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

/// Texts, each once.
#[derive(Debug, Default)]
struct Texts {
    texts: Vec<Box<str>>,
    by_hash: HashMap<u64, u32>,
}

impl Texts {
    fn intern(&mut self, text: &str) -> u32 {
        let mut hash = xxh3_64(text.as_bytes());
        while let Some(number) = self.by_hash.get(&hash) {
            if self.get(*number) == text {
                return *number;
            }
            hash = hash.wrapping_add(1);
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.into());
        self.by_hash.insert(hash, number);
        number
    }

    fn get(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|n| self.texts.get(n)).map_or("", |text| text)
    }
}

impl Stateful {
    /// Marks an event that these single-event rules match.
    pub(crate) fn mark(
        &self,
        row: &Row<'_>,
        record: Option<Value<'_>>,
        matching: &[usize],
        at: MarkedRow,
        marks: &mut Marks,
    ) {
        let looks = &self.looks;
        let touched = &mut marks.scratch.touched;
        touched.clear();
        for single in matching {
            let of = looks.of.get(*single).map(Vec::as_slice).unwrap_or_default();
            touched.extend(of.iter().map(|look| (looks.looks[*look].rule, *look)));
        }
        if touched.is_empty() {
            return;
        }
        touched.sort_unstable();
        marks.scratch.event += 1;
        let mut event = Event { looks, row, record: record.as_ref(), marks };
        let touched = std::mem::take(&mut event.marks.scratch.touched);
        for of_rule in touched.chunk_by(|a, b| a.0 == b.0) {
            let rule = of_rule.first().and_then(|(rule, _)| self.rules.get(usize::from(*rule)));
            if let Some(rule) = rule {
                event.mark(rule, of_rule, at);
            }
        }
        marks.scratch.touched = touched;
    }
}

/// An event that is being marked.
struct Event<'a, 'r> {
    looks: &'a Looks,
    row: &'a Row<'r>,
    record: Option<&'a Value<'r>>,
    marks: &'a mut Marks,
}

impl Event<'_, '_> {
    /// Marks it for one rule, which looks at it in these ways.
    fn mark(&mut self, rule: &StatefulRule, looks: &[(u16, usize)], at: MarkedRow) {
        let mut seen = std::mem::take(&mut self.marks.scratch.seen);
        seen.clear();
        for (_, look) in looks {
            let look = &self.looks.looks[*look];
            self.see(look, &mut seen);
        }
        let extra = if seen.is_empty() { None } else { self.extra(rule, looks) };
        for (key, value, places) in seen.drain(..) {
            let (rule, live) = (looks[0].0, at.origin == Origin::Live);
            let places = self.marks.places_of(places);
            self.marks.marks.push(Mark { row: at.row, rule, live, key, value, places, extra });
        }
        self.marks.scratch.seen = seen;
    }

    /// The keys and values of one look; rules that matched under the same key and value belong
    /// together.
    fn see(&mut self, look: &Look, seen: &mut Vec<(u32, Option<u32>, Vec<u16>)>) {
        let values: Vec<Option<u32>> = match look.value {
            None => vec![None],
            Some(value) => {
                self.project(value);
                self.marks.scratch.known[value].1.iter().map(|text| Some(*text)).collect()
            }
        };
        if values.is_empty() {
            return;
        }
        self.project(look.key);
        for n in 0..self.marks.scratch.known[look.key].1.len() {
            let key = self.marks.scratch.known[look.key].1[n];
            for value in &values {
                match seen.iter_mut().find(|(k, v, _)| *k == key && v == value) {
                    Some((_, _, places)) => places.push(look.place),
                    None => seen.push((key, *value, vec![look.place])),
                }
            }
        }
    }

    /// What the event is to the rules above, and what the rule says was acted on.
    fn extra(&mut self, rule: &StatefulRule, looks: &[(u16, usize)]) -> Option<u32> {
        let resource = &rule.correlation.about.extension.resource;
        let all = self.looks;
        let above = looks.iter().flat_map(|(_, look)| &all.looks[*look].above);
        let above: Vec<&AboveLook> = above.collect();
        if resource.is_empty() && above.is_empty() {
            return None;
        }
        let mut resources = Vec::new();
        for path in resource {
            let field = Field::of(path.as_str());
            field.each(self.row, self.record, &mut |text| resources.push(text.to_owned()));
        }
        let above = above.into_iter().filter_map(|look| self.above(look)).collect();
        let number = u32::try_from(self.marks.extras.len()).ok()?;
        self.marks.extras.push(Extra { resources, above });
        Some(number)
    }

    fn above(&mut self, look: &AboveLook) -> Option<Above> {
        let value = match look.value {
            None => None,
            Some(value) => {
                self.project(value);
                let first = *self.marks.scratch.known[value].1.first()?;
                Some(self.marks.texts.get(first).to_owned())
            }
        };
        self.project(look.key);
        let key = *self.marks.scratch.known[look.key].1.first()?;
        let key = self.marks.texts.get(key).to_owned();
        Some(Above { rule: look.rule.clone(), place: look.place, key, value })
    }

    /// Finds the texts of a projection, once for each event.
    fn project(&mut self, number: usize) {
        let event = self.marks.scratch.event;
        let known = &mut self.marks.scratch.known;
        if known.len() <= number {
            known.resize_with(number + 1, Default::default);
        }
        if known[number].0 == event {
            return;
        }
        let mut found = std::mem::take(&mut known[number].1);
        found.clear();
        let mut text = std::mem::take(&mut self.marks.scratch.text);
        let projection = &self.looks.projections[number];
        if !self.single(projection, &mut text, &mut found) {
            self.several(projection, &mut found);
        }
        self.marks.scratch.text = text;
        self.marks.scratch.known[number] = (event, found);
    }

    /// The usual case: no field holds more than one value.
    fn single(&mut self, projection: &Projection, text: &mut String, found: &mut Vec<u32>) -> bool {
        text.clear();
        if projection.account {
            key::push(text, self.row.account.as_deref());
        }
        for field in &projection.fields {
            let mut values = 0;
            field.each(self.row, self.record, &mut |value| {
                values += 1;
                if values == 1 {
                    key::push(text, Some(value));
                }
            });
            match values {
                0 if projection.account => key::push(text, None),
                0 => return true, // what has no value is not counted
                1 => {}
                _ => return false,
            }
        }
        key::finish(text);
        found.push(self.marks.texts.intern(text));
        true
    }

    /// Every combination of the values, up to a limit.
    fn several(&mut self, projection: &Projection, found: &mut Vec<u32>) {
        let mut texts = vec![String::new()];
        if projection.account {
            key::push(&mut texts[0], self.row.account.as_deref());
        }
        for field in &projection.fields {
            let mut values: Vec<String> = Vec::new();
            let mut more = 0;
            field.each(self.row, self.record, &mut |value| {
                if values.iter().any(|known| known == value) {
                } else if values.len() < KEYS_MAX {
                    values.push(value.to_owned());
                } else {
                    more += 1;
                }
            });
            self.marks.left_out += more;
            let values: Vec<Option<&str>> = match values.is_empty() {
                true if !projection.account => return, // what has no value is not counted
                true => vec![None],
                false => values.iter().map(|value| Some(value.as_str())).collect(),
            };
            let mut next = Vec::new();
            for text in &texts {
                for value in &values {
                    let mut text = text.clone();
                    key::push(&mut text, *value);
                    next.push(text);
                }
            }
            self.marks.left_out += next.len().saturating_sub(KEYS_MAX) as u64;
            next.truncate(KEYS_MAX);
            texts = next;
        }
        for text in &mut texts {
            key::finish(text);
            found.push(self.marks.texts.intern(text));
        }
    }
}

impl Marks {
    /// Whether nothing was marked.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// How many keys and values of events with long lists were left out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn places_of(&mut self, mut places: Vec<u16>) -> u32 {
        places.sort_unstable();
        places.dedup();
        let known = self.places.iter().position(|known| *known == places);
        let number = known.unwrap_or_else(|| {
            self.places.push(places);
            self.places.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

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
        if let Some(extra) = mark.extra.and_then(|extra| self.extras.get(extra as usize)) {
            if !extra.resources.is_empty() {
                sample.resources.clone_from(&extra.resources);
            }
            sample.above.clone_from(&extra.above);
        }
        sample.resources.truncate(Sample::RESOURCES_MAX);
        sample
    }
}
