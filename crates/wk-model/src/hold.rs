//! Holds: rows that nobody may delete, whatever a policy says.

use serde::{Deserialize, Serialize};

use crate::{Day, Timestamp};

/// A hold. It counts from the moment it is placed until it is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its name: `h-` and eight digits.
    pub id: String,
    /// What it holds.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub by: String,
    /// Who agreed; another person.
    pub second_person: String,
    /// When, as RFC 3339.
    pub placed: String,
    /// How it ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Why.
    pub reason: String,
    /// Who released it.
    pub by: String,
    /// Who agreed; another person.
    pub second_person: String,
    /// When, as RFC 3339.
    pub at: String,
}

/// Which rows a hold is about. Each part that says nothing holds all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// First day of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Last day of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Accounts. Files are held as a whole: whatever may have rows of the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Actors; as for accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<String>,
}

/// A scope that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadScope {
    /// A part is not of the form `name=value`, or its name is unknown.
    #[error("{0:?} is no part of a scope: all, table=…, from=DAY, until=DAY, account=…, actor=…")]
    Part(String),
    /// A day is none.
    #[error("{0:?} is no day such as 2024-02-15")]
    Day(String),
    /// The days end before they begin.
    #[error("the days end before they begin")]
    Backwards,
    /// Nothing was said.
    #[error("the scope is empty; say all for everything")]
    Empty,
}

impl Scope {
    /// Reads `all`, or parts such as `table=cloudtrail from=2024-02-01 until=2024-02-29
    /// account=111122223333`, between blanks or commas. A part that is given twice widens it.
    ///
    /// # Errors
    /// Unknown parts, days that are none, and a scope that says nothing.
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let mut scope = Self::default();
        let mut said = false;
        for part in text.split([' ', ',']).filter(|part| !part.is_empty()) {
            said = true;
            if part == "all" {
                continue;
            }
            let (name, value) = part
                .split_once('=')
                .filter(|(_, value)| !value.is_empty())
                .ok_or_else(|| BadScope::Part(part.to_owned()))?;
            let value = value.to_owned();
            match name {
                "table" => scope.tables.push(value),
                "from" => scope.from = Some(day(value)?),
                "until" => scope.until = Some(day(value)?),
                "account" => scope.accounts.push(value),
                "actor" => scope.actors.push(value),
                _ => return Err(BadScope::Part(part.to_owned())),
            }
        }
        match (&scope.from, &scope.until) {
            _ if !said => Err(BadScope::Empty),
            (Some(from), Some(until)) if until < from => Err(BadScope::Backwards),
            _ => Ok(scope),
        }
    }

    /// Whether a file of this table and day may have rows of the scope. Days are compared as text:
    /// their form is always the same.
    pub fn covers(&self, table: &str, of: Day) -> bool {
        let of = of.to_string();
        (self.tables.is_empty() || self.tables.iter().any(|t| t == table))
            && self.from.as_ref().is_none_or(|from| *from <= of)
            && self.until.as_ref().is_none_or(|until| of <= *until)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let many = |name: &'static str, all: &[String]| -> Vec<String> {
            all.iter().map(|value| format!("{name}={value}")).collect()
        };
        let one = |name: &'static str, day: &Option<String>| -> Vec<String> {
            day.iter().map(|value| format!("{name}={value}")).collect()
        };
        let parts = [
            many("table", &self.tables),
            one("from", &self.from),
            one("until", &self.until),
            many("account", &self.accounts),
            many("actor", &self.actors),
        ]
        .concat();
        f.write_str(if parts.is_empty() { "all" } else { "" })?;
        f.write_str(&parts.join(" "))
    }
}

impl Hold {
    /// A name for a hold that is placed now, for this reason.
    pub fn name(scope: &Scope, reason: &str, placed: Timestamp) -> String {
        let parts = [scope.to_string(), reason.to_owned(), placed.to_string()];
        let digest = crate::Sha256::of(parts.join("\n").as_bytes()).to_string();
        format!("h-{}", digest.chars().take(8).collect::<String>())
    }

    /// Whether it counts now.
    pub fn is_active(&self) -> bool {
        self.released.is_none()
    }
}

fn day(text: String) -> Result<String, BadScope> {
    match Day::parse(&text) {
        Some(day) if day.to_string() == text => Ok(text),
        _ => Err(BadScope::Day(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_and_written_the_same() {
        for text in ["all", "table=cloudtrail table=alb from=2024-02-01 account=1 actor=eve"] {
            assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "tables=x", "table=", "from=2024-2-1", "until=2024-02-01,from=2024-02-02"] {
            assert!(Scope::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_covers_tables_and_days_and_is_wide_where_it_cannot_tell() {
        let day = |text| Day::parse(text).unwrap();
        let scope = Scope::parse("table=alb until=2024-02-01 actor=eve").unwrap();
        assert!(scope.covers("alb", day("2024-02-01")) && scope.covers("alb", day("2020-02-01")));
        assert!(!scope.covers("alb", day("2024-02-02")) && !scope.covers("waf", day("2024-02-01")));
        assert!(Scope::default().covers("waf", day("2024-02-01")));
    }
}
