//! The service: jobs that stand watch day and night.
//!
//! * One supervised task for each job ([`supervisor`]): one that fails or panics is begun again,
//!   later each time, and the others go on.
//! * Everything that is to be read comes through one door ([`intake`]), which commits and then says
//!   so. Whoever handed something in keeps it until then: a message in its queue, a file in its
//!   folder, a line in its spool.
//! * Back-pressure instead of memory: the door takes only so much, and who waits there reads no
//!   further.
//! * What is kept over restarts are bookmarks; what is true stands in the ledger alone.

pub mod counts;
mod days;
pub mod detection;
pub mod folder;
mod handed;
pub mod in_force;
pub mod intake;
pub mod last_word;
pub mod listing;
pub mod notices;
pub mod queue;
pub mod rounds;
pub mod schedule;
pub mod selfwatch;
pub mod spool;
mod stop;
pub mod supervisor;
mod tell;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wk_seam::clock::Clock;
use wk_watch::selfwatch::Heard;

pub use counts::Counts;
pub use handed::{Content, Item};
pub use in_force::InForce;
pub use stop::{Stop, Stopper, stop};
pub use supervisor::{Board, Ended, Job, Post, run};
pub use tell::Teller;

/// What every job works with.
#[derive(Clone)]
pub struct Tools {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub counts: Arc<Counts>,
    /// Says what goes wrong, and not too often.
    pub teller: Arc<Teller>,
    /// What the jobs know of themselves, for the watch over the watch.
    pub heard: Arc<Mutex<Heard>>,
}

impl Tools {
    /// New ones, with nothing counted.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let teller = Arc::new(Teller::new(clock.clone()));
        let heard = Heard { running_since: Some(clock.now()), ..Heard::default() };
        Self { clock, counts: Arc::default(), teller, heard: Arc::new(Mutex::new(heard)) }
    }

    /// Lets a job say what it knows of itself.
    pub fn hear(&self, say: impl FnOnce(&mut Heard)) {
        say(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// How long to wait after so many failures in a row: it doubles up to `most`, and differs a little
/// by `name`, so that what failed together does not come back together.
fn backoff(first: Duration, most: Duration, failures: u32, name: &str) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(most);
    let seed = wk_model::Sha256::of_parts(&[name.as_bytes(), &failures.to_le_bytes()]).0[0];
    // Between three quarters and all of it.
    doubled.mul_f64(0.75 + 0.25 * f64::from(seed) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_to_its_limit_and_differs_by_name() {
        let wait = |n, name| backoff(Duration::from_secs(1), Duration::from_secs(60), n, name);
        for (failures, least, most) in [(1, 750, 1000), (3, 3000, 4000), (40, 45_000, 60_000)] {
            let waited = wait(failures, "a").as_millis();
            assert!((least..=most).contains(&waited), "{failures}: {waited}");
        }
        assert_ne!(wait(3, "a"), wait(3, "b"));
    }
}
