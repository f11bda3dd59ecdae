//! `watchkeeper restore`

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use wk_store::fsck;

use super::backup::{self, MANIFEST, Manifest};
use super::{Exit, fsck as report, table};
use crate::config::Home;
use crate::wire::App;

/// Make an empty home what a backup holds, and hold its lake against its ledger.
///
/// A lake in S3 is found through the configuration in the backup.
#[derive(Args)]
pub(crate) struct Restore {
    /// The folder that `backup` made
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Copy the lake's files from here, where the backup does not hold them
    #[arg(long, value_name = "DIR")]
    lake: Option<PathBuf>,
}

impl Restore {
    pub(crate) async fn run(self, home: Home, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let target = home.path().to_path_buf();
        if fs::read_dir(&target)?.next().is_some() {
            bail!("{} is not empty: a backup is restored into a new home", target.display());
        }
        let manifest = self.folder.join(MANIFEST);
        let failed = || format!("could not read {}", manifest.display());
        let manifest: Manifest = serde_json::from_slice(&fs::read(&manifest).with_context(failed)?)
            .with_context(failed)?;
        if manifest.version != 1 {
            bail!("the backup has form {}; this program knows 1", manifest.version);
        }
        self.check(&manifest)?;
        for member in &manifest.members {
            let to = target.join(&member.path);
            backup::make_folder(to.parent().unwrap_or(&target))?;
            backup::copy(&self.folder.join(&member.path), &to)?;
        }
        if let Some(lake) = &self.lake {
            if !fs::metadata(lake).is_ok_and(|m| m.is_dir()) {
                bail!("{} is not a folder", lake.display());
            }
            if manifest.members.iter().any(|m| m.path.starts_with("lake/")) {
                bail!("the backup holds the lake; leave --lake out");
            }
            backup::copy(lake, &home.lake())?;
        }
        writeln!(out, "{} files restored to {}", manifest.members.len(), target.display())?;
        let app = App::open(home)?;
        let facts = app.ledger.facts().await?;
        let checked = fsck::check(&app.files().await?, &facts, false).await?;
        report::print(&checked, app.clock.now(), out)?;
        Ok(report::exit(&checked))
    }

    /// Every member is whole, and lies where it may.
    fn check(&self, manifest: &Manifest) -> anyhow::Result<()> {
        for member in &manifest.members {
            let path = Path::new(&member.path);
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                bail!("the backup names {:?}, which lies outside of it", member.path);
            }
            let (sha256, bytes) = backup::digest(&self.folder.join(path))?;
            if (sha256, bytes) != (member.sha256, member.bytes) {
                bail!(
                    "{} is not as it was backed up: {} with SHA-256 {sha256}; nothing was restored",
                    member.path,
                    table::bytes(bytes)
                );
            }
        }
        Ok(())
    }
}
