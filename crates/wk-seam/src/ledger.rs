//! The ledger: what is true. One transaction makes files, objects, complaints, findings and log
//! leaves visible together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wk_model::finding::{Finding, Folded, Sighting};
use wk_model::hold::{Hold, Release};
use wk_model::retention::Policy;
use wk_model::selfwatch::{PlaceFacts, SelfFacts};
use wk_model::{Arrivals, Complaint, Day, Sha256, Tally, Timestamp};

use crate::lake::{File, Run};
use crate::states::Turn;
use crate::{Answer, Future};

/// Everything that becomes true at once.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Which process makes it; its own earlier runs need no second check.
    pub writer: String,
    /// When it was sealed.
    pub recorded: Timestamp,
    /// Objects that are read to their end.
    pub objects: Vec<ObjectRow>,
    /// New files of the lake.
    pub files: Vec<File>,
    /// New runs of the id index, and the runs that each replaces.
    pub runs: Vec<(Run, Vec<Run>)>,
    /// The version of the id index that the commit was checked against.
    pub checked_at: u64,
    /// Sightings, in any order; each of a distinct event.
    pub sightings: Vec<Sighting>,
    /// What events add to findings of our own rules, each finding once: what an ingest or a turn of
    /// the detector found, which may be very many sightings.
    pub folded: Arc<[Folded]>,
    /// What new events add to the watch over the watch. Of places beyond
    /// [`PLACES_MAX`](wk_model::arrivals::PLACES_MAX) the ledger makes one.
    pub arrivals: Arrivals,
    /// What stateful rules keep of new events, packed; empty if nothing.
    pub signals: Arc<[u8]>,
    /// For a turn of the detector: which signals it took and what it knows now. Such a commit with no
    /// findings makes no version.
    pub turn: Option<Turn>,
}

/// An object that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// What makes it the same object.
    pub identity: Sha256,
    /// Where it lay.
    pub uri: String,
    /// Size in bytes, as it lay there.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Records per source.
    pub tallies: Vec<(String, Tally)>,
    /// What could not be read.
    pub complaints: Vec<Complaint>,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It is true now, as this version.
    Done {
        /// The version of the manifest that shows it.
        version: u64,
    },
    /// Another process was faster: nothing was written. The caller checks again and retries.
    Stale {
        /// Objects of this commit that are there already.
        objects: Vec<Sha256>,
    },
}

/// Files that leave the manifest and files that take their place, as one transaction.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// Which process makes it.
    pub writer: String,
    /// When it was sealed.
    pub recorded: Timestamp,
    /// Files that leave. All must be visible still.
    pub leaving: Vec<File>,
    /// Staged files that take their place. With [`Why::Compacted`] they hold the same number of
    /// rows, else not more. Where no file of a table and day stays, its runs of the id index leave
    /// too, unless rows were erased; its objects stay known.
    pub entering: Vec<File>,
    /// Why.
    pub why: Why,
}

/// Why files leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Why {
    /// Their rows live on in other files.
    #[default]
    Compacted,
    /// Rows of theirs are past their term. A hold stops it. Either nothing enters, or one file leaves
    /// and what stays of it enters: so the log can say of each file how many rows were deleted.
    Expired(Authority),
    /// Rows of theirs name somebody who asks to be forgotten. As for [`Why::Expired`].
    Erased(Erasure),
}

/// A request of a person to be forgotten, and who granted it. It does not say who the person is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The request's reference: a ticket.
    pub request: String,
    /// Who authorised it.
    pub authorised_by: String,
    /// Who agreed.
    pub second_person: String,
}

/// By which policy rows are deleted, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The policy's name: the beginning of its digest.
    pub policy: String,
    /// The classes and terms that are over.
    pub terms: Vec<String>,
    /// Who authorised it.
    pub authorised_by: String,
    /// Who agreed, where a second person was asked for.
    pub second_person: Option<String>,
}

/// A policy as it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The policy.
    pub policy: Policy,
    /// Who authorised it.
    pub authorised_by: String,
    /// Who agreed, where a second person was asked for.
    pub second_person: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchanged {
    /// It is true now, as this version.
    Done {
        /// The version of the manifest that shows it.
        version: u64,
    },
    /// Another process changed one of the files first: nothing was written.
    Stale,
    /// These holds keep one of the files: nothing was written.
    Held(Vec<String>),
}

/// A file that no version from now on shows, and that lies in storage still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The file.
    pub file: File,
    /// When it left.
    pub at: Timestamp,
}

/// A complaint with the object it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledComplaint {
    /// Where the object lay.
    pub object: String,
    /// The complaint.
    #[serde(flatten)]
    pub complaint: Complaint,
}

/// Which findings are asked for. Empty means all.
#[derive(Debug, Clone, Default)]
pub struct FindingQuery {
    /// The finding's id, or its beginning.
    pub id: Option<String>,
    /// The rule's id or part of the title.
    pub rule: Option<String>,
    /// At least this severity, in tenths.
    pub severity_tenths_min: Option<u8>,
    /// Account.
    pub account: Option<String>,
    /// Part of the actor.
    pub actor: Option<String>,
    /// Product that reported it.
    pub product: Option<String>,
    /// Last seen at or after.
    pub since: Option<Timestamp>,
    /// First seen before.
    pub until: Option<Timestamp>,
    /// At most so many, newest first.
    pub limit: Option<usize>,
}

/// A version of the lake: which files are visible.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The version.
    pub version: u64,
    /// The visible files.
    pub files: Vec<File>,
}

/// The head of the append-only log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of leaves.
    pub size: u64,
    /// Root hash (RFC 9162).
    pub root: Sha256,
    /// The signed note (C2SP signed-note, tlog-checkpoint).
    pub note: String,
}

/// The ledger. Every answer is a consistent view of committed facts.
pub trait Ledger: Send + Sync {
    /// For each identity, whether that object was read to its end.
    fn objects_known<'a>(&'a self, identities: &'a [Sha256]) -> Future<'a, Answer<Vec<bool>>>;
    /// Objects whose place holds this text, by identity, beginning after one; at most so many.
    fn object_uris<'a>(
        &'a self,
        holding: &'a str,
        after: Option<Sha256>,
        limit: usize,
    ) -> Future<'a, Answer<Vec<(Sha256, String)>>>;
    /// The runs of these tables and days, and the version of the id index they belong to.
    fn runs<'a>(&'a self, of: &'a [(String, Day)]) -> Future<'a, Answer<(u64, Vec<Run>)>>;
    /// Makes a commit true, or nothing of it.
    fn commit<'a>(&'a self, commit: &'a Commit) -> Future<'a, Answer<Committed>>;
    /// Lets files leave and others take their place, or changes nothing.
    fn exchange<'a>(&'a self, exchange: &'a Exchange) -> Future<'a, Answer<Exchanged>>;
    /// Places a hold. It counts for every exchange that comes after.
    fn place_hold<'a>(&'a self, hold: &'a Hold) -> Future<'a, Answer<()>>;
    /// Releases a hold; false if there is none of this name that counts.
    fn release_hold<'a>(&'a self, id: &'a str, how: &'a Release) -> Future<'a, Answer<bool>>;
    /// Every hold, released or not, oldest first.
    fn holds(&self) -> Future<'_, Answer<Vec<Hold>>>;
    /// Notes a policy as applied.
    fn apply_policy<'a>(&'a self, applied: &'a Applied) -> Future<'a, Answer<()>>;
    /// The policy that was applied last.
    fn applied_policy(&self) -> Future<'_, Answer<Option<Applied>>>;
    /// Files that left and were not yet removed from storage.
    fn left(&self) -> Future<'_, Answer<Vec<Left>>>;
    /// Notes that files which left were removed from storage.
    fn removed<'a>(&'a self, paths: &'a [String], at: Timestamp) -> Future<'a, Answer<()>>;
    /// The files that are visible now.
    fn snapshot(&self) -> Future<'_, Answer<Snapshot>>;
    /// Every path of the lake that the ledger names and that was not removed from storage.
    fn named_paths(&self) -> Future<'_, Answer<Vec<String>>>;
    /// Findings, newest first.
    fn findings<'a>(&'a self, query: &'a FindingQuery) -> Future<'a, Answer<Vec<Finding>>>;
    /// Complaints, newest object first, at most `limit`, and how many there are.
    fn complaints(&self, limit: usize) -> Future<'_, Answer<(u64, Vec<FiledComplaint>)>>;
    /// Records per source over all objects.
    fn tallies(&self) -> Future<'_, Answer<Vec<(String, Tally)>>>;
    /// When each source's first event was received.
    fn feeds_begun(&self) -> Future<'_, Answer<BTreeMap<String, Timestamp>>>;
    /// What the ledger knows of how the watch goes.
    fn self_facts(&self, now: Timestamp) -> Future<'_, Answer<SelfFacts>>;
    /// In which hours, from the first to before the last, each place had events. Every place that
    /// ever had some is there.
    fn place_hours(&self, from: i64, until: i64) -> Future<'_, Answer<Vec<PlaceFacts>>>;
    /// The newest checkpoint of the log; `None` before the first commit.
    fn checkpoint(&self) -> Future<'_, Answer<Option<Checkpoint>>>;
    /// Checks the log against itself: every leaf, the root, the signature. Answers the checkpoint.
    fn verify_log(&self) -> Future<'_, Answer<Option<Checkpoint>>>;
    /// The secret of this lake's content fingerprints.
    fn fingerprint_seed(&self) -> u64;
}
