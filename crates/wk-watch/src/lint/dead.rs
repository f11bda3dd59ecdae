//! Rules, and parts of rules, that cannot match.

use wk_lang::sigma::{Condition, Rule, Search, Test, Want};

use super::{Level, Report};

/// Letters of a regular expression beyond which nobody can read it.
const EXPRESSION_CHARS: usize = 300;

pub(super) fn check(rule: &Rule, report: &mut Report<'_>) {
    let mut used = vec![false; rule.searches.len()];
    uses(&rule.condition, &mut used);
    for ((name, _), used) in rule.searches.iter().zip(&used) {
        if !used {
            let say = format!("the search {name:?} is in no condition: it asks nothing");
            report.say(Level::Warning, "dead", say);
        }
    }
    contradiction(rule, report);
    for (_, search) in &rule.searches {
        expressions(search, report);
    }
}

fn uses(condition: &Condition, used: &mut [bool]) {
    match condition {
        Condition::Search(place) => {
            if let Some(used) = used.get_mut(*place) {
                *used = true;
            }
        }
        Condition::Not(inner) => uses(inner, used),
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| uses(part, used));
        }
    }
}

/// What must be true together, and cannot.
fn contradiction(rule: &Rule, report: &mut Report<'_>) {
    let (mut wanted, mut refused) = (Vec::new(), Vec::new());
    required(&rule.condition, &mut wanted, &mut refused);
    for place in &wanted {
        if refused.contains(place) {
            let name = rule.searches.get(*place).map_or("", |(name, _)| name.as_str());
            let say = format!("the condition asks for {name:?} and for its opposite");
            report.say(Level::Error, "dead", say);
            return;
        }
    }
    let mut tests: Vec<&Test> = Vec::new();
    for place in wanted {
        if let Some((_, search)) = rule.searches.get(place) {
            together(search, &mut tests);
        }
    }
    for (at, first) in tests.iter().enumerate() {
        for second in tests.iter().skip(at + 1) {
            if let (Some(a), Some(b)) = (&first.field, &second.field)
                && a.as_str() == b.as_str()
                && disjoint(first, second)
            {
                let say = format!("{:?} would have to be two things at once", a.as_str());
                report.say(Level::Error, "dead", say);
                return;
            }
        }
    }
}

/// The searches that must be true, and those that must not, whatever else is.
fn required(condition: &Condition, wanted: &mut Vec<usize>, refused: &mut Vec<usize>) {
    match condition {
        Condition::Search(place) => wanted.push(*place),
        Condition::Not(inner) => {
            if let Condition::Search(place) = **inner {
                refused.push(place);
            }
        }
        Condition::All(parts) => parts.iter().for_each(|part| required(part, wanted, refused)),
        Condition::Any(parts) => {
            if let [only] = parts.as_slice() {
                required(only, wanted, refused);
            }
        }
    }
}

/// The tests that a search asks for all together.
fn together<'r>(search: &'r Search, tests: &mut Vec<&'r Test>) {
    match search {
        Search::All(all) => all.iter().for_each(|part| together(part, tests)),
        Search::Any(_) => {}
        Search::Test(test) => tests.push(test),
    }
}

/// Whether two tests of one field want whole texts of which none is the same. A list may hold both,
/// so fields that lead through one are left out by the caller's dictionary: CloudTrail's own fields
/// are single texts.
fn disjoint(first: &Test, second: &Test) -> bool {
    let field = first.field.as_ref().map_or("", |field| field.as_str());
    if field.contains('.') && !field.starts_with("userIdentity.") {
        return false;
    }
    match (whole(first), whole(second)) {
        (Some(a), Some(b)) => !a.iter().any(|text| b.contains(text)),
        _ => false,
    }
}

/// The texts that a test allows, where it allows nothing else.
fn whole(test: &Test) -> Option<Vec<String>> {
    if test.negated || (test.all && test.wants.len() > 1) {
        return None;
    }
    let text = |want: &Want| match want {
        Want::Text(pattern) => pattern.equals().map(str::to_lowercase),
        _ => None,
    };
    test.wants.iter().map(text).collect()
}

fn expressions(search: &Search, report: &mut Report<'_>) {
    match search {
        Search::All(all) | Search::Any(all) => all.iter().for_each(|s| expressions(s, report)),
        Search::Test(test) => {
            for want in &test.wants {
                if let Want::Regex(expression) = want {
                    cost(test, expression.as_str(), expression.literal(), report);
                }
            }
        }
    }
}

/// What an expression costs: it runs over every value that gets so far.
fn cost(test: &Test, text: &str, literal: Option<&str>, report: &mut Report<'_>) {
    let field = test.field.as_ref().map_or("any text", |field| field.as_str());
    if let Some(literal) = literal {
        let say = format!(
            "the expression over {field:?} is a plain text; contains: {literal:?} says the same, and is quick"
        );
        report.say(Level::Warning, "regex", say);
    }
    if text.chars().count() > EXPRESSION_CHARS {
        let count = text.chars().count();
        let say = format!("the expression over {field:?} has {count} letters: split it");
        report.say(Level::Warning, "regex", say);
    }
    let open = |beginning: &str| text.starts_with(beginning);
    if open(".*") || open("^.*") || open(".+") {
        let say = format!(
            "the expression over {field:?} begins with any text: leave that out, it is found anywhere"
        );
        report.say(Level::Warning, "regex", say);
    }
    if test.field.is_none() {
        let say = "an expression over every text of a record is the costliest question there is";
        report.say(Level::Warning, "regex", say);
    }
}
