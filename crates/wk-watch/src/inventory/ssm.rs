//! Systems Manager: machines that it reaches, and how they are patched.

use serde_json::Value;

use super::ask::{asking, grouped};
use super::item::{Asking, Fan, Item, Place, paged, read};
use crate::posture::members::{list, text};

/// What DescribeInstancePatchStates takes at once.
const AT_ONCE: usize = 50;

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        paged(read!("ssm", "DescribeInstanceInformation"), "NextToken"),
        "machines that it reaches",
    ),
    Item::of(
        Fan::Each { of: "ssm:DescribeInstanceInformation", ask: patches },
        paged(read!("ssm", "DescribeInstancePatchStates"), "NextToken"),
        "which patches are missing",
    ),
];

fn patches(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let of = list(page, "InstanceInformationList");
    let ids: Vec<&str> = of.into_iter().filter_map(|i| text(i, "InstanceId")).collect();
    grouped(&ids, AT_ONCE, "InstanceIds").into_iter().map(asking).collect()
}
