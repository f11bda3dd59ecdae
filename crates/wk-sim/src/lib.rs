//! A week of one small organisation on AWS, written as AWS would write it, with stories whose truth
//! is known.
//!
//! * Same plan, same bytes: no clock, no files, no chance but the plan's seed.
//! * Files come one at a time in the order of their delivery; memory holds about two hours.
//! * Stories are laid over the background and change none of its records, except that while a trail
//!   is switched off nothing is recorded.
//! * Nothing is signed: digest files carry true hashes and a true chain, but the signing key belongs
//!   to AWS.
//!
//! Use: `let mut week = Simulation::new(&Plan::demo(7))`, write each [`File`] that the iterator gives
//! (compressed where it says so), then write [`Simulation::truth`] beside them.

mod agenda;
mod catalogue;
mod clock;
mod config;
mod delivery;
mod deployments;
mod digest;
mod flow;
mod guardduty;
mod identity;
mod noise;
mod people;
mod record;
mod rng;
mod routine;
mod securityhub;
mod stories;
mod truth;
mod world;

pub use delivery::File;
pub use truth::{Counted, ExpectedFinding, Lookalike, Story, Truth};

use wk_model::{Day, Timestamp};

use crate::agenda::{Agenda, Slot};
use crate::clock::{DAY_SECONDS, SLOT_SECONDS};
use crate::delivery::{Filed, Outbox};
use crate::digest::Digests;
use crate::stories::Silence;

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Another seed, another week.
    pub seed: u64,
    /// The first day. Stories keep their weekday and hour if this is a Monday.
    pub start: Day,
    /// How many days.
    pub days: u32,
    /// How much background: 1.0 is the demo's.
    pub scale: f64,
    /// Whether to plant the stories. Each lies on its day of the first week; days that the plan does
    /// not reach have none.
    pub stories: bool,
}

impl Plan {
    /// The week of the demo: Monday 2024-02-12 to Sunday 2024-02-18.
    pub fn demo(seed: u64) -> Self {
        let start = Day::from_civil(2024, 2, 12).unwrap_or_default();
        Self { seed, start, days: 7, scale: 1.0, stories: true }
    }

    /// For benches: about 1,020,000 CloudTrail records (2 % of them twice) in 41,000 files, 1.4 GB
    /// before compression, without stories. Take the files whose source is `cloudtrail`.
    pub fn bench(seed: u64) -> Self {
        Self { scale: 16.8, stories: false, ..Self::demo(seed) }
    }

    /// The first moment after the plan.
    pub fn end(&self) -> Timestamp {
        self.start.start().plus_seconds(i64::from(self.days) * DAY_SECONDS)
    }

    /// The scale in thousandths; nonsense is nothing.
    fn scale_mille(&self) -> u64 {
        let mille = (self.scale * 1000.0).clamp(0.0, 1_000_000.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million, and NaN becomes 0"
        )]
        let whole = mille.round() as u64;
        whole
    }
}

/// The files of a plan, in the order of their delivery, and the truth about them.
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    scale: u64,
    start: Timestamp,
    end: Timestamp,
    /// Everything delivered before this is in the outbox.
    horizon: Timestamp,
    agenda: Agenda,
    flows: Vec<flow::Flow>,
    outbox: Outbox,
    digests: Digests,
    silences: Vec<Silence>,
    truth: Truth,
}

impl Simulation {
    /// Begins a simulation.
    pub fn new(plan: &Plan) -> Self {
        let (start, mut agenda) = (plan.start.start(), Agenda::default());
        let mut truth = Truth { lookalikes: truth::lookalikes(), ..Truth::default() };
        let mut silences = Vec::new();
        if plan.stories {
            let told = stories::tell(&mut agenda, plan.seed, start, plan.end());
            truth.stories = told.stories;
            silences = told.silences;
        }
        Self {
            seed: plan.seed,
            scale: plan.scale_mille(),
            start,
            end: plan.end(),
            horizon: start,
            agenda,
            flows: Vec::new(),
            outbox: Outbox::default(),
            digests: Digests::new(plan.seed),
            silences,
            truth,
        }
    }

    /// The truth about the files that were taken so far; complete once the iterator has ended.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The last digests are those of the hour in which the last log files came.
    fn last_hour(&self) -> Timestamp {
        self.end.plus_seconds(3600)
    }

    fn step(&mut self) {
        let slot = self.horizon;
        let hour = slot.seconds().rem_euclid(3600) == 0;
        if hour && slot > self.start && slot <= self.last_hour() {
            self.digests.close(slot).into_iter().for_each(|f| self.outbox.put(f));
        }
        if slot < self.end {
            self.background(slot);
            let next = slot.plus_seconds(SLOT_SECONDS);
            for happened in self.agenda.take_before(next) {
                self.deliver(slot, happened);
            }
            self.flow_files(next);
        }
        self.horizon = slot.plus_seconds(SLOT_SECONDS);
    }

    fn background(&mut self, slot: Timestamp) {
        let (agenda, seed, scale) = (&mut self.agenda, self.seed, self.scale);
        noise::plan(agenda, seed, slot, scale);
        people::plan(agenda, seed, slot, scale);
        deployments::plan(agenda, seed, slot, scale);
        guardduty::plan(agenda, seed, slot, self.start);
        securityhub::plan(agenda, seed, slot);
        routine::plan(agenda, seed, slot);
        config::plan(&mut self.outbox, seed, slot);
    }

    fn deliver(&mut self, slot: Timestamp, mut happened: Slot) {
        let before = happened.calls.len();
        happened.calls.retain(|e| !self.silences.iter().any(|s| s.trail(e.time)));
        self.truth.unrecorded += (before - happened.calls.len()) as u64;
        for place in world::PLACES {
            let of_place = |e: &record::Event| e.place == place;
            let (calls, rest) = happened.calls.into_iter().partition(of_place);
            happened.calls = rest;
            for filed in delivery::trail_files(self.seed, slot, place, calls) {
                self.outbox.put(filed);
            }
        }
        let notes = delivery::bridge_files(self.seed, slot, happened.bridge)
            .into_iter()
            .chain(delivery::finding_files(self.seed, slot, happened.findings))
            .chain(stories::insight_files(self.seed, slot, happened.insights))
            .chain(config::history_files(self.seed, slot, happened.items));
        notes.for_each(|filed| self.outbox.put(filed));
        self.flows.extend(happened.flows);
    }

    /// At the end of ten minutes, the flow logs of those ten minutes.
    fn flow_files(&mut self, end: Timestamp) {
        if end.seconds().rem_euclid(flow::WINDOW_SECONDS) != 0 {
            return;
        }
        let stories = std::mem::take(&mut self.flows);
        for network in &flow::NETWORKS {
            if self.silences.iter().any(|s| s.flow_log(network, end)) {
                continue;
            }
            let of_network = |f: &&flow::Flow| f.host.place == network.place;
            let own = stories.iter().filter(of_network).cloned().collect();
            self.outbox.put(flow::file(self.seed, network, end, self.scale, own));
        }
    }

    fn count(&mut self, filed: &Filed) {
        let counted = self.truth.sources.entry(filed.file.source).or_default();
        counted.files += 1;
        counted.records += filed.file.records;
        counted.distinct += filed.distinct;
    }
}

impl Iterator for Simulation {
    type Item = File;

    fn next(&mut self) -> Option<File> {
        loop {
            if let Some(filed) = self.outbox.before(self.horizon) {
                self.digests.note(&filed);
                self.count(&filed);
                return Some(filed.file);
            }
            if self.horizon > self.last_hour() && self.outbox.is_empty() {
                return None;
            }
            self.step();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_holds_hours_and_not_the_week() {
        let plan = Plan { scale: 0.2, ..Plan::demo(3) };
        let mut simulation = Simulation::new(&plan);
        let (mut waiting, mut all) = (0, 0);
        while simulation.next().is_some() {
            waiting = waiting.max(simulation.outbox.len());
            all += 1;
        }
        assert!(all > 8_000 && waiting < 60, "{waiting} of {all} at once");
    }
}
