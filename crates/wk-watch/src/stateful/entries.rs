//! Kinds that keep the events themselves: counts, sums, orders, sequences.

use wk_lang::sigma::{Kind, SequenceStep};
use wk_model::Timestamp;
use wk_model::signal::{Entry, Seen, Signal};

use super::compile::{COUNT_MAX, StatefulRule};
use super::sequence::{self, Row};
use super::state::{Entries, Held, Told};
use super::step::{BYTES_MAX, Step, Stepped};
use super::travel;
use super::windows::{Window, satisfied};

/// How many entries a key keeps; twice the highest count that can be asked for.
const ENTRIES_MAX: usize = 20_000;
/// How many it keeps for a sequence, where rows of events are looked for from each end.
const SEQUENCE_MAX: usize = 4_000;

/// How many it keeps where each event is compared with each.
const PAIRS_MAX: usize = 4_000;

/// A step of a rule that keeps events.
pub(super) fn step(mut step: Step<'_>, state: Option<&[u8]>, signals: Vec<Signal>) -> Stepped {
    let rule = step.rule;
    let mut state = step.begin(state.map(|bytes| Entries::decode(bytes, rule.shape)));
    let mut fresh = Fresh::default();
    if let Some(seen) = step.seen(signals, &mut state.account) {
        match seen {
            Seen::Entries(entries) => fresh.take_in(rule, &mut state, entries, step.now),
            other => step.stepped.dropped += other.len() as u64,
        }
    }
    step.stepped.late = fresh.late;
    let looked_at = match rule.correlation.kind {
        Kind::Sequence(_) => Some(ENTRIES_MAX),
        Kind::Travel(_) => Some(PAIRS_MAX),
        _ => None,
    };
    if let Some(max) = looked_at {
        // Not judged yet, so every one of them is missed.
        step.stepped.dropped += state.held.len().saturating_sub(max) as u64;
        keep_latest(&mut state, max, |_| {});
    }
    let account = state.account.clone();
    if let Some((from, to)) = to_judge(rule, &mut state, &fresh, step.now) {
        let mut teller = Teller { step: &mut step, account: account.as_deref() };
        match &rule.correlation.kind {
            Kind::Sequence(steps) => {
                let span = rule.correlation.timespan_seconds;
                teller.rows(&sequence::rows(steps, span, &state.held, from, to), &mut state.held);
            }
            Kind::Travel(kind) => {
                let span = rule.correlation.timespan_seconds;
                let bucket = rule.window_seconds;
                let rows = travel::rows(kind, span, bucket, &state.held, (from, to));
                teller.rows(&rows, &mut state.held);
            }
            _ => teller.windows(&satisfied(rule, &state.held, from, to), &mut state.held),
        }
    }
    forget(&mut step, &mut state);
    step.stepped.due = due(rule, &state, step.now);
    keep(&mut step, &mut state);
    step.stepped
}

/// What came with a step.
#[derive(Default)]
struct Fresh {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    late: u64,
}

impl Fresh {
    /// Puts new entries where they belong; those that are there already change nothing.
    fn take_in(
        &mut self,
        rule: &StatefulRule,
        state: &mut Entries,
        entries: Vec<Entry>,
        now: Timestamp,
    ) {
        let reach = Reach::of(rule);
        let mut came = Vec::with_capacity(entries.len());
        for entry in entries {
            let there = state.held.binary_search_by(|held| order(&held.entry, &entry));
            if let Ok(place) = there {
                let held = &mut state.held[place].entry;
                let before = held.rules.len();
                held.take_in(&entry);
                if held.rules.len() == before {
                    continue;
                }
            }
            let time = entry.sample.event.time;
            let judged = |to: Timestamp| time <= to.plus_seconds(reach.behind);
            let forgotten = |to: Timestamp| time.plus_seconds(-reach.before) <= to;
            let late =
                state.judged_to.is_some_and(judged) || state.forgotten_to.is_some_and(forgotten);
            self.late += u64::from(late);
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
            if there.is_err() {
                came.push(Held { entry, came: now.seconds(), told: Told::default() });
            }
        }
        if !came.is_empty() {
            state.held.extend(came);
            state.held.sort_by(|a, b| order(&a.entry, &b.entry));
        }
    }
}

/// Entries are in order of time, then of the event, then of the value.
fn order(a: &Entry, b: &Entry) -> std::cmp::Ordering {
    a.sample.event.cmp(&b.sample.event).then_with(|| a.value.cmp(&b.value))
}

/// How far from the event at which it ends a window or a row of events reaches, in seconds.
pub(super) struct Reach {
    pub(super) before: i64,
    pub(super) behind: i64,
}

impl Reach {
    pub(super) fn of(rule: &StatefulRule) -> Self {
        let span = rule.correlation.timespan_seconds;
        let Kind::Sequence(steps) = &rule.correlation.kind else {
            return Self { before: span, behind: 0 };
        };
        // What must not come before the first step, or after the last.
        let not = |step: &&SequenceStep| step.not;
        let longest = |steps: &mut dyn Iterator<Item = &SequenceStep>| {
            steps.map(|step| step.within_seconds.unwrap_or(span)).max().unwrap_or_default()
        };
        let before = longest(&mut steps.iter().take_while(not));
        let behind = longest(&mut steps.iter().rev().take_while(not));
        Self { before: span + before, behind }
    }
}

/// Between which moments, both included, windows end that are to be judged now.
fn to_judge(
    rule: &StatefulRule,
    state: &mut Entries,
    fresh: &Fresh,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let reach = Reach::of(rule);
    if rule.is_eager() {
        // Every window that something new is in.
        return Some((fresh.first?, fresh.last?.plus_seconds(reach.before)));
    }
    let closed = now.plus_seconds(-rule.lateness_seconds - reach.behind);
    let next = |judged: Timestamp| Timestamp::from_micros(judged.micros().saturating_add(1));
    let from = state.judged_to.map_or(Timestamp::from_micros(i64::MIN), next);
    state.judged_to = state.judged_to.max(Some(closed));
    (from <= closed).then_some((from, closed))
}

/// Tells of windows.
struct Teller<'a, 'b> {
    step: &'a mut Step<'b>,
    account: Option<&'a str>,
}

impl Teller<'_, '_> {
    fn windows(&mut self, windows: &[Window], held: &mut [Held]) {
        // Entries up to here were told of in this bucket already.
        let (mut bucket, mut told_to) = (None, 0);
        for window in windows {
            let of = held[window.last].time().floor_to(self.step.rule.window_seconds);
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

    fn rows(&mut self, rows: &[Row], held: &mut [Held]) {
        for row in rows {
            let bucket = held[row.last].time().floor_to(self.step.rule.window_seconds);
            row.entries.iter().for_each(|place| self.sight(held, *place, bucket));
            self.tell_above(held, row.last);
        }
    }

    /// Makes an entry a sighting of the finding of this bucket, once.
    fn sight(&mut self, held: &mut [Held], place: usize, bucket: Timestamp) {
        let own = held[place].time().floor_to(self.step.rule.window_seconds);
        let mark = if own == bucket { Told::SAME } else { Told::NEXT };
        if mark_event(held, place, mark) {
            self.step.sight(self.account, &held[place].entry.sample, bucket, None);
        }
    }

    /// Lets the rules above know that a window ends with this entry, once.
    fn tell_above(&mut self, held: &mut [Held], place: usize) {
        if mark_event(held, place, Told::ABOVE) {
            self.step.tell_above(self.account, &held[place].entry.sample);
        }
    }
}

/// Marks all entries of the event at this place, and says whether none had the mark: an event that
/// brought several values is one event.
fn mark_event(held: &mut [Held], place: usize, mark: Told) -> bool {
    let event = &held[place].entry.sample.event;
    let same = |held: &Held| held.entry.sample.event == *event;
    let before = held[..place].iter().rev().take_while(|h| same(h)).count();
    let behind = held[place..].iter().take_while(|h| same(h)).count();
    let all = &mut held[place - before..place + behind];
    let news = !all.iter().any(|held| held.told.has(mark));
    all.iter_mut().for_each(|held| held.told.add(mark));
    news
}

/// When an entry matters no more: both it and its coming are longer ago than what belongs to it
/// may lie apart, and the lateness.
fn expiry(rule: &StatefulRule, held: &Held) -> Timestamp {
    let later = held.time().max(Timestamp::from_seconds(held.came));
    later.plus_seconds(keeps_seconds(rule))
}

fn keeps_seconds(rule: &StatefulRule) -> i64 {
    let reach = Reach::of(rule);
    reach.before + reach.behind + rule.lateness_seconds
}

/// Lets go what matters no more, and what there is no room for.
fn forget(step: &mut Step<'_>, state: &mut Entries) {
    let (rule, now) = (step.rule, step.now);
    let mut forgotten = state.forgotten_to;
    state.held.retain(|held| {
        let stays = expiry(rule, held) > now;
        if !stays {
            forgotten = forgotten.max(Some(held.time()));
        }
        stays
    });
    let max = match rule.correlation.kind {
        Kind::Sequence(_) => SEQUENCE_MAX,
        Kind::Travel(_) => PAIRS_MAX,
        _ => ENTRIES_MAX,
    };
    state.forgotten_to = forgotten;
    // Of history, which all comes at once, nothing is missed that would come later.
    let recent = |held: &Held| held.time().plus_seconds(keeps_seconds(rule)) > now;
    keep_latest(state, max, |held| step.stepped.dropped += u64::from(recent(held)));
}

/// Lets the earliest entries go if there are too many.
fn keep_latest(state: &mut Entries, max: usize, mut gone: impl FnMut(&Held)) {
    let over = state.held.len().saturating_sub(max);
    for held in state.held.drain(..over) {
        state.forgotten_to = state.forgotten_to.max(Some(held.time()));
        gone(&held);
    }
}

/// Writes the state; the earlier half goes until it is small enough.
fn keep(step: &mut Step<'_>, state: &mut Entries) {
    let encode = |state: &Entries| (!state.held.is_empty()).then(|| state.encode(step.rule.shape));
    let mut bytes = encode(state);
    while bytes.as_ref().is_some_and(|bytes| bytes.len() > BYTES_MAX) {
        let half = state.held.len().div_ceil(2);
        for held in state.held.drain(..half) {
            state.forgotten_to = state.forgotten_to.max(Some(held.time()));
            step.stepped.dropped += 1;
        }
        bytes = encode(state);
    }
    step.stepped.state = bytes;
}

/// When the state is to be stepped again: when the next window closes, else when all of it is over.
fn due(rule: &StatefulRule, state: &Entries, now: Timestamp) -> Option<Timestamp> {
    let over = state.held.iter().map(|held| expiry(rule, held)).max()?;
    if rule.is_eager() {
        return Some(over);
    }
    let open = |held: &&Held| state.judged_to.is_none_or(|judged| held.time() > judged);
    let closes =
        |held: &Held| held.time().plus_seconds(rule.lateness_seconds + Reach::of(rule).behind);
    let next = state.held.iter().find(open).map(closes);
    Some(next.map_or(over, |next| next.max(now).min(over)))
}

const _: () = assert!(ENTRIES_MAX as u64 >= 2 * COUNT_MAX, "what is asked for must have room");
