//! Trails: where they deliver, what they select, how they go.
//!
//! A trail is told in every region that it covers; what more there is to ask is asked at its home.

use serde_json::{Value, json};

use super::ask::asking;
use super::item::{Asking, Fan, Item, Place, read};
use crate::posture::members::{list, text, word};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Region, read!("cloudtrail", "DescribeTrails"), "trails")
        .asking(|| json!({"includeShadowTrails": true})),
    Item::of(
        Fan::Each { of: TRAILS, ask: |_, page, place| at_home(page, place, "TrailName") },
        read!("cloudtrail", "GetEventSelectors"),
        "which events a trail logs",
    ),
    Item::of(
        Fan::Each { of: TRAILS, ask: |_, page, place| at_home(page, place, "TrailName") },
        read!("cloudtrail", "GetInsightSelectors"),
        "which anomalies a trail looks for",
    )
    .absent_by(&["InsightNotEnabledException"]),
    Item::of(
        Fan::Each { of: TRAILS, ask: |_, page, place| at_home(page, place, "Name") },
        read!("cloudtrail", "GetTrailStatus"),
        "whether a trail logs, and when it delivered last",
    ),
];

const TRAILS: &str = "cloudtrail:DescribeTrails";

fn at_home(page: &Value, place: &Place, parameter: &str) -> Vec<Asking> {
    let at_home = |trail: &&Value| {
        let home = word(trail, "HomeRegion");
        home.is_empty() || home == place.region
    };
    let trails = list(page, "trailList").into_iter().filter(at_home);
    trails.filter_map(|t| Some(asking(json!({ parameter: text(t, "TrailARN")? })))).collect()
}
