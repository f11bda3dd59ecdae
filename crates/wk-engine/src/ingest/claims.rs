//! Which events this process is about to commit, over all its workers.
//!
//! An event is claimed when its record is read, before the id index is asked. Whoever reads it a
//! second time meanwhile has a duplicate. If the claimer's commit never comes, its object was not
//! committed either and is read again: nothing is lost.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use wk_model::Day;
use wk_seam::lake::{EventKey, Known, Run};

/// Claims of one process.
#[derive(Default)]
pub(super) struct Claims(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Content of events that are claimed and in no staged run.
    live: HashMap<(&'static str, u128), u64>,
    /// Further contents under the same id: conflicts.
    further: HashSet<(&'static str, EventKey)>,
    /// Runs that are staged and not committed.
    staged: Vec<Run>,
}

impl Claims {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims an event.
    pub(super) fn claim(&self, table: &'static str, key: EventKey) -> Known {
        let mut inner = self.inner();
        match inner.live.entry((table, key.id)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(key.content);
                Known::New
            }
            std::collections::hash_map::Entry::Occupied(taken) if *taken.get() == key.content => {
                Known::Duplicate
            }
            std::collections::hash_map::Entry::Occupied(_) => {
                if inner.further.insert((table, key)) { Known::Conflict } else { Known::Duplicate }
            }
        }
    }

    /// Gives claims back: after their run was staged, or because their batch was given up.
    pub(super) fn release(&self, table: &'static str, keys: &[EventKey]) {
        let mut inner = self.inner();
        for key in keys {
            if inner.live.get(&(table, key.id)) == Some(&key.content) {
                inner.live.remove(&(table, key.id));
            } else {
                inner.further.remove(&(table, *key));
            }
        }
    }

    /// Notes a staged run; from now on its keys need no claims.
    pub(super) fn staged(&self, run: Run) {
        self.inner().staged.push(run);
    }

    /// Forgets staged runs: they are committed, or given up.
    pub(super) fn settled(&self, runs: &[Run]) {
        self.inner().staged.retain(|staged| !runs.contains(staged));
    }

    /// The staged runs of a table and day.
    pub(super) fn staged_of(&self, table: &str, day: Day) -> Vec<Run> {
        let inner = self.inner();
        inner.staged.iter().filter(|r| r.table == table && r.day == day).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reader_of_an_event_has_a_duplicate_or_a_conflict() {
        let claims = Claims::default();
        let key = |content| EventKey { id: 1, content };
        let answers = [7, 7, 8, 8, 7].map(|content| claims.claim("t", key(content)));
        use Known::{Conflict, Duplicate, New};
        assert_eq!(answers, [New, Duplicate, Conflict, Duplicate, Duplicate]);
        assert_eq!(claims.claim("other", key(8)), New);
        claims.release("t", &[key(7), key(8)]);
        assert_eq!([claims.claim("t", key(8)), claims.claim("t", key(7))], [New, Conflict]);
    }
}
