//! Buckets, each asked in its own region.

use serde_json::{Value, json};

use super::item::{Asking, Fan, Item, Place, paged_by, read, rest};
use crate::posture::members::{list, text};

const BUCKETS: &str = "s3:ListBuckets";

pub(super) const ITEMS: &[Item] = &[
    of("GetBucketAcl", "s3:GetBucketAcl", "/{Bucket}?acl", "who may reach it by ACL"),
    of(
        "GetBucketEncryption",
        "s3:GetEncryptionConfiguration",
        "/{Bucket}?encryption",
        "how it encrypts",
    ),
    of(
        "GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
        "/{Bucket}?lifecycle",
        "how long it keeps what",
    ),
    of("GetBucketLogging", "s3:GetBucketLogging", "/{Bucket}?logging", "whether it logs access"),
    of("GetBucketPolicy", "s3:GetBucketPolicy", "/{Bucket}?policy", "its policy"),
    of(
        "GetBucketVersioning",
        "s3:GetBucketVersioning",
        "/{Bucket}?versioning",
        "whether it keeps versions",
    ),
    of(
        "GetObjectLockConfiguration",
        "s3:GetBucketObjectLockConfiguration",
        "/{Bucket}?object-lock",
        "how its objects are locked",
    ),
    of(
        "GetPublicAccessBlock",
        "s3:GetBucketPublicAccessBlock",
        "/{Bucket}?publicAccessBlock",
        "what of public access is blocked",
    ),
    Item::of(
        Fan::Account,
        paged_by(
            rest(
                read!("s3", "ListBuckets", "s3:ListAllMyBuckets"),
                "GET",
                "/",
                &[("MaxBuckets", "max-buckets"), ("ContinuationToken", "continuation-token")],
            ),
            "ContinuationToken",
            "ContinuationToken",
        ),
        "buckets and their regions",
    )
    // Only a list that is asked for in pages tells regions.
    .asking(|| json!({"MaxBuckets": 1000})),
];

const fn of(
    name: &'static str,
    permission: &'static str,
    path: &'static str,
    asks: &'static str,
) -> Item {
    let operation = wk_seam::aws::Operation {
        service: "s3",
        name,
        permission,
        ..wk_seam::aws::Operation::READ
    };
    Item::of(Fan::Each { of: BUCKETS, ask: buckets }, rest(operation, "GET", path, &[]), asks)
        .absent_by(&[
            "ServerSideEncryptionConfigurationNotFoundError",
            "ObjectLockConfigurationNotFoundError",
        ])
}

fn buckets(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let of = |bucket: &Value| {
        let name = text(bucket, "Name")?;
        let region = text(bucket, "BucketRegion").map(str::to_owned);
        Some(Asking { parameters: json!({"Bucket": name}), region })
    };
    list(page, "Buckets.Bucket").into_iter().filter_map(of).collect()
}
