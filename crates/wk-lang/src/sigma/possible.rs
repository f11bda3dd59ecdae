//! Whether a rule can match anything: what asks for an entry of an empty list cannot.

use super::condition::Condition;
use super::detection::Search;
use super::rule::Rule;

/// What is known of an answer without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Never,
    Always,
    Depends,
}

impl Rule {
    /// Whether some record could match. False only where lists that stand in it are empty, so that
    /// its condition is never true.
    pub fn can_match(&self) -> bool {
        let searches: Vec<Answer> = self.searches.iter().map(|(_, s)| of_search(s)).collect();
        of_condition(&self.condition, &searches) != Answer::Never
    }
}

fn of_condition(condition: &Condition, searches: &[Answer]) -> Answer {
    match condition {
        Condition::Search(place) => searches.get(*place).copied().unwrap_or(Answer::Depends),
        Condition::Not(inner) => of_condition(inner, searches).opposite(),
        Condition::All(parts) => Answer::all(parts.iter().map(|c| of_condition(c, searches))),
        Condition::Any(parts) => Answer::any(parts.iter().map(|c| of_condition(c, searches))),
    }
}

fn of_search(search: &Search) -> Answer {
    match search {
        Search::All(parts) => Answer::all(parts.iter().map(of_search)),
        Search::Any(parts) => Answer::any(parts.iter().map(of_search)),
        Search::Test(test) if !test.wants.is_empty() => Answer::Depends,
        Search::Test(test) if test.negated => Answer::Always,
        Search::Test(_) => Answer::Never,
    }
}

impl Answer {
    fn opposite(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Always => Self::Never,
            Self::Depends => Self::Depends,
        }
    }

    fn all(parts: impl Iterator<Item = Self>) -> Self {
        parts.fold(Self::Always, |all, part| match (all, part) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Always, other) | (other, Self::Always) => other,
            (Self::Depends, Self::Depends) => Self::Depends,
        })
    }

    fn any(parts: impl Iterator<Item = Self>) -> Self {
        Self::all(parts.map(Self::opposite)).opposite()
    }
}

#[cfg(test)]
mod tests {
    use crate::sigma::{Lists, read_rules_with};

    fn can_match(detection: &str) -> bool {
        let mut lists = Lists::none();
        lists.add("empty", Vec::new()).unwrap();
        lists.add("some", vec!["a".into()]).unwrap();
        let text = format!("title: t\nlogsource: {{}}\ndetection:\n{detection}");
        let reading = read_rules_with(&text, &lists);
        assert_eq!(reading.errors, []);
        reading.rules[0].can_match()
    }

    #[test]
    fn a_rule_that_asks_only_for_entries_of_empty_lists_can_match_nothing() {
        let only = "  a: {f|expand: '%empty%'}\n  b: {g: x}\n";
        for (condition, can) in [
            ("a", false),
            ("a and b", false),
            ("a or b", true),
            ("not a", true),
            ("b and not a", true),
        ] {
            assert_eq!(can_match(&format!("{only}  condition: {condition}\n")), can, "{condition}");
        }
        assert!(can_match("  a: {f|expand: ['%empty%', '%some%']}\n  condition: a\n"));
        assert!(!can_match("  a: {f|expand: '%empty%', g: x}\n  condition: a\n"));
        assert!(can_match("  a:\n    - f|expand: '%empty%'\n    - g: x\n  condition: a\n"));
        assert!(can_match("  a: {f|expand|neq: '%empty%'}\n  condition: a\n"));
    }
}
