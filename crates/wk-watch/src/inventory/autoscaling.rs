//! Auto Scaling groups.

use super::item::{Fan, Item, paged, read};

pub(super) const ITEMS: &[Item] = &[Item::of(
    Fan::Region,
    paged(read!("autoscaling", "DescribeAutoScalingGroups"), "NextToken"),
    "groups, their sizes and health checks",
)];
