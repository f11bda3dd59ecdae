//! Many patterns at once.
//!
//! Each branch is found by one of its fields: where a field's list holds nothing but exact values,
//! by those values, and among such fields by the one whose values the fewest branches share; else
//! by a field that must be there. Only what is found is asked. Branches that ask for nothing that
//! must be there are asked always.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::json::{Kind, Value};

use super::Verdict;
use super::branch::Branch;
use super::compile::{Merged, Pattern};
use super::key::{self, Key, Kinds};
use super::walk::Event;
pub use super::walk::Scratch;
use super::want::Want;

/// Patterns and their index.
#[derive(Debug, Default)]
pub struct PatternSet {
    merged: Merged,
    branches: Vec<Branch>,
    /// The pattern of each branch.
    owners: Vec<u32>,
    patterns: usize,
    by_value: HashMap<Key, Vec<u32>, BuildHasherDefault<AsItIs>>,
    /// For each path: what its keys stand for, and the branches that are found by its presence.
    by_path: Vec<(Kinds, Vec<u32>)>,
    always: Vec<u32>,
}

/// Exact values of one field by which a branch may be found; a longer list is looked at instead.
const VALUES_MAX: usize = 1_000;

impl PatternSet {
    /// An index of patterns; they are told by their place.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Self {
        let mut set = Self::default();
        for (owner, pattern) in (0..).zip(patterns) {
            let branches = set.merged.add(pattern);
            set.owners.extend(branches.iter().map(|_| owner));
            set.branches.extend(branches);
            set.patterns += 1;
        }
        set.by_path.resize_with(set.merged.paths.len(), Default::default);
        let shared = set.shared();
        for place in 0..set.branches.len() {
            set.place(place, &shared);
        }
        set
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.patterns == 0
    }

    /// The patterns that match an event, or might, by their place and in order. What is no object is
    /// no event.
    pub fn verdicts(
        &self,
        event: Value<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<(usize, Verdict)>,
    ) {
        out.clear();
        if event.kind() != Kind::Object {
            return;
        }
        let Some(event) = Event::walk(event, &self.merged.paths, scratch) else {
            out.extend((0..self.patterns).map(|pattern| (pattern, Verdict::Unclear)));
            return;
        };
        self.find(&event, scratch);
        let candidates = std::mem::take(&mut scratch.candidates);
        for place in &candidates {
            let at = *place as usize;
            let (Some(branch), Some(owner)) = (self.branches.get(at), self.owners.get(at)) else {
                continue;
            };
            match branch.verdict(&self.merged.lists, &event, scratch) {
                Verdict::No => {}
                verdict => out.push((*owner as usize, verdict)),
            }
        }
        scratch.candidates = candidates;
        // A pattern whose branches disagree is what the surest says.
        out.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        out.dedup_by_key(|(pattern, _)| *pattern);
    }

    /// Collects the branches that can match, each once.
    fn find(&self, event: &Event<'_>, scratch: &mut Scratch) {
        let mut found = std::mem::take(&mut scratch.candidates);
        found.clear();
        found.extend_from_slice(&self.always);
        let mut add = |places: &[u32], scratch: &mut Scratch| {
            found.extend(places.iter().filter(|place| scratch.first_look(**place)));
        };
        for entry in &event.entries {
            let Some((kinds, present)) = self.by_path.get(entry.path as usize) else { continue };
            add(present, scratch);
            kinds.keys(entry.path, &entry.leaf, |key| {
                if let Some(places) = self.by_value.get(&key) {
                    add(places, scratch);
                }
            });
        }
        scratch.candidates = found;
    }

    /// How many branches share each value.
    fn shared(&self) -> HashMap<Key, usize, BuildHasherDefault<AsItIs>> {
        let mut shared = HashMap::default();
        for branch in &self.branches {
            for (path, list) in &branch.fields {
                for key in self.keys(*path, *list).into_iter().flatten() {
                    *shared.entry(key).or_default() += 1;
                }
            }
        }
        shared
    }

    fn keys(&self, path: u32, list: u32) -> Option<Vec<Key>> {
        let wants = self.wants(list);
        if wants.len() > VALUES_MAX { None } else { key::of_wants(path, wants) }
    }

    fn wants(&self, list: u32) -> &[Want] {
        self.merged.lists.get(list as usize).map_or(&[], |wants| wants)
    }

    /// Puts a branch where it is found.
    fn place(&mut self, place: usize, shared: &HashMap<Key, usize, BuildHasherDefault<AsItIs>>) {
        let Some(branch) = self.branches.get(place) else { return };
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        let company = |keys: &[Key]| -> usize { keys.iter().filter_map(|k| shared.get(k)).sum() };
        let exact = branch.fields.iter().filter_map(|(path, list)| {
            let keys = self.keys(*path, *list)?;
            Some((company(&keys), *path, *list, keys))
        });
        if let Some((_, path, list, mut keys)) = exact.min() {
            keys.sort_unstable();
            keys.dedup();
            let mut kinds = self.by_path.get(path as usize).map_or_else(Kinds::default, |p| p.0);
            kinds.note(self.wants(list));
            if let Some(entry) = self.by_path.get_mut(path as usize) {
                entry.0 = kinds;
            }
            for key in keys {
                self.by_value.entry(key).or_default().push(number);
            }
            return;
        }
        let must = |(_, list): &&(u32, u32)| {
            !self.wants(*list).iter().any(|want| matches!(want, Want::Absent))
        };
        // The last name is the longest and the rarest more often than the first.
        let there = branch.fields.iter().rev().find(must).map(|(path, _)| *path as usize);
        match there.and_then(|path| self.by_path.get_mut(path)) {
            Some((_, present)) => present.push(number),
            None => self.always.push(number),
        }
    }
}

/// Keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    #[inline]
    fn write_u64(&mut self, n: u64) {
        // Hash maps look at the highest bits too, which FNV moves least.
        self.0 = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
