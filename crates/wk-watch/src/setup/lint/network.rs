//! Mistakes with flow logs, regions and security groups.

use super::Lint;
use super::script::Script;

/// Operations that work in one region, and have to be called in each.
const REGIONAL: [(&str, &str); 5] = [
    ("ec2", "describe-vpcs"),
    ("guardduty", "create-detector"),
    ("configservice", "put-configuration-recorder"),
    ("securityhub", "enable-security-hub"),
    ("ec2", "create-flow-logs"),
];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "flow-log-format",
        title: "Flow logs are made in the default format",
        why: "It lacks the packet's own addresses, the instance, the subnet and TCP's flags; the format \
              of a flow log cannot be changed later.",
        right: "Pass --log-format with every field that is asked for.",
        example: "aws ec2 create-flow-logs --resource-type VPC --region r",
        mended: "aws ec2 create-flow-logs --resource-type VPC --region r --log-format '${version}'",
        find: |script| {
            let calls = script.calls("ec2", "create-flow-logs");
            calls.filter(|c| c.flag("log-format").is_none()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "flow-log-destination",
        title: "Flow logs go to CloudWatch Logs alone",
        why: "A log group keeps them for weeks; what is asked for years later lies in S3 or nowhere.",
        right: "Make a second flow log for each VPC with --log-destination-type s3.",
        example: "aws ec2 create-flow-logs --log-destination-type cloud-watch-logs",
        mended: "aws ec2 create-flow-logs --log-destination-type cloud-watch-logs\naws ec2 create-flow-logs --log-destination-type s3",
        find: |script| {
            let to = |kind: &'static str| {
                let calls = script.calls("ec2", "create-flow-logs");
                calls.filter(move |c| {
                    c.flag("log-destination-type").unwrap_or("cloud-watch-logs") == kind
                })
            };
            if to("s3").next().is_some() {
                Vec::new()
            } else {
                to("cloud-watch-logs").map(|c| c.line).collect()
            }
        },
    },
    Lint {
        id: "one-region",
        title: "A service that works by region is switched on in one",
        why: "Flow logs, GuardDuty, AWS Config and Security Hub see nothing of the regions where they \
              were not switched on; intruders like those.",
        right: "Call it with --region in each region that describe-regions tells.",
        example: "aws securityhub enable-security-hub",
        mended: "aws securityhub enable-security-hub --region $region",
        find: |script| {
            let calls = REGIONAL.iter().flat_map(|(service, name)| script.calls(service, name));
            calls.filter(|c| c.flag("region").is_none()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "listed-regions",
        title: "A loop goes over regions that are written down",
        why: "A region that is switched on later, or was forgotten, stays without watch.",
        right: "Ask: aws ec2 describe-regions --query 'Regions[].RegionName'; or switch the others off.",
        example: "for region in us-east-1 us-west-2 eu-west-1; do",
        mended: "for region in $(aws ec2 describe-regions --query 'Regions[].RegionName' --output text); do",
        find: |script: &Script<'_>| {
            let listed = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let is_loop = words.first() == Some(&"for") && words.get(2) == Some(&"in");
                is_loop && words.iter().skip(3).filter(|w| is_region(w)).count() > 1
            };
            script.where_line(listed).collect()
        },
    },
    Lint {
        id: "group-denies",
        title: "A security group is said to deny an address",
        why: "Security groups only allow; what is not allowed is refused, and nothing can be denied.",
        right: "Remove the rule that lets it in, or deny it in a network ACL, a WAF or a firewall.",
        example: "Updated security group to deny source IP",
        mended: "Updated network ACL to deny source IP",
        find: |script| {
            let so = |line: &str| line.to_ascii_lowercase().contains("security group to deny");
            script.where_line(so).collect()
        },
    },
];

/// `eu-west-1` and its like.
fn is_region(word: &str) -> bool {
    let parts: Vec<&str> = word.trim_end_matches(';').split('-').collect();
    let letters = |p: &&str| p.chars().all(|c| c.is_ascii_lowercase()) && !p.is_empty();
    let number = parts.last().is_some_and(|p| p.len() == 1 && p.parse::<u8>().is_ok());
    matches!(parts.len(), 3 | 4) && number && parts.iter().take(2).all(letters)
}
