//! Lake and ledger: where facts are kept.
//!
//! * [`lake`] writes and finds immutable files: Parquet by table and day, and the id index.
//! * [`ledger`] makes them true, in one SQLite transaction together with the log's leaves.
//! * [`fsck`] holds the lake's files against what the ledger and its log say of them.
//! * [`query`] answers SQL over one version of the lake.
//! * [`rsa`] verifies signatures of others.
//! * [`bookmarks`] keeps where the jobs of the service were.
//! * [`spool`] keeps what others push until it is committed.
//! * [`objects`] reads what is to be ingested: local trees and S3-compatible stores.
//! * Every decompression has a limit ([`inflate`]); nothing here knows what a record means.

pub mod bookmarks;
pub mod files;
pub mod fsck;
pub mod inflate;
pub mod lake;
pub mod ledger;
pub mod log;
pub mod objects;
pub mod query;
pub mod rsa;
mod runs;
pub mod spool;
pub mod unpack;
