//! The system's clock and its waiting: AWS states the end of credentials, and takes signatures, in
//! real time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wk_model::Timestamp;
use wk_seam::Future;
use wk_seam::clock::Clock;

/// Waits: between repetitions, and for a turn where a service takes only so many requests.
pub trait Pause: Send + Sync {
    /// Ends after so long.
    fn pause(&self, long: Duration) -> Future<'_, ()>;
}

pub(crate) struct SystemPause;

impl Pause for SystemPause {
    #[expect(clippy::disallowed_methods, reason = "an adapter of the clock")]
    fn pause(&self, long: Duration) -> Future<'_, ()> {
        Box::pin(tokio::time::sleep(long))
    }
}

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "an adapter of the clock")]
    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }
}

/// A system time as ours; what is before 1970 or beyond the year 9999 is cut to the nearest.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    let micros = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
