//! Reads what lies in the spool, and removes it once it is committed.

use std::sync::Arc;
use std::time::Duration;

use wk_seam::objects::Object;
use wk_seam::spool::Spool;
use wk_seam::{Answer, Failure};

use super::handed::{Content, Item};
use super::intake::{Door, Outcome};
use super::{Post, backoff, counts};

/// A spool that is read.
pub struct SpoolPull {
    /// The spool.
    pub spool: Arc<dyn Spool>,
    /// By which way its lines came: `otlp`.
    pub path: &'static str,
    /// Where its files are handed in.
    pub door: Door,
    /// Between two looks.
    pub poll: Duration,
}

impl SpoolPull {
    /// Reads until it is told to stop. What lies in the spool then is read by the next run.
    ///
    /// # Errors
    /// If the spool cannot be read, or its files not removed.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let mut failures = 0;
        loop {
            let closed = self.spool.closed().await?;
            let counts = &post.tools.counts;
            counts.set(counts::SPOOL_BYTES, &[("path", self.path)], self.spool.bytes());
            let all = closed.len();
            let read = if all > 0 { self.read(closed, post).await? } else { 0 };
            let wait = if read < all {
                failures += 1;
                backoff(Duration::from_secs(5), Duration::from_secs(300), failures, self.path)
            } else {
                failures = 0;
                post.well();
                self.poll
            };
            if !post.stop.pause(wait).await {
                return Ok(());
            }
        }
    }

    /// Answers how many files were read and removed.
    async fn read(&self, files: Vec<Object>, post: &Post) -> Answer<usize> {
        let place = self.spool.place();
        let item =
            |object: &Object| Item { object: object.clone(), content: Content::In(place.clone()) };
        let items: Vec<Item> = files.iter().map(item).collect();
        let Some(outcomes) = self.door.hand_in(self.path, items).await else {
            if post.stop.requested() {
                return Ok(files.len());
            }
            return Err(Failure::new("read the spool", "the intake was interrupted"));
        };
        let mut done = Vec::new();
        for (file, outcome) in files.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Committed => done.push(file.uri),
                Outcome::Missing => post.trouble("a file of the spool is gone", &file.uri),
                Outcome::Failed { why, .. } => {
                    post.trouble("a file of the spool could not be read; it is kept", &why);
                }
            }
        }
        self.spool.remove(&done).await?;
        Ok(done.len())
    }
}
