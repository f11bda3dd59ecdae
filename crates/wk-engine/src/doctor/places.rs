//! Buckets with logs: whether they can be listed and read, and what the first pull will cost.

use wk_model::Timestamp;
use wk_seam::aws::Target;
use wk_seam::{Failure, Future};

use super::{Bucket, Line, Verdict};

/// What was seen of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// Objects that were listed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The newest of them.
    pub newest: Option<Timestamp>,
    /// Whether these are all. Else there are at least so many.
    pub whole: bool,
    /// Why one of them could not be read, if it could not; nothing where none was tried.
    pub unreadable: Option<String>,
}

/// The way to buckets.
pub trait Places: Send + Sync {
    /// Lists at most so many objects and reads the first bytes of one.
    fn measure<'a>(
        &'a self,
        bucket: &'a Bucket,
        objects_max: u64,
    ) -> Future<'a, Result<Measured, Failure>>;
}

/// What AWS asks for so many requests: an assumption, not a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// For what.
    pub name: &'static str,
    /// Dollars for a million, in millionths of a dollar.
    pub micro_dollars_per_million: u64,
    /// Where it is published, for which region, and as of when it was noted.
    pub source: &'static str,
}

/// List prices of the region us-east-1. Others are up to twice as dear; free tiers and discounts are
/// left out.
pub const PRICES: [Price; 3] = [
    Price {
        name: "S3 LIST",
        micro_dollars_per_million: 5_000_000,
        source: "aws.amazon.com/s3/pricing, S3 Standard, us-east-1: $0.005 per 1,000; noted 2026-03",
    },
    Price {
        name: "S3 GET",
        micro_dollars_per_million: 400_000,
        source: "aws.amazon.com/s3/pricing, S3 Standard, us-east-1: $0.0004 per 1,000; noted 2026-03",
    },
    Price {
        name: "KMS Decrypt",
        micro_dollars_per_million: 3_000_000,
        source: "aws.amazon.com/kms/pricing, us-east-1: $0.03 per 10,000, if every object has a data key of its own; noted 2026-03",
    },
];

/// Objects that one listing request names.
const OBJECTS_PER_LIST: u64 = 1000;
/// A bucket with logs in which nothing is newer is silent.
const STALE_SECONDS: i64 = 3600;

/// What reading so many objects costs, in millionths of a dollar, with the requests by price.
pub fn cost(objects: u64) -> (u64, [u64; 3]) {
    let requests = [objects.div_ceil(OBJECTS_PER_LIST).max(1), objects, objects];
    let micro_dollars = requests.iter().zip(PRICES).map(|(count, price)| {
        let parts = u128::from(*count) * u128::from(price.micro_dollars_per_million) / 1_000_000;
        u64::try_from(parts).unwrap_or(u64::MAX)
    });
    (micro_dollars.sum(), requests)
}

pub(super) fn judge(
    bucket: &Bucket,
    measured: Result<Measured, Failure>,
    now: Timestamp,
) -> Vec<Line> {
    let target = Target { account: None, region: bucket.region.clone() };
    let what = if bucket.prefix.is_empty() {
        format!("s3://{}", bucket.name)
    } else {
        format!("s3://{}/{}", bucket.name, bucket.prefix)
    };
    let line = |verdict, say: String| Line::new("bucket", what.clone(), &target, verdict, say);
    let measured = match measured {
        Ok(measured) => measured,
        Err(failure) => {
            let why = whole_chain(&failure);
            let denied = ["AccessDenied", "403", "denied"].iter().any(|mark| why.contains(mark));
            let verdict = if denied { Verdict::Denied } else { Verdict::Failed };
            let to_do = "allow s3:ListBucket and s3:GetObject on it in the role and, across accounts, in the bucket's policy";
            return vec![line(verdict, why).to_do(to_do)];
        }
    };
    let mut lines = vec![freshness(&measured, &line, now)];
    if let Some(why) = &measured.unreadable {
        lines.push(line(Verdict::Denied, format!("objects are listed but not read: {why}"))
            .to_do("allow s3:GetObject on it and kms:Decrypt on its key, in the role and in the key's policy"));
    }
    lines.push(first_pull(&measured, &what, &target));
    lines
}

fn freshness(measured: &Measured, line: &dyn Fn(Verdict, String) -> Line, now: Timestamp) -> Line {
    match measured.newest {
        None => line(Verdict::None, "it holds no logs".into())
            .to_do("check the prefix, and wait a quarter of an hour after making the trail"),
        // The newest key of a list that was cut is not the newest of all.
        Some(newest) if measured.whole && newest.plus_seconds(STALE_SECONDS) < now => {
            line(Verdict::Stale, format!("nothing newer than {newest}"))
                .to_do("see what the trail says of its deliveries")
        }
        Some(newest) if measured.whole => line(Verdict::Ok, format!("newest object of {newest}")),
        Some(_) => line(Verdict::Ok, "it can be listed".into()),
    }
}

fn first_pull(measured: &Measured, what: &str, target: &Target) -> Line {
    let (micro_dollars, [lists, gets, decrypts]) = cost(measured.objects);
    let at_least = if measured.whole { "" } else { "at least " };
    let cents = micro_dollars.div_ceil(10_000);
    let say = format!(
        "{at_least}{} objects, {} bytes; {lists} LIST, {gets} GET, up to {decrypts} KMS requests: {at_least}${}.{:02} at list prices of us-east-1, transfer out of the region not counted",
        measured.objects,
        measured.bytes,
        cents / 100,
        cents % 100
    );
    let line = Line::new("first pull", what, target, Verdict::Note, say);
    if measured.whole {
        return line;
    }
    line.to_do("the list was cut; count all with --count-all, or begin with a shorter prefix")
}

fn whole_chain(failure: &Failure) -> String {
    let first: &dyn std::error::Error = failure;
    let causes = std::iter::successors(Some(first), |e| (*e).source()).take(16);
    let mut said: Vec<String> = causes.map(ToString::to_string).collect();
    said.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    said.join(": ").chars().take(600).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        Bucket { name: "b".into(), prefix: "p".into(), region: Some("eu-west-1".into()) }
    }

    #[test]
    fn a_million_objects_cost_what_the_list_prices_say() {
        // 1,000 LIST at $5, a million GET at $0.40, a million Decrypt at $3, per million each.
        let (micro_dollars, requests) = cost(1_000_000);
        assert_eq!(
            (micro_dollars, requests),
            (5_000 + 400_000 + 3_000_000, [1000, 1_000_000, 1_000_000])
        );
        assert_eq!(cost(0), (5, [1, 0, 0]));
        assert!(
            PRICES.iter().all(|p| p.source.contains("us-east-1") && p.source.contains("noted 20"))
        );
    }

    #[test]
    fn a_list_that_was_cut_says_at_least_and_claims_no_newest() {
        let measured = Measured {
            objects: 20_000,
            bytes: 5,
            newest: Some(Timestamp::from_seconds(0)),
            whole: false,
            unreadable: None,
        };
        let lines = judge(&bucket(), Ok(measured.clone()), Timestamp::from_seconds(999_999));
        assert_eq!(lines[0].verdict, Verdict::Ok);
        assert!(lines[1].say.starts_with("at least 20000 objects") && lines[1].to_do.is_some());
        let whole = Measured { whole: true, ..measured };
        let lines = judge(&bucket(), Ok(whole), Timestamp::from_seconds(999_999));
        assert_eq!(lines[0].verdict, Verdict::Stale);
        assert!(!lines[1].say.contains("at least"), "{}", lines[1].say);
    }

    #[test]
    fn a_bucket_that_may_not_be_seen_is_denied_and_not_empty() {
        let denied = Failure::new("list s3://b/p", "403 AccessDenied");
        let lines = judge(&bucket(), Err(denied), Timestamp::default());
        assert_eq!((lines.len(), lines[0].verdict), (1, Verdict::Denied));
        let empty = judge(
            &bucket(),
            Ok(Measured { whole: true, ..Measured::default() }),
            Timestamp::default(),
        );
        assert_eq!(empty[0].verdict, Verdict::None);
    }
}
