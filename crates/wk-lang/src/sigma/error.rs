//! Why a rule is refused.

use crate::nearest::nearest;
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
    /// A placeholder for a list that is not there.
    #[error("{key}: there is no list %{name}%{}", did_you_mean(.nearest.as_deref()))]
    Placeholder {
        /// The key.
        key: String,
        /// The placeholder's name.
        name: String,
        /// A list that is there and looks like it.
        nearest: Option<String>,
    },
    /// A condition that cannot be read.
    #[error("{key} {condition:?}: {why}")]
    Condition {
        /// The key it stands under.
        key: &'static str,
        /// The condition.
        condition: String,
        /// Why not.
        why: String,
    },
    /// A rule that is referred to and is not there.
    #[error("{key}: no rule has the id or name {name:?}{}", did_you_mean(.nearest.as_deref()))]
    NoSuchRule {
        /// Where it is referred to.
        key: String,
        /// Id or name, as it is written.
        name: String,
        /// One that is there and looks like it.
        nearest: Option<String>,
    },
    /// A name that several rules have.
    #[error(
        "{key}: {count} rules have the name {name:?}; refer to the one that is meant by its id"
    )]
    SeveralRules {
        /// Where it is referred to.
        key: String,
        /// The name.
        name: String,
        /// How many rules have it.
        count: usize,
    },
    /// Rules that refer to each other.
    #[error("{key}: {name:?} refers back to this rule, so neither can be decided")]
    Circle {
        /// Where it is referred to.
        key: String,
        /// Id or name, as it is written.
        name: String,
    },
    /// Two rules with one id.
    #[error("the id {id:?} is that of another rule in {file}; findings could not be told apart")]
    SameId {
        /// The id.
        id: String,
        /// Where the other one is.
        file: String,
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
    /// With the place where it is.
    pub fn at(self, place: Place) -> RuleError {
        RuleError { place, rule: None, problem: self }
    }
    /// A word that is not among those that are known, and the one that may be meant.
    pub fn unknown<'a>(key: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let nearest = nearest(word, known).map(str::to_owned);
        Self::Unknown { key: key.to_owned(), word: word.to_owned(), nearest }
    }
}

impl From<YamlError> for RuleError {
    fn from(error: YamlError) -> Self {
        Problem::Yaml(error.problem).at(error.place)
    }
}
