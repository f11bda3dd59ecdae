//! What differs between two sets of rules.

use std::collections::BTreeMap;

use wk_seam::triage::{KnownRule, RuleChange};

/// Rules of a change that are listed; what is beyond is counted.
const LISTED_MAX: usize = 1_000;
/// Characters of a diff that are kept.
const DIFF_CHARS: usize = 4_000;
/// Lines of a text that are compared one by one.
const LINES_MAX: usize = 600;

/// Which rules came, went and changed, by their ids, and how many more.
pub fn between(before: &[KnownRule], after: &[KnownRule]) -> (Vec<RuleChange>, u64) {
    let by_id = |rules: &[KnownRule]| -> BTreeMap<String, KnownRule> {
        rules.iter().map(|rule| (rule.id.clone(), rule.clone())).collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let mut ids: Vec<&String> = old.keys().chain(new.keys()).collect();
    ids.sort();
    ids.dedup();
    let (mut changes, mut more) = (Vec::new(), 0);
    for id in ids {
        let (was, is) = (old.get(id), new.get(id));
        if was.map(|rule| &rule.version) == is.map(|rule| &rule.version) {
            continue;
        }
        if changes.len() >= LISTED_MAX {
            more += 1;
            continue;
        }
        let shown = is.or(was);
        let diff = match (was, is) {
            (Some(was), Some(is)) => diff(&was.text, &is.text),
            _ => String::new(),
        };
        changes.push(RuleChange {
            rule: id.clone(),
            title: shown.map(|rule| rule.title.clone()).unwrap_or_default(),
            author: shown.and_then(|rule| rule.author.clone()),
            before: was.map(|rule| rule.version.clone()),
            after: is.map(|rule| rule.version.clone()),
            diff,
        });
    }
    (changes, more)
}

/// The lines that went (`-`) and came (`+`), in their order; cut.
fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        return format!("({} lines became {}: too long to compare)\n", old.len(), new.len());
    }
    // How many lines are common from two places on.
    let mut common = vec![vec![0u16; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            text.extend(["-", old[i], "\n"]);
            i += 1;
        } else {
            text.extend(["+", new[j], "\n"]);
            j += 1;
        }
    }
    if text.chars().count() > DIFF_CHARS {
        text = text.chars().take(DIFF_CHARS).chain("…\n".chars()).collect();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, text: &str) -> KnownRule {
        KnownRule {
            id: id.into(),
            title: id.to_uppercase(),
            version: text.len().to_string(),
            author: None,
            text: text.into(),
        }
    }

    #[test]
    fn what_came_went_and_changed_is_named_with_its_lines() {
        let before = [rule("a", "1\n2\n3\n"), rule("b", "x"), rule("c", "same")];
        let after = [rule("a", "1\ntwo\n3\n4\n"), rule("c", "same"), rule("d", "y")];
        let (changes, more) = between(&before, &after);
        let ids: Vec<&str> = changes.iter().map(|change| change.rule.as_str()).collect();
        assert_eq!((ids.as_slice(), more), (&["a", "b", "d"][..], 0));
        assert_eq!(changes[0].diff, "-2\n+two\n+4\n");
        assert_eq!((&changes[1].after, &changes[2].before), (&None, &None));
    }

    #[test]
    fn a_text_of_any_size_is_compared_in_bounds() {
        let long = "x\n".repeat(100_000);
        assert!(diff(&long, "y").contains("too long"));
        let (old, new) = ("a\n".repeat(500), "b\n".repeat(500));
        assert_eq!(diff(&old, &new).lines().count(), 1_000);
    }
}
