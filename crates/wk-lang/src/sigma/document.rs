//! A file of rules: which document is what.

use super::correlation::{Correlation, read_correlation};
use super::error::{Problem, RuleError};
use super::filter::{Filter, read_filter};
use super::lists::Lists;
use super::reader::Reader;
use super::rule::{Rule, read_rule};
use crate::yaml::{self, Node};

/// What [`read_rules`] understood of a file, and what it did not.
#[derive(Debug, Default)]
pub struct Reading {
    /// The rules over single events, in their order.
    pub rules: Vec<Rule>,
    /// The rules over several events, in their order.
    pub correlations: Vec<Correlation>,
    /// What is left out of the matches of others.
    pub filters: Vec<Filter>,
    /// Why other documents of the file are none.
    pub errors: Vec<RuleError>,
}

/// Reads the rules of a YAML file, one in each document. Keys that Sigma does not define are
/// passed over, as it asks; those under `watchkeeper` and `correlation` must be known.
pub fn read_rules(text: &str) -> Reading {
    read_rules_with(text, &Lists::none())
}

/// The same, with lists for placeholders.
pub fn read_rules_with(text: &str, lists: &Lists) -> Reading {
    let mut reading = Reading::default();
    match yaml::read(text) {
        Ok(documents) => documents.iter().for_each(|document| reading.take(document, lists)),
        Err(error) => reading.errors.push(error.into()),
    }
    reading
}

impl Reading {
    fn take(&mut self, document: &Node, lists: &Lists) {
        if let Err(error) = self.read(document, lists) {
            let title = document.get("title").and_then(Node::scalar);
            let rule = title.map(str::to_owned);
            self.errors.push(RuleError { rule, ..error });
        }
    }

    fn read(&mut self, document: &Node, lists: &Lists) -> Result<(), RuleError> {
        if document.members().is_none() {
            let reader = Reader { node: document, path: "" };
            return Err(reader.kind(document, "a rule", "a mapping"));
        }
        if let Some(node) = document.get("action") {
            return Err(Problem::NotYet("actions").at(node.place));
        }
        match (document.get("correlation"), document.get("filter")) {
            (Some(node), _) => self.correlations.push(read_correlation(document, node)?),
            (None, Some(node)) => self.filters.push(read_filter(document, node, lists)?),
            (None, None) => self.rules.push(read_rule(document, lists)?),
        }
        Ok(())
    }
}
