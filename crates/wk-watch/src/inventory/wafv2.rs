//! Web ACLs of regional resources: their rules, and whether they log.

use serde_json::{Value, json};

use super::ask::{asking, each};
use super::item::{Asking, Fan, Item, Place, paged_by, read};
use crate::posture::members::{list, text};

const ACLS: &str = "wafv2:ListWebACLs";

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Each { of: ACLS, ask: |_, page, _| each(page, &["WebACLs"], "ARN", "ResourceArn") },
        read!("wafv2", "GetLoggingConfiguration"),
        "whether a web ACL logs",
    )
    .absent_by(&["WAFNonexistentItemException"]),
    Item::of(Fan::Each { of: ACLS, ask: acls }, read!("wafv2", "GetWebACL"), "a web ACL's rules"),
    Item::of(
        Fan::Each { of: ACLS, ask: |_, page, _| each(page, &["WebACLs"], "ARN", "WebACLArn") },
        read!("wafv2", "ListResourcesForWebACL"),
        "what a web ACL protects",
    ),
    Item::of(
        Fan::Region,
        paged_by(read!("wafv2", "ListWebACLs"), "NextMarker", "NextMarker"),
        "web ACLs",
    )
    .asking(|| json!({"Scope": "REGIONAL"})),
];

fn acls(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let of = |acl: &Value| {
        let (name, id) = (text(acl, "Name")?, text(acl, "Id")?);
        Some(asking(json!({"Name": name, "Id": id, "Scope": "REGIONAL"})))
    };
    list(page, "WebACLs").into_iter().filter_map(of).collect()
}
