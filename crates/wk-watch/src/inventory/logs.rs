//! Log groups with their retention, and metric filters.

use serde_json::json;

use super::item::{Fan, Item, paged, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        paged(read!("logs", "DescribeLogGroups"), "nextToken"),
        "log groups, their retention and key",
    )
    .asking(|| json!({"limit": 50})),
    Item::of(
        Fan::Region,
        paged(read!("logs", "DescribeMetricFilters"), "nextToken"),
        "metric filters",
    )
    .asking(|| json!({"limit": 50})),
];
