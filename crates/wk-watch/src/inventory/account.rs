//! Who we are in an account, and which regions it has switched on.

use super::item::{Fan, Item, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Account, read!("ec2", "DescribeRegions"), "the regions that are switched on"),
    Item::of(Fan::Account, read!("sts", "GetCallerIdentity", ""), "who asks"),
];
