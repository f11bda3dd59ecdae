//! Mistakes in commands and programs that set up logging and monitoring, explained.
//!
//! * A lint says what is wrong, why, and what would be right; its two examples are its tests.
//! * The mission's own documents contain 21 of them in their commands, and some more in their words;
//!   a script that was copied from there is told of each by its line.
//! * Foundation files are refused in the same words where they say the same.

mod alarms;
mod evidence;
mod findings;
mod network;
mod retention;
mod script;
mod trail;

pub use script::Script;

/// A mistake that is known.
pub struct Lint {
    /// Its name.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// What comes of it.
    pub why: &'static str,
    /// What would be right.
    pub right: &'static str,
    /// A text with the mistake.
    pub example: &'static str,
    /// The same without it.
    pub mended: &'static str,
    find: fn(&Script<'_>) -> Vec<usize>,
}

/// A mistake that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The line, from 1.
    pub line: usize,
    /// The lint's name.
    pub lint: &'static str,
}

const LINTS: &[&[Lint]] = &[
    alarms::LINTS,
    evidence::LINTS,
    findings::LINTS,
    network::LINTS,
    retention::LINTS,
    trail::LINTS,
];

/// Every lint, by subject.
pub fn all() -> impl Iterator<Item = &'static Lint> {
    LINTS.iter().flat_map(|lints| lints.iter())
}

/// The lint of this name.
pub fn named(id: &str) -> Option<&'static Lint> {
    all().find(|lint| lint.id == id)
}

/// The mistakes in a text, by line; and how many lines at its end were too many to read.
pub fn look(text: &str) -> (Vec<Hit>, usize) {
    let script = Script::read(text);
    let mut hits: Vec<Hit> = all()
        .flat_map(|lint| (lint.find)(&script).into_iter().map(|line| Hit { line, lint: lint.id }))
        .collect();
    hits.sort_unstable();
    hits.dedup();
    (hits, script.unread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_lint_finds_its_example_and_leaves_the_mended_one_alone() {
        for lint in all() {
            let found = |text: &str| look(text).0.iter().any(|hit| hit.lint == lint.id);
            assert!(found(lint.example), "{} does not find {:?}", lint.id, lint.example);
            assert!(!found(lint.mended), "{} finds {:?}", lint.id, lint.mended);
            let texts = [lint.title, lint.why, lint.right];
            assert!(
                texts.iter().all(|text| text.len() > 10),
                "{} leaves something unsaid",
                lint.id
            );
        }
        let ids: BTreeSet<&str> = all().map(|lint| lint.id).collect();
        assert_eq!(ids.len(), all().count());
    }

    /// The faults of the document's commands as they were counted when it was studied, each with the
    /// lints that tell of it.
    const FAULTS: [&[&str]; 21] = [
        &["trail-without-key", "trail-without-log-group"],
        &["objects-selector", "functions-selector", "one-insight"],
        &["flow-log-format", "flow-log-destination"],
        &["one-region", "listed-regions"],
        &["guardduty-administrator-region", "guardduty-data-sources"],
        &["update-findings"],
        &["old-standard"],
        &["alarm-without-filter"],
        &["unpublished-metric", "missing-data"],
        &["exact-error-code"],
        &["severity-list"],
        &["retention-term"],
        &["one-page"],
        &["substring-match", "default-shortens"],
        &["export-loop", "export-prefix", "local-time"],
        &["joined-statistics"],
        &["no-dimension"],
        &["cut-population", "ids-only", "old-criterion"],
        &["appended-json"],
        &["half-evidence"],
        &["group-denies", "session-credentials"],
    ];

    #[test]
    fn each_of_the_21_faults_of_the_document_is_told_by_line() {
        let known: BTreeSet<&str> = all().map(|lint| lint.id).collect();
        assert!(FAULTS.iter().all(|ids| ids.iter().all(|id| known.contains(id))));
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/mission/cc7-system-operations.md"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("SKIPPED: the mission's document is not beside the checkout");
            return;
        };
        let told: BTreeSet<&str> = look(&text).0.iter().map(|hit| hit.lint).collect();
        for (number, ids) in FAULTS.iter().enumerate() {
            for id in *ids {
                assert!(told.contains(id), "fault {}: {id} is not told", number + 1);
            }
        }
    }
}
