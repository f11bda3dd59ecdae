//! A ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use wk_model::finding::Finding;
use wk_model::{Day, Sha256, Tally};

use super::{Faults, locked};
use crate::lake::Run;
use crate::ledger::{
    Checkpoint, Commit, Committed, FiledComplaint, FindingQuery, Ledger, Snapshot,
};
use crate::{Answer, Failure, Future};

/// A ledger in memory, as one process sees it. Version n is the n-th commit.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    facts: Arc<Mutex<Facts>>,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Facts {
    commits: Vec<Commit>,
    objects: BTreeSet<Sha256>,
    runs: Vec<LedgerRun>,
    findings: BTreeMap<String, Finding>,
}

#[derive(Debug)]
struct LedgerRun {
    run: Run,
    writer: String,
    added: u64,
    removed: bool,
}

impl MemoryLedger {
    /// The same ledger, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }

    /// Every commit, in order.
    pub fn commits(&self) -> Vec<Commit> {
        locked(&self.facts).commits.clone()
    }

    fn ask<T>(&self, doing: &str, answer: impl FnOnce(&Facts) -> T) -> Answer<T> {
        self.faults.call(doing, || Ok(answer(&locked(&self.facts))))
    }
}

impl Facts {
    fn version(&self) -> u64 {
        self.commits.len() as u64
    }

    fn commit(&mut self, commit: &Commit) -> Answer<Committed> {
        let there =
            commit.objects.iter().map(|o| o.identity).filter(|id| self.objects.contains(id));
        let objects: Vec<Sha256> = there.collect();
        if !objects.is_empty() || commit.runs.iter().any(|(run, old)| self.stale(commit, run, old))
        {
            return Ok(Committed::Stale { objects });
        }
        if let Some(o) = commit.objects.iter().find(|o| !o.tallies.iter().all(|(_, t)| t.adds_up()))
        {
            return Err(Failure::new("commit", format!("the sum of {} does not hold", o.uri)));
        }
        let version = self.version() + 1;
        self.objects.extend(commit.objects.iter().map(|o| o.identity));
        for (run, replaced) in &commit.runs {
            let replaces = |r: &LedgerRun| r.run.path == run.path || replaced.contains(&r.run);
            self.runs.iter_mut().filter(|r| replaces(r)).for_each(|r| r.removed = true);
            let writer = commit.writer.clone();
            self.runs.push(LedgerRun { run: run.clone(), writer, added: version, removed: false });
        }
        for sighting in &commit.sightings {
            self.findings
                .entry(sighting.finding.0.clone())
                .and_modify(|finding| finding.fold(sighting))
                .or_insert_with(|| Finding::begin(sighting));
        }
        self.commits.push(commit.clone());
        Ok(Committed::Done { version })
    }

    fn stale(&self, commit: &Commit, run: &Run, replaced: &[Run]) -> bool {
        let newer = |r: &LedgerRun| {
            let of_day = r.run.table == run.table && r.run.day == run.day;
            of_day && r.added > commit.checked_at && r.writer != commit.writer
        };
        let live = |old: &Run| self.runs.iter().any(|r| !r.removed && r.run.path == old.path);
        self.runs.iter().any(newer) || !replaced.iter().all(live)
    }
}

impl Ledger for MemoryLedger {
    fn objects_known<'a>(&'a self, identities: &'a [Sha256]) -> Future<'a, Answer<Vec<bool>>> {
        let known = |f: &Facts| identities.iter().map(|id| f.objects.contains(id)).collect();
        Box::pin(async move { self.ask("look objects up", known) })
    }

    fn runs<'a>(&'a self, of: &'a [(String, Day)]) -> Future<'a, Answer<(u64, Vec<Run>)>> {
        let runs = |f: &Facts| {
            let wanted =
                |r: &&LedgerRun| !r.removed && of.contains(&(r.run.table.clone(), r.run.day));
            (f.version(), f.runs.iter().filter(wanted).map(|r| r.run.clone()).collect())
        };
        Box::pin(async move { self.ask("look runs up", runs) })
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> Future<'a, Answer<Committed>> {
        Box::pin(async move { self.faults.call("commit", || locked(&self.facts).commit(commit)) })
    }

    fn snapshot(&self) -> Future<'_, Answer<Snapshot>> {
        let snapshot = |f: &Facts| Snapshot {
            version: f.version(),
            files: f.commits.iter().flat_map(|c| c.files.clone()).collect(),
        };
        Box::pin(async move { self.ask("read the manifest", snapshot) })
    }

    fn named_paths(&self) -> Future<'_, Answer<Vec<String>>> {
        let paths = |f: &Facts| {
            let files = f.commits.iter().flat_map(|c| c.files.iter().map(|file| file.path.clone()));
            files.chain(f.runs.iter().filter(|r| !r.removed).map(|r| r.run.path.clone())).collect()
        };
        Box::pin(async move { self.ask("list the manifest's paths", paths) })
    }

    /// Every finding by its id, whatever the query asks for.
    fn findings<'a>(&'a self, _query: &'a FindingQuery) -> Future<'a, Answer<Vec<Finding>>> {
        Box::pin(
            async move { self.ask("read findings", |f| f.findings.values().cloned().collect()) },
        )
    }

    fn complaints(&self, limit: usize) -> Future<'_, Answer<(u64, Vec<FiledComplaint>)>> {
        let complaints = move |f: &Facts| {
            let objects = f.commits.iter().flat_map(|c| &c.objects);
            let mut filed: Vec<FiledComplaint> = objects
                .flat_map(|o| o.complaints.iter().map(|c| (o.uri.clone(), c.clone())))
                .map(|(object, complaint)| FiledComplaint { object, complaint })
                .collect();
            filed.reverse();
            let count = filed.len() as u64;
            filed.truncate(limit);
            (count, filed)
        };
        Box::pin(async move { self.ask("read complaints", complaints) })
    }

    fn tallies(&self) -> Future<'_, Answer<Vec<(String, Tally)>>> {
        let tallies = |f: &Facts| {
            let mut sums: BTreeMap<String, Tally> = BTreeMap::new();
            for (source, tally) in
                f.commits.iter().flat_map(|c| &c.objects).flat_map(|o| &o.tallies)
            {
                sums.entry(source.clone()).or_default().add(*tally);
            }
            sums.into_iter().collect()
        };
        Box::pin(async move { self.ask("read tallies", tallies) })
    }

    /// Nothing is signed here: there is no checkpoint.
    fn checkpoint(&self) -> Future<'_, Answer<Option<Checkpoint>>> {
        Box::pin(async move { Ok(None) })
    }

    fn verify_log(&self) -> Future<'_, Answer<Option<Checkpoint>>> {
        Box::pin(async move { Ok(None) })
    }

    fn fingerprint_seed(&self) -> u64 {
        7
    }
}
