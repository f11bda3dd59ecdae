//! Functions. Values of their environment are masked; names stay.

use super::item::{Fan, Item, paged_by, read, rest};

pub(super) const ITEMS: &[Item] = &[Item::of(
    Fan::Region,
    paged_by(
        rest(
            read!("lambda", "ListFunctions"),
            "GET",
            "/2015-03-31/functions",
            &[("Marker", "Marker")],
        ),
        "Marker",
        "NextMarker",
    ),
    "functions",
)
.masking(&["Variables"])];
