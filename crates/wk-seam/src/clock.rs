//! What time it is.

use std::sync::Mutex;

use wk_model::Timestamp;

/// Tells the time. The only way to it: system time is banned elsewhere by lint.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// A clock that stands where it was put: for tests, simulations and the demo.
#[derive(Debug)]
pub struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    /// A clock that stands at this time.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }
    /// Moves it.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
