//! One supervised task for each job.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use wk_model::Timestamp;
use wk_seam::clock::Clock;
use wk_seam::{Answer, Future};

use super::tell::safe;
use super::{Stop, Tools, backoff, counts};

/// What a job does, from its beginning until it is stopped or fails. It is called again after that.
pub type Work = Box<dyn Fn(Post) -> Future<'static, Answer<()>> + Send + Sync>;

/// A job of the service.
pub struct Job {
    /// Its name, which no other has: `queue trail`.
    pub name: String,
    /// What it does.
    pub work: Work,
}

/// Where a job stands: how it hears that it is to end, and says how it is.
#[derive(Clone)]
pub struct Post {
    /// Hears when to end.
    pub stop: Stop,
    /// What every job works with.
    pub tools: Tools,
    name: String,
    board: Arc<Board>,
}

/// How long the service has patience.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Before a job is begun again for the first time.
    pub first: Duration,
    /// At most so long before it is begun again.
    pub most: Duration,
    /// So long jobs may take to end once they are told to.
    pub to_stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { first: seconds(1), most: seconds(60), to_stop: seconds(30) }
    }
}

/// A job that fails so often in a row is unready.
const FAILURES_UNREADY: u32 = 3;
/// A job with trouble for so many seconds is unready.
const TROUBLE_UNREADY_SECONDS: i64 = 60;
/// After so many seconds without a failure the count of failures begins anew.
const WELL_SECONDS: i64 = 120;

/// How a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What it does now.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// How often it was begun again.
    pub restarts: u64,
    /// How often it failed without a long time between.
    pub failures: u32,
    /// What it failed with last; text from outside is escaped.
    pub last_error: Option<String>,
    /// A trouble that it is in while it goes on, and since when.
    pub trouble: Option<(Timestamp, String)>,
}

/// What a job does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It runs.
    Running,
    /// It failed and waits to be begun again.
    Waiting,
    /// It has ended, as it was told to.
    Ended,
}

impl Health {
    /// Why it is unready, if it is.
    pub fn unready(&self, now: Timestamp) -> Option<String> {
        if self.failures >= FAILURES_UNREADY {
            let why = self.last_error.as_deref().unwrap_or("it ended by itself");
            return Some(format!("failed {} times in a row, last: {why}", self.failures));
        }
        let (since, trouble) = self.trouble.as_ref()?;
        let seconds = now.seconds() - since.seconds();
        (seconds >= TROUBLE_UNREADY_SECONDS).then(|| format!("for {seconds} s: {trouble}"))
    }
}

/// How all jobs are: for whoever asks.
pub struct Board {
    clock: Arc<dyn Clock>,
    jobs: Mutex<BTreeMap<String, Health>>,
}

impl Board {
    /// A board without jobs.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, jobs: Mutex::default() }
    }

    /// How each job is, by name.
    pub fn jobs(&self) -> BTreeMap<String, Health> {
        self.lock().clone()
    }

    /// The jobs that are unready now, and why.
    pub fn unready(&self) -> Vec<(String, String)> {
        let now = self.clock.now();
        let why = |(name, job): (&String, &Health)| Some((name.clone(), job.unready(now)?));
        self.lock().iter().filter_map(why).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Health>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Health, Timestamp)) {
        let now = self.clock.now();
        let mut jobs = self.lock();
        let job = jobs.entry(name.to_owned()).or_insert_with(|| Health {
            phase: Phase::Running,
            since: now,
            restarts: 0,
            failures: 0,
            last_error: None,
            trouble: None,
        });
        change(job, now);
    }

    fn phase(&self, name: &str, phase: Phase) {
        self.change(name, |job, now| (job.phase, job.since) = (phase, now));
    }
}

impl Post {
    /// A post of its own, for work outside a service.
    pub fn alone(name: &str, stop: Stop, tools: Tools) -> Self {
        let board = Arc::new(Board::new(tools.clock.clone()));
        Self { stop, tools, name: name.to_owned(), board }
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says that the job is well.
    pub fn well(&self) {
        self.board.change(&self.name, |job, now| {
            job.trouble = None;
            if now.seconds() - job.since.seconds() >= WELL_SECONDS {
                job.failures = 0;
            }
        });
        self.tools.counts.set(counts::JOB_UP, &[("job", &self.name)], 1);
    }

    /// Says that the job goes on, but cannot do its work: `what` is the same each time, `about` may
    /// be hostile text.
    pub fn trouble(&self, what: &'static str, about: &str) {
        self.tools.teller.warn(&self.name, what, about);
        let text = safe(&format!("{what}: {about}"));
        self.board.change(&self.name, |job, now| {
            let since = job.trouble.as_ref().map_or(now, |(since, _)| *since);
            job.trouble = Some((since, text));
        });
        self.tools.counts.set(counts::JOB_UP, &[("job", &self.name)], 0);
    }
}

/// How a service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every job came to its end.
    Whole,
    /// These jobs did not end in time.
    CutOff(Vec<String>),
}

/// Runs jobs until they are told to stop, and then until they have ended or patience is over.
pub async fn run(
    jobs: Vec<Job>,
    stop: Stop,
    tools: Tools,
    board: Arc<Board>,
    patience: Patience,
) -> Ended {
    let kept = jobs.into_iter().map(|job| {
        let post =
            Post { stop: stop.clone(), tools: tools.clone(), name: job.name, board: board.clone() };
        keep(post, job.work, patience)
    });
    let mut all = std::pin::pin!(futures::future::join_all(kept).map(drop));
    tokio::select! {
        () = &mut all => return Ended::Whole,
        () = stop.wait() => {}
    }
    if tokio::time::timeout(patience.to_stop, all).await.is_ok() {
        return Ended::Whole;
    }
    let still = board.jobs().into_iter().filter(|(_, job)| job.phase != Phase::Ended);
    Ended::CutOff(still.map(|(name, _)| name).collect())
}

/// Begins a job again and again until it is told to stop.
async fn keep(post: Post, work: Work, patience: Patience) {
    let (name, board) = (post.name.clone(), post.board.clone());
    while !post.stop.requested() {
        board.phase(&name, Phase::Running);
        post.tools.counts.set(counts::JOB_UP, &[("job", &name)], 1);
        let begun = post.tools.clock.now();
        let why = end_of(work(post.clone())).await;
        if post.stop.requested() {
            if let Some(why) = why {
                tracing::warn!(job = name, why = safe(&why), "failed while it was ending");
            }
            break;
        }
        let why = safe(&why.unwrap_or_else(|| "it ended by itself".to_owned()));
        let failures = failed(&post, begun, &why);
        let wait = backoff(patience.first, patience.most, failures, &name);
        tracing::error!(job = name, failures, wait_ms = wait.as_millis(), why, "a job failed");
        post.stop.pause(wait).await;
    }
    board.phase(&name, Phase::Ended);
}

/// Notes a failure; answers how many there were in a row.
fn failed(post: &Post, begun: Timestamp, why: &str) -> u32 {
    let mut failures = 0;
    post.board.change(&post.name, |job, now| {
        if now.seconds() - begun.seconds() >= WELL_SECONDS {
            job.failures = 0;
        }
        job.failures = job.failures.saturating_add(1);
        job.restarts += 1;
        (job.phase, job.since) = (Phase::Waiting, now);
        job.last_error = Some(why.to_owned());
        job.trouble = None;
        failures = job.failures;
    });
    post.tools.counts.add(counts::JOB_RESTARTS, &[("job", &post.name)], 1);
    post.tools.counts.set(counts::JOB_UP, &[("job", &post.name)], 0);
    failures
}

/// Runs work on a task of its own, so that its panic ends nothing else. Answers why it failed.
#[expect(clippy::disallowed_methods, reason = "this is the supervised spawn")]
async fn end_of(work: Future<'static, Answer<()>>) -> Option<String> {
    match tokio::spawn(work).await {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.chain()),
        Err(error) => {
            let text = match error.try_into_panic() {
                Ok(panic) => match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
                    (Some(text), _) => (*text).to_owned(),
                    (_, Some(text)) => text.clone(),
                    _ => "without a word".to_owned(),
                },
                Err(_) => "it was cancelled".to_owned(),
            };
            Some(format!("panicked; this is our mistake: {text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wk_seam::Failure;
    use wk_seam::clock::StandingClock;

    use super::super::stop;
    use super::*;

    fn tools() -> Tools {
        Tools::new(Arc::new(StandingClock::at(Timestamp::from_seconds(1_700_000_000))))
    }

    fn quick() -> Patience {
        let ms = Duration::from_millis;
        Patience { first: ms(1), most: ms(2), to_stop: ms(200) }
    }

    fn job(
        name: &str,
        work: impl Fn(Post) -> Future<'static, Answer<()>> + Send + Sync + 'static,
    ) -> Job {
        Job { name: name.to_owned(), work: Box::new(work) }
    }

    #[tokio::test]
    async fn a_job_that_fails_or_panics_is_begun_again_and_the_others_go_on() {
        let ((stopper, stop), tools) = (stop(), tools());
        let board = Arc::new(Board::new(tools.clock.clone()));
        let tries = Arc::new(AtomicU32::new(0));
        let (counted, stopper) = (tries.clone(), Arc::new(stopper));
        let failing = job("failing", move |post| {
            let (tries, stopper) = (counted.clone(), stopper.clone());
            Box::pin(async move {
                match tries.fetch_add(1, Ordering::Relaxed) {
                    0 => Err(Failure::new("reach the queue", "no route")),
                    1 => panic!("a mistake of ours"),
                    2 => Ok(()), // it has no business to end
                    _ => {
                        stopper.stop();
                        post.stop.wait().await;
                        Ok(())
                    }
                }
            })
        });
        let calm = job("calm", |post| {
            Box::pin(async move {
                post.stop.wait().await;
                Ok(())
            })
        });
        let ended = run(vec![failing, calm], stop, tools.clone(), board.clone(), quick()).await;
        assert_eq!(ended, Ended::Whole);
        assert_eq!(tries.load(Ordering::Relaxed), 4);
        let jobs = board.jobs();
        assert_eq!((jobs["failing"].restarts, jobs["calm"].restarts), (3, 0));
        assert_eq!(tools.counts.sum(counts::JOB_RESTARTS, &[("job", "failing")]), 3);
        let (name, why) = &board.unready()[0];
        assert_eq!(
            (name.as_str(), why.as_str()),
            ("failing", "failed 3 times in a row, last: it ended by itself")
        );
    }

    #[tokio::test]
    async fn a_job_that_does_not_end_in_time_is_named() {
        let ((stopper, stop), tools) = (stop(), tools());
        let board = Arc::new(Board::new(tools.clock.clone()));
        stopper.stop();
        let stuck = job("stuck", |_| Box::pin(std::future::pending()));
        // A job that is begun before it hears of the end.
        let (stopper, late) = super::super::stop();
        let running = run(vec![stuck], late, tools.clone(), board.clone(), quick());
        let ended = tokio::join!(running, async { stopper.stop() }).0;
        assert_eq!(ended, Ended::CutOff(vec!["stuck".to_owned()]));
        assert_eq!(run(vec![], stop, tools, board, quick()).await, Ended::Whole);
    }

    #[test]
    fn trouble_makes_unready_after_a_minute_and_passes() {
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1000)));
        let tools = Tools::new(clock.clone());
        let post = Post::alone("queue", stop().1, tools);
        post.trouble("could not receive", "no\u{1b}route");
        assert_eq!(post.board.unready(), []);
        clock.set(Timestamp::from_seconds(1070));
        post.trouble("could not receive", "no\u{1b}route");
        let unready =
            [("queue".to_owned(), "for 70 s: could not receive: no\\u{1b}route".to_owned())];
        assert_eq!(post.board.unready(), unready);
        post.well();
        assert_eq!(post.board.unready(), []);
    }
}
