//! What only Watchkeeper needs of a rule: the mapping `watchkeeper`.

use wk_model::Severity;

use super::error::{Problem, RuleError};
use super::field::FieldPath;
use super::reader::Reader;
use crate::yaml::{Content, Node};

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

pub(super) fn read_extension(node: &Node) -> Result<Extension, RuleError> {
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
