//! The names that can be used at one point of a query. Each is a column of the plan so far.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ident;
use wk_lang::insights::Mistake;
use wk_lang::insights::ast::Span;
use wk_lang::nearest::nearest;

use super::value::{Value, text};

/// Names and types, in the order in which they came to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    names: Vec<(String, DataType)>,
    /// Whether rows are still records, not results of a `stats`.
    pub(super) records: bool,
    /// `left.` of a join: the same fields without it.
    pub(super) alias: Option<String>,
    /// Other ways to name a result of `stats`: what is written, the name.
    pub(super) also: Vec<(String, String)>,
    /// Aggregates of the `stats` that is being read, by their place.
    pub(super) taken: Vec<(Span, Value)>,
}

impl Scope {
    pub(super) fn new(names: Vec<(String, DataType)>, records: bool) -> Self {
        Self { names, records, ..Self::default() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &(String, DataType)> {
        self.names.iter()
    }

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let found = self.names.iter().find(|(n, _)| n == name)?;
        Some(Value::of(ident(&found.0), found.1.clone()))
    }

    /// A name, or a path into the text that a name stands for.
    pub(super) fn field(&self, query: &str, name: &str, span: Span) -> Result<Value, Mistake> {
        let found = self.get(name).or_else(|| self.without_alias(name)).or_else(|| self.also(name));
        if let Some(value) = found.or_else(|| self.below(name)) {
            return Ok(value);
        }
        let known = self.names.iter().map(|(n, _)| n.as_str()).filter(|n| !n.starts_with('#'));
        let why =
            if self.records { "is no field here" } else { "is no result of the stats before it" };
        let message = format!("{} {why}", shown(name));
        Err(Mistake::new(query, span, message).or_rather(nearest(name, known)))
    }

    /// What is written another way, if it can mean one thing only.
    pub(super) fn also(&self, written: &str) -> Option<Value> {
        let mut names: Vec<&str> =
            self.also.iter().filter(|(w, _)| w == written).map(|(_, n)| n.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [name] => self.get(name),
            _ => None,
        }
    }

    fn without_alias(&self, name: &str) -> Option<Value> {
        let name = name.strip_prefix(self.alias.as_deref()?)?;
        self.get(name).or_else(|| self.below(name))
    }

    /// `parsed.user.name`, where `parsed` is a name.
    fn below(&self, name: &str) -> Option<Value> {
        let mut head = name;
        while let Some(at) = head.rfind('.') {
            head = head.get(..at)?;
            if let Some(value) = self.get(head) {
                let rest = name.get(at + 1..)?;
                return Some(text::path(value.to_text(), rest));
            }
        }
        None
    }

    /// The same names and one more; one of the same name is replaced.
    pub(super) fn put(&mut self, name: &str, kind: DataType) {
        self.names.retain(|(n, _)| n != name);
        self.names.push((name.to_owned(), kind));
    }
}

/// A name as a message shows it.
pub(super) fn shown(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    wk_model::complaint::printable(short.as_bytes())
}
