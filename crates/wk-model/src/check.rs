//! What a check says of a resource.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One verdict of one check on one resource, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub check: String,
    /// What it judges: an ARN, an id, a name; the account where it judges that.
    pub resource: String,
    /// The account.
    pub account: String,
    /// The region; [`crate::capture::GLOBAL`] where it has none.
    pub region: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub why: String,
    /// The captures that were looked at.
    pub evidence: Vec<String>,
}

/// A verdict, in AWS Config's words; what AWS calls insufficient data is no data here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It is as it should be.
    Compliant,
    /// It is not.
    NonCompliant,
    /// The check has nothing to say of it.
    NotApplicable,
    /// It could not be seen: denied, failed, or not asked. Never told as one of the others.
    NoData,
}

impl Verdict {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 4] =
        [Self::NonCompliant, Self::NoData, Self::Compliant, Self::NotApplicable];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant => "NON_COMPLIANT",
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::NoData => "NO_DATA",
        }
    }

    /// Reads the word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_read_as_it_is_written() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("{:?}", verdict.as_str()));
        }
        assert_eq!(Verdict::parse("PASS"), None);
    }
}
