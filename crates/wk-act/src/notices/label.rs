//! Labels of a finding, and matchers over them.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use wk_model::notice::NoticeFinding;

use crate::routes::GROUP_BY;

/// Bytes of a compiled expression.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Characters of a matcher.
const MATCHER_CHARS_MAX: usize = 1_000;

/// What a finding is grouped, silenced and inhibited by. A label without a value is not there.
pub fn labels(finding: &NoticeFinding, route: &str) -> BTreeMap<String, String> {
    let all = [
        ("account", finding.account.as_deref()),
        ("actor", finding.actor.as_deref()),
        ("finding", Some(finding.id.0.as_str())),
        ("product", Some(finding.product.as_str())),
        ("region", finding.region.as_deref()),
        ("resource", finding.resources.first().map(String::as_str)),
        ("route", Some(route)),
        ("rule", Some(finding.rule.as_str())),
        ("severity", Some(finding.severity.word().as_str())),
        ("title", Some(finding.title.as_str())),
    ];
    let there = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let there = there.filter(|(_, value)| !value.is_empty());
    there.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What one label must be: `account=111122223333`, `rule!=x`, `actor=~"arn:.*/build-.*"`, `region!~eu-.*`.
/// A label that is missing is the same as an empty one; an expression must fit the whole value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Matcher {
    label: String,
    test: Test,
    text: String,
}

#[derive(Debug, Clone)]
enum Test {
    Is(String),
    IsNot(String),
    Fits(Regex),
    FitsNot(Regex),
}

/// The text is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no matcher such as account=111122223333 or rule=~\"s3-.*\": {why}")]
pub struct BadMatcher {
    /// The text, cut.
    pub text: String,
    /// Why.
    pub why: String,
}

impl Matcher {
    /// Reads a matcher.
    ///
    /// # Errors
    /// If it has no operator, names no label that there is, or its expression is malformed.
    pub fn parse(text: &str) -> Result<Self, BadMatcher> {
        let bad = |why: &str| BadMatcher {
            text: text.chars().take(100).collect(),
            why: why.chars().take(300).collect(),
        };
        if text.chars().count() > MATCHER_CHARS_MAX {
            return Err(bad("it is too long"));
        }
        let operators = ["=~", "!~", "!=", "="];
        let places = operators.iter().filter_map(|op| text.find(op).map(|at| (at, *op)));
        // The first operator counts; of those at the same place the longer one.
        let first = places.min_by_key(|(at, op)| (*at, std::cmp::Reverse(op.len())));
        let (at, operator) = first.ok_or_else(|| bad("it has no =, !=, =~ or !~"))?;
        let (label, rest) = text.split_at_checked(at).ok_or_else(|| bad("it is broken"))?;
        let label = label.trim();
        if !GROUP_BY.contains(&label) && label != "title" {
            let known = GROUP_BY.join(", ");
            return Err(bad(&format!("there is no label {label:?}; there are: {known}, title")));
        }
        let value = rest.strip_prefix(operator).unwrap_or_default().trim();
        let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        let expression = || {
            let whole = format!("^(?:{bare})$");
            let built =
                RegexBuilder::new(&whole).size_limit(REGEX_BYTES_MAX).nest_limit(64).build();
            built.map_err(|e| bad(&e.to_string()))
        };
        let test = match operator {
            "=" => Test::Is(bare.to_owned()),
            "!=" => Test::IsNot(bare.to_owned()),
            "=~" => Test::Fits(expression()?),
            _ => Test::FitsNot(expression()?),
        };
        Ok(Self { label: label.to_owned(), test, text: text.to_owned() })
    }

    /// Whether the labels fit.
    pub fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match &self.test {
            Test::Is(text) => value == text,
            Test::IsNot(text) => value != text,
            Test::Fits(expression) => expression.is_match(value),
            Test::FitsNot(expression) => !expression.is_match(value),
        }
    }

    /// Whether it would fit a finding that has none of the labels: such a matcher alone fits all.
    pub fn fits_nothing_said(&self) -> bool {
        self.fits(&BTreeMap::new())
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Matcher {
    type Error = BadMatcher;
    fn try_from(text: String) -> Result<Self, BadMatcher> {
        Self::parse(&text)
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_those_of_alertmanager() {
        let labels: BTreeMap<String, String> = [("account", "1"), ("actor", "arn:x/build-7")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        let fits = |text: &str| Matcher::parse(text).unwrap().fits(&labels);
        assert!(fits("account=1") && fits("account = \"1\"") && !fits("account=11"));
        assert!(fits("account!=2") && !fits("account!=1"));
        assert!(fits("actor=~.*/build-[0-9]+") && !fits("actor=~build"), "the whole value");
        assert!(fits("actor!~other.*"));
        assert!(fits("region=") && fits("region=\"\"") && fits("region!=x"), "missing is empty");
        for bad in ["", "account", "planet=1", "=1", "actor=~(", "actor=~((((a{999}){999}){999})"] {
            assert!(Matcher::parse(bad).is_err(), "{bad}");
        }
    }
}
