//! Work that is done every so often, or every day at a time.
//!
//! * When it was done last is kept over restarts: a restart neither skips a run nor doubles one.
//! * Runs that were missed while the service was down are made up for by one.
//! * A run that fails is made again soon; it counts as done only when it went well.

use std::sync::Arc;
use std::time::Duration;

use wk_model::Timestamp;
use wk_seam::bookmarks::Bookmarks;
use wk_seam::{Answer, Future};
use wk_watch::selfwatch::facts::JobFacts;

use super::tell::safe;
use super::{Post, backoff, counts};

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every so many seconds.
    Every(i64),
    /// Every day, so many seconds after midnight UTC.
    Daily(i64),
}

const DAY_SECONDS: i64 = 86_400;
/// The shelf of the times of the last runs.
const SHELF: &str = "schedule";
/// The shelf of the times since which work is known.
const KNOWN_SHELF: &str = "schedule known";

/// How patient scheduled work is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Between two looks at the clock, at most: it may be set.
    pub look: Duration,
    /// Before a run that failed is made again, the first time and at most.
    pub retry: (Duration, Duration),
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { look: seconds(30), retry: (seconds(10), seconds(900)) }
    }
}

impl When {
    /// The run that is due next, by the one that was made last. Without one, what is done every so
    /// often is due at once, and what is done daily at its first time after the work was known.
    pub fn next(self, last: Option<Timestamp>, known: Timestamp, now: Timestamp) -> Timestamp {
        match (self, last) {
            (Self::Every(_), None) => now,
            // A clock that was set back must not keep a run from its time for ever.
            (Self::Every(seconds), Some(last)) if last > now.plus_seconds(seconds) => now,
            (Self::Every(seconds), Some(last)) => last.plus_seconds(seconds),
            (Self::Daily(at), last) => slot_after(last.unwrap_or(known).min(now), at),
        }
    }

    /// What a run that is made now is noted as: runs that were missed before it are made up for.
    fn noted(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Every(_) => now,
            Self::Daily(at) => slot_after(now, at).plus_seconds(-DAY_SECONDS),
        }
    }
}

/// The first time after `time` that lies so many seconds after a midnight.
fn slot_after(time: Timestamp, at: i64) -> Timestamp {
    let today = time.day().start().plus_seconds(at);
    if today > time { today } else { today.plus_seconds(DAY_SECONDS) }
}

/// What is done; answers a line about it, or nothing where there was nothing to do.
pub type Work = Box<dyn Fn(Post) -> Future<'static, Answer<Option<String>>> + Send + Sync>;

/// Work with its time.
pub struct Scheduled {
    /// Its name, under which its last run is kept.
    pub name: String,
    /// When it is done.
    pub when: When,
    /// What is done.
    pub work: Work,
    /// When it was done.
    pub bookmarks: Arc<dyn Bookmarks>,
    /// How patient it is.
    pub limits: Limits,
}

impl Scheduled {
    /// Does it at its times until it is told to stop.
    ///
    /// # Errors
    /// If the bookmarks fail. Work that fails is a trouble, and is done again.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let mut failures = 0;
        let mut facts = self.facts(post).await?;
        let known = self.known(post.tools.clock.now()).await?;
        loop {
            let now = post.tools.clock.now();
            post.tools.hear(|heard| heard.job(facts.clone()));
            let next = self.when.next(self.last().await?, known, now);
            if next > now {
                let left = u64::try_from(next.seconds() - now.seconds()).unwrap_or(0).max(1);
                if !post.stop.pause(Duration::from_secs(left).min(self.limits.look)).await {
                    return Ok(());
                }
                continue;
            }
            if post.stop.requested() {
                return Ok(());
            }
            match (self.work)(post.clone()).await {
                Ok(done) => {
                    failures = 0;
                    post.well();
                    self.count(post, "well");
                    if let Some(done) = done {
                        tracing::info!(job = post.name(), done = safe(&done), "done");
                    }
                    let noted = self.when.noted(now).micros().to_string();
                    self.bookmarks.put(SHELF, &[(self.name.clone(), noted)]).await?;
                    facts.last_ok = Some(now);
                    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
                    post.tools.counts.set(counts::SCHEDULED_LAST, &[("work", &self.name)], seconds);
                }
                Err(failure) => {
                    failures += 1;
                    facts.last_failed = Some((now, safe(&failure.chain())));
                    self.count(post, "failed");
                    post.trouble("scheduled work failed and is done again", &failure.chain());
                    let (first, most) = self.limits.retry;
                    if !post.stop.pause(backoff(first, most, failures, &self.name)).await {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn count(&self, post: &Post, ended: &str) {
        post.tools.counts.add(counts::SCHEDULED, &[("work", &self.name), ("ended", ended)], 1);
    }

    /// What is known of the work before it is done for the first time in this process.
    async fn facts(&self, post: &Post) -> Answer<JobFacts> {
        Ok(JobFacts {
            name: self.name.clone(),
            every_seconds: match self.when {
                When::Every(seconds) => seconds,
                When::Daily(_) => DAY_SECONDS,
            },
            since: post.tools.clock.now(),
            last_ok: self.last().await?,
            last_failed: None,
        })
    }

    async fn last(&self) -> Answer<Option<Timestamp>> {
        self.time(SHELF).await
    }

    /// When the work was first known: kept, so that a service that is begun anew every few hours comes
    /// to its daily work all the same.
    async fn known(&self, now: Timestamp) -> Answer<Timestamp> {
        if let Some(known) = self.time(KNOWN_SHELF).await? {
            return Ok(known);
        }
        self.bookmarks.put(KNOWN_SHELF, &[(self.name.clone(), now.micros().to_string())]).await?;
        Ok(now)
    }

    async fn time(&self, shelf: &str) -> Answer<Option<Timestamp>> {
        let kept = self.bookmarks.get(shelf, std::slice::from_ref(&self.name)).await?;
        let micros = kept.into_iter().next().flatten().and_then(|text| text.parse().ok());
        Ok(micros.map(Timestamp::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use wk_seam::Failure;
    use wk_seam::clock::{Clock as _, StandingClock};
    use wk_seam::fakes::MemoryBookmarks;

    use super::super::{Tools, stop};
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn what_is_daily_is_done_once_a_day_whatever_restarts_there_are() {
        let daily = When::Daily(3 * 3600 + 30 * 60);
        let known = at("2024-02-14T04:00:00Z");
        let next = |last: Option<&str>, now| daily.next(last.map(at), known, at(now)).to_string();
        assert!(next(None, "2024-02-15T03:00:00Z").starts_with("2024-02-15T03:30"));
        let last = Some("2024-02-15T03:30:00Z");
        assert!(next(last, "2024-02-15T23:00:00Z").starts_with("2024-02-16T03:30"));
        // Down for days: due at once, and then noted as the newest of them.
        assert!(at(&next(last, "2024-02-18T12:00:00Z")) < at("2024-02-18T12:00:00Z"));
        let noted = daily.noted(at("2024-02-18T12:00:00Z"));
        assert!(noted.to_string().starts_with("2024-02-18T03:30"));
        assert!(
            next(Some(&noted.to_string()), "2024-02-18T12:00:01Z").starts_with("2024-02-19T03:30")
        );
        // The clock was set back by a year.
        assert!(next(last, "2023-02-15T12:00:00Z").starts_with("2023-02-16"));
    }

    #[test]
    fn what_is_done_every_so_often_begins_at_once() {
        let (hourly, now) = (When::Every(3600), at("2024-02-15T12:00:00Z"));
        assert_eq!(hourly.next(None, now, now), now);
        assert_eq!(hourly.next(Some(now), now, now), now.plus_seconds(3600));
        assert_eq!(hourly.next(Some(now.plus_seconds(7200)), now, now), now);
    }

    #[tokio::test]
    async fn daily_work_is_done_on_its_first_day_too_when_its_time_has_come() {
        // Whoever woke a moment after the time found that the next time was tomorrow: for ever.
        let clock = Arc::new(StandingClock::at(at("2024-02-15T08:00:00Z")));
        let bookmarks = Arc::new(MemoryBookmarks::new(clock.clone()));
        let runs = Arc::new(Mutex::new(Vec::new()));
        for (hour, expected) in [(9, 0), (11, 1), (12, 1), (33, 1), (34, 2)] {
            let (runs_of, of_clock) = (runs.clone(), clock.clone());
            let scheduled = Scheduled {
                name: "drill".to_owned(),
                when: When::Daily(10 * 3600),
                work: Box::new(move |_| {
                    runs_of.lock().unwrap().push(of_clock.now());
                    Box::pin(std::future::ready(Ok(None)))
                }),
                bookmarks: bookmarks.clone(),
                limits: Limits { look: Duration::from_millis(1), ..Limits::default() },
            };
            let (stopper, hears) = stop();
            let post = Post::alone("drill", hears.clone(), Tools::new(clock.clone()));
            let pass = async {
                hears.pause(Duration::from_millis(10)).await;
                clock.set(at("2024-02-15T00:00:01Z").plus_seconds(hour * 3600));
                hears.pause(Duration::from_millis(30)).await;
                stopper.stop();
            };
            assert!(tokio::join!(scheduled.run(&post), pass).0.is_ok());
            assert_eq!(runs.lock().unwrap().len(), expected, "{hour}");
        }
    }

    #[tokio::test]
    async fn a_run_counts_when_it_went_well_and_is_remembered_over_a_restart() {
        let clock = Arc::new(StandingClock::at(at("2024-02-15T12:00:00Z")));
        let bookmarks = MemoryBookmarks::new(clock.clone());
        let runs = Arc::new(Mutex::new(Vec::new()));
        for (fails, expected) in [(true, 1), (false, 2), (false, 2)] {
            let (stopper, hears) = stop();
            let (stopper, runs_of, of_clock) = (Arc::new(stopper), runs.clone(), clock.clone());
            let stop_soon = stopper.clone();
            let work: Work = Box::new(move |_| {
                runs_of.lock().unwrap().push(of_clock.now());
                stop_soon.stop();
                Box::pin(std::future::ready(match fails {
                    true => Err(Failure::new("compact", "the disk is full")),
                    false => Ok(None),
                }))
            });
            let (name, when) = ("compact".to_owned(), When::Every(3600));
            let (bookmarks, limits) = (Arc::new(bookmarks.clone()), Limits::default());
            let scheduled = Scheduled { name, when, work, bookmarks, limits };
            let post = Post::alone("compact", hears.clone(), Tools::new(clock.clone()));
            let wait = async {
                hears.pause(Duration::from_millis(30)).await;
                stopper.stop();
            };
            let ended = tokio::join!(scheduled.run(&post), wait).0;
            assert!(ended.is_ok());
            assert_eq!(runs.lock().unwrap().len(), expected);
        }
    }
}
