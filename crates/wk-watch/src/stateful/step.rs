//! The second half, after the commit: signals into a state, and what became of them.

use wk_model::Timestamp;
use wk_model::finding::{FindingId, Sighting};
use wk_model::signal::{Entry, Sample, Seen, Signal, merge};

use super::compile::{COUNT_MAX, StatefulRule};
use super::state::{Entries, Held, Told};
use super::windows::{Window, satisfied};

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

/// How many entries a key keeps; twice the highest count that can be asked for.
const ENTRIES_MAX: usize = 20_000;
/// How large a state may be, in bytes.
const BYTES_MAX: usize = 4 << 20;

/// Takes the signals of one rule and key into its state. `now` is when the step is made; it must
/// not go back between two steps of a state.
pub fn step(
    rule: &StatefulRule,
    key: &str,
    state: Option<&[u8]>,
    signals: Vec<Signal>,
    now: Timestamp,
) -> Stepped {
    let mut stepped = Stepped::default();
    let before = state.map(|bytes| Entries::decode(bytes, rule.shape));
    stepped.begun_anew = matches!(before, Some(Err(_)));
    let mut state = before.and_then(Result::ok).unwrap_or_default();
    let mut fresh = Fresh::default();
    for signal in merge(signals) {
        stepped.dropped += signal.left_out;
        state.account = state.account.take().or(signal.account);
        match signal.seen {
            Seen::Entries(entries) => take_in(rule, &mut state, entries, now, &mut fresh),
            other => stepped.dropped += other.len() as u64,
        }
    }
    stepped.late = fresh.late;
    let windows = judge(rule, &mut state, &fresh, now);
    let mut teller = Teller { rule, key, account: state.account.clone(), stepped: &mut stepped };
    teller.tell(&windows, &mut state.held);
    forget(rule, &mut state, now, &mut stepped);
    stepped.due = due(rule, &state, now);
    stepped.state = (!state.held.is_empty()).then(|| state.encode(rule.shape));
    keep_small(rule, &mut state, &mut stepped);
    stepped
}

/// What came with a step.
#[derive(Default)]
struct Fresh {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    late: u64,
}

/// Puts new entries where they belong; those that are there already change nothing.
fn take_in(
    rule: &StatefulRule,
    state: &mut Entries,
    entries: Vec<Entry>,
    now: Timestamp,
    fresh: &mut Fresh,
) {
    let span = rule.correlation.timespan_seconds;
    let identity = |entry: &Entry| (entry.sample.event.clone(), entry.value.clone());
    let mut came = Vec::with_capacity(entries.len());
    for entry in entries {
        let there = state.held.binary_search_by(|held| {
            let (event, other) = (&held.entry.sample.event, &entry.sample.event);
            event.cmp(other).then_with(|| held.entry.value.cmp(&entry.value))
        });
        if there.is_ok() {
            continue;
        }
        let time = entry.sample.event.time;
        let judged = state.judged_to.is_some_and(|judged| time <= judged);
        let forgotten = state.forgotten_to.is_some_and(|f| time.plus_seconds(-span) <= f);
        fresh.late += u64::from(judged || forgotten);
        fresh.first = Some(fresh.first.map_or(time, |first| first.min(time)));
        fresh.last = Some(fresh.last.map_or(time, |last| last.max(time)));
        came.push(Held { entry, came: now.seconds(), told: Told::default() });
    }
    if !came.is_empty() {
        state.held.extend(came);
        state.held.sort_by_cached_key(|held| identity(&held.entry));
    }
}

/// The windows that are to be told now.
fn judge(rule: &StatefulRule, state: &mut Entries, fresh: &Fresh, now: Timestamp) -> Vec<Window> {
    if rule.is_eager() {
        let (Some(first), Some(last)) = (fresh.first, fresh.last) else { return Vec::new() };
        let to = last.plus_seconds(rule.correlation.timespan_seconds);
        return satisfied(rule, &state.held, first, to);
    }
    let closed = now.plus_seconds(-rule.lateness_seconds);
    let from = state.judged_to.map_or(Timestamp::from_micros(i64::MIN), |judged| {
        Timestamp::from_micros(judged.micros().saturating_add(1))
    });
    state.judged_to = Some(state.judged_to.map_or(closed, |judged| judged.max(closed)));
    if from > closed {
        return Vec::new();
    }
    satisfied(rule, &state.held, from, closed)
}

/// Tells of windows.
struct Teller<'a> {
    rule: &'a StatefulRule,
    key: &'a str,
    account: Option<String>,
    stepped: &'a mut Stepped,
}

impl Teller<'_> {
    fn tell(&mut self, windows: &[Window], held: &mut [Held]) {
        // Entries up to here were told of in this bucket already.
        let (mut bucket, mut told_to) = (None, 0);
        for window in windows {
            let of = held[window.last].time().floor_to(self.rule.window_seconds);
            if bucket != Some(of) {
                (bucket, told_to) = (Some(of), 0);
            }
            for place in window.first.max(told_to)..window.end {
                self.sight(held, place, of);
            }
            told_to = window.end;
            for place in window.last..window.end {
                self.tell_above(held, place);
            }
        }
    }

    /// Makes an entry a sighting of the finding of this bucket, once.
    fn sight(&mut self, held: &mut [Held], place: usize, bucket: Timestamp) {
        let own = held[place].time().floor_to(self.rule.window_seconds);
        let mark = if own == bucket { Told::SAME } else { Told::NEXT };
        if !mark_event(held, place, mark) || !self.rule.alerts {
            return;
        }
        let account = self.account.as_deref();
        let sample = &held[place].entry.sample;
        self.stepped.sightings.push(sighting(self.rule, self.key, account, sample, bucket));
    }

    /// Lets the rules above know that a window ends with this entry, once.
    fn tell_above(&mut self, held: &mut [Held], place: usize) {
        if !mark_event(held, place, Told::ABOVE) {
            return;
        }
        let sample = &held[place].entry.sample;
        for (rule, at) in &self.rule.above {
            let above = sample.above.iter().find(|a| a.rule == *rule && a.place == *at);
            let Some(above) = above else { continue };
            let rules = vec![*at];
            let entry = Entry { sample: sample.clone(), rules, value: above.value.clone() };
            self.stepped.signals.push(Signal {
                rule: rule.clone(),
                key: above.key.clone(),
                account: self.account.clone(),
                seen: Seen::Entries(vec![entry]),
                left_out: 0,
            });
        }
    }
}

/// Marks all entries of the event at this place, and says whether none had the mark: an event that
/// brought several values is one event.
fn mark_event(held: &mut [Held], place: usize, mark: Told) -> bool {
    let event = held[place].entry.sample.event.clone();
    let same = |held: &Held| held.entry.sample.event == event;
    let before = held[..place].iter().rev().take_while(|h| same(h)).count();
    let behind = held[place..].iter().take_while(|h| same(h)).count();
    let all = &mut held[place - before..place + behind];
    let news = !all.iter().any(|held| held.told.has(mark));
    all.iter_mut().for_each(|held| held.told.add(mark));
    news
}

/// An event, as part of the finding of a rule, key and bucket.
pub(super) fn sighting(
    rule: &StatefulRule,
    key: &str,
    account: Option<&str>,
    sample: &Sample,
    bucket: Timestamp,
) -> Sighting {
    let time = sample.event.time;
    Sighting {
        finding: FindingId::of_rule(&rule.rule.id, account.unwrap_or_default(), "", key, bucket),
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
        grounds: Default::default(),
    }
}

/// When an entry matters no more: both it and its coming are longer ago than the timespan and the
/// lateness together.
fn expiry(rule: &StatefulRule, held: &Held) -> Timestamp {
    let later = held.time().max(Timestamp::from_seconds(held.came));
    later.plus_seconds(rule.correlation.timespan_seconds + rule.lateness_seconds)
}

/// Lets go what matters no more, and what there is no room for.
fn forget(rule: &StatefulRule, state: &mut Entries, now: Timestamp, stepped: &mut Stepped) {
    let mut forgotten = state.forgotten_to;
    let mut let_go = |held: &Held| forgotten = forgotten.max(Some(held.time()));
    state.held.retain(|held| {
        let stays = expiry(rule, held) > now;
        if !stays {
            let_go(held);
        }
        stays
    });
    let over = state.held.len().saturating_sub(ENTRIES_MAX);
    for held in state.held.drain(..over) {
        let_go(&held);
        stepped.dropped += u64::from(is_recent(rule, &held, now));
    }
    state.forgotten_to = forgotten;
}

/// Whether what belongs to an event may still come in time. Of history, which all comes at once,
/// this is not so: what it lacks, the look-back finds.
fn is_recent(rule: &StatefulRule, held: &Held, now: Timestamp) -> bool {
    let span = rule.correlation.timespan_seconds + rule.lateness_seconds;
    held.time().plus_seconds(span) > now
}

/// Lets the earlier half go until the state is small enough.
fn keep_small(rule: &StatefulRule, state: &mut Entries, stepped: &mut Stepped) {
    while stepped.state.as_ref().is_some_and(|bytes| bytes.len() > BYTES_MAX) {
        let half = state.held.len().div_ceil(2);
        for held in state.held.drain(..half) {
            state.forgotten_to = state.forgotten_to.max(Some(held.time()));
            stepped.dropped += 1;
        }
        stepped.state = (!state.held.is_empty()).then(|| state.encode(rule.shape));
    }
}

/// When the state is to be stepped again: when the next window closes, else when all of it is over.
fn due(rule: &StatefulRule, state: &Entries, now: Timestamp) -> Option<Timestamp> {
    let over = state.held.iter().map(|held| expiry(rule, held)).max()?;
    if rule.is_eager() {
        return Some(over);
    }
    let open = |held: &&Held| state.judged_to.is_none_or(|judged| held.time() > judged);
    let next = state.held.iter().find(open).map(|held| {
        // Judged are windows that end at least the lateness ago.
        held.time().plus_seconds(rule.lateness_seconds)
    });
    Some(next.map_or(over, |next| next.max(now).min(over)))
}

const _: () = assert!(ENTRIES_MAX as u64 >= 2 * COUNT_MAX, "what is asked for must have room");
