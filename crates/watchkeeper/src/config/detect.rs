//! `[detect]`: which rules are off, or only tried, and how long late events are waited for.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use wk_watch::modes::{Mode, ModeEntry};
use wk_watch::sources;
use wk_watch::stateful::Lateness;

/// `[detect]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detect {
    /// Modes of rules; of entries that fit the same the last counts.
    mode: Vec<ModeText>,
    /// How long after its time an event is waited for by rules over several events, in minutes.
    lateness_minutes: u32,
    /// The same by source, where it is another.
    lateness: BTreeMap<String, u32>,
    /// What happened more than so many days before it came is history: a look back leaves it alone.
    look_back_days: u16,
}

impl Default for Detect {
    fn default() -> Self {
        let lateness = BTreeMap::new();
        Self { mode: Vec::new(), lateness_minutes: 15, lateness, look_back_days: 30 }
    }
}

/// The longest that is waited for, in minutes: windows stay open and findings wait so long.
const LATENESS_MINUTES_MAX: u32 = 24 * 60;

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

    /// How long events are waited for, by source.
    pub(crate) fn lateness(&self) -> anyhow::Result<Lateness> {
        let seconds = |key: &str, minutes: u32| {
            let max = LATENESS_MINUTES_MAX;
            ensure!((1..=max).contains(&minutes), "{key}: {minutes} is not between 1 and {max}");
            Ok(i64::from(minutes) * 60)
        };
        let mut of = BTreeMap::new();
        for (source, minutes) in &self.lateness {
            let key = format!("[detect.lateness] {source}");
            if sources::named(source).is_none() {
                let known = sources::ALL.iter().map(|source| source.id);
                let nearest = wk_lang::nearest::nearest(source, known);
                let hint = nearest.map_or(String::new(), |near| format!("; did you mean {near}?"));
                bail!("{key}: there is no such source{hint}");
            }
            of.insert(source.clone(), seconds(&key, *minutes)?);
        }
        Ok(Lateness { of, others: seconds("[detect] lateness_minutes", self.lateness_minutes)? })
    }

    /// How many days a look back reaches.
    pub(crate) fn look_back_days(&self) -> anyhow::Result<i32> {
        let days = self.look_back_days;
        ensure!(
            (1..=400).contains(&days),
            "[detect] look_back_days: {days} is not between 1 and 400"
        );
        Ok(i32::from(days))
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
    fn lateness_is_set_by_source_and_within_a_day() {
        let read = |text: &str| -> Detect { toml::from_str(text).unwrap() };
        let lateness = read("").lateness().unwrap();
        assert_eq!((lateness.of("cloudtrail"), lateness.of("vpcflow")), (900, 900));
        let set = "lateness_minutes = 20\n[lateness]\nvpcflow = 45\n";
        let lateness = read(set).lateness().unwrap();
        assert_eq!((lateness.of("cloudtrail"), lateness.of("vpcflow")), (1200, 2700));
        for (text, why) in [
            ("lateness_minutes = 0", "[detect] lateness_minutes: 0 is not between 1 and 1440"),
            ("[lateness]\nvpcflow = 1441", "[detect.lateness] vpcflow: 1441 is not between"),
            ("[lateness]\nvpcflows = 5", "no such source; did you mean vpcflow?"),
        ] {
            let told = read(text).lateness().unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
        assert!(read("look_back_days = 0").look_back_days().is_err());
    }

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
