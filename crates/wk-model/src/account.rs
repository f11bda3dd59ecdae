//! AWS account numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A 12-digit AWS account number. Text, because leading zeros are significant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String); // invariant: exactly twelve ASCII digits

/// The text is not an account number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an AWS account number of twelve digits")]
pub struct NotAnAccount {
    /// The text as it came.
    pub text: String,
}

impl AccountId {
    /// Whether the text is twelve ASCII digits.
    pub fn fits(text: &str) -> bool {
        text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
    }
    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = NotAnAccount;
    fn try_from(text: String) -> Result<Self, NotAnAccount> {
        if Self::fits(&text) { Ok(Self(text)) } else { Err(NotAnAccount { text }) }
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_ascii_digits_and_nothing_else() {
        assert!(AccountId::try_from("012345678901".to_owned()).is_ok());
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１23456789012"] {
            assert!(AccountId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
