//! Captures of a whole walk with those of later walks over parts of it.
//!
//! * Where a service was asked again, everything that it said before of that region is replaced, also
//!   what it has nothing to say of any more.
//! * What a later walk did not ask about stays as it was.

use std::collections::BTreeSet;

use wk_model::Capture;
use wk_model::capture::GLOBAL;

use crate::inventory::{Fan, Item, named};

/// The captures of a walk, with those that a later walk over a part of it caught in their place.
pub fn renewed(before: Vec<Capture>, again: Vec<Capture>) -> Vec<Capture> {
    let asked: BTreeSet<(String, String, String)> =
        again.iter().map(|c| (c.account.clone(), c.region.clone(), c.key())).collect();
    let replaced = |capture: &Capture| {
        let Some((root, region)) = root(capture) else { return false };
        asked.contains(&(capture.account.clone(), region.to_owned(), root))
    };
    let mut all: Vec<Capture> = before.into_iter().filter(|c| !replaced(c)).collect();
    all.extend(again);
    all
}

/// The question that a capture follows from, and the region in which that one is told: each walk that
/// asks it asks what follows from it too.
fn root(capture: &Capture) -> Option<(String, &str)> {
    let mut item: &Item = named(&capture.key()).next()?;
    while let Fan::Each { of, .. } = item.fan {
        item = named(of).next()?;
    }
    let region = match item.fan {
        Fan::Account => GLOBAL,
        _ => capture.region.as_str(),
    };
    Some((item.key(), region))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{ACCOUNT, Made, world};
    use crate::inventory::items;
    use serde_json::json;

    fn keys(all: &[Capture]) -> Vec<String> {
        let mut keys: Vec<String> =
            all.iter().map(|c| format!("{} {} {}", c.region, c.key(), c.parameters)).collect();
        keys.sort();
        keys
    }

    fn caught(made: &[Made]) -> Vec<Capture> {
        world(made).captures().to_vec()
    }

    #[test]
    fn a_trail_that_is_gone_leaves_no_status_behind() {
        let trails = |list| Made::answer("eu-west-1", "cloudtrail:DescribeTrails", list);
        let before = caught(&[
            trails(json!({"trailList": [{"TrailARN": "t"}]})),
            Made::answer("eu-west-1", "cloudtrail:GetTrailStatus", json!({})).with("Name", "t"),
            Made::answer("us-east-1", "cloudtrail:DescribeTrails", json!({"trailList": []})),
            Made::answer("eu-west-1", "ec2:DescribeVpcs", json!({})),
            trails(json!({"trailList": []})).of("222233334444"),
        ]);
        let again = caught(&[trails(json!({"trailList": []}))]);
        let all = renewed(before, again);
        assert_eq!(
            keys(&all),
            [
                "eu-west-1 cloudtrail:DescribeTrails {}",
                "eu-west-1 cloudtrail:DescribeTrails {}",
                "eu-west-1 ec2:DescribeVpcs {}",
                "us-east-1 cloudtrail:DescribeTrails {}",
            ]
        );
        let own: Vec<&Capture> = all.iter().filter(|c| c.account == ACCOUNT).collect();
        assert!(!own.iter().any(|c| c.key() == "cloudtrail:GetTrailStatus"));
    }

    #[test]
    fn buckets_are_asked_for_an_account_and_answer_in_regions_of_their_own() {
        let list = || Made::global("s3:ListBuckets", json!({}));
        let policy = |name: &str| {
            Made::answer("us-east-1", "s3:GetBucketPolicy", json!({})).with("Bucket", name)
        };
        let all =
            renewed(caught(&[list(), policy("a"), policy("b")]), caught(&[list(), policy("b")]));
        assert_eq!(
            keys(&all),
            ["global s3:ListBuckets {}", "us-east-1 s3:GetBucketPolicy {\"Bucket\":\"b\"}"]
        );
    }

    #[test]
    fn what_follows_from_an_answer_is_asked_of_the_same_service() {
        for item in items() {
            let Fan::Each { of, .. } = item.fan else { continue };
            let same = named(of).any(|o| o.operation.service == item.operation.service);
            assert!(same, "{} follows from another service", item.key());
        }
    }
}
