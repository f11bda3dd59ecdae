//! What checks said last, and what a new row is beside that.
//!
//! * A place is a check in a region of an account. Whoever judges a place says everything of it at once:
//!   what was not said then was not there.
//! * A place in which something could not be seen tells nothing of what is not there.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::Timestamp;
use wk_model::check::{CheckResult, Verdict};

use super::drift::Before;

/// What was said last.
#[derive(Debug, Clone, Default)]
pub struct Last {
    rows: BTreeMap<Key, Said>,
    places: BTreeMap<Place, Seen>,
    /// Checks that saw everything of an account when they judged it last.
    whole: BTreeMap<(String, String), bool>,
}

/// Check, account, region, resource.
pub type Key = (String, String, String, String);
type Place = (String, String, String);

/// What was said of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When it was judged last, whatever came of it.
    pub at: Timestamp,
    /// That it could not be told then.
    pub blind: bool,
    /// What was said when it could be told last.
    pub before: Before,
}

/// How a place was judged last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    at: Timestamp,
    blind: bool,
}

/// The key of a row.
pub fn key(row: &CheckResult) -> Key {
    (row.check.clone(), row.account.clone(), row.region.clone(), row.resource.clone())
}

fn place((check, account, region, _): &Key) -> Place {
    (check.clone(), account.clone(), region.clone())
}

impl Last {
    /// What these rows together say.
    pub fn of(rows: impl IntoIterator<Item = (Key, Said)>) -> Self {
        let mut last = Self { rows: rows.into_iter().collect(), ..Self::default() };
        for (key, said) in &last.rows {
            let new = Seen { at: said.at, blind: said.blind };
            let seen = last.places.entry(place(key)).or_insert(new);
            if said.at > seen.at {
                *seen = new;
            } else if said.at == seen.at {
                seen.blind |= said.blind;
            }
        }
        for ((check, account, _), seen) in &last.places {
            let whole = last.whole.entry((check.clone(), account.clone())).or_insert(true);
            *whole &= !seen.blind;
        }
        last
    }

    /// What a row's resource was before.
    pub fn before(&self, row: &CheckResult) -> Before {
        let key = key(row);
        let seen = self.places.get(&place(&key)).copied();
        let known = self.rows.get(&key).filter(|said| seen.is_some_and(|s| said.at >= s.at));
        if let Some(said) = known {
            return said.before.clone();
        }
        // What is asked of the whole lake says of no account that there is no fault in it.
        let whole_of =
            |account: &str| self.whole.get(&(key.0.clone(), account.to_owned())).copied();
        let whole = || whole_of(&key.1).or_else(|| whole_of("")).unwrap_or(false);
        let absent = seen.map_or_else(whole, |seen| !seen.blind);
        // One that came and went and came again is new; one that nobody could see is as it was.
        match self.rows.get(&key) {
            Some(said) if !absent => said.before.clone(),
            _ => Before { absent, ..Before::default() },
        }
    }

    /// Rows for resources that had drifted and that these rows, which say everything of their checks and
    /// accounts, do not name any more.
    pub fn gone(&self, rows: &[CheckResult]) -> Vec<CheckResult> {
        let (mut named, mut judged, mut blind) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for row in rows {
            let place = (row.check.as_str(), row.account.as_str());
            judged.insert(place);
            if row.verdict == Verdict::NoData {
                blind.insert(place);
            }
            named.insert(key(row));
        }
        let is_gone = |(key, said): &(&Key, &Said)| {
            let place = (key.0.as_str(), key.1.as_str());
            let bad = said.before.verdict == Some(Verdict::NonCompliant);
            let drifts = bad && said.before.drifted.is_some();
            drifts && judged.contains(&place) && !blind.contains(&place) && !named.contains(*key)
        };
        let row = |(key, _): (&Key, &Said)| {
            let (check, account, region, resource) = key.clone();
            CheckResult {
                check,
                resource,
                account,
                region,
                verdict: Verdict::NotApplicable,
                why: "it is not there any more".to_owned(),
                evidence: Vec::new(),
            }
        };
        self.rows.iter().filter(is_gone).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Compliant, NoData, NonCompliant};

    fn row(region: &str, resource: &str, verdict: Verdict) -> CheckResult {
        CheckResult {
            check: "c".into(),
            resource: resource.into(),
            account: "1".into(),
            region: region.into(),
            verdict,
            why: String::new(),
            evidence: Vec::new(),
        }
    }

    /// Rows that were judged at these seconds: region, resource, verdict.
    fn last(rows: &[(i64, &str, &str, Verdict)]) -> Last {
        let said = |(at, region, resource, verdict): &(i64, &str, &str, Verdict)| {
            let blind = *verdict == NoData;
            let before = Before {
                verdict: (!blind).then_some(*verdict),
                drifted: (*verdict == NonCompliant).then(|| "d".to_owned()),
                ..Before::default()
            };
            let at = Timestamp::from_seconds(*at);
            (key(&row(region, resource, *verdict)), Said { at, blind, before })
        };
        Last::of(rows.iter().map(said))
    }

    #[test]
    fn what_was_not_said_of_a_place_that_was_seen_whole_was_not_there() {
        let last = last(&[(1, "r", "gone", NonCompliant), (2, "r", "there", Compliant)]);
        assert_eq!(last.before(&row("r", "there", NonCompliant)).verdict, Some(Compliant));
        for new in ["new", "gone"] {
            let before = last.before(&row("r", new, NonCompliant));
            assert!(before.absent && before.verdict.is_none(), "{new}: {before:?}");
        }
        assert!(last.before(&row("other region", "x", NonCompliant)).absent);
        let other = CheckResult { check: "first time".into(), ..row("r", "x", NonCompliant) };
        assert!(!last.before(&other).absent);
    }

    #[test]
    fn a_place_that_was_blind_tells_nothing_of_what_is_not_there() {
        let last = last(&[(1, "r", "seen once", NonCompliant), (2, "r", "1", NoData)]);
        assert!(!last.before(&row("r", "new", NonCompliant)).absent);
        assert!(!last.before(&row("other", "new", NonCompliant)).absent);
        let again = last.before(&row("r", "seen once", NonCompliant));
        assert_eq!((again.verdict, again.drifted.as_deref()), (Some(NonCompliant), Some("d")));
    }

    #[test]
    fn a_drift_whose_resource_is_gone_is_over_where_everything_could_be_seen() {
        let last = last(&[(1, "r", "a", NonCompliant), (1, "r", "b", NonCompliant)]);
        let names = |rows: &[CheckResult]| -> Vec<String> {
            last.gone(rows).into_iter().map(|row| row.resource).collect()
        };
        assert_eq!(names(&[row("r", "b", NonCompliant)]), ["a"]);
        assert_eq!(names(&[row("r", "b", NonCompliant), row("r", "1", NoData)]), [""; 0]);
        assert_eq!(names(&[]), [""; 0], "the check was not run");
    }
}
