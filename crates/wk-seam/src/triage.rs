//! Triage: what people decide about findings and rules, kept beside the findings for good.
//!
//! * Steps, exceptions and sets of rules are added, never changed; each leaves a line in the log in
//!   the same transaction.
//! * Who decides has seen something. If that is no longer so, nothing is kept and the caller looks
//!   again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wk_model::finding::FindingId;
use wk_model::triage::{Step, Update};
use wk_model::{Exception, Finding, Timestamp};

use crate::{Answer, Future};

pub use wk_model::exception::Revocation;

/// Steps that become true together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// The steps, each with its number.
    pub steps: Vec<Step>,
    /// Findings that were looked at, and how many steps they had.
    pub seen: Vec<(FindingId, u64)>,
    /// The exception whose end they follow from, which is dealt with by them, and when.
    pub settles: Option<(String, Timestamp)>,
}

/// How steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// They are true now.
    Done,
    /// A finding has other steps than were seen, or is not there: nothing was written.
    Stale,
}

/// A set of rules that was loaded, and how it differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSetChange {
    /// When.
    pub at: Timestamp,
    /// Hash of the whole set, modes included.
    pub hash: String,
    /// Of the set before; `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Who changed it, as far as somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who agreed, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Why, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What differs.
    pub changes: Vec<RuleChange>,
    /// Changes beyond those that are listed.
    #[serde(default)]
    pub more: u64,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// The rule's id.
    pub rule: String,
    /// What it finds.
    pub title: String,
    /// Who wrote it, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its version before; `None`: it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its version now; `None`: it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The lines that differ, as a diff shows them; cut.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// A rule of a set, as the ledger keeps it to compare the next set with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRule {
    /// Its id.
    pub id: String,
    /// What it finds.
    pub title: String,
    /// Hash of its text.
    pub version: String,
    /// Who wrote it, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its text.
    pub text: String,
}

/// A set of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownRules {
    /// Hash of the whole set.
    pub hash: String,
    /// The rules.
    pub rules: Vec<KnownRule>,
}

/// What people decide. Every answer is a consistent view of what was kept.
pub trait Triage: Send + Sync {
    /// Keeps steps, or nothing of them. A step that reopens a finding changes the finding, so that
    /// who tells people of changed findings looks at it again.
    fn keep_steps<'a>(&'a self, steps: &'a Steps) -> Future<'a, Answer<Stepped>>;
    /// The steps of a finding, or of all, in their order.
    fn steps<'a>(&'a self, of: Option<&'a FindingId>) -> Future<'a, Answer<Vec<Step>>>;
    /// Every finding of these rules.
    fn of_rules<'a>(&'a self, rules: &'a [String]) -> Future<'a, Answer<Vec<Finding>>>;
    /// When each finding was committed first: from then on its time runs.
    fn known_since(&self) -> Future<'_, Answer<BTreeMap<FindingId, Timestamp>>>;
    /// The updates of a finding that another product keeps, in the order they were committed.
    fn updates<'a>(&'a self, of: &'a FindingId) -> Future<'a, Answer<Vec<Update>>>;
    /// Grants an exception. It counts from its own time on.
    fn grant<'a>(&'a self, exception: &'a Exception) -> Future<'a, Answer<()>>;
    /// Revokes an exception; false if there is none of this name that could still count.
    fn revoke<'a>(&'a self, id: &'a str, how: &'a Revocation) -> Future<'a, Answer<bool>>;
    /// Every exception, ended or not, oldest first.
    fn exceptions(&self) -> Future<'_, Answer<Vec<Exception>>>;
    /// Changes the log: a set of rules is loaded. `rules` is the whole set. False if the ledger knows
    /// another set by now than the change starts from: nothing was written.
    fn note_rules<'a>(
        &'a self,
        change: &'a RuleSetChange,
        rules: &'a [KnownRule],
    ) -> Future<'a, Answer<bool>>;
    /// The set of rules that was loaded last.
    fn known_rules(&self) -> Future<'_, Answer<Option<KnownRules>>>;
    /// Changes of the set of rules, newest first, at most `max`.
    fn rule_changes(&self, max: usize) -> Future<'_, Answer<Vec<RuleSetChange>>>;
}
