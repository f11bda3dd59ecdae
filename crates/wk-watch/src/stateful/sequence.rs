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

/// How many entries before its last one a row may begin; where there are more in the timespan, the
/// earlier ones are not looked at.
const LOOKED_AT_MAX: usize = 250;

/// A step that must come, and what must not come before it.
struct Wanted {
    rule: usize,
    /// How long after the step before, in seconds.
    within: i64,
    /// What must not come between the step before and this one.
    not: Option<Forbidden>,
}

/// What must not come: how many such events there are before each place.
struct Forbidden(Vec<usize>);

impl Forbidden {
    /// Events that match one of some rules, and none of the steps beside them.
    fn of(held: &[Held], rules: &[usize], but: &[usize]) -> Self {
        let mut count = 0;
        let mut counts = Vec::with_capacity(held.len() + 1);
        counts.push(0);
        let is_one = |held: &Held, rules: &[usize]| rules.iter().any(|rule| matches(held, *rule));
        for held in held {
            count += usize::from(is_one(held, rules) && !is_one(held, but));
            counts.push(count);
        }
        Self(counts)
    }

    /// Whether there is one between two moments, both included.
    fn any(&self, held: &[Held], begin: Timestamp, end: Timestamp) -> bool {
        let from = held.partition_point(|h| h.time() < begin);
        let to = held.partition_point(|h| h.time() <= end);
        self.0.get(from) < self.0.get(to)
    }
}

/// Steps as they are looked for.
struct Plan {
    span: i64,
    wanted: Vec<Wanted>,
    /// What must not come before the first step, and for how long.
    before: Vec<(Forbidden, i64)>,
    /// What must not come after the last, and for how long.
    behind: Vec<(Forbidden, i64)>,
}

impl Plan {
    fn of(steps: &[SequenceStep], span: i64, held: &[Held]) -> Self {
        let mut plan = Self { span, wanted: Vec::new(), before: Vec::new(), behind: Vec::new() };
        let positive = |step: &&SequenceStep| !step.not;
        let first = steps.iter().find(positive).map_or(0, |step| step.rule);
        let mut waiting: Vec<(usize, i64)> = Vec::new();
        for step in steps {
            let within = step.within_seconds.unwrap_or(span);
            match (step.not, plan.wanted.last()) {
                (true, None) => {
                    plan.before.push((Forbidden::of(held, &[step.rule], &[first]), within));
                }
                (true, Some(_)) => waiting.push((step.rule, within)),
                (false, before) => {
                    let rules: Vec<usize> = waiting.drain(..).map(|(rule, _)| rule).collect();
                    let beside = [before.map_or(step.rule, |before| before.rule), step.rule];
                    let not = (!rules.is_empty()).then(|| Forbidden::of(held, &rules, &beside));
                    plan.wanted.push(Wanted { rule: step.rule, within, not });
                }
            }
        }
        let last = plan.wanted.last().map_or(0, |wanted| wanted.rule);
        let behind = waiting.into_iter();
        plan.behind =
            behind.map(|(rule, within)| (Forbidden::of(held, &[rule], &[last]), within)).collect();
        plan
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
    let plan = Plan::of(steps, span, held);
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
    let start = start.max(last.saturating_sub(LOOKED_AT_MAX));
    // Entries of the same moment may stand on either side of the last one.
    let end = held.partition_point(|h| h.time() <= held[last].time());
    let end = end.min(last + LOOKED_AT_MAX);
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
            if other.is_some_and(|to| follows(held, place, *to, wanted)) {
                reached.push(place);
            }
        }
        possible[step - 1] = reached;
    }
    possible[0].retain(|place| is_quiet_before(plan, held, *place));
    for step in 1..steps {
        let wanted = &plan.wanted[step];
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
            from.is_some_and(|from| follows(held, *from, *place, wanted))
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
fn follows(held: &[Held], from: usize, to: usize, wanted: &Wanted) -> bool {
    let (begin, end) = (held[from].time(), held[to].time());
    begin.plus_seconds(wanted.within) >= end
        && !wanted.not.as_ref().is_some_and(|not| not.any(held, begin, end))
}

fn is_quiet_before(plan: &Plan, held: &[Held], place: usize) -> bool {
    let time = held[place].time();
    !plan.before.iter().any(|(not, within)| not.any(held, time.plus_seconds(-within), time))
}

fn is_quiet_behind(plan: &Plan, held: &[Held], place: usize) -> bool {
    let time = held[place].time();
    !plan.behind.iter().any(|(not, within)| not.any(held, time, time.plus_seconds(*within)))
}

fn matches(held: &Held, rule: usize) -> bool {
    held.entry.rules.iter().any(|r| usize::from(*r) == rule)
}
