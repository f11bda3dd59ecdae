//! `[log_groups]`: which table a log group of CloudWatch is, where neither records nor its name say so.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;

use crate::wire;

/// `[log_groups]`: a pattern of names, in which `*` is any text, and the table. Of several patterns
/// that fit, the longest counts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct LogGroups(BTreeMap<String, String>);

impl LogGroups {
    /// The patterns and their tables, the longest pattern first.
    pub(crate) fn tables(&self) -> anyhow::Result<Vec<(String, String)>> {
        let tables = wire::tables();
        for (pattern, table) in &self.0 {
            if !tables.iter().any(|t| t.name == *table) {
                bail!(
                    "[log_groups] says that {pattern:?} is table {table:?}, which is not there; watchkeeper query --tables lists them"
                );
            }
        }
        let mut patterns: Vec<_> = self.0.clone().into_iter().collect();
        patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        Ok(patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_comes_first_and_a_table_must_be_there() {
        let read = |text: &str| toml::from_str::<LogGroups>(text).unwrap().tables();
        let tables = read("'/acme/*' = 'app_log'\n'/acme/vpc/*' = 'vpc_flow'\n").unwrap();
        assert_eq!(tables[0], ("/acme/vpc/*".to_owned(), "vpc_flow".to_owned()));
        let error = read("'/acme/*' = 'flows'\n").unwrap_err().to_string();
        assert!(error.contains("\"flows\""), "{error}");
    }
}
