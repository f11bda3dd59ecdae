//! `first_seen`: an event fires if its terms were not there in the days before it, once whoever did
//! it has been known for the learning period. Who is not seen for longer than is remembered is to be
//! learned anew.
//!
//! Terms are remembered by the day, so that it makes no difference whether a day's events come at
//! once or one by one: the first event of a term on a day stands for all of that day.

use std::collections::BTreeMap;

use wk_lang::sigma::FirstSeen;
use wk_model::signal::{Sample, Seen, Signal, Term};
use wk_model::{Day, Sha256, Timestamp};

use super::codec::{NotAState, Reader, Writer};
use super::state::{read_sample, write_sample};
use super::step::{BYTES_MAX, Step, Stepped};

/// How many terms are remembered of a key.
const TERMS_MAX: usize = 10_000;

/// What is remembered of a key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Terms {
    account: Option<String>,
    /// Events up to here are judged.
    judged_to: Option<Timestamp>,
    /// Since when the key is known.
    since: Option<Timestamp>,
    /// The last day of each term, by its hash.
    known: BTreeMap<u64, i32>,
    /// First events of a term and day that are not judged yet; in order of time.
    waiting: Vec<Waiting>,
}

/// An event that is not judged yet.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    sample: Sample,
    term: u64,
}

/// A step of a rule that remembers terms.
pub(super) fn step(
    mut step: Step<'_>,
    kind: &FirstSeen,
    state: Option<&[u8]>,
    signals: Vec<Signal>,
) -> Stepped {
    let shape = step.rule.shape;
    let mut state = step.begin(state.map(|bytes| Terms::decode(bytes, shape)));
    if let Some(seen) = step.seen(signals, &mut state.account) {
        match seen {
            Seen::Terms(terms) => step.stepped.late += state.take_in(terms, kind),
            other => step.stepped.dropped += other.len() as u64,
        }
    }
    let closed = step.closed();
    state.judge(kind, closed, &mut step);
    state.forget(kind, &mut step);
    step.stepped.due = state.due(kind, &step);
    if !(state.known.is_empty() && state.waiting.is_empty()) {
        step.stepped.state = Some(state.encode(shape));
    }
    step.stepped
}

impl Terms {
    /// Takes terms in, and says how many came too late to be judged.
    fn take_in(&mut self, terms: Vec<Term>, kind: &FirstSeen) -> u64 {
        let mut late = 0;
        for Term { term, first } in terms {
            let time = first.event.time;
            let term = hash(&term);
            let judged = self.judged_to.is_some_and(|judged| time <= judged);
            late += u64::from(judged);
            if judged {
                self.met_before(time, kind);
            }
            // What is known already cannot be new, whatever else comes before it.
            if judged || self.is_known(term, time.day(), kind) {
                self.know(term, time.day());
            } else {
                self.waiting.push(Waiting { sample: first, term });
            }
        }
        self.waiting.sort();
        self.waiting.dedup();
        late
    }

    fn is_known(&self, term: u64, day: Day, kind: &FirstSeen) -> bool {
        let history = i64::from(kind.history_days);
        let last = self.known.get(&term).copied();
        last.is_some_and(|last| i64::from(day.number()) - i64::from(last) <= history)
    }

    fn know(&mut self, term: u64, day: Day) {
        let last = self.known.entry(term).or_insert(day.number());
        *last = (*last).max(day.number());
    }

    /// Judges the events whose time is over, in their order.
    fn judge(&mut self, kind: &FirstSeen, closed: Timestamp, step: &mut Step<'_>) {
        let learning = i64::from(kind.learning_days) * 86_400;
        let open = self.waiting.partition_point(|w| w.sample.event.time <= closed);
        let judged: Vec<Waiting> = self.waiting.drain(..open).collect();
        let account = self.account.clone();
        let mut told = None;
        for Waiting { sample, term } in judged {
            let time = sample.event.time;
            self.meet(time, kind);
            let known = self.is_known(term, time.day(), kind);
            if !known && self.known.len() >= TERMS_MAX && !self.known.contains_key(&term) {
                // What cannot be remembered would be new again and again.
                step.stepped.dropped += 1;
                continue;
            }
            self.know(term, time.day());
            // The moment in which somebody is first seen is where they are at home.
            let learned = self.since.is_some_and(|s| s < time && s.plus_seconds(learning) <= time);
            // An event with several new terms is one event.
            if !known && learned && told.as_ref() != Some(&sample.event) {
                let bucket = time.floor_to(step.rule.window_seconds);
                step.sight(account.as_deref(), &sample, bucket, None);
                step.tell_above(account.as_deref(), &sample);
                told = Some(sample.event);
            }
        }
        self.judged_to = self.judged_to.max(Some(closed));
    }

    /// Somebody was there earlier than was known: what comes late is not told, and counts as learned.
    fn met_before(&mut self, time: Timestamp, kind: &FirstSeen) {
        let history = i64::from(kind.history_days) * 86_400;
        let since = self.since.unwrap_or(time);
        if since.plus_seconds(-history) <= time {
            self.since = Some(since.min(time));
        }
    }

    /// Begins to learn the key, where nothing of it is remembered.
    fn meet(&mut self, time: Timestamp, kind: &FirstSeen) {
        let last = self.known.values().max().map_or(i64::MIN, |last| i64::from(*last));
        let forgotten = i64::from(time.day().number()).saturating_sub(last);
        if forgotten > i64::from(kind.history_days) {
            self.since = Some(time);
        }
    }

    /// Lets go the terms that were not there for longer than is remembered.
    fn forget(&mut self, kind: &FirstSeen, step: &mut Step<'_>) {
        let today = i64::from(step.closed().day().number());
        let history = i64::from(kind.history_days);
        self.known.retain(|_, last| today - i64::from(*last) <= history);
        // What waits is told of at most; it comes again as long as it is new.
        while self.waiting.len() > TERMS_MAX || self.waiting_bytes() > BYTES_MAX / 2 {
            let half = self.waiting.len().div_ceil(2);
            step.stepped.dropped += half as u64;
            self.waiting.drain(..half);
        }
    }

    fn waiting_bytes(&self) -> usize {
        let long = |sample: &Sample| {
            let resources: usize = sample.resources.iter().map(String::len).sum();
            let above: usize = sample.above.iter().map(|above| above.key.len() + 64).sum();
            256 + resources + above
        };
        self.waiting.iter().map(|waiting| long(&waiting.sample)).sum()
    }

    fn due(&self, kind: &FirstSeen, step: &Step<'_>) -> Option<Timestamp> {
        if let Some(next) = self.waiting.first() {
            let time = next.sample.event.time.plus_seconds(step.rule.lateness_seconds);
            return Some(time.max(step.now));
        }
        let last = *self.known.values().max()?;
        let days = i32::try_from(kind.history_days).unwrap_or(i32::MAX);
        let over = Day::from_number(last.saturating_add(days).saturating_add(1)).start();
        Some(over.plus_seconds(step.rule.lateness_seconds))
    }

    fn decode(bytes: &[u8], shape: u64) -> Result<Self, NotAState> {
        let mut reader = Reader::new(bytes, shape)?;
        let time = |reader: &mut Reader<'_>| reader.signed().map(Timestamp::from_micros);
        let mut state = Self {
            account: reader.option(Reader::text)?,
            judged_to: reader.option(time)?,
            since: reader.option(time)?,
            ..Self::default()
        };
        let mut before = 0u64;
        for _ in 0..reader.count()? {
            before = before.wrapping_add(reader.number()?);
            let day = i32::try_from(reader.signed()?).map_err(|_| NotAState)?;
            state.known.insert(before, day);
        }
        for _ in 0..reader.count()? {
            let time = time(&mut reader)?;
            let sample = read_sample(&mut reader, time)?;
            state.waiting.push(Waiting { sample, term: reader.number()? });
        }
        reader.end()?;
        Ok(state)
    }

    fn encode(&self, shape: u64) -> Vec<u8> {
        let mut writer = Writer::new(shape);
        let time = |writer: &mut Writer, time: Timestamp| writer.signed(time.micros());
        writer.option(self.account.as_deref(), Writer::text);
        writer.option(self.judged_to, time);
        writer.option(self.since, time);
        writer.count(self.known.len());
        let mut before = 0u64;
        for (term, day) in &self.known {
            writer.number(term.wrapping_sub(before));
            writer.signed(i64::from(*day));
            before = *term;
        }
        writer.count(self.waiting.len());
        for Waiting { sample, term } in &self.waiting {
            time(&mut writer, sample.event.time);
            write_sample(&mut writer, sample);
            writer.number(*term);
        }
        writer.finish()
    }
}

/// A term as it is remembered; nobody outside can aim at a collision.
fn hash(term: &str) -> u64 {
    let digest = Sha256::of(term.as_bytes()).0;
    digest.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
}
