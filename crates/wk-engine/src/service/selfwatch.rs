//! Lets the watch judge itself every so often.

use std::sync::Arc;
use std::time::Duration;

use wk_seam::bookmarks::Bookmarks;
use wk_seam::{Answer, Future};
use wk_watch::selfwatch::Heard;
use wk_watch::selfwatch::measures::Measure;

use super::counts::Counts;
use super::last_word::LastWord;
use super::{Post, counts};
use crate::selfwatch::Selfwatch;

/// Tells what only the program's edge knows: disks, the outbox, drills, other clocks. What else it tells
/// is left out.
pub type More = Box<dyn Fn() -> Future<'static, Answer<Heard>> + Send + Sync>;

/// The watch over the watch, as a job.
pub struct SelfwatchJob {
    /// What judges.
    pub selfwatch: Selfwatch,
    /// Between two turns.
    pub every: Duration,
    /// What the jobs do not know.
    pub more: More,
    /// Where what the service says of itself is kept.
    pub bookmarks: Arc<dyn Bookmarks>,
}

impl SelfwatchJob {
    /// Judges until it is told to stop, and says every few seconds how the service is.
    ///
    /// # Errors
    /// If the ledger fails; the next turn makes up for it.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let beat = self.every.min(WORD_EVERY);
        let mut waited = Duration::ZERO;
        let mut clock = None;
        // The jobs have not looked at anything yet.
        while post.stop.pause(beat).await {
            let mut heard = Heard::default();
            post.tools.hear(|known| heard = known.clone());
            waited += beat;
            if waited >= self.every {
                waited = Duration::ZERO;
                let more = (self.more)().await?;
                clock = more.clock;
                let Heard { disks, outbox, drills, .. } = more;
                heard = Heard { disks, outbox, drills, clock: clock.clone(), ..heard };
                self.judge(&heard, post).await?;
            }
            heard.clock = clock.clone();
            let now = post.tools.clock.now();
            LastWord::of(&heard, now).keep(self.bookmarks.as_ref()).await?;
        }
        let mut heard = Heard::default();
        post.tools.hear(|known| heard = known.clone());
        heard.clock = clock;
        let word = LastWord { stopped: true, ..LastWord::of(&heard, post.tools.clock.now()) };
        word.keep(self.bookmarks.as_ref()).await
    }

    async fn judge(&self, heard: &Heard, post: &Post) -> Answer<()> {
        let turn = self.selfwatch.turn(heard).await?;
        post.well();
        post.tools.counts.set(counts::ALERTS, &[], turn.alerts.len() as u64);
        turn.sources.iter().for_each(|source| show(source, &post.tools.counts));
        if turn.raised + turn.ended > 0 {
            let (raised, ended) = (turn.raised, turn.ended);
            tracing::warn!(job = post.name(), raised, ended, "the watch judged itself");
        }
        Ok(())
    }
}

/// Between two words of how the service is.
const WORD_EVERY: Duration = Duration::from_secs(10);

/// A source in figures.
fn show(of: &Measure, counts: &Counts) {
    let source = ("source", of.source.as_str());
    counts.set(counts::SOURCE_EVENTS, &[source], of.hour.0);
    match of.hour.1 {
        Some(usual) => counts.set(counts::SOURCE_USUAL, &[source], usual),
        None => counts.unset(counts::SOURCE_USUAL, &[source]),
    }
    let last = u64::try_from(of.last_event.seconds()).unwrap_or(0);
    counts.set(counts::SOURCE_LAST, &[source], last);
    for (path, (median, p95)) in &of.lags {
        let path = ("path", path.as_str());
        counts.set(counts::SOURCE_LAG, &[source, path, ("quantile", "0.5")], *median);
        counts.set(counts::SOURCE_LAG, &[source, path, ("quantile", "0.95")], *p95);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wk_model::Timestamp;
    use wk_model::arrivals::Path;
    use wk_model::selfwatch::Intake;
    use wk_watch::selfwatch::State;

    use super::*;
    use crate::service::counts::Value;

    #[test]
    fn the_volume_of_a_source_by_hour_is_a_metric_beside_what_is_usual() {
        let at = Timestamp::from_seconds(1_700_000_000);
        let mut of = Measure {
            source: "cloudtrail".to_owned(),
            state: State::Ok,
            begun: at,
            last_event: at,
            last_live: None,
            lags: BTreeMap::from([(Path::EventFinding, (120_000, 280_000))]),
            hour: (70, Some(900)),
            day: (900, None),
            intake: Intake::default(),
        };
        let counts = Counts::default();
        show(&of, &counts);
        let level = |figure: counts::Figure, labels: usize| {
            let all = counts.all();
            let mut of = all.iter().filter(|(n, l, _)| *n == figure.name && l.len() == labels);
            of.next().map(|(_, _, value)| value.clone())
        };
        assert_eq!(level(counts::SOURCE_EVENTS, 1), Some(Value::Level(70.0)));
        assert_eq!(level(counts::SOURCE_USUAL, 1), Some(Value::Level(900.0)));
        assert_eq!(level(counts::SOURCE_LAST, 1), Some(Value::Level(1_700_000_000.0)));
        assert_eq!(level(counts::SOURCE_LAG, 3), Some(Value::Level(120_000.0)));
        of.hour.1 = None;
        show(&of, &counts);
        assert_eq!(level(counts::SOURCE_USUAL, 1), None, "nobody knows what is usual");
    }
}
