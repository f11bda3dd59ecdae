//! The loop that tells people: changed findings -> routes -> groups -> outbox -> courier -> receipt.
//!
//! * A step of routing is one transaction: the cursor over findings, groups and notices move together.
//! * Delivery claims notices for a time and settles them. A process that ends in between leaves them to
//!   the next one: at least once, with the same id and key.
//! * Nothing here waits for a clock: whoever runs it calls [`Notify::turn`] again, at the latest when
//!   [`Turned::next`] says.

mod deliver;
mod paging;
mod people;
mod reopen;
mod route;

use std::sync::Arc;

use wk_act::notices::{Advice, Counts, Policy};
use wk_act::routes::Routes;
use wk_model::finding::Finding;
use wk_model::notice::NoticeFinding;
use wk_model::{Notice, Timestamp};
use wk_seam::clock::Clock;
use wk_seam::courier::{Courier, Outcome};
use wk_seam::outbox::Outbox;
use wk_seam::reports::Reports;
use wk_seam::triage::Triage;
use wk_seam::{Answer, Failure};

pub use deliver::Delivered;
pub use paging::{Paging, ReadBack};
pub use people::{Asked, OpenAlarm};

/// Everything that telling people needs.
#[derive(Clone)]
pub struct Notify {
    /// What is to be told, durably.
    pub outbox: Arc<dyn Outbox>,
    /// Which findings somebody accepts.
    pub triage: Arc<dyn Triage>,
    /// The way out.
    pub courier: Arc<dyn Courier>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who is told of what.
    pub routes: Arc<Routes>,
    /// How people are told.
    pub policy: Arc<Policy>,
    /// What is known of a rule.
    pub advice: Arc<dyn Fn(&NoticeFinding) -> Advice + Send + Sync>,
    /// Whether a finding is an exercise. Only who makes exercises may say so, never a record.
    pub is_drill: Arc<dyn Fn(&Finding) -> bool + Send + Sync>,
    /// What products said of the findings that they reported.
    pub reports: Option<Arc<dyn Reports>>,
    /// PagerDuty, where it may be asked.
    pub paging: Option<Arc<Paging>>,
    /// A name that no other process has.
    pub by: String,
}

/// What a turn did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turned {
    /// What became of findings and groups.
    pub counts: Counts,
    /// Notices that were queued.
    pub queued: u64,
    /// What became of notices that were due.
    pub delivered: Delivered,
    /// What people did in PagerDuty.
    pub read_back: ReadBack,
    /// When there is something to do next, if nothing happens before. It may be past: a channel is
    /// at its limit.
    pub next: Option<Timestamp>,
}

impl Notify {
    /// Tells of everything that changed or is due now.
    ///
    /// # Errors
    /// If the outbox fails. What was done until then is kept; the next turn goes on.
    pub async fn turn(&self) -> Answer<Turned> {
        // What was taken there is escalated no more.
        let read_back = self.read_back().await?;
        let (counts, queued) = self.route_changes().await?;
        let delivered = self.deliver_due().await?;
        let next = self.next().await?;
        Ok(Turned { counts, queued, delivered, read_back, next })
    }

    /// When there is something to do next, if nothing happens before.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn next(&self) -> Answer<Option<Timestamp>> {
        let backlog = self.outbox.backlog().await?;
        let desk = self.desk_of(&self.outbox.desk().await?.body)?;
        let ends = self.next_end().await?;
        Ok([backlog.next, desk.due(&self.policy), ends].into_iter().flatten().min())
    }

    /// Carries a notice at once, past the outbox: for a sign of life, which is worth nothing later.
    pub async fn carry_now(&self, notice: &Notice) -> Outcome {
        let refused = |reason: String| Outcome::Refused { reason };
        let Some(channel) = self.policy.channels.get(&notice.channel) else {
            return refused(format!("the channel {:?} is not configured", notice.channel));
        };
        let notifier = channel.channel.notifier;
        match (notifier.parcel)(notice, &channel.channel, None) {
            Some(parcel) => self.courier.carry(&parcel).await,
            None => refused(format!("{} carries no {}", notifier.name, notice.kind.as_str())),
        }
    }

    /// A sign of life to a dead-man switch, by the channel of this name.
    pub async fn heartbeat(&self, channel: &str) -> Outcome {
        use wk_model::notice::NoticeKind::Heartbeat;
        let severity = wk_model::Severity::from_tenths(0);
        let notice = Notice::new("heartbeat", channel, Heartbeat, severity, self.clock.now());
        self.carry_now(&notice).await
    }

    fn desk_of(&self, body: &str) -> Answer<wk_act::notices::Desk> {
        if body.is_empty() {
            return Ok(wk_act::notices::Desk::default());
        }
        serde_json::from_str(body).map_err(unreadable)
    }
}

/// What the outbox kept was written by another version of this program.
fn unreadable(error: serde_json::Error) -> Failure {
    Failure::new("read what the loop of notices kept", error)
}
