//! `[selfwatch]`, `[backfill]` and `[drill]`: when the watch calls itself in trouble, what is history,
//! and how it is tried.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;
use wk_model::arrivals::Path;
use wk_watch::selfwatch::{Limits, SourceLimits};
use wk_watch::sources;

/// `[selfwatch]`. What is not said is as in the defaults of the judgements.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Selfwatch {
    /// Minutes without a live event that are silence, where something is usual. 60.
    silence_minutes: Option<u32>,
    /// A volume of at most so many in a hundred of what is usual is a drop. 10.
    drop_percent: Option<u8>,
    /// Hours with fewer usual events than this are no measure of a drop. 50.
    drop_usual_min: Option<u64>,
    /// Limits of lag (95 of 100) by path, in seconds.
    lag_seconds: BTreeMap<String, u32>,
    /// Complaints of two hours that may be a burst. 20.
    complaints_min: Option<u64>,
    /// Minutes that a queue's oldest message may wait. 15.
    queue_oldest_minutes: Option<u32>,
    /// A disk with less than so many in a hundred free is nearly full. 10.
    disk_free_percent: Option<u8>,
    /// Seconds by which our clock may be off. 60.
    clock_seconds: Option<u32>,
    /// Minutes that a notice may be overdue. 15.
    outbox_minutes: Option<u32>,
    /// Single sources.
    sources: BTreeMap<String, OfSource>,
}

/// `[selfwatch.sources.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OfSource {
    /// It was switched off on purpose: it is not judged.
    off: bool,
    /// Minutes without a live event that are silence.
    silence_minutes: Option<u32>,
    /// Something comes at any hour: silence is judged before there is a week of history.
    always: Option<bool>,
    /// Limits of lag by path, in seconds.
    lag_seconds: BTreeMap<String, u32>,
}

/// `[backfill]`: what is history never pages and never acts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BackFill {
    /// An event received more than so many hours after it happened is history.
    pub(crate) live_hours: u16,
    /// What lay there more than so many minutes before its source's first event was received is
    /// history: a first load.
    pub(crate) first_load_minutes: u16,
}

/// `[drill]`: what proves every day that an alarm still goes its whole way.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drill {
    /// The channel that must take the drill's notice. None: the drill ends at the route, and says so.
    pub(crate) channel: Option<String>,
    /// Channels and people that must be reached in an emergency: tried every month.
    pub(crate) contacts: Vec<String>,
    /// The service holds no drills.
    pub(crate) off: bool,
}

impl Default for BackFill {
    fn default() -> Self {
        Self { live_hours: 24, first_load_minutes: 60 }
    }
}

impl Selfwatch {
    /// The limits of the judgements.
    pub(crate) fn limits(&self) -> anyhow::Result<Limits> {
        let mut limits = Limits::default();
        let minutes = |n: u32| i64::from(n) * 60;
        set(&mut limits.silence_seconds, self.silence_minutes.map(minutes));
        set(&mut limits.drop_percent, self.drop_percent.map(u64::from));
        set(&mut limits.drop_usual_min, self.drop_usual_min);
        set(&mut limits.complaints_min, self.complaints_min);
        set(&mut limits.queue_oldest_seconds, self.queue_oldest_minutes.map(|n| u64::from(n) * 60));
        set(&mut limits.disk_free_percent, self.disk_free_percent.map(u64::from));
        set(&mut limits.clock_seconds, self.clock_seconds.map(u64::from));
        set(&mut limits.outbox_seconds, self.outbox_minutes.map(minutes));
        limits.lag_seconds.extend(lags(&self.lag_seconds, "selfwatch")?);
        for (name, own) in &self.sources {
            if sources::named(name).is_none() {
                bail!("[selfwatch.sources.{name}]: there is no source of this name");
            }
            let of: &mut SourceLimits = limits.sources.entry(name.clone()).or_default();
            of.off = own.off;
            of.silence_seconds = own.silence_minutes.map(minutes).or(of.silence_seconds);
            of.always = own.always.unwrap_or(of.always);
            of.lag_seconds.extend(lags(&own.lag_seconds, &format!("selfwatch.sources.{name}"))?);
        }
        Ok(limits)
    }
}

fn set<T>(limit: &mut T, own: Option<T>) {
    if let Some(own) = own {
        *limit = own;
    }
}

fn lags(own: &BTreeMap<String, u32>, section: &str) -> anyhow::Result<Vec<(Path, i64)>> {
    let lag = |(name, seconds): (&String, &u32)| match Path::parse(name) {
        Some(path) => Ok((path, i64::from(*seconds))),
        None => {
            let paths: Vec<&str> = Path::ALL.iter().map(|path| path.as_str()).collect();
            bail!("[{section}] lag_seconds: {name:?} is no path; there are: {}", paths.join(", "))
        }
    };
    own.iter().map(lag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Result<Limits, String> {
        let section: Selfwatch = toml::from_str(text).map_err(|e| e.to_string())?;
        section.limits().map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(limits(""), Ok(Limits::default()));
    }

    #[test]
    fn a_source_may_have_its_own_limits() {
        let limits = limits(
            "silence_minutes = 90\n[sources.cloudtrail]\nsilence_minutes = 30\n[sources.waf]\noff = true\nlag_seconds = { event-delivered = 7 }\n",
        )
        .unwrap();
        assert_eq!((limits.silence("cloudtrail"), limits.silence("guardduty")), (1_800, 5_400));
        assert!(limits.always("cloudtrail") && !limits.judges("waf"));
        assert_eq!(limits.lag("waf", Path::EventDelivered), Some(7));
    }

    #[test]
    fn what_is_misspelt_is_named() {
        assert!(limits("[sources.cloudtrial]\noff = true\n").unwrap_err().contains("cloudtrial"));
        assert!(limits("lag_seconds = { event = 1 }\n").unwrap_err().contains("event-delivered"));
        assert!(limits("silence = 3\n").unwrap_err().contains("silence"));
    }
}
