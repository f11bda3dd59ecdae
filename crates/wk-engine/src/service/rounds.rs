//! Pulls logs page by page. The cursor is kept after a page is committed: what a crash leaves
//! uncommitted is read again, and events that come again are known by their ids.

use std::sync::Arc;
use std::time::Duration;

use wk_model::Sha256;
use wk_seam::bookmarks::Bookmarks;
use wk_seam::rounds::Rounds;
use wk_seam::{Answer, Failure};

use super::handed::Item;
use super::intake::{Door, Outcome};
use super::{Post, counts};

/// The shelf of the cursors.
const SHELF: &str = "rounds";

/// Logs that are pulled page by page.
pub struct RoundsPull {
    /// The logs.
    pub logs: Arc<dyn Rounds>,
    /// By which way they come: `logs`.
    pub path: &'static str,
    /// How far they were read.
    pub bookmarks: Arc<dyn Bookmarks>,
    /// Where pages are handed in.
    pub door: Door,
    /// Between the end of one round and the next.
    pub every: Duration,
}

impl RoundsPull {
    /// Pulls until it is told to stop.
    ///
    /// # Errors
    /// If the logs cannot be read or the bookmarks fail.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let key = [self.logs.name()];
        let kept = self.bookmarks.get(SHELF, &key).await?;
        let mut cursor = kept.into_iter().next().flatten();
        while !post.stop.requested() {
            let page = self.logs.page(cursor.as_deref(), post.tools.clock.now()).await?;
            if !self.read(page.documents, post).await? {
                return Ok(());
            }
            let [name] = key.clone();
            self.bookmarks.put(SHELF, &[(name, page.cursor.clone())]).await?;
            cursor = Some(page.cursor);
            post.well();
            if page.done && !post.stop.pause(self.every).await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Commits the documents of a page; answers whether it was done before the end was called.
    async fn read(&self, documents: Vec<String>, post: &Post) -> Answer<bool> {
        let (name, now) = (self.logs.name(), post.tools.clock.now());
        let item = |text: String| {
            let identity = Sha256::of_parts(&[b"rounds", name.as_bytes(), text.as_bytes()]);
            Item::text(format!("{name}#{}", identity.short()), text, now, identity)
        };
        let items = documents.into_iter().map(item).collect();
        let Some(outcomes) = self.door.hand_in(self.path, items).await else {
            if post.stop.requested() {
                return Ok(false);
            }
            return Err(Failure::new(format!("read {name}"), "the intake was interrupted"));
        };
        for outcome in outcomes {
            if let Outcome::Failed { why, .. } = outcome {
                post.tools.counts.add(counts::FAILED_OBJECTS, &[("path", self.path)], 1);
                return Err(Failure::new(format!("read {name}"), why));
            }
        }
        Ok(true)
    }
}
