//! What the loop keeps besides its groups: silences, what inhibits, and floods.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wk_model::{Sha256, Timestamp};

use super::flood::Flood;
use super::label::Matcher;
use super::policy::Policy;

/// Silences that are kept; those that ended longest ago go first.
const SILENCES_MAX: usize = 1_000;
/// Findings that inhibit others at a time.
const INHIBITORS_MAX: usize = 10_000;

/// What the loop keeps besides its groups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Desk {
    /// Who silenced what, and until when.
    pub silences: Vec<Silence>,
    inhibitors: Vec<Inhibitor>,
    pub(super) floods: BTreeMap<String, Flood>,
}

/// That nobody is told of some findings for a time, because a person says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its name.
    pub id: String,
    /// What a finding must be: all of these.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts: Timestamp,
    /// Until when.
    pub ends: Timestamp,
    /// Who placed it.
    pub author: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub comment: String,
}

/// A finding that holds others back.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Inhibitor {
    /// The place of its inhibition in the policy.
    inhibition: usize,
    finding: String,
    equal: Vec<String>,
    until: Timestamp,
}

impl Silence {
    /// A name for a new silence.
    pub fn name(author: &str, comment: &str, at: Timestamp) -> String {
        let at = at.micros().to_be_bytes();
        let digest = Sha256::of_parts(&[author.as_bytes(), comment.as_bytes(), &at]);
        format!("silence-{}", digest.to_string().chars().take(8).collect::<String>())
    }

    /// Whether it counts at a time.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.starts <= at && at < self.ends
    }
}

impl Desk {
    /// Until when a finding with these labels is silenced; `None`: it is not.
    pub(super) fn silenced_until(
        &self,
        labels: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let fits = |silence: &&Silence| {
            silence.is_active(now) && silence.matchers.iter().all(|m| m.fits(labels))
        };
        self.silences.iter().filter(fits).map(|silence| silence.ends).max()
    }

    /// Notes that a finding holds others back, for a while after its last change.
    pub(super) fn note_inhibitor(
        &mut self,
        finding: &str,
        labels: &BTreeMap<String, String>,
        ended: bool,
        policy: &Policy,
        now: Timestamp,
    ) {
        self.inhibitors.retain(|i| i.finding != finding && i.until > now);
        if ended {
            return;
        }
        for (place, inhibition) in policy.inhibit.iter().enumerate() {
            let is_source = inhibition.source.iter().all(|m| m.fits(labels));
            if is_source && self.inhibitors.len() < INHIBITORS_MAX {
                self.inhibitors.push(Inhibitor {
                    inhibition: place,
                    finding: finding.to_owned(),
                    equal: values(labels, &inhibition.equal),
                    until: now.plus_seconds(policy.inhibit_seconds),
                });
            }
        }
    }

    /// Until when another finding holds this one back; `None`: none does.
    pub(super) fn inhibited_until(
        &self,
        finding: &str,
        labels: &BTreeMap<String, String>,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let holds = |by: &&Inhibitor| {
            let Some(inhibition) = policy.inhibit.get(by.inhibition) else { return false };
            by.until > now
                && by.finding != finding
                && inhibition.target.iter().all(|m| m.fits(labels))
                // What is a source itself is not held back by its like.
                && !inhibition.source.iter().all(|m| m.fits(labels))
                && values(labels, &inhibition.equal) == by.equal
        };
        self.inhibitors.iter().filter(holds).map(|by| by.until).max()
    }

    /// When something of it is due.
    pub fn due(&self, policy: &Policy) -> Option<Timestamp> {
        self.floods.values().filter_map(|flood| flood.due(policy)).min()
    }

    /// Lets go of what counts no more.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.inhibitors.retain(|i| i.until > now);
        self.silences.sort_by(|a, b| b.ends.cmp(&a.ends).then_with(|| a.id.cmp(&b.id)));
        self.silences.truncate(SILENCES_MAX);
    }
}

/// The values of labels; a missing one is empty.
fn values(labels: &BTreeMap<String, String>, names: &[String]) -> Vec<String> {
    names.iter().map(|name| labels.get(name).cloned().unwrap_or_default()).collect()
}
