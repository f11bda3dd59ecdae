//! Exceptions: findings that somebody accepts for a time, with a reason and a second person.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A risk that is accepted. It counts from the moment it is granted until it ends or is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its name: `x-` and eight digits.
    pub id: String,
    /// Ids of the rules, or types of another product's findings, that it is about; at least one.
    pub rules: Vec<String>,
    /// An event pattern that a finding must match besides; JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for the risk.
    pub owner: String,
    /// Who agreed; another person than the owner.
    pub approver: String,
    /// Where it was asked for.
    pub ticket: String,
    /// From when on.
    pub granted: Timestamp,
    /// Until when, at the latest.
    pub until: Timestamp,
    /// How it ended before, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// When, after it had ended, the findings that it covered were opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Timestamp>,
}

/// The end of an exception before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Who revoked it. One person is enough: more is seen afterwards, not less.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Exception {
    /// No exception is longer, in days.
    pub const DAYS_MAX: i64 = 365;
    /// Rules of one exception.
    pub const RULES_MAX: usize = 50;

    /// A name for an exception that is granted now.
    pub fn name(rules: &[String], pattern: Option<&str>, granted: Timestamp) -> String {
        let parts = [rules.join(" "), pattern.unwrap_or_default().to_owned(), granted.to_string()];
        let digest = crate::Sha256::of(parts.join("\n").as_bytes()).to_string();
        format!("x-{}", digest.chars().take(8).collect::<String>())
    }

    /// When it ends or ended.
    pub fn ends(&self) -> Timestamp {
        self.revoked.as_ref().map_or(self.until, |revoked| revoked.at.min(self.until))
    }

    /// Whether it counts at this time.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.granted <= at && at < self.ends()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_counts_until_it_ends_or_is_revoked() {
        let at = Timestamp::from_seconds;
        let mut exception = Exception {
            id: "x-1".into(),
            rules: vec!["r".into()],
            pattern: None,
            reason: "r".into(),
            owner: "o".into(),
            approver: "a".into(),
            ticket: "t".into(),
            granted: at(10),
            until: at(20),
            revoked: None,
            settled: None,
        };
        assert_eq!([9, 10, 19, 20].map(|t| exception.is_active(at(t))), [false, true, true, false]);
        exception.revoked = Some(Revocation { by: "b".into(), reason: "r".into(), at: at(15) });
        assert_eq!([14, 15].map(|t| exception.is_active(at(t))), [true, false]);
    }
}
