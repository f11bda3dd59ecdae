//! The subjects of a foundation: one file each, in the order in which they are set up.
//!
//! To add one, copy its neighbour, write its `SUBJECT` and add it to [`ALL`] where it belongs: what
//! others need comes before them.

pub(in crate::setup) mod alarms;
pub(in crate::setup) mod buckets;
pub(in crate::setup) mod cis;
pub(in crate::setup) mod config;
pub(in crate::setup) mod dashboard;
pub(in crate::setup) mod events;
pub(in crate::setup) mod flow_logs;
pub(in crate::setup) mod guardduty;
pub(in crate::setup) mod key;
mod log_groups;
mod retention;
pub(in crate::setup) mod roles;
pub(in crate::setup) mod security_hub;
mod topic;
pub(in crate::setup) mod trail;

use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::Draft;

/// Something that a foundation wants.
pub struct Subject {
    /// Its name; what is left out is left out by it.
    pub id: &'static str,
    /// What it is, in a line.
    pub title: &'static str,
    /// The promises that it serves.
    pub serves: &'static [&'static str],
    /// Where it is looked at.
    pub at: Where,
    /// What it costs; empty where nothing.
    pub cost: &'static str,
    /// The questions of the inventory whose answers it reads.
    pub reads: &'static [&'static str],
    /// What has to be done.
    pub drift: Drift,
}

/// Says what has to be done in a region of an account.
pub type Drift = for<'a> fn(&Foundation, &View<'a>, &mut Draft<'_>) -> Result<(), Blind>;

/// Where a subject is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the archive's account, home region.
    Archive,
    /// In the management account, home region.
    Management,
    /// In the management account, every region.
    ManagementRegions,
    /// In the accounts that have a topic, home region.
    Topics,
    /// In every account, home region.
    Accounts,
    /// In every region of every account.
    Regions,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// Every subject, in the order in which they are set up.
pub const ALL: &[Subject] = &[
    key::SUBJECT,
    buckets::SUBJECT,
    trail::SUBJECT,
    config::SUBJECT,
    config::RULES,
    guardduty::ADMINISTRATOR,
    guardduty::SUBJECT,
    security_hub::SUBJECT,
    flow_logs::SUBJECT,
    topic::SUBJECT,
    events::SUBJECT,
    alarms::SUBJECT,
    retention::SUBJECT,
    dashboard::SUBJECT,
];

#[cfg(test)]
mod tests;
