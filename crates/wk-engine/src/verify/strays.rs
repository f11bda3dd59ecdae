//! Logs that lie beside those that digests list.

use wk_model::{Day, Timestamp};
use wk_seam::Answer;
use wk_watch::digest::{Kind, LogName};

use super::find::Tree;
use super::{Proved, Run, name_hash};

/// A log is named by the minute in which it was delivered; the digest of the hour in which it came
/// lists it. So one that is named shortly before the hour may be in the next digest.
const LATE_SECONDS: i64 = 15 * 60;

impl Proved {
    /// Whether every digest that could list a log of this time is proved.
    pub(super) fn has_settled(&self, time: Timestamp) -> bool {
        let inside = self.from.is_some_and(|from| time >= from);
        inside && self.cover.holes(time, time.plus_seconds(LATE_SECONDS)).is_empty()
    }
}

impl Run<'_> {
    /// Looks through the folders of an account and region for logs that no proved digest lists.
    pub(super) async fn strays(&mut self, tree: &Tree, proved: &Proved) -> Answer<()> {
        let (Some(from), Some(until)) = (proved.from, proved.until) else { return Ok(()) };
        let (first, last) = (from.day().number(), until.day().number());
        for day in first..=last {
            let folder = tree.logs_of(Day::from_number(day));
            let objects = self.days.folder(&folder).await?;
            for (name, object) in objects.iter() {
                let hash = name_hash(name);
                if self.names.contains(&hash) || name.ends_with(".metadata.json") {
                    continue;
                }
                let time = LogName::read(name).map(|log| log.time);
                self.stray(
                    tree,
                    proved,
                    hash,
                    &object.uri,
                    time.unwrap_or(Day::from_number(day).start()),
                );
            }
        }
        Ok(())
    }

    fn stray(&mut self, tree: &Tree, proved: &Proved, hash: u128, uri: &str, time: Timestamp) {
        let place = (tree.account.as_str(), tree.region.as_str());
        let Some((from, until)) = proved.from.zip(proved.until) else { return };
        if time < from {
            return; // it is of another period
        }
        let tail = proved.cover.holes(from, until).last().is_none_or(|hole| hole.1 < until);
        if proved.has_settled(time) {
            self.unreferenced.insert(hash);
            let says = format!("it is named {time}, and no digest of that time lists it");
            self.wrong(Kind::LogUnreferenced, place, uri.to_owned(), says);
        } else if time >= until || (tail && time.plus_seconds(LATE_SECONDS) > until) {
            self.report.not_yet_listed += 1;
        } else {
            let says = format!("it is named {time}, and no proved digest lists it");
            self.wrong(Kind::LogUncovered, place, uri.to_owned(), says);
        }
    }
}
