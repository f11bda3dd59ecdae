//! A branch of a pattern against an event.

use std::collections::{BTreeMap, BTreeSet};

use super::Verdict;
use super::compile::Draft;
use super::paths::Paths;
use super::walk::{Event, Mark, Scratch};
use super::want::Want;

/// What is asked of fields, all at once.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    /// Path and list of wants, by the names of the fields as Java orders texts: what is absent is
    /// looked for in the elements that fields before it chose.
    pub(super) fields: Box<[(u32, u32)]>,
    /// The same in the order in which each is asked alone: what says no soonest comes first.
    asked: Box<[(u32, u32)]>,
}

/// The elements of arrays that were chosen so far, by array.
type Chosen = Vec<Mark>;

impl Branch {
    pub(super) fn new(draft: Draft, paths: &Paths) -> Self {
        let mut fields: Vec<(u32, u32)> = draft.into_iter().collect();
        fields.sort_by(|a, b| paths.name(a.0).encode_utf16().cmp(paths.name(b.0).encode_utf16()));
        Self::of(fields)
    }

    fn of(fields: Vec<(u32, u32)>) -> Self {
        Self { asked: fields.clone().into(), fields: fields.into() }
    }

    /// The same with other numbers of paths and lists.
    pub(super) fn moved(&self, mut path: impl FnMut(u32) -> u32, first_list: u32) -> Self {
        Self::of(self.fields.iter().map(|(own, list)| (path(*own), first_list + list)).collect())
    }

    /// Asks fields in the order of what this says of them.
    pub(super) fn ask_by(&mut self, rank: impl FnMut(&(u32, u32)) -> usize) {
        self.asked.sort_by_cached_key(rank);
    }

    /// The field that is asked first.
    pub(super) fn first_asked(&self) -> Option<(u32, u32)> {
        self.asked.first().copied()
    }

    pub(super) fn verdict(
        &self,
        lists: &[Box<[Want]>],
        event: &Event<'_>,
        scratch: &mut Scratch,
    ) -> Verdict {
        let wants = |list: u32| lists.get(list as usize).map_or(&[][..], |wants| wants);
        for (path, list) in &self.asked {
            match possible(wants(*list), event, *path, scratch) {
                Some(true) => {}
                Some(false) => return Verdict::No,
                None => return Verdict::Unclear,
            }
        }
        if event.is_flat() {
            return Verdict::Yes;
        }
        let fields = self.fields.iter();
        let levels: Option<Vec<Level<'_>>> =
            fields.map(|(path, list)| Level::new(wants(*list), event, *path, scratch)).collect();
        levels.map_or(Verdict::Unclear, |levels| search(&levels, scratch))
    }
}

/// Looks for one choice of elements with which every field is as it should be.
fn search(levels: &[Level<'_>], scratch: &mut Scratch) -> Verdict {
    let mut last_use: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, level) in levels.iter().enumerate() {
        last_use.extend(level.arrays().map(|array| (array, place)));
    }
    let mut known: BTreeSet<(usize, Chosen)> = BTreeSet::new();
    let mut open = vec![(0, Chosen::new())];
    while let Some((place, chosen)) = open.pop() {
        let Some(level) = levels.get(place) else { return Verdict::Yes };
        let mut go_on = |chosen: Chosen| {
            // Only the choices that later fields share matter from here.
            let matters = |mark: &Mark| last_use.get(&mark.0).is_some_and(|last| *last > place);
            let chosen: Chosen = chosen.into_iter().filter(matters).collect();
            if known.insert((place + 1, chosen.clone())) {
                open.push((place + 1, chosen));
            }
        };
        let mut none = true;
        let looked = level.all.consistent(&chosen, &mut scratch.checks, |trail| {
            none = false;
            if level.wanted.contains(trail) {
                go_on(merged(&chosen, trail));
            }
        });
        if looked.is_none() {
            return Verdict::Unclear;
        }
        if level.absent && none {
            go_on(chosen);
        }
    }
    Verdict::No
}

/// Whether a field alone is as it should be; without arrays that is all there is to ask. With
/// arrays an absent field may be absent from the chosen elements only. Nothing if it takes too much.
fn possible(wants: &[Want], event: &Event<'_>, path: u32, scratch: &mut Scratch) -> Option<bool> {
    let mut entries = event.of(path, scratch).peekable();
    let absent = wants.iter().any(|want| matches!(want, Want::Absent));
    if absent && (entries.peek().is_none() || !event.is_flat()) {
        return Some(true);
    }
    for entry in entries {
        if scratch.look(wants, &entry.leaf)? {
            return Some(true);
        }
    }
    Some(false)
}

/// One field of a branch: where its values stand, and which of them are wanted.
struct Level<'e> {
    all: Trails<'e>,
    wanted: BTreeSet<&'e [Mark]>,
    absent: bool,
}

/// Trails by the outermost array and its element.
#[derive(Default)]
struct Trails<'e> {
    by_mark: BTreeMap<u32, BTreeMap<u32, BTreeSet<&'e [Mark]>>>,
    /// Whether a value stands in no element of any array.
    free: bool,
}

impl<'e> Level<'e> {
    fn new(wants: &[Want], event: &'e Event<'_>, path: u32, scratch: &mut Scratch) -> Option<Self> {
        let absent = wants.iter().any(|want| matches!(want, Want::Absent));
        let mut level = Self { all: Trails::default(), wanted: BTreeSet::new(), absent };
        for entry in event.of(path, scratch) {
            let trail = event.trail(entry);
            let wanted = scratch.look(wants, &entry.leaf)?;
            if wanted {
                level.wanted.insert(trail);
            }
            // What is not wanted matters only where it may have to be absent.
            if wanted || absent {
                level.all.add(trail);
            }
        }
        Some(level)
    }

    fn arrays(&self) -> impl Iterator<Item = u32> {
        let trails = self.all.by_mark.values().flat_map(BTreeMap::values).flatten();
        trails.flat_map(|trail| trail.iter().map(|(array, _)| *array))
    }
}

impl<'e> Trails<'e> {
    fn add(&mut self, trail: &'e [Mark]) {
        match trail.first() {
            None => self.free = true,
            Some((array, element)) => {
                let by_element = self.by_mark.entry(*array).or_default();
                by_element.entry(*element).or_default().insert(trail);
            }
        }
    }

    /// Every trail that asks of no array for another element than was chosen; nothing if that takes
    /// more checks than are left.
    fn consistent(
        &self,
        chosen: &[Mark],
        checks: &mut usize,
        mut each: impl FnMut(&'e [Mark]),
    ) -> Option<()> {
        *checks = checks.checked_sub(1)?;
        for (array, by_element) in &self.by_mark {
            let own = element_of(chosen, *array);
            let only = own.and_then(|own| by_element.get(&own)).into_iter();
            let any = by_element.values().filter(|_| own.is_none());
            for trail in only.chain(any).flatten() {
                *checks = checks.checked_sub(1)?;
                let fits = |(array, element): &Mark| {
                    element_of(chosen, *array).is_none_or(|own| own == *element)
                };
                if trail.iter().all(fits) {
                    each(trail);
                }
            }
        }
        if self.free {
            each(&[]);
        }
        Some(())
    }
}

fn element_of(chosen: &[Mark], array: u32) -> Option<u32> {
    let place = chosen.binary_search_by_key(&array, |(array, _)| *array).ok()?;
    chosen.get(place).map(|(_, element)| *element)
}

/// Both, by array, each once. Arrays are numbered as they open, so a trail is in order.
fn merged(chosen: &[Mark], trail: &[Mark]) -> Chosen {
    let mut both = [chosen, trail].concat();
    both.sort_unstable();
    both.dedup();
    both
}
