//! What arrived since a version: for whoever follows the lake.

use wk_seam::Answer;
use wk_seam::lake::File;

use super::{SqliteLedger, file_row};

impl SqliteLedger {
    /// The files that ingests brought after a version, and the newest version there is. A file that
    /// only holds rows of others anew is none of them; a file that was replaced since is one still,
    /// for its rows were not there before.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub async fn arrivals(&self, after: u64) -> Answer<(u64, Vec<File>)> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        self.read("read what arrived", move |c| {
            let tx = c.unchecked_transaction()?;
            let version = super::commit::version(&tx)?;
            let mut rows = tx.prepare(
                "SELECT path, tbl, day, sha256, bytes, rows, first, last, layout FROM file
                 WHERE added > ?1
                 AND added IN (SELECT version FROM version WHERE version > ?1 AND objects > 0)
                 ORDER BY added, tbl, day, path",
            )?;
            let files = rows.query_map([after], file_row)?.collect::<rusqlite::Result<_>>()?;
            Ok((version, files))
        })
        .await
    }
}
