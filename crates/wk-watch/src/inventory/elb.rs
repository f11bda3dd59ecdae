//! Load balancers, for their logging.

use super::ask::each;
use super::item::{Fan, Item, paged_by, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Each {
            of: "elasticloadbalancing:DescribeLoadBalancers",
            ask: |_, page, _| each(page, &["LoadBalancers"], "LoadBalancerArn", "LoadBalancerArn"),
        },
        read!("elasticloadbalancing", "DescribeLoadBalancerAttributes"),
        "whether a load balancer logs",
    ),
    Item::of(
        Fan::Region,
        paged_by(read!("elasticloadbalancing", "DescribeLoadBalancers"), "Marker", "NextMarker"),
        "load balancers",
    ),
];
