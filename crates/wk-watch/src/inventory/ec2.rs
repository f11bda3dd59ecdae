//! Networks, machines and disks.

use serde_json::json;

use super::item::{Fan, Item, paged_by, read};
use wk_seam::aws::Operation;

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Region, read!("ec2", "DescribeAddresses"), "addresses that are ours to keep"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeFlowLogs")), "flow logs"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeInstances")), "machines")
        .masking(&["userData"]),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeNatGateways")), "by which networks go out"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeSecurityGroups")), "who may connect"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeSnapshots")), "our own copies of disks")
        .asking(|| json!({"Owner": ["self"]})),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeSubnets")), "subnets"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeVolumes")), "disks"),
    Item::of(Fan::Region, paged(read!("ec2", "DescribeVpcs")), "networks"),
    Item::of(
        Fan::Region,
        read!("ec2", "GetEbsEncryptionByDefault"),
        "whether new disks are encrypted",
    ),
];

const fn paged(operation: Operation) -> Operation {
    paged_by(operation, "NextToken", "nextToken")
}
