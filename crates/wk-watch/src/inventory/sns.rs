//! Topics and who listens to them.

use serde_json::Value;

use super::ask::each;
use super::item::{Asking, Fan, Item, Place, paged, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Each { of: "sns:ListTopics", ask: topics },
        read!("sns", "GetTopicAttributes"),
        "a topic's policy and key",
    ),
    Item::of(
        Fan::Each { of: "sns:ListTopics", ask: topics },
        paged(read!("sns", "ListSubscriptionsByTopic"), "NextToken"),
        "who listens to a topic",
    ),
    Item::of(Fan::Region, paged(read!("sns", "ListTopics"), "NextToken"), "topics"),
];

fn topics(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["Topics"], "TopicArn", "TopicArn")
}
