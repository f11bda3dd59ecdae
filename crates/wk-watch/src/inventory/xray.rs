//! X-Ray: how traces are encrypted and sampled.

use super::item::{Fan, Item, paged, read, rest};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        rest(read!("xray", "GetEncryptionConfig"), "POST", "/EncryptionConfig", &[]),
        "how traces are encrypted",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(read!("xray", "GetSamplingRules"), "POST", "/GetSamplingRules", &[]),
            "NextToken",
        ),
        "which requests are traced",
    ),
];
