//! Keys: whose they are, whether they rotate.

use serde_json::Value;

use super::ask::each;
use super::item::{Asking, Fan, Item, Place, paged_by, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Each { of: "kms:ListKeys", ask: keys }, read!("kms", "DescribeKey"), "a key"),
    Item::of(
        Fan::Each { of: "kms:ListKeys", ask: keys },
        read!("kms", "GetKeyRotationStatus"),
        "whether a key rotates",
    )
    // Keys that cannot rotate, and those that are going to be deleted, are refused in these words.
    .absent_by(&["UnsupportedOperationException", "KMSInvalidStateException"]),
    Item::of(
        Fan::Region,
        paged_by(read!("kms", "ListAliases"), "Marker", "NextMarker"),
        "what keys are called",
    ),
    Item::of(Fan::Region, paged_by(read!("kms", "ListKeys"), "Marker", "NextMarker"), "keys"),
];

fn keys(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["Keys"], "KeyId", "KeyId")
}
