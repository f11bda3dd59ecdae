//! Triage in the ledger in memory.

use std::collections::BTreeMap;

use wk_model::exception::Revocation;
use wk_model::finding::{FindingId, Rule};
use wk_model::triage::{Deed, Step, Update};
use wk_model::{Exception, Finding, Timestamp};

use super::MemoryLedger;
use crate::ledger::Commit;
use crate::triage::{KnownRule, KnownRules, RuleSetChange, Stepped, Steps, Triage};
use crate::{Answer, Future};

/// What people decided.
#[derive(Debug, Default)]
pub(super) struct Decided {
    steps: Vec<Step>,
    known: BTreeMap<FindingId, Timestamp>,
    updates: Vec<Update>,
    exceptions: Vec<Exception>,
    changes: Vec<RuleSetChange>,
    rules: Option<KnownRules>,
}

impl Decided {
    /// Notes what a commit says of findings.
    pub(super) fn note(&mut self, commit: &Commit) {
        for sighting in &commit.sightings {
            self.known.entry(sighting.finding.clone()).or_insert(commit.recorded);
            if sighting.rule.product != Rule::OWN {
                self.updates.push(Update::of(sighting, commit.recorded));
            }
        }
        for folded in commit.folded.iter() {
            self.known.entry(folded.finding.id.clone()).or_insert(commit.recorded);
        }
    }

    fn count(&self, finding: &FindingId) -> u64 {
        self.steps.iter().filter(|step| step.finding == *finding).count() as u64
    }

    /// The findings that are reopened, or `None` where the steps are stale.
    fn keep(&mut self, steps: &Steps) -> Option<Vec<FindingId>> {
        let seen = |(id, count): &(FindingId, u64)| {
            self.known.contains_key(id) && self.count(id) == *count
        };
        if !steps.seen.iter().all(seen) {
            return None;
        }
        self.steps.extend(steps.steps.iter().cloned());
        if let Some((id, at)) = &steps.settles {
            let of = self.exceptions.iter_mut().find(|exception| exception.id == *id);
            of.into_iter().for_each(|exception| exception.settled = Some(*at));
        }
        let reopened = steps.steps.iter().filter(|step| step.deed == Deed::Reopened);
        Some(reopened.map(|step| step.finding.clone()).collect())
    }
}

impl Triage for MemoryLedger {
    fn keep_steps<'a>(&'a self, steps: &'a Steps) -> Future<'a, Answer<Stepped>> {
        Box::pin(async move {
            self.call("keep steps", || match self.decided(|d| d.keep(steps)) {
                Some(reopened) => {
                    self.touch(&reopened);
                    Stepped::Done
                }
                None => Stepped::Stale,
            })
        })
    }

    fn steps<'a>(&'a self, of: Option<&'a FindingId>) -> Future<'a, Answer<Vec<Step>>> {
        let wanted = move |step: &&Step| of.is_none_or(|id| step.finding == *id);
        let steps = move |d: &mut Decided| d.steps.iter().filter(wanted).cloned().collect();
        Box::pin(async move { self.call("read steps", || self.decided(steps)) })
    }

    fn of_rules<'a>(&'a self, rules: &'a [String]) -> Future<'a, Answer<Vec<Finding>>> {
        Box::pin(async move {
            let all = self.changed_findings(None).into_iter().map(|changed| changed.finding);
            let wanted = all.filter(|finding| rules.contains(&finding.rule.id)).collect();
            self.call("read findings", || wanted)
        })
    }

    fn known_since(&self) -> Future<'_, Answer<BTreeMap<FindingId, Timestamp>>> {
        Box::pin(async move { self.call("read findings", || self.decided(|d| d.known.clone())) })
    }

    fn updates<'a>(&'a self, of: &'a FindingId) -> Future<'a, Answer<Vec<Update>>> {
        let updates = move |d: &mut Decided| {
            d.updates.iter().filter(|update| update.finding == *of).cloned().collect()
        };
        Box::pin(async move { self.call("read updates", || self.decided(updates)) })
    }

    fn grant<'a>(&'a self, exception: &'a Exception) -> Future<'a, Answer<()>> {
        let grant = |d: &mut Decided| d.exceptions.push(exception.clone());
        Box::pin(async move { self.call("grant an exception", || self.decided(grant)) })
    }

    fn revoke<'a>(&'a self, id: &'a str, how: &'a Revocation) -> Future<'a, Answer<bool>> {
        let revoke = move |d: &mut Decided| {
            let counts = |e: &&mut Exception| e.id == id && e.revoked.is_none() && how.at < e.until;
            let found = d.exceptions.iter_mut().find(counts);
            found.map(|exception| exception.revoked = Some(how.clone())).is_some()
        };
        Box::pin(async move { self.call("revoke an exception", || self.decided(revoke)) })
    }

    fn exceptions(&self) -> Future<'_, Answer<Vec<Exception>>> {
        let all = |d: &mut Decided| d.exceptions.clone();
        Box::pin(async move { self.call("list exceptions", || self.decided(all)) })
    }

    fn note_rules<'a>(
        &'a self,
        change: &'a RuleSetChange,
        rules: &'a [KnownRule],
    ) -> Future<'a, Answer<bool>> {
        let note = |d: &mut Decided| {
            if d.rules.as_ref().map(|known| &known.hash) != change.before.as_ref() {
                return false;
            }
            d.changes.push(change.clone());
            d.rules = Some(KnownRules { hash: change.hash.clone(), rules: rules.to_vec() });
            true
        };
        Box::pin(async move { self.call("note the rules", || self.decided(note)) })
    }

    fn known_rules(&self) -> Future<'_, Answer<Option<KnownRules>>> {
        let rules = |d: &mut Decided| d.rules.clone();
        Box::pin(async move { self.call("read the rules", || self.decided(rules)) })
    }

    fn rule_changes(&self, max: usize) -> Future<'_, Answer<Vec<RuleSetChange>>> {
        let changes = move |d: &mut Decided| d.changes.iter().rev().take(max).cloned().collect();
        Box::pin(async move { self.call("list changes of rules", || self.decided(changes)) })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::fakes::triage_promises;

    #[test]
    fn triage_keeps_its_promises() {
        let ledger = MemoryLedger::default();
        let checked = Box::pin(triage_promises::check(&ledger)).now_or_never();
        checked.expect("a ledger in memory does not wait").unwrap();
    }
}
