//! `[detect]`: which rules are off, or only tried.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use wk_watch::modes::{Mode, ModeEntry};

/// `[detect]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detect {
    /// Modes of rules; of entries that fit the same the last counts.
    mode: Vec<ModeText>,
}

/// `[[detect.mode]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeText {
    /// `off`, `dry-run` or `live`.
    mode: String,
    /// Ids or titles of rules; none: all.
    #[serde(default)]
    rules: Vec<String>,
    /// Tags of rules; none: any.
    #[serde(default)]
    tags: Vec<String>,
    /// Accounts; none: all.
    #[serde(default)]
    accounts: Vec<String>,
    /// Why.
    reason: String,
}

impl Detect {
    /// The modes that it describes.
    pub(crate) fn modes(&self) -> anyhow::Result<Vec<ModeEntry>> {
        self.mode.iter().map(ModeText::entry).collect()
    }
}

impl ModeText {
    fn entry(&self) -> anyhow::Result<ModeEntry> {
        let mode = Mode::parse(&self.mode).with_context(|| {
            format!("[[detect.mode]] mode: {:?} is none of off, dry-run, live", self.mode)
        })?;
        ensure!(!self.reason.trim().is_empty(), "[[detect.mode]] reason: say why");
        for account in &self.accounts {
            let is = wk_model::AccountId::try_from(account.clone()).is_ok();
            ensure!(is, "[[detect.mode]] accounts: {account:?} is no account of twelve digits");
        }
        Ok(ModeEntry {
            mode,
            rules: self.rules.clone(),
            tags: self.tags.clone(),
            accounts: self.accounts.clone(),
            reason: self.reason.trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_needs_a_word_that_is_known_accounts_that_are_some_and_a_reason() {
        let modes = |text: &str| {
            let read: Detect = toml::from_str(text).map_err(|e| e.to_string())?;
            read.modes().map_err(|e| e.to_string())
        };
        let good = "[[mode]]\nmode = 'dry-run'\nreason = 'noisy'\naccounts = ['111122223333']\n";
        assert_eq!(modes(good).unwrap()[0].mode, Mode::DryRun);
        for (from, to, why) in [
            ("dry-run", "dry", "none of off"),
            ("noisy", " ", "say why"),
            ("111122223333", "1111", "twelve digits"),
            ("reason", "reasons", "unknown field"),
        ] {
            let told = modes(&good.replace(from, to)).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
