//! Databases: encryption, logs, who may reach them.

use super::item::{Fan, Item, paged, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Region, paged(read!("rds", "DescribeDBClusters"), "Marker"), "clusters"),
    Item::of(Fan::Region, paged(read!("rds", "DescribeDBInstances"), "Marker"), "databases"),
];
