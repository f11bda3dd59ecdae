//! What a verdict is beside the one before it: whether something drifted, came back, or is accepted.
//!
//! * A drift has a name: the time at which it was first seen. Every verdict until it is over carries it,
//!   so that a second drift of the same resource is a finding of its own.
//! * What is not as it should be when it appears has drifted too, where its place was seen before.
//! * What could not be seen is not taken for anything: neither does it drift, nor is it gone.
//! * What an exception covers is still judged; it counts again from when the exception ends.

use wk_model::Timestamp;
use wk_model::check::Verdict;

/// What was said of a resource when it was last seen; what could not be seen then does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// The drift that it was part of.
    pub drifted: Option<String>,
    /// The exception that covered it.
    pub exception: Option<String>,
    /// There was no such resource, and there would have been a verdict on it.
    pub absent: bool,
}

/// What becomes of a resource by a new verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was as it should be and is not.
    Drifted,
    /// It is new, and not as it should be.
    Appeared,
    /// It was not as it should be all the time, and the exception that covered it is over.
    Uncovered,
    /// It drifted before and is as it should be again, or is gone.
    Mended,
    /// Nothing that anybody must hear of.
    Same,
}

impl Turn {
    /// What becomes of it.
    pub fn of(before: &Before, verdict: Verdict, exception: Option<&str>) -> Self {
        use Verdict::{Compliant, NoData, NonCompliant, NotApplicable};
        match (before.verdict, verdict) {
            (Some(Compliant | NotApplicable), NonCompliant) => Self::Drifted,
            (None | Some(NoData), NonCompliant) if before.absent => Self::Appeared,
            (Some(NonCompliant), NonCompliant)
                if before.exception.is_some() && exception.is_none() =>
            {
                Self::Uncovered
            }
            (Some(NonCompliant), Compliant | NotApplicable) if before.drifted.is_some() => {
                Self::Mended
            }
            _ => Self::Same,
        }
    }

    /// The name of the drift that the new verdict is part of.
    pub fn drift(self, before: &Before, verdict: Verdict, now: Timestamp) -> Option<String> {
        let carried = || before.drifted.clone();
        match self {
            Self::Drifted | Self::Appeared => Some(now.to_string()),
            Self::Uncovered => Some(carried().unwrap_or_else(|| now.to_string())),
            Self::Mended => carried(),
            Self::Same if verdict == Verdict::NonCompliant => carried(),
            Self::Same => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verdicts one after another (C, N, -: not applicable; * is covered by an exception), and what
    /// becomes of them with the drift's number.
    fn story(verdicts: &str) -> String {
        let (mut before, mut told) = (Before::default(), Vec::new());
        for (n, word) in verdicts.split(' ').enumerate() {
            let now = Timestamp::from_seconds(1_000_000_000 + i64::try_from(n).unwrap());
            let verdict = match word.trim_end_matches('*') {
                "C" => Verdict::Compliant,
                "N" => Verdict::NonCompliant,
                _ => Verdict::NotApplicable,
            };
            let exception = word.ends_with('*').then(|| "x-1".to_owned());
            let turn = Turn::of(&before, verdict, exception.as_deref());
            let drifted = turn.drift(&before, verdict, now);
            let name = drifted.iter().filter_map(|d| d.chars().nth(18)).collect::<String>();
            told.push(format!("{turn:?}{name}"));
            before = Before { verdict: Some(verdict), drifted, exception, absent: false };
        }
        told.join(" ")
    }

    #[test]
    fn a_drift_keeps_its_name_until_it_is_over_and_the_next_has_another() {
        assert_eq!(story("C N N C C N"), "Same Drifted1 Same1 Mended1 Same Drifted5");
        assert_eq!(story("- N - N"), "Same Drifted1 Mended1 Drifted3");
    }

    #[test]
    fn what_was_never_good_is_no_drift_and_its_end_is_nothing_to_tell() {
        assert_eq!(story("N N C"), "Same Same Same");
    }

    #[test]
    fn what_an_exception_covered_is_told_when_it_ends() {
        assert_eq!(story("N* N* N N C"), "Same Same Uncovered2 Same2 Mended2");
        assert_eq!(story("C N* N* N"), "Same Drifted1 Same1 Uncovered1");
        assert_eq!(story("N* C N"), "Same Same Drifted2");
    }

    #[test]
    fn what_is_new_and_bad_has_drifted_and_what_could_not_be_seen_has_not() {
        let new = Before { absent: true, ..Before::default() };
        assert_eq!(Turn::of(&new, Verdict::NonCompliant, None), Turn::Appeared);
        assert_eq!(Turn::of(&new, Verdict::Compliant, None), Turn::Same);
        assert_eq!(Turn::of(&Before::default(), Verdict::NonCompliant, None), Turn::Same);
        let good = Before { verdict: Some(Verdict::Compliant), ..Before::default() };
        assert_eq!(Turn::of(&good, Verdict::NoData, None), Turn::Same);
    }
}
