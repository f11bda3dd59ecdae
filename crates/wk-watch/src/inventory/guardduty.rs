//! GuardDuty: detectors, who administers them, what they found.

use serde_json::{Value, json};

use super::ask::{asking, each, grouped};
use super::item::{Asking, Fan, Item, Place, paged, read, rest};
use crate::posture::members::{texts, word};

/// What GetFindings takes at once.
const AT_ONCE: usize = 50;
const DETECTORS: &str = "guardduty:ListDetectors";

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Each { of: DETECTORS, ask: detectors },
        rest(
            read!("guardduty", "GetAdministratorAccount"),
            "GET",
            "/detector/{DetectorId}/administrator",
            &[],
        ),
        "which account administers a detector",
    ),
    Item::of(
        Fan::Each { of: DETECTORS, ask: detectors },
        rest(read!("guardduty", "GetDetector"), "GET", "/detector/{DetectorId}", &[]),
        "whether a detector is on, with which features",
    ),
    Item::of(
        Fan::Each { of: "guardduty:ListFindings", ask: findings },
        rest(read!("guardduty", "GetFindings"), "POST", "/detector/{DetectorId}/findings/get", &[]),
        "findings in full",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(
                read!("guardduty", "ListDetectors"),
                "GET",
                "/detector",
                &[("NextToken", "nextToken")],
            ),
            "NextToken",
        ),
        "detectors",
    ),
    Item::of(
        Fan::Each { of: DETECTORS, ask: detectors },
        paged(
            rest(
                read!("guardduty", "ListFindings"),
                "POST",
                "/detector/{DetectorId}/findings",
                &[],
            ),
            "NextToken",
        ),
        "ids of findings of severity 7 and more",
    )
    .asking(|| json!({"FindingCriteria": {"criterion": {"severity": {"greaterThanOrEqual": 7}}}})),
    Item::of(
        Fan::Each { of: DETECTORS, ask: detectors },
        paged(
            rest(
                read!("guardduty", "ListMembers"),
                "GET",
                "/detector/{DetectorId}/member",
                &[("NextToken", "nextToken"), ("OnlyAssociated", "onlyAssociated")],
            ),
            "NextToken",
        ),
        "accounts that a detector speaks for",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(
                read!("guardduty", "ListOrganizationAdminAccounts"),
                "GET",
                "/admin",
                &[("NextToken", "nextToken")],
            ),
            "NextToken",
        ),
        "which account administers the organization",
    ),
];

fn detectors(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["DetectorIds"], "", "DetectorId")
}

fn findings(parameters: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let detector = word(parameters, "DetectorId").to_owned();
    let groups = grouped(&texts(page, "FindingIds"), AT_ONCE, "FindingIds").into_iter();
    let with = |mut group: Value| {
        group["DetectorId"] = detector.clone().into();
        asking(group)
    };
    groups.map(with).collect()
}
