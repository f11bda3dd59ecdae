//! A source that normally delivers has brought nothing for an hour.

use wk_model::arrivals::hour_of;
use wk_model::selfwatch::{SourceFacts, WEEK_HOURS};
use wk_model::{SeverityWord, Timestamp};

use super::usual::Usual;
use super::{Alert, Facts, Judgement, Limits, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "silence",
    id: "selfwatch.silence",
    title: "A source that normally delivers has gone silent",
    severity: SeverityWord::High,
    why: "What is not delivered is not seen: an intruder who stops a trail, and a broken \
          delivery, look like a quiet night.",
    quiet_when: "Little or nothing is usual at these hours of the week, the source's pauses are \
                 usually that long, or it has less than a day of history.",
    serves: &["R-224", "R-005", "R-243"],
    controls: &["CC7.1", "CC7.2"],
    known: |_| true,
    judge,
};

/// With fewer events expected than this, none is no wonder.
const EXPECTED_MIN: f64 = 7.0;
/// Events of a source that rests may be so long on their way.
const ON_THE_WAY_SECONDS: i64 = 1_200;
/// Pauses that must be known before they are a measure.
const PAUSES_MIN: u64 = 10;

/// A source that is silent.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// When it last brought something live.
    pub since: Timestamp,
    /// How many events were to be expected since.
    pub expected: f64,
}

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for (source, of) in &facts.ledger.sources {
        if let Some(silence) = silence(source, of, facts.now, facts.limits) {
            let for_long = span(facts.now.seconds() - silence.since.seconds());
            let expected = silence.expected.round();
            let say = format!(
                "{source} has brought nothing for {for_long}, where about {expected} events are usual"
            );
            alerts.push(JUDGEMENT.alert(source, silence.since, say));
        }
    }
}

/// Whether a source is silent now.
pub fn silence(source: &str, of: &SourceFacts, now: Timestamp, limits: &Limits) -> Option<Silence> {
    let since = of.last_live.filter(|_| limits.judges(source))?;
    let seconds = now.seconds() - since.seconds();
    if seconds < limit(source, of, limits) {
        return None;
    }
    let usual = Usual::new(&of.volume, hour_of(since));
    // A week of silence says as much as a longer one.
    let until = now.min(since.plus_seconds((WEEK_HOURS - 1) * 3600));
    let expected = if limits.always(source) {
        usual.expected(since, until)?
    } else {
        usual.expected_at_least(since, until.plus_seconds(-ON_THE_WAY_SECONDS))?
    };
    (expected >= EXPECTED_MIN).then_some(Silence { since, expected })
}

/// From how many seconds on nothing is silence: the limit, or twice a pause that nine of ten do not
/// exceed.
fn limit(source: &str, of: &SourceFacts, limits: &Limits) -> i64 {
    let known = of.pauses.total() >= PAUSES_MIN;
    let pause = of.pauses.quantile(900).filter(|_| known).unwrap_or(0);
    let pause = i64::try_from(pause / 1000).unwrap_or(i64::MAX);
    limits.silence(source).max(pause.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};

    /// Minutes after the feed stopped at which the alert is there; `None`: not within two days.
    fn alert_after(scene: &Scene, source: &str) -> Option<i64> {
        let stopped = scene.ledger.sources[source].last_live.unwrap();
        let raised = |minutes: &i64| {
            let alerts = scene.at(stopped.plus_seconds(minutes * 60)).alerts("selfwatch.silence");
            alerts.iter().any(|a| a.subject == source)
        };
        (0..2 * 24 * 60).find(raised)
    }

    #[test]
    fn a_trail_that_stops_is_told_of_after_an_hour() {
        // three weeks of history, then in the first week, then on the second day.
        for days in [21, 5, 2] {
            let scene = Scene::fed("cloudtrail", MONDAY, days * 24 + 11, rhythm::day_and_night);
            assert_eq!(alert_after(&scene, "cloudtrail"), Some(60), "{days} days of history");
        }
    }

    #[test]
    fn a_quiet_weekend_of_a_source_that_is_quiet_at_weekends_is_no_alert() {
        let friday_evening = 3 * 7 * 24 + 4 * 24 + 18;
        let scene = Scene::fed("waf", MONDAY, friday_evening, rhythm::office_hours);
        let monday_morning = 62 * 60;
        let first = (0..5 * 24 * 60).find(|minutes| {
            let stopped = scene.ledger.sources["waf"].last_live.unwrap();
            !scene.at(stopped.plus_seconds(minutes * 60)).alerts("selfwatch.silence").is_empty()
        });
        let first = first.expect("on Monday morning it is missed");
        assert!((monday_morning..monday_morning + 120).contains(&first), "{first}");
    }

    #[test]
    fn a_source_that_comes_once_a_day_may_pause_a_day() {
        let mut scene = Scene::fed("config", MONDAY, 3 * 7 * 24 + 7, rhythm::once_a_day);
        let of = scene.ledger.sources.get_mut("config").unwrap();
        (0..14).for_each(|_| of.pauses.count(86_400_000_000));
        assert!(alert_after(&scene, "config").is_none_or(|minutes| minutes > 24 * 60));
    }

    #[test]
    fn a_source_without_a_day_of_history_is_learning() {
        let scene = Scene::fed("cloudtrail", MONDAY, 20, rhythm::day_and_night);
        assert_eq!(alert_after(&scene, "cloudtrail"), None);
    }

    #[test]
    fn an_irregular_source_waits_for_a_week_of_history() {
        let scene = Scene::fed("waf", MONDAY, 3 * 24 + 18, rhythm::office_hours);
        assert_eq!(alert_after(&scene, "waf"), None);
    }

    #[test]
    fn a_source_that_was_switched_off_on_purpose_is_not_judged() {
        let mut scene = Scene::fed("cloudtrail", MONDAY, 21 * 24, rhythm::day_and_night);
        scene.limits.sources.entry("cloudtrail".to_owned()).or_default().off = true;
        assert_eq!(alert_after(&scene, "cloudtrail"), None);
    }

    #[test]
    fn weeks_of_silence_stay_silence() {
        let scene = Scene::fed("cloudtrail", MONDAY, 21 * 24, rhythm::day_and_night);
        let stopped = scene.ledger.sources["cloudtrail"].last_live.unwrap();
        for days in [1, 7, 20, 50] {
            let alerts = scene.at(stopped.plus_seconds(days * 86_400)).alerts("selfwatch.silence");
            assert_eq!(alerts.len(), 1, "after {days} days");
            assert_eq!(alerts[0].since, stopped, "it stays one finding");
        }
    }
}
