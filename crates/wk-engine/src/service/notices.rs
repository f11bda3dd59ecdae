//! The jobs that tell people: one decides who is told of what changed, one delivers what is due, one
//! gives signs of life. So a channel that stalls keeps nobody from deciding, or from seeing us alive.

use std::time::Duration;

use wk_seam::Answer;
use wk_seam::courier::Outcome;

use super::{Post, counts};
use crate::notify::Notify;

/// What the jobs share.
pub struct Notices {
    /// The loop.
    pub notify: Notify,
    /// Between two looks.
    pub every: Duration,
    /// The channel of signs of life, and the time between two of them.
    pub heartbeat: Option<(String, Duration)>,
}

impl Notices {
    /// Decides about what changed, until it is told to stop.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn route(&self, post: &Post) -> Answer<()> {
        loop {
            let (did, queued) = self.notify.route_changes().await?;
            let all = [
                ("queued", queued),
                ("suppressed", did.suppressed),
                ("excepted", did.excepted),
                ("dry-run", did.dry_run),
                ("silenced", did.silenced),
                ("inhibited", did.inhibited),
                ("muted", did.muted),
                ("grouped", did.flooded),
                ("unconfigured", did.unconfigured),
                ("escalated", did.escalated),
            ];
            for (became, count) in all {
                post.tools.counts.add(counts::NOTICES, &[("became", became)], count);
            }
            post.well();
            if !post.stop.pause(self.every).await {
                return Ok(());
            }
        }
    }

    /// Delivers what is due, until it is told to stop.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn deliver(&self, post: &Post) -> Answer<()> {
        loop {
            let did = self.notify.deliver_due().await?;
            let all = [
                ("accepted", did.accepted),
                ("later", did.later),
                ("dead", did.dead),
                ("doubled", did.doubled),
            ];
            for (became, count) in all {
                post.tools.counts.add(counts::NOTICES, &[("became", became)], count);
            }
            let backlog = self.notify.outbox.backlog().await?;
            post.tools.counts.set(counts::NOTICES_DEAD, &[], backlog.dead);
            post.tools.counts.set(counts::NOTICES_WAITING, &[], backlog.waiting);
            post.well();
            if !post.stop.pause(self.every).await {
                return Ok(());
            }
        }
    }

    /// Gives signs of life, until it is told to stop.
    ///
    /// # Errors
    /// None: a sign that nobody took is a trouble, and the next one follows.
    pub async fn beat(&self, post: &Post) -> Answer<()> {
        let Some((channel, every)) = &self.heartbeat else {
            post.stop.wait().await;
            return Ok(());
        };
        loop {
            match self.notify.heartbeat(channel).await {
                Outcome::Accepted { .. } => post.well(),
                Outcome::Later { reason, .. } | Outcome::Refused { reason } => {
                    post.trouble("the dead-man switch did not take a sign of life", &reason);
                }
            }
            if !post.stop.pause(*every).await {
                return Ok(());
            }
        }
    }
}
