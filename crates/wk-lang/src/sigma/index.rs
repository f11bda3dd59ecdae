//! Which rules can match a record at all.
//!
//! From each rule a *witness* is derived: questions about single fields, of which at least one is
//! true of every record that the rule matches. Where it is of the form "does this field equal one
//! of these values", the rule is found by value; else whenever the field is there. Rules without a
//! witness are always candidates.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::expr::Expr;
use super::field::{FieldPath, Leaf, Record};
use super::question::{Hash, Question, hash_of};
use super::ruleset::{Parts, Sources};
use super::test::{Test, Want};

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
    /// The log sources of its rules.
    sources: Sources,
    /// The lengths of the values.
    lengths: Lengths,
    by_value: HashMap<u64, Vec<usize>, BuildHasherDefault<AsItIs>>,
    /// All rules of `by_value`.
    rules: Vec<usize>,
    /// Rules that ask something else of it: candidates whenever it is there.
    whenever: Vec<usize>,
}

/// How many values a witness may name; a rule with more is always a candidate.
const VALUES_MAX: usize = 10_000;

impl Index {
    /// An index of rules, each a condition and its searches.
    pub(super) fn new(rules: &[Parts<'_>], fields: &[FieldPath]) -> Self {
        let variety = Variety::of(rules);
        let mut always = Vec::new();
        let mut indexed: BTreeMap<usize, IndexedField> = BTreeMap::new();
        for (place, rule) in rules.iter().enumerate() {
            let Some(questions) = variety.witness_of(*rule, |_| true) else {
                always.push(place);
                continue;
            };
            for question in questions {
                let Some(field) = question.test.field.as_ref().and_then(FieldPath::index) else {
                    continue;
                };
                let entry = indexed.entry(field);
                let indexed =
                    entry.or_insert_with(|| IndexedField::new(&fields[field], rule.source));
                indexed.sources = indexed.sources.with(rule.source);
                indexed.add(question, place);
            }
        }
        Self { fields: indexed.into_values().collect(), always }
    }

    /// Adds the rules that can match a record of these sources, in order and each once, to an empty
    /// list.
    #[inline]
    pub(super) fn candidates<R: Record + ?Sized>(
        &self,
        record: &R,
        sources: Sources,
        out: &mut Vec<usize>,
    ) {
        out.extend_from_slice(&self.always);
        let always = out.len();
        for field in self.fields.iter().filter(|field| field.sources.meet(sources)) {
            let value = record.field(&field.path);
            if value.is_absent() {
                continue;
            }
            out.extend_from_slice(&field.whenever);
            value.any(&mut |leaf| {
                if matches!(leaf, Leaf::Text(text) if !field.lengths.may_hold(text)) {
                    return false;
                }
                match hash_of(leaf) {
                    Hash::Of(hash) => out.extend(field.by_value.get(&hash).into_iter().flatten()),
                    Hash::Any => out.extend_from_slice(&field.rules),
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
    fn new(path: &FieldPath, sources: Sources) -> Self {
        Self {
            path: path.clone(),
            sources,
            lengths: Lengths::default(),
            by_value: HashMap::default(),
            rules: Vec::new(),
            whenever: Vec::new(),
        }
    }

    fn add(&mut self, question: &Question, rule: usize) {
        if question.hashes.is_empty() {
            add_once(&mut self.whenever, rule);
            return;
        }
        self.lengths.add(&question.test);
        for hash in &question.hashes {
            add_once(self.by_value.entry(*hash).or_default(), rule);
            add_once(&mut self.rules, rule);
        }
    }
}

/// Adds a rule to a list that is made in the rules' order.
fn add_once(rules: &mut Vec<usize>, rule: usize) {
    if rules.last() != Some(&rule) {
        rules.push(rule);
    }
}

/// How many different values the rules ask of each field. A field of which many values are asked
/// tells rules apart best.
pub(super) struct Variety(BTreeMap<usize, BTreeSet<u64>>);

impl Variety {
    pub(super) fn of(rules: &[Parts<'_>]) -> Self {
        let mut variety = Self(BTreeMap::new());
        for search in rules.iter().flat_map(|rule| rule.searches) {
            variety.count(search);
        }
        variety
    }

    fn count(&mut self, expr: &Expr) {
        match expr {
            Expr::Search(_) | Expr::Not(_) => {}
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| self.count(part)),
            Expr::Test(question) => facts(question).for_each(|(field, hash)| {
                self.0.entry(field).or_default().insert(hash);
            }),
        }
    }

    /// Questions about fields that are there, of which at least one is true wherever the rule
    /// matches; only such as are `usable`, and those that are true most rarely. Some rules have
    /// none.
    pub(super) fn witness_of<'r>(
        &self,
        rule: Parts<'r>,
        usable: impl Fn(&Question) -> bool,
    ) -> Option<Vec<&'r Question>> {
        let searches = rule.searches.iter();
        let searches: Vec<_> = searches.map(|s| self.witness(s, &[], &usable)).collect();
        self.witness(rule.condition, &searches, &usable)
    }

    fn witness<'r>(
        &self,
        expr: &'r Expr,
        searches: &[Option<Vec<&'r Question>>],
        usable: &impl Fn(&Question) -> bool,
    ) -> Option<Vec<&'r Question>> {
        match expr {
            Expr::Search(index) => searches.get(*index)?.clone(),
            Expr::Not(_) => None,
            Expr::All(parts) => parts
                .iter()
                .filter_map(|part| self.witness(part, searches, usable))
                .min_by(|a, b| self.share(a).total_cmp(&self.share(b))),
            Expr::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.witness(part, searches, usable)?);
                }
                let values = all.iter().map(|question| question.hashes.len().max(1)).sum::<usize>();
                (values <= VALUES_MAX).then_some(all)
            }
            Expr::Test(question) => {
                (question.test.needs_field() && usable(question)).then(|| vec![&**question])
            }
        }
    }

    /// A guess at the share of records of which one of the questions is true.
    fn share(&self, questions: &[&Question]) -> f64 {
        questions.iter().map(|question| self.share_of(question)).sum()
    }

    /// Of a field with many values one is not only one of many, but mostly a rare one: hence the
    /// square.
    #[expect(clippy::cast_precision_loss, reason = "it is a guess")]
    fn share_of(&self, question: &Question) -> f64 {
        let Some(field) = question.test.field.as_ref().and_then(FieldPath::index) else {
            return 1.0;
        };
        match question.hashes.len() {
            // A field that must only be there mostly is: rules say so to be sure of it.
            0 if question.asks_only_whether_it_is_there() => 0.9,
            0 => question.guess().truth,
            wanted => {
                let values = self.0.get(&field).map_or(1, BTreeSet::len) as f64;
                wanted as f64 / (values * values)
            }
        }
    }
}

/// The field and hashes of a question that can be answered by them.
fn facts(question: &Question) -> impl Iterator<Item = (usize, u64)> {
    let field = question.test.field.as_ref().and_then(FieldPath::index);
    question.hashes.iter().filter_map(move |hash| Some((field?, *hash)))
}

/// The lengths that wanted texts have: bit *n* is *n* bytes, bit 63 is 63 or more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lengths(u64);

impl Lengths {
    const LAST: usize = 63;

    /// Adds the texts and numbers that a test wants to be equal to.
    pub(super) fn add(&mut self, test: &Test) {
        for want in &test.wants {
            match want {
                Want::Text(pattern) if let Some(text) = pattern.equals() => self.add_text(text),
                Want::Number(number) => {
                    self.add_text(&number.text);
                    self.add_text(&number.plain);
                }
                _ => self.0 = u64::MAX,
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        self.0 |= 1 << text.len().min(Self::LAST);
    }

    /// Whether a wanted text can fold to the same as this one. Folding changes the length of texts
    /// only if they are not ASCII.
    #[inline]
    pub(super) fn may_hold(self, text: &str) -> bool {
        self.0 >> text.len().min(Self::LAST) & 1 == 1 || !text.is_ascii()
    }
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
