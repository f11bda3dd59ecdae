//! Where everything of a user lies, and what the user says about it.

mod home;

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

pub use home::Home;

/// `config.toml` in the home directory. Every key has a default; an unknown key is an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the lake's files lie.
    pub lake: Lake,
    /// What logs do not say of themselves.
    pub sources: Sources,
}

/// `[lake]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lake {
    /// `s3://bucket/prefix`; else a folder of the home directory.
    pub location: Option<String>,
    /// Region of the bucket.
    pub region: Option<String>,
    /// Endpoint of an S3-compatible store.
    pub endpoint: Option<String>,
    /// KMS key (id or ARN) under which the lake's files are encrypted in S3.
    pub sse_kms_key: Option<String>,
    /// Profile whose credentials reach the bucket.
    pub profile: Option<String>,
}

/// `[sources]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Field order of flow logs without a header line.
    pub flow_log_format: Option<String>,
    /// Name of the time field in JSON application logs.
    pub time_field: Option<String>,
}

impl Config {
    /// Reads the file; none is the same as an empty one.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .with_context(|| format!("could not understand {}", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e).with_context(|| format!("could not read {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named() {
        let error =
            toml::from_str::<Config>("[lake]\nlocaton = 's3://x'\n").unwrap_err().to_string();
        assert!(error.contains("locaton"), "{error}");
        assert!(error.contains("line 2"), "{error}");
    }
}
