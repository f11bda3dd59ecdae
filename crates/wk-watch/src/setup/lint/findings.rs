//! Mistakes with GuardDuty, Security Hub and rules on their findings.

use super::Lint;
use super::script::Script;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "guardduty-data-sources",
        title: "GuardDuty is set by data sources",
        why: "AWS has replaced them by features: what came since cannot be set that way.",
        right: "Pass --features '[{\"Name\":\"S3_DATA_EVENTS\",\"Status\":\"ENABLED\"}, …]'.",
        example: "aws guardduty update-detector --detector-id d --data-sources S3Logs={Enable=true}",
        mended: "aws guardduty update-detector --detector-id d --features '[]'",
        find: |script| {
            let calls = ["create-detector", "update-detector"].into_iter();
            let calls = calls.flat_map(|name| script.calls("guardduty", name));
            calls.filter(|c| c.flag("data-sources").is_some()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "guardduty-administrator-region",
        title: "GuardDuty's administrator is named in one region",
        why: "The organization's administrator is named for each region, from the management account; \
              elsewhere nobody administers it.",
        right: "Call enable-organization-admin-account with --region in each region.",
        example: "aws guardduty enable-organization-admin-account --admin-account-id A",
        mended: "aws guardduty enable-organization-admin-account --admin-account-id A --region $region",
        find: |script| {
            let calls = script.calls("guardduty", "enable-organization-admin-account");
            calls.filter(|c| c.flag("region").is_none()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "update-findings",
        title: "update-findings is to switch integrations on",
        why: "It changes notes and states of findings that are there, is deprecated, and switches \
              nothing on.",
        right: "aws securityhub enable-import-findings-for-product --product-arn …, for each product.",
        example: "aws securityhub update-findings --filters '{}'",
        mended: "aws securityhub enable-import-findings-for-product --product-arn p",
        find: |script| script.calls("securityhub", "update-findings").map(|c| c.line).collect(),
    },
    Lint {
        id: "old-standard",
        title: "A standard is named by an ARN that is wrong or replaced",
        why: "CIS 1.2.0 is a ruleset without region (arn:aws:securityhub:::ruleset/…/v/1.2.0), and \
              newer versions are out; PCI DSS 3.2.1 was replaced by 4.0.1.",
        right: "Take the ARN from aws securityhub describe-standards: CIS from v/3.0.0 on, PCI DSS v/4.0.1.",
        example: "arn:aws:securityhub:REGION::standards/cis-aws-foundations-benchmark/v/1.2.0",
        mended: "arn:aws:securityhub:REGION::standards/cis-aws-foundations-benchmark/v/3.0.0",
        find: |script| {
            let so = |line: &str| {
                line.contains("standards/cis-aws-foundations-benchmark/v/1.2.0")
                    || line.contains("pci-dss/v/3.2.1")
            };
            script.where_line(so).collect()
        },
    },
    Lint {
        id: "severity-list",
        title: "A rule lists severities of GuardDuty",
        why: "A list meets its numbers alone: [7, 8, 8.8] misses 7.5, 8.5 and everything critical.",
        right: "{\"severity\": [{\"numeric\": [\">=\", 7]}]}",
        example: "    \"severity\": [7, 8, 8.8]",
        mended: "    \"severity\": [{\"numeric\": [\">=\", 7]}]",
        find: |script: &Script<'_>| script.where_line(lists_severities).collect(),
    },
    Lint {
        id: "session-credentials",
        title: "Credentials of a role's session are said to be disabled",
        why: "What leaves an instance are credentials of its role's session: there is no key to \
              disable; they work until they expire.",
        right: "Deny the sessions by a policy on the role (aws:TokenIssueTime before now), or isolate it.",
        example: "Automated Lambda function disabled the compromised IAM credentials",
        mended: "Automated Lambda function denied the role's sessions issued before 14:25",
        find: |script| {
            let so = |line: &str| {
                line.to_ascii_lowercase().contains("disabled the compromised iam credentials")
            };
            script.where_line(so).collect()
        },
    },
];

/// `"severity": [` and numbers only.
fn lists_severities(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("\"severity\"") else { return false };
    let inner = rest.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let Some((inner, _)) = inner else { return false };
    let numbers: Vec<&str> = inner.split(',').map(str::trim).collect();
    numbers.len() > 1 && numbers.iter().all(|n| n.parse::<f64>().is_ok())
}
