//! Rows of events: one step after the other, and some steps that must not come.
//!
//! Events of one moment are in whatever order is asked for, and what must not come must not come at
//! the same moment either. One event is not two steps one after the other. An event that matches
//! both a step and what must not come beside it is the step.

use wk_lang::sigma::SequenceStep;
use wk_model::Timestamp;

use super::state::Held;

/// All rows of events that end with one event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The event of the last step.
    pub(super) last: usize,
    /// Every event that is in one of the rows, in order.
    pub(super) entries: Vec<usize>,
}

/// A step that must come, and what must not come before it.
struct Wanted {
    rule: usize,
    /// How long after the step before, in seconds.
    within: i64,
    /// Rules that must not match between the step before and this one.
    not: Vec<usize>,
}

/// Steps as they are looked for.
struct Plan {
    span: i64,
    wanted: Vec<Wanted>,
    /// What must not come before the first step, and for how long.
    before: Vec<(usize, i64)>,
    /// What must not come after the last, and for how long.
    behind: Vec<(usize, i64)>,
}

impl Plan {
    fn of(steps: &[SequenceStep], span: i64) -> Self {
        let (mut wanted, mut before, mut waiting): (Vec<Wanted>, Vec<(usize, i64)>, Vec<_>) =
            (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            let within = step.within_seconds.unwrap_or(span);
            match (step.not, wanted.is_empty()) {
                (true, true) => before.push((step.rule, within)),
                (true, false) => waiting.push((step.rule, within)),
                (false, _) => {
                    let not = waiting.drain(..).map(|(rule, _)| rule).collect();
                    wanted.push(Wanted { rule: step.rule, within, not });
                }
            }
        }
        Self { span, wanted, before, behind: waiting }
    }
}

/// The rows whose last step lies between two moments, both included.
pub(super) fn rows(
    steps: &[SequenceStep],
    span: i64,
    held: &[Held],
    from: Timestamp,
    to: Timestamp,
) -> Vec<Row> {
    let plan = Plan::of(steps, span);
    let Some(last) = plan.wanted.last() else { return Vec::new() };
    let mut found = Vec::new();
    for place in held.partition_point(|h| h.time() < from)..held.len() {
        if held[place].time() > to {
            break;
        }
        if matches(&held[place], last.rule) && is_quiet_behind(&plan, held, place) {
            found.extend(rows_to(&plan, held, place));
        }
    }
    found
}

/// The rows that end with the entry at this place: back from it step by step, then forth again, so
/// that only whole rows are left.
fn rows_to(plan: &Plan, held: &[Held], last: usize) -> Option<Row> {
    let begin = held[last].time().plus_seconds(-plan.span);
    let start = held.partition_point(|h| h.time() < begin);
    // Entries of the same moment may stand on either side of the last one.
    let end = held.partition_point(|h| h.time() <= held[last].time());
    let steps = plan.wanted.len();
    let mut possible: Vec<Vec<usize>> = vec![Vec::new(); steps];
    possible[steps - 1] = vec![last];
    for step in (1..steps).rev() {
        let (wanted, rule) = (&plan.wanted[step], plan.wanted[step - 1].rule);
        let behind = &possible[step];
        let mut reached = Vec::new();
        let mut next = 0;
        for place in start..end {
            if !matches(&held[place], rule) {
                continue;
            }
            // The first event of the step behind that is not earlier; a later one is further away
            // and has more between.
            while behind.get(next).is_some_and(|b| held[*b].time() < held[place].time()) {
                next += 1;
            }
            let other = behind.iter().skip(next).take(2).find(|b| **b != place);
            if other.is_some_and(|to| follows(held, place, *to, wanted, rule)) {
                reached.push(place);
            }
        }
        possible[step - 1] = reached;
    }
    possible[0].retain(|place| is_quiet_before(plan, held, *place));
    for step in 1..steps {
        let (wanted, rule) = (&plan.wanted[step], plan.wanted[step - 1].rule);
        let before = std::mem::take(&mut possible[step - 1]);
        let mut at = 0;
        possible[step].retain(|place| {
            // The last event of the step before that is not later.
            while before.get(at + 1).is_some_and(|b| held[*b].time() <= held[*place].time()) {
                at += 1;
            }
            let near = before.get(at.saturating_sub(1)..=at).unwrap_or(&before);
            let earlier = |b: &&usize| *b != place && held[**b].time() <= held[*place].time();
            let from = near.iter().rev().find(earlier);
            from.is_some_and(|from| follows(held, *from, *place, wanted, rule))
        });
        possible[step - 1] = before;
    }
    if possible[steps - 1].is_empty() {
        return None;
    }
    // An event from which no step leads on is in no row.
    let mut entries: Vec<usize> = possible.into_iter().flatten().collect();
    entries.sort_unstable();
    entries.dedup();
    Some(Row { last, entries })
}

/// Whether one event may be the step before another: near enough, and nothing between them that
/// must not be.
fn follows(held: &[Held], from: usize, to: usize, wanted: &Wanted, rule: usize) -> bool {
    let (begin, end) = (held[from].time(), held[to].time());
    if begin.plus_seconds(wanted.within) < end {
        return false;
    }
    wanted.not.is_empty() || !any(held, begin, end, &wanted.not, &[rule, wanted.rule])
}

/// Whether an event between two moments, both included, matches one of these rules, and none of
/// those.
fn any(held: &[Held], begin: Timestamp, end: Timestamp, rules: &[usize], but: &[usize]) -> bool {
    let start = held.partition_point(|h| h.time() < begin);
    let between = held[start..].iter().take_while(|h| h.time() <= end);
    let is_one = |held: &Held, rules: &[usize]| rules.iter().any(|rule| matches(held, *rule));
    between.into_iter().any(|held| is_one(held, rules) && !is_one(held, but))
}

fn is_quiet_before(plan: &Plan, held: &[Held], place: usize) -> bool {
    let (time, own) = (held[place].time(), plan.wanted[0].rule);
    let came = |(rule, within): &(usize, i64)| {
        any(held, time.plus_seconds(-within), time, &[*rule], &[own])
    };
    !plan.before.iter().any(came)
}

fn is_quiet_behind(plan: &Plan, held: &[Held], place: usize) -> bool {
    let time = held[place].time();
    let own = plan.wanted.last().map(|wanted| wanted.rule).unwrap_or_default();
    let came = |(rule, within): &(usize, i64)| {
        any(held, time, time.plus_seconds(*within), &[*rule], &[own])
    };
    !plan.behind.iter().any(came)
}

fn matches(held: &Held, rule: usize) -> bool {
    held.entry.rules.iter().any(|r| usize::from(*r) == rule)
}
