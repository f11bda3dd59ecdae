//! What keeps a lake fit: compaction, expiry, erasure, and the removal of files that left.
//!
//! * Nothing changes but by [`Ledger::exchange`]: a reader sees the files before or those after.
//! * Everything may be interrupted anywhere and run twice at once: one wins, the others go on.

mod erase;
mod expire;
mod plan;

use std::sync::Arc;

use wk_model::{Table, Timestamp};
use wk_seam::Answer;
use wk_seam::clock::Clock;
use wk_seam::lake::{File, GRACE_SECONDS, Lake, Rewrite};
use wk_seam::ledger::{Exchange, Exchanged, Ledger, Why};

pub use erase::{Erased, Named};
pub use expire::{Authorised, Due, Expired};
pub use plan::{Heap, Limits, Reason, heaps, is_closed};

/// The upkeep of one lake.
pub struct Upkeep {
    /// The files.
    pub lake: Arc<dyn Lake>,
    /// What is true.
    pub ledger: Arc<dyn Ledger>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// A name that no other process has.
    pub writer: String,
    /// Every table that the lake may hold.
    pub tables: Vec<&'static Table>,
    /// When files are many, and how large they should be.
    pub limits: Limits,
}

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Tables and days that were rewritten.
    pub heaps: u64,
    /// Files before and after.
    pub files: (u64, u64),
    /// Bytes before and after.
    pub bytes: (u64, u64),
    /// Rows; as many before as after.
    pub rows: u64,
    /// Heaps that another process changed meanwhile: they are left to it or to the next run.
    pub overtaken: u64,
}

impl Upkeep {
    /// What would be compacted now; `all`: whatever is not in the best form yet.
    ///
    /// # Errors
    /// If the manifest cannot be read.
    pub async fn plan(&self, all: bool) -> Answer<Vec<Heap>> {
        let files = self.ledger.snapshot().await?.files;
        Ok(heaps(files, &self.tables, self.clock.now(), &self.limits, all))
    }

    /// Compacts heaps of a plan, one after another; `told` hears what was done after each.
    ///
    /// # Errors
    /// The first failure; what was done before it stays done.
    pub async fn compact(
        &self,
        plan: &[Heap],
        told: &mut (dyn FnMut(&Compacted) + Send),
    ) -> Answer<Compacted> {
        let mut done = Compacted::default();
        for heap in plan {
            self.compact_one(heap, &mut done).await?;
            told(&done);
        }
        Ok(done)
    }

    async fn compact_one(&self, heap: &Heap, done: &mut Compacted) -> Answer<()> {
        let rewrite = Rewrite {
            table: heap.table,
            day: heap.day,
            files: heap.files.clone(),
            keep: None,
            file_bytes: self.limits.file_bytes,
        };
        let made = match self.lake.rewrite(&rewrite).await {
            // Its files may be gone because another process compacted them long ago.
            Err(e) if self.all_visible(&heap.files).await? => return Err(e),
            Err(_) => {
                done.overtaken += 1;
                return Ok(());
            }
            Ok(rewritten) => rewritten.files,
        };
        // What comes out as it went in needs no exchange.
        let same = |file: &File, others: &[File]| others.iter().any(|o| o.path == file.path);
        let leaving: Vec<File> = heap.files.iter().filter(|f| !same(f, &made)).cloned().collect();
        let entering: Vec<File> = made.iter().filter(|f| !same(f, &heap.files)).cloned().collect();
        let sum = |files: &[File]| files.iter().map(|f| f.bytes).sum::<u64>();
        let exchange = Exchange {
            writer: self.writer.clone(),
            recorded: self.clock.now(),
            leaving,
            entering,
            why: Why::Compacted,
        };
        if !exchange.leaving.is_empty()
            && self.ledger.exchange(&exchange).await? == Exchanged::Stale
        {
            done.overtaken += 1;
            return Ok(());
        }
        done.heaps += 1;
        done.files.0 += heap.files.len() as u64;
        done.files.1 += made.len() as u64;
        done.bytes.0 += sum(&heap.files);
        done.bytes.1 += sum(&made);
        done.rows += made.iter().map(|f| f.rows).sum::<u64>();
        Ok(())
    }

    async fn all_visible(&self, files: &[File]) -> Answer<bool> {
        let visible = self.ledger.snapshot().await?.files;
        let visible: std::collections::BTreeSet<&str> =
            visible.iter().map(|f| f.path.as_str()).collect();
        Ok(files.iter().all(|f| visible.contains(f.path.as_str())))
    }

    /// Removes files from storage that left longer ago than any reader may read. Answers how many,
    /// and their bytes.
    ///
    /// # Errors
    /// If storage or ledger fail; the next run goes on.
    pub async fn remove_left(&self) -> Answer<(u64, u64)> {
        let now = self.clock.now();
        let left = self.ledger.left().await?;
        let old: Vec<File> =
            left.into_iter().filter(|l| may_go(l.at, now)).map(|l| l.file).collect();
        let paths: Vec<String> = old.iter().map(|f| f.path.clone()).collect();
        for some in paths.chunks(1000) {
            self.lake.remove(some).await?;
            self.ledger.removed(some, self.clock.now()).await?;
        }
        Ok((paths.len() as u64, old.iter().map(|f| f.bytes).sum()))
    }
}

/// Whether a file that left then may be removed from storage now.
pub fn may_go(left: Timestamp, now: Timestamp) -> bool {
    left.plus_seconds(GRACE_SECONDS) <= now
}
