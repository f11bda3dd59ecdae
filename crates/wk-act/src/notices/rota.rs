//! Who is on call: layers of people who take turns, and overrides, by the clocks of a place.

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use wk_model::Timestamp;

use super::interval::Interval;

/// How finely shifts are listed, in seconds: hand-overs are at full quarters of an hour.
const STEP_SECONDS: i64 = 15 * 60;
/// Shifts that are listed.
const SHIFTS_MAX: usize = 500;

/// A rota. A later layer goes before an earlier one, an override before every layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rota {
    /// People who take turns.
    pub layers: Vec<Layer>,
    /// Who stands in, and when.
    pub overrides: Vec<Override>,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// In their order.
    pub people: Vec<String>,
    /// The day of the first hand-over, to the first of them.
    pub start: NaiveDate,
    /// When they hand over, by the clocks of the zone.
    pub handover: NaiveTime,
    /// Days of a shift.
    pub every_days: i64,
    /// The zone.
    pub zone: Tz,
    /// When it counts; `None`: always.
    pub only: Option<Interval>,
}

/// Who stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// A stretch during which one person is on call, or nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who; `None`: nobody.
    pub person: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Rota {
    /// Who is on call at a time.
    pub fn who(&self, at: Timestamp) -> Option<&str> {
        let stands_in = self.overrides.iter().rev().find(|o| o.from <= at && at < o.until);
        if let Some(stand_in) = stands_in {
            return Some(&stand_in.person);
        }
        self.layers.iter().rev().find_map(|layer| layer.who(at))
    }

    /// The shifts from a time to another, at most 500.
    pub fn shifts(&self, from: Timestamp, until: Timestamp) -> Vec<Shift> {
        let mut shifts: Vec<Shift> = Vec::new();
        let mut at = from;
        while at < until {
            let next = at.floor_to(STEP_SECONDS).plus_seconds(STEP_SECONDS).min(until);
            let person = self.who(at).map(str::to_owned);
            let full = shifts.len() == SHIFTS_MAX;
            match shifts.last_mut() {
                Some(last) if last.person == person => last.until = next,
                _ if full => break,
                _ => shifts.push(Shift { person, from: at, until: next }),
            }
            at = next;
        }
        shifts
    }
}

impl Layer {
    /// Whose turn it is.
    fn who(&self, at: Timestamp) -> Option<&str> {
        if self.only.as_ref().is_some_and(|only| !only.contains(at)) {
            return None;
        }
        let local = DateTime::from_timestamp_micros(at.micros())?.with_timezone(&self.zone);
        let days = local.date_naive().signed_duration_since(self.start).num_days();
        // Before the hour of the hand-over it is still the day before.
        let days = if local.time() < self.handover { days - 1 } else { days };
        let count = i64::try_from(self.people.len()).ok().filter(|n| *n > 0)?;
        if days < 0 {
            return None;
        }
        let turn = (days / self.every_days.max(1)) % count;
        self.people.get(usize::try_from(turn).ok()?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn weekly(people: &[&str]) -> Layer {
        Layer {
            name: "primary".to_owned(),
            people: people.iter().map(|p| (*p).to_owned()).collect(),
            start: NaiveDate::from_ymd_opt(2024, 2, 5).unwrap(),
            handover: NaiveTime::from_hms_opt(9, 0, 0).unwrap(),
            every_days: 7,
            zone: "Europe/Berlin".parse().unwrap(),
            only: None,
        }
    }

    #[test]
    fn people_take_turns_by_the_clocks_of_their_place() {
        let rota = Rota { layers: vec![weekly(&["ada", "ben"])], overrides: vec![] };
        assert_eq!(rota.who(at("2024-02-05T07:59:59Z")), None, "before the first hand-over");
        assert_eq!(rota.who(at("2024-02-05T08:00:00Z")), Some("ada"));
        assert_eq!(rota.who(at("2024-02-12T07:59:59Z")), Some("ada"));
        assert_eq!(rota.who(at("2024-02-12T08:00:00Z")), Some("ben"));
        // The clocks go forward on 31 March: nine is an hour earlier in UTC.
        assert_eq!(rota.who(at("2024-04-01T06:59:59Z")), Some("ben"));
        assert_eq!(rota.who(at("2024-04-01T07:00:00Z")), Some("ada"));
    }

    #[test]
    fn a_later_layer_and_an_override_go_first() {
        let mut nights = weekly(&["eve"]);
        nights.only = Interval::read(&super::super::IntervalText {
            times: vec!["00:00-06:00".to_owned()],
            ..Default::default()
        })
        .ok();
        let stand_in = Override {
            person: "kim".to_owned(),
            from: at("2024-02-06T10:00:00Z"),
            until: at("2024-02-06T12:00:00Z"),
        };
        let rota = Rota { layers: vec![weekly(&["ada"]), nights], overrides: vec![stand_in] };
        let shifts = rota.shifts(at("2024-02-06T00:00:00Z"), at("2024-02-06T14:00:00Z"));
        let said: Vec<String> = shifts
            .iter()
            .map(|s| format!("{} until {}", s.person.as_deref().unwrap_or("nobody"), s.until))
            .collect();
        let expected = [
            "eve until 2024-02-06T06:00:00Z",
            "ada until 2024-02-06T10:00:00Z",
            "kim until 2024-02-06T12:00:00Z",
            "ada until 2024-02-06T14:00:00Z",
        ];
        assert_eq!(said, expected);
    }
}
