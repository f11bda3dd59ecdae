//! A source brings far less than is usual at this hour of the week.

use wk_model::SeverityWord;
use wk_model::arrivals::{hour_of, hour_start};
use wk_model::selfwatch::SourceFacts;

use super::usual::{Usual, as_number, median, median_deviation};
use super::{Alert, Facts, Judgement, Limits, silence};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "volume-drop",
    id: "selfwatch.volume-drop",
    title: "A source brings far less than is usual at this hour of the week",
    severity: SeverityWord::High,
    why: "A filter, a lost account or a broken sender can take most of a log and leave enough that \
          nobody calls it silent.",
    quiet_when: "The same hour of the weeks before was as low, such as at weekends; fewer than two \
                 weeks of history; nothing came at all, which is silence or a gap.",
    serves: &["R-239", "R-238"],
    controls: &["CC7.1", "CC7.2"],
    known: |_| true,
    judge,
};

/// Weeks of history that are asked for.
const WEEKS_MIN: usize = 2;
/// How many hours back a drop may have begun.
const HOURS_BACK: i64 = 48;
/// From median deviation to standard deviation, of a normal distribution.
const SIGMA: f64 = 1.4826;

/// A drop of one hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    /// Events of the hour.
    pub rows: u64,
    /// What is usual.
    pub usual: f64,
}

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let hour = settled_hour(facts);
    for (source, of) in &facts.ledger.sources {
        let judged = facts.limits.judges(source)
            && silence::silence(source, of, facts.now, facts.limits).is_none();
        let Some(now) = drop_of(of, hour, facts.limits).filter(|_| judged) else { continue };
        let goes_on = |back: &i64| drop_of(of, hour - back, facts.limits).is_some();
        let back = (1..HOURS_BACK).take_while(goes_on).count();
        let began = hour_start(hour - i64::try_from(back).unwrap_or(0));
        let say = format!(
            "{source} brought {} events in the hour from {}, where about {} are usual",
            now.rows,
            hour_start(hour),
            now.usual.round()
        );
        alerts.push(JUDGEMENT.alert(source, began, say));
    }
}

/// The last hour whose events count as arrived.
fn settled_hour(facts: &Facts<'_>) -> i64 {
    hour_of(facts.now.plus_seconds(-facts.limits.settle_seconds)) - 1
}

/// Whether an hour's volume dropped, against the weeks before it.
pub fn drop_of(of: &SourceFacts, hour: i64, limits: &Limits) -> Option<Drop> {
    let samples = Usual::new(&of.volume, hour).samples(hour);
    if samples.len() < WEEKS_MIN {
        return None;
    }
    let rows = of.volume.get(&hour).copied().unwrap_or(0);
    if rows == 0 {
        return None; // silence, or a gap
    }
    let (usual, deviation) = (median(samples.clone())?, median_deviation(&samples)?);
    let few = rows.saturating_mul(100) <= limits.drop_percent.saturating_mul(as_count(usual));
    let odd = as_number(rows) < usual - 3.0 * SIGMA * deviation;
    let enough = usual >= as_number(limits.drop_usual_min);
    (few && odd && enough).then_some(Drop { rows, usual })
}

fn as_count(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a median of counts below 2^32"
    )]
    let whole = number.clamp(0.0, f64::from(u32::MAX)) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};
    use super::*;

    const RULE: &str = "selfwatch.volume-drop";

    /// Four weeks and 10 hours, the last hours with a share of what is usual.
    fn dropped(percent: u64, hours: i64) -> Scene {
        let all = 4 * 168 + 10;
        let mut scene = Scene::fed("cloudtrail", MONDAY, all, rhythm::day_and_night);
        let of = scene.ledger.sources.get_mut("cloudtrail").unwrap();
        for hour in all - hours..all {
            let rows = rhythm::day_and_night(hour) * percent / 100;
            of.volume.insert(hour_of(MONDAY) + hour, rows);
        }
        let now = scene.now.plus_seconds(1_800);
        scene.at(now)
    }

    #[test]
    fn a_drop_to_a_tenth_of_what_is_usual_is_told_of() {
        assert_eq!(
            dropped(10, 1).says(RULE),
            [
                "cloudtrail brought 90 events in the hour from 2024-03-11T09:00:00Z, where about 900 are usual"
            ]
        );
        assert_eq!(dropped(10, 5).alerts(RULE)[0].since, MONDAY.plus_seconds((4 * 168 + 5) * 3600));
        assert!(dropped(30, 1).says(RULE).is_empty());
    }

    #[test]
    fn the_dip_of_every_weekend_is_none() {
        let friday_night = 4 * 168 + 4 * 24 + 20;
        let scene = Scene::fed("cloudtrail", MONDAY, friday_night + 48, rhythm::day_and_night);
        for hours in 0..48 {
            let now = MONDAY.plus_seconds((friday_night + hours) * 3600 + 1_800);
            let mut at = scene.at(now);
            // It goes on as ever: at weekends with a third.
            at.ledger.sources.get_mut("cloudtrail").unwrap().last_live = Some(now);
            assert!(at.says(RULE).is_empty(), "hour {hours}");
        }
    }

    #[test]
    fn an_hour_counts_once_its_late_events_had_time_to_come() {
        let scene = dropped(10, 1);
        assert!(scene.at(scene.now.plus_seconds(-60)).says(RULE).is_empty());
    }

    #[test]
    fn one_week_of_history_is_no_measure() {
        let mut scene = Scene::fed("cloudtrail", MONDAY, 168 + 10, rhythm::day_and_night);
        scene.ledger.sources.get_mut("cloudtrail").unwrap().volume.insert(hour_of(MONDAY) + 177, 1);
        assert!(scene.at(scene.now.plus_seconds(1_800)).says(RULE).is_empty());
    }

    #[test]
    fn a_source_that_wavers_must_drop_further() {
        let mut scene = dropped(10, 1);
        let of = scene.ledger.sources.get_mut("cloudtrail").unwrap();
        let hour = hour_of(MONDAY) + 4 * 168 + 9;
        for (back, rows) in [(1, 900), (2, 95), (3, 1_800), (4, 300)] {
            of.volume.insert(hour - back * 168, rows);
        }
        assert!(scene.says(RULE).is_empty());
    }
}
