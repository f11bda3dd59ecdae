//! Findings with everything that people decided about them.

use std::collections::BTreeMap;

use anyhow::bail;
use wk_case::exceptions::Exceptions;
use wk_case::triage::{Case, Policy};
use wk_model::finding::FindingId;
use wk_model::triage::Step;
use wk_model::{Finding, Timestamp};
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_seam::triage::Triage as _;

use crate::wire::App;

/// Findings, and what says where they stand.
pub(in crate::cli) struct Queue {
    pub(in crate::cli) findings: Vec<Finding>,
    pub(in crate::cli) exceptions: Exceptions,
    pub(in crate::cli) policy: Policy,
    pub(in crate::cli) now: Timestamp,
    /// Exceptions that cannot be read any more.
    pub(in crate::cli) bad: Vec<String>,
    known: BTreeMap<FindingId, Timestamp>,
    steps: BTreeMap<FindingId, Vec<Step>>,
}

impl Queue {
    /// The findings that are asked for, newest first.
    pub(in crate::cli) async fn load(app: &App, query: &FindingQuery) -> anyhow::Result<Self> {
        let policy = app.config.triage.policy()?;
        let findings = app.ledger.findings(query).await?;
        let known = app.ledger.known_since().await?;
        let (exceptions, bad) = Exceptions::new(app.ledger.exceptions().await?);
        let mut steps: BTreeMap<FindingId, Vec<Step>> = BTreeMap::new();
        for step in app.ledger.steps(None).await? {
            steps.entry(step.finding.clone()).or_default().push(step);
        }
        Ok(Self { findings, exceptions, policy, now: app.clock.now(), bad, known, steps })
    }

    /// The same as it stood at a time: what became known until then, and what was decided until then.
    pub(in crate::cli) fn judged_at(mut self, at: Timestamp) -> Self {
        let known = std::mem::take(&mut self.known);
        self.known = known.into_iter().filter(|(_, known)| *known <= at).collect();
        let known = &self.known;
        self.findings.retain(|finding| known.contains_key(&finding.id));
        for steps in self.steps.values_mut() {
            steps.retain(|step| step.at <= at);
        }
        Self { now: at, ..self }
    }

    /// The one finding whose id begins so.
    pub(in crate::cli) fn one(&self, id: &str) -> anyhow::Result<&Finding> {
        let begins = |f: &&Finding| !id.is_empty() && f.id.0.starts_with(id);
        let found: Vec<&Finding> = self.findings.iter().filter(begins).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => bail!("no finding has an id that begins with {id:?}; findings list shows them"),
            several => bail!("{} findings have an id that begins with {id:?}", several.len()),
        }
    }

    /// Where a finding stands.
    pub(in crate::cli) fn case<'a>(&'a self, finding: &'a Finding) -> Case<'a> {
        // A finding that came while this was read has no time yet.
        let known = self.known.get(&finding.id).copied().unwrap_or(self.now);
        let steps = self.steps(&finding.id);
        Case::of(finding, known, steps, &self.exceptions, &self.policy, self.now)
    }

    /// The steps of a finding, in their order.
    pub(in crate::cli) fn steps(&self, id: &FindingId) -> &[Step] {
        self.steps.get(id).map_or(&[], Vec::as_slice)
    }

    /// Where every one of them stands.
    pub(in crate::cli) fn cases(&self) -> Vec<Case<'_>> {
        self.findings.iter().map(|finding| self.case(finding)).collect()
    }
}
