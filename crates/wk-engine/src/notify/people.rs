//! What people do: they acknowledge, end, silence, try a channel.

use wk_act::notices::{Desk, Group, Made, Silence, Turn};
use wk_model::{Notice, Severity, Timestamp};
use wk_seam::outbox::{GroupRow, Step, Stepped};
use wk_seam::{Answer, Failure};

use super::route::step_of;
use super::{Notify, unreadable};

/// How often another process may be faster before somebody is told.
const STALE_MAX: usize = 50;
/// Alarms that one beginning of a key may mean before it is too short.
const MEANT_MAX: usize = 1_000;

/// What became of what a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is done, for the alarm with this key.
    Done(String),
    /// No open alarm has a key that begins so.
    Nothing,
    /// Several have.
    Several(Vec<String>),
    /// Somebody was faster, or it is so already.
    Already,
}

/// An alarm that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAlarm {
    /// Its key.
    pub alarm: String,
    /// Of its worst finding.
    pub severity: Severity,
    /// Title of its worst finding.
    pub title: String,
    /// How many findings it has.
    pub findings: u64,
    /// The route that asked for it.
    pub route: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Who took it, and when.
    pub taken: Option<(String, Timestamp)>,
}

impl Notify {
    /// Notes that a person takes the alarm whose key begins so.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn acknowledge(&self, key: &str, by: &str, note: &str) -> Answer<Asked> {
        self.on_alarm(key, |turn, slot| turn.acknowledge(slot, by, note)).await
    }

    /// Ends the alarm whose key begins so, because a person says that it is over.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn resolve(&self, key: &str, by: &str, note: &str) -> Answer<Asked> {
        self.on_alarm(key, |turn, slot| turn.resolve(slot, by, note)).await
    }

    /// Places a silence.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn silence(&self, silence: &Silence) -> Answer<()> {
        self.step_with(&[], |turn| {
            turn.silence(silence.clone());
            true
        })
        .await
        .map(drop)
    }

    /// Ends a silence now; false if none of this name counts or will count.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn expire(&self, id: &str, by: &str) -> Answer<bool> {
        self.step_with(&[], |turn| turn.expire(id, by)).await
    }

    /// Every silence that is kept.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn silences(&self) -> Answer<Vec<Silence>> {
        let desk: Desk = self.desk_of(&self.outbox.desk().await?.body)?;
        Ok(desk.silences)
    }

    /// Queues a notice that a person asks for, such as a test of a channel.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn queue(&self, notice: &Notice) -> Answer<()> {
        for _ in 0..STALE_MAX {
            let desk = self.outbox.desk().await?;
            let step = Step {
                revision: desk.revision,
                at: self.clock.now(),
                cursor: desk.cursor,
                desk: desk.body,
                notices: vec![notice.clone()],
                ..Step::default()
            };
            if let Stepped::Done { .. } = self.outbox.step(&step).await? {
                return Ok(());
            }
        }
        Err(too_often())
    }

    /// The alarms that are open, the newest first, at most 1,000.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn open_alarms(&self) -> Answer<Vec<OpenAlarm>> {
        let rows = self.outbox.groups_like("", MEANT_MAX).await?;
        let mut alarms = Vec::new();
        for row in &rows {
            let group: Group = serde_json::from_str(&row.body).map_err(unreadable)?;
            let worst = group.members.values().max_by_key(|member| member.shown.severity);
            alarms.push(OpenAlarm {
                severity: group.severity(),
                title: worst.map(|member| member.shown.title.clone()).unwrap_or_default(),
                findings: (group.members.len() as u64).saturating_add(group.more),
                alarm: group.alarm,
                route: group.route,
                opened: group.opened,
                taken: group.taken.map(|taken| (taken.by, taken.at)),
            });
        }
        alarms.sort_by(|a, b| b.opened.cmp(&a.opened).then_with(|| a.alarm.cmp(&b.alarm)));
        Ok(alarms)
    }

    /// Does something to the one alarm whose key begins so.
    pub(super) async fn on_alarm(
        &self,
        key: &str,
        work: impl Fn(&mut Turn<'_>, &str) -> bool + Send + Sync,
    ) -> Answer<Asked> {
        // The key of a group's row is the beginning of its alarm's.
        let beginning: String = key.chars().take(24).collect();
        let mut rows = self.outbox.groups_like(&beginning, MEANT_MAX).await?;
        let mut alarms = Vec::new();
        for row in &rows {
            let group: Group = serde_json::from_str(&row.body).map_err(unreadable)?;
            alarms.push(group.alarm);
        }
        let fits: Vec<usize> = (0..alarms.len()).filter(|n| alarms[*n].starts_with(key)).collect();
        let [only] = fits.as_slice() else {
            let several = fits.iter().take(10).map(|n| alarms[*n].clone()).collect();
            return Ok(if fits.is_empty() { Asked::Nothing } else { Asked::Several(several) });
        };
        let (row, alarm) = (rows.swap_remove(*only), alarms.swap_remove(*only));
        let slot = row.key.clone();
        let done = self.step_with(std::slice::from_ref(&slot), |turn| work(turn, &slot)).await?;
        Ok(if done { Asked::Done(alarm) } else { Asked::Already })
    }

    /// A step over these groups; answers what the work answered. Nothing is kept where that is no.
    async fn step_with(
        &self,
        slots: &[String],
        work: impl Fn(&mut Turn<'_>) -> bool + Send + Sync,
    ) -> Answer<bool> {
        for _ in 0..STALE_MAX {
            let desk = self.outbox.desk().await?;
            let mut rows: Vec<GroupRow> = Vec::new();
            for slot in slots {
                let found = self.outbox.groups_like(slot, MEANT_MAX).await?;
                rows.extend(found.into_iter().filter(|row| row.key == *slot));
            }
            let now = self.clock.now();
            let (done, made) = self.work(&desk.body, &rows, now, &work).map_err(unreadable)?;
            if !done {
                return Ok(false);
            }
            let step = step_of(made, &desk, None, now);
            if let Stepped::Done { .. } = self.outbox.step(&step).await? {
                return Ok(true);
            }
        }
        Err(too_often())
    }

    fn work(
        &self,
        desk: &str,
        rows: &[GroupRow],
        now: Timestamp,
        work: &dyn Fn(&mut Turn<'_>) -> bool,
    ) -> Result<(bool, Made), serde_json::Error> {
        let advice = self.advice.as_ref();
        let mut turn = Turn::new(&self.policy, advice, now, desk, rows)?;
        let done = work(&mut turn);
        Ok((done, turn.finish()?))
    }
}

fn too_often() -> Failure {
    Failure::new("keep notices", "other processes were faster again and again").transient()
}
