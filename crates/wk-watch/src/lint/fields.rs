//! The fields that a rule asks for, held against what its source's records hold.

use wk_lang::nearest::nearest;
use wk_lang::sigma::{Correlation, Rule, Search, Test, Want};

use super::dictionary::{self, Known};
use super::{Level, Report, Singles, source_of};
use crate::shared_fields;
use crate::sources::Source;
use crate::surroundings::PREFIX;

/// Names that are lists wherever AWS uses them, in requests and answers.
const LISTS: &[&str] = &[
    "containerDefinitions",
    "command",
    "layers",
    "items",
    "filters",
    "Statement",
    "resources",
    "securityGroupIds",
    "subnetIds",
];

/// A request that says the same in another way, so that a rule misses half of its callers.
struct Spelling {
    event: &'static str,
    field: &'static str,
    say: &'static str,
}

const SPELLINGS: &[Spelling] = &[Spelling {
    event: "modifyinstanceattribute",
    field: "requestParameters.attribute",
    say: "callers with an SDK send the attribute as a key of its own, such as requestParameters.userData; ask for that too (exists: true)",
}];

pub(super) fn check(rule: &Rule, source: &Source, report: &mut Report<'_>) {
    let mut tests = Vec::new();
    rule.searches.iter().for_each(|(_, search)| collect(search, &mut tests));
    let mut told: Vec<&str> = Vec::new();
    for test in &tests {
        let Some(field) = &test.field else { continue };
        let path = field.as_str();
        if !told.contains(&path) {
            told.push(path);
            known(path, source, report);
            list(path, report);
            spelling(path, &tests, report);
        }
        object(path, source, test, report);
        everything(path, test, report);
    }
    for want in tests.iter().flat_map(|test| &test.wants) {
        if let Want::Field(reference) = want {
            known(reference.field.as_str(), source, report);
        }
    }
}

/// The fields that a correlation groups by and takes values of, in the records of each rule that it
/// looks at.
pub(super) fn of_correlation<'r>(
    correlation: &Correlation,
    beside: &'r [Rule],
    all: &Singles<'r>,
    report: &mut Report<'_>,
) {
    let mut names = correlation.group_by.clone();
    names.extend(correlation.kind.value_fields());
    let mut told: Vec<(&str, String)> = Vec::new();
    for named in &correlation.rules {
        let Some(rule) = all.named(&named.name, beside) else { continue };
        let Some(source) = source_of(rule) else { continue };
        for name in &names {
            let field = alias(correlation, &named.name, name).unwrap_or(name);
            let everywhere = shared_fields::NAMES.contains(&field) || field.starts_with(PREFIX);
            let is_told = told.iter().any(|(id, there)| *id == source.id && there == field);
            if !everywhere && !is_told {
                told.push((source.id, field.to_owned()));
                known(field, source, report);
            }
        }
    }
}

/// The field that an alias is in the events of a rule.
fn alias<'c>(correlation: &'c Correlation, rule: &str, name: &str) -> Option<&'c str> {
    let alias = correlation.aliases.iter().find(|alias| alias.name == name)?;
    let field = alias.fields.iter().find(|(named, _)| named.name == rule)?;
    Some(field.1.as_str())
}

fn collect<'r>(search: &'r Search, found: &mut Vec<&'r Test>) {
    match search {
        Search::All(all) | Search::Any(all) => all.iter().for_each(|s| collect(s, found)),
        Search::Test(test) => found.push(test),
    }
}

fn known(path: &str, source: &Source, report: &mut Report<'_>) {
    let level = match dictionary::field(source, path) {
        Known::Never => Level::Error,
        Known::Maybe => Level::Note,
        Known::Value | Known::Object | Known::Free => return,
    };
    let word = if level == Level::Error { "never has" } else { "is not known to have" };
    let near = nearest(path, dictionary::names(source));
    let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let say = format!("a record of {} {word} the field {path:?}{near}", source.id);
    report.say(level, "field", say);
}

fn list(path: &str, report: &mut Report<'_>) {
    let parts: Vec<&str> = path.split('.').collect();
    // At the end of a path a list is asked as any value is.
    let crossed = parts.iter().rev().skip(1).find(|part| LISTS.contains(part));
    let at_end = parts.last().filter(|part| LISTS.contains(part));
    if let Some(part) = crossed.or(at_end) {
        let say = format!(
            "{path:?} leads through the list {part:?}: here one element that fits is enough, each field for itself; engines without that never match it"
        );
        report.say(Level::Note, "list", say);
    }
}

fn spelling(path: &str, tests: &[&Test], report: &mut Report<'_>) {
    let asks = |event: &str| {
        let of_name = tests
            .iter()
            .filter(|t| t.field.as_ref().is_some_and(|field| field.as_str() == "eventName"));
        let mut wants = of_name.flat_map(|test| &test.wants);
        wants.any(|want| matches!(want, Want::Text(pattern) if pattern.equals() == Some(event)))
    };
    for spelling in SPELLINGS.iter().filter(|s| s.field == path && asks(s.event)) {
        report.say(Level::Warning, "spelling", spelling.say);
    }
}

/// An operator on texts that is asked of an object.
fn object(path: &str, source: &Source, test: &Test, report: &mut Report<'_>) {
    if dictionary::field(source, path) != Known::Object {
        return;
    }
    let texts = || {
        test.wants.iter().filter_map(|want| match want {
            Want::Text(pattern) => Some(pattern),
            _ => None,
        })
    };
    let is_text = test.wants.iter().any(|want| matches!(want, Want::Text(_) | Want::Regex(_)));
    if !is_text {
        return;
    }
    if texts().any(|pattern| pattern.equals().is_some()) {
        let say = format!("{path:?} is an object: no text equals it; ask for one of its members");
        report.say(Level::Error, "object", say);
        return;
    }
    let say = format!(
        "{path:?} is an object: parts of texts are looked for in its compact JSON text, whatever member they stand in; ask for the member"
    );
    report.say(Level::Warning, "object", say);
    let quoted = |text: &str| text.contains('"');
    if texts().any(|pattern| pattern.literals().into_iter().any(quoted)) {
        let say = format!(
            "{path:?} is searched for quotation marks: where a member is JSON in a text, such as a policy, they are written \\\" and are not found"
        );
        report.say(Level::Warning, "object", say);
    }
}

fn everything(path: &str, test: &Test, report: &mut Report<'_>) {
    let all = |want: &Want| matches!(want, Want::Text(pattern) if pattern.is_everything());
    if test.wants.iter().any(all) {
        let say = format!(
            "{path:?} may be any text: say exists: true, which also counts what is no text"
        );
        report.say(Level::Warning, "wildcard", say);
    }
}
