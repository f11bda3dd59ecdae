//! Many patterns at once.
//!
//! Each branch is found by one of its fields: where a field's list holds nothing but exact values,
//! by those values, and among such fields by the one whose values the fewest branches share; else
//! by a field that must be there. Those that are found by the same are grouped by what the next of
//! their fields needs, so that a group is passed over at once. Only what is left is asked. Branches
//! that ask for nothing that must be there are asked always.

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
    by_value: HashMap<Key, Vec<Group>, BuildHasherDefault<AsItIs>>,
    /// For each path: what its keys stand for, and the branches that are found by its presence.
    by_path: Vec<(Kinds, Vec<Group>)>,
    always: Vec<u32>,
}

/// Branches that need the same besides what they are found by.
#[derive(Debug)]
struct Group {
    needs: Need,
    branches: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    /// Nothing that can be told soon.
    Nothing,
    /// One of these values.
    Values(Box<[Key]>),
    /// A field, whatever its value.
    Field(u32),
}

/// Exact values of one field by which a branch may be found; a longer list is looked at instead.
const VALUES_MAX: usize = 1_000;
/// Exact values that a group may need one of.
const NEEDED_MAX: usize = 16;

/// How many branches share each value.
type Shared = HashMap<Key, usize, BuildHasherDefault<AsItIs>>;

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
        let (mut found, mut keys) =
            (std::mem::take(&mut scratch.candidates), std::mem::take(&mut scratch.keys));
        found.clear();
        found.extend_from_slice(&self.always);
        keys.clear();
        for entry in &event.entries {
            if let Some((kinds, _)) = self.by_path.get(entry.path as usize) {
                kinds.keys(entry.path, &entry.leaf, |key| keys.push(key));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let mut add = |groups: &[Group], scratch: &mut Scratch| {
            for group in groups {
                let meets = match &group.needs {
                    Need::Nothing => true,
                    Need::Values(any) => any.iter().any(|key| keys.binary_search(key).is_ok()),
                    Need::Field(path) => scratch.has(*path),
                };
                if meets {
                    found.extend(group.branches.iter().filter(|b| scratch.first_look(**b)));
                }
            }
        };
        for groups in keys.iter().filter_map(|key| self.by_value.get(key)) {
            add(groups, scratch);
        }
        for entry in &event.entries {
            if let Some((_, groups)) = self.by_path.get(entry.path as usize) {
                add(groups, scratch);
            }
        }
        scratch.candidates = found;
        scratch.keys = keys;
    }

    /// How many branches share each value.
    fn shared(&self) -> Shared {
        let mut shared = Shared::default();
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
    fn place(&mut self, place: usize, shared: &Shared) {
        let Some(mut branch) = self.branches.get(place).cloned() else { return };
        let company = |keys: &[Key]| -> usize { keys.iter().filter_map(|k| shared.get(k)).sum() };
        let exact: Vec<(usize, u32, u32)> = branch
            .fields
            .iter()
            .filter_map(|(path, list)| Some((company(&self.keys(*path, *list)?), *path, *list)))
            .collect();
        for (_, path, list) in &exact {
            self.note(*path, *list);
        }
        let by_value = exact.iter().min().map(|(_, path, list)| (*path, *list));
        let must = |(_, list): &&(u32, u32)| self.is_required(*list);
        // The last name is the longest, and the rarest more often than the first.
        let found_by = by_value.or_else(|| branch.fields.iter().rev().find(must).copied());
        // What is no exact value says no most often; what brought the branch here says it last.
        branch.ask_by(|field| {
            let rank = exact.iter().find(|(_, path, _)| *path == field.0).map(|(rank, ..)| *rank);
            if found_by == Some(*field) { usize::MAX } else { rank.unwrap_or(0) }
        });
        let needs = branch.first_asked().filter(|field| Some(*field) != found_by);
        let needs = needs.map_or(Need::Nothing, |(path, list)| self.need(path, list));
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        match (by_value, found_by) {
            (Some((path, list)), _) => {
                let mut keys = self.keys(path, list).unwrap_or_default();
                keys.sort_unstable();
                keys.dedup();
                for key in &keys {
                    add_to(self.by_value.entry(*key).or_default(), &needs, number);
                }
            }
            (None, Some((path, _))) => {
                if let Some((_, groups)) = self.by_path.get_mut(path as usize) {
                    add_to(groups, &needs, number);
                }
            }
            (None, None) => self.always.push(number),
        }
        if let Some(own) = self.branches.get_mut(place) {
            *own = branch;
        }
    }

    /// Notes that events are looked at for the values of a list.
    fn note(&mut self, path: u32, list: u32) {
        let wants = self.merged.lists.get(list as usize).map_or(&[][..], |wants| wants);
        if let Some((kinds, _)) = self.by_path.get_mut(path as usize) {
            kinds.note(wants);
        }
    }

    fn is_required(&self, list: u32) -> bool {
        !self.wants(list).iter().any(|want| matches!(want, Want::Absent))
    }

    /// What an event must have for a field to be as it should be.
    fn need(&self, path: u32, list: u32) -> Need {
        match self.keys(path, list) {
            Some(keys) if keys.len() <= NEEDED_MAX => Need::Values(keys.into()),
            _ if self.is_required(list) => Need::Field(path),
            _ => Need::Nothing,
        }
    }
}

fn add_to(groups: &mut Vec<Group>, needs: &Need, branch: u32) {
    match groups.iter_mut().find(|group| group.needs == *needs) {
        Some(group) => group.branches.push(branch),
        None => groups.push(Group { needs: needs.clone(), branches: vec![branch] }),
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
