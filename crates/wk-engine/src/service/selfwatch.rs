//! Lets the watch judge itself every so often.

use std::time::Duration;

use wk_seam::Answer;
use wk_watch::selfwatch::Heard;

use super::{Post, counts};
use crate::selfwatch::Selfwatch;

/// Adds what only the program's edge knows: disks, clocks, rules.
pub type More = Box<dyn Fn(&mut Heard) + Send + Sync>;

/// The watch over the watch, as a job.
pub struct SelfwatchJob {
    /// What judges.
    pub selfwatch: Selfwatch,
    /// Between two turns.
    pub every: Duration,
    /// What the jobs do not know.
    pub more: More,
}

impl SelfwatchJob {
    /// Judges until it is told to stop.
    ///
    /// # Errors
    /// If the ledger fails; the next turn makes up for it.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        // The jobs have not looked at anything yet.
        while post.stop.pause(self.every).await {
            let mut heard = Heard::default();
            post.tools.hear(|known| heard = known.clone());
            (self.more)(&mut heard);
            let turn = self.selfwatch.turn(&heard).await?;
            post.well();
            post.tools.counts.set(counts::ALERTS, &[], turn.alerts.len() as u64);
            if turn.raised + turn.ended > 0 {
                let (raised, ended) = (turn.raised, turn.ended);
                tracing::warn!(job = post.name(), raised, ended, "the watch judged itself");
            }
        }
        Ok(())
    }
}
