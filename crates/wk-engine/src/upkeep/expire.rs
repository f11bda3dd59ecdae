//! What is past its term, who holds it, and its deletion.
//!
//! * A file goes when all its rows are past their terms: a row may stay up to a day longer than its
//!   term, and never goes before it.
//! * Where only some rows of a file are past their terms, the others are written anew.
//! * Holds are asked when the plan is made, and again in the transaction that deletes.

use std::sync::Arc;

use arrow_array::RecordBatch;
use wk_model::retention::{Policy, Term};
use wk_model::{Hold, Table, Timestamp};
use wk_seam::lake::{File, Keep, Rewrite};
use wk_seam::ledger::{Authority, Exchange, Exchanged, Why};
use wk_seam::{Answer, Failure};
use wk_watch::columns;

use super::Upkeep;

/// A file with rows past their term.
#[derive(Debug, Clone)]
pub struct Due {
    /// The table.
    pub table: &'static Table,
    /// The file.
    pub file: File,
    /// How many of its rows are past their term.
    pub rows: u64,
    /// The terms that are over.
    pub terms: Vec<Term>,
    /// The holds that keep it.
    pub held_by: Vec<String>,
}

/// Who lets rows be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorised {
    /// Who.
    pub by: String,
    /// Who agreed.
    pub second_person: Option<String>,
}

/// What an expiry did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// Files that left as a whole, and files of which rows were left out.
    pub files: (u64, u64),
    /// Rows that were deleted.
    pub rows: u64,
    /// Bytes of the files that left.
    pub bytes: u64,
    /// Files that a hold kept.
    pub held: u64,
    /// Files that another process changed first: the next run looks at them again.
    pub overtaken: u64,
}

impl Upkeep {
    /// What is past its term now by this policy.
    ///
    /// # Errors
    /// If the manifest, the holds or a file cannot be read.
    pub async fn due(&self, policy: &Arc<Policy>) -> Answer<Vec<Due>> {
        let now = self.clock.now();
        let holds = self.ledger.holds().await?;
        let mut due = Vec::new();
        for file in self.ledger.snapshot().await?.files {
            let Some(table) = self.tables.iter().find(|t| t.name == file.table) else { continue };
            let Some((shortest, longest)) = policy.terms(table.name) else { continue };
            let over = |days| Term { days, class: String::new() }.is_over(file.last, now);
            if !over(shortest) {
                continue;
            }
            let rows = if longest.is_some_and(over) {
                file.rows
            } else {
                let rewrite = self.without_expired(table, &file, policy, now);
                self.lake.count_dropped(&rewrite).await?.into_iter().sum()
            };
            if rows > 0 {
                let held_by = held_by(&holds, &file);
                let terms = terms_over(policy, &file, now);
                due.push(Due { table, file, rows, terms, held_by });
            }
        }
        Ok(due)
    }

    /// Deletes what is due and not held.
    ///
    /// # Errors
    /// The first failure; what was deleted before it is noted as such.
    pub async fn expire(
        &self,
        policy: &Arc<Policy>,
        due: &[Due],
        authorised: &Authorised,
    ) -> Answer<Expired> {
        let mut done = Expired::default();
        for due in due {
            if !due.held_by.is_empty() {
                done.held += 1;
                continue;
            }
            let entering = self.what_stays(policy, due).await?;
            let stays: u64 = entering.iter().map(|f| f.rows).sum();
            let exchange = Exchange {
                writer: self.writer.clone(),
                recorded: self.clock.now(),
                leaving: vec![due.file.clone()],
                entering,
                why: Why::Expired(authority(policy, due, authorised)),
            };
            match self.ledger.exchange(&exchange).await? {
                Exchanged::Done { .. } => {
                    let whole = exchange.entering.is_empty();
                    done.files.0 += u64::from(whole);
                    done.files.1 += u64::from(!whole);
                    done.rows += due.file.rows - stays;
                    done.bytes += due.file.bytes;
                }
                Exchanged::Held(_) => done.held += 1,
                Exchanged::Stale => done.overtaken += 1,
            }
        }
        Ok(done)
    }

    async fn what_stays(&self, policy: &Arc<Policy>, due: &Due) -> Answer<Vec<File>> {
        if due.rows == due.file.rows {
            return Ok(Vec::new());
        }
        let rewrite = self.without_expired(due.table, &due.file, policy, self.clock.now());
        let made = self.lake.rewrite(&rewrite).await?;
        if made.rows_dropped < due.rows {
            let why = format!("{} rows are past their term, not {}", made.rows_dropped, due.rows);
            return Err(Failure::new(format!("expire rows of {}", due.file.path), why));
        }
        Ok(made.files)
    }

    /// The rewrite that leaves out what is past its term.
    fn without_expired(
        &self,
        table: &'static Table,
        file: &File,
        policy: &Arc<Policy>,
        now: Timestamp,
    ) -> Rewrite {
        let names = policy.columns(table.name);
        let columns = names.into_iter().map(str::to_owned).collect();
        let (policy, last) = (policy.clone(), file.last);
        let stays = move |batch: &RecordBatch| {
            let stays = |row| {
                let text = |column: &str| columns::text(batch, column, row);
                policy.term(table.name, &text).is_none_or(|term| !term.is_over(last, now))
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

pub(super) fn held_by(holds: &[Hold], file: &File) -> Vec<String> {
    let keeps = |hold: &&Hold| hold.is_active() && hold.scope.covers(&file.table, file.day);
    holds.iter().filter(keeps).map(|hold| hold.id.clone()).collect()
}

/// The terms of the table's classes that are over.
fn terms_over(policy: &Policy, file: &File, now: Timestamp) -> Vec<Term> {
    let of_class = policy.of_table(&file.table).flat_map(|class| {
        let term = |days| Term { days, class: class.name.clone() };
        [class.minimum_days, class.maximum_days].into_iter().flatten().map(term)
    });
    let mut terms: Vec<Term> = of_class.filter(|term| term.is_over(file.last, now)).collect();
    terms.sort();
    terms.dedup();
    terms
}

fn authority(policy: &Policy, due: &Due, authorised: &Authorised) -> Authority {
    Authority {
        policy: policy.digest().short(),
        terms: due.terms.iter().map(ToString::to_string).collect(),
        authorised_by: authorised.by.clone(),
        second_person: authorised.second_person.clone(),
    }
}
