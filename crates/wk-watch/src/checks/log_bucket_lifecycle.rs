//! Buckets with logs keep them as the mission says: 90 days at hand, then archived, seven years in
//! all. Seven years are 2557 days.

use serde_json::Value;
use wk_model::check::CheckResult;
use wk_model::retention::SEVEN_YEARS_DAYS;

use super::facts::{buckets, log_buckets};
use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::{at, whole};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "log-bucket-lifecycle",
    title: "Buckets with logs keep them seven years, archived by steps",
    points: &["CC7.2"],
    nist: &["AU-11", "SI-12"],
    serves: &["R-030", "R-039", "R-187", "R-193"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "config:DescribeDeliveryChannels",
        "ec2:DescribeFlowLogs",
        "s3:GetBucketLifecycleConfiguration",
        "s3:ListBuckets",
    ],
    parameters: &[
        Parameter { name: "hotDays", default: "90", doc: "days before which nothing is archived" },
        Parameter { name: "keepDays", default: "2557", doc: "days that everything is kept" },
    ],
    why: "An audit asks for what happened years ago; a rule that deletes early deletes evidence.",
    remedy: "One rule for all objects: STANDARD_IA or GLACIER_IR after 90 days, DEEP_ARCHIVE after a \
             year, expiry after 2557 days.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let hot = parameters.number("hotDays").unwrap_or(0);
    let keep = parameters.number("keepDays").unwrap_or_else(|| i64::from(SEVEN_YEARS_DAYS));
    let kept = log_buckets::own(view)?;
    Ok(view.each(
        kept,
        |(name, _)| (*name).to_owned(),
        |view, name, (_, what)| {
            let rules = buckets::lifecycle(view, name)?;
            let (good, why) = judged(&rules, hot, keep);
            Ok(view.judged(name, good, format!("{what}: {why}")))
        },
    ))
}

fn judged(rules: &[&Value], hot: i64, keep: i64) -> (bool, String) {
    // Any rule that deletes part of it early deletes evidence; to archive, one must be for all.
    let expiries = rules.iter().filter_map(|rule| whole(rule, "Expiration.Days"));
    if let Some(days) = expiries.min().filter(|days| *days < keep) {
        return (false, format!("it deletes after {days} days; {keep} are wanted"));
    }
    if rules.iter().any(|rule| at(rule, "Expiration.Date").is_some()) {
        return (false, "it deletes at a date, however young a log is".into());
    }
    let steps: Vec<(i64, &str)> = rules
        .iter()
        .filter(|rule| buckets::for_all(rule, "AWSLogs/"))
        .flat_map(|rule| buckets::transitions(rule))
        .collect();
    let Some((first, _)) = steps.iter().min() else {
        return (false, "nothing is ever archived".into());
    };
    if *first < hot {
        return (false, format!("it archives after {first} days; {hot} at hand are wanted"));
    }
    let cold = |class: &str| matches!(class, "GLACIER" | "DEEP_ARCHIVE");
    if !steps.iter().any(|(_, class)| cold(class)) {
        return (false, "nothing goes to a Glacier class".into());
    }
    let steps: Vec<String> =
        steps.iter().map(|(days, class)| format!("{class} after {days}")).collect();
    (true, format!("{}, kept {keep} days at least", steps.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::facts::buckets::made::{bucket, of};
    use super::super::facts::trails::made::trail;
    use super::super::testing::why;
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(rules: Option<Value>) -> String {
        let lifecycle = rules.map(|rules| json!({"Rule": rules}));
        let of = of("s3:GetBucketLifecycleConfiguration", "org-trail", lifecycle);
        why(&CHECK, &[trail(&json!({})), bucket("org-trail"), of])
    }

    fn rule(transitions: Value, expire: Option<i64>, prefix: &str) -> Value {
        json!({"Status": "Enabled", "Filter": {"Prefix": prefix}, "Transition": transitions, "Expiration": expire.map(|days| json!({"Days": days}))})
    }

    #[test]
    fn ninety_days_at_hand_then_archived_for_seven_years() {
        let steps = || json!([{"Days": "90", "StorageClass": "STANDARD_IA"}, {"Days": "365", "StorageClass": "DEEP_ARCHIVE"}]);
        let good = said(Some(rule(steps(), Some(2557), "")));
        assert_eq!(
            good,
            "CloudTrail: STANDARD_IA after 90, DEEP_ARCHIVE after 365, kept 2557 days at least"
        );
        assert!(said(Some(rule(steps(), None, ""))).contains("kept 2557 days at least"));
        assert!(said(Some(rule(steps(), Some(365), ""))).contains("deletes after 365 days"));
        assert!(said(Some(rule(steps(), Some(2555), ""))).contains("deletes after 2555 days"));
        assert!(said(None).contains("nothing is ever archived"));
        assert!(said(Some(rule(steps(), None, "other/"))).contains("nothing is ever archived"));
        let early = json!({"Days": 30, "StorageClass": "GLACIER"});
        assert!(said(Some(rule(early, None, ""))).contains("archives after 30 days"));
        let warm = json!({"Days": 90, "StorageClass": "STANDARD_IA"});
        assert!(said(Some(rule(warm, None, ""))).contains("nothing goes to a Glacier class"));
    }

    #[test]
    fn one_rule_that_deletes_early_spoils_all_and_one_that_is_off_counts_for_nothing() {
        let steps = json!([{"Days": 365, "StorageClass": "GLACIER"}]);
        let both =
            json!([rule(steps.clone(), Some(2557), ""), rule(json!([]), Some(30), "AWSLogs/1")]);
        assert!(said(Some(both)).contains("deletes after 30 days"));
        let mut off = rule(steps, None, "");
        off["Status"] = "Disabled".into();
        assert!(said(Some(off)).contains("nothing is ever archived"));
    }
}
