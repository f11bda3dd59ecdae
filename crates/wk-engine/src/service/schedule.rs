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
/// Between two looks at the clock, at most: it may be set.
const LOOK: Duration = Duration::from_secs(30);

impl When {
    /// The run that is due next, by the one that was made last. Without one, what is done every so
    /// often is due at once, and what is done daily at its next time.
    pub fn next(self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        match (self, last) {
            (Self::Every(_), None) => now,
            // A clock that was set back must not keep a run from its time for ever.
            (Self::Every(seconds), Some(last)) if last > now.plus_seconds(seconds) => now,
            (Self::Every(seconds), Some(last)) => last.plus_seconds(seconds),
            (Self::Daily(at), None) => slot_after(now, at),
            (Self::Daily(at), Some(last)) => slot_after(last.min(now), at),
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
}

impl Scheduled {
    /// Does it at its times until it is told to stop.
    ///
    /// # Errors
    /// If the bookmarks fail. Work that fails is a trouble, and is done again.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let mut failures = 0;
        let mut facts = self.facts(post).await?;
        loop {
            let now = post.tools.clock.now();
            post.tools.hear(|heard| heard.job(facts.clone()));
            let next = self.when.next(self.last().await?, now);
            if next > now {
                let left = u64::try_from(next.seconds() - now.seconds()).unwrap_or(0).max(1);
                if !post.stop.pause(Duration::from_secs(left).min(LOOK)).await {
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
                    let (first, most) = (Duration::from_secs(10), Duration::from_secs(900));
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
        let kept = self.bookmarks.get(SHELF, std::slice::from_ref(&self.name)).await?;
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
        let next = |last: Option<&str>, now| daily.next(last.map(at), at(now)).to_string();
        assert!(next(None, "2024-02-15T03:00:00Z").starts_with("2024-02-15T03:30"));
        assert!(next(None, "2024-02-15T03:30:00Z").starts_with("2024-02-16T03:30"));
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
        assert_eq!(hourly.next(None, now), now);
        assert_eq!(hourly.next(Some(now), now), now.plus_seconds(3600));
        assert_eq!(hourly.next(Some(now.plus_seconds(7200)), now), now);
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
            let scheduled = Scheduled { name, when, work, bookmarks: Arc::new(bookmarks.clone()) };
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
