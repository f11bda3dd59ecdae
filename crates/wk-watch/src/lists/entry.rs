//! Entries of lists, in one form each.

use serde::Deserialize;
use wk_model::Timestamp;

use super::address::Network;

/// What the entries of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Addresses and networks.
    Address,
    /// Domain names.
    Domain,
    /// Anything else: accounts, ARNs, addresses of pages, hashes of files.
    Text,
}

impl Kind {
    /// Its word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Domain => "domain",
            Self::Text => "text",
        }
    }
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub value: Value,
    /// When it stops to be true, where its list says.
    pub expires: Option<Timestamp>,
    /// What its list calls it: the id of an indicator or attribute.
    pub reference: Option<String>,
}

/// The value of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An address is a network of one.
    Network(Network),
    /// In lower case, without a final dot.
    Domain(String),
    /// As it is written.
    Text(String),
}

/// Characters of an entry, at most.
const CHARS_MAX: usize = 2_048;

impl Value {
    /// Reads an entry of a kind.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(kind: Kind, text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        if text.len() > CHARS_MAX {
            return Err("is longer than an entry may be");
        }
        match kind {
            Kind::Address => Network::read(text).map(Self::Network),
            Kind::Domain => domain(text).map(Self::Domain).ok_or("is not a domain name"),
            Kind::Text if text.chars().any(char::is_control) => Err("holds control characters"),
            Kind::Text => Ok(Self::Text(text.to_owned())),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Network(_) => Kind::Address,
            Self::Domain(_) => Kind::Domain,
            Self::Text(_) => Kind::Text,
        }
    }
}

/// A domain name of two labels or more, folded.
fn domain(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let name = name.strip_prefix("*.").unwrap_or(name).to_lowercase();
    let fits = |label: &str| {
        let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        !label.is_empty() && label.len() <= 63 && label.chars().all(letters)
    };
    // What ends in digits is an address with too few or too many parts.
    let numeric = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    (name.len() <= 253 && name.contains('.') && name.split('.').all(fits) && !numeric)
        .then_some(name)
}
