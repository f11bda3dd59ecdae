//! Captures of a whole walk with those of walks over parts of it.
//!
//! * Where a service was asked again, everything that it said before of that region is replaced, also
//!   what it has nothing to say of any more.
//! * What a later walk did not ask about stays as it was.

use std::collections::BTreeMap;

use wk_model::capture::GLOBAL;
use wk_model::{Capture, Timestamp};

use crate::inventory::{Fan, Item, named};

/// The captures of two walks together: of what both asked about, what was asked last counts. Walks may
/// overlap in time, so that is told place by place.
pub fn renewed(before: Vec<Capture>, again: Vec<Capture>) -> Vec<Capture> {
    let (asked_before, asked_again) = (asked(&before), asked(&again));
    let stays =
        |capture: &Capture, other: &Asked, own: &Asked, wins: fn(Timestamp, Timestamp) -> bool| {
            let Some(place) = root(capture) else { return true };
            match (own.get(&place), other.get(&place)) {
                (Some(own), Some(other)) => wins(*own, *other),
                (None, Some(_)) => false,
                _ => true,
            }
        };
    let old = before.into_iter().filter(|c| stays(c, &asked_again, &asked_before, |a, b| a > b));
    let mut all: Vec<Capture> = old.collect();
    all.extend(again.into_iter().filter(|c| stays(c, &asked_before, &asked_again, |a, b| a >= b)));
    all
}

/// A question from which others follow, in a region of an account.
type Place = (String, String, String);
/// When each was asked last.
type Asked = BTreeMap<Place, Timestamp>;

fn asked(captures: &[Capture]) -> Asked {
    let mut asked = Asked::new();
    for capture in captures {
        let Ok(at) = Timestamp::parse(&capture.at) else { continue };
        let place = (capture.account.clone(), capture.region.clone(), capture.key());
        let last = asked.entry(place).or_insert(at);
        *last = at.max(*last);
    }
    asked
}

/// The question that a capture follows from, and the region in which that one is told: each walk that
/// asks it asks what follows from it too.
fn root(capture: &Capture) -> Option<Place> {
    let mut item: &Item = named(&capture.key()).next()?;
    while let Fan::Each { of, .. } = item.fan {
        item = named(of).next()?;
    }
    let region = match item.fan {
        Fan::Account => GLOBAL,
        _ => capture.region.as_str(),
    };
    Some((capture.account.clone(), region.to_owned(), item.key()))
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
    fn a_look_at_a_part_while_a_walk_goes_on_counts_only_where_it_was_later() {
        let at = |mut all: Vec<Capture>, time: &str| {
            all.iter_mut().for_each(|capture| capture.at = time.into());
            all
        };
        let hub = |on: bool| {
            caught(&[Made::answer("eu-west-1", "securityhub:DescribeHub", json!({"On": on}))])
        };
        let on = |walk: &str, look: &str| {
            let all = renewed(at(hub(false), walk), at(hub(true), look));
            assert_eq!(all.len(), 1);
            all[0].answer[0]["On"] == true
        };
        assert!(on("2026-11-22T01:00:00Z", "2026-11-22T01:03:00Z"));
        assert!(!on("2026-11-22T01:00:00Z", "2026-11-22T00:59:00Z"));
        assert!(on("2026-11-22T01:00:00Z", "2026-11-22T01:00:00Z"));
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
