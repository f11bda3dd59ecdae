//! Which events this process is about to commit, over all its workers.
//!
//! An event is claimed when its record is read, before the id index is asked. Whoever reads it a
//! second time meanwhile has a duplicate, and a batch that leans on the claimer's: it must not
//! become true before that one. If the claimer's commit never comes, what leans on it is read
//! again: nothing is lost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wk_model::Day;
use wk_seam::lake::{EventKey, Run};

/// The number of a batch: the same one never comes again in a process.
pub(super) type BatchNumber = u64;

/// How a claim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// The event is the batch's own now.
    Mine,
    /// It is that batch's already.
    TakenBy(BatchNumber),
}

/// Claims of one process.
#[derive(Default)]
pub(super) struct Claims(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Events that are claimed and in no staged run, by table, day and id.
    live: HashMap<(&'static str, Day, u128), Vec<Live>>,
    /// Runs that are staged and not committed.
    staged: Vec<(Run, BatchNumber)>,
}

/// A claimed content of an event.
struct Live {
    content: u64,
    batch: BatchNumber,
    /// Whether its batch is writing it: of two contents, the later one is the conflict.
    staging: bool,
}

/// What a batch meets when it begins to stage keys of a table and day.
pub(super) struct Met {
    /// For each key, the batch that stages another content of the same id.
    pub(super) conflicts: Vec<Option<BatchNumber>>,
    /// The runs that are staged and not committed.
    pub(super) staged: Vec<(Run, BatchNumber)>,
}

impl Claims {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims an event. Another content under the same id is another claim.
    pub(super) fn claim(
        &self,
        table: &'static str,
        day: Day,
        key: EventKey,
        batch: BatchNumber,
    ) -> Claim {
        let mut inner = self.inner();
        let live = inner.live.entry((table, day, key.id)).or_default();
        match live.iter().find(|l| l.content == key.content) {
            Some(taken) => Claim::TakenBy(taken.batch),
            None => {
                live.push(Live { content: key.content, batch, staging: false });
                Claim::Mine
            }
        }
    }

    /// Begins to stage keys of a batch. Of two batches that stage contents of one id, exactly one
    /// meets the other: here, or in its staged run, or in the ledger if that is asked afterwards.
    pub(super) fn begin(&self, table: &'static str, day: Day, keys: &[EventKey]) -> Met {
        let mut inner = self.inner();
        let mut conflicts = vec![None; keys.len()];
        for (key, conflict) in keys.iter().zip(&mut conflicts) {
            let Some(live) = inner.live.get_mut(&(table, day, key.id)) else { continue };
            *conflict =
                live.iter().find(|l| l.staging && l.content != key.content).map(|l| l.batch);
            live.iter_mut().filter(|l| l.content == key.content).for_each(|l| l.staging = true);
        }
        let of_day = inner.staged.iter().filter(|(r, _)| r.table == table && r.day == day);
        Met { conflicts, staged: of_day.cloned().collect() }
    }

    /// Gives claims back: after their run was staged, or because their batch was given up.
    pub(super) fn release(
        &self,
        table: &'static str,
        day: Day,
        keys: &[EventKey],
        batch: BatchNumber,
    ) {
        let mut inner = self.inner();
        for key in keys {
            let place = (table, day, key.id);
            let Some(live) = inner.live.get_mut(&place) else { continue };
            live.retain(|l| l.content != key.content || l.batch != batch);
            if live.is_empty() {
                inner.live.remove(&place);
            }
        }
    }

    /// Notes a staged run; from now on its keys need no claims.
    pub(super) fn staged(&self, run: Run, batch: BatchNumber) {
        self.inner().staged.push((run, batch));
    }

    /// Forgets the staged runs of a batch: it is committed, or given up.
    pub(super) fn settled(&self, batch: BatchNumber) {
        self.inner().staged.retain(|(_, of)| *of != batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Day = Day::from_number(19_000);
    const NEXT_DAY: Day = Day::from_number(19_001);

    fn key(content: u64) -> EventKey {
        EventKey { id: 1, content }
    }

    #[test]
    fn the_second_reader_of_an_event_learns_whose_it_is() {
        use Claim::{Mine, TakenBy};
        let claims = Claims::default();
        let claim = |day, content, batch| claims.claim("t", day, key(content), batch);
        assert_eq!(
            [claim(DAY, 7, 1), claim(DAY, 7, 2), claim(DAY, 7, 1)],
            [Mine, TakenBy(1), TakenBy(1)]
        );
        assert_eq!([claim(DAY, 8, 2), claim(DAY, 8, 1)], [Mine, TakenBy(2)]);
        assert_eq!(claim(NEXT_DAY, 7, 2), Mine, "an id is one within its day");
        claims.release("t", DAY, &[key(7)], 2);
        assert_eq!(claim(DAY, 7, 3), TakenBy(1), "nobody gives back what another holds");
        claims.release("t", DAY, &[key(7)], 1);
        assert_eq!(claim(DAY, 7, 3), Mine);
    }

    #[test]
    fn of_two_contents_the_one_that_is_staged_later_is_the_conflict() {
        let claims = Claims::default();
        claims.claim("t", DAY, key(7), 1);
        claims.claim("t", DAY, key(8), 2);
        assert_eq!(claims.begin("t", DAY, &[key(8)]).conflicts, [None]);
        assert_eq!(claims.begin("t", DAY, &[key(7)]).conflicts, [Some(2)]);
    }
}
