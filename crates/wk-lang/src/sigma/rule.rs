//! A rule: what it says about itself, what it looks for, and its tests.

use wk_model::SeverityWord;

use super::condition::Condition;
use super::detection::{Block, Search};
use super::error::{Problem, RuleError};
use super::extension::{Extension, read_extension};
use super::field::FieldPath;
use super::filter::Filter;
use super::lists::Lists;
use super::reader::Reader;
use super::test::Want;
use crate::yaml::{Node, Place};

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

impl Rule {
    /// The fields that it asks for; `None` if it looks for keywords, which may be anywhere.
    pub fn fields(&self) -> Option<Vec<&FieldPath>> {
        let mut fields = Vec::new();
        let mut open: Vec<&Search> = self.searches.iter().map(|(_, search)| search).collect();
        while let Some(search) = open.pop() {
            match search {
                Search::All(parts) | Search::Any(parts) => open.extend(parts),
                Search::Test(test) => {
                    fields.push(test.field.as_ref()?);
                    fields.extend(test.wants.iter().filter_map(|want| match want {
                        Want::Field(reference) => Some(&reference.field),
                        _ => None,
                    }));
                }
            }
        }
        Some(fields)
    }

    /// Leaves out what a filter describes: the rule matches where it did, and the filter does not.
    pub fn leave_out(&mut self, filter: &Filter) {
        let behind = self.searches.len();
        let searches = filter.searches.iter();
        self.searches.extend(
            searches.map(|(name, s)| (format!("{}: {name}", filter.about.title), s.clone())),
        );
        let mut left_out = filter.condition.clone();
        left_out.move_searches(behind);
        let before = std::mem::replace(&mut self.condition, Condition::All(Vec::new()));
        self.condition = Condition::All(vec![before, Condition::Not(Box::new(left_out))]);
    }
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

pub(super) fn read_rule(document: &Node, lists: &Lists) -> Result<Rule, RuleError> {
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
    let (searches, condition) = Block::of(detection, "detection", &["timeframe"], lists).read()?;
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
        extension: read_extension(document)?,
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
