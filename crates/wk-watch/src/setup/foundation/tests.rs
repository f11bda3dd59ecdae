//! The example says the truth, and every mistake is told by its place.

use super::*;
use crate::setup::retention::Keep;

const EXAMPLE: &str = include_str!("../../../../../docs/foundation.yaml");

/// The example with every line taken in that is commented out.
fn whole() -> String {
    let taken = EXAMPLE.lines().map(|line| match line.split_once('#') {
        Some((before, rest)) if before.trim().is_empty() && !rest.starts_with([' ', '#']) => {
            format!("{before}{rest}")
        }
        // Below a key that is commented out its members stand with blanks behind the sign.
        Some(("", rest)) if rest.starts_with("  ") && !rest.starts_with("   w") => rest.to_owned(),
        _ => line.to_owned(),
    });
    taken.collect::<Vec<_>>().join("\n") + "\n"
}

fn mistakes(text: &str) -> Vec<Mistake> {
    read("foundation.yaml", text).map(|(_, told)| told).unwrap_or_else(|wrong| wrong)
}

#[test]
fn the_example_can_be_read_and_what_it_comments_out_is_what_counts_anyway() {
    let (short, told) = read("f", EXAMPLE).unwrap();
    assert_eq!(told, []);
    let text = whole();
    for key in ["\ntrail:", "\nretention:", "  hot_days:", "\n  rules:", "\nalarms:"] {
        assert!(text.contains(key), "{key:?} is not taken in:\n{text}");
    }
    let (long, told) = read("f", &text).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"));
    assert_eq!(told, []);
    assert_eq!(short.buckets, long.buckets);
    assert_eq!((&short.trail, &short.config), (&long.trail, &long.config));
    assert_eq!((&short.guardduty, &short.security_hub), (&long.guardduty, &long.security_hub));
    assert_eq!((&short.events, &short.key), (&long.events, &long.key));
    assert_eq!(short.flow_logs.fields, long.flow_logs.fields);
    assert_eq!((short.flow_logs.interval_seconds, long.flow_logs.interval_seconds), (600, 600));
    assert_eq!(long.retention.archive_after_days, Some(7));
    for name in ["/aws/lambda/a", "/aws/cloudtrail/a", "an-audit", "x"] {
        assert_eq!(short.retention.wanted(name), long.retention.wanted(name), "{name}");
    }
    assert_eq!(short.regions, ["eu-central-1", "eu-west-1", "us-east-1"]);
    assert_eq!(short.retention.wanted("/aws/cloudtrail/a").keep, Keep::Days(2557));
}

/// The least that can be said, with one more part.
fn with(more: &str) -> String {
    format!(
        "foundation: 1\norganization: o-exampleorgid\naccounts: {{management: 111122223333, security: 222233334444, archive: 333344445555}}\nregions: {{home: eu-central-1}}\ncontacts: {{critical: [{{email: a@example.com}}]}}\nbuckets: {{trail: t-1, config: c-1, flow_logs: f-1}}\n{more}\n"
    )
}

#[test]
fn the_least_that_can_be_said_is_enough() {
    let (least, told) = read("f", &with("")).unwrap();
    assert_eq!(told, []);
    assert_eq!(least.key_arn(), "arn:aws:kms:eu-central-1:333344445555:alias/security-logs");
    assert_eq!(least.flow_logs.fields.len(), 25);
    assert!(least.flow_format().starts_with("${version} ${account-id}"));
}

#[test]
fn the_mistakes_of_the_documents_are_refused_and_explained() {
    for (more, lint, right) in [
        ("retention: {rules: [{prefix: /aws/cloudtrail/, days: 2555}]}", "retention-term", "2557"),
        ("retention: {default_days: 1825}", "retention-term", "1827"),
        ("retention: {rules: [{match: security, days: 90}]}", "substring-match", "startswith"),
        ("trail: {data_events: ['arn:aws:s3:::*/']}", "objects-selector", "AWS::S3::Object"),
        ("trail: {data_events: [AWS::S3::Object]}", "functions-selector", "AWS::Lambda::Function"),
        ("trail: {insights: [ApiCallRateInsight]}", "one-insight", "ApiErrorRateInsight"),
        ("trail: {log_group: }", "trail-without-log-group", "log-group-arn"),
        ("key: none", "trail-without-key", "--kms-key-id"),
        ("flow_logs: {destinations: [cloud-watch-logs]}", "flow-log-destination", "s3"),
        ("flow_logs: {fields: [version, srcaddr]}", "flow-log-format", "--log-format"),
        ("config: {rules: [CLOUD_TRAIL_ENABLED]}", "single-region-rule", "MULTI_REGION"),
        ("guardduty: {data_sources: {S3Logs: true}}", "guardduty-data-sources", "--features"),
        (
            "security_hub: {standards: ['arn:aws:securityhub:eu-central-1::standards/cis-aws-foundations-benchmark/v/1.2.0']}",
            "old-standard",
            "v/3.0.0",
        ),
        ("security_hub: {standards: [pci-dss/v/3.2.1]}", "old-standard", "4.0.1"),
        (
            "security_hub: {update_findings: true}",
            "update-findings",
            "enable-import-findings-for-product",
        ),
        (
            "alarms: {also: [{name: g, namespace: AWS/GuardDuty, metric: FindingCount, threshold: 1}]}",
            "unpublished-metric",
            "FindingsMatchedByFilter",
        ),
        ("events: {severity_min: [7, 8, 8.8]}", "severity-list", "numeric"),
    ] {
        let wrong = read("foundation.yaml", &with(more)).unwrap_err();
        let told = wrong.iter().find(|m| m.lint == Some(lint));
        let told = told.unwrap_or_else(|| panic!("{more}: {wrong:?}"));
        assert!(told.why.contains(right), "{more}: {}", told.why);
        assert_eq!(told.place.line, 7, "{more}");
        assert!(told.to_string().starts_with("foundation.yaml, line 7"), "{told}");
    }
}

#[test]
fn every_other_mistake_is_told_with_its_place_and_all_at_once() {
    for (more, says) in [
        ("trial: {}", "did you mean trail?"),
        ("retention: {rules: [{prefix: a, contains: b, days: 1}]}", "in one way"),
        ("retention: {rules: [{regex: '(', days: 1}]}", "regex"),
        ("retention: {rules: [{prefix: a}]}", "says no days"),
        ("retention: {default_days: 4000}", "write never"),
        ("retention: {archive_after_days: 90}", "deleted already"),
        ("guardduty: {frequency: SIX_HOURS}", "15 minutes"),
        ("guardduty: {features: [S3_DATA_EVENTS]}", "EKS_AUDIT_LOGS"),
        ("security_hub: {standards: [cis]}", "NAME/v/VERSION"),
        ("alarms: {namespace: AWS/Own}", "AWS's own"),
        ("opt_outs: [{what: guardduty, reason: no}]", "fewer than 10"),
        ("opt_outs: [{what: guardduty}]", "reason is missing"),
        ("opt_outs: [{what: everything, reason: because I said so}]", "is none"),
        ("key: arn:aws:kms:us-east-1:333344445555:key/1", "CloudTrail refuses"),
        ("key: alias/aws/s3", "neither"),
        ("events: {queue: 'https://x'}", "not the ARN of a queue"),
        ("flow_logs: {interval_seconds: 90}", "60 or 600"),
    ] {
        let wrong = read("f", &with(more)).unwrap_err();
        assert!(
            wrong.iter().any(|m| m.why.contains(says) && m.place.line == 7),
            "{more}: {wrong:?}"
        );
    }
    let many =
        mistakes("foundation: 2\norganization: x\naccounts: {management: 1}\nregions: [a]\n");
    assert!(many.len() >= 6, "{many:?}");
    for text in ["", "- a", "a: [", "foundation: 1\n---\nfoundation: 1\n", "foundation: 1"] {
        assert!(read("f", text).is_err(), "{text}");
    }
}

#[test]
fn what_is_doubtful_is_told_and_used() {
    for (more, says) in [
        ("retention: {default_days: 100}", "120, the next longer one"),
        ("alarms: {also: [{name: a, namespace: Own, metric: M, threshold: 1}]}", "nobody says"),
        (
            "opt_outs: [{what: guardduty, regions: [eu-north-1], reason: nothing runs there}]",
            "no region",
        ),
    ] {
        let (_, told) = read("f", &with(more)).unwrap_or_else(|wrong| panic!("{more}: {wrong:?}"));
        assert!(told.iter().any(|m| m.why.contains(says)), "{more}: {told:?}");
    }
}

#[test]
fn what_is_left_out_is_left_out_there_alone() {
    let text = "opt_outs: [{what: guardduty, regions: [eu-central-1], accounts: ['111122223333'], reason: nothing runs there}]";
    let (foundation, _) = read("f", &with(text)).unwrap();
    assert!(foundation.left_out("guardduty", "111122223333", "eu-central-1").is_some());
    assert!(foundation.left_out("guardduty", "222233334444", "eu-central-1").is_none());
    assert!(foundation.left_out("trail", "111122223333", "eu-central-1").is_none());
}
