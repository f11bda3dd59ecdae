//! What came too late for rules over several events, found from the lake.
//!
//! * A look back is over the rows that were *received* in a stretch of time: what was delivered when
//!   its windows were judged and forgotten long ago is in there, whenever it happened.
//! * Late rows say which rules and keys they concern. These are stepped anew over all that the lake
//!   holds around them, in the order of event time.
//! * What it finds is quiet: findings of a look back page nobody and lead to nothing. It can be made
//!   again at any time; what is known already changes nothing. What was told is not taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use wk_model::finding::{FindingId, Origin, Sighting};
use wk_model::signal::{Sample, Seen};
use wk_model::{Signal, Timestamp};
use wk_seam::Answer;
use wk_seam::ledger::{Commit, Committed, FindingQuery, Ledger};
use wk_watch::detect::Detections;
use wk_watch::history::Pass;
use wk_watch::sources::{self, Source};
use wk_watch::stateful::packed::{Pack, Packed, Place};
use wk_watch::stateful::{Counts, Memory, Queue, StatefulRule};

use crate::backtest::Eyes;

/// Rules and keys that one look back steps anew; of more, those that come first are.
const KEYS_MAX: usize = 200_000;
/// Sightings that are made true together.
const COMMIT_MAX: usize = 10_000;
/// Sightings that are held; the look back has to be made over less where there are more.
const SIGHTINGS_MAX: usize = 500_000;

/// A look back that is being made.
pub struct LookBack<'a> {
    detections: &'a Detections,
    eyes: Eyes<'a>,
    /// When late events of these rules and keys happened, first and last.
    concerned: BTreeMap<(usize, String), Span>,
    found: BTreeMap<FindingId, Found>,
    /// How many sources rules look at, by their places.
    sources: BTreeMap<usize, usize>,
    sightings: usize,
    /// What is told of it.
    pub told: LookedBack,
}

/// What a look back did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookedBack {
    /// Rows that came late.
    pub late: u64,
    /// Rules and keys that they concern.
    pub keys: u64,
    /// Rules and keys beyond those that there was room for.
    pub keys_left: u64,
    /// Rows that were read again.
    pub rows: u64,
    /// Findings that are new or grew.
    pub findings: u64,
    /// Events that were added to findings.
    pub sightings: u64,
    /// Sightings and events that there was no room for.
    pub dropped: u64,
}

/// A stretch of event time that must be read again, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The rules, by their places.
    rules: BTreeSet<usize>,
}

/// A stretch that is being read again.
pub struct Again<'l, 'a> {
    of: &'l mut LookBack<'a>,
    rules: BTreeSet<usize>,
    memory: Memory,
    signals: Vec<Signal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: Timestamp,
    last: Timestamp,
}

/// The sightings of a finding, as all events of the lake make it.
#[derive(Debug, Default)]
struct Found {
    count: u64,
    /// Those around late events.
    near: Vec<Sighting>,
}

impl<'a> LookBack<'a> {
    /// A look back with these rules that has seen nothing.
    pub fn of(detections: &'a Detections) -> Self {
        Self {
            detections,
            eyes: Eyes::of(detections),
            concerned: BTreeMap::new(),
            found: BTreeMap::new(),
            sources: BTreeMap::new(),
            sightings: 0,
            told: LookedBack::default(),
        }
    }

    /// Takes in rows that came late. `spread_seconds` is how long before the last of them the first
    /// row of the events around them was received: a rule that remembers for longer has seen all of
    /// it together.
    pub fn late(&mut self, source: &'static Source, batch: &RecordBatch, spread_seconds: i64) {
        self.told.late += batch.num_rows() as u64;
        let rules = self.detections.stateful();
        let Some(pass) = Pass::at_all(self.detections, source) else { return };
        let mut pack = Pack::default();
        self.eyes.look(source, &pass, batch, &mut pack, &mut drop);
        for signal in unpacked(pack, |_| true, |_| true) {
            let Some((span, above)) = about(&signal) else { continue };
            let above =
                above.into_iter().filter_map(|(rule, key)| Some((rules.place(&rule)?, key)));
            let own = rules.place(&signal.rule).map(|place| (place, signal.key.clone()));
            for (place, key) in own.into_iter().chain(above) {
                let of_one_source = self.sources_of(place) == 1;
                if !(of_one_source && rules.rules()[place].has_seen_together(spread_seconds)) {
                    self.concern((place, key), span);
                }
            }
        }
        self.told.keys = self.concerned.len() as u64;
    }

    /// How many sources a rule looks at.
    fn sources_of(&mut self, place: usize) -> usize {
        let detections = self.detections;
        let count = || sources::ALL.iter().filter(|s| detections.looks_at(place, s)).count();
        *self.sources.entry(place).or_insert_with(count)
    }

    fn concern(&mut self, of: (usize, String), span: Span) {
        if let Some(there) = self.concerned.get_mut(&of) {
            there.first = there.first.min(span.first);
            there.last = there.last.max(span.last);
        } else if self.concerned.len() < KEYS_MAX {
            self.concerned.insert(of, span);
        } else {
            self.told.keys_left += 1;
        }
    }

    /// What must be read again: rules with a short memory around their late events, and those that
    /// look at days and weeks from the beginning of these.
    pub fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for ((place, _), span) in &self.concerned {
            let reach = reach(self.rules(), *place);
            let (from, until) =
                (span.first.plus_seconds(-reach.before), span.last.plus_seconds(reach.behind));
            stretches.push(Stretch { from, until, rules: BTreeSet::from([*place]) });
        }
        stretches.sort_by_key(|stretch| (stretch.from, stretch.until));
        let mut merged: Vec<Stretch> = Vec::new();
        for stretch in stretches {
            match merged.last_mut() {
                Some(last) if stretch.from <= last.until => {
                    last.until = last.until.max(stretch.until);
                    last.rules.extend(stretch.rules);
                }
                _ => merged.push(stretch),
            }
        }
        merged
    }

    /// Begins to read a stretch again.
    pub fn again(&mut self, stretch: &Stretch) -> Again<'_, 'a> {
        let rules = stretch.rules.clone();
        Again { of: self, rules, memory: Memory::default(), signals: Vec::new() }
    }

    fn rules(&self) -> &'a [StatefulRule] {
        self.detections.stateful().rules()
    }

    /// Notes a sighting of a rule and key.
    fn see(&mut self, place: usize, key: &str, sighting: Sighting) {
        let Some(span) = self.concerned.get(&(place, key.to_owned())) else { return };
        if self.sightings >= SIGHTINGS_MAX {
            self.told.dropped += 1;
            return;
        }
        self.sightings += 1;
        let (before, behind) = self.rules()[place].tells_around();
        let time = sighting.event.time;
        let near =
            span.first.plus_seconds(-before) <= time && time <= span.last.plus_seconds(behind);
        let found = self.found.entry(sighting.finding.clone()).or_default();
        found.count += 1;
        if near {
            found.near.push(sighting);
        }
    }

    /// Makes what was found true, as far as it is not known: quietly, and in such a way that it may
    /// be made true again.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn keep(
        mut self,
        ledger: &Arc<dyn Ledger>,
        writer: &str,
        now: Timestamp,
    ) -> Answer<LookedBack> {
        let mut news = Vec::new();
        for (id, found) in std::mem::take(&mut self.found) {
            let new = self.news(ledger, id, found).await?;
            self.told.findings += u64::from(!new.is_empty());
            self.told.sightings += new.len() as u64;
            news.extend(new);
        }
        let mut news = news.into_iter();
        loop {
            let sightings: Vec<Sighting> = news.by_ref().take(COMMIT_MAX).collect();
            if sightings.is_empty() {
                return Ok(self.told);
            }
            let (writer, recorded) = (writer.to_owned(), now);
            let commit = Commit { writer, recorded, sightings, ..Commit::default() };
            match ledger.commit(&commit).await? {
                // Sightings alone are checked against nothing that another process could change.
                Committed::Done { .. } | Committed::Stale { .. } => {}
            }
        }
    }

    /// What of a finding is not known yet.
    async fn news(
        &self,
        ledger: &Arc<dyn Ledger>,
        id: FindingId,
        found: Found,
    ) -> Answer<Vec<Sighting>> {
        let query = FindingQuery { id: Some(id.0), ..FindingQuery::default() };
        let known = ledger.findings(&query).await?.into_iter().next();
        let (count, events) = known.map(|f| (f.count, f.events)).unwrap_or_default();
        let whole = found.count;
        let is_new = |sighting: &Sighting| {
            let more = sighting.reported_count.unwrap_or(whole) > count;
            more && events.binary_search(&sighting.event).is_err()
        };
        let mut new: Vec<Sighting> = found.near.into_iter().filter(is_new).collect();
        new.retain_mut(|sighting| {
            // A finding counts what all of its events are together, so that nothing counts twice.
            sighting.reported_count = Some(sighting.reported_count.unwrap_or(whole));
            sighting.origin = Origin::BackFill;
            self.detections.admits(sighting)
        });
        Ok(new)
    }
}

impl Again<'_, '_> {
    /// Whether a rule of the stretch looks at records of this source.
    pub fn looks_at(&self, source: &Source) -> bool {
        self.rules.iter().any(|place| self.of.detections.looks_at(*place, source))
    }

    /// Takes in rows of the stretch, as the lake gives them for one of the looks at it.
    pub fn rows(&mut self, source: &'static Source, pass: &Pass, batch: &RecordBatch) {
        if pass.first {
            self.of.told.rows += batch.num_rows() as u64;
        }
        let mut pack = Pack::default();
        self.of.eyes.look(source, pass, batch, &mut pack, &mut drop);
        let rules = self.of.detections.stateful();
        // Of most signals their rule and key say that nobody here looks at them.
        let may_be = |place: &Place<'_>| {
            let rule = rules.find(place.rule);
            self.is_concerned(place.rule, place.key) || rule.is_some_and(StatefulRule::is_looked_at)
        };
        let wanted = unpacked(pack, may_be, |signal| self.is_wanted(signal));
        self.signals.extend(wanted);
    }

    /// Whether a rule and key of this stretch looks at it, or at what is made of it.
    fn is_wanted(&self, signal: &Signal) -> bool {
        self.is_concerned(&signal.rule, &signal.key)
            || samples(signal)
                .flat_map(|sample| &sample.above)
                .any(|above| self.is_concerned(&above.rule, &above.key))
    }

    fn is_concerned(&self, rule: &str, key: &str) -> bool {
        let place = self.of.detections.stateful().place(rule);
        let place = place.filter(|place| self.rules.contains(place));
        place.is_some_and(|place| self.of.concerned.contains_key(&(place, key.to_owned())))
    }

    /// All rows of events before this time are in.
    pub fn until(&mut self, time: Timestamp) {
        let (rules, mut queue) = (self.of.detections.stateful(), Queue::default());
        queue.take_in(rules, std::mem::take(&mut self.signals));
        let (of, here) = (&mut *self.of, &self.rules);
        self.memory.step_each(rules, queue, time, &mut |place, key, sighting| {
            if here.contains(&place) {
                of.see(place, key, sighting);
            }
        });
    }
}

impl Drop for Again<'_, '_> {
    /// What did not find room is told, whenever the reading ends.
    fn drop(&mut self) {
        let Counts { late, dropped, orphans, unreadable } = self.memory.counts;
        self.of.told.dropped += late + dropped + orphans + unreadable;
    }
}

/// The signals of a pack whose rule and key may be wanted, and which are.
fn unpacked(
    pack: Pack,
    may_be: impl Fn(&Place<'_>) -> bool,
    is: impl Fn(&Signal) -> bool,
) -> Vec<Signal> {
    // It was packed a moment ago.
    let packs = Packed::all(&pack.finish()).unwrap_or_default();
    let mut all = Vec::new();
    for pack in &packs {
        let places = pack.signals().filter(&may_be);
        all.extend(places.filter_map(|place| pack.read(place)).filter(&is));
    }
    all
}

/// When the events of a signal happened, and which rules and keys stand above.
fn about(signal: &Signal) -> Option<(Span, BTreeSet<(String, String)>)> {
    let mut span: Option<Span> = None;
    let mut all = BTreeSet::new();
    for sample in samples(signal) {
        let time = sample.event.time;
        let there = span.get_or_insert(Span { first: time, last: time });
        *there = Span { first: there.first.min(time), last: there.last.max(time) };
        all.extend(sample.above.iter().map(|above| (above.rule.clone(), above.key.clone())));
    }
    Some((span?, all))
}

fn samples(signal: &Signal) -> Box<dyn Iterator<Item = &Sample> + '_> {
    match &signal.seen {
        Seen::Entries(entries) => Box::new(entries.iter().map(|entry| &entry.sample)),
        Seen::Terms(terms) => Box::new(terms.iter().map(|term| &term.first)),
        Seen::Counts(counts) => Box::new(counts.iter().map(|count| &count.first)),
    }
}

/// How far around a late event a rule must be stepped anew, in seconds.
struct Reach {
    before: i64,
    behind: i64,
}

/// Twice as far as it reaches, with whole findings at both ends: so all that is told around a late
/// event is complete. What a rule looks at is stepped with it.
fn reach(rules: &[StatefulRule], place: usize) -> Reach {
    let mut reach = Reach { before: 0, behind: 0 };
    let mut open = vec![place];
    while let Some(rule) = open.pop().and_then(|place| rules.get(place)) {
        let (before, behind) = rule.tells_around();
        reach.before += 2 * before + rule.looks_back_seconds() + rule.window_seconds;
        reach.behind += 2 * behind + rule.window_seconds;
        open.extend(rule.rules_below());
    }
    reach
}
