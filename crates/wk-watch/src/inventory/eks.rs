//! Kubernetes clusters, for their logging.

use super::ask::each;
use super::item::{Fan, Item, paged, read, rest};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Each {
            of: "eks:ListClusters",
            ask: |_, page, _| each(page, &["clusters"], "", "name"),
        },
        rest(read!("eks", "DescribeCluster"), "GET", "/clusters/{name}", &[]),
        "which logs of a cluster are on",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(read!("eks", "ListClusters"), "GET", "/clusters", &[("nextToken", "nextToken")]),
            "nextToken",
        ),
        "clusters",
    ),
];
