//! Credentials that stay valid, fetched once for everybody.
//!
//! * They are renewed five minutes before they end; while that goes on, and while it fails, the old
//!   ones are given out until a minute before their end.
//! * Callers who must wait share one attempt, and its failure too.
//! * Credentials without an end are read again after a quarter of an hour, because keys in a file
//!   are rotated under programs that run for months.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wk_model::Timestamp;
use wk_seam::Future;
use wk_seam::clock::Clock;
use wk_seam::credentials::Credentials;

use crate::error::CredentialError;

/// How long before their end credentials are renewed.
const EARLY_SECONDS: i64 = 300;
/// For how long credentials that are given out stay valid at least.
const LEAST_SECONDS: i64 = 60;
/// How soon renewal is tried again, after a failure or when the new ones end early themselves.
const AGAIN_SECONDS: i64 = 30;
/// How soon credentials without an end are read again.
const REREAD_SECONDS: i64 = 900;

/// Where credentials come from.
pub(crate) trait Fetch: Send + Sync {
    fn fetch(&self) -> Future<'_, Result<Fetched, CredentialError>>;
}

/// Credentials and the name of the source that gave them.
pub(crate) struct Fetched {
    pub(crate) credentials: Credentials,
    pub(crate) from: String,
}

pub(crate) struct Cache<F> {
    source: F,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Taken by the one caller who fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    current: Option<Current>,
    /// Attempts that have ended, well or badly.
    attempts: u64,
    /// How the last one failed, if it did.
    failure: Option<CredentialError>,
}

struct Current {
    credentials: Credentials,
    renew_at: Timestamp,
}

/// What is held, as a caller sees it.
enum Look {
    Fresh(Credentials),
    /// Good, but time to renew.
    Early(Credentials),
    Gone,
}

impl<F: Fetch> Cache<F> {
    pub(crate) fn new(source: F, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, held: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Credentials that are valid for at least a minute.
    pub(crate) async fn get(&self) -> Result<Credentials, CredentialError> {
        let (look, attempts_seen) = self.look();
        match look {
            Look::Fresh(credentials) => Ok(credentials),
            Look::Early(credentials) => match self.turn.try_lock() {
                Ok(_turn) => self.renew().await,
                Err(_) => Ok(credentials),
            },
            Look::Gone => {
                let _turn = self.turn.lock().await;
                if let Some(failure) = self.failed_since(attempts_seen) {
                    return Err(failure);
                }
                self.renew().await
            }
        }
    }

    /// Fetches, unless somebody has just done it; a failure counts only if nothing good is held.
    async fn renew(&self) -> Result<Credentials, CredentialError> {
        if let (Look::Fresh(credentials), _) = self.look() {
            return Ok(credentials);
        }
        let fetched = self.source.fetch().await;
        let outcome = self.keep(fetched);
        match (outcome, self.look().0) {
            (_, Look::Fresh(credentials) | Look::Early(credentials)) => Ok(credentials),
            (outcome, Look::Gone) => outcome,
        }
    }

    fn keep(
        &self,
        fetched: Result<Fetched, CredentialError>,
    ) -> Result<Credentials, CredentialError> {
        let now = self.clock.now();
        let outcome = fetched.and_then(|fetched| long_enough(fetched, now));
        let mut held = self.held();
        held.attempts += 1;
        match &outcome {
            Ok(credentials) => {
                held.failure = None;
                held.current = Some(Current {
                    credentials: credentials.clone(),
                    renew_at: renew_at(credentials, now),
                });
            }
            Err(failure) => {
                held.failure = Some(failure.clone());
                if let Some(current) = &mut held.current {
                    current.renew_at = now.plus_seconds(AGAIN_SECONDS);
                }
            }
        }
        outcome
    }

    fn look(&self) -> (Look, u64) {
        let now = self.clock.now();
        let held = self.held();
        let look = match &held.current {
            Some(current) if ends_within_a_minute(&current.credentials, now) => Look::Gone,
            Some(current) if now < current.renew_at => Look::Fresh(current.credentials.clone()),
            Some(current) => Look::Early(current.credentials.clone()),
            None => Look::Gone,
        };
        (look, held.attempts)
    }

    fn failed_since(&self, attempts_seen: u64) -> Option<CredentialError> {
        let held = self.held();
        if held.attempts > attempts_seen { held.failure.clone() } else { None }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ends_within_a_minute(credentials: &Credentials, now: Timestamp) -> bool {
    credentials.expires.is_some_and(|end| end < now.plus_seconds(LEAST_SECONDS))
}

fn long_enough(fetched: Fetched, now: Timestamp) -> Result<Credentials, CredentialError> {
    let Fetched { credentials, from } = fetched;
    match credentials.expires {
        Some(at) if ends_within_a_minute(&credentials, now) => {
            Err(CredentialError::Ended { from, at })
        }
        _ => Ok(credentials),
    }
}

fn renew_at(credentials: &Credentials, now: Timestamp) -> Timestamp {
    match credentials.expires {
        Some(end) => end.plus_seconds(-EARLY_SECONDS).max(now.plus_seconds(AGAIN_SECONDS)),
        None => now.plus_seconds(REREAD_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;
    use futures::future::join_all;
    use wk_seam::clock::StandingClock;

    use super::*;

    /// Gives `KEY1`, `KEY2`, … that live for so many seconds, or fails; counts how often.
    struct Counting {
        clock: Arc<StandingClock>,
        lives_seconds: Option<i64>,
        fetches: AtomicUsize,
        fails: std::sync::atomic::AtomicBool,
    }

    impl Fetch for Counting {
        fn fetch(&self) -> Future<'_, Result<Fetched, CredentialError>> {
            Box::pin(async {
                let count = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                if self.fails.load(Ordering::SeqCst) {
                    return Err(CredentialError::Slow { seconds: 1 });
                }
                let expires = self.lives_seconds.map(|s| self.clock.now().plus_seconds(s));
                let credentials = Credentials {
                    access_key: format!("KEY{count}"),
                    secret_key: "secret".into(),
                    session_token: None,
                    expires,
                };
                Ok(Fetched { credentials, from: "a test".into() })
            })
        }
    }

    fn cache(lives_seconds: Option<i64>) -> Cache<Counting> {
        let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(0)));
        let source = Counting {
            clock: clock.clone(),
            lives_seconds,
            fetches: AtomicUsize::new(0),
            fails: false.into(),
        };
        Cache::new(source, clock)
    }

    /// The key, or `failed`, at this second.
    async fn key_at(cache: &Cache<Counting>, second: i64) -> String {
        cache.source.clock.set(Timestamp::from_seconds(second));
        cache.get().await.map_or("failed".to_owned(), |c| c.access_key)
    }

    #[tokio::test]
    async fn credentials_are_renewed_five_minutes_before_they_end() {
        let cache = cache(Some(3600));
        let mut keys = Vec::new();
        for second in [0, 3299, 3300, 3301, 6600] {
            keys.push(key_at(&cache, second).await);
        }
        assert_eq!(keys, ["KEY1", "KEY1", "KEY2", "KEY2", "KEY3"]);
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_refresh() {
        let cache = cache(Some(3600));
        let got = join_all((0..50).map(|_| cache.get())).await;
        assert!(got.into_iter().all(|c| c.unwrap().access_key == "KEY1"));
        assert_eq!(cache.source.fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_failure() {
        let cache = cache(Some(3600));
        cache.source.fails.store(true, Ordering::SeqCst);
        let got = join_all((0..50).map(|_| cache.get())).await;
        assert!(got.into_iter().all(|c| c.is_err()));
        assert_eq!(cache.source.fetches.load(Ordering::SeqCst), 1);
        // The next call is a new question.
        cache.source.fails.store(false, Ordering::SeqCst);
        assert_eq!(key_at(&cache, 0).await, "KEY2");
    }

    #[tokio::test]
    async fn nobody_waits_while_the_old_ones_are_good() {
        let cache = cache(Some(3600));
        key_at(&cache, 0).await;
        let _someone_fetches = cache.turn.lock().await;
        cache.source.clock.set(Timestamp::from_seconds(3400));
        assert_eq!(cache.get().now_or_never().unwrap().unwrap().access_key, "KEY1");
    }

    #[tokio::test]
    async fn a_failed_renewal_keeps_the_old_ones_until_a_minute_before_their_end() {
        let cache = cache(Some(3600));
        key_at(&cache, 0).await;
        cache.source.fails.store(true, Ordering::SeqCst);
        assert_eq!(key_at(&cache, 3300).await, "KEY1");
        // Not tried at every call: again after half a minute.
        assert_eq!(key_at(&cache, 3310).await, "KEY1");
        assert_eq!(cache.source.fetches.load(Ordering::SeqCst), 2);
        assert_eq!(key_at(&cache, 3330).await, "KEY1");
        assert_eq!(cache.source.fetches.load(Ordering::SeqCst), 3);
        assert_eq!(key_at(&cache, 3541).await, "failed");
    }

    #[tokio::test]
    async fn keys_without_an_end_are_read_again() {
        let cache = cache(None);
        assert_eq!(key_at(&cache, 0).await, "KEY1");
        assert_eq!(key_at(&cache, 899).await, "KEY1");
        assert_eq!(key_at(&cache, 900).await, "KEY2");
    }

    #[tokio::test]
    async fn short_lived_credentials_are_not_fetched_at_every_call() {
        let cache = cache(Some(200));
        assert_eq!(key_at(&cache, 0).await, "KEY1");
        assert_eq!(key_at(&cache, 29).await, "KEY1");
        assert_eq!(key_at(&cache, 30).await, "KEY2");
    }

    #[tokio::test]
    async fn credentials_that_end_within_a_minute_are_refused() {
        let cache = cache(Some(59));
        let refused = cache.get().await.unwrap_err();
        assert!(refused.is_transient() && refused.to_string().contains("a test"), "{refused}");
    }
}
