//! The first half, at ingest: which events the rules look at, under which key, with which value.
//!
//! * An event leaves a mark for each rule and key; a mark is a few numbers, texts are kept once.
//! * A field is read once for each event, however many rules ask for it.

use wk_lang::json::Value;
use wk_model::Row;
use wk_model::finding::Origin;
use wk_model::signal::Sample;

use super::compile::Stateful;
use super::key;
use super::looks::{AboveLook, BETWEEN, LIST_BYTES_MAX, Look, Looks, Projection, What};
use super::texts::Texts;

/// How many keys, or values, one event may have for a rule, where fields hold lists.
pub(super) const KEYS_MAX: usize = 16;
/// The marks of the rows of one part of a batch.
#[derive(Debug, Default)]
pub struct Marks {
    pub(super) marks: Vec<Mark>,
    pub(super) texts: Texts,
    /// Places of rules, as lists; most events have one of few.
    pub(super) places: Vec<Vec<u16>>,
    /// The lists of one place, by the place.
    pub(super) single: Vec<Option<u32>>,
    pub(super) above: Vec<AboveMark>,
    /// Keys and values that were left out because one event had too many.
    pub(super) left_out: u64,
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
pub(super) struct Mark {
    pub(super) row: u32,
    pub(super) rule: u16,
    pub(super) live: bool,
    pub(super) key: u32,
    pub(super) value: Option<u32>,
    pub(super) places: u32,
    /// What was acted on, where the rule names the fields.
    pub(super) resources: Option<u32>,
    /// What the event is to rules above, for the few that have some: from where to where.
    pub(super) above: (u32, u32),
}

/// What an event is to a rule above.
#[derive(Debug, Clone, Copy)]
pub(super) struct AboveMark {
    /// The look, and which of the rules above it.
    pub(super) of: (usize, usize),
    pub(super) key: u32,
    pub(super) value: Option<u32>,
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
    /// What one rule sees.
    seen: Vec<Glance>,
}

/// A key and value under which a rule sees an event, and its rules that matched.
#[derive(Debug)]
struct Glance {
    key: u32,
    value: Option<u32>,
    places: u32,
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
            event.mark(of_rule, at);
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
    fn mark(&mut self, looks: &[(u16, usize)], at: MarkedRow) {
        let all = self.looks;
        let mut seen = std::mem::take(&mut self.marks.scratch.seen);
        seen.clear();
        for (_, look) in looks {
            self.see(&all.looks[*look], looks.len() == 1, &mut seen);
        }
        if let (Some((number, look)), false) = (looks.first(), seen.is_empty()) {
            let resources = all.looks[*look].resources.and_then(|r| self.first_of(r));
            let above = self.above_of(looks);
            let live = at.origin == Origin::Live;
            for Glance { key, value, places } in seen.drain(..) {
                let (row, rule) = (at.row, *number);
                let mark = Mark { row, rule, live, key, value, places, resources, above };
                self.marks.marks.push(mark);
            }
        }
        self.marks.scratch.seen = seen;
    }

    /// The keys and values of one look; rules that matched under the same key and value belong
    /// together.
    fn see(&mut self, look: &Look, only: bool, seen: &mut Vec<Glance>) {
        let values = look.value.map(|value| self.project(value));
        if values == Some(0) {
            return;
        }
        let keys = self.project(look.key);
        let place = self.marks.place_of(look.place);
        for n in 0..keys {
            let key = self.marks.scratch.known[look.key].1[n];
            for m in 0..values.unwrap_or(1) {
                let value = look.value.map(|value| self.marks.scratch.known[value].1[m]);
                // Whoever looks once sees each key and value once.
                let same = |s: &&mut Glance| !only && s.key == key && s.value == value;
                match seen.iter_mut().find(same) {
                    Some(there) => there.places = self.marks.with_place(there.places, look.place),
                    None => seen.push(Glance { key, value, places: place }),
                }
            }
        }
    }

    fn first_of(&mut self, projection: usize) -> Option<u32> {
        self.project(projection);
        self.marks.scratch.known[projection].1.first().copied()
    }

    /// What the event is to the rules above.
    fn above_of(&mut self, looks: &[(u16, usize)]) -> (u32, u32) {
        let all = self.looks;
        let place = |marks: &Marks| u32::try_from(marks.above.len()).unwrap_or(u32::MAX);
        let from = place(self.marks);
        for (_, look) in looks {
            for (nth, above) in all.looks[*look].above.iter().enumerate() {
                if let Some((key, value)) = self.above(above) {
                    self.marks.above.push(AboveMark { of: (*look, nth), key, value });
                }
            }
        }
        (from, place(self.marks))
    }

    fn above(&mut self, look: &AboveLook) -> Option<(u32, Option<u32>)> {
        let value = match look.value {
            None => None,
            Some(value) => Some(self.first_of(value)?),
        };
        Some((self.first_of(look.key)?, value))
    }

    /// Finds the texts of a projection, once for each event, and says how many there are.
    fn project(&mut self, number: usize) -> usize {
        let event = self.marks.scratch.event;
        let known = &mut self.marks.scratch.known;
        if known.len() <= number {
            known.resize_with(number + 1, Default::default);
        }
        if known[number].0 == event {
            return known[number].1.len();
        }
        let mut found = std::mem::take(&mut known[number].1);
        found.clear();
        let mut text = std::mem::take(&mut self.marks.scratch.text);
        let projection = &self.looks.projections[number];
        if projection.what == What::List {
            self.list(projection, &mut text, &mut found);
        } else if !self.single(projection, &mut text, &mut found) {
            self.several(projection, &mut found);
        }
        self.marks.scratch.text = text;
        let many = found.len();
        self.marks.scratch.known[number] = (event, found);
        many
    }

    /// The texts of all fields in one.
    fn list(&mut self, projection: &Projection, text: &mut String, found: &mut Vec<u32>) {
        text.clear();
        let mut many = 0;
        for field in &projection.fields {
            field.each(self.row, self.record, &mut |value| {
                if many < Sample::RESOURCES_MAX && text.len() + value.len() <= LIST_BYTES_MAX {
                    text.push_str(value);
                    text.push(BETWEEN);
                    many += 1;
                }
            });
        }
        if many > 0 {
            found.push(self.marks.texts.intern(text));
        }
    }

    /// The usual case: no field holds more than one value.
    fn single(&mut self, projection: &Projection, text: &mut String, found: &mut Vec<u32>) -> bool {
        text.clear();
        let is_key = projection.what == What::Key;
        if is_key {
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
                0 if is_key => key::push(text, None),
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
        if projection.what == What::Key {
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
                true if projection.what == What::Value => return, // what has no value is not counted
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

    /// The list of one place.
    fn place_of(&mut self, place: u16) -> u32 {
        let number = usize::from(place);
        if self.single.len() <= number {
            self.single.resize(number + 1, None);
        }
        match self.single[number] {
            Some(list) => list,
            None => {
                let list = self.list_of(vec![place]);
                self.single[number] = Some(list);
                list
            }
        }
    }

    /// The list with one more place.
    fn with_place(&mut self, list: u32, place: u16) -> u32 {
        let mut places = self.places.get(list as usize).cloned().unwrap_or_default();
        places.push(place);
        places.sort_unstable();
        places.dedup();
        self.list_of(places)
    }

    fn list_of(&mut self, places: Vec<u16>) -> u32 {
        let known = self.places.iter().position(|known| *known == places);
        let number = known.unwrap_or_else(|| {
            self.places.push(places);
            self.places.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}
