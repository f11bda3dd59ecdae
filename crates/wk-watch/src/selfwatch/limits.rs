//! What is too much, too old, too little.

use std::collections::BTreeMap;

use wk_model::arrivals::Path;

/// Limits of the judgements.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Nothing live of a source for so long is silence, where something is usual.
    pub silence_seconds: i64,
    /// A volume of at most so many in a hundred of what is usual is a drop.
    pub drop_percent: u64,
    /// Hours with fewer events than this are no measure of a drop.
    pub drop_usual_min: u64,
    /// Minutes after an hour's end at which its events count as arrived, in seconds.
    pub settle_seconds: i64,
    /// How late live events may be (95 of 100), by path, in seconds.
    pub lag_seconds: BTreeMap<Path, i64>,
    /// So many complaints within two hours are a burst, if they are more than usual.
    pub complaints_min: u64,
    /// A queue's oldest message may wait so long, in seconds.
    pub queue_oldest_seconds: u64,
    /// A queue with fewer messages than this does not grow.
    pub queue_waiting_min: u64,
    /// A disk with less than so many in a hundred free is nearly full.
    pub disk_free_percent: u64,
    /// A disk with less than so many bytes free is nearly full.
    pub disk_free_bytes: u64,
    /// Our clock may be off by so many seconds.
    pub clock_seconds: u64,
    /// A notice may be overdue so long, in seconds.
    pub outbox_seconds: i64,
    /// Limits of single sources.
    pub sources: BTreeMap<String, SourceLimits>,
}

/// Limits of one source, where they are others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceLimits {
    /// Not judged: a source that was switched off on purpose.
    pub off: bool,
    /// Nothing live for so long is silence.
    pub silence_seconds: Option<i64>,
    /// Something comes at any hour: silence is judged before a week of history is there.
    pub always: bool,
    /// How late live events may be, by path, in seconds.
    pub lag_seconds: BTreeMap<Path, i64>,
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |n: i64| n * 60;
        let ours = [(Path::DeliveredReceived, minutes(10)), (Path::ReceivedRecorded, minutes(1))];
        // From event to delivery is AWS's time; how long that takes differs from source to source,
        // and for most of them AWS promises nothing.
        let fast = |always| SourceLimits {
            always,
            lag_seconds: [(Path::EventDelivered, minutes(20)), (Path::EventFinding, minutes(20))]
                .into(),
            ..SourceLimits::default()
        };
        Self {
            silence_seconds: minutes(60),
            drop_percent: 10,
            drop_usual_min: 50,
            settle_seconds: minutes(30),
            lag_seconds: ours.into(),
            complaints_min: 20,
            queue_oldest_seconds: 900,
            queue_waiting_min: 100,
            disk_free_percent: 10,
            disk_free_bytes: 2 << 30,
            clock_seconds: 60,
            outbox_seconds: minutes(15),
            sources: [
                ("cloudtrail".to_owned(), fast(true)),
                ("guardduty".to_owned(), fast(false)),
                ("eventbridge".to_owned(), fast(false)),
                ("vpcflow".to_owned(), fast(false)),
            ]
            .into(),
        }
    }
}

impl Limits {
    /// Whether a source is judged at all. What we ask for ourselves comes when we ask.
    pub fn judges(&self, source: &str) -> bool {
        let own = [crate::sources::inventory::SOURCE.id, crate::sources::check_results::SOURCE.id];
        !own.contains(&source) && !self.sources.get(source).is_some_and(|s| s.off)
    }

    /// Whether something of a source comes at any hour.
    pub fn always(&self, source: &str) -> bool {
        self.sources.get(source).is_some_and(|s| s.always)
    }

    /// Nothing live of the source for so many seconds is silence.
    pub fn silence(&self, source: &str) -> i64 {
        let own = self.sources.get(source).and_then(|s| s.silence_seconds);
        own.unwrap_or(self.silence_seconds)
    }

    /// How late live events of the source may be on a path, in seconds.
    pub fn lag(&self, source: &str, path: Path) -> Option<i64> {
        let own = self.sources.get(source).and_then(|s| s.lag_seconds.get(&path));
        own.or_else(|| self.lag_seconds.get(&path)).copied()
    }
}
