//! Filters: what is left out of the matches of other rules.

use super::condition::Condition;
use super::correlation::{About, Named, read_about, read_named};
use super::detection::{Block, Search};
use super::error::{Problem, RuleError};
use super::lists::Lists;
use super::reader::Reader;
use super::rule::{LogSource, read_logsource};
use crate::yaml::Node;

/// A filter that was read and checked.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What it says of itself.
    pub about: About,
    /// Whose records it is about.
    pub logsource: LogSource,
    /// The rules that it is for; none: all that read these records.
    pub rules: Vec<Named>,
    /// Its searches by name, in their order.
    pub searches: Vec<(String, Search)>,
    /// What is left out.
    pub condition: Condition,
}

/// How many rules one filter may name.
const RULES_MAX: usize = 1_000;

/// Reads a document that has a `filter`.
pub(super) fn read_filter(
    document: &Node,
    node: &Node,
    lists: &Lists,
) -> Result<Filter, RuleError> {
    let about = read_about(document)?;
    let missing = |what: &'static str, place| Problem::Missing(what).at(place);
    let logsource = document.get("logsource").ok_or(missing("logsource", document.place))?;
    if node.members().is_none() {
        return Err(Reader { node: document, path: "" }.kind(node, "filter", "a mapping"));
    }
    let reader = Reader { node, path: "filter." };
    let any = node.get("rules").and_then(Node::scalar) == Some("any");
    let rules = if any { Vec::new() } else { read_named(&reader, "rules", RULES_MAX)? };
    if rules.is_empty() && !any {
        return Err(missing("rules under filter (ids or names, or any)", node.place));
    }
    let (searches, condition) = Block::of(node, "filter", &["rules"], lists).read()?;
    if let Condition::Not(_) = condition {
        // Some tools read the condition as what stays. Taking one for the other would switch rules
        // off for everything but what was to be left out.
        let why = "says what is left out, so it must not begin with `not`; write `selection` where \
                   another tool wants `not selection`";
        let condition = reader.text("condition")?.unwrap_or_default();
        let problem = Problem::Condition { key: "filter.condition", condition, why: why.into() };
        return Err(problem.at(reader.place("condition")));
    }
    Ok(Filter { about, logsource: read_logsource(logsource)?, rules, searches, condition })
}
