//! Bookmarks in a small SQLite file of their own: no truth, so no part of the ledger and its log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use wk_seam::bookmarks::Bookmarks;
use wk_seam::clock::Clock;
use wk_seam::{Answer, Failure, Future};

use crate::files::{blocking, make_folder};

/// The form of the file that this program writes.
const VERSION: i64 = 1;
const FORM_1: &str = "
CREATE TABLE bookmark (
    shelf TEXT NOT NULL,
    key   TEXT NOT NULL,
    text  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (shelf, key)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
";

/// Bookmarks in `bookmarks.sqlite` of a home directory.
#[derive(Clone)]
pub struct SqliteBookmarks(Arc<Inner>);

struct Inner {
    path: PathBuf,
    connection: Mutex<Connection>,
    clock: Arc<dyn Clock>,
}

impl SqliteBookmarks {
    /// Opens them, or makes them.
    ///
    /// # Errors
    /// If the file cannot be made or read, or was written by a newer version.
    pub fn open(home: &Path, clock: Arc<dyn Clock>) -> Answer<Self> {
        let path = home.join("bookmarks.sqlite");
        make_folder(home).map_err(|e| Failure::new(format!("make {}", home.display()), e))?;
        crate::ledger::private_file(&path)?;
        let failed = |e| Failure::new(format!("open {}", path.display()), e);
        let mut connection = Connection::open(&path).map_err(failed)?;
        let found = prepare(&mut connection).map_err(failed)?;
        if found > VERSION {
            let why = format!("it has form {found}; this program knows {VERSION}");
            return Err(Failure::new(format!("open {}", path.display()), why));
        }
        Ok(Self(Arc::new(Inner { path, connection: Mutex::new(connection), clock })))
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let inner = self.0.clone();
        blocking(move || {
            let now = inner.clock.now().seconds();
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection, now)
                .map_err(|e| Failure::new(format!("use {}", inner.path.display()), e).transient())
        })
        .await
    }
}

/// Makes the table where it is missing; answers the form of the file.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(std::time::Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |r| r.get(0));
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&tx)? == 0_i64 {
        tx.execute_batch(FORM_1)?;
    }
    tx.commit()?;
    version(connection)
}

impl Bookmarks for SqliteBookmarks {
    fn get<'a>(
        &'a self,
        shelf: &'a str,
        keys: &'a [String],
    ) -> Future<'a, Answer<Vec<Option<String>>>> {
        let (shelf, keys) = (shelf.to_owned(), keys.to_vec());
        Box::pin(self.work(move |c, _| {
            let mut rows =
                c.prepare_cached("SELECT text FROM bookmark WHERE shelf = ?1 AND key = ?2")?;
            keys.iter().map(|key| rows.query_row([&shelf, key], |r| r.get(0)).optional()).collect()
        }))
    }

    fn put<'a>(&'a self, shelf: &'a str, pairs: &'a [(String, String)]) -> Future<'a, Answer<()>> {
        let (shelf, pairs) = (shelf.to_owned(), pairs.to_vec());
        Box::pin(async move {
            if pairs.is_empty() {
                return Ok(());
            }
            self.work(move |c, now| {
                let tx = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
                {
                    let mut put = tx.prepare_cached(
                        "INSERT OR REPLACE INTO bookmark VALUES (?1, ?2, ?3, ?4)",
                    )?;
                    for (key, text) in &pairs {
                        put.execute(params![shelf, key, text, now])?;
                    }
                }
                tx.commit()
            })
            .await
        })
    }

    fn forget<'a>(&'a self, shelf: &'a str, before_seconds: i64) -> Future<'a, Answer<u64>> {
        let shelf = shelf.to_owned();
        Box::pin(self.work(move |c, _| {
            let gone = c.execute(
                "DELETE FROM bookmark WHERE shelf = ?1 AND at < ?2",
                params![shelf, before_seconds],
            )?;
            Ok(gone as u64)
        }))
    }

    fn touch<'a>(&'a self, shelf: &'a str, keys: &'a [String]) -> Future<'a, Answer<()>> {
        let (shelf, keys) = (shelf.to_owned(), keys.to_vec());
        Box::pin(self.work(move |c, now| {
            let tx = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut touch =
                    tx.prepare_cached("UPDATE bookmark SET at = ?3 WHERE shelf = ?1 AND key = ?2")?;
                for key in &keys {
                    touch.execute(params![shelf, key, now])?;
                }
            }
            tx.commit()
        }))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use wk_model::Timestamp;
    use wk_seam::clock::StandingClock;
    use wk_seam::fakes::MemoryBookmarks;

    use super::*;

    /// What holds of bookmarks of any kind; `again` opens them anew.
    async fn keeps(clock: &StandingClock, again: &dyn Fn() -> Box<dyn Bookmarks>) {
        let pair = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        let keys = ["a", "b", "c"].map(str::to_owned);
        let marks = again();
        marks.put("one", &[pair("a", "1"), pair("b", "2")]).await.unwrap();
        marks.put("two", &[pair("a", "other")]).await.unwrap();
        marks.put("one", &[pair("b", "3")]).await.unwrap();
        let marks = again();
        let found = marks.get("one", &keys).await.unwrap();
        assert_eq!(found, [Some("1".to_owned()), Some("3".to_owned()), None]);
        clock.set(Timestamp::from_seconds(2000));
        marks.touch("one", &keys[1..]).await.unwrap();
        assert_eq!(marks.forget("one", 2000).await.unwrap(), 1);
        let found = again().get("one", &keys).await.unwrap();
        assert_eq!(found, [None, Some("3".to_owned()), None]);
        assert_eq!(marks.get("two", &keys[..1]).await.unwrap(), [Some("other".to_owned())]);
    }

    #[test]
    fn bookmarks_are_kept_over_a_restart_and_forgotten_when_nothing_uses_them() {
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1000)));
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let of_clock = clock.clone();
        let path = home.path().to_path_buf();
        let open = move || -> Box<dyn Bookmarks> {
            Box::new(SqliteBookmarks::open(&path, of_clock.clone()).unwrap())
        };
        runtime.block_on(keeps(&clock, &open));
        clock.set(Timestamp::from_seconds(1000));
        let memory = MemoryBookmarks::new(clock.clone());
        keeps(&clock, &move || Box::new(memory.clone())).now_or_never().expect("it never waits");
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1000)));
        drop(SqliteBookmarks::open(home.path(), clock.clone()).unwrap());
        let file = Connection::open(home.path().join("bookmarks.sqlite")).unwrap();
        file.pragma_update(None, "user_version", 9).unwrap();
        let Err(error) = SqliteBookmarks::open(home.path(), clock) else { panic!("it opened") };
        assert!(error.chain().contains("form 9"), "{}", error.chain());
    }
}
