//! Whether a rule is off, tried or live, by account.
//!
//! * The last entry that fits a rule and an account decides; what none fits is live.
//! * What a tried rule sees is kept and marked; nobody is told of it and nothing is done.

use std::collections::BTreeMap;

use wk_model::finding::Sighting;

use crate::detect::Known;

/// How a rule runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It is not asked.
    Off,
    /// What it sees is kept and marked, and told to nobody.
    DryRun,
    /// What it sees is a finding.
    #[default]
    Live,
}

/// What the user says of some rules in some accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModeEntry {
    /// How they run.
    pub mode: Mode,
    /// Ids or titles of rules; empty: all rules.
    pub rules: Vec<String>,
    /// Tags of rules; empty: any.
    pub tags: Vec<String>,
    /// Accounts; empty: all.
    pub accounts: Vec<String>,
    /// Why.
    pub reason: String,
}

/// The entries, by the rules that they fit.
#[derive(Debug, Default)]
pub(crate) struct Modes {
    entries: Vec<ModeEntry>,
    /// Which entries fit a rule, by its id, in their order.
    fits: BTreeMap<String, Vec<usize>>,
}

impl Mode {
    /// The word in configuration, commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::DryRun => "dry-run",
            Self::Live => "live",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::DryRun, Self::Live].into_iter().find(|mode| mode.as_str() == word)
    }
}

impl ModeEntry {
    fn names(&self, known: &Known<'_>) -> bool {
        let named =
            |name: &String| *name == known.rule.id || name.eq_ignore_ascii_case(known.title);
        let tagged = |tag: &String| known.tags.iter().any(|t| t.eq_ignore_ascii_case(tag));
        (self.rules.is_empty() || self.rules.iter().any(named))
            && (self.tags.is_empty() || self.tags.iter().any(tagged))
    }
}

impl Modes {
    pub(crate) fn new<'r>(entries: Vec<ModeEntry>, rules: impl Iterator<Item = Known<'r>>) -> Self {
        let mut fits: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for known in rules {
            let of_rule = (0..entries.len()).filter(|place| entries[*place].names(&known));
            let of_rule: Vec<usize> = of_rule.collect();
            if !of_rule.is_empty() {
                fits.insert(known.rule.id.clone(), of_rule);
            }
        }
        Self { entries, fits }
    }

    /// How a rule runs in an account, and why where somebody said so.
    pub(crate) fn of(&self, rule: &str, account: Option<&str>) -> (Mode, Option<&str>) {
        let places = self.fits.get(rule).into_iter().flatten().rev();
        let mut entries = places.filter_map(|place| self.entries.get(*place));
        let fits = |entry: &&ModeEntry| {
            entry.accounts.is_empty()
                || account.is_some_and(|account| entry.accounts.iter().any(|a| a == account))
        };
        match entries.find(fits) {
            Some(entry) => (entry.mode, Some(&entry.reason)),
            None => (Mode::Live, None),
        }
    }

    /// Marks a sighting by its rule's mode; false if the rule is off there.
    pub(crate) fn mark(&self, sighting: &mut Sighting) -> bool {
        let (mode, _) = self.of(&sighting.rule.id, sighting.account.as_deref());
        sighting.grounds.dry_run = mode == Mode::DryRun;
        mode != Mode::Off
    }

    /// Names and tags that no rule has.
    pub(crate) fn dead(&self, rules: &[Known<'_>]) -> Vec<String> {
        let mut dead = Vec::new();
        for entry in &self.entries {
            for name in &entry.rules {
                let alone = ModeEntry { rules: vec![name.clone()], ..ModeEntry::default() };
                if !rules.iter().any(|rule| alone.names(rule)) {
                    dead.push(format!("no rule has the id or title {name:?}"));
                }
            }
            for tag in &entry.tags {
                let alone = ModeEntry { tags: vec![tag.clone()], ..ModeEntry::default() };
                if !rules.iter().any(|rule| alone.names(rule)) {
                    dead.push(format!("no rule has the tag {tag:?}"));
                }
            }
        }
        dead
    }

    /// The entries as text, in their order: a part of what a set of rules is.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let list = |all: &[String]| match all {
                [] => "all".to_owned(),
                some => some.join(", "),
            };
            let (rules, tags) = (list(&entry.rules), list(&entry.tags));
            let (accounts, mode) = (list(&entry.accounts), entry.mode.as_str());
            text.extend([mode, ": rules ", &rules, "; tags ", &tags, "; accounts ", &accounts]);
            text.extend(["; ", &entry.reason, "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detections;

    fn entry(mode: Mode, rules: &[&str], tags: &[&str], accounts: &[&str]) -> ModeEntry {
        let owned = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let (rules, tags, accounts) = (owned(rules), owned(tags), owned(accounts));
        ModeEntry { mode, rules, tags, accounts, reason: "tuning".to_owned() }
    }

    #[test]
    fn the_last_entry_that_fits_a_rule_and_an_account_decides() {
        let pack = Detections::built_in().unwrap();
        let first = &pack.rules()[0];
        let tag = first.sigma.tags[0].clone();
        let modes = Modes::new(
            vec![
                entry(Mode::DryRun, &[], &[&tag], &[]),
                entry(Mode::Live, &[&first.title.to_uppercase()], &[], &["111122223333"]),
                entry(Mode::Off, &[&first.rule.id], &[], &["444455556666"]),
                entry(Mode::Off, &["no such rule"], &["attack.t0000"], &[]),
            ],
            pack.every(),
        );
        let of = |account| modes.of(&first.rule.id, account).0;
        assert_eq!(of(None), Mode::DryRun);
        assert_eq!(of(Some("111122223333")), Mode::Live);
        assert_eq!(of(Some("444455556666")), Mode::Off);
        assert_eq!(modes.of("another", None), (Mode::Live, None));
        assert_eq!(modes.dead(&pack.every().collect::<Vec<_>>()).len(), 2);
    }
}
