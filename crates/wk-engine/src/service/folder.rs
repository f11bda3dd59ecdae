//! Watches a folder: every file below it is read once, when it is complete.
//!
//! * A file is complete when it has not changed for some seconds. What programs write under a
//!   passing name (a leading dot, `.tmp`, `.part`) is left until it is renamed.
//! * Which files were read is kept by name, size and time of change, so that a restart reads nothing
//!   again. The file itself is never touched.
//! * A file that changes after it was read is another object and is read as a whole: events with an
//!   id are known then, lines without one are stored a second time. It is counted and told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wk_model::{Day, Timestamp};
use wk_seam::bookmarks::Bookmarks;
use wk_seam::objects::{Object, Objects};
use wk_seam::{Answer, Failure};

use super::handed::{Content, Item};
use super::intake::{Door, Outcome};
use super::{Post, backoff, counts};

/// How a folder is watched.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Between two looks.
    pub poll: Duration,
    /// A file that has not changed for so many seconds is complete.
    pub settle_seconds: i64,
    /// How long a file that could not be read is left alone, the first time and at most.
    pub retry: (Duration, Duration),
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { poll: seconds(5), settle_seconds: 5, retry: (seconds(10), seconds(600)) }
    }
}

/// Files that could not be read and are remembered; more are tried at each look.
const FAILED_MAX: usize = 10_000;
/// Ends of names under which programs write what is not complete.
const PASSING: &[&str] = &[".tmp", ".part", ".partial", ".swp", "~"];

/// A folder that is watched.
pub struct FolderPull {
    /// Its path, as the user wrote it.
    pub path: String,
    /// The files below it.
    pub place: Arc<dyn Objects>,
    /// Which of them were read.
    pub bookmarks: Arc<dyn Bookmarks>,
    /// Where they are handed in.
    pub door: Door,
    /// How it is watched.
    pub limits: Limits,
}

/// What is remembered from look to look.
#[derive(Default)]
struct Memory {
    /// Files that could not be read: how often, and when to try again.
    failed: BTreeMap<String, (u32, Timestamp)>,
    /// The last day on which files that are gone were forgotten.
    forgotten: Option<Day>,
}

impl FolderPull {
    /// Watches until it is told to stop.
    ///
    /// # Errors
    /// If the folder cannot be listed or the bookmarks fail.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let mut memory = Memory::default();
        loop {
            self.look(&mut memory, post).await?;
            post.well();
            if !post.stop.pause(self.limits.poll).await {
                return Ok(());
            }
        }
    }

    async fn look(&self, memory: &mut Memory, post: &Post) -> Answer<()> {
        let begun = post.tools.clock.now();
        let mut listing = self.place.list().await?;
        let daily = memory.forgotten != Some(begun.day());
        let mut settling = 0;
        while let Some(page) = listing.pages.next().await? {
            if post.stop.requested() {
                return Ok(());
            }
            if daily {
                let uris: Vec<String> = page.iter().map(|object| object.uri.clone()).collect();
                self.bookmarks.touch(&self.shelf(), &uris).await?;
            }
            settling += self.page(page, memory, post).await?;
        }
        let folder = [("folder", self.path.as_str())];
        post.tools.counts.set(counts::FOLDER_SETTLING, &folder, settling);
        if daily {
            self.bookmarks.forget(&self.shelf(), begun.seconds()).await?;
            memory.forgotten = Some(begun.day());
        }
        Ok(())
    }

    /// Reads what is new and complete of a page; answers how many files are not complete yet.
    async fn page(&self, page: Vec<Object>, memory: &mut Memory, post: &Post) -> Answer<u64> {
        let now = post.tools.clock.now();
        let mut page = page;
        page.retain(|object| !is_passing(&object.uri));
        let uris: Vec<String> = page.iter().map(|object| object.uri.clone()).collect();
        let marks = self.bookmarks.get(&self.shelf(), &uris).await?;
        let (mut settling, mut fresh) = (0, Vec::new());
        for (object, mark) in page.into_iter().zip(marks) {
            let tried_later = memory.failed.get(&object.uri).is_some_and(|(_, at)| *at > now);
            if mark.as_deref() == Some(&mark_of(&object)) || tried_later {
                continue;
            }
            // A time of change that lies in the future is no reason to wait for ever.
            let age = now.seconds() - object.modified.seconds();
            if (0..self.limits.settle_seconds).contains(&age) {
                settling += 1;
                continue;
            }
            if mark.is_some() {
                let folder = [("folder", self.path.as_str())];
                post.tools.counts.add(counts::FOLDER_CHANGED, &folder, 1);
                let what = "a file changed after it was read; it is read again as a whole";
                post.tools.teller.warn(post.name(), what, &object.uri);
            }
            fresh.push(object);
        }
        self.read(fresh, memory, post).await?;
        Ok(settling)
    }

    async fn read(&self, fresh: Vec<Object>, memory: &mut Memory, post: &Post) -> Answer<()> {
        let content = || Content::In(self.place.clone());
        let items = fresh.iter().map(|object| Item { object: object.clone(), content: content() });
        let Some(outcomes) = self.door.hand_in("folder", items.collect()).await else {
            if post.stop.requested() {
                return Ok(());
            }
            return Err(Failure::new(format!("read {}", self.path), "the intake was interrupted"));
        };
        let (now, mut done) = (post.tools.clock.now(), Vec::new());
        for (object, outcome) in fresh.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Committed => {
                    memory.failed.remove(&object.uri);
                    done.push((object.uri.clone(), mark_of(&object)));
                }
                // Moved away between the look and the reading.
                Outcome::Missing => {}
                Outcome::Failed { why, .. } => {
                    let told = format!("{}: {why}", object.uri);
                    post.tools.teller.warn(post.name(), "a file could not be read", &told);
                    self.remember_failed(memory, object.uri, now);
                }
            }
        }
        self.bookmarks.put(&self.shelf(), &done).await
    }

    fn remember_failed(&self, memory: &mut Memory, uri: String, now: Timestamp) {
        let times = memory.failed.get(&uri).map_or(0, |(times, _)| *times) + 1;
        let (first, most) = self.limits.retry;
        let wait = backoff(first, most, times, &uri).as_secs();
        let at = now.plus_seconds(i64::try_from(wait).unwrap_or(i64::MAX));
        if memory.failed.len() < FAILED_MAX || memory.failed.contains_key(&uri) {
            memory.failed.insert(uri, (times, at));
        }
    }

    fn shelf(&self) -> String {
        format!("folder {}", self.path)
    }
}

/// What of a file changes when it does.
fn mark_of(object: &Object) -> String {
    format!("{} {}", object.size, object.modified.micros())
}

/// Whether a file has a name under which programs write what is not complete.
fn is_passing(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with('.') || PASSING.iter().any(|end| name.ends_with(end))
}
