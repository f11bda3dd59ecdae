//! `[backup]`: where the service puts a backup every day.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use serde::Deserialize;

/// `[backup]`. Nothing is backed up unless `to` says where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Backup {
    /// A folder outside of the home directory, or `s3://bucket/prefix`; `""`: no backups.
    pub(crate) to: String,
    /// When, by UTC.
    pub(crate) at: String,
    /// So many are kept; older ones are removed after a new one is there.
    pub(crate) keep: u16,
    /// The lake's files too, where the lake is a folder.
    pub(crate) with_lake: bool,
    /// Profile of the AWS CLI that may write to the bucket.
    pub(crate) profile: Option<String>,
    /// Region of the bucket.
    pub(crate) region: Option<String>,
    /// Endpoint of an S3-compatible store.
    pub(crate) endpoint: Option<String>,
    /// KMS key under which they are encrypted in S3.
    pub(crate) sse_kms_key: Option<String>,
}

/// Where backups go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Below this folder.
    Folder(PathBuf),
    /// Below this prefix: `s3://bucket/prefix`.
    S3(String),
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            to: String::new(),
            at: "02:00".to_owned(),
            keep: 7,
            with_lake: false,
            profile: None,
            region: None,
            endpoint: None,
            sse_kms_key: None,
        }
    }
}

impl Backup {
    /// Where backups go; `None`: none are made.
    ///
    /// # Errors
    /// If that is in the home, or no place.
    pub(crate) fn target(&self, home: &Path) -> anyhow::Result<Option<Target>> {
        if self.to.is_empty() {
            return Ok(None);
        }
        ensure!(self.keep > 0, "[backup] keep must be at least 1");
        if let Some(rest) = self.to.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            if bucket.is_empty() || prefix.is_empty() {
                bail!("[backup] to {:?} is not of the form s3://bucket/prefix", self.to);
            }
            return Ok(Some(Target::S3(format!("s3://{bucket}/{prefix}"))));
        }
        let folder = Path::new(&self.to);
        ensure!(folder.is_absolute(), "[backup] to {:?} is no whole path, nor s3://…", self.to);
        // Links on the way are followed as far as it is there.
        let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        ensure!(
            !real.starts_with(home),
            "[backup] to {:?} lies in the home directory: what destroys one would destroy both",
            self.to
        );
        Ok(Some(Target::Folder(folder.to_path_buf())))
    }

    /// Seconds after midnight UTC.
    ///
    /// # Errors
    /// If `at` is no time of a day.
    pub(crate) fn seconds(&self) -> anyhow::Result<i64> {
        use chrono::Timelike as _;
        match chrono::NaiveTime::parse_from_str(&self.at, "%H:%M") {
            Ok(time) => Ok(i64::from(time.num_seconds_from_midnight())),
            Err(_) => bail!("[backup] at {:?} is no time such as 02:00", self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Target>, String> {
        let backup: Backup = toml::from_str(text).map_err(|e| e.to_string())?;
        backup.seconds().map_err(|e| e.to_string())?;
        backup.target(Path::new("/srv/watch")).map_err(|e| e.to_string())
    }

    #[test]
    fn backups_are_off_until_a_place_is_named_and_never_lie_in_the_home() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("to = 's3://b/x/y/'"), Ok(Some(Target::S3("s3://b/x/y".to_owned()))));
        assert_eq!(read("to = '/backup'"), Ok(Some(Target::Folder("/backup".into()))));
        for (text, told) in [
            ("to = '/srv/watch/backup'", "lies in the home directory"),
            ("to = 'backup'", "no whole path"),
            ("to = 's3://bucket'", "s3://bucket/prefix"),
            ("to = '/backup'\nkeep = 0", "at least 1"),
            ("at = '2am'", "no time such as"),
            ("too = 1", "too"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
