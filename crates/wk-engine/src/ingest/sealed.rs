//! Batches that are written and wait to become true.
//!
//! A batch that left an event out because another batch holds it becomes true after that one, or
//! in the same commit. If the other is given up, it is given up too, and its objects are read
//! again. So whatever version a reader looks at: all events of its objects are there.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::{Arrivals, Day};
use wk_seam::Answer;
use wk_seam::lake::Run;
use wk_seam::ledger::{Commit, Committed};

use super::Shared;
use super::batch::{Batch, Pending};
use super::claims::BatchNumber;
use crate::found::Found;

/// Runs of a day that are left before a commit merges them.
const RUNS_MAX: usize = 8;
/// Keys up to which runs are merged: 24 MB of them.
const MERGED_KEYS_MAX: u64 = 1 << 20;

/// Batches of one process that no worker touches any more.
#[derive(Default)]
pub(super) struct Sealed {
    waiting: Vec<Batch>,
    /// Batches that are true.
    done: BTreeSet<BatchNumber>,
    /// Batches that were given up.
    lost: BTreeSet<BatchNumber>,
}

impl Sealed {
    /// Takes out the batches that lean on one that is lost; they are lost too.
    fn take_doomed(&mut self) -> Vec<Batch> {
        let mut doomed = Vec::new();
        while let Some(at) = self.waiting.iter().position(|b| !b.leans_on.is_disjoint(&self.lost)) {
            let batch = self.waiting.swap_remove(at);
            self.lost.insert(batch.number);
            doomed.push(batch);
        }
        doomed
    }

    /// Takes out the batches that lean on nothing but true ones and each other.
    fn take_ready(&mut self) -> Vec<Batch> {
        let mut ready: BTreeSet<BatchNumber> = self.waiting.iter().map(|b| b.number).collect();
        loop {
            let holds = |n: &BatchNumber| ready.contains(n) || self.done.contains(n);
            let stuck = self
                .waiting
                .iter()
                .find(|b| ready.contains(&b.number) && !b.leans_on.iter().all(holds));
            let Some(stuck) = stuck.map(|b| b.number) else { break };
            ready.remove(&stuck);
        }
        let (mut out, waiting): (Vec<Batch>, _) =
            std::mem::take(&mut self.waiting).into_iter().partition(|b| ready.contains(&b.number));
        self.waiting = waiting;
        out.sort_by_key(|b| b.number);
        out
    }
}

impl Shared<'_> {
    /// Takes a batch whose rows are all staged, and makes true what can be.
    pub(super) async fn seal(&self, batch: Batch) -> Answer<()> {
        // Held from the last look at the id index to the end of the commit.
        let mut sealed = self.sealed.lock().await;
        sealed.waiting.push(batch);
        self.read_again_later(&sealed.take_doomed());
        let mut ready = sealed.take_ready();
        if ready.is_empty() {
            return Ok(());
        }
        let (commit, merged_away) = self.commit_of(&mut ready).await?;
        match self.ingest.ledger.commit(&commit).await? {
            Committed::Done { .. } => {
                sealed.done.extend(ready.iter().map(|b| b.number));
                self.count(&ready);
                ready.iter().for_each(|b| self.forget(b));
                drop(sealed);
                self.remove_unnamed(&merged_away).await;
            }
            Committed::Stale { .. } => {
                self.report().overtaken += 1;
                sealed.lost.extend(ready.iter().map(|b| b.number));
                self.read_again_later(&ready);
                self.read_again_later(&sealed.take_doomed());
            }
        }
        Ok(())
    }

    /// Gives a batch up whose object could not be read to its end, and whatever leans on it.
    pub(super) async fn give_up(&self, batch: Batch) {
        let mut sealed = self.sealed.lock().await;
        sealed.lost.insert(batch.number);
        self.read_again_later(&[batch]);
        self.read_again_later(&sealed.take_doomed());
    }

    /// Objects of lost batches; `None` while a batch still waits for another.
    pub(super) async fn take_again(&self) -> Option<Vec<(usize, wk_seam::objects::Object)>> {
        let sealed = self.sealed.lock().await;
        let again = std::mem::take(
            &mut *self.again.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        sealed.waiting.is_empty().then_some(again)
    }

    fn read_again_later(&self, lost: &[Batch]) {
        for batch in lost {
            for ((table, day), part) in &batch.parts {
                let keys: Vec<_> = part.keys.iter().map(|(key, _)| *key).collect();
                self.claims.release(table, *day, &keys, batch.number);
            }
            self.forget(batch);
            let objects = batch.objects.iter().map(|o| (o.place, o.object.clone()));
            self.again.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(objects);
        }
    }

    fn forget(&self, batch: &Batch) {
        self.claims.settled(batch.number);
        batch.objects.iter().for_each(|o| self.unmark(o.identity));
    }

    /// Removes runs that no version ever named: the commit that held their keys is true, so nobody else
    /// will name them either. What a commit left that was overtaken stays for the daily sweep: another
    /// process may have written, and named, a file of the same content.
    async fn remove_unnamed(&self, paths: &[String]) {
        if paths.is_empty() {
            return;
        }
        if let Err(failure) = self.ingest.lake.remove(paths).await {
            let (runs, why) = (paths.len(), failure.chain());
            tracing::info!(runs, why, "merged runs were not removed; the next sweep does it");
        }
    }

    /// The commit, and the paths of runs that were merged into others before anybody saw them. Signals
    /// and sightings are moved, not copied: there are many, and a batch that is overtaken is read again.
    async fn commit_of(&self, batches: &mut [Batch]) -> Answer<(Commit, Vec<String>)> {
        let signals = batches.iter_mut().map(|b| std::mem::take(&mut b.signals).finish());
        let signals = signals.collect::<Vec<_>>().concat().into();
        let mut found = Found::default();
        for batch in batches.iter_mut() {
            batch.sighted += batch.found.sightings();
            found.join(std::mem::take(&mut batch.found));
        }
        let (sightings, folded) = found.into_parts();
        let runs: Vec<&Run> = batches.iter().flat_map(|b| &b.runs).collect();
        let mut arrivals = Arrivals::default();
        batches.iter().for_each(|b| arrivals.add(b.arrivals.clone()));
        let (runs, merged_away) = self.merged(&runs).await?;
        let commit = Commit {
            writer: self.ingest.writer.clone(),
            recorded: self.now(),
            objects: batches.iter().flat_map(|b| b.objects.iter().map(Pending::row)).collect(),
            files: batches.iter().flat_map(|b| b.files.clone()).collect(),
            runs,
            checked_at: batches.iter().filter_map(|b| b.checked_at).min().unwrap_or(0),
            sightings,
            folded,
            arrivals,
            signals,
            turn: None,
        };
        Ok((commit, merged_away))
    }

    /// The runs of a commit, each with the runs that it replaces: where a day has many small ones
    /// they become one. Beside them the paths of new runs that went into such a one.
    async fn merged(&self, runs: &[&Run]) -> Answer<(Vec<(Run, Vec<Run>)>, Vec<String>)> {
        let mut by_day: BTreeMap<(&str, Day), Vec<Run>> = BTreeMap::new();
        for run in runs {
            by_day.entry((&run.table, run.day)).or_default().push((*run).clone());
        }
        let (ledger, lake) = (&self.ingest.ledger, &self.ingest.lake);
        let (mut merged, mut away) = (Vec::new(), Vec::new());
        for ((table, day), new) in by_day {
            let (_, there) = ledger.runs(&[(table.to_owned(), day)]).await?;
            let small: Vec<Run> =
                there.into_iter().filter(|r| r.keys < MERGED_KEYS_MAX / 8).collect();
            let all: Vec<Run> = small.iter().chain(&new).cloned().collect();
            let few = small.len() < RUNS_MAX && new.len() < RUNS_MAX;
            if few || all.iter().map(|r| r.keys).sum::<u64>() > MERGED_KEYS_MAX {
                merged.extend(new.into_iter().map(|run| (run, Vec::new())));
            } else {
                let one = lake.merge_runs(&all, &[]).await?;
                // What is merged into itself keeps its name.
                away.extend(new.into_iter().map(|run| run.path).filter(|path| *path != one.path));
                merged.push((one, small));
            }
        }
        Ok((merged, away))
    }

    fn count(&self, batches: &[Batch]) {
        let mut report = self.report();
        report.commits += 1;
        for batch in batches {
            report.notes += batch.notes;
            report.sightings += batch.sighted;
            report.left_out += batch.left_out;
            for object in &batch.objects {
                report.objects_read += 1;
                report.bytes += object.object.size;
                for (source, tally) in &object.tallies {
                    report.sources.entry((*source).to_owned()).or_default().add(*tally);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(of: &[(BatchNumber, &[BatchNumber])]) -> Sealed {
        let batch = |(number, leans_on): &(BatchNumber, &[BatchNumber])| {
            let mut batch = Batch::new(*number);
            leans_on.iter().for_each(|other| batch.lean_on(*other));
            batch
        };
        Sealed { waiting: of.iter().map(batch).collect(), ..Sealed::default() }
    }

    fn numbers(batches: &[Batch]) -> Vec<BatchNumber> {
        batches.iter().map(|b| b.number).collect()
    }

    #[test]
    fn batches_that_lean_on_each_other_become_true_together() {
        let mut all = sealed(&[(1, &[2]), (2, &[1, 7]), (3, &[4]), (5, &[])]);
        assert_eq!(numbers(&all.take_ready()), [5], "7 is not done, 4 not even sealed");
        all.done.insert(7);
        assert_eq!(numbers(&all.take_ready()), [1, 2]);
        assert_eq!(numbers(&all.waiting), [3]);
    }

    #[test]
    fn a_lost_batch_takes_all_with_it_that_lean_on_it() {
        let mut all = sealed(&[(1, &[2]), (2, &[9]), (3, &[])]);
        all.lost.insert(9);
        assert_eq!(numbers(&all.take_doomed()), [2, 1]);
        assert_eq!(numbers(&all.waiting), [3]);
    }
}
