//! The one directory that holds everything a user has.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use wk_model::Timestamp;

/// A home directory: configuration, ledger, lake, keys; for this user only.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// The directory that `--home` names, else WATCHKEEPER_HOME, else `watchkeeper` below the
    /// user's data directory (XDG Base Directory Specification). Made if it is missing.
    pub(crate) fn open(named: Option<&Path>) -> anyhow::Result<Self> {
        let path = match named {
            Some(path) => path.to_path_buf(),
            None => default_path()?,
        };
        let make = || -> std::io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
            let mode = fs::metadata(&path)?.permissions().mode();
            if mode & 0o077 != 0 {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
            }
            Ok(())
        };
        make().with_context(|| format!("could not make the home directory {}", path.display()))?;
        let path = fs::canonicalize(&path)
            .with_context(|| format!("could not find the home directory {}", path.display()))?;
        Ok(Self(path))
    }

    /// A home of another name beside this one.
    pub(crate) fn beside(&self, name: &str) -> anyhow::Result<Self> {
        Self::open(Some(&self.0.with_file_name(name)))
    }
    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// `config.toml`.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }
    /// A folder of its own for what does not fit into memory, removed when it is dropped. What a
    /// killed process left there is removed a day later.
    pub(crate) fn spill(&self, now: Timestamp) -> anyhow::Result<tempfile::TempDir> {
        let all = self.0.join("tmp");
        let make = || -> std::io::Result<tempfile::TempDir> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&all)?;
            for entry in fs::read_dir(&all)? {
                // Another process may remove its own at any moment.
                let entry = entry?;
                let Ok(written) = entry.metadata().and_then(|about| about.modified()) else {
                    continue;
                };
                let at = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let at = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
                if at < now.plus_seconds(-86_400).seconds() {
                    drop(fs::remove_dir_all(entry.path()));
                }
            }
            tempfile::Builder::new().prefix("query-").tempdir_in(&all)
        };
        make().with_context(|| format!("could not make a folder in {}", all.display()))
    }
    /// The embedded lake.
    pub(crate) fn lake(&self) -> PathBuf {
        self.0.join("lake")
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn default_path() -> anyhow::Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(home) = set("WATCHKEEPER_HOME") {
        return Ok(home);
    }
    match (set("XDG_DATA_HOME"), set("HOME")) {
        (Some(data), _) if data.is_absolute() => Ok(data.join("watchkeeper")),
        (_, Some(home)) => Ok(home.join(".local/share/watchkeeper")),
        _ => bail!("no home directory: name one with --home DIR or WATCHKEEPER_HOME"),
    }
}
