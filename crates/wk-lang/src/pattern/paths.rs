//! The fields that patterns name, as a tree of their keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names of fields, each with a number. An event's keys are followed through the tree, so what no
/// pattern names is left at its first key.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    names: Vec<Box<str>>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    children: HashMap<Box<str>, u32, BuildHasherDefault<Fnv>>,
    /// Length of the longest key of a child.
    longest: usize,
    path: Option<u32>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], names: Vec::new() }
    }
}

impl Paths {
    /// The tree's root: nothing of a name was followed yet.
    pub(super) const ROOT: u32 = 0;

    /// The number of a name, a new one where it has none.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        let mut at = Self::ROOT;
        for key in name.split('.') {
            at = match self.child(at, key) {
                Some(child) => child,
                None => self.grow(at, key),
            };
        }
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let Some(node) = self.nodes.get_mut(at as usize) else { return next };
        *node.path.get_or_insert_with(|| {
            self.names.push(name.into());
            next
        })
    }

    fn grow(&mut self, at: u32, key: &str) -> u32 {
        let child = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node::default());
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.longest = node.longest.max(key.len());
            node.children.insert(key.into(), child);
        }
        child
    }

    #[inline]
    fn child(&self, at: u32, key: &str) -> Option<u32> {
        let node = self.nodes.get(at as usize)?;
        if key.len() > node.longest { None } else { node.children.get(key).copied() }
    }

    /// Follows a key of an event, which may hold dots.
    #[inline]
    pub(super) fn step(&self, at: u32, key: &str) -> Option<u32> {
        if !key.contains('.') {
            return self.child(at, key);
        }
        key.split('.').try_fold(at, |at, key| self.child(at, key))
    }

    /// The number of the name that ends here.
    #[inline]
    pub(super) fn path(&self, at: u32) -> Option<u32> {
        self.nodes.get(at as usize)?.path
    }

    /// The name of a number.
    pub(super) fn name(&self, path: u32) -> &str {
        self.names.get(path as usize).map_or("", |name| name)
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// FNV-1a, 64 bits: short keys, all of them from patterns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fnv(pub(super) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
