//! What something was, stretch by stretch, by what witnesses saw of it.

use wk_model::Timestamp;

/// So long after a witness something is taken to be as it was seen, in seconds: two daily walks, of which
/// one may have failed.
pub const GAP_SECONDS: i64 = 50 * 3600;

/// What a witness saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    /// When.
    pub at: Timestamp,
    /// A call, which changed it then; else somebody who looked how it was.
    pub changed: bool,
    /// Whether it was on from then.
    pub on: bool,
    /// The event or capture.
    pub evidence: String,
    /// What it was: `StopLogging by arn:…`, or nothing.
    pub told: String,
}

/// What something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On.
    On,
    /// Off.
    Off,
    /// Nobody knows.
    Unknown,
}

/// A stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end, which is not part of it.
    pub until: Timestamp,
    /// What it was.
    pub state: State,
    /// The witnesses at its ends.
    pub evidence: Vec<String>,
    /// What they told.
    pub told: Vec<String>,
}

/// The stretches of a period, one behind the other, without a hole. Witnesses from before the period count
/// for its beginning; they may come in any order.
pub fn stretches(
    since: Timestamp,
    until: Timestamp,
    witnesses: &[Witness],
    gap_seconds: i64,
) -> Vec<Stretch> {
    let mut all: Vec<&Witness> = witnesses.iter().filter(|w| w.at < until).collect();
    all.sort();
    all.dedup();
    let mut line = Line { since, until, stretches: Vec::new() };
    let first = all.first().map_or(until, |w| w.at);
    line.put(since, first, State::Unknown, &[]);
    for (n, witness) in all.iter().enumerate() {
        let next = all.get(n + 1).copied();
        let end = next.map_or(until, |next| next.at);
        let state = if witness.on { State::On } else { State::Off };
        // Somebody found it otherwise, and no call says since when.
        let contradicted = next.is_some_and(|next| !next.changed && next.on != witness.on);
        if contradicted {
            line.put(witness.at, end, State::Unknown, &[Some(witness), next]);
            continue;
        }
        let sure = end.min(witness.at.plus_seconds(gap_seconds));
        line.put(witness.at, sure, state, &[Some(witness), next.filter(|_| sure == end)]);
        line.put(sure, end, State::Unknown, &[next]);
    }
    line.stretches
}

struct Line {
    since: Timestamp,
    until: Timestamp,
    stretches: Vec<Stretch>,
}

impl Line {
    fn put(&mut self, from: Timestamp, to: Timestamp, state: State, by: &[Option<&Witness>]) {
        let (from, to) = (from.max(self.since), to.min(self.until));
        if from >= to {
            return;
        }
        let by = || by.iter().flatten();
        let told = |w: &&Witness| (!w.told.is_empty()).then(|| format!("{} at {}", w.told, w.at));
        let (evidence, told) = (by().map(|w| w.evidence.clone()), by().filter_map(told));
        if let Some(last) = self.stretches.last_mut()
            && last.state == state
        {
            last.until = to;
            last.evidence.extend(evidence);
            last.told.extend(told);
            last.evidence.dedup();
            last.told.dedup();
            return;
        }
        let (evidence, told) = (evidence.collect(), told.collect());
        self.stretches.push(Stretch { since: from, until: to, state, evidence, told });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_seconds(hour * 3600)
    }

    /// Witnesses by hour: `+` a call that switches on, `-` one that switches off, `1` found on, `0` found
    /// off. The stretches of the hours from 100 to 200: `on 100-200`.
    fn said(witnesses: &str) -> String {
        let read = |word: &str| {
            let (kind, hour) = word.split_at(1);
            Witness {
                at: at(hour.parse().unwrap()),
                changed: kind == "+" || kind == "-",
                on: kind == "+" || kind == "1",
                evidence: word.to_owned(),
                told: String::new(),
            }
        };
        let all: Vec<Witness> = witnesses.split_whitespace().map(read).collect();
        let stretches = stretches(at(100), at(200), &all, GAP_SECONDS);
        let hour = |t: Timestamp| t.seconds() / 3600;
        let word = |s: &Stretch| {
            let state = match s.state {
                State::On => "on",
                State::Off => "off",
                State::Unknown => "?",
            };
            format!("{state} {}-{}", hour(s.since), hour(s.until))
        };
        stretches.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn calls_tell_when_it_was_off() {
        let daily = "195 1110 1134 1158 1182";
        assert_eq!(said(daily), "on 100-200");
        assert_eq!(said(&format!("{daily} -140 +142")), "on 100-140, off 140-142, on 142-200");
        assert_eq!(said("195 1110 1134 -140 0158 0182"), "on 100-140, off 140-200");
    }

    #[test]
    fn what_nobody_saw_is_not_known() {
        assert_eq!(said(""), "? 100-200");
        assert_eq!(said("1120"), "? 100-120, on 120-170, ? 170-200");
        assert_eq!(said("140 1199"), "? 100-199, on 199-200");
        assert_eq!(said("195 1110 1134 0158 0182"), "on 100-134, ? 134-158, off 158-200");
    }

    proptest! {
        #[test]
        fn stretches_fill_the_period_whatever_witnesses_say_and_in_whatever_order(
            (words, shuffled) in proptest::collection::vec((0usize..4, 10i64..250), 0..40)
                .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        ) {
            let texts = |all: &[(usize, i64)]| all.iter()
                .map(|(kind, hour)| format!("{}{hour}", ["+", "-", "1", "0"][*kind]))
                .collect::<Vec<_>>().join(" ");
            let one = said(&texts(&words));
            prop_assert_eq!(&one, &said(&texts(&shuffled)));
            let mut reached = 100;
            for part in one.split(", ") {
                let (from, to) = part.split_once(' ').unwrap().1.split_once('-').unwrap();
                prop_assert_eq!(from.parse::<i64>().unwrap(), reached);
                reached = to.parse().unwrap();
            }
            prop_assert_eq!(reached, 200);
        }
    }
}
