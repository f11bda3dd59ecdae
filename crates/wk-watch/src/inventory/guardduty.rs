//! GuardDuty: detectors, who administers them, what they found. What travels in a body, and every
//! answer, has small first letters here.

use serde_json::{Value, json};

use super::ask::{asking, each, grouped};
use super::item::{Asking, Fan, Item, Place, paged, paged_by, read, rest};
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
        paged_by(
            rest(
                read!("guardduty", "ListDetectors"),
                "GET",
                "/detector",
                &[("NextToken", "nextToken")],
            ),
            "NextToken",
            "nextToken",
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
            "nextToken",
        ),
        "ids of findings of severity 7 and more",
    )
    .asking(|| json!({"findingCriteria": {"criterion": {"severity": {"greaterThanOrEqual": 7}}}})),
    Item::of(
        Fan::Each { of: DETECTORS, ask: detectors },
        paged_by(
            rest(
                read!("guardduty", "ListMembers"),
                "GET",
                "/detector/{DetectorId}/member",
                &[("NextToken", "nextToken"), ("OnlyAssociated", "onlyAssociated")],
            ),
            "NextToken",
            "nextToken",
        ),
        "accounts that a detector speaks for",
    ),
    Item::of(
        Fan::Region,
        paged_by(
            rest(
                read!("guardduty", "ListOrganizationAdminAccounts"),
                "GET",
                "/admin",
                &[("NextToken", "nextToken")],
            ),
            "NextToken",
            "nextToken",
        ),
        "which account administers the organization",
    ),
];

fn detectors(_: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    each(page, &["DetectorIds"], "", "DetectorId")
}

fn findings(parameters: &Value, page: &Value, _: &Place) -> Vec<Asking> {
    let detector = word(parameters, "DetectorId").to_owned();
    let groups = grouped(&texts(page, "FindingIds"), AT_ONCE, "findingIds").into_iter();
    let with = |mut group: Value| {
        group["DetectorId"] = detector.clone().into();
        asking(group)
    };
    groups.map(with).collect()
}
