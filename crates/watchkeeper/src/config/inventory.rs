//! `[inventory]`: what the service asks of AWS every day, and what it looks at again at once.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use wk_model::AccountId;

/// `[inventory]`. Nothing is asked unless `at` says when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Inventory {
    /// When, by UTC; `""`: never.
    pub(crate) at: String,
    /// Every active account of the organization.
    pub(crate) organization: bool,
    /// Accounts besides our own.
    pub(crate) accounts: Vec<String>,
    /// Only these regions; none: all that each account has switched on.
    pub(crate) regions: Vec<String>,
    /// Only questions to these services; none: all.
    pub(crate) services: Vec<String>,
    /// What a change touches is asked and judged again as soon as the change is seen.
    pub(crate) watch_changes: bool,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            at: String::new(),
            organization: false,
            accounts: Vec::new(),
            regions: Vec::new(),
            services: Vec::new(),
            watch_changes: true,
        }
    }
}

impl Inventory {
    /// Seconds after midnight UTC; `None`: nothing is asked.
    ///
    /// # Errors
    /// If `at` is no time of a day.
    pub(crate) fn seconds(&self) -> anyhow::Result<Option<i64>> {
        use chrono::Timelike as _;
        if self.at.is_empty() {
            return Ok(None);
        }
        match chrono::NaiveTime::parse_from_str(&self.at, "%H:%M") {
            Ok(time) => Ok(Some(i64::from(time.num_seconds_from_midnight()))),
            Err(_) => bail!("[inventory] at {:?} is no time such as 01:00", self.at),
        }
    }

    /// The accounts that are named.
    ///
    /// # Errors
    /// If one is none.
    pub(crate) fn accounts(&self) -> anyhow::Result<Vec<AccountId>> {
        let read = |id: &String| {
            AccountId::try_from(id.clone()).with_context(|| format!("[inventory] accounts: {id:?}"))
        };
        self.accounts.iter().map(read).collect()
    }

    /// What cannot be, or how it is, in a line.
    ///
    /// # Errors
    /// What cannot be.
    pub(crate) fn look(&self, has_role: bool) -> anyhow::Result<String> {
        let seconds = self.seconds()?;
        let accounts = self.accounts()?;
        if (self.organization || !accounts.is_empty()) && !has_role {
            bail!("other accounts are entered by a role: name it as [aws] role");
        }
        let known = wk_watch::inventory::items().map(|item| item.operation.service);
        let known: Vec<&str> = known.collect();
        if let Some(service) = self.services.iter().find(|s| !known.contains(&s.as_str())) {
            bail!("services: nothing is asked of {service:?}; inventory questions lists them");
        }
        Ok(match seconds {
            None => "the service makes no inventory, and runs no checks".to_owned(),
            Some(_) if self.watch_changes => {
                format!("daily at {} UTC, and at once where something changes", self.at)
            }
            Some(_) => format!("daily at {} UTC", self.at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Result<String, String> {
        let inventory: Inventory = toml::from_str(text).map_err(|e| e.to_string())?;
        inventory.look(false).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn nothing_is_asked_until_a_time_is_named_and_mistakes_are_told() {
        assert!(look("").unwrap().contains("no inventory"));
        assert_eq!(look("at = '01:00'\nwatch_changes = false").unwrap(), "daily at 01:00 UTC");
        for (text, why) in [
            ("at = 'noon'", "no time such as"),
            ("accounts = ['12']", "\"12\""),
            ("organization = true", "[aws] role"),
            ("services = ['s4']", "\"s4\""),
            ("hour = 1", "hour"),
        ] {
            let told = look(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
