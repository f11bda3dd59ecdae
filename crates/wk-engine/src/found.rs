//! What sightings add to findings.
//!
//! Sightings are many and findings few: those of our own rules are folded as they come. What other
//! products report is kept as it is, for each of their updates is part of a finding's history.

use std::collections::BTreeMap;
use std::sync::Arc;

use wk_model::finding::{FindingId, Folded, Rule, Sighting};

/// What was seen and is not in the ledger yet.
#[derive(Debug, Default)]
pub(crate) struct Found {
    folded: BTreeMap<FindingId, Folded>,
    reports: Vec<Sighting>,
}

impl Found {
    /// Takes in a sighting.
    pub(crate) fn see(&mut self, sighting: Sighting) {
        if sighting.rule.product != Rule::OWN {
            self.reports.push(sighting);
            return;
        }
        match self.folded.get_mut(&sighting.finding) {
            Some(folded) => folded.fold(&sighting),
            None => {
                self.folded.insert(sighting.finding.clone(), Folded::begin(&sighting));
            }
        }
    }

    /// Takes in what was seen elsewhere.
    pub(crate) fn join(&mut self, other: Self) {
        self.reports.extend(other.reports);
        for (id, more) in other.folded {
            match self.folded.get_mut(&id) {
                Some(folded) => folded.join(&more),
                None => {
                    self.folded.insert(id, more);
                }
            }
        }
    }

    /// How many sightings there were.
    pub(crate) fn sightings(&self) -> u64 {
        let folded = self.folded.values().map(|folded| folded.sightings);
        folded.sum::<u64>() + self.reports.len() as u64
    }

    /// What a commit takes: reports as sightings, and what is folded, each finding once.
    pub(crate) fn into_parts(self) -> (Vec<Sighting>, Arc<[Folded]>) {
        (self.reports, self.folded.into_values().collect())
    }
}
