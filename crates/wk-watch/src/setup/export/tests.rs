//! Templates say what the plan wants.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::checks::testing::{Made, world};
use crate::setup::plan::tests::foundation;

fn example() -> Foundation {
    let text = include_str!("../../../../../docs/foundation.yaml");
    crate::setup::foundation::read("f", text).unwrap().0
}

fn seen() -> Posture {
    let vpcs = json!({"vpcSet": [{"vpcId": "vpc-0a"}, {"vpcId": "vpc-0b"}]});
    world(&[
        Made::answer("eu-central-1", "ec2:DescribeVpcs", vpcs),
        Made::denied("us-east-1", "ec2:DescribeVpcs"),
    ])
}

fn templates(f: &Foundation, posture: Option<&Posture>) -> BTreeMap<String, Value> {
    let files = export(f, posture, Format::CloudFormation).files;
    let json = files.into_iter().filter(|file| file.name.ends_with(".json"));
    json.map(|file| (file.name, serde_json::from_str(&file.text).unwrap())).collect()
}

fn resources<'t>(template: &'t Value, kind: &'t str) -> impl Iterator<Item = &'t Value> {
    let all = template["Resources"].as_object().unwrap().values();
    all.filter(move |r| r["Type"] == kind).map(|r| &r["Properties"])
}

#[test]
fn everything_of_the_first_two_phases_is_in_the_templates() {
    let (f, posture) = (example(), seen());
    let all = templates(&f, Some(&posture));
    let trail = resources(&all["2-management.cloudformation.json"], "AWS::CloudTrail::Trail")
        .next()
        .unwrap();
    for on in ["IsLogging", "IsMultiRegionTrail", "IsOrganizationTrail", "EnableLogFileValidation"]
    {
        assert_eq!(trail[on], true, "{on}");
    }
    assert_eq!(trail["InsightSelectors"].as_array().unwrap().len(), 2);
    let selectors = trail["AdvancedEventSelectors"].to_string();
    assert!(
        selectors.contains("AWS::Lambda::Function")
            && selectors.contains("arn:aws:s3:::example-org-trail/")
    );
    let filters =
        resources(&all["2-management.cloudformation.json"], "AWS::Logs::MetricFilter").count();
    let alarms =
        resources(&all["2-management.cloudformation.json"], "AWS::CloudWatch::Alarm").count();
    assert_eq!((filters, alarms), (15, 15));
    let archive = &all["1-archive.cloudformation.json"];
    let buckets: Vec<&Value> = resources(archive, "AWS::S3::Bucket").collect();
    assert_eq!(buckets.len(), 3);
    for bucket in buckets {
        let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
        assert_eq!(
            (&rule["ExpirationInDays"], &rule["Transitions"][0]["TransitionInDays"]),
            (&json!(2557), &json!(90))
        );
        assert!(
            bucket["ObjectLockEnabled"] == true
                && bucket["VersioningConfiguration"]["Status"] == "Enabled"
        );
    }
    let regions = &all["5-regions.cloudformation.json"];
    let detector = resources(regions, "AWS::GuardDuty::Detector").next().unwrap();
    assert_eq!(detector["FindingPublishingFrequency"], "FIFTEEN_MINUTES");
    assert_eq!(resources(regions, "AWS::SecurityHub::Standard").count(), 2);
    assert_eq!(resources(regions, "AWS::SecurityHub::ProductSubscription").count(), 4);
    assert_eq!(resources(regions, "AWS::Config::ConfigurationRecorder").count(), 1);
    let rules = &all["6-organization-rules.cloudformation.json"];
    assert_eq!(resources(rules, "AWS::Config::OrganizationConfigRule").count(), 9);
    let high = all["3-security.cloudformation.json"].to_string();
    assert!(high.contains(r#"{"severity":[{"numeric":[">=",7.0]}]}"#), "{high}");
}

#[test]
fn what_holds_evidence_stays_when_a_stack_goes() {
    let kept = [
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::CloudTrail::Trail",
        "AWS::Logs::LogGroup",
        "AWS::EC2::FlowLog",
        "AWS::GuardDuty::Detector",
        "AWS::SecurityHub::Hub",
    ];
    let posture = seen();
    for (name, template) in templates(&example(), Some(&posture)) {
        for (id, resource) in template["Resources"].as_object().unwrap() {
            if kept.contains(&resource["Type"].as_str().unwrap()) {
                assert_eq!(resource["DeletionPolicy"], "Retain", "{name} {id}");
                assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name} {id}");
            }
        }
    }
}

#[test]
fn flow_logs_are_told_vpc_by_vpc_and_what_was_not_seen_is_said() {
    let f = foundation("");
    let posture = world(&[
        Made::answer(
            "eu-west-1",
            "ec2:DescribeVpcs",
            json!({"vpcSet": [{"vpcId": "vpc-0a"}, {"vpcId": "vpc-0b"}]}),
        ),
        Made::denied("us-east-1", "ec2:DescribeVpcs"),
    ]);
    let exported = export(&f, Some(&posture), Format::CloudFormation);
    let file = exported
        .files
        .iter()
        .find(|file| file.name.starts_with("flow-logs.111122223333.eu-west-1"))
        .unwrap();
    let template: Value = serde_json::from_str(&file.text).unwrap();
    let logs: Vec<&Value> = resources(&template, "AWS::EC2::FlowLog").collect();
    assert_eq!(logs.len(), 4);
    assert!(
        logs.iter().all(|log| log["TrafficType"] == "ALL" && log["LogFormat"] == f.flow_format())
    );
    let groups: Vec<&Value> = resources(&template, "AWS::Logs::LogGroup").collect();
    assert!(groups.len() == 2 && groups.iter().all(|g| g["RetentionInDays"] == 90));
    assert!(
        exported.missing.iter().any(|n| n.contains("us-east-1") && n.contains("denied")),
        "{:?}",
        exported.missing
    );
    let without = export(&f, None, Format::CloudFormation);
    assert!(without.missing.iter().any(|n| n.contains("there is no inventory")));
}

#[test]
fn what_is_left_out_is_in_no_file() {
    let f = foundation("opt_outs: [{what: guardduty, reason: another product does it}]");
    for format in [Format::CloudFormation, Format::Terraform] {
        let exported = export(&f, None, format);
        let readme = exported.files.iter().find(|file| file.name == "README.txt").unwrap();
        assert!(
            readme.text.contains("guardduty (everywhere): another product does it"),
            "{}",
            readme.text
        );
        for file in exported.files.iter().filter(|file| file.name != "README.txt") {
            assert!(
                !file.text.contains("GuardDuty::Detector")
                    && !file.text.contains("aws_guardduty_detector")
            );
        }
    }
}

#[test]
fn terraform_has_a_provider_and_a_module_for_every_region_of_every_account() {
    let f = example();
    let files = export(&f, None, Format::Terraform).files;
    // However wide names are written.
    let plain = |name: &str| {
        let file = files.iter().find(|file| file.name == name).unwrap();
        file.text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let root = plain("main.tf");
    assert_eq!(root.matches("provider \"aws\"").count(), 4 * 3);
    assert_eq!(root.matches("source = \"./region\"").count(), 4 * 3);
    assert_eq!(root.matches("source = \"./account\"").count(), 4);
    assert_eq!(root.matches("is_hub = true").count(), 1);
    let region = plain("region/main.tf");
    assert!(region.contains("$${version} $${account-id}"), "{region}");
    assert!(region.contains("for_each = toset(data.aws_vpcs.all.ids)"));
    for file in &files {
        let braces = |open: char| file.text.matches(open).count();
        assert_eq!((braces('{'), braces('[')), (braces('}'), braces(']')), "{}", file.name);
    }
}
