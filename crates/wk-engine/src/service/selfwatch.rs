//! Lets the watch judge itself every so often.

use std::time::Duration;

use wk_seam::{Answer, Future};
use wk_watch::selfwatch::Heard;
use wk_watch::selfwatch::measures::Measure;

use super::counts::Counts;
use super::{Post, counts};
use crate::selfwatch::Selfwatch;

/// Tells what only the program's edge knows: disks, the outbox, drills. What else it tells is left out.
pub type More = Box<dyn Fn() -> Future<'static, Answer<Heard>> + Send + Sync>;

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
            let Heard { disks, outbox, drills, .. } = (self.more)().await?;
            let mut heard = Heard::default();
            post.tools.hear(|known| heard = known.clone());
            let heard = Heard { disks, outbox, drills, ..heard };
            let turn = self.selfwatch.turn(&heard).await?;
            post.well();
            post.tools.counts.set(counts::ALERTS, &[], turn.alerts.len() as u64);
            turn.sources.iter().for_each(|source| show(source, &post.tools.counts));
            if turn.raised + turn.ended > 0 {
                let (raised, ended) = (turn.raised, turn.ended);
                tracing::warn!(job = post.name(), raised, ended, "the watch judged itself");
            }
        }
        Ok(())
    }
}

/// A source in figures.
fn show(of: &Measure, counts: &Counts) {
    let source = ("source", of.source.as_str());
    counts.set(counts::SOURCE_EVENTS, &[source], of.hour.0);
    match of.hour.1 {
        Some(usual) => counts.set(counts::SOURCE_USUAL, &[source], usual),
        None => counts.unset(counts::SOURCE_USUAL, &[source]),
    }
    let last = u64::try_from(of.last_event.seconds()).unwrap_or(0);
    counts.set(counts::SOURCE_LAST, &[source], last);
    for (path, (median, p95)) in &of.lags {
        let path = ("path", path.as_str());
        counts.set(counts::SOURCE_LAG, &[source, path, ("quantile", "0.5")], *median);
        counts.set(counts::SOURCE_LAG, &[source, path, ("quantile", "0.95")], *p95);
    }
}
