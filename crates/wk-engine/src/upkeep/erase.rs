//! The rows that name somebody who asks to be forgotten, and their deletion (GDPR Art. 17, LGPD Art. 18).
//!
//! * A row names a subject if its raw record holds the subject's text between characters that are
//!   neither letters nor digits; upper and lower case of ASCII do not count.
//! * Rows that a policy still asks to be kept stay (GDPR Art. 17(3)(b)), and so do held files. Both are
//!   counted, so that the answer to the person can say so.
//! * The ledger and the log hear of the request's reference only, never of the subject.
//! * The id index keeps its digests: a record that is read again does not come back.

use std::sync::Arc;

use arrow_array::RecordBatch;
use wk_model::Table;
use wk_model::Timestamp;
use wk_model::retention::Policy;
use wk_seam::lake::{File, Keep, Rewrite};
use wk_seam::ledger::{Erasure, Exchange, Exchanged, Why};
use wk_seam::{Answer, Failure};
use wk_watch::columns;

use super::Upkeep;
use super::expire::held_by;

/// A file with rows that name the subject.
#[derive(Debug, Clone)]
pub struct Named {
    /// The table.
    pub table: &'static Table,
    /// The file.
    pub file: File,
    /// How many of its rows name the subject.
    pub rows: u64,
    /// How many of these a policy still asks to be kept.
    pub kept: u64,
    /// The holds that keep the file.
    pub held_by: Vec<String>,
}

/// What an erasure did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Files that left as a whole, and files of which rows were left out.
    pub files: (u64, u64),
    /// Rows that were deleted.
    pub rows: u64,
    /// Rows that a policy keeps.
    pub kept: u64,
    /// Rows of files that a hold keeps.
    pub held: u64,
    /// Files that another process changed first: run again.
    pub overtaken: u64,
}

impl Upkeep {
    /// The files with rows that name a subject, of all tables.
    ///
    /// # Errors
    /// If the manifest, the holds or a file cannot be read.
    pub async fn named(&self, subject: &str, policy: &Arc<Policy>) -> Answer<Vec<Named>> {
        let holds = self.ledger.holds().await?;
        let nothing = Arc::default();
        let mut found = Vec::new();
        for file in self.ledger.snapshot().await?.files {
            let Some(table) = self.tables.iter().find(|t| t.name == file.table) else {
                let why = "this program does not know the table; a newer one wrote it";
                return Err(Failure::new(format!("look into {}", file.path), why));
            };
            let count = async |policy: &Arc<Policy>| -> Answer<u64> {
                let rewrite = self.without_subject(table, &file, subject, policy);
                Ok(self.lake.count_dropped(&rewrite).await?.into_iter().sum())
            };
            let rows = count(&nothing).await?;
            if rows > 0 {
                // Where no class asks for the table, the file need not be read again.
                let kept = match policy.of_table(table.name).next() {
                    Some(_) => rows.saturating_sub(count(policy).await?),
                    None => 0,
                };
                let held_by = held_by(&holds, &file);
                found.push(Named { table, file, rows, kept, held_by });
            }
        }
        Ok(found)
    }

    /// Deletes the rows that name a subject, but for those that a policy or a hold keeps.
    ///
    /// # Errors
    /// The first failure; what was deleted before it is noted as such.
    pub async fn erase(
        &self,
        subject: &str,
        policy: &Arc<Policy>,
        named: &[Named],
        erasure: &Erasure,
    ) -> Answer<Erased> {
        let mut done = Erased::default();
        for named in named {
            if !named.held_by.is_empty() {
                done.held += named.rows;
                continue;
            }
            done.kept += named.kept;
            if named.kept == named.rows {
                continue;
            }
            let rewrite = self.without_subject(named.table, &named.file, subject, policy);
            let made = self.lake.rewrite(&rewrite).await?;
            let exchange = Exchange {
                writer: self.writer.clone(),
                recorded: self.clock.now(),
                leaving: vec![named.file.clone()],
                entering: made.files,
                why: Why::Erased(erasure.clone()),
            };
            match self.ledger.exchange(&exchange).await? {
                Exchanged::Done { .. } => {
                    let whole = exchange.entering.is_empty();
                    done.files.0 += u64::from(whole);
                    done.files.1 += u64::from(!whole);
                    done.rows += made.rows_dropped;
                }
                Exchanged::Held(_) => done.held += named.rows,
                Exchanged::Stale => done.overtaken += 1,
            }
        }
        Ok(done)
    }

    /// The rewrite that leaves out the rows that name the subject and need not be kept.
    fn without_subject(
        &self,
        table: &'static Table,
        file: &File,
        subject: &str,
        policy: &Arc<Policy>,
    ) -> Rewrite {
        let mut names = policy.columns(table.name);
        names.insert("raw");
        let columns = names.into_iter().map(str::to_owned).collect();
        let (policy, subject) = (policy.clone(), subject.to_ascii_lowercase());
        let (last, now): (Timestamp, Timestamp) = (file.last, self.clock.now());
        let stays = move |batch: &RecordBatch| {
            let stays = |row| {
                let text = |column: &str| columns::text(batch, column, row);
                let named = text("raw").is_some_and(|raw| names_subject(raw, &subject));
                !named || policy.minimum(table.name, &text).is_some_and(|t| !t.is_over(last, now))
            };
            (0..batch.num_rows()).map(stays).collect()
        };
        Rewrite {
            table,
            day: file.day,
            files: vec![file.clone()],
            keep: Some(Keep { columns, stays: Arc::new(stays) }),
            file_bytes: self.limits.file_bytes,
        }
    }
}

/// Whether a record names a subject, which is in lower case.
fn names_subject(raw: &str, subject: &str) -> bool {
    let raw = raw.to_ascii_lowercase();
    let part_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    raw.match_indices(subject).any(|(at, found)| {
        let (before, rest) = raw.split_at(at);
        let after = rest.get(found.len()..).unwrap_or_default();
        !part_of_word(before.chars().next_back()) && !part_of_word(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_named_as_a_whole_word() {
        let raw = r#"{"userName":"Ana@example.com","arn":"arn:aws:iam::1:user/ana"}"#;
        assert!(names_subject(raw, "ana@example.com") && names_subject(raw, "ana"));
        assert!(!names_subject(raw, "example.co") && !names_subject("banana ana1", "ana"));
        assert!(names_subject("é-ana", "ana") && !names_subject("éana", "ana"));
    }
}
