//! What a ledger in memory knows of arrivals.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::arrivals::{Arrived, Fed, Histogram, PLACES_MAX, Path, PlaceHour, hour_of};
use wk_model::selfwatch::{
    Hours, INTAKE_HOURS, Intake, KEPT_HOURS, LAG_HOURS, PAUSE_HOURS, PlaceFacts, SelfFacts,
};
use wk_model::{Arrivals, Timestamp};

use crate::ledger::ObjectRow;

/// Everything that arrived.
#[derive(Debug, Default)]
pub(super) struct Book {
    places: BTreeMap<PlaceHour, Arrived>,
    /// Accounts and regions of each source among them.
    told_apart: BTreeMap<String, BTreeSet<(String, String)>>,
    feeds: BTreeMap<String, Fed>,
    intake: BTreeMap<(String, i64), Intake>,
    lags: BTreeMap<(String, Path, i64), Histogram>,
    pauses: BTreeMap<(String, i64), Histogram>,
    folded: u64,
    last_commit: Option<Timestamp>,
}

impl Book {
    /// Takes a commit in.
    pub(super) fn add(&mut self, recorded: Timestamp, objects: &[ObjectRow], arrivals: &Arrivals) {
        let hour = hour_of(recorded);
        self.last_commit = self.last_commit.max(Some(recorded));
        let from = hour - KEPT_HOURS;
        let kept = self.places.len();
        self.places.retain(|place, _| place.hour >= from);
        if self.places.len() < kept {
            self.told_apart.clear();
            for place in self.places.keys() {
                let of = self.told_apart.entry(place.source.clone()).or_default();
                of.insert((place.account.clone(), place.region.clone()));
            }
        }
        for (place, arrived) in arrivals.places.iter().filter(|(p, _)| p.hour >= from) {
            let place = self.told_apart(place, arrived.rows);
            self.places.entry(place).and_modify(|a| a.add(arrived)).or_insert(*arrived);
        }
        for (source, fed) in &arrivals.feeds {
            self.pause(source, fed, hour);
            self.feeds.entry(source.clone()).and_modify(|f| f.add(fed)).or_insert(*fed);
            self.intake.entry((source.clone(), hour)).or_default().late += fed.late;
        }
        for ((source, path), lags) in &arrivals.lags {
            self.lags.entry((source.clone(), *path, hour)).or_default().add(lags);
        }
        for (source, tally) in objects.iter().flat_map(|o| &o.tallies) {
            let (read, stored) = (tally.read, tally.stored);
            let (duplicates, complaints) = (tally.duplicates, tally.complaints);
            let more = Intake { read, stored, duplicates, complaints, late: 0 };
            self.intake.entry((source.clone(), hour)).or_default().add(&more);
        }
    }

    fn told_apart(&mut self, place: &PlaceHour, rows: u64) -> PlaceHour {
        let there = self.told_apart.entry(place.source.clone()).or_default();
        let of = (place.account.clone(), place.region.clone());
        if there.contains(&of) || there.len() < PLACES_MAX {
            there.insert(of);
            return place.clone();
        }
        self.folded += rows;
        place.folded()
    }

    fn pause(&mut self, source: &str, fed: &Fed, hour: i64) {
        let before = self.feeds.get(source).and_then(|f| f.last_live);
        if let (Some(before), Some(_)) = (before, fed.last_live) {
            let micros = fed.first_received.micros() - before.micros();
            if micros > 0 {
                self.pauses.entry((source.to_owned(), hour)).or_default().count(micros);
            }
        }
    }

    pub(super) fn begun(&self) -> BTreeMap<String, Timestamp> {
        self.feeds.iter().map(|(source, fed)| (source.clone(), fed.first_received)).collect()
    }

    pub(super) fn facts(&self, now: Timestamp) -> SelfFacts {
        let (time_now, now) = (now, hour_of(now));
        let mut facts =
            SelfFacts { folded: self.folded, last_commit: self.last_commit, ..Default::default() };
        for (source, fed) in &self.feeds {
            let of = facts.sources.entry(source.clone()).or_default();
            (of.begun, of.last_live, of.last_event) =
                (fed.first_received, fed.last_live, fed.last_event);
        }
        for (place, arrived) in &self.places {
            let of = facts.sources.entry(place.source.clone()).or_default();
            if place.hour <= of.history_after(time_now) {
                continue;
            }
            *of.volume.entry(place.hour).or_default() += arrived.rows;
        }
        for ((source, hour), intake) in
            self.intake.iter().filter(|((_, h), _)| *h > now - INTAKE_HOURS)
        {
            let of = facts.sources.get_mut(source).map(|of| &mut of.intake);
            of.unwrap_or(&mut facts.unread).entry(*hour).or_default().add(intake);
        }
        for ((source, path, hour), lags) in &self.lags {
            if let Some(of) = facts.sources.get_mut(source).filter(|_| *hour > now - LAG_HOURS) {
                of.lags.entry(*path).or_default().add(lags);
            }
        }
        for ((source, hour), pauses) in &self.pauses {
            if let Some(of) = facts.sources.get_mut(source).filter(|_| *hour > now - PAUSE_HOURS) {
                of.pauses.add(pauses);
            }
        }
        facts
    }

    pub(super) fn place_hours(&self, from: i64, until: i64) -> Vec<PlaceFacts> {
        let mut places: BTreeMap<(&str, &str, &str), Hours> = BTreeMap::new();
        for place in self.places.keys() {
            let key = (place.source.as_str(), place.account.as_str(), place.region.as_str());
            places.entry(key).or_insert_with(|| Hours::new(from, until)).insert(place.hour);
        }
        let facts = |((source, account, region), hours): ((&str, &str, &str), Hours)| PlaceFacts {
            source: source.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            hours,
        };
        places.into_iter().map(facts).collect()
    }
}
