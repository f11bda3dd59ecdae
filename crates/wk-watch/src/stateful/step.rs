//! The second half, after the commit: signals into a state, and what became of them.

use std::sync::Arc;

use wk_lang::sigma::Kind;
use wk_model::Timestamp;
use wk_model::finding::{FindingId, Grounds, Matched, Sighting};
use wk_model::signal::{Entry, Sample, Seen, Signal, together};

use super::compile::StatefulRule;
use super::{entries, first_seen, rate};

/// What a step answers.
#[derive(Debug, Default, PartialEq)]
pub struct Stepped {
    /// The state from now on; none where nothing needs to be remembered.
    pub state: Option<Vec<u8>>,
    /// Events that became part of a finding, each once for each finding.
    pub sightings: Vec<Sighting>,
    /// What was found, as signals to rules that look at findings of this one. They belong to rules
    /// behind this one in the order of [`super::Stateful::rules`].
    pub signals: Vec<Signal>,
    /// When the state must be stepped again, even if nothing comes.
    pub due: Option<Timestamp>,
    /// Events that came after what belongs to them was judged or forgotten; the look-back finds
    /// what they are part of.
    pub late: u64,
    /// Events that there was no room for.
    pub dropped: u64,
    /// The state was damaged or of a former form of the rule, and was begun anew.
    pub begun_anew: bool,
}

/// How large a state may be, in bytes.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// Takes the signals of one rule and key into its state. What was delivered up to `now` has been
/// read: it is the clock, or, while history is caught up with, the time of the last delivery that was
/// read. It must not go back between two steps of a state.
pub fn step(
    rule: &StatefulRule,
    key: &str,
    state: Option<&[u8]>,
    signals: Vec<Signal>,
    now: Timestamp,
) -> Stepped {
    let step = Step { rule, key, now, stepped: Stepped::default(), finding: None };
    match &rule.correlation.kind {
        Kind::FirstSeen(kind) => first_seen::step(step, kind, state, signals),
        Kind::Rate(kind) => rate::step(step, kind, state, signals),
        Kind::EventCount(_)
        | Kind::ValueCount(..)
        | Kind::Value(..)
        | Kind::Temporal(_)
        | Kind::TemporalOrdered
        | Kind::Sequence(_)
        | Kind::Travel(_) => entries::step(step, state, signals),
    }
}

/// A step that is being made.
pub(super) struct Step<'a> {
    pub(super) rule: &'a StatefulRule,
    pub(super) key: &'a str,
    pub(super) now: Timestamp,
    pub(super) stepped: Stepped,
    /// The finding of the last sighting: most sightings of a step are of few findings.
    finding: Option<OfBucket>,
}

/// What the sightings of a bucket have in common.
struct OfBucket {
    bucket: Timestamp,
    finding: FindingId,
    matched: Arc<[Matched]>,
}

impl Step<'_> {
    /// What was decoded of the state; where it could not be, that is noted.
    pub(super) fn begin<T: Default, E>(&mut self, decoded: Option<Result<T, E>>) -> T {
        self.stepped.begun_anew = matches!(decoded, Some(Err(_)));
        decoded.and_then(Result::ok).unwrap_or_default()
    }

    /// What was seen, of all signals; what they left out is counted.
    pub(super) fn seen(
        &mut self,
        signals: Vec<Signal>,
        account: &mut Option<String>,
    ) -> Option<Seen> {
        let signal = together(signals)?;
        self.stepped.dropped += signal.left_out;
        *account = account.take().or(signal.account);
        Some(signal.seen)
    }

    /// Up to when events are all there, as far as they are waited for.
    pub(super) fn closed(&self) -> Timestamp {
        self.now.plus_seconds(-self.rule.lateness_seconds)
    }

    /// Makes an event a sighting of the finding of a bucket, if the rule tells at all.
    pub(super) fn sight(
        &mut self,
        account: Option<&str>,
        sample: &Sample,
        bucket: Timestamp,
        reported_count: Option<u64>,
    ) {
        if self.rule.alerts {
            let of = match self.finding.take().filter(|of| of.bucket == bucket) {
                Some(of) => of,
                None => OfBucket::of(self.rule, self.key, account, bucket),
            };
            let sighting = sighting(self.rule, account, sample, &of);
            self.stepped.sightings.push(Sighting { reported_count, ..sighting });
            self.finding = Some(of);
        }
    }

    /// Lets the rules above look at an event that completes a finding.
    pub(super) fn tell_above(&mut self, account: Option<&str>, sample: &Sample) {
        for (rule, at) in &self.rule.above {
            let above = sample.above.iter().find(|a| a.rule == *rule && a.place == *at);
            let Some(above) = above else { continue };
            let rules = vec![*at];
            let entry = Entry { sample: sample.clone(), rules, value: above.value.clone() };
            self.stepped.signals.push(Signal {
                rule: rule.clone(),
                key: above.key.clone(),
                account: account.map(str::to_owned),
                seen: Seen::Entries(vec![entry]),
                left_out: 0,
            });
        }
    }
}

impl OfBucket {
    fn of(rule: &StatefulRule, key: &str, account: Option<&str>, bucket: Timestamp) -> Self {
        let account = account.unwrap_or_default();
        let finding = FindingId::of_rule(&rule.rule.id, account, "", key, bucket);
        Self { bucket, finding, matched: shared(rule, key).into() }
    }
}

/// An event, as part of the finding of a rule, key and bucket.
fn sighting(
    rule: &StatefulRule,
    account: Option<&str>,
    sample: &Sample,
    of: &OfBucket,
) -> Sighting {
    let time = sample.event.time;
    Sighting {
        finding: of.finding.clone(),
        rule: rule.rule.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        account: account.map(str::to_owned),
        region: sample.region.clone(),
        actor: sample.actor.clone(),
        resources: sample.resources.clone(),
        event: sample.event.clone(),
        first_seen: time,
        last_seen: time,
        reported_count: None,
        origin: sample.origin,
        ended: None,
        grounds: Grounds {
            source_ip: sample.source_ip.clone(),
            matched: of.matched.clone(),
            ..Grounds::default()
        },
    }
}

/// What the events of a key have in common: the fields they are grouped by.
fn shared(rule: &StatefulRule, key: &str) -> Vec<Matched> {
    let fields = &rule.correlation.group_by;
    // Behind the account; a key that was too long is a digest.
    let values: Vec<&str> = key.split('\n').skip(1).collect();
    if values.len() != fields.len() {
        return Vec::new();
    }
    let matched = fields.iter().zip(values).map(|(field, value)| Matched {
        field: field.clone(),
        value: value.chars().take(Grounds::VALUE_CHARS).collect(),
    });
    matched.take(Grounds::MATCHED_MAX).collect()
}
