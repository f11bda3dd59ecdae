//! What a rule must say so that somebody else can work with its findings.

use wk_lang::sigma::{About as Correlated, Expected, Extension, Rule, Status};
use wk_model::SeverityWord;

use super::{Level, Report};

/// What a rule of either kind says of itself.
pub(super) struct About<'a> {
    level: Option<SeverityWord>,
    description: Option<&'a str>,
    falsepositives: &'a [String],
    status: Option<Status>,
    extension: &'a Extension,
}

impl<'a> About<'a> {
    pub(super) fn of_rule(rule: &'a Rule) -> Self {
        Self {
            level: rule.level,
            description: rule.description.as_deref(),
            falsepositives: &rule.falsepositives,
            status: rule.status,
            extension: &rule.extension,
        }
    }

    pub(super) fn of_correlation(about: &'a Correlated) -> Self {
        Self {
            level: about.level,
            description: about.description.as_deref(),
            falsepositives: &about.falsepositives,
            status: about.status,
            extension: &about.extension,
        }
    }
}

pub(super) fn check(about: &About<'_>, report: &mut Report<'_>) {
    let mut missing = |what: &str, why: &str| {
        report.say(Level::Warning, "missing", format!("no {what}: {why}"));
    };
    if about.level.is_none() && about.extension.severity.is_none() {
        missing("level", "its findings are medium, whatever they are worth");
    }
    if about.description.is_none_or(|text| text.trim().is_empty()) {
        missing("description", "who gets a finding is not told why it matters");
    }
    if about.falsepositives.is_empty() {
        missing("falsepositives", "who gets a finding is not told what is usual");
    }
    if about.extension.triage.is_empty() {
        missing("watchkeeper.triage", "who gets a finding is not told what to look at first");
    }
    let has = |expected| about.extension.tests.iter().any(|test| test.expected == expected);
    if !has(Expected::Fires) {
        missing("test that fires", "nothing shows that it finds anything");
    }
    if !has(Expected::Quiet) {
        missing("test that stays quiet", "nothing shows that it leaves good things alone");
    }
    if matches!(about.status, Some(Status::Deprecated | Status::Unsupported)) {
        let say = "its status says that it should not be used any more";
        report.say(Level::Warning, "status", say);
    }
}
