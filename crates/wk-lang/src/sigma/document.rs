//! A file of rules: which document is what.

use super::correlation::{Correlation, read_correlation};
use super::error::{Problem, RuleError};
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
    /// Why other documents of the file are none.
    pub errors: Vec<RuleError>,
}

/// Reads the rules of a YAML file, one in each document. Keys that Sigma does not define are
/// passed over, as it asks; those under `watchkeeper` and `correlation` must be known.
pub fn read_rules(text: &str) -> Reading {
    let mut reading = Reading::default();
    match yaml::read(text) {
        Ok(documents) => documents.iter().for_each(|document| reading.take(document)),
        Err(error) => reading.errors.push(error.into()),
    }
    reading
}

impl Reading {
    fn take(&mut self, document: &Node) {
        if let Err(error) = self.read(document) {
            let title = document.get("title").and_then(Node::scalar);
            let rule = title.map(str::to_owned);
            self.errors.push(RuleError { rule, ..error });
        }
    }

    fn read(&mut self, document: &Node) -> Result<(), RuleError> {
        if document.members().is_none() {
            let reader = Reader { node: document, path: "" };
            return Err(reader.kind(document, "a rule", "a mapping"));
        }
        for (key, what) in [("filter", "filters"), ("action", "actions")] {
            if let Some(node) = document.get(key) {
                return Err(Problem::NotYet(what).at(node.place));
            }
        }
        match document.get("correlation") {
            Some(node) => self.correlations.push(read_correlation(document, node)?),
            None => self.rules.push(read_rule(document)?),
        }
        Ok(())
    }
}
