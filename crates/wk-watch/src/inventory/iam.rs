//! Users, keys, second factors, roles and the password policy of an account.

use serde_json::Value;

use super::ask::{asking, each};
use super::item::{Asking, Fan, Item, Place, paged_by, read};
use wk_seam::aws::Operation;

const USERS: &str = "iam:ListUsers";

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Account,
        read!("iam", "GenerateCredentialReport"),
        "that the credential report is made",
    ),
    Item::of(
        Fan::Each { of: "iam:ListAccessKeys", ask: keys },
        read!("iam", "GetAccessKeyLastUsed"),
        "when a key was used last",
    ),
    Item::of(Fan::Account, read!("iam", "GetAccountPasswordPolicy"), "what passwords must be like"),
    Item::of(Fan::Account, read!("iam", "GetAccountSummary"), "whether root has a second factor"),
    Item::of(
        Fan::Each { of: "iam:GenerateCredentialReport", ask: |_, _, _| vec![asking(Value::Null)] },
        read!("iam", "GetCredentialReport"),
        "every user's credentials in one table",
    )
    .absent_by(&["ReportNotPresent", "ReportInProgress", "ReportExpired"]),
    Item::of(
        Fan::Each { of: USERS, ask: users },
        read!("iam", "GetLoginProfile"),
        "whether a user has a password",
    ),
    Item::of(
        Fan::Each { of: USERS, ask: users },
        paged(read!("iam", "ListAccessKeys")),
        "long-lived keys of a user",
    ),
    Item::of(
        Fan::Each { of: USERS, ask: users },
        paged(read!("iam", "ListMFADevices")),
        "second factors of a user",
    ),
    Item::of(Fan::Account, paged(read!("iam", "ListRoles")), "roles and whom they trust"),
    Item::of(Fan::Account, paged(read!("iam", "ListUsers")), "users"),
];

const fn paged(operation: Operation) -> Operation {
    paged_by(operation, "Marker", "Marker")
}

fn users(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["Users"], "UserName", "UserName")
}

fn keys(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["AccessKeyMetadata"], "AccessKeyId", "AccessKeyId")
}
