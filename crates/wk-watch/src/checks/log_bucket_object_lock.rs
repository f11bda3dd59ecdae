//! Buckets with logs keep versions and lock their objects.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::{buckets, log_buckets};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{at, member, whole, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "log-bucket-object-lock",
    title: "Buckets with logs lock what they keep",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-9(2)", "AU-11", "SI-7"],
    serves: &["R-100", "R-190"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "config:DescribeDeliveryChannels",
        "ec2:DescribeFlowLogs",
        "s3:GetBucketVersioning",
        "s3:GetObjectLockConfiguration",
        "s3:ListBuckets",
    ],
    why: "An intruder with rights over the bucket removes his traces, unless nobody can.",
    remedy: "Make the bucket with object lock and a default retention; COMPLIANCE where the term is \
             certain, for nobody can shorten it, GOVERNANCE else.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let kept = log_buckets::own(view)?;
    Ok(view.each(
        kept,
        |(name, _)| (*name).to_owned(),
        |view, name, (_, what)| {
            if !buckets::versioned(view, name)? {
                return Ok(view.bad(name, format!("{what}: it keeps no versions")));
            }
            let Some(page) = view.one_of("s3:GetObjectLockConfiguration", name)? else {
                return Ok(view.bad(name, format!("{what}: it has no object lock")));
            };
            let inner = member(page, "ObjectLockConfiguration").unwrap_or(page);
            let rule = at(inner, "Rule.DefaultRetention").filter(|r| !word(r, "Mode").is_empty());
            let Some(rule) = rule.filter(|_| word(inner, "ObjectLockEnabled") == "Enabled") else {
                let why =
                    "objects can be locked, and nothing locks them: there is no default retention";
                return Ok(view.bad(name, format!("{what}: {why}")));
            };
            let days =
                whole(rule, "Days").or_else(|| Some(whole(rule, "Years")?.saturating_mul(365)));
            let days = days.unwrap_or(0);
            let mode = word(rule, "Mode");
            let note = if mode == "GOVERNANCE" {
                "; who may bypass governance can still delete"
            } else {
                ""
            };
            Ok(view.good(name, format!("{what}: {mode} for {days} days{note}")))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::buckets::made::{bucket, of};
    use super::super::facts::trails::made::trail;
    use super::super::testing::why;
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(versions: &str, lock: Option<Value>) -> String {
        let versions = of("s3:GetBucketVersioning", "org-trail", Some(json!({"Status": versions})));
        let lock = of("s3:GetObjectLockConfiguration", "org-trail", lock);
        why(&CHECK, &[trail(&json!({})), bucket("org-trail"), versions, lock])
    }

    fn lock(retention: Value) -> Option<Value> {
        Some(json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}))
    }

    #[test]
    fn mode_and_term_are_told() {
        let compliance = lock(json!({"Mode": "COMPLIANCE", "Days": "365"}));
        assert_eq!(said("Enabled", compliance.clone()), "CloudTrail: COMPLIANCE for 365 days");
        let governance = said("Enabled", lock(json!({"Mode": "GOVERNANCE", "Years": 7})));
        assert!(governance.contains("GOVERNANCE for 2555 days; who may bypass"), "{governance}");
        assert_eq!(said("Suspended", compliance), "CloudTrail: it keeps no versions");
        assert_eq!(said("Enabled", None), "CloudTrail: it has no object lock");
        assert!(said("Enabled", lock(Value::Null)).contains("there is no default retention"));
    }
}
