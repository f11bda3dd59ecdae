//! A route.

use serde::Serialize;
use wk_lang::pattern::Pattern;
use wk_lang::yaml::Place;
use wk_model::{Severity, Timestamp};

/// A pattern, and what follows when it matches.
#[derive(Debug, Clone)]
pub struct Route {
    /// Unique among all routes; an own route takes the place of a built-in one of its name.
    pub name: String,
    /// Why it is there.
    pub why: Option<String>,
    /// The file it stands in, or [`BUILT_IN_NAME`](super::BUILT_IN_NAME).
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// What it matches.
    pub pattern: Pattern,
    /// The pattern as JSON.
    pub pattern_text: String,
    /// Who is told.
    pub notify: Option<Tell>,
    /// That nobody is told.
    pub suppress: Option<Suppression>,
    /// What is asked for.
    pub requests: Vec<Request>,
    /// Whether routes behind it are asked too.
    pub goes_on: bool,
    /// How bad an event is that it asks for and that is no finding by itself.
    pub severity: Severity,
}

/// Who is told, and what goes together into one notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tell {
    /// Channels by their names in the configuration.
    pub channels: Vec<String>,
    /// Labels, of [`GROUP_BY`]; findings that have the same go together.
    pub group_by: Vec<String>,
}

/// That nobody is told, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when; from then on the route matches nothing.
    pub until: Timestamp,
}

/// What a route asks for. It is kept as a request for those who can do it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// That an incident is opened.
    Incident,
    /// That a playbook is planned, by its name.
    Playbook(String),
}

/// The labels by which findings may be grouped: `finding` keeps each for itself.
pub const GROUP_BY: [&str; 9] =
    ["account", "actor", "finding", "product", "region", "resource", "route", "rule", "severity"];

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Incident => f.write_str("incident"),
            Self::Playbook(name) => write!(f, "playbook {name}"),
        }
    }
}
