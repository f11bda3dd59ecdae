//! A ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use wk_model::finding::{Finding, FindingId};
use wk_model::hold::{Hold, Release};
use wk_model::selfwatch::{PlaceFacts, SelfFacts};
use wk_model::{Day, Sha256, Tally, Timestamp};

use super::arrivals::Book;
use super::outbox::Kept;
use super::triage::Decided;
use super::{Faults, locked};
use crate::lake::{File, Run};
use crate::ledger::{
    Applied, Checkpoint, Commit, Committed, Exchange, Exchanged, FiledComplaint, FindingQuery,
    Ledger, Left, Snapshot, Why,
};
use crate::outbox::{Changed, Cursor};
use crate::{Answer, Failure, Future};

/// A ledger in memory, as one process sees it. Version n is the n-th change.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    facts: Arc<Mutex<Facts>>,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Facts {
    version: u64,
    commits: Vec<(u64, Commit)>,
    files: Vec<LedgerFile>,
    objects: BTreeSet<Sha256>,
    runs: Vec<LedgerRun>,
    findings: BTreeMap<String, Finding>,
    /// Which version touched a finding last.
    touched: BTreeMap<String, u64>,
    outbox: Kept,
    decided: Decided,
    holds: Vec<Hold>,
    applied: Option<Applied>,
    book: Book,
    stateful: super::states::Known,
}

#[derive(Debug, Clone)]
struct LedgerFile {
    file: File,
    added: u64,
    left: Option<(u64, Timestamp)>,
    removed: bool,
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

    /// Every commit with the version that it made, in order.
    pub fn commits(&self) -> Vec<(u64, Commit)> {
        locked(&self.facts).commits.clone()
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        locked(&self.facts).version
    }

    /// The files that a version shows.
    pub fn files_at(&self, version: u64) -> Vec<File> {
        let facts = locked(&self.facts);
        let shown =
            |f: &&LedgerFile| f.added <= version && f.left.is_none_or(|(left, _)| left > version);
        facts.files.iter().filter(shown).map(|f| f.file.clone()).collect()
    }

    /// Works on the outbox.
    pub(super) fn outbox<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut locked(&self.facts).outbox)
    }

    /// Works on what people decided.
    pub(super) fn decided<T>(&self, work: impl FnOnce(&mut Decided) -> T) -> T {
        work(&mut locked(&self.facts).decided)
    }

    /// Findings change without an event: a new version touches them.
    pub(super) fn touch(&self, findings: &[FindingId]) {
        if findings.is_empty() {
            return;
        }
        let mut facts = locked(&self.facts);
        facts.version += 1;
        let version = facts.version;
        facts.touched.extend(findings.iter().map(|id| (id.0.clone(), version)));
    }

    /// Every finding with the version that touched it last; those alone that changed after this.
    pub(super) fn changed_findings(&self, after: Option<&Cursor>) -> Vec<Changed> {
        let facts = locked(&self.facts);
        let changed = |(id, finding): (&String, &Finding)| {
            let version = facts.touched.get(id).copied().unwrap_or(0);
            let is_new =
                |after: &Cursor| (version, id.as_str()) > (after.version, after.finding.as_str());
            let cursor = || Cursor { version, finding: id.clone() };
            let new = after.is_none_or(is_new);
            new.then(|| Changed { cursor: cursor(), finding: finding.clone() })
        };
        facts.findings.iter().filter_map(changed).collect()
    }

    /// Works on what stateful rules wait for and know; the newest version is beside it.
    pub(super) fn stateful<T>(
        &self,
        doing: &str,
        work: impl FnOnce(u64, &mut super::states::Known) -> T,
    ) -> Answer<T> {
        self.faults.call(doing, || {
            let mut facts = locked(&self.facts);
            let version = facts.version;
            Ok(work(version, &mut facts.stateful))
        })
    }

    /// Does the work of a call, unless it is to fail.
    pub(super) fn call<T>(&self, doing: &str, work: impl FnOnce() -> T) -> Answer<T> {
        self.faults.call(doing, || Ok(work()))
    }

    fn ask<T>(&self, doing: &str, answer: impl FnOnce(&Facts) -> T) -> Answer<T> {
        self.faults.call(doing, || Ok(answer(&locked(&self.facts))))
    }
}

impl Facts {
    fn commit(&mut self, commit: &Commit) -> Answer<Committed> {
        let there =
            commit.objects.iter().map(|o| o.identity).filter(|id| self.objects.contains(id));
        let objects: Vec<Sha256> = there.collect();
        let overtaken = commit.turn.as_ref().is_some_and(|turn| !self.stateful.fits(turn));
        if !objects.is_empty()
            || overtaken
            || commit.runs.iter().any(|(run, old)| self.stale(commit, run, old))
        {
            return Ok(Committed::Stale { objects });
        }
        if let Some(o) = commit.objects.iter().find(|o| !o.tallies.iter().all(|(_, t)| t.adds_up()))
        {
            return Err(Failure::new("commit", format!("the sum of {} does not hold", o.uri)));
        }
        if let Some(turn) = &commit.turn {
            self.stateful.take(turn);
            if commit.folded.is_empty() {
                return Ok(Committed::Done { version: self.version });
            }
        }
        self.version += 1;
        let version = self.version;
        self.stateful.wait(version, &commit.signals);
        self.add(&commit.files);
        self.objects.extend(commit.objects.iter().map(|o| o.identity));
        for (run, replaced) in &commit.runs {
            let replaces = |r: &LedgerRun| r.run.path == run.path || replaced.contains(&r.run);
            self.runs.iter_mut().filter(|r| replaces(r)).for_each(|r| r.removed = true);
            let writer = commit.writer.clone();
            self.runs.push(LedgerRun { run: run.clone(), writer, added: version, removed: false });
        }
        for sighting in &commit.sightings {
            self.touched.insert(sighting.finding.0.clone(), version);
            self.findings
                .entry(sighting.finding.0.clone())
                .and_modify(|finding| finding.fold(sighting))
                .or_insert_with(|| Finding::begin(sighting));
        }
        for folded in commit.folded.iter() {
            let id = &folded.finding.id;
            self.touched.insert(id.0.clone(), version);
            self.findings
                .entry(id.0.clone())
                .and_modify(|finding| finding.join(folded))
                .or_insert_with(|| folded.finding.clone());
        }
        self.decided.note(commit);
        self.book.add(commit.recorded, &commit.objects, &commit.arrivals);
        self.commits.push((version, commit.clone()));
        Ok(Committed::Done { version })
    }

    fn add(&mut self, files: &[File]) {
        let added = self.version;
        let row =
            |file: &File| LedgerFile { file: file.clone(), added, left: None, removed: false };
        self.files.extend(files.iter().map(row));
    }

    fn exchange(&mut self, exchange: &Exchange) -> Answer<Exchanged> {
        let rows = |files: &[File]| files.iter().map(|f| f.rows).sum::<u64>();
        if exchange.why == Why::Compacted && rows(&exchange.leaving) != rows(&exchange.entering) {
            return Err(Failure::new("exchange files", "their rows are not as many as before"));
        }
        if exchange.why != Why::Compacted {
            let held = |h: &&Hold| {
                let covers = |f: &File| h.scope.covers(&f.table, f.day);
                h.is_active() && exchange.leaving.iter().any(covers)
            };
            let held: Vec<String> = self.holds.iter().filter(held).map(|h| h.id.clone()).collect();
            if !held.is_empty() {
                return Ok(Exchanged::Held(held));
            }
        }
        let live = |file: &File| self.files.iter().any(|f| f.left.is_none() && f.file == *file);
        if !exchange.leaving.iter().all(live) {
            return Ok(Exchanged::Stale);
        }
        let known = |file: &File| self.files.iter().any(|f| f.file.path == file.path);
        if exchange.entering.iter().any(known) {
            return Err(Failure::new("exchange files", "a new file is there already"));
        }
        self.version += 1;
        for row in self.files.iter_mut().filter(|f| exchange.leaving.contains(&f.file)) {
            row.left = Some((self.version, exchange.recorded));
        }
        self.add(&exchange.entering);
        for file in &exchange.leaving {
            let of_day = |table: &str, day: Day| table == file.table && day == file.day;
            let stays = |f: &LedgerFile| f.left.is_none() && of_day(&f.file.table, f.file.day);
            if !matches!(exchange.why, Why::Erased(_)) && !self.files.iter().any(stays) {
                let runs = self.runs.iter_mut().filter(|r| of_day(&r.run.table, r.run.day));
                runs.for_each(|r| r.removed = true);
            }
        }
        Ok(Exchanged::Done { version: self.version })
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

    fn object_uris<'a>(
        &'a self,
        holding: &'a str,
        after: Option<Sha256>,
        limit: usize,
    ) -> Future<'a, Answer<Vec<(Sha256, String)>>> {
        let uris = move |f: &Facts| {
            let objects = f.commits.iter().flat_map(|(_, c)| &c.objects);
            let mut found: Vec<(Sha256, String)> = objects
                .filter(|o| o.uri.contains(holding) && after.is_none_or(|a| o.identity > a))
                .map(|o| (o.identity, o.uri.clone()))
                .collect();
            found.sort();
            found.truncate(limit);
            found
        };
        Box::pin(async move { self.ask("list objects", uris) })
    }

    fn runs<'a>(&'a self, of: &'a [(String, Day)]) -> Future<'a, Answer<(u64, Vec<Run>)>> {
        let runs = |f: &Facts| {
            let wanted =
                |r: &&LedgerRun| !r.removed && of.contains(&(r.run.table.clone(), r.run.day));
            (f.version, f.runs.iter().filter(wanted).map(|r| r.run.clone()).collect())
        };
        Box::pin(async move { self.ask("look runs up", runs) })
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> Future<'a, Answer<Committed>> {
        Box::pin(async move { self.faults.call("commit", || locked(&self.facts).commit(commit)) })
    }

    fn exchange<'a>(&'a self, exchange: &'a Exchange) -> Future<'a, Answer<Exchanged>> {
        Box::pin(async move {
            self.faults.call("exchange files", || locked(&self.facts).exchange(exchange))
        })
    }

    fn place_hold<'a>(&'a self, hold: &'a Hold) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("place a hold", || {
                locked(&self.facts).holds.push(hold.clone());
                Ok(())
            })
        })
    }

    fn release_hold<'a>(&'a self, id: &'a str, how: &'a Release) -> Future<'a, Answer<bool>> {
        Box::pin(async move {
            self.faults.call("release a hold", || {
                let mut facts = locked(&self.facts);
                let hold = facts.holds.iter_mut().find(|h| h.id == id && h.is_active());
                Ok(hold.map(|hold| hold.released = Some(how.clone())).is_some())
            })
        })
    }

    fn holds(&self) -> Future<'_, Answer<Vec<Hold>>> {
        Box::pin(async move { self.ask("list holds", |f| f.holds.clone()) })
    }

    fn apply_policy<'a>(&'a self, applied: &'a Applied) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("apply a policy", || {
                locked(&self.facts).applied = Some(applied.clone());
                Ok(())
            })
        })
    }

    fn applied_policy(&self) -> Future<'_, Answer<Option<Applied>>> {
        Box::pin(async move { self.ask("read the applied policy", |f| f.applied.clone()) })
    }

    fn left(&self) -> Future<'_, Answer<Vec<Left>>> {
        let left = |f: &Facts| {
            let waiting = f.files.iter().filter(|f| !f.removed);
            let left = |f: &LedgerFile| f.left.map(|(_, at)| Left { file: f.file.clone(), at });
            waiting.filter_map(left).collect()
        };
        Box::pin(async move { self.ask("list the files that left", left) })
    }

    fn removed<'a>(&'a self, paths: &'a [String], _at: Timestamp) -> Future<'a, Answer<()>> {
        Box::pin(async move {
            self.faults.call("note removed files", || {
                let mut facts = locked(&self.facts);
                let gone = |f: &&mut LedgerFile| f.left.is_some() && paths.contains(&f.file.path);
                facts.files.iter_mut().filter(gone).for_each(|f| f.removed = true);
                Ok(())
            })
        })
    }

    fn snapshot(&self) -> Future<'_, Answer<Snapshot>> {
        let snapshot = |f: &Facts| Snapshot {
            version: f.version,
            files: f.files.iter().filter(|f| f.left.is_none()).map(|f| f.file.clone()).collect(),
        };
        Box::pin(async move { self.ask("read the manifest", snapshot) })
    }

    fn named_paths(&self) -> Future<'_, Answer<Vec<String>>> {
        let paths = |f: &Facts| {
            let files = f.files.iter().filter(|f| !f.removed).map(|f| f.file.path.clone());
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
            let objects = f.commits.iter().flat_map(|(_, c)| &c.objects);
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
                f.commits.iter().flat_map(|(_, c)| &c.objects).flat_map(|o| &o.tallies)
            {
                sums.entry(source.clone()).or_default().add(*tally);
            }
            sums.into_iter().collect()
        };
        Box::pin(async move { self.ask("read tallies", tallies) })
    }

    fn feeds_begun(&self) -> Future<'_, Answer<BTreeMap<String, Timestamp>>> {
        Box::pin(async move { self.ask("look the feeds up", |f| f.book.begun()) })
    }

    fn self_facts(&self, now: Timestamp) -> Future<'_, Answer<SelfFacts>> {
        Box::pin(async move { self.ask("read how the watch goes", |f| f.book.facts(now)) })
    }

    fn place_hours(&self, from: i64, until: i64) -> Future<'_, Answer<Vec<PlaceFacts>>> {
        Box::pin(async move { self.ask("read hours", |f| f.book.place_hours(from, until)) })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{conformance, states_promises};
    use futures::FutureExt as _;

    fn now<T>(work: impl std::future::Future<Output = T>) -> T {
        Box::pin(work).now_or_never().expect("a ledger in memory does not wait")
    }

    #[test]
    fn arrivals_add_up() {
        now(conformance::arrivals_add_up(&MemoryLedger::default()));
    }

    #[test]
    fn places_are_bounded() {
        now(conformance::places_are_bounded(&MemoryLedger::default()));
    }

    #[test]
    fn old_hours_are_forgotten() {
        now(conformance::old_hours_are_forgotten(&MemoryLedger::default()));
    }

    #[test]
    fn signals_are_taken_once() {
        now(states_promises::signals_are_taken_once(&MemoryLedger::default()));
    }

    #[test]
    fn states_are_kept() {
        now(states_promises::states_are_kept(&MemoryLedger::default()));
    }
}
