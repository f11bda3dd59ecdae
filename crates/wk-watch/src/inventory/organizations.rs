//! The organisation. Only its management account, and those it delegates to, may ask.

use super::item::{Fan, Item, paged, read};

pub(super) const ITEMS: &[Item] = &[
    Item::of(Fan::Account, read!("organizations", "DescribeOrganization"), "the organization"),
    Item::of(
        Fan::Account,
        paged(read!("organizations", "ListAccounts"), "NextToken"),
        "its accounts",
    ),
    Item::of(
        Fan::Account,
        paged(read!("organizations", "ListDelegatedAdministrators"), "NextToken"),
        "accounts that speak for it",
    ),
];
