//! What PagerDuty knows, as far as telling people needs it: who is on call there, and which alarms
//! somebody took or ended there.
//!
//! * It is asked no more often than once a minute, and not before it says so itself.
//! * A failure changes nothing but what is known: the own rota decides, and alarms stay nobody's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wk_act::notices::{Duty, Group, Policy};
use wk_model::Timestamp;
use wk_seam::Answer;
use wk_seam::pager::{Incident, Pager, Unheard};

use super::{Notify, unreadable};

/// Between two askings for who is on call, and between two readings of alarms, in seconds.
const EVERY_SECONDS: i64 = 60;
/// How far ahead is asked who is on call, in seconds.
const AHEAD_SECONDS: i64 = 15 * 60;
/// The longest that PagerDuty can make us wait, in seconds.
const WAIT_SECONDS_MAX: u64 = 900;
/// Alarms that one reading asks about; the others come next.
const ASKED_MAX: usize = 60;
/// Open alarms that are looked through.
const OPEN_MAX: usize = 10_000;
/// What we were told by a person there, in the record.
const NOTE: &str = "in PagerDuty";

/// PagerDuty, and what it said last.
pub struct Paging {
    pager: Arc<dyn Pager>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    duty: Duty,
    /// Who is on call is not asked for before this.
    ask_at: Option<Timestamp>,
    /// Alarms are not read before this.
    read_at: Option<Timestamp>,
    /// The alarm that was asked about last.
    after: String,
}

/// What a reading found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// Alarms that were asked about.
    pub asked: u64,
    /// Alarms that somebody took there.
    pub taken: u64,
    /// Alarms that somebody ended there.
    pub over: u64,
    /// Why the asking ended early, if it did.
    pub failed: Option<String>,
}

impl Paging {
    /// A pager that was asked nothing yet.
    pub fn new(pager: Arc<dyn Pager>) -> Self {
        Self { pager, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is on call there; it is asked if its last answer is a minute old.
    async fn duty(&self, now: Timestamp) -> Duty {
        let due = self.memory().ask_at.is_none_or(|at| at <= now);
        if due {
            let said = self.pager.on_call(now, now.plus_seconds(AHEAD_SECONDS)).await;
            let mut memory = self.memory();
            memory.ask_at = Some(now.plus_seconds(wait(said.as_ref().err())));
            match said {
                Ok(all) => memory.duty = Duty { said: Some((now, all)), failed: None },
                Err(why) => memory.duty.failed = Some(why.reason),
            }
        }
        self.memory().duty.clone()
    }
}

/// Seconds until the next call.
fn wait(failed: Option<&Unheard>) -> i64 {
    let asked = failed.and_then(|why| why.after_seconds).unwrap_or(0).min(WAIT_SECONDS_MAX);
    i64::try_from(asked).unwrap_or(0).max(EVERY_SECONDS)
}

impl Notify {
    /// Who is on call, as PagerDuty says, where it is to be asked.
    pub async fn duty(&self) -> Duty {
        match &self.paging {
            Some(paging) if self.policy.asked.is_some() => paging.duty(self.clock.now()).await,
            _ => Duty::default(),
        }
    }

    /// Takes over what people did in PagerDuty to alarms that nobody took here: a minute after the last
    /// time at the earliest.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn read_back(&self) -> Answer<ReadBack> {
        let mut found = ReadBack::default();
        let now = self.clock.now();
        let Some(paging) = &self.paging else { return Ok(found) };
        if paging.memory().read_at.is_some_and(|at| now < at) {
            return Ok(found);
        }
        paging.memory().read_at = Some(now.plus_seconds(EVERY_SECONDS));
        let after = paging.memory().after.clone();
        for alarm in self.untaken(&after).await? {
            found.asked += 1;
            match paging.pager.incident(&alarm).await {
                Ok(None | Some(Incident::Open)) => {}
                Ok(Some(Incident::Taken { by })) => {
                    found.taken += u64::from(self.taken_there(&alarm, &by).await?);
                }
                Ok(Some(Incident::Over { by })) => {
                    found.over += u64::from(self.over_there(&alarm, &by).await?);
                }
                Err(why) => {
                    let wait = wait(Some(&why));
                    paging.memory().read_at = Some(now.plus_seconds(wait));
                    found.failed = Some(why.reason);
                    break;
                }
            }
            paging.memory().after = alarm;
        }
        Ok(found)
    }

    /// The keys of alarms that PagerDuty was told of and that nobody took, beginning behind this one.
    async fn untaken(&self, after: &str) -> Answer<Vec<String>> {
        let mut keys = Vec::new();
        for row in self.outbox.groups_like("", OPEN_MAX).await? {
            let group: Group = serde_json::from_str(&row.body).map_err(unreadable)?;
            if group.taken.is_none() && told_there(&group, &self.policy) {
                keys.push(group.alarm);
            }
        }
        keys.sort();
        let next = keys.partition_point(|key| key.as_str() <= after);
        keys.rotate_left(next);
        keys.truncate(ASKED_MAX);
        Ok(keys)
    }

    async fn taken_there(&self, alarm: &str, by: &str) -> Answer<bool> {
        let asked = self.on_alarm(alarm, |turn, slot| turn.taken_there(slot, by, NOTE)).await?;
        Ok(matches!(asked, super::Asked::Done(_)))
    }

    async fn over_there(&self, alarm: &str, by: &str) -> Answer<bool> {
        let asked = self.on_alarm(alarm, |turn, slot| turn.over_there(slot, by, NOTE)).await?;
        Ok(matches!(asked, super::Asked::Done(_)))
    }
}

/// Whether a channel of PagerDuty was told of an alarm.
fn told_there(group: &Group, policy: &Policy) -> bool {
    group.told_channels().any(|name| {
        policy.channels.get(name).is_some_and(|c| c.channel.notifier.name == "pagerduty")
    })
}
