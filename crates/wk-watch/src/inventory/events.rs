//! EventBridge: buses, rules, targets.

use serde_json::{Value, json};

use super::ask::{asking, each};
use super::item::{Asking, Fan, Item, Place, paged, read};
use crate::posture::members::{list, text};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Region, paged(read!("events", "ListEventBuses"), "NextToken"), "buses"),
    Item::of(
        Fan::Each {
            of: "events:ListEventBuses",
            ask: |_, page, _| each(page, &["EventBuses"], "Name", "EventBusName"),
        },
        paged(read!("events", "ListRules"), "NextToken"),
        "rules of a bus",
    ),
    Item::of(
        Fan::Each { of: "events:ListRules", ask: targets },
        paged(read!("events", "ListTargetsByRule"), "NextToken"),
        "where a rule sends",
    )
    .masking(&["Input"]),
];

fn targets(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let of = |rule: &Value| {
        let bus = text(rule, "EventBusName").unwrap_or("default");
        Some(asking(json!({"EventBusName": bus, "Rule": text(rule, "Name")?})))
    };
    list(page, "Rules").into_iter().filter_map(of).collect()
}
