//! Rules over what the lake holds already: what they would have found, and how much of it.
//!
//! * Rows come in stretches of event time, in any order within one. Rules over several events are
//!   stepped at the end of each stretch, as the detector would have stepped them.
//! * Nothing is committed. What is held is bounded: beyond that, findings are counted and not kept.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use wk_lang::json::Tape;
use wk_model::Timestamp;
use wk_model::finding::{EventRef, Finding, FindingId, Origin, Sighting};
use wk_watch::columns;
use wk_watch::detect::Detections;
use wk_watch::history::Pass;
use wk_watch::sources::Source;
use wk_watch::stateful::packed::Pack;
use wk_watch::stateful::{Counts, MarkedRow, Marks, Memory, Queue};

/// How many findings are kept whole.
const FINDINGS_MAX: usize = 200_000;

/// A run of rules over history.
pub struct Backtest<'a> {
    eyes: Eyes<'a>,
    memory: Memory,
    signals: Pack,
    findings: BTreeMap<FindingId, Finding>,
    records: u64,
    unkept: u64,
}

/// Rules that look at rows of the lake.
pub struct Eyes<'a> {
    detections: &'a Detections,
    tape: Tape,
    matching: Vec<usize>,
    /// Keys and values of events with long lists that rules over several events did not look at.
    pub left_out: u64,
}

/// What the rules would have found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backtested {
    /// Rows that rules looked at; of rules that ask of few rows, only those.
    pub records: u64,
    /// By rule id.
    pub rules: BTreeMap<String, OfRule>,
    /// Sightings of findings beyond those that are kept.
    pub unkept: u64,
    /// Keys and values of events with long lists that rules over several events did not look at.
    pub left_out: u64,
    /// What rules over several events could not use.
    pub counts: Counts,
}

/// What one rule would have found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfRule {
    /// Events in findings.
    pub events: u64,
    /// Findings.
    pub findings: u64,
    /// Who did it.
    pub actors: BTreeSet<String>,
    /// Accounts it happened in.
    pub accounts: BTreeSet<String>,
    /// The newest findings, newest first; at most [`OfRule::SAMPLES_MAX`].
    pub samples: Vec<Finding>,
}

impl OfRule {
    /// How many findings are shown of a rule.
    pub const SAMPLES_MAX: usize = 5;
}

impl<'a> Backtest<'a> {
    /// A run of these rules that has seen nothing.
    pub fn of(detections: &'a Detections) -> Self {
        let (memory, signals, findings) = (Memory::default(), Pack::default(), BTreeMap::new());
        let eyes = Eyes::of(detections);
        Self { eyes, memory, signals, findings, records: 0, unkept: 0 }
    }

    /// Takes in rows of a source's table, as the lake gives them for one of the looks at it.
    pub fn rows(&mut self, source: &'static Source, pass: &Pass, batch: &RecordBatch) {
        let mut seen = Vec::new();
        self.eyes.look(source, pass, batch, &mut self.signals, &mut |sighting| seen.push(sighting));
        if pass.first {
            self.records += batch.num_rows() as u64;
        }
        seen.into_iter().for_each(|sighting| self.see(&sighting));
    }

    /// All rows of events before this time are in.
    pub fn until(&mut self, time: Timestamp) {
        let (rules, mut queue) = (self.eyes.detections.stateful(), Queue::default());
        queue.take_packed(rules, &std::mem::take(&mut self.signals).finish(), &|_| true);
        let seen = self.memory.step_all(rules, queue, time);
        seen.iter().for_each(|sighting| self.see(sighting));
    }

    /// What was found. Windows that are not over at this time stay open.
    pub fn end(mut self, time: Timestamp) -> Backtested {
        self.until(time);
        let mut rules: BTreeMap<String, OfRule> = BTreeMap::new();
        let mut findings: Vec<Finding> = self.findings.into_values().collect();
        findings.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.id.cmp(&b.id)));
        for finding in findings {
            let of = rules.entry(finding.rule.id.clone()).or_default();
            of.events += finding.count;
            of.findings += 1;
            of.actors.extend(finding.actor.clone());
            of.accounts.extend(finding.account.clone());
            if of.samples.len() < OfRule::SAMPLES_MAX {
                of.samples.push(finding);
            }
        }
        let (records, unkept, counts) = (self.records, self.unkept, self.memory.counts);
        Backtested { records, rules, unkept, left_out: self.eyes.left_out, counts }
    }

    fn see(&mut self, sighting: &Sighting) {
        if let Some(finding) = self.findings.get_mut(&sighting.finding) {
            finding.fold(sighting);
        } else if self.findings.len() < FINDINGS_MAX {
            self.findings.insert(sighting.finding.clone(), Finding::begin(sighting));
        } else {
            self.unkept += 1;
        }
    }
}

impl<'a> Eyes<'a> {
    /// These rules.
    pub fn of(detections: &'a Detections) -> Self {
        Self { detections, tape: Tape::default(), matching: Vec::new(), left_out: 0 }
    }

    /// Looks at rows of a source's table, as the lake gives them. What they are to rules over several
    /// events goes into a pack.
    pub fn look(
        &mut self,
        source: &'static Source,
        pass: &Pass,
        batch: &RecordBatch,
        signals: &mut Pack,
        see: &mut dyn FnMut(Sighting),
    ) {
        let mut marks = Marks::default();
        let Self { detections, tape, matching, left_out } = self;
        let rows = columns::Rows::of(source.table, batch);
        for place in 0..batch.num_rows() {
            let there = |column: &str| columns::is_there(batch, column, place);
            let Some(asked) = pass.of_row(there) else { continue };
            let row = rows.row(place);
            let record = match source.json {
                Some(_) if pass.whole => tape.parse(&row.raw).ok(),
                _ => None,
            };
            detections.look(source, asked, &row, record, matching, &mut |sighting| {
                see(Sighting { event: event_of(batch, source, place), ..sighting });
            });
            if !matching.is_empty() {
                let number = u32::try_from(place).unwrap_or(u32::MAX);
                let at = MarkedRow { row: number, origin: Origin::BackFill };
                detections.mark(&row, record, matching, at, &mut marks);
            }
        }
        *left_out += marks.left_out();
        marks.pack(signals, detections.stateful(), batch, source.table.name, None);
    }
}

fn event_of(batch: &RecordBatch, source: &Source, place: usize) -> EventRef {
    EventRef {
        time: columns::event_time(batch, place),
        table: source.table.name.to_owned(),
        id: columns::text(batch, "event_id", place).unwrap_or_default().to_owned(),
    }
}
