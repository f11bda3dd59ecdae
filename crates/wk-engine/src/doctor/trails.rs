//! CloudTrail's trails: whether they log, deliver, and prove what they deliver.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_seam::aws::{AwsRead, Call, Operation, Target, ask, time};

use super::{Examined, Line, Verdict};

/// A trail of an account where anything happens delivers every few minutes; an hour without is long.
const STALE_SECONDS: i64 = 3600;

pub(super) struct DescribeTrails;

#[derive(Debug, Deserialize)]
pub(super) struct Trails {
    #[serde(rename = "trailList", default)]
    trails: Vec<Trail>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trail {
    name: String,
    #[serde(rename = "TrailARN")]
    arn: String,
    s3_bucket_name: Option<String>,
    s3_key_prefix: Option<String>,
    #[serde(default)]
    is_multi_region_trail: bool,
    #[serde(default)]
    is_organization_trail: bool,
    #[serde(default)]
    log_file_validation_enabled: bool,
    kms_key_id: Option<String>,
}

impl Call for DescribeTrails {
    const OPERATION: &'static Operation = &Operation {
        service: "cloudtrail",
        name: "DescribeTrails",
        permission: "cloudtrail:DescribeTrails",
        ..Operation::READ
    };
    type Answer = Trails;
    fn parameters(&self) -> Value {
        // Each trail once, in its home region.
        json!({"includeShadowTrails": false})
    }
}

pub(super) struct GetTrailStatus {
    arn: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    #[serde(default)]
    is_logging: bool,
    latest_delivery_error: Option<String>,
    #[serde(default, deserialize_with = "time")]
    latest_delivery_time: Option<Timestamp>,
    latest_digest_delivery_error: Option<String>,
}

impl Call for GetTrailStatus {
    const OPERATION: &'static Operation = &Operation {
        service: "cloudtrail",
        name: "GetTrailStatus",
        permission: "cloudtrail:GetTrailStatus",
        ..Operation::READ
    };
    type Answer = Status;
    fn parameters(&self) -> Value {
        json!({"Name": self.arn})
    }
}

/// A bucket in which logs lie, and below which prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The part of the keys that is before `AWSLogs/`, without a slash at the end.
    pub prefix: String,
    /// The region of the trail, which is mostly the bucket's.
    pub region: Option<String>,
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target, now: Timestamp) -> Examined {
    let found = match ask(aws, &DescribeTrails, target.clone()).await {
        Ok(whole) => whole.pages.into_iter().flat_map(|page| page.trails),
        Err(error) => {
            let lines = vec![Line::of_error("trail", "trails", target, &error)];
            return Examined { lines, ..Examined::default() };
        }
    };
    let mut examined = Examined { sees_trails: true, ..Examined::default() };
    for trail in found {
        examined.trails += 1;
        let status = ask(aws, &GetTrailStatus { arn: trail.arn.clone() }, target.clone()).await;
        examined.lines.extend(match status {
            Ok(whole) => judge(&trail, &whole.pages[0], target, now),
            Err(error) => vec![Line::of_error("trail", trail.name.clone(), target, &error)],
        });
        if let Some(name) = trail.s3_bucket_name {
            let prefix = trail.s3_key_prefix.unwrap_or_default();
            let region = target.region.clone();
            examined.buckets.push(Bucket { name, prefix, region });
        }
        examined.keys.extend(trail.kms_key_id);
    }
    examined
}

fn judge(trail: &Trail, status: &Status, target: &Target, now: Timestamp) -> Vec<Line> {
    let say = format!(
        "{}, {}, {}",
        if trail.is_organization_trail { "of the organization" } else { "of this account" },
        if trail.is_multi_region_trail { "all regions" } else { "this region only" },
        if trail.log_file_validation_enabled { "with digests" } else { "without digests" },
    );
    let line = |verdict, say: String| Line::new("trail", trail.name.clone(), target, verdict, say);
    let mut lines = Vec::new();
    if !status.is_logging {
        let to_do = format!("aws cloudtrail start-logging --name {}", trail.arn);
        lines.push(line(Verdict::Stale, format!("it does not log: {say}")).to_do(to_do));
    } else if let Some(error) = said(status.latest_delivery_error.as_ref()) {
        lines.push(
            line(Verdict::Stale, format!("it cannot deliver: {error}"))
                .to_do("check the bucket's policy and the key's policy"),
        );
    } else {
        lines.push(delivery(trail, status, target, now, &say));
    }
    if let Some(error) = said(status.latest_digest_delivery_error.as_ref()) {
        lines.push(
            line(Verdict::Stale, format!("it cannot deliver digests: {error}"))
                .to_do("check the bucket's policy; without digests nothing is proved"),
        );
    }
    if !trail.log_file_validation_enabled {
        lines.push(
            line(Verdict::None, "no digests: that its files are whole cannot be proved".into())
                .to_do(format!(
                    "aws cloudtrail update-trail --name {} --enable-log-file-validation",
                    trail.arn
                )),
        );
    }
    lines
}

fn delivery(trail: &Trail, status: &Status, target: &Target, now: Timestamp, say: &str) -> Line {
    let line = |verdict, say: String| Line::new("trail", trail.name.clone(), target, verdict, say);
    match status.latest_delivery_time {
        None => line(Verdict::Stale, format!("it has never delivered: {say}")).to_do(
            "a new trail delivers within a quarter of an hour; else check the bucket's policy",
        ),
        Some(last) if last.plus_seconds(STALE_SECONDS) < now => {
            let minutes = (now.seconds() - last.seconds()) / 60;
            line(Verdict::Stale, format!("last delivery {minutes} minutes ago, at {last}: {say}"))
                .to_do("check that anything happens in the account; else the bucket's policy")
        }
        Some(last) => line(Verdict::Ok, format!("last delivery at {last}: {say}")),
    }
}

/// An error that is there and says something.
fn said(error: Option<&String>) -> Option<&String> {
    error.filter(|error| !error.trim().is_empty())
}

/// That an account has no trail can be told only where trails can be seen in every region.
pub(super) fn none_at_all(target: &Target, has_trail: bool, sees_trails: bool) -> Option<Line> {
    let anywhere = Target { region: None, ..target.clone() };
    match (has_trail, sees_trails) {
        (true, _) => None,
        (false, true) => Some(
            Line::new(
                "trail",
                "trails",
                &anywhere,
                Verdict::None,
                "no trail of its own in any region that was looked at",
            )
            .to_do("make one for all regions, or see whether the organization's covers it"),
        ),
        (false, false) => Some(Line::new(
            "trail",
            "trails",
            &anywhere,
            Verdict::Failed,
            "whether there is one is not known: not every region could be asked",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(status: &Status, digests: bool) -> Vec<(Verdict, String)> {
        let trail = Trail {
            name: "t".into(),
            arn: "arn:t".into(),
            s3_bucket_name: None,
            s3_key_prefix: None,
            is_multi_region_trail: true,
            is_organization_trail: false,
            log_file_validation_enabled: digests,
            kms_key_id: None,
        };
        let now = Timestamp::from_seconds(100_000);
        let lines = judge(&trail, status, &Target::default(), now);
        lines.into_iter().map(|line| (line.verdict, line.say)).collect()
    }

    #[test]
    fn a_trail_that_delivers_is_ok_and_one_that_is_silent_or_stopped_is_stale() {
        let delivered = |seconds| Status {
            is_logging: true,
            latest_delivery_time: Some(Timestamp::from_seconds(seconds)),
            ..Status::default()
        };
        let fresh = verdicts(&delivered(99_000), true);
        assert!(fresh.len() == 1 && fresh[0].0 == Verdict::Ok, "{fresh:?}");
        let old = verdicts(&delivered(90_000), true);
        assert!(old[0].0 == Verdict::Stale && old[0].1.contains("166 minutes"), "{old:?}");
        let never = verdicts(&Status { is_logging: true, ..Status::default() }, true);
        assert!(never[0].0 == Verdict::Stale && never[0].1.contains("never"), "{never:?}");
        let stopped = verdicts(&Status { is_logging: false, ..delivered(99_000) }, true);
        assert!(stopped[0].0 == Verdict::Stale && stopped[0].1.contains("does not log"));
        let refused =
            Status { latest_delivery_error: Some("AccessDenied".into()), ..delivered(99_000) };
        assert!(verdicts(&refused, true)[0].1.contains("cannot deliver: AccessDenied"));
        // moto and AWS say "" where there is no error.
        let empty = Status { latest_delivery_error: Some(String::new()), ..delivered(99_000) };
        assert_eq!(verdicts(&empty, true)[0].0, Verdict::Ok);
        assert_eq!(verdicts(&delivered(99_000), false).len(), 2);
    }

    #[test]
    fn that_there_is_no_trail_is_told_only_by_who_could_have_seen_one() {
        let verdict = |has, sees| none_at_all(&Target::default(), has, sees).map(|l| l.verdict);
        assert_eq!(verdict(false, true), Some(Verdict::None));
        assert_eq!(verdict(false, false), Some(Verdict::Failed));
        assert_eq!(verdict(true, false), None);
    }
}
