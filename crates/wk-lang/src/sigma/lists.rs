//! Lists of values that rules name as placeholders: `%admins%`.

use std::collections::BTreeMap;

use super::error::Problem;
use crate::nearest::nearest;

/// Lists by name. An entry is a value as a rule would write it: a text, perhaps with wildcards, or a
/// network.
#[derive(Debug, Clone, Default)]
pub struct Lists(BTreeMap<String, Vec<String>>);

/// A list is longer than is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list {name} has {entries} entries; a list may have {max}", max = Lists::LISTED_MAX)]
pub struct LongList {
    /// Its name.
    pub name: String,
    /// How many entries it has.
    pub entries: usize,
}

impl Lists {
    /// How many values one value may become. A list of networks that stands alone may be longer.
    pub const ENTRIES_MAX: usize = 10_000;
    /// How many entries a list may have.
    pub const LISTED_MAX: usize = 1_000_000;

    /// No lists.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a list, or entries to the list of that name. Each entry is there once.
    ///
    /// # Errors
    /// If it is too long; then nothing is added.
    pub fn add(&mut self, name: &str, entries: Vec<String>) -> Result<(), LongList> {
        let mut list = self.0.get(name).cloned().unwrap_or_default();
        list.extend(entries);
        list.sort();
        list.dedup();
        if list.len() > Self::LISTED_MAX {
            return Err(LongList { name: name.to_owned(), entries: list.len() });
        }
        self.0.insert(name.to_owned(), list);
        Ok(())
    }

    /// All values that a value with placeholders stands for. `\\%` is a percent sign, and so is one
    /// alone.
    pub(super) fn expand(&self, key: &str, value: &str) -> Result<Vec<String>, Problem> {
        const PERCENT: &str = "\u{0}";
        let text = value.replace("\\%", PERCENT);
        let parts: Vec<&str> = text.split('%').collect();
        let mut values = vec![String::new()];
        for (n, part) in parts.iter().enumerate() {
            let is_name = n % 2 == 1 && n + 1 < parts.len();
            // Where the last sign has no partner it stands for itself.
            let alone = n % 2 == 1 && !is_name;
            let choices: Vec<String> = match is_name {
                true => self.get(key, part)?.to_vec(),
                false => vec![format!("{}{part}", if alone { "%" } else { "" })],
            };
            if values.len().saturating_mul(choices.len()) > Self::ENTRIES_MAX {
                let what = format!("{key}: values of {value:?}");
                return Err(Problem::TooMany { what, max: Self::ENTRIES_MAX });
            }
            let mut next = Vec::with_capacity(values.len() * choices.len());
            for value in &values {
                next.extend(choices.iter().map(|choice| format!("{value}{choice}")));
            }
            values = next;
        }
        Ok(values.into_iter().map(|value| value.replace(PERCENT, "%")).collect())
    }

    /// The list that a value is the name of, and nothing else.
    pub(super) fn whole(&self, key: &str, value: &str) -> Result<Option<&[String]>, Problem> {
        let name = value.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
        match name.filter(|name| !name.is_empty() && !name.contains(['%', '\\'])) {
            Some(name) => self.get(key, name).map(Some),
            None => Ok(None),
        }
    }

    fn get(&self, key: &str, name: &str) -> Result<&[String], Problem> {
        match self.0.get(name) {
            Some(list) => Ok(list),
            None => {
                let nearest = nearest(name, self.0.keys().map(String::as_str));
                let nearest = nearest.map(str::to_owned);
                Err(Problem::Placeholder { key: key.to_owned(), name: name.to_owned(), nearest })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(value: &str) -> String {
        let mut lists = Lists::none();
        lists.add("users", vec!["ann".into(), "bob*".into()]).unwrap();
        lists.add("hosts", vec!["a".into(), "b".into()]).unwrap();
        match lists.expand("k", value) {
            Ok(values) => values.join(" "),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn placeholders_stand_for_every_entry() {
        assert_eq!(expand("%users%"), "ann bob*");
        assert_eq!(expand("x-%users%@%hosts%"), "x-ann@a x-ann@b x-bob*@a x-bob*@b");
        assert_eq!(expand("100%"), "100%");
        assert_eq!(expand(r"\%users\%"), "%users%");
        assert_eq!(expand("plain"), "plain");
        assert_eq!(expand("%user%"), "k: there is no list %user%; did you mean users?");
    }

    #[test]
    fn lists_are_bounded() {
        let many = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
        let mut lists = Lists::none();
        assert!(lists.add("l", many(1_000_001)).is_err());
        lists.add("long", many(10_001)).unwrap();
        assert!(lists.expand("k", "%long%").unwrap_err().to_string().contains("more than 10000"));
        assert_eq!(lists.whole("k", "%long%").unwrap().map(<[String]>::len), Some(10_001));
        assert_eq!(lists.whole("k", "x%long%").unwrap(), None);
        lists.add("l", many(200)).unwrap();
        assert!(lists.expand("k", "%l%%l%").unwrap_err().to_string().contains("more than 10000"));
        assert!(
            lists.add("l", many(1_000_001)).is_err()
                && lists.expand("k", "%l%").unwrap().len() == 200
        );
    }
}
