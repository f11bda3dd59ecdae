//! The outbox: what is to be told to whom, until somebody took it.
//!
//! * Findings that changed are read by a cursor. What came of them (notices, groups, the desk) and the
//!   cursor are kept by one step, in one transaction: no finding is told of twice or never because a
//!   process ended.
//! * A notice is sent at least once. It is claimed for a time; a claim that is not settled ends, and
//!   somebody else sends the notice again, with the same id and key.
//! * Notices of one alarm go to one channel in their order.
//! * Every notice, receipt and dead letter is a line of the ledger's log.

use wk_model::finding::{Finding, FindingId};
use wk_model::notice::Receipt;
use wk_model::{Notice, Timestamp};

use crate::{Answer, Future};

/// How far the changed findings were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The version that changed the finding.
    pub version: u64,
    /// The finding, among those of that version.
    pub finding: String,
}

/// A finding that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Where it stands among the changed ones.
    pub cursor: Cursor,
    /// The finding as it is now.
    pub finding: Finding,
}

/// What the loop keeps between its turns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// Grows with each step; 0 before the first.
    pub revision: u64,
    /// How far the changed findings were read.
    pub cursor: Cursor,
    /// What the loop wrote there; empty before the first step.
    pub body: String,
}

/// A group of findings that are told of together, as the loop keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Its key: the alarm's.
    pub key: String,
    /// When it is to be looked at; `None`: only when something happens to it.
    pub due: Option<Timestamp>,
    /// What the loop wrote there. Empty: the group is closed.
    pub body: String,
}

/// Everything that one turn of the loop changes.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// The desk's revision that it was worked out from.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
    /// How far the changed findings are read now.
    pub cursor: Cursor,
    /// What the desk says now.
    pub desk: String,
    /// Groups that changed or were closed.
    pub groups: Vec<GroupRow>,
    /// Notices that are to be sent. One whose id is there already is not queued again.
    pub notices: Vec<Notice>,
    /// Lines for the log besides those of the notices: who acknowledged, who silenced. Canonical
    /// JSON.
    pub lines: Vec<String>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It is true now.
    Done {
        /// How many of its notices were new.
        queued: u64,
    },
    /// Another step was faster: nothing was written. The caller reads the desk again.
    Stale,
}

/// Which notices a process wants to send.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who: a name that no other process has.
    pub by: String,
    /// Now.
    pub now: Timestamp,
    /// When the claim ends unless it is settled before.
    pub until: Timestamp,
    /// At most so many.
    pub max: usize,
    /// At most so many of one channel: a slow one does not keep the others waiting.
    pub max_of_channel: usize,
    /// How many attempts a channel may carry within 60 s; a channel that is not named may carry any
    /// number.
    pub per_minute: Vec<(String, u32)>,
}

/// A notice that a process may send now.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The notice.
    pub notice: Notice,
    /// Which attempt this is; the first is 1.
    pub attempt: u32,
    /// The channel's key of what it made of the same alarm before.
    pub reference: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The notice's id.
    pub notice: String,
    /// Who claimed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub how: Settlement,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The other side took it.
    Accepted {
        /// What it said.
        said: String,
        /// Its key of what it made.
        reference: Option<String>,
    },
    /// It is tried again.
    Later {
        /// Why.
        reason: String,
        /// When.
        due: Timestamp,
    },
    /// It is given up, until a person asks to try it again.
    Dead {
        /// Why.
        reason: String,
    },
}

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is to be sent.
    Waiting,
    /// The other side took it.
    Accepted,
    /// It was given up.
    Dead,
}

/// A notice and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The notice.
    pub notice: Notice,
    /// How it stands.
    pub standing: Standing,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, or was settled.
    pub at: Timestamp,
    /// Why it is not accepted, at the last attempt.
    pub reason: Option<String>,
    /// That it was accepted.
    pub receipt: Option<Receipt>,
}

/// Which notices are asked for. Empty means all.
#[derive(Debug, Clone, Default)]
pub struct PostQuery {
    /// In one of these standings.
    pub standings: Vec<Standing>,
    /// To this channel.
    pub channel: Option<String>,
    /// Of the alarm whose key begins so.
    pub key: Option<String>,
    /// That speak of this finding.
    pub finding: Option<FindingId>,
    /// At most so many, newest first.
    pub limit: Option<usize>,
}

/// How much waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Notices that are to be sent.
    pub waiting: u64,
    /// When the oldest of them was made.
    pub oldest: Option<Timestamp>,
    /// Dead letters.
    pub dead: u64,
    /// When a notice or a group is due next; it may be past.
    pub next: Option<Timestamp>,
}

/// The outbox. Every answer is a consistent view of what was kept.
pub trait Outbox: Send + Sync {
    /// The desk as the last step left it.
    fn desk(&self) -> Future<'_, Answer<Desk>>;
    /// The findings that changed after this place, at most `max`, in order.
    fn changed<'a>(&'a self, after: &'a Cursor, max: usize) -> Future<'a, Answer<Vec<Changed>>>;
    /// Open groups: those of these keys, and at most `max` of those due at or before `due`, earliest
    /// first. Each once.
    fn groups<'a>(
        &'a self,
        keys: &'a [String],
        due: Timestamp,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>>;
    /// Open groups whose key begins so, at most `max`, by key.
    fn groups_like<'a>(
        &'a self,
        beginning: &'a str,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>>;
    /// Makes a step true, or nothing of it.
    fn step<'a>(&'a self, step: &'a Step) -> Future<'a, Answer<Stepped>>;
    /// Takes notices that are due for sending, the worst first, then the oldest.
    fn claim<'a>(&'a self, claim: &'a Claim) -> Future<'a, Answer<Vec<Claimed>>>;
    /// Notes what came of an attempt. False if the notice is settled already, or if another process
    /// has claimed it since and this one did not succeed.
    fn settle<'a>(&'a self, settled: &'a Settled) -> Future<'a, Answer<bool>>;
    /// Makes dead letters wait again, due now: the one of this id, or all. Answers how many.
    fn retry<'a>(
        &'a self,
        notice: Option<&'a str>,
        now: Timestamp,
        by: &'a str,
    ) -> Future<'a, Answer<u64>>;
    /// Notices and how they stand, newest first.
    fn posted<'a>(&'a self, query: &'a PostQuery) -> Future<'a, Answer<Vec<Posted>>>;
    /// How much waits.
    fn backlog(&self) -> Future<'_, Answer<Backlog>>;
    /// Forgets notices that were settled, and groups that were closed, before this time; their lines
    /// in the log stay. Answers how many notices.
    fn forget(&self, before: Timestamp, now: Timestamp) -> Future<'_, Answer<u64>>;
}

impl Standing {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Dead => "dead",
        }
    }
}
