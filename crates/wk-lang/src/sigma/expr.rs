//! What a rule asks, put in the order that finds the answer soonest.

use super::condition::Condition;
use super::detection::Search;
use super::field::Record;
use super::question::Question;

use super::ruleset::Names;

/// What a rule asks; in a list, first what settles the matter soonest.
#[derive(Debug)]
pub(super) enum Expr {
    Search(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Test(Box<Question>),
}

impl Expr {
    pub(super) fn of_search(search: &Search, names: &mut Names) -> Self {
        let mut parts = |searches: &[Search]| -> Vec<Self> {
            searches.iter().map(|search| Self::of_search(search, names)).collect()
        };
        match search {
            Search::All(searches) => Self::all(parts(searches), &[]),
            Search::Any(searches) => Self::any(parts(searches), &[]),
            Search::Test(test) => Self::Test(Box::new(Question::new(test, names))),
        }
    }

    pub(super) fn of_condition(condition: &Condition, searches: &[Guess]) -> Self {
        let parts = |conditions: &[Condition]| -> Vec<Self> {
            conditions.iter().map(|part| Self::of_condition(part, searches)).collect()
        };
        match condition {
            Condition::Search(index) => Self::Search(*index),
            Condition::Not(inner) => Self::Not(Box::new(Self::of_condition(inner, searches))),
            Condition::All(conditions) => Self::all(parts(conditions), searches),
            Condition::Any(conditions) => Self::any(parts(conditions), searches),
        }
    }

    pub(super) fn holds<R: Record + ?Sized>(&self, record: &R, searches: &[Expr]) -> bool {
        match self {
            Self::Search(index) => searches[*index].holds(record, searches),
            Self::Not(inner) => !inner.holds(record, searches),
            Self::All(parts) => parts.iter().all(|part| part.holds(record, searches)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, searches)),
            Self::Test(question) => question.holds(record),
        }
    }

    /// All of these; first what is cheap and rarely true.
    fn all(mut parts: Vec<Self>, searches: &[Guess]) -> Self {
        parts.sort_by_cached_key(|part| part.guess(searches).cost_to_refute());
        Self::All(parts)
    }

    /// Any of these; first what is cheap and often true.
    fn any(mut parts: Vec<Self>, searches: &[Guess]) -> Self {
        parts.sort_by_cached_key(|part| part.guess(searches).opposite().cost_to_refute());
        Self::Any(parts)
    }

    /// A guess, given those of the searches it names.
    pub(super) fn guess(&self, searches: &[Guess]) -> Guess {
        match self {
            Self::Search(index) => searches.get(*index).copied().unwrap_or_default(),
            Self::Not(inner) => inner.guess(searches).opposite(),
            Self::All(parts) => Guess::of_all(parts.iter().map(|part| part.guess(searches))),
            Self::Any(parts) => {
                Guess::of_all(parts.iter().map(|part| part.guess(searches).opposite())).opposite()
            }
            Self::Test(question) => question.guess(),
        }
    }
}

/// A guess at what an answer costs and how often it is yes, to ask the right question first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guess {
    pub(super) cost: f64,
    pub(super) truth: f64,
}

impl Guess {
    pub(super) fn opposite(self) -> Self {
        Self { truth: 1.0 - self.truth, ..self }
    }

    /// Of questions that are asked until one is answered with no.
    pub(super) fn of_all(parts: impl Iterator<Item = Self>) -> Self {
        parts.fold(Self { cost: 0.0, truth: 1.0 }, |all, part| Self {
            cost: all.cost + all.truth * part.cost,
            truth: all.truth * part.truth,
        })
    }

    /// What it costs, on the average, to get a no from it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a guess")]
    fn cost_to_refute(self) -> u64 {
        (1_000.0 * self.cost / (1.0 - self.truth).max(0.01)) as u64
    }
}
