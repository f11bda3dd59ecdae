//! The buckets with logs: encrypted under our key, versioned, locked, closed, and archived by age.

use serde_json::{Value, json};

use super::{Subject, Where};
use crate::posture::members::{first_list, is, member, text, whole, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "buckets",
    title: "Buckets with logs: policy, SSE-KMS, versions, lock, no public access, archive by age",
    serves: &["R-029", "R-030", "R-039"],
    at: Where::Archive,
    cost: "S3 asks for each GB and month by class, and for each object that changes its class.",
    reads: &[
        "s3:GetBucketEncryption",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetObjectLockConfiguration",
        "s3:GetPublicAccessBlock",
        "s3:ListBuckets",
    ],
    drift,
};

/// The name of the rule by which logs are archived.
pub(in crate::setup) const RULE: &str = "archive-logs";

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    // Buckets are one for the account, and are told so.
    let view = view.global();
    let all = view.list("s3:ListBuckets", &["Buckets.Bucket"])?;
    for name in f.bucket_names() {
        let there = all.iter().any(|bucket| word(bucket, "Name") == name);
        if !there {
            create(f, name, draft);
        }
        let parts: [Part; 6] = [encryption, versions, public_access, lock, lifecycle, policy];
        for part in parts {
            if let Err(blind) = part(f, &view, name, there, draft) {
                draft.unknown(&blind);
            }
        }
    }
    Ok(())
}

type Part = fn(&Foundation, &View<'_>, &str, bool, &mut Draft<'_>) -> Result<(), Blind>;

fn create(f: &Foundation, name: &str, draft: &mut Draft<'_>) {
    let mut bucket =
        json!({"Bucket": name, "ObjectLockEnabledForBucket": f.buckets.lock.is_some()});
    // The oldest region is the one that is not named.
    if f.home() != "us-east-1" {
        bucket["CreateBucketConfiguration"] = json!({"LocationConstraint": f.home()});
    }
    let call = call!(
        "s3api",
        "CreateBucket",
        "s3:CreateBucket",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketVersioning"
    );
    draft.step(call, bucket, format!("{name} is not there"));
}

/// What a bucket answers to a question; nothing of one that is not there yet.
fn told<'a>(
    view: &View<'a>,
    key: &str,
    name: &str,
    there: bool,
) -> Result<Option<&'a Value>, Blind> {
    if there { view.one_of(key, name) } else { Ok(None) }
}

pub(in crate::setup) fn wanted_encryption(f: &Foundation) -> Value {
    json!({"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f.key_arn()},
        "BucketKeyEnabled": true,
    }]})
}

fn encryption(
    f: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = told(view, "s3:GetBucketEncryption", name, there)?;
    let inner = page.map(|p| member(p, "ServerSideEncryptionConfiguration").unwrap_or(p));
    let by_kms = inner.is_some_and(|inner| {
        let rules = first_list(inner, &["Rules", "Rule"]).into_iter();
        let mut by = rules.filter_map(|r| member(r, "ApplyServerSideEncryptionByDefault"));
        by.any(|by| {
            let key = word(by, "KMSMasterKeyID");
            // An alias is told as the key behind it, so another key than an ARN's is all that is seen.
            let own =
                !f.key.starts_with("arn:") || key == f.key || f.key.ends_with(&format!("/{key}"));
            word(by, "SSEAlgorithm").starts_with("aws:kms") && !key.is_empty() && own
        })
    });
    if by_kms {
        draft.good();
        return Ok(());
    }
    let to = json!({"Bucket": name, "ServerSideEncryptionConfiguration": wanted_encryption(f)});
    let call = call!("s3api", "PutBucketEncryption", "s3:PutEncryptionConfiguration");
    draft.step(call, to, format!("{name} is not encrypted under our key"));
    Ok(())
}

fn versions(
    _: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = told(view, "s3:GetBucketVersioning", name, there)?;
    if page.is_some_and(|page| word(page, "Status") == "Enabled") {
        draft.good();
        return Ok(());
    }
    let to = json!({"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}});
    let call = call!("s3api", "PutBucketVersioning", "s3:PutBucketVersioning");
    draft.step(call, to, format!("{name} keeps no versions"));
    Ok(())
}

const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

pub(in crate::setup) fn wanted_block() -> Value {
    BLOCKS.iter().map(|name| ((*name).to_owned(), Value::Bool(true))).collect()
}

fn public_access(
    _: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = told(view, "s3:GetPublicAccessBlock", name, there)?;
    let inner = page.map(|p| member(p, "PublicAccessBlockConfiguration").unwrap_or(p));
    let open: Vec<&str> =
        BLOCKS.into_iter().filter(|b| !inner.is_some_and(|inner| is(inner, b))).collect();
    if open.is_empty() {
        draft.good();
        return Ok(());
    }
    let to = json!({"Bucket": name, "PublicAccessBlockConfiguration": wanted_block()});
    let call = call!("s3api", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock");
    draft.step(call, to, format!("{name} lacks {}", open.join(", ")));
    Ok(())
}

fn lock(
    f: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let Some(wanted) = &f.buckets.lock else {
        draft.left_out(format!("{name} is not locked, as the foundation says"));
        return Ok(());
    };
    let page = told(view, "s3:GetObjectLockConfiguration", name, there)?;
    let inner = page.map(|p| member(p, "ObjectLockConfiguration").unwrap_or(p));
    let retention = inner.and_then(|i| crate::posture::members::at(i, "Rule.DefaultRetention"));
    let days = retention
        .and_then(|r| whole(r, "Days").or_else(|| Some(whole(r, "Years")?.saturating_mul(365))));
    let mode = retention.map(|r| word(r, "Mode")).unwrap_or_default();
    let strong = mode == wanted.mode || mode == "COMPLIANCE";
    if strong && days.is_some_and(|days| days >= i64::from(wanted.days)) {
        draft.good();
        return Ok(());
    }
    if days.is_some_and(|days| days > i64::from(wanted.days))
        || mode == "COMPLIANCE" && wanted.mode != mode
    {
        draft.refuse(format!(
            "{name} is locked by {mode} for {} days, {} for {} are wanted: a lock is not made weaker",
            days.unwrap_or(0), wanted.mode, wanted.days
        ));
        return Ok(());
    }
    let to = json!({
        "Bucket": name,
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": wanted.mode, "Days": wanted.days}},
        },
    });
    let call = call!("s3api", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration");
    draft.step(call, to, format!("{name} does not lock what it keeps for {} days", wanted.days));
    Ok(())
}

/// The rule by age. Versions that were overwritten go the same way.
pub(in crate::setup) fn wanted_rule(f: &Foundation, expires: bool) -> Value {
    let buckets = &f.buckets;
    let mut rule = json!({
        "ID": RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Transitions": [
            {"Days": buckets.hot_days, "StorageClass": "STANDARD_IA"},
            {"Days": buckets.archive_days, "StorageClass": "DEEP_ARCHIVE"},
        ],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    });
    if expires {
        rule["Expiration"] = json!({"Days": buckets.keep_days});
        rule["NoncurrentVersionExpiration"] = json!({"NoncurrentDays": buckets.keep_days});
    }
    rule
}

fn lifecycle(
    f: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = told(view, "s3:GetBucketLifecycleConfiguration", name, there)?;
    let rules = page.map(|page| first_list(page, &["Rules", "Rule"])).unwrap_or_default();
    let on: Vec<&&Value> = rules.iter().filter(|r| word(r, "Status") == "Enabled").collect();
    let early = on
        .iter()
        .filter_map(|r| whole(r, "Expiration.Days"))
        .filter(|d| *d < i64::from(f.buckets.keep_days))
        .min();
    if early.is_none() && on.iter().any(|rule| archives(f, rule)) {
        draft.good();
        return Ok(());
    }
    let others: Vec<&str> = rules
        .iter()
        .map(|r| text(r, "ID").unwrap_or("one without a name"))
        .filter(|id| *id != RULE)
        .collect();
    if !others.is_empty() {
        let early = early.map(|d| format!("; one deletes after {d} days")).unwrap_or_default();
        draft.refuse(format!(
            "{name} has life cycle rules of its own ({}){early}: PutBucketLifecycleConfiguration would replace them; add the rule {RULE} to them",
            others.join(", ")
        ));
        return Ok(());
    }
    // A bucket that keeps for ever is not told to delete unasked.
    let expires = !there || early.is_some() || draft.choices().shorten;
    let to =
        json!({"Bucket": name, "LifecycleConfiguration": {"Rules": [wanted_rule(f, expires)]}});
    let call = call!("s3api", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration");
    let steps = format!(
        "{} days at hand, archived after {}, kept {}",
        f.buckets.hot_days, f.buckets.archive_days, f.buckets.keep_days
    );
    if !expires {
        draft.refuse(format!(
            "{name} keeps for ever, {} days are wanted: nothing is deleted unasked",
            f.buckets.keep_days
        ));
        draft.step(call, to, format!("{name} does not archive: {steps}, without an end"));
    } else if there && early.is_none() {
        let dies =
            format!("every object in {name} that is older than {} days", f.buckets.keep_days);
        draft.fatal(call, to, format!("{name} does not archive: {steps}"), dies);
    } else {
        draft.step(call, to, format!("{name}: {steps}"));
    }
    Ok(())
}

/// Whether a rule archives everything as it is asked for, or later, and deletes nothing too early.
fn archives(f: &Foundation, rule: &Value) -> bool {
    let filter = member(rule, "Filter").unwrap_or(rule);
    let transitions = first_list(rule, &["Transitions", "Transition"]);
    let to = |class: &str, days: u32| {
        transitions.iter().any(|t| {
            word(t, "StorageClass") == class
                && whole(t, "Days").is_some_and(|d| d >= i64::from(days))
        })
    };
    word(filter, "Prefix").is_empty()
        && member(filter, "And").is_none()
        && member(filter, "Tag").is_none()
        && to("STANDARD_IA", f.buckets.hot_days)
        && to("DEEP_ARCHIVE", f.buckets.archive_days)
}

fn policy(
    f: &Foundation,
    view: &View<'_>,
    name: &str,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let page = told(view, "s3:GetBucketPolicy", name, there)?;
    let has: Option<Value> = page.and_then(|p| match text(p, "Policy") {
        Some(text) => serde_json::from_str(text).ok(),
        None => Some(p.clone()).filter(|p| p.get("Statement").is_some()),
    });
    let wanted = policies::bucket(f, name);
    let lacks = policies::lacks(&wanted, has.as_ref());
    if lacks.is_empty() {
        draft.good();
        return Ok(());
    }
    let names: Vec<&str> = lacks.iter().map(|s| word(s, "Sid")).collect();
    let document = policies::joined(&wanted, has.as_ref()).to_string();
    let to = json!({"Bucket": name, "Policy": document});
    let why = format!("the policy of {name} lacks {}", names.join(", "));
    draft.step(call!("s3api", "PutBucketPolicy", "s3:PutBucketPolicy"), to, why);
    Ok(())
}
