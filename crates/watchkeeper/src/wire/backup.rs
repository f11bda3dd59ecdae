//! The backups that the service makes: one a day, of which so many are kept.
//!
//! * A backup is whole when its `backup.json` is there, which is written last. One that is not whole is
//!   never counted as one; what a crash left of it goes with the next backup.
//! * Only what has the name of a backup is ever removed, and only after a new one is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use wk_model::Timestamp;
use wk_store::files::Files;
use wk_store::objects::{S3Place, S3Settings};

use super::App;
use crate::cli::backup::{self, MANIFEST, Made};
use crate::cli::table;
use crate::config::backup::Target;

/// How the name of each backup begins; the time follows.
const NAME: &str = "watchkeeper-";
/// How the name of one begins that is being made in a folder.
const COMING: &str = ".coming-";

/// Makes a backup where the configuration says, and removes those that are too many. Nothing to do where
/// it names no place.
pub(crate) async fn make(app: &App) -> anyhow::Result<Option<String>> {
    let config = &app.config.backup;
    let Some(target) = config.target(app.home.path())? else { return Ok(None) };
    let now = app.clock.now();
    let name = name(now);
    let keep = usize::from(config.keep);
    let (made, removed) = match &target {
        Target::Folder(folder) => in_folder(app, folder, &name, keep).await?,
        Target::S3(address) => in_s3(app, address, &name, keep).await?,
    };
    let bytes = table::bytes(made.bytes);
    Ok(Some(format!(
        "{} files, {bytes}, in {}/{name}; {removed} older backups removed",
        made.files,
        config.to.trim_end_matches('/')
    )))
}

/// `watchkeeper-2024-02-15T0200Z`
fn name(now: Timestamp) -> String {
    let text = now.to_string();
    let minute: String = text.chars().take(16).filter(|c| *c != ':').collect();
    format!("{NAME}{minute}Z")
}

async fn in_folder(
    app: &App,
    folder: &Path,
    name: &str,
    keep: usize,
) -> anyhow::Result<(Made, usize)> {
    backup::make_folder(folder)?;
    for entry in names(folder)? {
        if entry.starts_with(&format!("{COMING}{NAME}")) {
            remove(&folder.join(entry))?;
        }
    }
    let (coming, whole) = (folder.join(format!("{COMING}{name}")), folder.join(name));
    let made = backup::make(app, &coming, app.config.backup.with_lake).await?;
    std::fs::rename(&coming, &whole)
        .with_context(|| format!("could not name the backup {}", whole.display()))?;
    std::fs::File::open(folder)?.sync_all()?;
    let mut kept: Vec<String> = names(folder)?;
    kept.retain(|entry| entry.starts_with(NAME) && folder.join(entry).join(MANIFEST).is_file());
    let old = kept.len().saturating_sub(keep);
    for entry in kept.iter().take(old) {
        remove(&folder.join(entry))?;
    }
    Ok((made, old))
}

/// The names in a folder, sorted: of backups, the oldest first.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let failed = || format!("could not list {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        names.extend(entry.with_context(failed)?.file_name().to_str().map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    std::fs::remove_dir_all(folder)
        .with_context(|| format!("could not remove the old backup {}", folder.display()))
}

async fn in_s3(app: &App, address: &str, name: &str, keep: usize) -> anyhow::Result<(Made, usize)> {
    let place = place(app, address).await?;
    let here = app.home.spill(app.clock.now())?;
    let folder = here.path().join(name);
    let made = backup::make(app, &folder, app.config.backup.with_lake).await?;
    let manifest = folder.join(MANIFEST);
    let mut files = backup::files_below(&folder)?;
    files.retain(|file| *file != manifest);
    // The manifest says that everything else is there.
    files.push(manifest);
    for file in &files {
        let below = file.strip_prefix(&folder)?.to_str().context("a name is not UTF-8")?;
        place.take(&format!("{name}/{below}"), file).await?;
    }
    let removed = remove_old(&place, name, keep).await?;
    Ok((made, removed))
}

/// The place in S3.
pub(crate) async fn place(app: &App, address: &str) -> anyhow::Result<Files> {
    let config = &app.config.backup;
    let credentials = wk_aws::CliCredentials::load(config.profile.as_deref()).await?;
    let settings = S3Settings {
        region: config.region.clone(),
        endpoint: config.endpoint.clone(),
        sse_kms_key: config.sse_kms_key.clone(),
    };
    Ok(S3Place::open(address, &settings, Arc::new(credentials))?.into_files())
}

/// Removes all but the newest whole backups, and what was left half-written before the newest.
async fn remove_old(place: &Files, newest: &str, keep: usize) -> anyhow::Result<usize> {
    let mut backups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, _) in place.list("").await? {
        if let Some((name, _)) = path.split_once('/')
            && name.starts_with(NAME)
        {
            backups.entry(name.to_owned()).or_default().push(path);
        }
    }
    let is_whole = |name: &String, files: &[String]| files.contains(&format!("{name}/{MANIFEST}"));
    let whole: Vec<String> =
        backups.iter().filter(|(n, files)| is_whole(n, files)).map(|(n, _)| n.clone()).collect();
    let kept = whole.get(whole.len().saturating_sub(keep)..).unwrap_or(&[]).to_vec();
    let mut removed = 0;
    for (name, mut files) in backups {
        if kept.contains(&name) || name.as_str() > newest {
            continue;
        }
        removed += usize::from(is_whole(&name, &files));
        // First what says that the backup is whole.
        let manifest = format!("{name}/{MANIFEST}");
        if files.contains(&manifest) {
            place.remove(std::slice::from_ref(&manifest)).await?;
            files.retain(|file| *file != manifest);
        }
        place.remove(&files).await?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_backups_stand_in_the_order_of_their_times() {
        let at = |text: &str| name(Timestamp::parse(text).unwrap());
        assert_eq!(at("2024-02-15T02:00:59Z"), "watchkeeper-2024-02-15T0200Z");
        assert!(at("2024-02-15T23:59:00Z") < at("2024-02-16T00:00:00Z"));
    }

    #[tokio::test]
    async fn only_whole_backups_count_and_only_backups_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = Files::Local(folder.path().to_path_buf());
        let day = |n: u32| format!("{NAME}2024-02-{n:02}T0200Z");
        for n in 1..=5 {
            place.write(&format!("{}/ledger.sqlite", day(n)), vec![1]).await.unwrap();
            // The third was not finished.
            if n != 3 {
                place.write(&format!("{}/{MANIFEST}", day(n)), vec![1]).await.unwrap();
            }
        }
        place.write("mine/notes.txt", vec![1]).await.unwrap();
        assert_eq!(remove_old(&place, &day(5), 2).await.unwrap(), 2);
        let mut left: Vec<String> =
            place.list("").await.unwrap().into_iter().map(|(path, _)| path).collect();
        left.sort();
        let of = |n: u32| [format!("{}/{MANIFEST}", day(n)), format!("{}/ledger.sqlite", day(n))];
        let expected: Vec<String> =
            ["mine/notes.txt".to_owned()].into_iter().chain(of(4)).chain(of(5)).collect();
        assert_eq!(left, expected);
    }
}
