//! A rule: what it says about itself, what it looks for, and its tests.

use wk_model::{Severity, SeverityWord};

use super::condition::{self, Condition};
use super::error::{Problem, RuleError};
use super::field::FieldPath;
use super::modifier::{self, Modifier};
use super::test::Test;
use super::value::{EXPRESSIONS_MAX, read_test};
use crate::yaml::{self, Content, Key, Node, Place};

/// A rule that was read and checked.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its identity, a UUID.
    pub id: Option<String>,
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

/// The `watchkeeper` mapping of a rule.
#[derive(Debug, Clone, Default)]
pub struct Extension {
    /// Severity as a number; else the level says it.
    pub severity: Option<Severity>,
    /// Numbers of the requirements it serves.
    pub requirements: Vec<String>,
    /// Published attack techniques it catches.
    pub techniques: Vec<String>,
    /// Fields that name what was acted on.
    pub resource: Vec<FieldPath>,
    /// How long repeats are the same finding.
    pub window_seconds: Option<u32>,
    /// The first things to look at.
    pub triage: Vec<String>,
    /// Events that fire and events that stay quiet.
    pub tests: Vec<RuleTest>,
}

/// An event that says what the rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// What the rule must do.
    pub expected: Expected,
    /// The event, as compact JSON.
    pub event: String,
}

/// What a rule must do on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Match.
    Fires,
    /// Not match.
    Quiet,
}

/// What [`read_rules`] understood of a file, and what it did not.
#[derive(Debug, Default)]
pub struct Reading {
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// Why other documents of the file are none.
    pub errors: Vec<RuleError>,
}

/// Reads the rules of a YAML file, one in each document. Keys that Sigma does not define are
/// passed over, as it asks; those under `watchkeeper` must be known.
pub fn read_rules(text: &str) -> Reading {
    let mut reading = Reading::default();
    match yaml::read(text) {
        Ok(documents) => {
            for document in &documents {
                match read_rule(document) {
                    Ok(rule) => reading.rules.push(rule),
                    Err(error) => {
                        let title = document.get("title").and_then(Node::scalar);
                        let rule = title.map(str::to_owned);
                        reading.errors.push(RuleError { rule, ..error });
                    }
                }
            }
        }
        Err(error) => reading.errors.push(error.into()),
    }
    reading
}

fn read_rule(document: &Node) -> Result<Rule, RuleError> {
    let reader = Reader { node: document, path: "" };
    if document.members().is_none() {
        return Err(reader.kind(document, "a rule", "a mapping"));
    }
    let not_yet =
        [("correlation", "correlation rules"), ("filter", "filters"), ("action", "actions")];
    for (key, what) in not_yet {
        if let Some(node) = document.get(key) {
            return Err(Problem::NotYet(what).at(node.place));
        }
    }
    let title = reader.text("title")?.ok_or(Problem::Missing("title").at(document.place))?;
    let logsource =
        document.get("logsource").ok_or(Problem::Missing("logsource").at(document.place))?;
    let detection =
        document.get("detection").ok_or(Problem::Missing("detection").at(document.place))?;
    let (searches, condition) = read_detection(detection)?;
    Ok(Rule {
        id: reader.text("id")?,
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

/// Reads the members of a mapping, and says which is wrong.
struct Reader<'a> {
    node: &'a Node,
    /// The keys around it, with a dot behind.
    path: &'static str,
}

impl Reader<'_> {
    fn kind(&self, node: &Node, key: &str, wanted: &'static str) -> RuleError {
        let key = format!("{}{key}", self.path);
        Problem::Kind { key, is: node.kind(), wanted }.at(node.place)
    }

    fn text(&self, key: &str) -> Result<Option<String>, RuleError> {
        match self.node.get(key) {
            None => Ok(None),
            Some(node) if node.content == Content::Null => Ok(None),
            Some(node) => match node.scalar() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.kind(node, key, "a text")),
            },
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, RuleError> {
        let items = self.node.get(key).map(Node::items).unwrap_or_default();
        let text = |node: &Node| match node.scalar() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.kind(node, key, "a list of texts")),
        };
        items.iter().map(text).collect()
    }

    fn place(&self, key: &str) -> Place {
        self.node.get(key).map_or(self.node.place, |node| node.place)
    }

    fn status(&self) -> Result<Option<Status>, RuleError> {
        const KNOWN: [(&str, Status); 5] = [
            ("stable", Status::Stable),
            ("test", Status::Test),
            ("experimental", Status::Experimental),
            ("deprecated", Status::Deprecated),
            ("unsupported", Status::Unsupported),
        ];
        let Some(word) = self.text("status")? else { return Ok(None) };
        match KNOWN.iter().find(|(known, _)| *known == word) {
            Some((_, status)) => Ok(Some(*status)),
            None => {
                let known = KNOWN.map(|(known, _)| known);
                Err(Problem::unknown("status", &word, known).at(self.place("status")))
            }
        }
    }

    fn level(&self) -> Result<Option<SeverityWord>, RuleError> {
        let Some(word) = self.text("level")? else { return Ok(None) };
        match SeverityWord::parse(&word) {
            Some(level) => Ok(Some(level)),
            None => {
                let known = ["informational", "low", "medium", "high", "critical"];
                Err(Problem::unknown("level", &word, known).at(self.place("level")))
            }
        }
    }
}

fn read_logsource(node: &Node) -> Result<LogSource, RuleError> {
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

fn read_detection(node: &Node) -> Result<(Vec<(String, Search)>, Condition), RuleError> {
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

fn read_extension(node: &Node) -> Result<Extension, RuleError> {
    const KNOWN: [&str; 7] =
        ["severity", "requirements", "techniques", "resource", "window", "triage", "tests"];
    let reader = Reader { node, path: "watchkeeper." };
    let Some(members) = node.members() else {
        return Err(Reader { node, path: "" }.kind(node, "watchkeeper", "a mapping"));
    };
    if let Some((key, _)) = members.iter().find(|(key, _)| !KNOWN.contains(&key.text.as_str())) {
        return Err(Problem::unknown("watchkeeper", &key.text, KNOWN).at(key.place));
    }
    let refuse = |key: &str, value: String, why: &str| {
        let problem = Problem::Value { key: format!("watchkeeper.{key}"), value, why: why.into() };
        problem.at(reader.place(key))
    };
    let severity = match reader.text("severity")? {
        Some(text) => match text.parse().ok().and_then(|n: f64| Severity::try_from(n).ok()) {
            Some(severity) => Some(severity),
            None => return Err(refuse("severity", text, "is not a number from 0 to 10")),
        },
        None => None,
    };
    let window_seconds = match reader.text("window")? {
        Some(text) => match seconds(&text) {
            Some(seconds) => Some(seconds),
            None => return Err(refuse("window", text, "is not a time such as 15m, 1h or 1d")),
        },
        None => None,
    };
    let resource = reader.texts("resource")?.iter().map(|path| FieldPath::new(path)).collect();
    let tests = node.get("tests").map(Node::items).unwrap_or_default();
    Ok(Extension {
        severity,
        requirements: reader.texts("requirements")?,
        techniques: reader.texts("techniques")?,
        resource,
        window_seconds,
        triage: reader.texts("triage")?,
        tests: tests.iter().map(read_rule_test).collect::<Result<_, _>>()?,
    })
}

/// `15m`, `1h`, `1d`: at most a year.
fn seconds(text: &str) -> Option<u32> {
    let unit = text.chars().last()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(unit).filter(|seconds| *seconds <= 366 * 86_400)
}

fn read_rule_test(node: &Node) -> Result<RuleTest, RuleError> {
    let reader = Reader { node, path: "watchkeeper.tests." };
    let known = ["name", "fires", "quiet"];
    let members = node.members().unwrap_or_default();
    if let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.text.as_str())) {
        return Err(Problem::unknown("watchkeeper.tests", &key.text, known).at(key.place));
    }
    let (expected, event) = match (node.get("fires"), node.get("quiet")) {
        (Some(event), None) => (Expected::Fires, event),
        (None, Some(event)) => (Expected::Quiet, event),
        _ => return Err(reader.kind(node, "fires", "an event under either fires or quiet")),
    };
    let event = match &event.content {
        Content::Map(_) => event.to_json(),
        Content::Text(text) => text.trim().to_owned(),
        _ => return Err(reader.kind(event, "fires", "an event, or its JSON text")),
    };
    let name = reader.text("name")?.ok_or_else(|| reader.kind(node, "name", "a text"))?;
    Ok(RuleTest { name, expected, event })
}
