//! The embedded ledger: SQLite, one file, one writer at a time, any number of processes.
//!
//! * A commit is one transaction: objects, files, runs, complaints, findings, log leaves and the
//!   signed checkpoint become visible together or not at all.
//! * `synchronous = FULL`: what was answered as done survives a power cut.

mod arrivals;
pub mod audit;
pub mod checks;
mod commit;
mod drills;
mod exchange;
mod findings;
mod holds;
pub mod journal;
mod outbox;
mod schema;
mod seed;
mod states;
mod triage;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};
use wk_model::finding::Finding;
use wk_model::hold::{Hold, Release};
use wk_model::selfwatch::{PlaceFacts, SelfFacts};
use wk_model::{Complaint, Day, Sha256, Tally, Timestamp};
use wk_seam::lake::{File, Run};
use wk_seam::ledger::{
    Applied, Checkpoint, Commit, Committed, Exchange, Exchanged, FiledComplaint, FindingQuery,
    Ledger, Left, Snapshot, Why,
};
use wk_seam::{Answer, Failure, Future};

use crate::files::{blocking, make_folder};
use crate::log::{Signer, Tree, leaf_hash, verifies};

/// A ledger in one SQLite file.
#[derive(Clone)]
pub struct SqliteLedger(Arc<Inner>);

struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    signer: Signer,
    seed: u64,
}

impl SqliteLedger {
    /// Opens the ledger in a home directory, or makes it there: `ledger.sqlite` and the signing
    /// key `keys/log.ed25519`, readable by this user only.
    ///
    /// # Errors
    /// If they cannot be made or read, or were written by a newer version.
    pub fn open(home: &Path) -> Answer<Self> {
        let path = home.join("ledger.sqlite");
        make_folder(home).map_err(|e| Failure::new(format!("make {}", home.display()), e))?;
        let signer = signer(&home.join("keys"))?;
        private_file(&path)?;
        let failed = |e| failure(&path, "open", e);
        let mut connection = Connection::open(&path).map_err(failed)?;
        schema::prepare(&mut connection).map_err(failed)?;
        let found = schema::version(&connection).map_err(failed)?;
        if found > schema::VERSION {
            let why = format!("it has form {found}; this program knows {}", schema::VERSION);
            return Err(Failure::new(format!("open {}", path.display()), why));
        }
        let seed = schema::seed(&connection).map_err(failed)?;
        seed::keep(&home.join("keys"), seed)?;
        Ok(Self(Arc::new(Inner { path, connection: Mutex::new(connection), signer, seed })))
    }

    /// The verifier line of the key that signs this ledger's checkpoints.
    pub fn verifier(&self) -> String {
        self.0.signer.verifier()
    }

    /// A name for this ledger that no other has; tells nothing of its secrets.
    pub fn name(&self) -> String {
        seed::name(self.0.seed)
    }

    /// Every leaf of the log with its number, in order.
    pub async fn leaves(&self) -> Answer<Vec<(u64, String)>> {
        self.read("read the log", |c| {
            let mut rows = c.prepare("SELECT seq, line FROM leaf ORDER BY seq")?;
            rows.query_map([], |r| Ok((unsigned(r.get(0)?), r.get(1)?)))?.collect()
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.write(doing, move |inner, connection| {
            work(connection).map_err(|e| failure(&inner.path, doing, e))
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        _doing: &'static str,
        work: impl FnOnce(&Inner, &mut Connection) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let inner = self.0.clone();
        blocking(move || {
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&inner, &mut connection)
        })
        .await
    }
}

impl Ledger for SqliteLedger {
    fn objects_known<'a>(&'a self, identities: &'a [Sha256]) -> Future<'a, Answer<Vec<bool>>> {
        let identities = identities.to_vec();
        Box::pin(self.read("look objects up", move |c| {
            let mut known = c.prepare_cached("SELECT 1 FROM object WHERE identity = ?1")?;
            identities.iter().map(|id| known.exists([&id.0[..]])).collect()
        }))
    }

    fn object_uris<'a>(
        &'a self,
        holding: &'a str,
        after: Option<Sha256>,
        limit: usize,
    ) -> Future<'a, Answer<Vec<(Sha256, String)>>> {
        let (holding, after) = (holding.to_owned(), after.map_or(vec![], |id| id.0.to_vec()));
        Box::pin(self.read("list objects", move |c| {
            let mut rows = c.prepare_cached(
                "SELECT identity, uri FROM object WHERE identity > ?1 AND instr(uri, ?2) > 0
                 ORDER BY identity LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            rows.query_map(rusqlite::params![after, holding, limit], |r| {
                Ok((digest(r.get(0)?), r.get(1)?))
            })?
            .collect()
        }))
    }

    fn runs<'a>(&'a self, of: &'a [(String, Day)]) -> Future<'a, Answer<(u64, Vec<Run>)>> {
        let of = of.to_vec();
        Box::pin(self.write("look runs up", move |inner, c| {
            let failed = |e| failure(&inner.path, "look runs up", e);
            // One transaction, so that the version belongs to the runs.
            let tx = c.transaction().map_err(failed)?;
            let version = commit::version(&tx).map_err(failed)?;
            let mut runs = Vec::new();
            for (table, day) in &of {
                runs.extend(commit::live_runs(&tx, table, *day).map_err(failed)?);
            }
            Ok((version, runs))
        }))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> Future<'a, Answer<Committed>> {
        let commit = commit.clone();
        Box::pin(self.write("commit", move |inner, c| {
            commit::commit(c, &inner.signer, &commit)
                .map_err(|e| failure(&inner.path, "commit to", e))
        }))
    }

    fn exchange<'a>(&'a self, exchange: &'a Exchange) -> Future<'a, Answer<Exchanged>> {
        let exchange = exchange.clone();
        let rows = |files: &[File]| files.iter().map(|f| f.rows).sum::<u64>();
        let (before, after) = (rows(&exchange.leaving), rows(&exchange.entering));
        let lost = exchange.why == Why::Compacted && before != after;
        if lost || after > before {
            let why = format!("{before} rows would become {after}");
            return Box::pin(async { Err(Failure::new("exchange files", why)) });
        }
        Box::pin(self.write("exchange files", move |inner, c| {
            exchange::exchange(c, &inner.signer, &exchange)
                .map_err(|e| failure(&inner.path, "exchange files in", e))
        }))
    }

    fn place_hold<'a>(&'a self, hold: &'a Hold) -> Future<'a, Answer<()>> {
        let hold = hold.clone();
        Box::pin(self.write("place a hold", move |inner, c| {
            let at = Timestamp::parse(&hold.placed).map_err(|e| Failure::new("place a hold", e))?;
            holds::place(c, &inner.signer, &hold, at)
                .map_err(|e| failure(&inner.path, "place a hold in", e))
        }))
    }

    fn release_hold<'a>(&'a self, id: &'a str, how: &'a Release) -> Future<'a, Answer<bool>> {
        let (id, how) = (id.to_owned(), how.clone());
        Box::pin(self.write("release a hold", move |inner, c| {
            let at = Timestamp::parse(&how.at).map_err(|e| Failure::new("release a hold", e))?;
            holds::release(c, &inner.signer, &id, &how, at)
                .map_err(|e| failure(&inner.path, "release a hold in", e))
        }))
    }

    fn holds(&self) -> Future<'_, Answer<Vec<Hold>>> {
        Box::pin(self.read("list holds", holds::list))
    }

    fn apply_policy<'a>(&'a self, applied: &'a Applied) -> Future<'a, Answer<()>> {
        let applied = applied.clone();
        Box::pin(self.write("apply a policy", move |inner, c| {
            holds::apply(c, &inner.signer, &applied)
                .map_err(|e| failure(&inner.path, "apply a policy in", e))
        }))
    }

    fn applied_policy(&self) -> Future<'_, Answer<Option<Applied>>> {
        Box::pin(self.read("read the applied policy", holds::applied))
    }

    fn left(&self) -> Future<'_, Answer<Vec<Left>>> {
        Box::pin(self.read("list the files that left", exchange::left))
    }

    fn removed<'a>(&'a self, paths: &'a [String], at: Timestamp) -> Future<'a, Answer<()>> {
        let paths = paths.to_vec();
        Box::pin(self.write("note removed files", move |inner, c| {
            exchange::removed(c, &paths, at)
                .map_err(|e| failure(&inner.path, "note removed files in", e))
        }))
    }

    fn snapshot(&self) -> Future<'_, Answer<Snapshot>> {
        Box::pin(self.read("read the manifest", |c| {
            let tx = c.unchecked_transaction()?;
            let version = commit::version(&tx)?;
            let mut rows = tx.prepare(
                "SELECT path, tbl, day, sha256, bytes, rows, first, last, layout FROM file
                 WHERE removed IS NULL ORDER BY tbl, day, path",
            )?;
            let files = rows.query_map([], file_row)?.collect::<rusqlite::Result<_>>()?;
            Ok(Snapshot { version, files })
        }))
    }

    fn named_paths(&self) -> Future<'_, Answer<Vec<String>>> {
        Box::pin(self.read("list the manifest's paths", |c| {
            // Replaced runs stay for an hour: another process may be reading them.
            let mut rows = c.prepare(
                "SELECT path FROM file WHERE deleted_at IS NULL
                 UNION ALL SELECT path FROM run WHERE removed IS NULL
                 OR removed_at > (SELECT max(recorded) FROM version) - 3600000000",
            )?;
            rows.query_map([], |r| r.get(0))?.collect()
        }))
    }

    fn findings<'a>(&'a self, query: &'a FindingQuery) -> Future<'a, Answer<Vec<Finding>>> {
        let query = query.clone();
        Box::pin(self.read("read findings", move |c| findings::list(c, &query)))
    }

    fn complaints(&self, limit: usize) -> Future<'_, Answer<(u64, Vec<FiledComplaint>)>> {
        Box::pin(self.read("read complaints", move |c| {
            let count = c.query_row("SELECT count(*) FROM complaint", [], |r| r.get(0))?;
            let mut rows = c.prepare(
                "SELECT o.uri, c.source, c.position, c.reason, c.sample, c.kept FROM complaint c
                 JOIN object o ON o.identity = c.object ORDER BY c.id DESC LIMIT ?1",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let filed = rows.query_map([limit], |r| {
                let complaint = Complaint {
                    source: r.get(1)?,
                    position: unsigned(r.get(2)?),
                    reason: r.get(3)?,
                    sample: r.get(4)?,
                    kept: r.get(5)?,
                };
                Ok(FiledComplaint { object: r.get(0)?, complaint })
            })?;
            Ok((unsigned(count), filed.collect::<rusqlite::Result<_>>()?))
        }))
    }

    fn tallies(&self) -> Future<'_, Answer<Vec<(String, Tally)>>> {
        Box::pin(self.read("read tallies", |c| {
            let mut rows = c.prepare(
                "SELECT source, sum(read), sum(stored), sum(duplicates), sum(complaints)
                 FROM tally GROUP BY source ORDER BY source",
            )?;
            rows.query_map([], |r| {
                let n = |i| r.get(i).map(unsigned);
                let tally =
                    Tally { read: n(1)?, stored: n(2)?, duplicates: n(3)?, complaints: n(4)? };
                Ok((r.get(0)?, tally))
            })?
            .collect()
        }))
    }

    fn feeds_begun(&self) -> Future<'_, Answer<BTreeMap<String, Timestamp>>> {
        Box::pin(self.read("look the feeds up", watch::begun))
    }

    fn self_facts(&self, now: Timestamp) -> Future<'_, Answer<SelfFacts>> {
        Box::pin(self.read("read how the watch goes", move |c| watch::facts(c, now)))
    }

    fn place_hours(&self, from: i64, until: i64) -> Future<'_, Answer<Vec<PlaceFacts>>> {
        Box::pin(self.read("read hours", move |c| watch::place_hours(c, from, until)))
    }

    fn checkpoint(&self) -> Future<'_, Answer<Option<Checkpoint>>> {
        Box::pin(self.read("read the checkpoint", newest_checkpoint))
    }

    fn verify_log(&self) -> Future<'_, Answer<Option<Checkpoint>>> {
        Box::pin(self.write("verify the log", |inner, c| {
            let failed = |e| failure(&inner.path, "verify the log of", e);
            let tx = c.transaction().map_err(failed)?;
            let mut tree = Tree::default();
            let mut rows = tx.prepare("SELECT seq, line FROM leaf ORDER BY seq").map_err(failed)?;
            let mut rows = rows.query([]).map_err(failed)?;
            let broken = |why: String| {
                Failure::new(format!("verify the log of {}", inner.path.display()), why)
            };
            while let Some(row) = rows.next().map_err(failed)? {
                let seq = unsigned(row.get(0).map_err(failed)?);
                let line: String = row.get(1).map_err(failed)?;
                if seq != tree.size() {
                    return Err(broken(format!("leaf {} is missing", tree.size())));
                }
                tree.push(leaf_hash(line.as_bytes()));
            }
            match newest_checkpoint(&tx).map_err(failed)? {
                None if tree.size() == 0 => Ok(None),
                Some(head) if verifies(&head.note, &tree, &inner.signer.verifier()) => {
                    Ok(Some(head))
                }
                _ => {
                    Err(broken(format!("the checkpoint does not prove its {} leaves", tree.size())))
                }
            }
        }))
    }

    fn fingerprint_seed(&self) -> u64 {
        self.0.seed
    }
}

fn newest_checkpoint(c: &Connection) -> rusqlite::Result<Option<Checkpoint>> {
    c.query_row("SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1", [], |r| {
        Ok(Checkpoint { size: unsigned(r.get(0)?), root: digest(r.get(1)?), note: r.get(2)? })
    })
    .optional()
}

fn file_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<File> {
    Ok(File {
        path: r.get(0)?,
        table: r.get(1)?,
        day: Day::from_number(r.get(2)?),
        sha256: digest(r.get(3)?),
        bytes: unsigned(r.get(4)?),
        rows: unsigned(r.get(5)?),
        first: Timestamp::from_micros(r.get(6)?),
        last: Timestamp::from_micros(r.get(7)?),
        layout: r.get(8)?,
    })
}

/// A digest column; the schema checks its length.
fn digest(bytes: Vec<u8>) -> Sha256 {
    Sha256(<[u8; 32]>::try_from(bytes).unwrap_or_default())
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn failure(path: &Path, doing: &str, error: rusqlite::Error) -> Failure {
    use rusqlite::ErrorCode as Code;
    let busy = matches!(error.sqlite_error_code(), Some(Code::DatabaseBusy | Code::DatabaseLocked));
    let failure = Failure::new(format!("{doing} {}", path.display()), error);
    if busy { failure.transient() } else { failure }
}

/// Makes sure a file is there and that only this user can read it.
pub(crate) fn private_file(path: &Path) -> Answer<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|e| Failure::new(format!("make {}", path.display()), e))
}

/// The signing key, made at the first use. Of two processes at once, one makes it.
fn signer(folder: &Path) -> Answer<Signer> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join("log.ed25519");
    let failed = |e: std::io::Error| Failure::new(format!("make {}", path.display()), e);
    make_folder(folder).map_err(failed)?;
    if let Err(e) = std::fs::metadata(&path) {
        if e.kind() != std::io::ErrorKind::NotFound {
            return Err(failed(e));
        }
        let key = Signer::generate().map_err(|e| Failure::new("make a signing key", e))?;
        let temporary = folder.join(format!("log.ed25519.{}.tmp", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(failed)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
        // A link fails if the other process was first; a rename would replace its key.
        match std::fs::hard_link(&temporary, &path) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(e)),
            _ => {}
        }
        std::fs::remove_file(&temporary).map_err(failed)?;
    }
    let key = std::fs::read(&path).map_err(failed)?;
    Signer::from_pkcs8("watchkeeper/log", &key)
        .map_err(|e| Failure::new(format!("read {}", path.display()), e))
}

#[cfg(test)]
mod tests;
