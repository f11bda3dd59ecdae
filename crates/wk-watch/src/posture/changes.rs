//! Changes that were seen and wait to be looked at again.
//!
//! * Many changes of one place are looked at once.
//! * A place rests after each look, the longer the longer that took: a place that changes all day long
//!   takes at most a tenth of the time.
//! * Bounded: beyond [`PLACES_MAX`] places, changes are counted and left to the daily walk.
//! * Pure: told what time it is.

use std::collections::BTreeMap;

use wk_model::Timestamp;

use super::Touched;

/// Places that wait at the same time.
pub const PLACES_MAX: usize = 2_000;
/// Names of events that are told of a place.
const EVENTS_MAX: usize = 5;
/// A place rests at least so long, in seconds,
const REST_SECONDS_MIN: i64 = 15;
/// so many times as long as a look at it took,
const REST_TIMES: i64 = 9;
/// and at most so long.
const REST_SECONDS_MAX: i64 = 1_800;

/// Changes that wait.
#[derive(Debug, Default)]
pub struct Changes {
    waiting: BTreeMap<Touched, Waiting>,
    /// Until when a place rests.
    resting: BTreeMap<Touched, Timestamp>,
    left: u64,
}

/// What waits of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// When the first of the changes was seen.
    pub seen: Timestamp,
    /// How many changes there were.
    pub changes: u64,
    /// What they were, the first few: `cloudtrail:StopLogging`.
    pub events: Vec<String>,
}

/// What is looked at together: services of a region of an account, or of all its regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The account.
    pub account: String,
    /// The region; none is every region.
    pub region: Option<String>,
    /// The services.
    pub services: Vec<&'static str>,
    /// How many changes led to it.
    pub changes: u64,
    /// What they were, the first few.
    pub events: Vec<String>,
    /// When the first of them was seen.
    pub seen: Timestamp,
}

impl Changes {
    /// A change was seen.
    pub fn saw(&mut self, touched: Touched, event: &str, now: Timestamp) {
        if self.waiting.len() >= PLACES_MAX && !self.waiting.contains_key(&touched) {
            self.left += 1;
            return;
        }
        let new = || Waiting { seen: now, changes: 0, events: Vec::new() };
        let waiting = self.waiting.entry(touched).or_insert_with(new);
        waiting.changes += 1;
        if waiting.events.len() < EVENTS_MAX && !waiting.events.iter().any(|e| e == event) {
            waiting.events.push(event.to_owned());
        }
    }

    /// Takes the next look that is due: of the place that waits longest, with what else is due there.
    pub fn take(&mut self, now: Timestamp) -> Option<Look> {
        self.resting.retain(|_, until| *until > now);
        let due = |touched: &Touched| !self.resting.contains_key(touched);
        let first = self.waiting.iter().filter(|(t, _)| due(t)).min_by_key(|(_, w)| w.seen)?.0;
        let (account, region) = (first.account.clone(), first.region.clone());
        let together: Vec<Touched> = self
            .waiting
            .keys()
            .filter(|t| t.account == account && t.region == region && due(t))
            .cloned()
            .collect();
        let (services, changes, events, seen) = (Vec::new(), 0, Vec::new(), now);
        let mut look = Look { account, region, services, changes, events, seen };
        for touched in together {
            let Some(waiting) = self.waiting.remove(&touched) else { continue };
            look.services.push(touched.service);
            look.changes += waiting.changes;
            look.events.extend(waiting.events);
            look.seen = look.seen.min(waiting.seen);
        }
        Some(look)
    }

    /// A look was made and took so long: its places rest.
    pub fn looked(&mut self, look: &Look, took_seconds: i64, now: Timestamp) {
        let rest = took_seconds.saturating_mul(REST_TIMES);
        let until = now.plus_seconds(rest.clamp(REST_SECONDS_MIN, REST_SECONDS_MAX));
        for service in &look.services {
            let (account, region) = (look.account.clone(), look.region.clone());
            self.resting.insert(Touched { account, region, service }, until);
        }
    }

    /// A look failed: what it was for waits again, and rests as if it had been made.
    pub fn failed(&mut self, look: &Look, took_seconds: i64, now: Timestamp) {
        self.looked(look, took_seconds, now);
        for service in &look.services {
            let (account, region) = (look.account.clone(), look.region.clone());
            let (seen, events) = (look.seen, look.events.clone());
            let waiting = Waiting { seen, changes: look.changes, events };
            self.waiting.insert(Touched { account, region, service }, waiting);
        }
    }

    /// How many places wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many changes were left to the daily walk since this was asked last.
    pub fn take_left(&mut self) -> u64 {
        std::mem::take(&mut self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_341_600 + second)
    }

    fn touched(region: &str, service: &'static str) -> Touched {
        let region = (!region.is_empty()).then(|| region.to_owned());
        Touched { account: "111122223333".into(), region, service }
    }

    #[test]
    fn changes_of_one_place_are_looked_at_once_and_together() {
        let mut changes = Changes::default();
        changes.saw(touched("eu-west-1", "ec2"), "ec2:DeleteFlowLogs", at(0));
        changes.saw(touched("", "cloudtrail"), "cloudtrail:StopLogging", at(1));
        changes.saw(touched("eu-west-1", "ec2"), "ec2:DeleteFlowLogs", at(2));
        changes.saw(touched("eu-west-1", "logs"), "logs:DeleteLogGroup", at(3));
        let look = changes.take(at(4)).unwrap();
        assert_eq!((look.services, look.changes, look.seen), (vec!["ec2", "logs"], 3, at(0)));
        assert_eq!(look.events, ["ec2:DeleteFlowLogs", "logs:DeleteLogGroup"]);
        let look = changes.take(at(4)).unwrap();
        assert_eq!((look.region, look.services), (None, vec!["cloudtrail"]));
        assert_eq!(changes.take(at(4)), None);
    }

    #[test]
    fn a_busy_place_rests_as_long_as_its_look_cost_and_others_do_not_wait_for_it() {
        let mut changes = Changes::default();
        changes.saw(touched("eu-west-1", "ec2"), "a", at(0));
        let look = changes.take(at(0)).unwrap();
        changes.looked(&look, 10, at(10));
        changes.saw(touched("eu-west-1", "ec2"), "a", at(11));
        changes.saw(touched("us-east-1", "ec2"), "a", at(12));
        assert_eq!(changes.take(at(12)).unwrap().region.as_deref(), Some("us-east-1"));
        assert_eq!(changes.take(at(99)), None);
        assert_eq!(changes.waiting(), 1);
        assert_eq!(changes.take(at(100)).unwrap().seen, at(11));
    }

    #[test]
    fn a_look_that_failed_is_made_again() {
        let mut changes = Changes::default();
        changes.saw(touched("eu-west-1", "ec2"), "a", at(0));
        let look = changes.take(at(0)).unwrap();
        changes.failed(&look, 1, at(1));
        assert_eq!(changes.take(at(2)), None);
        assert_eq!(changes.take(at(16)), Some(look));
    }

    #[test]
    fn what_is_beyond_the_bound_is_counted() {
        let mut changes = Changes::default();
        for n in 0..PLACES_MAX + 3 {
            let account = format!("{n:012}");
            changes.saw(Touched { account, region: None, service: "ec2" }, "a", at(0));
        }
        assert_eq!(
            (changes.waiting(), changes.take_left(), changes.take_left()),
            (PLACES_MAX, 3, 0)
        );
    }
}
