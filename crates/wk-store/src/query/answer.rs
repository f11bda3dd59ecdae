//! A running answer: its rows, and what is to be said about it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::physical_plan::ExecutionPlan;
use futures::{Stream, StreamExt as _};

use super::{QueryError, running};

/// A running answer.
pub struct Answer {
    plan: Arc<dyn ExecutionPlan>,
    stream: SendableRecordBatchStream,
    notes: Notes,
}

/// What is to be said about an answer: which tables were chosen, that there were more rows. It may
/// grow until the last row is there, so it is read again then.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// Every sentence so far.
    pub fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Adds a sentence; one that is there is not repeated.
    pub(super) fn add(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

impl Answer {
    /// An answer that shows at most `rows_max` rows; the plan gives one more where there are more.
    pub(super) fn new(
        plan: Arc<dyn ExecutionPlan>,
        stream: SendableRecordBatchStream,
        notes: Notes,
        rows_max: Option<usize>,
    ) -> Self {
        let stream = match rows_max {
            None => stream,
            Some(rows_max) => {
                Box::pin(Capped { stream, left: rows_max, rows_max, notes: notes.clone() })
            }
        };
        Self { plan, stream, notes }
    }
    /// Its columns.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
    /// What is to be said about it.
    pub fn notes(&self) -> Notes {
        self.notes.clone()
    }
    /// The plan that runs; its metrics are whole when the last row is there.
    pub fn plan(&self) -> Arc<dyn ExecutionPlan> {
        self.plan.clone()
    }
    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// If the query fails while it runs.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.stream.next().await.transpose().map_err(running)
    }
}

/// Rows up to a limit; that there are more is noted.
struct Capped {
    stream: SendableRecordBatchStream,
    left: usize,
    rows_max: usize,
    notes: Notes,
}

impl Stream for Capped {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.stream.poll_next_unpin(context);
        let Poll::Ready(Some(Ok(batch))) = next else { return next };
        if batch.num_rows() > self.left {
            let rows = thousands(self.rows_max);
            self.notes.add(format!(
                "{rows} of more rows are shown; say `| limit N` for more (at most 100,000)"
            ));
        }
        let shown = batch.slice(0, batch.num_rows().min(self.left));
        self.left -= shown.num_rows();
        Poll::Ready(Some(Ok(shown)))
    }
}

impl RecordBatchStream for Capped {
    fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }
}

/// `10000` as `10,000`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
