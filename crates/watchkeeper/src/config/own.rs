//! `[own]`: by what it is known which accounts, addresses and hosts are ours.

use anyhow::{bail, ensure};
use serde::Deserialize;
use wk_watch::own::{Aged, MAX_AGE_HOURS};

/// `[own]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Own {
    /// `inventory`: what AWS answered to our own walks; `config`: items of AWS Config in the lake.
    sources: Vec<String>,
    /// Addresses that nobody confirmed for longer are not used.
    max_age_hours: u32,
}

impl Default for Own {
    fn default() -> Self {
        let sources = [INVENTORY, CONFIG].map(str::to_owned).to_vec();
        Self { sources, max_age_hours: MAX_AGE_HOURS }
    }
}

const INVENTORY: &str = "inventory";
const CONFIG: &str = "config";
/// A year.
const HOURS_MAX: u32 = 366 * 24;

impl Own {
    /// How old what is known may be.
    pub(crate) fn aged(&self) -> anyhow::Result<Aged> {
        let hours_max = self.max_age_hours;
        let max = HOURS_MAX;
        ensure!(
            (1..=max).contains(&hours_max),
            "[own] max_age_hours: {hours_max} is not between 1 and {max}"
        );
        for source in &self.sources {
            if ![INVENTORY, CONFIG].contains(&source.as_str()) {
                bail!("[own] sources: {source:?} is none of {INVENTORY}, {CONFIG}");
            }
        }
        Ok(Aged { hours_max })
    }

    /// Whether our own inventory says what is ours.
    pub(crate) fn by_inventory(&self) -> bool {
        self.sources.iter().any(|source| source == INVENTORY)
    }

    /// Whether AWS Config says so.
    pub(crate) fn by_config(&self) -> bool {
        self.sources.iter().any(|source| source == CONFIG)
    }

    /// Whether nobody does.
    pub(crate) fn is_off(&self) -> bool {
        self.sources.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_known_and_ages_within_a_year() {
        let read = |text: &str| toml::from_str::<Own>(text).unwrap();
        assert!(read("").aged().is_ok() && read("").by_config() && read("").by_inventory());
        assert!(read("sources = []").is_off() && !read("sources = []").by_config());
        for (text, why) in [
            ("max_age_hours = 0", "[own] max_age_hours: 0 is not between"),
            ("sources = ['cloudtrail']", "\"cloudtrail\" is none of inventory, config"),
        ] {
            let told = read(text).aged().unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}
