//! What any process can hear of itself: room on the disk, what waits in the outbox, the drills.

use std::path::Path;
use std::process::Command;

use wk_engine::service::last_word::LastWord;
use wk_seam::outbox::Outbox as _;
use wk_store::bookmarks::SqliteBookmarks;
use wk_watch::selfwatch::Heard;
use wk_watch::selfwatch::facts::{DiskFacts, OutboxFacts};

use super::App;
use crate::cli::drill;

/// What a command without a service knows of itself: its disk, the outbox, the drills.
pub(crate) async fn heard(app: &App) -> anyhow::Result<Heard> {
    Ok(Heard {
        disks: disk("home", app.home.path()).into_iter().collect(),
        outbox: Some(outbox(app).await?),
        drills: drill::facts(app, None).await?,
        ..Heard::default()
    })
}

/// What waits to be told, and what was given up.
pub(crate) async fn outbox(app: &App) -> anyhow::Result<OutboxFacts> {
    let backlog = app.ledger.backlog().await?;
    let (waiting, dead) = (backlog.waiting, backlog.dead);
    // Dead letters stay one alert until all of them are dealt with.
    Ok(OutboxFacts { waiting, oldest_due: backlog.oldest, dead, dead_since: None })
}

/// What the service said of itself last, if one ever ran here.
pub(crate) async fn last_word(app: &App) -> anyhow::Result<Option<LastWord>> {
    if !app.home.path().join("bookmarks.sqlite").try_exists()? {
        return Ok(None);
    }
    let bookmarks = SqliteBookmarks::open(app.home.path(), app.clock.clone())?;
    Ok(LastWord::kept(&bookmarks).await?)
}

/// The room on the disk of a folder, as POSIX's `df` tells it; `None` where that cannot be asked.
/// The standard library does not know it.
pub(crate) fn disk(name: &str, folder: &Path) -> Option<DiskFacts> {
    let said = Command::new("df").arg("-Pk").arg("--").arg(folder).output().ok()?;
    let text = String::from_utf8(said.stdout).ok().filter(|_| said.status.success())?;
    read(name, &text)
}

/// Reads the form of `df -Pk`: a line of heads; name, blocks of 1024 bytes, used, available, …
fn read(name: &str, text: &str) -> Option<DiskFacts> {
    let line = text.lines().nth(1)?;
    // The name of the file system may hold blanks; the numbers stand before the share in percent.
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let percent = words.iter().position(|word| word.ends_with('%'))?;
    let number = |back: usize| words.get(percent.checked_sub(back)?)?.parse::<u64>().ok();
    let (total, free) = (number(3)?, number(1)?);
    Some(DiskFacts {
        name: name.to_owned(),
        free_bytes: free.saturating_mul(1024),
        total_bytes: total.saturating_mul(1024),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_disk_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\nmy disk 1000 900 100 90% /mnt/a b\n";
        let disk = read("home", text).unwrap();
        assert_eq!((disk.free_bytes, disk.total_bytes), (102_400, 1_024_000));
        assert_eq!(read("home", "Filesystem\n"), None);
        assert_eq!(read("home", "a\n1 2 3%\n"), None);
    }

    #[test]
    fn the_disk_of_this_folder_has_a_size() {
        let disk = disk("home", Path::new(".")).unwrap();
        assert!(disk.total_bytes > disk.free_bytes);
    }
}
