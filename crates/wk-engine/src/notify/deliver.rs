//! From notices in the outbox to receipts.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use wk_act::notices::backoff;
use wk_seam::courier::Outcome;
use wk_seam::outbox::{Claim, Claimed, Settled, Settlement};
use wk_seam::{Answer, Failure, Future};

use super::Notify;

/// Notices on their way at a time.
const IN_FLIGHT_MAX: usize = 16;
/// Of them, those of one channel.
const OF_CHANNEL_MAX: usize = 4;
/// How long a claim lasts, in seconds: longer than any courier takes.
const LEASE_SECONDS: i64 = 120;
/// Notices that one call sends; the rest is for the next one.
const SENT_MAX: u64 = 10_000;

/// What became of notices that were due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Somebody took them.
    pub accepted: u64,
    /// They are tried again.
    pub later: u64,
    /// They were given up: dead letters.
    pub dead: u64,
    /// Another process settled them first: the other side may have them twice.
    pub doubled: u64,
}

impl Notify {
    /// Sends every notice that is due, and notes what came of it.
    ///
    /// # Errors
    /// If the outbox fails. What is on its way is waited for first.
    pub async fn deliver_due(&self) -> Answer<Delivered> {
        let mut delivered = Delivered::default();
        let mut on_their_way: FuturesUnordered<Future<'_, Sent>> = FuturesUnordered::new();
        let mut of_channel: BTreeMap<String, usize> = BTreeMap::new();
        let mut failing: BTreeSet<String> = BTreeSet::new();
        let (mut sent, mut failed) = (0, None);
        loop {
            let room = IN_FLIGHT_MAX - on_their_way.len();
            if failed.is_none() && sent < SENT_MAX && room > 0 {
                match self.claim(room, &of_channel, &failing).await {
                    Ok(claimed) => {
                        for one in claimed {
                            sent += 1;
                            *of_channel.entry(one.notice.channel.clone()).or_default() += 1;
                            on_their_way.push(Box::pin(self.send(one)));
                        }
                    }
                    Err(failure) => failed = Some(failure),
                }
            }
            let Some(came) = on_their_way.next().await else { break };
            if let Some(count) = of_channel.get_mut(&came.channel) {
                *count = count.saturating_sub(1);
            }
            match came.settled {
                Ok((true, Done::Accepted)) => delivered.accepted += 1,
                Ok((true, Done::Later)) => {
                    // What does not answer now is left alone until the next call.
                    failing.insert(came.channel);
                    delivered.later += 1;
                }
                Ok((true, Done::Dead)) => delivered.dead += 1,
                Ok((false, _)) => delivered.doubled += 1,
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        match failed {
            Some(failure) => Err(failure),
            None => Ok(delivered),
        }
    }

    async fn claim(
        &self,
        max: usize,
        of_channel: &BTreeMap<String, usize>,
        failing: &BTreeSet<String>,
    ) -> Answer<Vec<Claimed>> {
        let now = self.clock.now();
        // A channel gets its next ones when it is done with those before: never more than
        // OF_CHANNEL_MAX are on their way to it.
        let busy =
            |name: &String| failing.contains(name) || of_channel.get(name).is_some_and(|n| *n > 0);
        let mut per_minute = self.policy.limits();
        for (name, limit) in &mut per_minute {
            if busy(name) {
                *limit = 0;
            }
        }
        let claim = Claim {
            by: self.by.clone(),
            now,
            until: now.plus_seconds(LEASE_SECONDS),
            max,
            max_of_channel: OF_CHANNEL_MAX,
            per_minute,
        };
        self.outbox.claim(&claim).await
    }

    /// Carries one notice and settles it.
    async fn send(&self, claimed: Claimed) -> Sent {
        let how = self.carry(&claimed).await;
        let done = match &how {
            Settlement::Accepted { .. } => Done::Accepted,
            Settlement::Later { .. } => Done::Later,
            Settlement::Dead { .. } => Done::Dead,
        };
        let (notice, by, at) = (claimed.notice.id, self.by.clone(), self.clock.now());
        let settled = Settled { notice, by, at, how };
        let settled = self.outbox.settle(&settled).await.map(|mine| (mine, done));
        Sent { channel: claimed.notice.channel, settled }
    }

    async fn carry(&self, claimed: &Claimed) -> Settlement {
        let notice = &claimed.notice;
        let Some(channel) = self.policy.channels.get(&notice.channel) else {
            let reason = format!("there is no channel {:?} in the configuration", notice.channel);
            return Settlement::Dead { reason };
        };
        let notifier = channel.channel.notifier;
        let reference = claimed.reference.as_deref();
        let Some(parcel) = (notifier.parcel)(notice, &channel.channel, reference) else {
            let said = format!("{} carries no {}", notifier.name, notice.kind.as_str());
            return Settlement::Accepted { said, reference: None };
        };
        match self.courier.carry(&parcel).await {
            Outcome::Accepted { receipt, reference } => {
                Settlement::Accepted { said: receipt, reference }
            }
            Outcome::Refused { reason } => Settlement::Dead { reason },
            Outcome::Later { reason, after_seconds } => {
                let now = self.clock.now();
                if backoff::is_over(notice.created, now) {
                    let reason = format!("given up after a day, at last: {reason}");
                    return Settlement::Dead { reason };
                }
                let wait = backoff::wait_seconds(&notice.id, claimed.attempt, after_seconds);
                let due = now.plus_seconds(i64::try_from(wait).unwrap_or(i64::MAX));
                Settlement::Later { reason, due }
            }
        }
    }
}

/// What became of one notice.
struct Sent {
    channel: String,
    settled: Result<(bool, Done), Failure>,
}

enum Done {
    Accepted,
    Later,
    Dead,
}
