//! Many rules, compiled to be asked about one record after the other.

use std::collections::BTreeMap;

use super::expr::Expr;
use super::field::{FieldPath, Record};
use super::index::{Index, Variety};
use super::prefilter::Prefilter;
use super::question::Question;
use super::remembered::Remembered;
use super::rule::{LogSource, Rule};

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

/// Which of a set's log sources read records of one log source: asked once for very many records.
#[derive(Debug, Clone)]
pub struct Readers {
    sources: Sources,
    /// By their places.
    reads: Vec<bool>,
    /// Which rules are asked at all, by their places; `None` is all.
    rules: Option<Vec<bool>>,
}

/// Fields, each with the texts of which it equals one, letter case aside; with none it is only there.
pub type Witnesses<'a> = Vec<(&'a FieldPath, Vec<String>)>;

impl Readers {
    /// The same, of these rules alone.
    pub fn only(&self, rules: Vec<bool>) -> Self {
        Self { rules: Some(rules), ..self.clone() }
    }
}

/// Which of a set's log sources a record belongs to, by their places. Places from 63 on share a
/// bit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources(u64);

impl Sources {
    const LAST: usize = 63;

    /// Those that read a record.
    fn of(reads: &[bool]) -> Self {
        let those = reads.iter().enumerate().filter(|(_, reads)| **reads);
        those.map(|(place, _)| Self::only(place)).fold(Self(0), Self::with)
    }

    /// Only this one.
    pub(super) fn only(place: usize) -> Self {
        Self(1 << place.min(Self::LAST))
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
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

    /// Who reads records of this log source.
    pub fn readers(&self, source: &LogSource) -> Readers {
        let reads: Vec<bool> = self.sources.iter().map(|asked| asked.reads(source)).collect();
        Readers { sources: Sources::of(&reads), reads, rules: None }
    }

    /// Puts the rules that match a record, which these read, into `matching`, in their order, in
    /// place of what was there.
    pub fn matches<R: Record + ?Sized>(
        &self,
        record: &R,
        readers: &Readers,
        matching: &mut Vec<usize>,
    ) {
        matching.clear();
        let record = &Remembered::new(record);
        self.index.candidates(record, readers.sources, matching);
        matching.retain(|rule| self.holds(*rule, record, readers));
    }

    /// From the text of a JSON record that is not parsed yet: false if no rule matches it, whatever
    /// its log source. True says nothing. Whether the text is JSON at all is not looked at.
    #[inline]
    pub fn may_match(&self, text: &str) -> bool {
        self.prefilter.may_match(text)
    }

    /// Whether one rule matches a record, which these read.
    pub fn holds<R: Record + ?Sized>(&self, rule: usize, record: &R, readers: &Readers) -> bool {
        let asked = readers.rules.as_ref();
        let asked = asked.is_none_or(|asked| asked.get(rule).is_some_and(|asked| *asked));
        asked
            && self.reads(rule, readers)
            && self.rules.get(rule).is_some_and(|r| r.condition.holds(record, &r.searches))
    }

    /// Whether one rule reads records that these read.
    pub fn reads(&self, rule: usize, readers: &Readers) -> bool {
        let source = self.rules.get(rule).and_then(|rule| readers.reads.get(rule.source));
        source.is_some_and(|reads| *reads)
    }

    /// For each rule, what is true of at least one field of every record that it matches; only of
    /// fields that are `usable`. Some rules have nothing of the kind.
    pub fn witnesses(&self, usable: &dyn Fn(&FieldPath) -> bool) -> Vec<Option<Witnesses<'_>>> {
        let parts: Vec<_> = self.rules.iter().map(Compiled::parts).collect();
        let variety = Variety::of(&parts);
        let may = |question: &Question| question.test.field.as_ref().is_some_and(usable);
        let of = |parts| {
            let questions = variety.witness_of(parts, may)?;
            questions.into_iter().map(Question::witness).collect::<Option<Witnesses<'_>>>()
        };
        parts.into_iter().map(of).collect()
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
pub(super) struct Names {
    fields: BTreeMap<String, usize>,
    sources: Vec<LogSource>,
}

impl Names {
    fn compile(&mut self, rule: &Rule) -> Compiled {
        let searches = rule.searches.iter();
        let searches: Vec<_> = searches.map(|(_, search)| Expr::of_search(search, self)).collect();
        let guesses: Vec<_> = searches.iter().map(|search| search.guess(&[])).collect();
        let condition = Expr::of_condition(&rule.condition, &guesses);
        let known = self.sources.iter().position(|source| *source == rule.logsource);
        let source = known.unwrap_or_else(|| {
            self.sources.push(rule.logsource.clone());
            self.sources.len() - 1
        });
        Compiled { source, searches, condition }
    }

    /// Gives the path its place.
    pub(super) fn intern(&mut self, path: &mut FieldPath) {
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
