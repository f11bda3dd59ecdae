//! Searches by name, and the condition over them.

use super::condition::{self, Condition};
use super::error::{Problem, RuleError};
use super::lists::Lists;
use super::modifier::{self, Modifier};
use super::reader::Reader;
use super::test::Test;
use super::value::{EXPRESSIONS_MAX, read_test};
use crate::yaml::{Content, Key, Node};

/// A named part of a detection.
#[derive(Debug, Clone)]
pub enum Search {
    /// All of these.
    All(Vec<Search>),
    /// At least one of these.
    Any(Vec<Search>),
    /// What is asked of one field.
    Test(Test),
}

/// A mapping of searches with a condition over them: `detection` of a rule, `filter` of a filter.
pub(super) struct Block<'a> {
    node: &'a Node,
    /// The key it stands under.
    key: &'static str,
    /// Members that are no searches, besides the condition.
    others: &'a [&'a str],
    lists: &'a Lists,
}

impl<'a> Block<'a> {
    pub(super) fn of(
        node: &'a Node,
        key: &'static str,
        others: &'a [&'a str],
        lists: &'a Lists,
    ) -> Self {
        Self { node, key, others, lists }
    }

    pub(super) fn read(&self) -> Result<(Vec<(String, Search)>, Condition), RuleError> {
        let Some(members) = self.node.members() else {
            let reader = Reader { node: self.node, path: "" };
            return Err(reader.kind(self.node, self.key, "a mapping"));
        };
        let mut searches = Vec::new();
        let mut reader = SearchReader { lists: self.lists, expressions: 0 };
        for (key, value) in members {
            if key.text != "condition" && !self.others.contains(&key.text.as_str()) {
                let path = format!("{}.{}", self.key, key.text);
                searches.push((key.text.clone(), reader.search(value, &path, 0)?));
            }
        }
        let names: Vec<&str> = searches.iter().map(|(name, _)| name.as_str()).collect();
        let condition = self.condition(&names)?;
        Ok((searches, condition))
    }

    /// Several conditions mean any of them.
    fn condition(&self, names: &[&str]) -> Result<Condition, RuleError> {
        let (what, path, key) = match self.key {
            "filter" => ("filter.condition", "filter.", "filter.condition"),
            _ => ("detection.condition", "detection.", "detection.condition"),
        };
        let missing = |place| Problem::Missing(what).at(place);
        let node = self.node.get("condition").ok_or(missing(self.node.place))?;
        let mut conditions = Vec::new();
        for item in node.items() {
            let reader = Reader { node: self.node, path };
            let text = item.scalar().ok_or_else(|| reader.kind(item, "condition", "a text"))?;
            let read = condition::read_over(text, names, key);
            conditions.push(read.map_err(|p| p.at(item.place))?);
        }
        match (conditions.pop(), conditions.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                conditions.push(last);
                Ok(Condition::Any(conditions))
            }
            (None, _) => Err(missing(node.place)),
        }
    }
}

/// Reads the searches of one block.
struct SearchReader<'a> {
    lists: &'a Lists,
    /// How many regular expressions it has read.
    expressions: usize,
}

impl SearchReader<'_> {
    /// How deep lists may lie in lists of a search.
    const DEPTH_MAX: usize = 8;

    /// A mapping asks for all of its members, a list for one of its elements; a text is a keyword.
    fn search(&mut self, node: &Node, path: &str, depth: usize) -> Result<Search, RuleError> {
        let nothing = |is: &'static str| {
            let (key, wanted) = (path.to_owned(), "a mapping of fields or a list of keywords");
            Err(Problem::Kind { key, is, wanted }.at(node.place))
        };
        match &node.content {
            Content::Map(members) if members.is_empty() => nothing("an empty mapping"),
            Content::Map(members) => {
                let tests = members.iter().map(|(key, values)| self.member(key, values, path));
                Ok(one_or(tests.collect::<Result<_, _>>()?, Search::All))
            }
            Content::List(items) if items.is_empty() => nothing("an empty list"),
            Content::List(_) if depth >= Self::DEPTH_MAX => nothing("a list in too many lists"),
            Content::List(items) => {
                let searches = items.iter().map(|item| self.search(item, path, depth + 1));
                Ok(one_or(searches.collect::<Result<_, _>>()?, Search::Any))
            }
            Content::Null => nothing("null"),
            Content::Bool(_) | Content::Number(_) | Content::Text(_) => {
                self.test(path, "", &[], node)
            }
        }
    }

    fn member(&mut self, key: &Key, values: &Node, path: &str) -> Result<Search, RuleError> {
        let path = format!("{path}.{}", key.text);
        let (field, modifiers) = modifier::read(&key.text, &path).map_err(|p| p.at(key.place))?;
        self.test(&path, field, &modifiers, values)
    }

    fn test(
        &mut self,
        path: &str,
        field: &str,
        modifiers: &[Modifier],
        values: &Node,
    ) -> Result<Search, RuleError> {
        let left = EXPRESSIONS_MAX - self.expressions;
        let test = read_test(path, field, modifiers, values, left, self.lists)
            .map_err(|p| p.at(values.place))?;
        self.expressions += test.expressions();
        Ok(Search::Test(test))
    }
}

fn one_or(mut searches: Vec<Search>, with: fn(Vec<Search>) -> Search) -> Search {
    match (searches.pop(), searches.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            searches.extend(last);
            with(searches)
        }
    }
}
