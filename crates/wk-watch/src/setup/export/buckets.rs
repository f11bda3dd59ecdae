//! The buckets with logs.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, block, json as document, name, refer, resource, set};
use super::key;
use crate::setup::foundation::Foundation;
use crate::setup::{policies, subjects::buckets};

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    let key = match f.key.starts_with("arn:") {
        true => json!(f.key),
        false => json!({"Fn::GetAtt": ["LogKey", "Arn"]}),
    };
    for (n, bucket) in f.bucket_names().into_iter().enumerate() {
        let id = format!("LogBucket{}", n + 1);
        let mut properties = json!({
            "BucketName": bucket,
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                "BucketKeyEnabled": true,
            }]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": buckets::wanted_block(),
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "LifecycleConfiguration": {"Rules": [rule(f)]},
        });
        if let Some(lock) = &f.buckets.lock {
            properties["ObjectLockEnabled"] = true.into();
            properties["ObjectLockConfiguration"] = json!({
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": lock.mode, "Days": lock.days}},
            });
        }
        stack.kept(&id, "AWS::S3::Bucket", properties);
        stack.add(
            &format!("{id}Policy"),
            "AWS::S3::BucketPolicy",
            json!({
                "Bucket": {"Ref": id},
                "PolicyDocument": policies::bucket(f, bucket),
            }),
        );
    }
}

/// The rule by age, as CloudFormation spells it.
fn rule(f: &Foundation) -> Value {
    let days = &f.buckets;
    json!({
        "Id": buckets::RULE,
        "Status": "Enabled",
        "Transitions": [
            {"TransitionInDays": days.hot_days, "StorageClass": "STANDARD_IA"},
            {"TransitionInDays": days.archive_days, "StorageClass": "DEEP_ARCHIVE"},
        ],
        "ExpirationInDays": days.keep_days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": days.keep_days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    })
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    f.bucket_names().into_iter().flat_map(|bucket| one(f, bucket)).collect()
}

fn one(f: &Foundation, bucket: &str) -> Vec<Hcl> {
    let id = name(bucket);
    let of = || refer("bucket", &format!("aws_s3_bucket.{id}.id"));
    let mut all = vec![
        resource(
            "aws_s3_bucket",
            &id,
            vec![
                set("bucket", bucket),
                set("object_lock_enabled", f.buckets.lock.is_some()),
                super::terraform::kept(),
            ],
        ),
        resource(
            "aws_s3_bucket_versioning",
            &id,
            vec![of(), block("versioning_configuration", vec![set("status", "Enabled")])],
        ),
        resource(
            "aws_s3_bucket_server_side_encryption_configuration",
            &id,
            vec![
                of(),
                block(
                    "rule",
                    vec![
                        set("bucket_key_enabled", true),
                        block(
                            "apply_server_side_encryption_by_default",
                            vec![set("sse_algorithm", "aws:kms"), key::reference(f)],
                        ),
                    ],
                ),
            ],
        ),
        resource(
            "aws_s3_bucket_public_access_block",
            &id,
            vec![
                of(),
                set("block_public_acls", true),
                set("ignore_public_acls", true),
                set("block_public_policy", true),
                set("restrict_public_buckets", true),
            ],
        ),
        resource(
            "aws_s3_bucket_ownership_controls",
            &id,
            vec![of(), block("rule", vec![set("object_ownership", "BucketOwnerEnforced")])],
        ),
        lifecycle(f, &id, of()),
        resource(
            "aws_s3_bucket_policy",
            &id,
            vec![of(), document("policy", &policies::bucket(f, bucket))],
        ),
    ];
    all.extend(lock(f, &id, of()));
    all
}

fn lock(f: &Foundation, id: &str, of: Hcl) -> Option<Hcl> {
    let lock = f.buckets.lock.as_ref()?;
    let retention = vec![set("mode", lock.mode.clone()), set("days", lock.days)];
    let rule = block("rule", vec![block("default_retention", retention)]);
    Some(resource("aws_s3_bucket_object_lock_configuration", id, vec![of, rule]))
}

fn lifecycle(f: &Foundation, id: &str, of: Hcl) -> Hcl {
    let days = &f.buckets;
    let transition = |after: u32, class: &str| {
        block("transition", vec![set("days", after), set("storage_class", class)])
    };
    resource(
        "aws_s3_bucket_lifecycle_configuration",
        id,
        vec![
            of,
            block(
                "rule",
                vec![
                    set("id", buckets::RULE),
                    set("status", "Enabled"),
                    block("filter", Vec::new()),
                    transition(days.hot_days, "STANDARD_IA"),
                    transition(days.archive_days, "DEEP_ARCHIVE"),
                    block("expiration", vec![set("days", days.keep_days)]),
                    block(
                        "noncurrent_version_expiration",
                        vec![set("noncurrent_days", days.keep_days)],
                    ),
                    block(
                        "abort_incomplete_multipart_upload",
                        vec![set("days_after_initiation", 7)],
                    ),
                ],
            ),
            refer("depends_on", &format!("[aws_s3_bucket_versioning.{id}]")),
        ],
    )
}
