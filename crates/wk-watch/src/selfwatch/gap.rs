//! Hours without a single event at a place that normally has some: by account, region and hour.
//!
//! * A gap is a run of empty hours whose emptiness chance does not explain: less than five times in a
//!   thousand, as far as the place's other hours tell.
//! * Where a place is filled nearly always, every hour is like every other; else an hour is like the
//!   same hours of the other weeks.

use std::collections::BTreeMap;

use wk_model::SeverityWord;
use wk_model::arrivals::{hour_of, hour_start};
use wk_model::selfwatch::{PlaceFacts, WEEK_HOURS};

use super::{Alert, Facts, Judgement, silence};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "gap",
    id: "selfwatch.gap",
    title: "An account and region have hours without any event",
    severity: SeverityWord::Medium,
    why: "An hour that nobody recorded is an hour that nobody can answer for; it can often still be \
          filled from the bucket.",
    quiet_when: "The place is empty at such hours in other weeks too, or so thinly filled that \
                 chance explains it; events that come late fill the hour.",
    serves: &["R-233", "R-005"],
    controls: &["CC7.1", "CC7.2"],
    known: |_| true,
    judge,
};

/// Days that are looked at.
pub const DAYS: i64 = 30;
/// Hours after which an hour counts as complete.
pub const SETTLE_HOURS: i64 = 2;
/// Emptiness that is less likely than this is a gap.
const CHANCE: f64 = 0.005;
/// A run of empty hours of this length is an outage, not a thin hour,
const OUTAGE_HOURS: i64 = 24;
/// as long as all such runs are at most the fifth part of the time: weekends are more.
const OUTAGES_MAX: i64 = 5;
/// A place that is filled at least so much has hours that are all alike.
const STEADY: f64 = 0.9;

/// Hours without an event at a place that normally has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The source.
    pub source: String,
    /// Account; empty where the records name none.
    pub account: String,
    /// Region; empty where the records name none.
    pub region: String,
    /// The first empty hour, in hours since 1970.
    pub from: i64,
    /// The first hour after them.
    pub until: i64,
    /// Whether it lasts to the end of what was looked at.
    pub open: bool,
}

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    // An outage takes many places at once: they are one alert.
    let mut outages: BTreeMap<(&str, i64, i64), Vec<Gap>> = BTreeMap::new();
    for place in facts.places.iter().filter(|p| facts.limits.judges(&p.source)) {
        let of = facts.ledger.sources.get(&place.source);
        let silent = of.is_some_and(|of| {
            silence::silence(&place.source, of, facts.now, facts.limits).is_some()
        });
        for gap in gaps(place).into_iter().filter(|gap| !(silent && gap.open)) {
            let until = if gap.open { i64::MAX } else { gap.until };
            outages.entry((&place.source, gap.from, until)).or_default().push(gap);
        }
    }
    for ((source, from, until), gaps) in outages {
        let places = gaps.iter().map(|g| format!("{}/{}", named(&g.account), named(&g.region)));
        let places: Vec<String> = places.collect();
        let which = match places.as_slice() {
            [one] => one.clone(),
            many => format!("{} places", many.len()),
        };
        let start = hour_start(from);
        let ends =
            if until == i64::MAX { "on".to_owned() } else { format!("to {}", hour_start(until)) };
        let say = format!("{source} has no event of {which} from {start} {ends}");
        let subject = format!("{source} {start}");
        let mut alert = JUDGEMENT.alert(&subject, start, say);
        alert.resources = places;
        alert.retell = true; // where it ends becomes known
        alerts.push(alert);
    }
}

/// Every gap of a place, oldest first.
pub fn gaps(place: &PlaceFacts) -> Vec<Gap> {
    let Some(start) = place.hours.iter().next() else { return Vec::new() };
    let (_, end) = place.hours.span();
    let profile = Profile::of(place, start, end);
    let (mut gaps, mut hour) = (Vec::new(), start);
    while hour < end {
        let run = (hour..end).take_while(|h| !place.hours.contains(*h)).count();
        let until = hour + i64::try_from(run).unwrap_or(0);
        let chance: f64 = (hour..until).map(|h| 1.0 - profile.filled(h)).product();
        if run > 0 && chance <= CHANCE {
            gaps.push(Gap {
                source: place.source.clone(),
                account: place.account.clone(),
                region: place.region.clone(),
                from: hour,
                until,
                open: until == end,
            });
        }
        hour = until.max(hour) + 1;
    }
    gaps
}

/// How the last hour that counts as complete is bounded: the first hour that does not.
pub fn settled(now: wk_model::Timestamp) -> i64 {
    hour_of(now) - SETTLE_HOURS
}

fn named(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// How likely each hour of a place is filled.
struct Profile {
    /// Where hours are all alike.
    all: Option<f64>,
    /// By hour of the week.
    of_week: Vec<f64>,
}

impl Profile {
    fn of(place: &PlaceFacts, start: i64, end: i64) -> Self {
        let share = |filled: i64, hours: i64| {
            // With one more half hour of each kind: few hours make no certainty.
            let (filled, hours) = (number(filled), number(hours));
            if filled == 0.0 { 0.0 } else { (filled + 0.5) / (hours + 1.0) }
        };
        let all = share(i64::from(place.hours.count()), end - start - lost(place, start, end));
        let mut weeks = vec![(0, 0); 168];
        for hour in start..end {
            if let Some(week) = slot(hour).and_then(|slot| weeks.get_mut(slot)) {
                *week = (week.0 + i64::from(place.hours.contains(hour)), week.1 + 1);
            }
        }
        let of_week = weeks.into_iter().map(|(filled, hours)| share(filled, hours)).collect();
        Self { all: (all >= STEADY).then_some(all), of_week }
    }

    fn filled(&self, hour: i64) -> f64 {
        let week = || slot(hour).and_then(|slot| self.of_week.get(slot)).copied().unwrap_or(0.0);
        self.all.unwrap_or_else(week)
    }
}

/// Hours of outages: a few runs of a day or longer say nothing of how a place is filled else.
fn lost(place: &PlaceFacts, start: i64, end: i64) -> i64 {
    let (mut lost, mut run) = (0, 0);
    for hour in start..=end {
        if hour < end && !place.hours.contains(hour) {
            run += 1;
        } else {
            lost += if run >= OUTAGE_HOURS { run } else { 0 };
            run = 0;
        }
    }
    // More than that is how the place is.
    if lost * OUTAGES_MAX <= end - start { lost } else { 0 }
}

fn slot(hour: i64) -> Option<usize> {
    usize::try_from(hour.rem_euclid(WEEK_HOURS)).ok()
}

fn number(hours: i64) -> f64 {
    f64::from(i32::try_from(hours).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};
    use super::*;
    use wk_model::selfwatch::Hours;

    /// A place that follows a rhythm for thirty days but for some hours.
    fn place(rhythm: fn(i64) -> u64, empty: &[(i64, i64)]) -> PlaceFacts {
        let first = hour_of(MONDAY);
        let mut hours = Hours::new(first, first + DAYS * 24);
        for hour in 0..DAYS * 24 {
            if rhythm(hour) > 0
                && !empty.iter().any(|(from, until)| (*from..*until).contains(&hour))
            {
                hours.insert(first + hour);
            }
        }
        let (source, account, region) = ("cloudtrail", "111122223333", "eu-west-1");
        PlaceFacts { source: source.into(), account: account.into(), region: region.into(), hours }
    }

    fn found(rhythm: fn(i64) -> u64, empty: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let of = |gap: &Gap| (gap.from - hour_of(MONDAY), gap.until - hour_of(MONDAY));
        gaps(&place(rhythm, empty)).iter().map(of).collect()
    }

    #[test]
    fn every_gap_of_a_steady_place_is_named_even_one_hour() {
        assert_eq!(
            found(rhythm::day_and_night, &[(100, 101), (300, 372)]),
            [(100, 101), (300, 372)]
        );
        assert_eq!(found(rhythm::day_and_night, &[]), []);
    }

    #[test]
    fn nights_and_weekends_of_a_place_that_sleeps_are_no_gaps() {
        assert_eq!(found(rhythm::office_hours, &[]), []);
        let on_workdays = |hour: i64| u64::from(hour % 168 < 120);
        assert_eq!(found(on_workdays, &[]), []);
        let tuesday = 7 * 24 + 24;
        assert_eq!(found(rhythm::office_hours, &[(tuesday, tuesday + 24)]).len(), 1);
    }

    #[test]
    fn what_chance_explains_is_no_gap() {
        let thin = |hour: i64| u64::from(hour % 3 != 0);
        assert_eq!(found(thin, &[]), []);
    }

    #[test]
    fn an_outage_of_many_places_is_one_alert_that_names_them() {
        let mut scene = Scene::fed("cloudtrail", MONDAY, DAYS * 24 + 2, rhythm::day_and_night);
        let mut other = place(rhythm::day_and_night, &[(50, 53)]);
        other.region = "us-east-1".to_owned();
        scene.places = vec![place(rhythm::day_and_night, &[(50, 53)]), other];
        let alerts = scene.alerts("selfwatch.gap");
        assert_eq!(alerts.len(), 1);
        assert_eq!(
            alerts[0].say,
            "cloudtrail has no event of 2 places from 2024-02-14T02:00:00Z to 2024-02-14T05:00:00Z"
        );
        assert_eq!(alerts[0].resources, ["111122223333/eu-west-1", "111122223333/us-east-1"]);
    }

    #[test]
    fn a_gap_that_is_filled_later_is_none_and_a_silent_source_has_its_own_alert() {
        let mut scene = Scene::fed("cloudtrail", MONDAY, DAYS * 24 - 10, rhythm::day_and_night);
        scene.now = scene.now.plus_seconds(12 * 3600);
        scene.places = vec![place(rhythm::day_and_night, &[(710, 720)])];
        assert!(scene.alerts("selfwatch.gap").is_empty());
        assert_eq!(scene.alerts("selfwatch.silence").len(), 1);
        scene.places = vec![place(rhythm::day_and_night, &[])];
        assert!(scene.alerts("selfwatch.gap").is_empty());
    }
}
