//! Security Hub: whether it is on, by which standards, fed by whom, and what it found.

use serde_json::json;

use super::item::{Fan, Item, paged, read, rest};

const TOKEN: &[(&str, &str)] = &[("NextToken", "NextToken"), ("MaxResults", "MaxResults")];

pub(super) const ITEMS: &[Item] = &[
    Item::of(
        Fan::Region,
        rest(read!("securityhub", "DescribeHub"), "GET", "/accounts", &[("HubArn", "HubArn")]),
        "whether it is on",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(read!("securityhub", "DescribeStandards"), "GET", "/standards", TOKEN),
            "NextToken",
        ),
        "standards that there are",
    ),
    Item::of(
        Fan::Region,
        paged(
            rest(read!("securityhub", "GetEnabledStandards"), "POST", "/standards/get", &[]),
            "NextToken",
        ),
        "standards that are on",
    ),
    Item::of(
        Fan::Region,
        paged(rest(read!("securityhub", "GetFindings"), "POST", "/findings", &[]), "NextToken"),
        "active findings, high and critical",
    )
    .asking(|| {
        let equals = |value: &str| json!({"Value": value, "Comparison": "EQUALS"});
        json!({
            "Filters": {
                "RecordState": [equals("ACTIVE")],
                "SeverityLabel": [equals("HIGH"), equals("CRITICAL")],
            },
            "MaxResults": 100,
        })
    }),
    Item::of(
        Fan::Region,
        paged(
            rest(
                read!("securityhub", "ListEnabledProductsForImport"),
                "GET",
                "/productSubscriptions",
                TOKEN,
            ),
            "NextToken",
        ),
        "products whose findings it takes",
    ),
];
