//! Members of a mapping, read with the place of what is wrong.

use wk_model::SeverityWord;

use super::error::{Problem, RuleError};
use super::rule::Status;
use crate::yaml::{Content, Node, Place};

/// Reads the members of a mapping, and says which is wrong.
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    /// The keys around it, with a dot behind.
    pub(super) path: &'static str,
}

impl Reader<'_> {
    pub(super) fn kind(&self, node: &Node, key: &str, wanted: &'static str) -> RuleError {
        let key = format!("{}{key}", self.path);
        Problem::Kind { key, is: node.kind(), wanted }.at(node.place)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, RuleError> {
        match self.node.get(key) {
            None => Ok(None),
            Some(node) if node.content == Content::Null => Ok(None),
            Some(node) => match node.scalar() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.kind(node, key, "a text")),
            },
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, RuleError> {
        let items = self.node.get(key).map(Node::items).unwrap_or_default();
        let text = |node: &Node| match node.scalar() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.kind(node, key, "a list of texts")),
        };
        items.iter().map(text).collect()
    }

    /// True or false; false where it is not there.
    pub(super) fn flag(&self, key: &str) -> Result<bool, RuleError> {
        match self.node.get(key) {
            None => Ok(false),
            Some(node) => match node.content {
                Content::Bool(value) => Ok(value),
                _ => Err(self.kind(node, key, "true or false")),
            },
        }
    }

    pub(super) fn place(&self, key: &str) -> Place {
        self.node.get(key).map_or(self.node.place, |node| node.place)
    }

    pub(super) fn status(&self) -> Result<Option<Status>, RuleError> {
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

    pub(super) fn level(&self) -> Result<Option<SeverityWord>, RuleError> {
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
