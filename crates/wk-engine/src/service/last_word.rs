//! What the service said of itself last, kept for whoever asks while it runs or after it died.

use serde::{Deserialize, Serialize};
use wk_model::Timestamp;
use wk_seam::bookmarks::Bookmarks;
use wk_seam::{Answer, Failure};
use wk_watch::selfwatch::Heard;
use wk_watch::selfwatch::facts::{JobFacts, QueueFacts};

/// The shelf and the key.
const SHELF: &str = "service";
const KEY: &str = "last word";

/// What the service said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastWord {
    /// When.
    pub at: Timestamp,
    /// Since when it ran.
    pub running_since: Option<Timestamp>,
    /// Whether it was told to stop, and did.
    pub stopped: bool,
    /// Its queues.
    pub queues: Vec<QueueWord>,
    /// What is done on a schedule.
    pub schedules: Vec<ScheduleWord>,
    /// When a dead-man switch took its sign of life last; outside: whether one is configured.
    pub heartbeat: Option<Option<Timestamp>>,
    /// Rules that could not be loaded.
    pub rules_broken: u64,
    /// Seconds that our clock is ahead of another's, and whose that is.
    pub clock: Option<(i64, String)>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueWord {
    /// Its name.
    pub name: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Age of the oldest, in seconds, where it is known.
    pub oldest_seconds: Option<u64>,
    /// Whether it is where messages go that nobody could handle.
    pub dead_letters: bool,
}

/// Work on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleWord {
    /// Its name.
    pub name: String,
    /// How often it is done, in seconds.
    pub every_seconds: i64,
    /// When it last went well.
    pub last_ok: Option<Timestamp>,
    /// When it last failed, and why, if it did not go well since.
    pub failed: Option<(Timestamp, String)>,
}

impl LastWord {
    /// What is known now.
    pub fn of(heard: &Heard, at: Timestamp) -> Self {
        let rules_broken = heard.rules.as_ref().map_or(0, |rules| rules.failed.len() as u64);
        let clock = heard.clock.as_ref().map(|clock| (clock.ahead_seconds, clock.by.clone()));
        let mut schedules: Vec<ScheduleWord> = heard.jobs.iter().map(ScheduleWord::of).collect();
        schedules.sort_by(|a, b| a.name.cmp(&b.name));
        let mut queues: Vec<QueueWord> = heard.queues.iter().map(QueueWord::of).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            at,
            running_since: heard.running_since,
            stopped: false,
            queues,
            schedules,
            heartbeat: heard.heartbeat.as_ref().map(|heartbeat| heartbeat.last_taken),
            rules_broken,
            clock,
        }
    }

    /// Keeps it.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn keep(&self, bookmarks: &dyn Bookmarks) -> Answer<()> {
        let failed = |e| Failure::new("keep what the service says of itself", e);
        let text = serde_json::to_string(self).map_err(failed)?;
        bookmarks.put(SHELF, &[(KEY.to_owned(), text)]).await
    }

    /// What was kept last; `None`: nothing, or by another version of this program.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn kept(bookmarks: &dyn Bookmarks) -> Answer<Option<Self>> {
        let kept = bookmarks.get(SHELF, &[KEY.to_owned()]).await?;
        Ok(kept.into_iter().next().flatten().and_then(|text| serde_json::from_str(&text).ok()))
    }
}

impl QueueWord {
    fn of(queue: &QueueFacts) -> Self {
        Self {
            name: queue.name.clone(),
            waiting: queue.waiting,
            oldest_seconds: queue.oldest_seconds,
            dead_letters: queue.dead_letters,
        }
    }
}

impl ScheduleWord {
    fn of(job: &JobFacts) -> Self {
        Self {
            name: job.name.clone(),
            every_seconds: job.every_seconds,
            last_ok: job.last_ok,
            failed: job.failure().cloned(),
        }
    }
}
