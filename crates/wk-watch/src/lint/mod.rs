//! What is wrong, or likely to be, with files of rules.
//!
//! * An error means that a rule cannot be used, or can never match. A warning means that it
//!   probably does not do what its author meant, or misses what the next reader needs. A note is
//!   worth knowing.
//! * Pure: texts in, problems out, in the order of files and rules.

mod attack;
mod dead;
mod dictionary;
mod fields;
mod worth;

use std::collections::BTreeMap;

use wk_lang::sigma::{self, Lists, Reading, RuleError};

use crate::detect::Detections;
use crate::lists;
use crate::rehearsal;
use crate::silent::Silent;
use crate::sources::{self, Source};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Probably not what is meant.
    Warning,
    /// It does not work.
    Error,
}

/// Something that is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: String,
    /// The rule's title, where it has been read.
    pub rule: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// Which check says so.
    pub check: &'static str,
    /// What is wrong, and what to do.
    pub say: String,
}

/// Problems of one rule, while it is looked at.
struct Report<'a> {
    file: &'a str,
    rule: &'a str,
    found: Vec<Found>,
}

impl Report<'_> {
    fn say(&mut self, level: Level, check: &'static str, say: impl Into<String>) {
        self.found.push(Found {
            file: self.file.to_owned(),
            rule: Some(self.rule.to_owned()),
            level,
            check,
            say: say.into(),
        });
    }
}

/// Looks at files of rules (name and text), and runs the tests that stand in them.
pub fn lint(files: &[(String, String)]) -> Vec<Found> {
    lint_with(files, &lists::standard())
}

/// The same, with lists for the placeholders in rules.
pub fn lint_with(files: &[(String, String)], lists: &Lists) -> Vec<Found> {
    let mut found = read(files, lists);
    found.extend(compiled(files, lists));
    found
}

/// What shows without running anything.
fn read(files: &[(String, String)], lists: &Lists) -> Vec<Found> {
    let mut found = Vec::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let readings: Vec<(&String, Reading)> =
        files.iter().map(|(file, text)| (file, sigma::read_rules_with(text, lists))).collect();
    let all = Singles::of(readings.iter().map(|(_, reading)| reading));
    for (file, reading) in &readings {
        found.extend(reading.errors.iter().map(|error| unread(file, error)));
        for rule in &reading.rules {
            let mut report = Report { file, rule: &rule.title, found: Vec::new() };
            single(rule, &mut report);
            identity(rule.id.as_deref(), &mut ids, &mut report);
            found.append(&mut report.found);
        }
        for correlation in &reading.correlations {
            let about = &correlation.about;
            let mut report = Report { file, rule: &about.title, found: Vec::new() };
            attack::check(&about.tags, &mut report);
            worth::check(&worth::About::of_correlation(about), &mut report);
            fields::of_correlation(correlation, &reading.rules, &all, &mut report);
            identity(about.id.as_deref(), &mut ids, &mut report);
            found.append(&mut report.found);
        }
    }
    found
}

/// The rules over single events of all files, by id and by name.
struct Singles<'a>(BTreeMap<&'a str, &'a sigma::Rule>);

impl<'a> Singles<'a> {
    fn of(readings: impl Iterator<Item = &'a Reading>) -> Self {
        let rules = readings.flat_map(|reading| &reading.rules);
        let names = rules.flat_map(|rule| rule.id.iter().chain(&rule.name).map(move |n| (n, rule)));
        Self(names.map(|(name, rule)| (name.as_str(), rule)).collect())
    }

    /// The rule that a correlation names; first of those beside it.
    fn named(&self, name: &str, beside: &'a [sigma::Rule]) -> Option<&'a sigma::Rule> {
        let is = |rule: &&sigma::Rule| {
            [&rule.id, &rule.name].into_iter().flatten().any(|known| known == name)
        };
        beside.iter().find(is).or_else(|| self.0.get(name).copied())
    }
}

fn unread(file: &str, error: &RuleError) -> Found {
    Found {
        file: file.to_owned(),
        rule: error.rule.clone(),
        level: Level::Error,
        check: "schema",
        say: error.to_string(),
    }
}

fn single(rule: &sigma::Rule, report: &mut Report<'_>) {
    let source = source_of(rule);
    match source {
        Some(source) => fields::check(rule, source, report),
        None => report.say(
            Level::Error,
            "source",
            format!(
                "no table has records of this log source; services are {}",
                services().join(", ")
            ),
        ),
    }
    dead::check(rule, report);
    attack::check(&rule.tags, report);
    worth::check(&worth::About::of_rule(rule), report);
}

/// The source whose records a rule reads; of several the first.
fn source_of(rule: &sigma::Rule) -> Option<&'static Source> {
    let reads = |source: &&&Source| rule.logsource.reads(&crate::detect::log_source(source));
    sources::ALL.iter().find(reads).copied()
}

fn services() -> Vec<&'static str> {
    sources::ALL.iter().filter_map(|source| source.service).collect()
}

/// An id is a UUID, and no other rule has it.
fn identity(id: Option<&str>, ids: &mut BTreeMap<String, String>, report: &mut Report<'_>) {
    let Some(id) = id else {
        let say = "it has no id: its findings change their identity when its title changes";
        report.say(Level::Warning, "id", say);
        return;
    };
    let digits = id.split('-').map(str::len).collect::<Vec<_>>() == [8, 4, 4, 4, 12];
    if !digits || !id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
        report.say(Level::Warning, "id", format!("the id {id:?} is no UUID"));
    }
    if let Some(other) = ids.insert(id.to_owned(), report.rule.to_owned()) {
        report.say(Level::Error, "id", format!("the rule {other:?} has the same id, {id}"));
    }
}

/// Rules that can tell nothing with these lists and databases.
pub fn silent(detections: &Detections) -> Vec<Found> {
    let note = |silent: Silent| Found {
        file: silent.file,
        rule: Some(silent.title),
        level: Level::Note,
        check: "silent",
        say: silent.why.to_owned(),
    };
    detections.silent().into_iter().map(note).collect()
}

/// What only shows when all files stand together: references, and the rules' own tests.
fn compiled(files: &[(String, String)], lists: &Lists) -> Vec<Found> {
    let (detections, bad) = Detections::read_with(files.iter().cloned(), lists);
    let mut found: Vec<Found> = Vec::new();
    for broken in &bad {
        let one = unread(&broken.file, &broken.error);
        let known = |text: &str| sigma::read_rules_with(text, lists).errors.contains(&broken.error);
        // What a file says of itself was told already.
        if !files.iter().any(|(file, text)| *file == broken.file && known(text)) {
            found.push(one);
        }
    }
    for failed in rehearsal::rehearse(&detections).into_iter().filter(|test| !test.passed) {
        found.push(Found {
            file: failed.file,
            rule: Some(failed.title),
            level: Level::Error,
            check: "test",
            say: format!("its own test {:?} does not come out: {}", failed.test, failed.why),
        });
    }
    found
}

impl Level {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests;
