//! Which rules can match a record at all.
//!
//! From each rule a *witness* is derived: facts of the form "this field equals this value", of
//! which at least one is true of every record that the rule matches. The index finds rules by
//! such facts. Rules without a witness are always candidates.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::field::{FieldPath, Record};
use super::ruleset::{Expr, Hash, Question, hash_of};

/// Finds candidates among rules.
#[derive(Debug, Default)]
pub(super) struct Index {
    fields: Vec<IndexedField>,
    /// Rules without a witness.
    always: Vec<usize>,
}

/// A field by whose values rules are found.
#[derive(Debug)]
struct IndexedField {
    path: FieldPath,
    by_value: HashMap<u64, Vec<usize>, BuildHasherDefault<AsItIs>>,
    /// All rules found by this field.
    rules: Vec<usize>,
}

/// A fact: this field has a value with this hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    field: usize,
    hash: u64,
}

/// How many facts a witness may have; a rule with more is always a candidate.
const FACTS_MAX: usize = 10_000;

impl Index {
    /// An index of rules, each a condition and its searches.
    pub(super) fn new<'r>(
        rules: impl Iterator<Item = (&'r Expr, &'r [Expr])> + Clone,
        fields: &[FieldPath],
    ) -> Self {
        let variety = Variety::of(rules.clone());
        let mut always = Vec::new();
        let mut indexed: BTreeMap<usize, IndexedField> = BTreeMap::new();
        for (rule, (condition, searches)) in rules.enumerate() {
            let witnesses: Vec<_> = searches.iter().map(|s| variety.witness(s, &[])).collect();
            let Some(facts) = variety.witness(condition, &witnesses) else {
                always.push(rule);
                continue;
            };
            for Fact { field, hash } in facts {
                let path = &fields[field];
                let entry = indexed.entry(field).or_insert_with(|| IndexedField::new(path));
                entry.add(hash, rule);
            }
        }
        Self { fields: indexed.into_values().collect(), always }
    }

    /// Adds the rules that can match the record, in order and each once, to an empty list.
    #[inline]
    pub(super) fn candidates<R: Record + ?Sized>(&self, record: &R, out: &mut Vec<usize>) {
        out.extend_from_slice(&self.always);
        let always = out.len();
        for field in &self.fields {
            record.field(&field.path).any(&mut |leaf| {
                match hash_of(leaf) {
                    Hash::Of(hash) => out.extend(field.by_value.get(&hash).into_iter().flatten()),
                    Hash::Any => out.extend(&field.rules),
                    Hash::None => {}
                }
                false
            });
        }
        if out.len() > always {
            out.sort_unstable();
            out.dedup();
        }
    }
}

impl IndexedField {
    fn new(path: &FieldPath) -> Self {
        Self { path: path.clone(), by_value: HashMap::default(), rules: Vec::new() }
    }

    fn add(&mut self, hash: u64, rule: usize) {
        for rules in [self.by_value.entry(hash).or_default(), &mut self.rules] {
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
    }
}

/// How many different values the rules ask of each field. A field of which many values are asked
/// tells rules apart best.
struct Variety(BTreeMap<usize, BTreeSet<u64>>);

impl Variety {
    fn of<'r>(rules: impl Iterator<Item = (&'r Expr, &'r [Expr])>) -> Self {
        let mut variety = Self(BTreeMap::new());
        for (_, searches) in rules {
            searches.iter().for_each(|search| variety.count(search));
        }
        variety
    }

    fn count(&mut self, expr: &Expr) {
        match expr {
            Expr::Search(_) | Expr::Not(_) => {}
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| self.count(part)),
            Expr::Test(question) => {
                if let Some(facts) = facts(question) {
                    facts.iter().for_each(|fact| {
                        self.0.entry(fact.field).or_default().insert(fact.hash);
                    });
                }
            }
        }
    }

    /// The facts of which one is true wherever the expression is, if it has such.
    fn witness(&self, expr: &Expr, searches: &[Option<Vec<Fact>>]) -> Option<Vec<Fact>> {
        match expr {
            Expr::Search(index) => searches.get(*index)?.clone(),
            Expr::Not(_) => None,
            Expr::All(parts) => parts
                .iter()
                .filter_map(|part| self.witness(part, searches))
                .min_by(|a, b| self.share(a).total_cmp(&self.share(b))),
            Expr::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.witness(part, searches)?);
                }
                all.sort_unstable();
                all.dedup();
                (all.len() <= FACTS_MAX).then_some(all)
            }
            Expr::Test(question) => facts(question),
        }
    }

    /// A guess at the share of records of which one of the facts is true. Squared, because a value
    /// of a field with many values is not only one of many, but mostly a rare one.
    #[expect(clippy::cast_precision_loss, reason = "it is a guess")]
    fn share(&self, facts: &[Fact]) -> f64 {
        let one = |fact: &Fact| {
            let values = self.0.get(&fact.field).map_or(1, BTreeSet::len) as f64;
            1.0 / (values * values)
        };
        facts.iter().map(one).sum()
    }
}

/// The facts of which one is true wherever the test is.
fn facts(question: &Question) -> Option<Vec<Fact>> {
    let field = question.test.field.as_ref()?.index()?;
    let usable = !question.test.negated && !question.hashes.is_empty();
    let facts = question.hashes.iter().map(|hash| Fact { field, hash: *hash });
    usable.then(|| facts.collect())
}

/// Hashes that already are hashes.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
