//! What is asked of AWS to know how an account is set up: one file per service, a sorted list.
//!
//! * To ask more, copy a neighbour's item and put it where its name belongs. Permissions, pages of the
//!   catalogue and the reader's role grow from here.
//! * An item is asked once for an account, once for each region, or once for each thing that another
//!   answer names.
//! * Nothing here asks: the walk is in wk-engine, by what [`Item`] says.

mod ask;
mod item;
mod mask;

mod account;
mod autoscaling;
mod cloudtrail;
mod cloudwatch;
mod config;
mod ec2;
mod eks;
mod elb;
mod events;
mod guardduty;
mod iam;
mod kms;
mod lambda;
mod logs;
mod organizations;
mod rds;
mod s3;
mod securityhub;
mod sns;
mod ssm;
mod wafv2;
mod xray;

use wk_seam::aws::Operation;

pub use item::{Asking, Fan, Item, Place};
pub use mask::masked;

/// Every item, by service.
pub const ALL: &[&[Item]] = &[
    account::ITEMS,
    autoscaling::ITEMS,
    cloudtrail::ITEMS,
    cloudwatch::ITEMS,
    config::ITEMS,
    ec2::ITEMS,
    eks::ITEMS,
    elb::ITEMS,
    events::ITEMS,
    guardduty::ITEMS,
    iam::ITEMS,
    kms::ITEMS,
    lambda::ITEMS,
    logs::ITEMS,
    organizations::ITEMS,
    rds::ITEMS,
    s3::ITEMS,
    securityhub::ITEMS,
    sns::ITEMS,
    ssm::ITEMS,
    wafv2::ITEMS,
    xray::ITEMS,
];

/// Every item.
pub fn items() -> impl Iterator<Item = &'static Item> {
    ALL.iter().flat_map(|items| items.iter())
}

/// The items that ask this question: `cloudtrail:DescribeTrails`.
pub fn named(key: &str) -> impl Iterator<Item = &'static Item> {
    items().filter(move |item| item.is(key))
}

/// What is asked of AWS, for the least privilege.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    items().map(|item| &item.operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_seam::aws::{Effect, Paging};

    #[test]
    fn items_are_sorted_within_their_service_and_only_read() {
        for of_service in ALL {
            let names: Vec<String> = of_service.iter().map(Item::key).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
        for item in items() {
            assert_eq!(item.operation.effect, Effect::Read, "{}", item.key());
            assert!(!item.asks.is_empty(), "{} does not say what it is asked for", item.key());
        }
    }

    #[test]
    fn what_is_asked_of_an_answer_names_an_item_and_leads_in_no_circle() {
        for item in items() {
            let (mut at, mut steps) = (item, 0);
            while let Fan::Each { of, .. } = at.fan {
                at = named(of).next().unwrap_or_else(|| panic!("{}: no item is {of}", item.key()));
                steps += 1;
                assert!(steps < 5, "{} goes round in a circle", item.key());
            }
        }
    }

    #[test]
    fn permissions_are_reads() {
        let reads = ["Describe", "Get", "List", "Generate"];
        for operation in operations() {
            let (_, action) = operation.permission.split_once(':').unwrap_or(("", "Get"));
            assert!(reads.iter().any(|r| action.starts_with(r)), "{}", operation.permission);
            let token = matches!(operation.pages, Paging::One);
            assert!(token || operation.pages.names().is_some());
        }
    }
}
