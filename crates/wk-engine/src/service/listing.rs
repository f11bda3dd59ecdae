//! Lists a prefix of a bucket now and then, so that an object is found of which no notification
//! told.
//!
//! * Where keys hold a date (`…/2024/02/15/…`), only folders of the days since the last complete
//!   listing are entered, and of some days before it: AWS delivers late.
//! * What is younger than some minutes is left to its notification.
//! * Objects that the ledger knows cost nothing but their line in the list.

use std::sync::Arc;
use std::time::Duration;

use wk_model::{Day, Sha256, Timestamp};
use wk_seam::bookmarks::Bookmarks;
use wk_seam::ledger::Ledger;
use wk_seam::objects::{Bucket, Buckets, Object, Objects};
use wk_seam::{Answer, Failure};

use super::days::{Enter, enter};
use super::handed::{Content, Item};
use super::intake::{Door, Outcome};
use super::{Post, counts};

/// How a prefix is listed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Between the end of one listing and the next.
    pub every: Duration,
    /// What was written within so many seconds is left to its notification.
    pub grace_seconds: i64,
    /// How many days back the first listing reaches.
    pub first_days: i32,
    /// How many days before the last listing each one reaches back.
    pub overlap_days: i32,
}

impl Default for Limits {
    fn default() -> Self {
        let every = Duration::from_secs(3600);
        Self { every, grace_seconds: 900, first_days: 7, overlap_days: 2 }
    }
}

/// Folders that a listing looks into. An organisation with 500 accounts in 30 regions has some
/// 50,000 for a week.
const FOLDERS_MAX: usize = 1_000_000;
/// Objects that are handed in at a time.
const OBJECTS: usize = 500;
/// The shelf of the markers.
const SHELF: &str = "listing";

/// A prefix that is listed.
pub struct ListingPull {
    /// Bucket and prefix, as the user wrote them: `s3://bucket/AWSLogs/`.
    pub location: String,
    /// The bucket.
    pub bucket: String,
    /// The prefix.
    pub prefix: String,
    /// How the bucket is reached.
    pub buckets: Arc<dyn Buckets>,
    /// Which objects are known.
    pub ledger: Arc<dyn Ledger>,
    /// How far the last listing came.
    pub bookmarks: Arc<dyn Bookmarks>,
    /// Where what is found is handed in.
    pub door: Door,
    /// How it is listed.
    pub limits: Limits,
}

/// One listing.
struct Round<'a> {
    pull: &'a ListingPull,
    post: &'a Post,
    place: Arc<dyn Objects>,
    /// What was written before is not asked for, where keys hold no date.
    since: Timestamp,
    /// What was written later is left to its notification.
    until: Timestamp,
    /// Whether there was a complete listing before: then what is found was not told of.
    again: bool,
    /// Found and not yet handed in.
    found: Vec<Object>,
    /// Whether something could not be read.
    failed: bool,
}

impl ListingPull {
    /// Lists until it is told to stop.
    ///
    /// # Errors
    /// If the prefix cannot be listed, or ledger or bookmarks fail.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        loop {
            self.list(post).await?;
            post.well();
            if !post.stop.pause(self.limits.every).await {
                return Ok(());
            }
        }
    }

    async fn list(&self, post: &Post) -> Answer<()> {
        let now = post.tools.clock.now();
        let key = [self.location.clone()];
        let mark = self.bookmarks.get(SHELF, &key).await?.into_iter().next().flatten();
        let mark = mark.as_deref().and_then(Day::parse);
        let back = |day: Day, days: i32| Day::from_number(day.number().saturating_sub(days));
        let since = match mark {
            Some(day) => back(day, self.limits.overlap_days),
            None => back(now.day(), self.limits.first_days),
        };
        let bucket = self.buckets.bucket(&self.bucket, None).await?;
        let mut round = Round {
            pull: self,
            post,
            place: bucket.under(""),
            since: since.start(),
            until: now.plus_seconds(-self.limits.grace_seconds),
            again: mark.is_some(),
            found: Vec::new(),
            failed: false,
        };
        let whole = round.walk(bucket.as_ref(), since).await?;
        round.hand_in().await?;
        if whole && !round.failed {
            let [location] = key;
            self.bookmarks.put(SHELF, &[(location, now.day().to_string())]).await?;
        }
        Ok(())
    }
}

impl Round<'_> {
    /// Goes through the folders; answers whether it came to the end.
    async fn walk(&mut self, bucket: &dyn Bucket, since: Day) -> Answer<bool> {
        let mut waiting = vec![self.pull.prefix.clone()];
        let mut seen = 0;
        while let Some(prefix) = waiting.pop() {
            if self.post.stop.requested() {
                return Ok(false);
            }
            seen += 1;
            if seen > FOLDERS_MAX {
                let why = format!("it has more than {FOLDERS_MAX} folders; name longer prefixes");
                return Err(Failure::new(format!("list {}", self.pull.location), why));
            }
            let level = bucket.level(&prefix).await?;
            let (from, counted) = (self.since, level.objects.len());
            let recent = level.objects.into_iter().filter(|object| object.modified >= from);
            self.take(recent.collect(), counted).await?;
            // The last one is taken first: from the oldest day to the newest.
            for folder in level.folders.into_iter().rev() {
                match enter(&folder, since) {
                    Enter::Look => waiting.push(folder),
                    Enter::Whole => self.whole(bucket, &folder).await?,
                    Enter::Not => {}
                }
            }
        }
        Ok(true)
    }

    /// Takes all of a day.
    async fn whole(&mut self, bucket: &dyn Bucket, folder: &str) -> Answer<()> {
        let mut listing = bucket.under(folder).list().await?;
        while let Some(page) = listing.pages.next().await? {
            if self.post.stop.requested() {
                break;
            }
            let counted = page.len();
            self.take(page, counted).await?;
        }
        Ok(())
    }

    /// Takes objects that the ledger does not know and that are old enough.
    async fn take(&mut self, mut objects: Vec<Object>, counted: usize) -> Answer<()> {
        let listing = [("listing", self.pull.location.as_str())];
        self.post.tools.counts.add(counts::LISTED_OBJECTS, &listing, counted as u64);
        objects.retain(|object| object.modified <= self.until);
        let identities: Vec<Sha256> = objects.iter().filter_map(|o| o.identity).collect();
        let refused: Vec<Sha256> = identities.iter().map(crate::ingest::as_refused).collect();
        let known = self.pull.ledger.objects_known(&identities).await?;
        let refused = self.pull.ledger.objects_known(&refused).await?;
        let mut known = known.into_iter().zip(refused).map(|(known, refused)| known || refused);
        objects.retain(|object| object.identity.is_none() || known.next() == Some(false));
        self.found.extend(objects);
        if self.found.len() >= OBJECTS { self.hand_in().await } else { Ok(()) }
    }

    async fn hand_in(&mut self) -> Answer<()> {
        let found = std::mem::take(&mut self.found);
        for some in found.chunks(OBJECTS) {
            let content = || Content::In(self.place.clone());
            let item = |object: &Object| Item { object: object.clone(), content: content() };
            let items = some.iter().map(item).collect();
            let Some(outcomes) = self.pull.door.hand_in("listing", items).await else {
                self.failed = true;
                if self.post.stop.requested() {
                    return Ok(());
                }
                let why = "the intake was interrupted";
                return Err(Failure::new(format!("read {}", self.pull.location), why));
            };
            self.count(some, outcomes);
        }
        Ok(())
    }

    fn count(&mut self, objects: &[Object], outcomes: Vec<Outcome>) {
        let tools = &self.post.tools;
        let listing = [("listing", self.pull.location.as_str())];
        for (object, outcome) in objects.iter().zip(outcomes) {
            match outcome {
                Outcome::Committed if self.again => {
                    tools.counts.add(counts::UNTOLD_OBJECTS, &listing, 1);
                    let what = "an object was found by listing that no notification told of";
                    tools.teller.warn(self.post.name(), what, &object.uri);
                }
                Outcome::Committed | Outcome::Missing => {}
                Outcome::Failed { why, .. } => {
                    self.failed = true;
                    let told = format!("{}: {why}", object.uri);
                    tools.teller.warn(self.post.name(), "an object could not be read", &told);
                }
            }
        }
    }
}
