//! Security Hub findings (ASFF) in EventBridge envelopes.

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::clock::DAY_SECONDS;
use crate::rng::Rng;
use crate::world::{self, PLACES, Place};

/// A control, and a resource that passes or fails it.
pub(crate) struct Check {
    pub control: &'static str,
    pub title: &'static str,
    /// `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub label: &'static str,
    pub passed: bool,
    /// ASFF's resource type and id.
    pub resource: (&'static str, String),
}

const ROUTINE: [(&str, &str, &str, &str, bool); 8] = [
    ("S3.8", "S3 general purpose buckets should block public access", "HIGH", "AwsS3Bucket", true),
    ("EC2.7", "EBS default encryption should be enabled", "MEDIUM", "AwsAccount", true),
    (
        "CloudTrail.4",
        "CloudTrail log file validation should be enabled",
        "LOW",
        "AwsCloudTrailTrail",
        true,
    ),
    ("EC2.6", "VPC flow logging should be enabled in all VPCs", "MEDIUM", "AwsEc2Vpc", true),
    (
        "IAM.3",
        "IAM users' access keys should be rotated every 90 days or less",
        "MEDIUM",
        "AwsIamUser",
        false,
    ),
    (
        "Lambda.2",
        "Lambda functions should use supported runtimes",
        "MEDIUM",
        "AwsLambdaFunction",
        true,
    ),
    (
        "RDS.3",
        "RDS DB instances should have encryption at-rest enabled",
        "MEDIUM",
        "AwsRdsDbInstance",
        true,
    ),
    (
        "SNS.1",
        "SNS topics should be encrypted at-rest using AWS KMS",
        "MEDIUM",
        "AwsSnsTopic",
        false,
    ),
];

/// The daily checks of every account and region, spread over the night.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp) {
    for place in PLACES {
        let mut rng = Rng::named(
            seed,
            &["hub-day", place.account, place.region],
            i64::from(slot.day().number()),
        );
        let due = slot.day().start().plus_seconds(rng.seconds(1, 70) * 300);
        if due != slot {
            continue;
        }
        for (number, (control, title, label, kind, passed)) in (0i64..).zip(ROUTINE) {
            let at = slot.plus_seconds(number * 9 + rng.seconds(0, 5));
            let id = resource_of(kind, place);
            let check = Check { control, title, label, passed, resource: (kind, id) };
            report(agenda, &mut rng, at, place, &check);
        }
    }
}

/// The resource of a place that stands for its kind.
fn resource_of(kind: &str, place: Place) -> String {
    match kind {
        "AwsS3Bucket" => format!("arn:aws:s3:::{}", world::buckets(place.account)[0]),
        "AwsCloudTrailTrail" => place.arn("cloudtrail", &format!("trail/{}", world::TRAIL)),
        "AwsEc2Vpc" if place == world::SHOP => {
            place.arn("ec2", &format!("vpc/{}", world::SHOP_VPC))
        }
        "AwsEc2Vpc" => place.arn("ec2", &format!("vpc/{}", world::TOOLS_VPC)),
        "AwsIamUser" => format!("arn:aws:iam::{}:user/report-reader", place.account),
        "AwsLambdaFunction" => place.arn("lambda", "function:order-events"),
        "AwsRdsDbInstance" => place.arn("rds", "db:orders-db"),
        "AwsSnsTopic" => place.arn("sns", "orders-alerts"),
        _ => format!("AWS::::Account:{}", place.account),
    }
}

/// Security Hub imports the outcome of a check.
pub(crate) fn report(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    place: Place,
    check: &Check,
) {
    let finding = check.finding(at, place);
    let detail = json!({"findings": [finding]});
    let arn = finding["Id"].as_str().unwrap_or_default();
    let product = format!("arn:aws:securityhub:{}::product/aws/securityhub/{arn}", place.region);
    let kind = ("aws.securityhub", "Security Hub Findings - Imported");
    agenda.bridge(rng, at, place, kind, &[product], &detail);
}

impl Check {
    fn finding(&self, at: Timestamp, place: Place) -> Value {
        let Place { account, region } = place;
        let (kind, resource) = &self.resource;
        let id = world::hex_id(&format!("{} {account} {region} {resource}", self.control), 32);
        let generator = format!("security-control/{}", self.control);
        let now = at.floor_to(1).to_string().replace('Z', ".000Z");
        let since = at.day().start().plus_seconds(-90 * DAY_SECONDS).to_string();
        let label = if self.passed { "INFORMATIONAL" } else { self.label };
        json!({
            "SchemaVersion": "2018-10-08",
            "Id": place.arn("securityhub", &format!("{generator}/finding/{id}")),
            "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/securityhub"),
            "ProductName": "Security Hub",
            "CompanyName": "AWS",
            "Region": region,
            "GeneratorId": generator,
            "AwsAccountId": account,
            "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
            "FirstObservedAt": since,
            "LastObservedAt": now,
            "CreatedAt": since,
            "UpdatedAt": now,
            "Severity": {"Label": label, "Original": label, "Normalized": self.normalised()},
            "Title": self.title,
            "Description": format!("{}.", self.title),
            "ProductFields": {"aws/securityhub/ProductName": "Security Hub"},
            "Resources": [{"Type": kind, "Id": resource, "Partition": "aws", "Region": region}],
            "Compliance": {
                "Status": if self.passed { "PASSED" } else { "FAILED" },
                "SecurityControlId": self.control,
                "AssociatedStandards": [{"StandardsId": "standards/aws-foundational-security-best-practices/v/1.0.0"}],
            },
            "WorkflowState": "NEW",
            "Workflow": {"Status": if self.passed { "RESOLVED" } else { "NEW" }},
            "RecordState": "ACTIVE",
        })
    }

    fn normalised(&self) -> u64 {
        match self.label {
            _ if self.passed => 0,
            "LOW" => 1,
            "MEDIUM" => 40,
            "HIGH" => 70,
            _ => 90,
        }
    }
}
