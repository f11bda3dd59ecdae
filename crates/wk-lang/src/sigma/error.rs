//! Why a rule is refused.

use crate::yaml::{Place, YamlError};

/// A rule, or a file of rules, that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RuleError {
    /// Where in the file.
    pub place: Place,
    /// The rule's title, where it has been read.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// It is not YAML, or more than is read.
    #[error("{0}")]
    Yaml(String),
    /// A key that every rule has is not there.
    #[error("the rule has no {0}")]
    Missing(&'static str),
    /// A key has a value of the wrong kind.
    #[error("{key} is {is}; it should be {wanted}")]
    Kind {
        /// The key, with those around it.
        key: String,
        /// What it is.
        is: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A word that is not one of those allowed.
    #[error("{key}: {word:?} is not known{}", did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// Where the word stands.
        key: String,
        /// The word.
        word: String,
        /// One that is allowed and looks like it.
        nearest: Option<String>,
    },
    /// Two modifiers that contradict each other.
    #[error("{key}: {first} and {second} cannot stand together")]
    Conflict {
        /// The key.
        key: String,
        /// One of the modifiers.
        first: String,
        /// The other.
        second: String,
    },
    /// A value that its modifiers cannot use.
    #[error("{key}: {value:?} {why}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Why not.
        why: String,
    },
    /// A placeholder, which would need a list from outside the rule.
    #[error("{key}: the placeholder %{name}% has no meaning here; write its values into the rule")]
    Placeholder {
        /// The key.
        key: String,
        /// The placeholder's name.
        name: String,
    },
    /// A condition that cannot be read.
    #[error("detection.condition {condition:?}: {why}")]
    Condition {
        /// The condition.
        condition: String,
        /// Why not.
        why: String,
    },
    /// A part of Sigma that is not there yet.
    #[error("{0}: not yet")]
    NotYet(&'static str),
    /// A limit.
    #[error("{what}: more than {max}")]
    TooMany {
        /// Of what.
        what: String,
        /// The limit.
        max: usize,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|word| format!("; did you mean {word}?")).unwrap_or_default()
}

impl Problem {
    pub(super) fn at(self, place: Place) -> RuleError {
        RuleError { place, rule: None, problem: self }
    }
    pub(super) fn unknown<'a>(
        key: &str,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let nearest = nearest(word, known).map(str::to_owned);
        Self::Unknown { key: key.to_owned(), word: word.to_owned(), nearest }
    }
}

impl From<YamlError> for RuleError {
    fn from(error: YamlError) -> Self {
        Problem::Yaml(error.problem).at(error.place)
    }
}

/// The known word that takes the fewest edits, if they are few for the word's length.
fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let few = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= few)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let mut least =
                (row[j] + usize::from(a[i] != b[j])).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["contains", "startswith", "endswith", "re", "cidr"];
        assert_eq!(nearest("contians", known), Some("contains"));
        assert_eq!(nearest("startwith", known), Some("startswith"));
        assert_eq!(nearest("rex", known), Some("re"));
        assert_eq!(nearest("between", known), None);
    }
}
