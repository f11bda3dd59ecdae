//! Finds the accounts and regions below a place, and the digests of each.

use std::collections::BTreeMap;

use wk_model::{Day, Timestamp};
use wk_seam::objects::Object;
use wk_seam::{Answer, Failure};
use wk_watch::digest::{DigestName, file_name};

use super::{Run, Verify};

/// Folders that are looked into before a place counts as another kind of place.
const FOLDERS_MAX: usize = 200_000;
/// How deep accounts may lie below a place.
const DEPTH_MAX: usize = 8;
/// Digests of a region that one run looks at: a hundred trails for a year.
const DIGESTS_MAX: usize = 1_000_000;
/// Folders beside the logs that hold no accounts.
const OTHERS: &[&str] =
    &["CloudTrail", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "Config"];

/// The logs and digests of an account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tree {
    /// Everything before `CloudTrail/` and `CloudTrail-Digest/`, with its slash.
    pub(super) base: String,
    /// The account, by the folder.
    pub(super) account: String,
    /// The region.
    pub(super) region: String,
}

/// The digests of a trail in an account and region.
pub(super) struct Found {
    /// What their names say, but for the time.
    pub(super) name: DigestName,
    /// The digests with the times in their names, in their order.
    pub(super) digests: Vec<(DigestName, Object)>,
}

impl Tree {
    pub(super) fn logs(&self) -> String {
        format!("{}CloudTrail/{}/", self.base, self.region)
    }
    fn digests(&self) -> String {
        format!("{}CloudTrail-Digest/{}/", self.base, self.region)
    }
    /// The folder of a day's logs.
    pub(super) fn logs_of(&self, day: Day) -> String {
        let (year, month, day) = day.civil();
        format!("{}{year:04}/{month:02}/{day:02}/", self.logs())
    }
}

/// Every account and region below the place that is in scope.
pub(super) async fn trees(verify: &Verify) -> Answer<Vec<Tree>> {
    let mut waiting = vec![(verify.prefix.clone(), 0)];
    let (mut found, mut looked) = (Vec::new(), 0usize);
    while let Some((prefix, depth)) = waiting.pop() {
        looked += 1;
        if looked > FOLDERS_MAX {
            let why = format!(
                "more than {FOLDERS_MAX} folders hold neither logs nor digests; name the prefix that ends before AWSLogs/"
            );
            return Err(Failure::new(
                format!("look for digests in {}", verify.at(&verify.prefix)),
                why,
            ));
        }
        let level = verify.bucket.level(&prefix).await?;
        for folder in level.folders {
            match last_part(&folder) {
                "CloudTrail" | "CloudTrail-Digest" => {
                    found.extend(regions(verify, &prefix, &folder).await?);
                }
                name if OTHERS.contains(&name) || is_year(name) => {}
                _ if depth < DEPTH_MAX => waiting.push((folder, depth + 1)),
                _ => {}
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

async fn regions(verify: &Verify, base: &str, folder: &str) -> Answer<Vec<Tree>> {
    let account = last_part(base);
    let scope = &verify.scope;
    if !scope.accounts.is_empty() && !scope.accounts.iter().any(|a| a == account) {
        return Ok(Vec::new());
    }
    let level = verify.bucket.level(folder).await?;
    let wanted =
        |region: &&str| scope.regions.is_empty() || scope.regions.iter().any(|r| r == region);
    let tree = |region: &str| Tree {
        base: base.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
    };
    Ok(level.folders.iter().map(|f| last_part(f)).filter(wanted).map(tree).collect())
}

impl Verify {
    /// From when digests of an account and region are looked at: the period's beginning, or where
    /// the chain ended that was proved the least far.
    fn since(&self, tree: &Tree) -> Option<Timestamp> {
        let start = self.chain_start(tree);
        let mine = self.past.iter().filter(|(id, _)| id.starts_with(&start));
        self.scope.since.or_else(|| mine.map(|(_, held)| held.end).min())
    }

    /// What the names of all chains of an account and region begin with.
    fn chain_start(&self, tree: &Tree) -> String {
        format!("{}{}|{}|", self.address, tree.base, tree.region)
    }

    /// The name of a chain in the record.
    pub(super) fn chain_id(&self, tree: &Tree, name: &DigestName) -> String {
        let kind = if name.backfill { "backfill" } else { "hourly" };
        format!("{}{}|{}|{kind}", self.chain_start(tree), name.trail, name.home)
    }
}

impl Run<'_> {
    /// The digests of an account and region that a walk needs, trail by trail; those that AWS made
    /// later come first.
    pub(super) async fn chains_of(&self, tree: &Tree) -> Answer<Vec<Found>> {
        let until = self.verify.scope.until;
        // A day more on each side: the digest before the first, and one that ends after midnight.
        let first = self.verify.since(tree).map_or(i32::MIN, |at| at.day().number() - 1);
        let last = until.map_or(i32::MAX, |at| at.day().number() + 1);
        let mut by_trail: BTreeMap<(bool, String, String), Found> = BTreeMap::new();
        let mut many = 0usize;
        for day in self.days_below(&tree.digests(), first, last).await? {
            for object in self.verify.bucket.level(&day).await?.objects {
                let key = format!("{day}{}", file_name(&object.uri));
                let Some(name) = DigestName::read(&key).filter(|n| n.region == tree.region) else {
                    continue;
                };
                many += 1;
                if many > DIGESTS_MAX {
                    let why = format!("there are more than {DIGESTS_MAX}; verify a shorter period");
                    return Err(Failure::new(
                        format!("list the digests of {}", tree.digests()),
                        why,
                    ));
                }
                let trail = (!name.backfill, name.trail.clone(), name.home.clone());
                let found = by_trail
                    .entry(trail)
                    .or_insert_with(|| Found { name: name.clone(), digests: Vec::new() });
                found.digests.push((name, object));
            }
        }
        let mut chains: Vec<Found> = by_trail.into_values().collect();
        chains.iter_mut().for_each(|chain| {
            chain.digests.sort_by(|a, b| (a.0.time, &a.1.uri).cmp(&(b.0.time, &b.1.uri)));
        });
        Ok(chains)
    }

    /// Folders `…/yyyy/mm/dd/` of these days, in their order.
    async fn days_below(&self, folder: &str, first: i32, last: i32) -> Answer<Vec<String>> {
        let bucket = &self.verify.bucket;
        let number = |text: &str| text.parse::<u32>().ok();
        let mut days = Vec::new();
        for year in bucket.level(folder).await?.folders {
            let Some(y) = last_part(&year).parse::<i32>().ok() else { continue };
            // Days of years that cannot be in the period are not asked for.
            let spans = |y, m, d| Day::from_civil(y, m, d).map(Day::number);
            let (Some(from), Some(until)) = (spans(y, 1, 1), spans(y, 12, 31)) else { continue };
            if until < first || from > last {
                continue;
            }
            for month in bucket.level(&year).await?.folders {
                let Some(m) = number(last_part(&month)) else { continue };
                for day in bucket.level(&month).await?.folders {
                    let Some(d) = number(last_part(&day)) else { continue };
                    if spans(y, m, d).is_some_and(|n| (first..=last).contains(&n)) {
                        days.push(day);
                    }
                }
            }
        }
        Ok(days)
    }
}

/// The last part of a folder's name.
fn last_part(folder: &str) -> &str {
    file_name(folder.trim_end_matches('/'))
}

fn is_year(name: &str) -> bool {
    name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit())
}
