//! An event, walked once: the fields that patterns name, and in which elements of which arrays each
//! value stands.

use std::borrow::Cow;

use crate::json::{Kind, Value};

use super::key::Key;
use super::paths::Paths;
use super::want::Want;

/// Buffers for one event at a time; use the same ones again for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The latest entry of each path, and of which event it is.
    heads: Vec<(u32, u32)>,
    /// Numbers the events.
    epoch: u32,
    /// The event in which a branch was looked at last.
    pub(super) seen: Vec<u32>,
    pub(super) candidates: Vec<u32>,
    /// What the event can be found by.
    pub(super) keys: Vec<Key>,
    /// Checks of consistency that are left for this event.
    pub(super) checks: usize,
    /// Values that may still be held against wants in this event.
    looks: usize,
}

/// A value that is neither object nor array.
#[derive(Debug, Clone)]
pub(super) enum Leaf<'e> {
    Text(Cow<'e, str>),
    Number(&'e str),
    Bool(bool),
    Null,
}

/// A value of a field.
#[derive(Debug)]
pub(super) struct Entry<'e> {
    pub(super) path: u32,
    pub(super) leaf: Leaf<'e>,
    /// Its trail: from where to where in the trails.
    trail: (u32, u32),
    /// The entry of the same field that was found before it.
    before: u32,
}

/// An array of the event, and one of its elements.
pub(super) type Mark = (u32, u32);

/// What of an event patterns can ask for.
#[derive(Debug)]
pub(super) struct Event<'e> {
    pub(super) entries: Vec<Entry<'e>>,
    trails: Vec<Mark>,
}

const NONE: u32 = u32::MAX;
/// Values of an event that are kept.
const ENTRIES_MAX: usize = 1 << 17;
/// Marks of all trails.
const MARKS_MAX: usize = 1 << 20;
/// Checks of consistency that one event may take, over all patterns.
const CHECKS_MAX: usize = 1 << 16;
/// Values held against wants that one event may take, over all patterns; a long text counts more.
const LOOKS_MAX: usize = 1 << 24;

impl<'e> Event<'e> {
    /// Walks an event; nothing if it holds more than is kept.
    pub(super) fn walk(event: Value<'e>, paths: &Paths, scratch: &mut Scratch) -> Option<Self> {
        scratch.begin(paths.len());
        let mut walk = Walk {
            paths,
            scratch,
            event: Self { entries: Vec::with_capacity(32), trails: Vec::new() },
            trail: Vec::new(),
            saved: Some((0, 0)),
            arrays: 0,
        };
        walk.object(event, Paths::ROOT).map(|()| walk.event)
    }

    /// The values of a field.
    pub(super) fn of<'s>(
        &'s self,
        path: u32,
        scratch: &Scratch,
    ) -> impl Iterator<Item = &'s Entry<'e>> + use<'s, 'e> {
        let mut next = match scratch.heads.get(path as usize) {
            Some((epoch, head)) if *epoch == scratch.epoch => *head,
            _ => NONE,
        };
        std::iter::from_fn(move || {
            let entry = self.entries.get(next as usize)?;
            next = entry.before;
            Some(entry)
        })
    }

    /// In which elements of which arrays a value stands, outermost first.
    pub(super) fn trail(&self, entry: &Entry<'_>) -> &[Mark] {
        self.trails.get(entry.trail.0 as usize..entry.trail.1 as usize).unwrap_or(&[])
    }

    /// Whether no value stands in an element of an array: then any can be taken together.
    pub(super) fn is_flat(&self) -> bool {
        self.trails.is_empty()
    }
}

impl Scratch {
    fn begin(&mut self, paths: usize) {
        if self.epoch == u32::MAX {
            *self = Self::default();
        }
        self.epoch += 1;
        self.checks = CHECKS_MAX;
        self.looks = LOOKS_MAX;
        if self.heads.len() < paths {
            self.heads.resize(paths, (0, NONE));
        }
    }

    /// Whether the event has a field.
    pub(super) fn has(&self, path: u32) -> bool {
        self.heads.get(path as usize).is_some_and(|(epoch, _)| *epoch == self.epoch)
    }

    /// Whether a value is one of what is wanted; nothing if this event has taken too much already.
    #[inline]
    pub(super) fn look(&mut self, wants: &[Want], leaf: &Leaf<'_>) -> Option<bool> {
        let length = if let Leaf::Text(text) = leaf { text.len() } else { 0 };
        self.looks = self.looks.checked_sub(wants.len() * (1 + length / 64))?;
        Some(wants.iter().any(|want| want.is(leaf)))
    }

    /// Whether a branch is looked at for the first time in this event.
    pub(super) fn first_look(&mut self, branch: u32) -> bool {
        let epoch = self.epoch;
        let place = branch as usize;
        if self.seen.len() <= place {
            self.seen.resize(place + 1, 0);
        }
        self.seen.get_mut(place).is_some_and(|seen| std::mem::replace(seen, epoch) != epoch)
    }
}

struct Walk<'w, 'e> {
    paths: &'w Paths,
    scratch: &'w mut Scratch,
    event: Event<'e>,
    /// Where the walk stands.
    trail: Vec<Mark>,
    /// The trail as it was saved, if it has not changed since.
    saved: Option<(u32, u32)>,
    arrays: u32,
}

impl<'e> Walk<'_, 'e> {
    fn object(&mut self, object: Value<'e>, at: u32) -> Option<()> {
        for (key, value) in object.fields() {
            if let Some(at) = self.paths.step(at, &key) {
                self.value(value, at)?;
            }
        }
        Some(())
    }

    fn value(&mut self, value: Value<'e>, at: u32) -> Option<()> {
        match value.kind() {
            Kind::Object => self.object(value, at),
            Kind::Array => self.array(value, at),
            _ => match self.paths.path(at) {
                Some(path) => self.keep(value, path),
                None => Some(()),
            },
        }
    }

    /// Objects and arrays in an array bear its mark; other values stand side by side.
    fn array(&mut self, array: Value<'e>, at: u32) -> Option<()> {
        let number = self.arrays;
        self.arrays += 1;
        for (element, value) in (0..).zip(array.items()) {
            if !matches!(value.kind(), Kind::Object | Kind::Array) {
                self.value(value, at)?;
                continue;
            }
            let outside = self.saved.take();
            self.trail.push((number, element));
            self.value(value, at)?;
            self.trail.pop();
            self.saved = outside;
        }
        Some(())
    }

    fn keep(&mut self, value: Value<'e>, path: u32) -> Option<()> {
        let (entries, trails) = (&mut self.event.entries, &mut self.event.trails);
        if entries.len() >= ENTRIES_MAX || trails.len() >= MARKS_MAX {
            return None;
        }
        let trail = match self.saved {
            Some(trail) => trail,
            None => {
                let start = u32::try_from(trails.len()).ok()?;
                trails.extend_from_slice(&self.trail);
                *self.saved.insert((start, u32::try_from(trails.len()).ok()?))
            }
        };
        let head = self.scratch.heads.get_mut(path as usize)?;
        let before = if head.0 == self.scratch.epoch { head.1 } else { NONE };
        *head = (self.scratch.epoch, u32::try_from(entries.len()).ok()?);
        entries.push(Entry { path, leaf: Leaf::of(value), trail, before });
        Some(())
    }
}

impl<'e> Leaf<'e> {
    fn of(value: Value<'e>) -> Self {
        match value.kind() {
            Kind::String => Self::Text(value.as_str().unwrap_or_default()),
            Kind::Number => Self::Number(value.raw()),
            Kind::Bool => Self::Bool(value.as_bool() == Some(true)),
            Kind::Null | Kind::Array | Kind::Object => Self::Null,
        }
    }
}
