//! `[checks.NAME]`: parameters of a check.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;
use wk_watch::checks::{self, Overrides};

/// `[checks]`: parameters by check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Checks(BTreeMap<String, BTreeMap<String, Word>>);

/// A value: text, number, yes or no.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Checks {
    /// The parameters that are set.
    ///
    /// # Errors
    /// If there is no such check, or it has no such parameter.
    pub(crate) fn overrides(&self) -> anyhow::Result<Overrides> {
        let mut set = Overrides::new();
        for (check, values) in &self.0 {
            for (name, value) in values {
                let value = match value {
                    Word::Text(text) => text.clone(),
                    Word::Number(number) => number.to_string(),
                    Word::Flag(flag) => flag.to_string(),
                };
                add(&mut set, check, name, value)?;
            }
        }
        Ok(set)
    }
}

/// Sets one parameter of a check.
///
/// # Errors
/// If there is no such check, or it has no such parameter.
pub(crate) fn add(
    set: &mut Overrides,
    check: &str,
    name: &str,
    value: String,
) -> anyhow::Result<()> {
    let Some(known) = checks::named(check) else {
        bail!("[checks.{check}]: there is no such check; watchkeeper check list names them");
    };
    if !known.parameters.iter().any(|p| p.name == name) {
        let names: Vec<&str> = known.parameters.iter().map(|p| p.name).collect();
        let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        bail!("[checks.{check}] {name}: it has no such parameter; it has {has}");
    }
    set.insert((known.id.to_owned(), name.to_owned()), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Overrides, String> {
        toml::from_str::<Checks>(text).unwrap().overrides().map_err(|e| e.to_string())
    }

    #[test]
    fn parameters_are_texts_numbers_and_flags_of_checks_that_there_are() {
        let set = read("[IAM_PASSWORD_POLICY]\nMinimumPasswordLength = 12\nRequireSymbols = false")
            .unwrap();
        let key = |name: &str| ("IAM_PASSWORD_POLICY".to_owned(), name.to_owned());
        assert_eq!(set.get(&key("MinimumPasswordLength")).map(String::as_str), Some("12"));
        assert_eq!(set.get(&key("RequireSymbols")).map(String::as_str), Some("false"));
        assert!(read("[NOBODY]\nx = 1").unwrap_err().contains("there is no such check"));
        let wrong = read("[ENCRYPTED_VOLUMES]\nkms = 'x'").unwrap_err();
        assert!(wrong.contains("it has kmsId"), "{wrong}");
    }
}
