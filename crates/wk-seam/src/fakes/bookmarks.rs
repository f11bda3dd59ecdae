//! Bookmarks in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{Faults, locked};
use crate::bookmarks::Bookmarks;
use crate::clock::Clock;
use crate::{Answer, Future};

/// Bookmarks in memory; a clone shares them, as a process does that starts again.
#[derive(Clone)]
pub struct MemoryBookmarks {
    kept: Arc<Mutex<Kept>>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
}

/// Texts with the second in which they were put, by shelf and key.
type Kept = BTreeMap<(String, String), (String, i64)>;

impl MemoryBookmarks {
    /// Empty ones.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { kept: Arc::default(), clock, faults: Arc::default() }
    }
    /// The same bookmarks, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }
}

impl Bookmarks for MemoryBookmarks {
    fn get<'a>(
        &'a self,
        shelf: &'a str,
        keys: &'a [String],
    ) -> Future<'a, Answer<Vec<Option<String>>>> {
        Box::pin(async move {
            self.faults.call("read bookmarks", || {
                let kept = locked(&self.kept);
                let one = |key: &String| kept.get(&(shelf.to_owned(), key.clone()));
                Ok(keys.iter().map(|key| one(key).map(|(text, _)| text.clone())).collect())
            })
        })
    }

    fn put<'a>(&'a self, shelf: &'a str, pairs: &'a [(String, String)]) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("write bookmarks", || {
                let at = self.clock.now().seconds();
                let rows = pairs
                    .iter()
                    .map(|(key, text)| ((shelf.to_owned(), key.clone()), (text.clone(), at)));
                locked(&self.kept).extend(rows);
                Ok(())
            })
        })
    }

    fn forget<'a>(&'a self, shelf: &'a str, before_seconds: i64) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            self.faults.call("forget bookmarks", || {
                let mut kept = locked(&self.kept);
                let before = kept.len();
                kept.retain(|(of, _), (_, at)| of != shelf || *at >= before_seconds);
                Ok((before - kept.len()) as u64)
            })
        })
    }

    fn touch<'a>(&'a self, shelf: &'a str, keys: &'a [String]) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("write bookmarks", || {
                let now = self.clock.now().seconds();
                let mut kept = locked(&self.kept);
                for key in keys {
                    if let Some((_, at)) = kept.get_mut(&(shelf.to_owned(), key.clone())) {
                        *at = now;
                    }
                }
                Ok(())
            })
        })
    }
}
