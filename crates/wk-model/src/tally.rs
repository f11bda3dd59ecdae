//! The sum that every ingest must satisfy.

use serde::{Deserialize, Serialize};

/// Records of one source in one run: `read = stored + duplicates + complaints`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Records seen.
    pub read: u64,
    /// Records that are now events in the lake.
    pub stored: u64,
    /// Records whose event was in the lake already.
    pub duplicates: u64,
    /// Records that could not become events; each has a complaint.
    pub complaints: u64,
}

impl Tally {
    /// Whether every record is accounted for.
    pub fn adds_up(&self) -> bool {
        self.read == self.stored + self.duplicates + self.complaints
    }
    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.complaints += other.complaints;
    }
}
