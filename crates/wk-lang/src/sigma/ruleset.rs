//! Many rules, compiled to be asked about one record after the other.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::field::{FieldPath, FieldValue, Leaf, Record};
use super::fold::folded_hash;
use super::index::Index;
use super::rule::{LogSource, Rule, Search};
use super::test::{Test, Want};

/// Rules that are ready to be matched. Rules are known by their place among those it was compiled
/// from.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Compiled>,
    fields: Vec<FieldPath>,
    index: Index,
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
    logsource: LogSource,
    searches: Vec<Expr>,
    condition: Expr,
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
        let mut names = BTreeMap::new();
        let compiled: Vec<_> =
            rules.into_iter().map(|rule| Compiled::new(rule, &mut names)).collect();
        if compiled.len() > Self::RULES_MAX {
            return Err(TooManyRules { rules: compiled.len() });
        }
        let mut fields: Vec<_> = names.into_iter().collect();
        fields.sort_by_key(|(_, index)| *index);
        let fields: Vec<_> =
            fields.into_iter().map(|(name, index)| FieldPath::at(&name, index)).collect();
        let questions = compiled.iter().map(|rule| (&rule.condition, rule.searches.as_slice()));
        let index = Index::new(questions, &fields);
        Ok(Self { rules: compiled, fields, index })
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
        self.index.candidates(record, matching);
        matching.retain(|rule| self.holds(*rule, record, source));
    }

    /// Whether one rule matches a record of this log source.
    pub fn holds<R: Record + ?Sized>(&self, rule: usize, record: &R, source: &LogSource) -> bool {
        self.rules.get(rule).is_some_and(|rule| {
            rule.logsource.reads(source) && rule.condition.holds(record, &rule.searches)
        })
    }
}

impl Compiled {
    fn new(rule: &Rule, names: &mut BTreeMap<String, usize>) -> Self {
        let searches: Vec<_> =
            rule.searches.iter().map(|(_, search)| Expr::of_search(search, names)).collect();
        let condition = Expr::of_condition(&rule.condition, &searches);
        Self { logsource: rule.logsource.clone(), searches, condition }
    }
}

impl Expr {
    fn of_search(search: &Search, names: &mut BTreeMap<String, usize>) -> Self {
        let mut parts = |searches: &[Search]| {
            let parts = searches.iter().map(|search| Self::of_search(search, names));
            cheap_first(parts.collect(), &[])
        };
        match search {
            Search::All(searches) => Self::All(parts(searches)),
            Search::Any(searches) => Self::Any(parts(searches)),
            Search::Test(test) => Self::Test(Box::new(Question::new(test, names))),
        }
    }

    fn of_condition(condition: &Condition, searches: &[Expr]) -> Self {
        let parts = |conditions: &[Condition]| {
            let parts = conditions.iter().map(|part| Self::of_condition(part, searches));
            cheap_first(parts.collect(), searches)
        };
        match condition {
            Condition::Search(index) => Self::Search(*index),
            Condition::Not(inner) => Self::Not(Box::new(Self::of_condition(inner, searches))),
            Condition::All(conditions) => Self::All(parts(conditions)),
            Condition::Any(conditions) => Self::Any(parts(conditions)),
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

    /// A guess at what the answer costs.
    fn cost(&self, searches: &[Expr]) -> u64 {
        match self {
            Self::Search(index) => searches.get(*index).map_or(0, |search| search.cost(searches)),
            Self::Not(inner) => inner.cost(searches),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(|part| part.cost(searches)).fold(0, u64::saturating_add)
            }
            Self::Test(question) => question.cost(),
        }
    }
}

fn cheap_first(mut parts: Vec<Expr>, searches: &[Expr]) -> Vec<Expr> {
    parts.sort_by_cached_key(|part| part.cost(searches));
    parts
}

impl Question {
    /// From how many values on a hash is quicker than comparing with each.
    const HASHED_FROM: usize = 6;

    fn new(test: &Test, names: &mut BTreeMap<String, usize>) -> Self {
        let mut test = test.clone();
        let mut intern = |field: &mut FieldPath| {
            let next = names.len();
            field.index = *names.entry(field.as_str().to_owned()).or_insert(next);
        };
        test.field.iter_mut().for_each(&mut intern);
        for want in &mut test.wants {
            if let Want::Field(reference) = want {
                intern(&mut reference.field);
            }
        }
        let hashes = hashes(&test);
        Self { test, hashes }
    }

    fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        match &self.test.field {
            Some(field) if self.hashes.len() >= Self::HASHED_FROM && !self.test.negated => {
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

    fn cost(&self) -> u64 {
        let one = |want: &Want| match want {
            Want::Null | Want::Exists(_) => 1,
            Want::Text(pattern) if pattern.equals().is_some() => 2,
            Want::Number(_) | Want::Compare(..) | Want::Network(_) => 4,
            Want::Text(_) | Want::Time(..) => 10,
            Want::Field(_) => 20,
            Want::Regex(_) => 50,
        };
        let wants = self.test.wants.iter().map(one).fold(0, u64::saturating_add);
        // A keyword is looked for in every text.
        let texts = if self.test.field.is_none() { 100 } else { 1 };
        wants.saturating_mul(texts)
    }
}

/// The hashes of the texts and numbers a test wants, if it wants nothing else and one is enough.
fn hashes(test: &Test) -> Vec<u64> {
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
    if test.all {
        return Vec::new();
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
