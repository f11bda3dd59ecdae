//! Answers that end early: on a word from outside, or at a number of rows.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::output::{self, Format, Sink};
use super::{Answer, QueryError};

/// How an answer was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that were written.
    pub rows: u64,
    /// Whether rows were left out because there were more than asked for.
    pub more: bool,
    /// Why it ended before the last row.
    pub stopped: Option<String>,
}

/// Batches that wait to be written.
const WAITING: usize = 2;

impl Answer {
    /// Writes all rows in a form of text. Answers how many there were.
    ///
    /// # Errors
    /// If the query fails while it runs, or the output does.
    pub async fn write(
        mut self,
        format: Format,
        out: &mut dyn std::io::Write,
    ) -> Result<u64, QueryError> {
        let mut sink = output::sink(format, &self.schema(), out)?;
        let mut rows = 0;
        while let Some(batch) = self.next().await? {
            rows += batch.num_rows() as u64;
            sink.rows(&batch)?;
        }
        sink.end()?;
        Ok(rows)
    }

    /// Writes rows until the last one, until there are `rows_max`, or until `stop` says why to end.
    /// What was written is whole in each of these cases.
    ///
    /// # Errors
    /// If the query fails while it runs, or the output does.
    pub async fn write_until(
        mut self,
        sink: &mut dyn Sink,
        rows_max: Option<u64>,
        stop: impl Future<Output = String>,
    ) -> Result<Written, QueryError> {
        let (sender, mut batches) = mpsc::channel(WAITING);
        // A task of its own: `stop` is heard even while an operator computes for long.
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Some(batch) = self.next().await? {
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let mut written = Written::default();
        tokio::pin!(stop);
        loop {
            let batch = tokio::select! {
                biased;
                why = &mut stop => {
                    written.stopped = Some(why);
                    break;
                }
                batch = batches.recv() => batch,
            };
            let Some(batch) = batch else { break };
            let room = rows_max.map_or(u64::MAX, |max| max - written.rows);
            let rows = usize::try_from(room).unwrap_or(usize::MAX).min(batch.num_rows());
            sink.rows(&batch.slice(0, rows))?;
            written.rows += rows as u64;
            if rows < batch.num_rows() {
                written.more = true;
                break;
            }
        }
        if written.stopped.is_none()
            && !written.more
            && let Some(ended) = task.join_next().await
        {
            ended.map_err(|e| QueryError::Writing(std::io::Error::other(e)))??;
        }
        sink.end()?;
        Ok(written)
    }
}
