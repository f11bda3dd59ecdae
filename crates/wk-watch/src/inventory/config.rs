//! AWS Config: recorders, channels, rules and what they found.

use super::item::{Fan, Item, paged, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        paged(read!("config", "DescribeComplianceByConfigRule"), "NextToken"),
        "what each rule found",
    ),
    Item::of(
        Fan::Region,
        paged(read!("config", "DescribeConfigRules"), "NextToken"),
        "rules, with their parameters",
    ),
    Item::of(
        Fan::Region,
        read!("config", "DescribeConfigurationRecorderStatus"),
        "whether it records, and whether that went well",
    ),
    Item::of(Fan::Region, read!("config", "DescribeConfigurationRecorders"), "what is recorded"),
    Item::of(
        Fan::Region,
        read!("config", "DescribeDeliveryChannelStatus"),
        "when snapshots and history were delivered last",
    ),
    Item::of(Fan::Region, read!("config", "DescribeDeliveryChannels"), "where it is delivered"),
];
