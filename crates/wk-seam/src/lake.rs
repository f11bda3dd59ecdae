//! The lake: immutable files that become visible only by a commit of the ledger.

use std::sync::Arc;

use arrow_array::RecordBatch;
use wk_model::{Day, Sha256, Timestamp};

use crate::{Answer, Future};

/// Rows of one table and one day, to be written as one file.
#[derive(Debug, Clone)]
pub struct Part {
    /// The table.
    pub table: &'static wk_model::Table,
    /// The event-time day.
    pub day: Day,
    /// The rows, in the table's schema.
    pub batch: RecordBatch,
    /// Which rows are written; `None` is all of them.
    pub keep: Option<Vec<bool>>,
}

/// A file of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the root of the lake; holds its content hash.
    pub path: String,
    /// The table.
    pub table: String,
    /// The event-time day of all its rows.
    pub day: Day,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// Earliest event time.
    pub first: Timestamp,
    /// Latest event time.
    pub last: Timestamp,
    /// How its rows lie: 0 as they came, [`SORTED`] in their table's order.
    pub layout: u8,
}

/// The layout that [`Lake::rewrite`] writes now. A larger number means that older files are worth
/// rewriting.
pub const SORTED: u8 = 1;

/// What may be true of a row. Texts are compared in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowTest {
    /// A column of texts holds one of these.
    OneOf {
        /// The column.
        column: String,
        /// The texts, in lower case.
        texts: Vec<String>,
    },
    /// A column holds something.
    There {
        /// The column.
        column: String,
    },
}

/// How long files stay after the ledger stopped naming them, in seconds: a reader keeps the version
/// that it began with, so nothing may read one version for longer.
pub const GRACE_SECONDS: i64 = 3600;

/// Which rows of a batch stay.
#[derive(Clone)]
pub struct Keep {
    /// The columns that it asks for, in the order of the table.
    pub columns: Vec<String>,
    /// For each row of a batch that has at least these columns, whether it stays.
    pub stays: Arc<Stays>,
}

/// For each row of a batch, whether it stays.
pub type Stays = dyn Fn(&RecordBatch) -> Vec<bool> + Send + Sync;

/// Files of one table and day that become other files.
#[derive(Clone)]
pub struct Rewrite {
    /// The table.
    pub table: &'static wk_model::Table,
    /// The event-time day of all the files.
    pub day: Day,
    /// What is rewritten.
    pub files: Vec<File>,
    /// Which rows stay; `None` is all of them.
    pub keep: Option<Keep>,
    /// A new file is begun when one has so many bytes.
    pub file_bytes: u64,
}

/// What a rewrite made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new files, staged.
    pub files: Vec<File>,
    /// Rows that were left out.
    pub rows_dropped: u64,
}

/// The identity of one event in the id index: what it is, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The source's id: the 16 bytes of a UUID, else the first half of a SHA-256.
    pub id: u128,
    /// Fingerprint of the content.
    pub content: u64,
}

/// A sorted file of event keys of one table and day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its path below the root of the lake; holds its content hash.
    pub path: String,
    /// The table.
    pub table: String,
    /// The event-time day.
    pub day: Day,
    /// Number of keys.
    pub keys: u64,
}

/// What the id index says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is new.
    New,
    /// It is there with the same content.
    Duplicate,
    /// Its id is there with other content.
    Conflict,
}

/// Writes and reads the files of the lake. Nothing that it stages can be seen until
/// [`crate::ledger::Ledger::commit`] names it.
pub trait Lake: Send + Sync {
    /// Writes the rows durably under a name that holds the content's hash; a part that keeps no
    /// row makes no file.
    fn stage<'a>(&'a self, part: &'a Part) -> Future<'a, Answer<Option<File>>>;
    /// Writes a run of keys, which must be sorted and distinct.
    fn stage_run<'a>(
        &'a self,
        table: &'a str,
        day: Day,
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Run>>;
    /// Merges runs of one table and day, and sorted keys, into one new run.
    fn merge_runs<'a>(&'a self, runs: &'a [Run], keys: &'a [EventKey]) -> Future<'a, Answer<Run>>;
    /// Looks sorted keys up in the runs of their table and day. An answer per key.
    fn look_up<'a>(
        &'a self,
        runs: &'a [Run],
        keys: &'a [EventKey],
    ) -> Future<'a, Answer<Vec<Known>>>;
    /// Writes all rows of some files anew, in their table's order, in bounded memory, and stages the
    /// files that hold them. The new files are read back and hold the same rows as the old ones,
    /// but for those that were not to be kept; else it is an error.
    fn rewrite<'a>(&'a self, rewrite: &'a Rewrite) -> Future<'a, Answer<Rewritten>>;
    /// How many rows of each file a rewrite would leave out. Reads the columns that it asks for.
    fn count_dropped<'a>(&'a self, rewrite: &'a Rewrite) -> Future<'a, Answer<Vec<u64>>>;
    /// Removes files from storage; ones that are gone already are no failure.
    fn remove<'a>(&'a self, paths: &'a [String]) -> Future<'a, Answer<()>>;
    /// Removes staged files that no commit names and that are older than `before`: what a crash
    /// left. `named` are the paths that the ledger knows. Answers how many were removed.
    fn sweep<'a>(&'a self, named: &'a [String], before: Timestamp) -> Future<'a, Answer<u64>>;
}
