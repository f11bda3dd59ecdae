//! Nobody but whom the owner names may write a bucket.
//! <https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-public-write-prohibited.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::buckets;
use super::{Check, Kind, Parameters, Scope};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
    title: "No bucket lets everybody write",
    severity: SeverityWord::High,
    points: &["CC7.1", "CC7.2"],
    nist: &["AC-3", "SC-7"],
    cis: &["2.1.4"],
    serves: &["R-047"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:GetPublicAccessBlock", "s3:ListBuckets"],
    why: "Where everybody may write, logs can be forged, buckets filled and programs replaced.",
    remedy: "Switch on all four settings of the bucket's public access block; share by a policy that \
             names accounts, an organization or a network.",
    ..Check::NATIVE
};

const ACTIONS: &[&str] = &[
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectAcl",
    "s3:PutBucketPolicy",
];
const PERMISSIONS: &[&str] = &["WRITE", "WRITE_ACP", "FULL_CONTROL"];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let names = buckets::all(view)?;
    Ok(view.each(
        names,
        |name| (*name).to_owned(),
        |view, name, _| {
            let (closed, why) = buckets::access(view, name, ACTIONS, PERMISSIONS)?.verdict("write");
            Ok(view.judged(name, closed, why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::buckets::made::{bucket, of};
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    const OPEN: &str = r#"{"Statement":[{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}]}"#;
    const OTHER: &str = r#"{"Statement":[{"Sid":"Other","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#;

    fn made(block: Option<(bool, bool)>, policy: Option<&str>, grant: Option<&str>) -> Vec<Made> {
        let block = block.map(|(policies, acls)| json!({"BlockPublicPolicy": "true", "BlockPublicAcls": "true", "RestrictPublicBuckets": policies, "IgnorePublicAcls": acls}));
        let everybody = |permission| json!({"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": permission});
        let owner = json!({"Grantee": {"ID": "o"}, "Permission": "FULL_CONTROL"});
        let grants: Vec<Value> = grant.map(everybody).into_iter().chain([owner]).collect();
        vec![
            bucket("b"),
            of("s3:GetPublicAccessBlock", "b", block),
            of("s3:GetBucketPolicy", "b", policy.map(|p| json!({"Policy": p}))),
            of("s3:GetBucketAcl", "b", Some(json!({"AccessControlList": {"Grant": grants}}))),
        ]
    }

    fn said(block: Option<(bool, bool)>, policy: Option<&str>, grant: Option<&str>) -> String {
        verdicts(&CHECK, &made(block, policy, grant))
    }

    #[test]
    fn policy_and_acl_must_each_be_closed_or_blocked() {
        const YES: &str = "COMPLIANT b";
        const NO: &str = "NON_COMPLIANT b";
        // block of (policies, ACLs), policy, ACL
        assert_eq!(said(None, None, None), YES);
        assert_eq!(said(None, Some(OPEN), None), NO);
        assert_eq!(said(None, None, Some("WRITE")), NO);
        assert_eq!(said(None, Some(OPEN), Some("WRITE")), NO);
        assert_eq!(said(Some((true, true)), Some(OPEN), Some("WRITE")), YES);
        assert_eq!(said(Some((true, false)), Some(OPEN), None), YES);
        assert_eq!(said(Some((true, false)), None, Some("WRITE")), NO);
        assert_eq!(said(Some((false, true)), Some(OPEN), None), NO);
        assert_eq!(said(Some((false, true)), None, Some("WRITE")), YES);
        assert_eq!(said(None, None, Some("FULL_CONTROL")), NO);
    }

    #[test]
    fn what_is_open_for_something_else_is_another_rule_s_matter() {
        assert_eq!(said(None, Some(OTHER), Some("READ")), "COMPLIANT b");
    }

    #[test]
    fn the_reason_names_the_statement_and_what_stops_it() {
        let open = why(&CHECK, &made(None, Some(OPEN), None));
        assert_eq!(open, "its policy lets everybody write: statement Open");
        let stopped = why(&CHECK, &made(Some((true, true)), Some(OPEN), None));
        assert!(stopped.contains("stopped by the bucket's public access block"), "{stopped}");
    }

    #[test]
    fn a_policy_that_may_not_be_seen_is_no_closed_one() {
        let mut made = made(None, None, None);
        made[2] = Made::denied("eu-west-1", "s3:GetBucketPolicy").with("Bucket", "b");
        assert_eq!(verdicts(&CHECK, &made), "NO_DATA b");
    }
}
