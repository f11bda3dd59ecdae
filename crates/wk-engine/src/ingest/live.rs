//! What is live and what is history: history never pages and never acts.
//!
//! * An event that is received longer after it happened than the limit is history.
//! * So is an event that lay there before we began to watch its source: a first load.

use std::collections::BTreeMap;

use wk_model::Timestamp;
use wk_model::finding::Origin;

/// Tells live events from history.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// An event received at most so many seconds after it happened is live.
    seconds: i64,
    /// An event delivered at most so many seconds before its source's watch began is live.
    first_load_seconds: i64,
    /// When each source's first event was received.
    begun: BTreeMap<String, Timestamp>,
    /// When the watch begins over sources that brought nothing yet.
    now: Timestamp,
    /// What the user said: all of it is history.
    all_history: bool,
}

impl Live {
    /// The rule for what is read from now on.
    pub(super) fn new(
        seconds: i64,
        first_load_seconds: i64,
        begun: BTreeMap<String, Timestamp>,
        now: Timestamp,
    ) -> Self {
        Self { seconds, first_load_seconds, begun, now, all_history: false }
    }

    /// The same, where the user says that all of it is history.
    pub(super) fn history(self, all_history: bool) -> Self {
        Self { all_history, ..self }
    }

    /// Whether an event of a source reached us while it mattered.
    pub(super) fn origin(
        &self,
        source: &str,
        event: Timestamp,
        delivered: Timestamp,
        received: Timestamp,
    ) -> Origin {
        let begun = self.begun.get(source).copied().unwrap_or(self.now);
        let first_load = delivered < begun.plus_seconds(-self.first_load_seconds);
        if self.all_history || first_load {
            return Origin::BackFill;
        }
        Origin::of(event, received, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn origin(event: i64, delivered: i64, received: i64) -> Origin {
        let begun = [("old".to_owned(), Timestamp::from_seconds(100 * HOUR))].into();
        let live = Live::new(24 * HOUR, HOUR, begun, Timestamp::from_seconds(received * HOUR));
        let at = |hour: i64| Timestamp::from_seconds(hour * HOUR);
        live.origin("old", at(event), at(delivered), at(received))
    }

    #[test]
    fn what_happened_longer_ago_than_the_limit_is_history() {
        assert_eq!(origin(200, 201, 224), Origin::Live);
        assert_eq!(origin(200, 224, 225), Origin::BackFill);
    }

    #[test]
    fn what_lay_there_before_the_watch_began_is_history() {
        assert_eq!(origin(98, 98, 100), Origin::BackFill, "a first load");
        assert_eq!(origin(99, 99, 100), Origin::Live, "it came within the hour before");
        assert_eq!(origin(98, 101, 101), Origin::Live, "it was delivered late, while we watched");
    }

    #[test]
    fn a_source_that_never_brought_anything_begins_now() {
        let now = Timestamp::from_seconds(100 * HOUR);
        let live = Live::new(24 * HOUR, HOUR, BTreeMap::new(), now);
        let hours_ago = |n: i64| now.plus_seconds(-n * HOUR);
        assert_eq!(live.origin("new", hours_ago(5), hours_ago(5), now), Origin::BackFill);
        assert_eq!(live.origin("new", now, now, now), Origin::Live);
        assert_eq!(live.history(true).origin("new", now, now, now), Origin::BackFill);
    }
}
