//! The system's clock, for credentials: AWS states their end in real time.

use std::time::{SystemTime, UNIX_EPOCH};

use wk_model::Timestamp;
use wk_seam::clock::Clock;

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
