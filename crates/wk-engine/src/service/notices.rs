//! The jobs that tell people: one decides who is told of what changed, one delivers what is due, one
//! gives signs of life. So a channel that stalls keeps nobody from deciding, or from seeing us alive.

use std::time::Duration;

use wk_model::Timestamp;
use wk_seam::Answer;
use wk_seam::courier::Outcome;
use wk_watch::selfwatch::facts::{HeartbeatFacts, JobFacts};

use super::tell::safe;
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

/// Between two looks at PagerDuty, which is asked once a minute.
const HEAR_EVERY: Duration = Duration::from_secs(20);
/// So long PagerDuty may fail before the watch calls it a failure, in seconds.
const HEAR_SECONDS: i64 = 600;

/// What the watch over the watch hears of PagerDuty: a failure that has lasted.
fn facts(
    begun: Timestamp,
    last_ok: Option<Timestamp>,
    trouble: Option<(Timestamp, String)>,
) -> JobFacts {
    let lasts = |(at, _): &(Timestamp, String)| {
        at.seconds() - last_ok.unwrap_or(begun).seconds() > HEAR_SECONDS
    };
    JobFacts {
        name: "asking PagerDuty".to_owned(),
        every_seconds: HEAR_SECONDS,
        since: begun,
        last_ok,
        last_failed: trouble.filter(lasts),
    }
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
                ("decided", did.decided),
                ("dry-run", did.dry_run),
                ("silenced", did.silenced),
                ("inhibited", did.inhibited),
                ("muted", did.muted),
                ("grouped", did.flooded),
                ("unconfigured", did.unconfigured),
                ("escalated", did.escalated),
                ("on call in doubt", did.oncall_doubts),
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

    /// Asks PagerDuty who is on call, so that it is known before it is needed, and reads back what
    /// people did there, until it is told to stop.
    ///
    /// # Errors
    /// If the outbox fails. That PagerDuty does not answer is a trouble, and a self-alert after a while.
    pub async fn hear(&self, post: &Post) -> Answer<()> {
        let begun = post.tools.clock.now();
        let mut last_ok = None;
        loop {
            let duty = self.notify.duty().await;
            let did = self.notify.read_back().await?;
            for (became, count) in [("asked", did.asked), ("taken", did.taken), ("over", did.over)]
            {
                post.tools.counts.add(counts::PAGERDUTY, &[("became", became)], count);
            }
            let trouble = duty.failed.or(did.failed);
            match &trouble {
                None => {
                    last_ok = Some(post.tools.clock.now());
                    post.well();
                }
                Some(why) => {
                    post.tools.counts.add(counts::PAGERDUTY, &[("became", "failed")], 1);
                    post.trouble("PagerDuty does not say who is on call, or who took what", why);
                }
            }
            let trouble = trouble.map(|why| (post.tools.clock.now(), safe(&why)));
            post.tools.hear(|heard| heard.job(facts(begun, last_ok, trouble)));
            if !post.stop.pause(HEAR_EVERY).await {
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
        let every_seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
        let since = post.tools.clock.now();
        let mut facts = HeartbeatFacts { every_seconds, since, last_taken: None };
        let mut due = None;
        loop {
            // By the clock: after a sleep of the machine the next sign is due at once.
            let now = post.tools.clock.now();
            let next = now.plus_seconds(every_seconds);
            if due.is_none_or(|due| due <= now || due > next) {
                due = Some(next);
                match self.notify.heartbeat(channel).await {
                    Outcome::Accepted { .. } => {
                        facts.last_taken = Some(post.tools.clock.now());
                        post.well();
                    }
                    Outcome::Later { reason, .. } | Outcome::Refused { reason } => {
                        post.trouble("the dead-man switch did not take a sign of life", &reason);
                    }
                }
                post.tools.hear(|heard| heard.heartbeat = Some(facts.clone()));
            }
            if !post.stop.pause(self.every.min(*every)).await {
                return Ok(());
            }
        }
    }
}
