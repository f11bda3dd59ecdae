//! `[retention]`: how long rows are kept.

use anyhow::bail;
use serde::Deserialize;
use wk_model::Table;
use wk_model::retention::{Class, PRESETS, Policy, preset};
use wk_model::table::{CORE, ColumnType};

use crate::wire;

/// `[retention]`. Nothing said: all is kept for ever.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// One preset or several.
    preset: Names,
    /// The user's own classes.
    class: Vec<Class>,
}

/// A name or a list of names.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Retention {
    /// The policy: the presets' classes and the user's.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        let names = match &self.preset {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        };
        let mut classes = Vec::new();
        for name in names {
            match preset(name) {
                Some(more) => classes.extend(more),
                None => bail!(
                    "[retention] preset {name:?} is unknown; there are: {}",
                    PRESETS.join(", ")
                ),
            }
        }
        classes.extend(self.class.iter().cloned());
        let tables = wire::tables();
        classes.iter().try_for_each(|class| check(class, &tables))?;
        Ok(Policy::new(classes)?)
    }
}

/// Whether tables and columns of a class are there.
fn check(class: &Class, tables: &[&'static Table]) -> anyhow::Result<()> {
    for name in &class.tables {
        let Some(table) = tables.iter().find(|t| t.name == *name) else {
            bail!("the retention class {:?} names a table that is not there: {name:?}", class.name);
        };
        for column in class.only.keys().chain(class.except.keys()) {
            let is_text = |c: &&wk_model::Column| c.name == *column && c.kind == ColumnType::Text;
            if !CORE.iter().chain(table.columns).any(|c| is_text(&c)) {
                bail!(
                    "the retention class {:?} asks for {column:?}, which is no text column of {name}",
                    class.name
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Result<Policy, String> {
        let read: Retention = toml::from_str(text).map_err(|e| e.to_string())?;
        read.policy().map_err(|e| e.to_string())
    }

    #[test]
    fn presets_and_own_classes_make_a_policy() {
        assert!(policy("").unwrap().is_empty());
        for name in PRESETS {
            assert!(!policy(&format!("preset = {name:?}")).unwrap().is_empty(), "{name}");
        }
        let own = "preset = ['cc7']\n[[class]]\nname = 'payments'\ntables = ['app_log']\nwhere = { log_group = ['/pay/*'] }\nminimum_days = 3653\n";
        let term =
            policy(own).unwrap().term("app_log", &|c| (c == "log_group").then_some("/pay/a"));
        assert_eq!(term.unwrap().days, 3653);
    }

    #[test]
    fn a_policy_that_cannot_hold_is_refused_by_name() {
        for (text, named) in [
            ("preset = 'sox'", "sox"),
            ("preset = ['cc7', 'gdpr']", "gdpr: requests of people"),
            ("[[class]]\nname = 'a'\ntables = ['app']\nminimum_days = 1", "\"app\""),
            (
                "[[class]]\nname = 'a'\ntables = ['alb']\nwhere = { lvl = ['x'] }\nminimum_days = 1",
                "lvl",
            ),
            ("[[class]]\nname = 'a'\ntables = ['alb']\nminimum = 1", "minimum"),
        ] {
            let error = policy(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
