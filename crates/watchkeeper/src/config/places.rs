//! `[places]`: databases that know where addresses are.

use serde::Deserialize;

/// `[places]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Places {
    /// MaxMind DB files, at most eight; a path is below the home directory unless it begins at the
    /// root.
    pub(crate) databases: Vec<String>,
}
