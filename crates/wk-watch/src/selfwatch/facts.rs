//! What the process knows of itself, as it is at the moment of judging. Whoever runs a part fills in
//! its facts; what nobody fills in is not judged.

use wk_model::Timestamp;

/// What the process knows of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// Since when the service has been running; `None` where there is no service.
    pub running_since: Option<Timestamp>,
    /// Queues that are pulled from, and their dead-letter queues.
    pub queues: Vec<QueueFacts>,
    /// Jobs on a schedule: compaction, expiry, backup, listings.
    pub jobs: Vec<JobFacts>,
    /// The outbox of notices.
    pub outbox: Option<OutboxFacts>,
    /// Disks that the home, the lake and the temporary files lie on.
    pub disks: Vec<DiskFacts>,
    /// How far the clock is off, as another clock says.
    pub clock: Option<ClockFacts>,
    /// The rules that were loaded.
    pub rules: Option<RuleFacts>,
    /// The sign of life to a dead-man switch.
    pub heartbeat: Option<HeartbeatFacts>,
    /// The drills.
    pub drills: Vec<DrillFacts>,
}

impl Heard {
    /// Takes in what is known of a job, in place of what was known of it before.
    pub fn job(&mut self, facts: JobFacts) {
        self.jobs.retain(|job| job.name != facts.name);
        self.jobs.push(facts);
    }
}

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Its name, without secrets.
    pub name: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Age of the oldest that waits, in seconds, where the queue tells it.
    pub oldest_seconds: Option<u64>,
    /// Whether it is where messages go that nobody could handle.
    pub dead_letters: bool,
    /// How many waited before, oldest first. The turn fills it in from what it was told.
    pub before: Vec<(Timestamp, u64)>,
}

/// A job on a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFacts {
    /// `compaction`, `expiry`, `backup`, …
    pub name: String,
    /// How often it should run, in seconds.
    pub every_seconds: i64,
    /// Since when it is on the schedule.
    pub since: Timestamp,
    /// When it last ended well.
    pub last_ok: Option<Timestamp>,
    /// When it last failed, and why.
    pub last_failed: Option<(Timestamp, String)>,
}

impl JobFacts {
    /// When it failed and why, if it did not go well since.
    pub fn failure(&self) -> Option<&(Timestamp, String)> {
        self.last_failed.as_ref().filter(|(at, _)| self.last_ok < Some(*at))
    }
    /// Up to when it went well: its last good end, else when it was put on the schedule.
    pub fn well_until(&self) -> Timestamp {
        self.last_ok.unwrap_or(self.since)
    }
}

/// The outbox of notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxFacts {
    /// Notices that wait to be delivered.
    pub waiting: u64,
    /// Since when the oldest of them is due.
    pub oldest_due: Option<Timestamp>,
    /// Notices that were given up.
    pub dead: u64,
    /// Since when there are such.
    pub dead_since: Option<Timestamp>,
}

/// A disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskFacts {
    /// What lies on it: `home`, `lake`.
    pub name: String,
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Its size.
    pub total_bytes: u64,
}

/// Another clock's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockFacts {
    /// Whose clock: `s3.eu-west-1.amazonaws.com`.
    pub by: String,
    /// Seconds that ours is ahead of it; negative where it is behind.
    pub ahead_seconds: i64,
}

/// The rules that run over new events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// How many run.
    pub loaded: u64,
    /// Those that could not be loaded: file, place and why.
    pub failed: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// The sign of life to a dead-man switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeartbeatFacts {
    /// How often it should be taken, in seconds.
    pub every_seconds: i64,
    /// Since when it is sent.
    pub since: Timestamp,
    /// When the other side last took it.
    pub last_taken: Option<Timestamp>,
}

/// A drill on a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrillFacts {
    /// Its name.
    pub name: String,
    /// How often it should pass, in seconds.
    pub every_seconds: i64,
    /// Since when it is on the schedule.
    pub since: Timestamp,
    /// When it last passed.
    pub last_passed: Option<Timestamp>,
    /// When it last failed, and where it stopped.
    pub last_failed: Option<(Timestamp, String)>,
}
