//! Many rules, compiled to be asked about one record after the other.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::field::{FieldPath, FieldValue, Leaf, Record};
use super::fold::folded_hash;
use super::index::Index;
use super::prefilter::Prefilter;
use super::rule::{LogSource, Rule, Search};
use super::test::{Test, Want};

/// Rules that are ready to be matched. Rules are known by their place among those it was compiled
/// from.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Compiled>,
    fields: Vec<FieldPath>,
    /// The log sources that rules name, each once.
    sources: Vec<LogSource>,
    index: Index,
    prefilter: Prefilter,
}

/// There are more rules than a set takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rules} rules are more than the {max} that are matched together", max = RuleSet::RULES_MAX)]
pub struct TooManyRules {
    /// How many there are.
    pub rules: usize,
}

#[derive(Debug)]
struct Compiled {
    /// Place of its log source among the set's.
    source: usize,
    searches: Vec<Expr>,
    condition: Expr,
}

/// Which of a set's log sources a record belongs to, by their places. Places from 63 on share a
/// bit that is always set; rules there are asked one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources(u64);

impl Sources {
    const LAST: usize = 63;

    /// Those that are read of a record.
    fn of(sources: &[LogSource], record: &LogSource) -> Self {
        let first = sources.iter().take(Self::LAST).enumerate();
        let bits = first.filter(|(_, source)| source.reads(record)).map(|(place, _)| 1 << place);
        let bits = bits.fold(0, |all, bit: u64| all | bit);
        Self(if sources.len() > Self::LAST { bits | 1 << Self::LAST } else { bits })
    }

    /// Only this one.
    pub(super) fn only(place: usize) -> Self {
        Self(1 << place.min(Self::LAST))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a rule asks, cheap questions first.
#[derive(Debug)]
pub(super) enum Expr {
    Search(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Test(Box<Question>),
}

/// A test, and the hashes of the texts it wants, where it wants nothing but texts and numbers.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) test: Test,
    /// Sorted; empty if the test cannot be answered by a hash.
    pub(super) hashes: Vec<u64>,
}

impl RuleSet {
    /// How many rules are matched together.
    pub const RULES_MAX: usize = 20_000;

    /// Compiles rules.
    ///
    /// # Errors
    /// If there are more than [`RuleSet::RULES_MAX`].
    pub fn compile<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> Result<Self, TooManyRules> {
        let mut names = Names::default();
        let compiled: Vec<_> = rules.into_iter().map(|rule| names.compile(rule)).collect();
        if compiled.len() > Self::RULES_MAX {
            return Err(TooManyRules { rules: compiled.len() });
        }
        let fields = names.into_fields();
        let parts: Vec<_> = compiled.iter().map(Compiled::parts).collect();
        let index = Index::new(&parts, &fields.0);
        let prefilter = Prefilter::new(&parts);
        Ok(Self { rules: compiled, fields: fields.0, sources: fields.1, index, prefilter })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Every field that a rule asks for, by [`FieldPath::index`].
    pub fn fields(&self) -> &[FieldPath] {
        &self.fields
    }

    /// Puts the rules that match a record of this log source into `matching`, in their order, in
    /// place of what was there.
    pub fn matches<R: Record + ?Sized>(
        &self,
        record: &R,
        source: &LogSource,
        matching: &mut Vec<usize>,
    ) {
        matching.clear();
        let sources = Sources::of(&self.sources, source);
        self.index.candidates(record, sources, matching);
        matching.retain(|rule| self.holds(*rule, record, source));
    }

    /// From the text of a JSON record that is not parsed yet: false if no rule matches it, whatever
    /// its log source. True says nothing. Whether the text is JSON at all is not looked at.
    #[inline]
    pub fn may_match(&self, text: &str) -> bool {
        self.prefilter.may_match(text)
    }

    /// Whether one rule matches a record of this log source.
    pub fn holds<R: Record + ?Sized>(&self, rule: usize, record: &R, source: &LogSource) -> bool {
        self.rules.get(rule).is_some_and(|rule| {
            let reads = self.sources.get(rule.source).is_some_and(|s| s.reads(source));
            reads && rule.condition.holds(record, &rule.searches)
        })
    }
}

impl Compiled {
    fn parts(&self) -> Parts<'_> {
        Parts {
            condition: &self.condition,
            searches: &self.searches,
            source: Sources::only(self.source),
        }
    }
}

/// A rule as the index and the prefilter look at it.
#[derive(Clone, Copy)]
pub(super) struct Parts<'r> {
    pub(super) condition: &'r Expr,
    pub(super) searches: &'r [Expr],
    pub(super) source: Sources,
}

/// Fields and log sources that have been named, by their places.
#[derive(Default)]
struct Names {
    fields: BTreeMap<String, usize>,
    sources: Vec<LogSource>,
}

impl Names {
    fn compile(&mut self, rule: &Rule) -> Compiled {
        let searches = rule.searches.iter();
        let searches: Vec<_> = searches.map(|(_, search)| Expr::of_search(search, self)).collect();
        let condition = Expr::of_condition(&rule.condition, &searches);
        let known = self.sources.iter().position(|source| *source == rule.logsource);
        let source = known.unwrap_or_else(|| {
            self.sources.push(rule.logsource.clone());
            self.sources.len() - 1
        });
        Compiled { source, searches, condition }
    }

    /// Gives the path its place.
    fn intern(&mut self, path: &mut FieldPath) {
        let next = self.fields.len();
        path.index = *self.fields.entry(path.as_str().to_owned()).or_insert(next);
    }

    fn into_fields(self) -> (Vec<FieldPath>, Vec<LogSource>) {
        let paths = self.fields.into_iter();
        let mut paths: Vec<_> = paths.map(|(name, index)| FieldPath::at(&name, index)).collect();
        paths.sort_by_key(|path| path.index);
        (paths, self.sources)
    }
}

impl Expr {
    fn of_search(search: &Search, names: &mut Names) -> Self {
        let mut parts = |searches: &[Search]| -> Vec<Self> {
            searches.iter().map(|search| Self::of_search(search, names)).collect()
        };
        match search {
            Search::All(searches) => Self::all(parts(searches), &[]),
            Search::Any(searches) => Self::any(parts(searches), &[]),
            Search::Test(test) => Self::Test(Box::new(Question::new(test, names))),
        }
    }

    fn of_condition(condition: &Condition, searches: &[Expr]) -> Self {
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

    fn holds<R: Record + ?Sized>(&self, record: &R, searches: &[Expr]) -> bool {
        match self {
            Self::Search(index) => searches[*index].holds(record, searches),
            Self::Not(inner) => !inner.holds(record, searches),
            Self::All(parts) => parts.iter().all(|part| part.holds(record, searches)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, searches)),
            Self::Test(question) => question.holds(record),
        }
    }

    /// All of these; first what is cheap and rarely true.
    fn all(mut parts: Vec<Self>, searches: &[Expr]) -> Self {
        parts.sort_by_cached_key(|part| part.guess(searches).cost_to_refute());
        Self::All(parts)
    }

    /// Any of these; first what is cheap and often true.
    fn any(mut parts: Vec<Self>, searches: &[Expr]) -> Self {
        parts.sort_by_cached_key(|part| part.guess(searches).opposite().cost_to_refute());
        Self::Any(parts)
    }

    fn guess(&self, searches: &[Expr]) -> Guess {
        match self {
            Self::Search(index) => match searches.get(*index) {
                Some(search) => search.guess(searches),
                None => Guess { cost: 0.0, truth: 0.0 },
            },
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
#[derive(Debug, Clone, Copy)]
struct Guess {
    cost: f64,
    truth: f64,
}

impl Guess {
    fn opposite(self) -> Self {
        Self { truth: 1.0 - self.truth, ..self }
    }

    /// Of questions that are asked until one is answered with no.
    fn of_all(parts: impl Iterator<Item = Self>) -> Self {
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

impl Question {
    /// From how many values on a hash is quicker than comparing with each.
    const HASHED_FROM: usize = 6;

    fn new(test: &Test, names: &mut Names) -> Self {
        let mut test = test.clone();
        test.field.iter_mut().for_each(|path| names.intern(path));
        for want in &mut test.wants {
            if let Want::Field(reference) = want {
                names.intern(&mut reference.field);
            }
        }
        let hashes = hashes(&test);
        Self { test, hashes }
    }

    fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        match &self.test.field {
            Some(field) if self.hashes.len() >= Self::HASHED_FROM => {
                let value = record.field(field);
                self.may_hold(&value) && self.test.holds_for(&value, record)
            }
            _ => self.test.holds(record),
        }
    }

    /// Whether one of the values has the hash of one that is wanted.
    fn may_hold(&self, value: &FieldValue<'_>) -> bool {
        value.any(&mut |leaf| match hash_of(leaf) {
            Hash::Of(hash) => self.hashes.binary_search(&hash).is_ok(),
            Hash::Any => true,
            Hash::None => false,
        })
    }

    fn guess(&self) -> Guess {
        let one = |want: &Want| match want {
            Want::Null => Guess { cost: 0.1, truth: 0.7 },
            Want::Exists(_) => Guess { cost: 0.1, truth: 0.5 },
            Want::Text(pattern) if pattern.equals().is_some() => Guess { cost: 0.2, truth: 0.05 },
            Want::Number(_) => Guess { cost: 0.2, truth: 0.05 },
            Want::Text(_) => Guess { cost: 0.5, truth: 0.1 },
            Want::Network(_) | Want::Compare(..) => Guess { cost: 1.0, truth: 0.2 },
            Want::Time(..) => Guess { cost: 1.0, truth: 0.2 },
            Want::Field(_) => Guess { cost: 3.0, truth: 0.2 },
            Want::Regex(_) => Guess { cost: 5.0, truth: 0.1 },
        };
        let wants = self.test.wants.iter().map(one);
        let all = if self.test.all {
            Guess::of_all(wants)
        } else {
            Guess::of_all(wants.map(Guess::opposite)).opposite()
        };
        // Fetching the field costs most; a keyword is looked for in every text.
        let cost = if self.test.field.is_some() { all.cost + 1.0 } else { 30.0 * (all.cost + 1.0) };
        let guess = Guess { cost, ..all };
        if self.test.negated { guess.opposite() } else { guess }
    }
}

/// The hashes of the texts and numbers a test wants, if it wants nothing else and one is enough.
fn hashes(test: &Test) -> Vec<u64> {
    if test.all || test.negated || test.field.is_none() {
        return Vec::new();
    }
    let mut hashes = Vec::new();
    for want in &test.wants {
        match want {
            Want::Text(pattern) if let Some(text) = pattern.equals() => {
                hashes.push(folded_hash(text));
            }
            Want::Number(number) => {
                hashes.extend([folded_hash(&number.text), folded_hash(&number.plain)]);
            }
            _ => return Vec::new(),
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// By what hash a value is found among wanted ones.
pub(super) enum Hash {
    /// By this one.
    Of(u64),
    /// It can be equal to numbers that are written otherwise.
    Any,
    /// By none: it equals nothing.
    None,
}

#[inline]
pub(super) fn hash_of(leaf: Leaf<'_>) -> Hash {
    match leaf {
        Leaf::Text(text) => Hash::Of(folded_hash(text)),
        Leaf::Number(text) if is_plain(text) => Hash::Of(folded_hash(text)),
        Leaf::Number(_) => Hash::Any,
        Leaf::Bool(value) => Hash::Of(folded_hash(if value { "true" } else { "false" })),
        Leaf::Null | Leaf::Object(_) => Hash::None,
    }
}

/// Whether no other text of a number has the same value: few digits and nothing else.
fn is_plain(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let whole = digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    whole && (digits != "0" || number == "0")
}
