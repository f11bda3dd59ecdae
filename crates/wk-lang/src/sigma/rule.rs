//! A rule: what it says about itself, what it looks for, and its tests.

use wk_model::SeverityWord;

use super::condition::{self, Condition};
use super::error::{Problem, RuleError};
use super::extension::{Extension, read_extension};
use super::modifier::{self, Modifier};
use super::reader::Reader;
use super::test::Test;
use super::value::{EXPRESSIONS_MAX, read_test};
use crate::yaml::{Content, Key, Node, Place};

/// A rule that was read and checked.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its identity, a UUID.
    pub id: Option<String>,
    /// What correlations call it.
    pub name: Option<String>,
    /// Where it begins in its file.
    pub place: Place,
    /// What it detects, in a line.
    pub title: String,
    /// How far it has been proved.
    pub status: Option<Status>,
    /// Why it is there.
    pub description: Option<String>,
    /// How bad a match is.
    pub level: Option<SeverityWord>,
    /// `attack.t1098`, `cc7.2`, …
    pub tags: Vec<String>,
    /// Whose records it reads.
    pub logsource: LogSource,
    /// Who does the same for good reasons.
    pub falsepositives: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where it was taken from, what explains it.
    pub references: Vec<String>,
    /// Its searches by name, in their order.
    pub searches: Vec<(String, Search)>,
    /// Which of them must be true.
    pub condition: Condition,
    /// What only Watchkeeper needs.
    pub extension: Extension,
}

/// Whose records a rule reads, or whose record a record is. What is not named is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// Such as `aws`.
    pub product: Option<String>,
    /// Such as `cloudtrail`.
    pub service: Option<String>,
    /// Such as `webserver`.
    pub category: Option<String>,
}

/// How far a rule has been proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In use for long.
    Stable,
    /// Nearly so.
    Test,
    /// May have many false positives.
    Experimental,
    /// Replaced.
    Deprecated,
    /// Needs what its engine does not have.
    Unsupported,
}

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

pub(super) fn read_rule(document: &Node) -> Result<Rule, RuleError> {
    let reader = Reader { node: document, path: "" };
    if document.members().is_none() {
        return Err(reader.kind(document, "a rule", "a mapping"));
    }
    let name = reader.text("name")?;
    // A rule that only a correlation refers to may have nothing but a name.
    let title = reader.text("title")?.or_else(|| name.clone());
    let title = title.ok_or(Problem::Missing("title").at(document.place))?;
    let logsource =
        document.get("logsource").ok_or(Problem::Missing("logsource").at(document.place))?;
    let detection =
        document.get("detection").ok_or(Problem::Missing("detection").at(document.place))?;
    let (searches, condition) = read_detection(detection)?;
    Ok(Rule {
        id: reader.text("id")?,
        name,
        place: document.place,
        title,
        status: reader.status()?,
        description: reader.text("description")?,
        level: reader.level()?,
        tags: reader.texts("tags")?,
        logsource: read_logsource(logsource)?,
        falsepositives: reader.texts("falsepositives")?,
        author: reader.text("author")?,
        references: reader.texts("references")?,
        searches,
        condition,
        extension: match document.get("watchkeeper") {
            Some(node) => read_extension(node)?,
            None => Extension::default(),
        },
    })
}

pub(super) fn read_logsource(node: &Node) -> Result<LogSource, RuleError> {
    let reader = Reader { node, path: "logsource." };
    if node.members().is_none() {
        return Err(Reader { node, path: "" }.kind(node, "logsource", "a mapping"));
    }
    Ok(LogSource {
        product: reader.text("product")?,
        service: reader.text("service")?,
        category: reader.text("category")?,
    })
}

impl LogSource {
    /// A log source by product and service.
    pub fn new(product: &str, service: &str) -> Self {
        let (product, service) = (Some(product.to_owned()), Some(service.to_owned()));
        Self { product, service, category: None }
    }

    /// Whether a rule with this log source reads records of that one.
    pub fn reads(&self, record: &Self) -> bool {
        let fits = |asked: &Option<String>, is: &Option<String>| match (asked, is) {
            (None, _) => true,
            (Some(asked), Some(is)) => asked.eq_ignore_ascii_case(is),
            (Some(_), None) => false,
        };
        fits(&self.product, &record.product)
            && fits(&self.service, &record.service)
            && fits(&self.category, &record.category)
    }
}

pub(super) fn read_detection(node: &Node) -> Result<(Vec<(String, Search)>, Condition), RuleError> {
    let Some(members) = node.members() else {
        return Err(Reader { node, path: "" }.kind(node, "detection", "a mapping"));
    };
    let mut searches = Vec::new();
    let mut reader = SearchReader::default();
    for (key, value) in members {
        if !matches!(key.text.as_str(), "condition" | "timeframe") {
            let path = format!("detection.{}", key.text);
            searches.push((key.text.clone(), reader.search(value, &path, 0)?));
        }
    }
    let names: Vec<&str> = searches.iter().map(|(name, _)| name.as_str()).collect();
    let condition = read_condition(node, &names)?;
    Ok((searches, condition))
}

/// Several conditions mean any of them.
fn read_condition(detection: &Node, names: &[&str]) -> Result<Condition, RuleError> {
    let missing = |place| Problem::Missing("detection.condition").at(place);
    let node = detection.get("condition").ok_or(missing(detection.place))?;
    let mut conditions = Vec::new();
    for item in node.items() {
        let reader = Reader { node: detection, path: "detection." };
        let text = item.scalar().ok_or_else(|| reader.kind(item, "condition", "a text"))?;
        conditions.push(condition::read(text, names).map_err(|p| p.at(item.place))?);
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

/// Reads the searches of one rule.
#[derive(Default)]
struct SearchReader {
    /// How many regular expressions it has read.
    expressions: usize,
}

impl SearchReader {
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
        let test =
            read_test(path, field, modifiers, values, left).map_err(|p| p.at(values.place))?;
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
