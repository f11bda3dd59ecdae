//! What only Watchkeeper needs of a rule: the mapping `watchkeeper`.

use wk_model::Severity;

use super::error::{Problem, RuleError};
use super::field::FieldPath;
use super::reader::Reader;
use super::rule_test::{RuleTest, read_exemplars, read_rule_tests};
use crate::yaml::Node;

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

/// Reads the extension of a rule, and the tests that it may have from elsewhere.
pub(super) fn read_extension(document: &Node) -> Result<Extension, RuleError> {
    let mut extension = match document.get("watchkeeper") {
        Some(node) => read_members(node)?,
        None => Extension::default(),
    };
    extension.tests.extend(read_exemplars(document)?);
    Ok(extension)
}

fn read_members(node: &Node) -> Result<Extension, RuleError> {
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
        tests: read_rule_tests(tests)?,
    })
}

/// `30s`, `15m`, `1h`, `1d`, `2w`: at most a year.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let unit = text.chars().last()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(unit).filter(|seconds| *seconds <= 366 * 86_400)
}
