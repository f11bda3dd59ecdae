//! Plans over made answers.

use serde_json::{Value, json};

use super::*;
use crate::checks::testing::{Made, world};
use crate::setup::foundation::read;

/// A foundation of one account and two regions.
pub(in crate::setup) fn foundation(more: &str) -> Foundation {
    let text = format!(
        "foundation: 1\norganization: o-exampleorgid\naccounts: {{management: 111122223333, security: 111122223333, archive: 111122223333}}\nregions: {{home: eu-west-1, others: [us-east-1]}}\ncontacts: {{critical: [{{email: a@example.com}}]}}\nbuckets: {{trail: logs-1, config: logs-1, flow_logs: logs-1}}\n{more}\n"
    );
    read("f", &text).unwrap_or_else(|wrong| panic!("{wrong:?}")).0
}

/// The plan of one subject.
pub(in crate::setup) fn planned(subject: &str, foundation: &Foundation, made: &[Made]) -> Plan {
    planned_with(subject, foundation, made, Choices::default())
}

pub(in crate::setup) fn planned_with(
    subject: &str,
    foundation: &Foundation,
    made: &[Made],
    choices: Choices,
) -> Plan {
    plan(foundation, &world(made), &subjects(&[subject.to_owned()]).unwrap(), choices)
}

fn groups(region: &'static str, groups: &[(&str, Option<u32>)]) -> Made {
    let one = |(name, days): &(&str, Option<u32>)| match days {
        Some(days) => json!({"logGroupName": name, "retentionInDays": days, "storedBytes": 12}),
        None => json!({"logGroupName": name}),
    };
    let groups: Vec<Value> = groups.iter().map(one).collect();
    Made::answer(region, "logs:DescribeLogGroups", json!({"logGroups": groups}))
}

#[test]
fn retention_is_made_longer_and_never_shorter_and_a_denied_region_is_unknown() {
    let made = [
        groups(
            "eu-west-1",
            &[("/aws/lambda/a", Some(30)), ("an-audit", None), ("x", Some(30)), ("y", Some(90))],
        ),
        Made::denied("us-east-1", "logs:DescribeLogGroups"),
    ];
    let plan = planned("retention", &foundation(""), &made);
    assert_eq!(plan.steps.len(), 1);
    let step = &plan.steps[0];
    assert_eq!(step.parameters, json!({"logGroupName": "/aws/lambda/a", "retentionInDays": 90}));
    assert_eq!(step.permissions, ["logs:PutRetentionPolicy"]);
    assert_eq!(
        step.command(),
        "aws logs put-retention-policy --region eu-west-1 --cli-input-json '{\"logGroupName\":\"/aws/lambda/a\",\"retentionInDays\":90}'"
    );
    assert_eq!((plan.good, plan.refused.len()), (1, 2));
    let unknown: Vec<&Told> = plan.unknown.iter().filter(|t| t.subject == "retention").collect();
    assert_eq!((unknown.len(), unknown[0].region.as_str()), (1, "us-east-1"));
    assert!(unknown[0].why.contains("denied") && !plan.is_whole());
    let asked = planned_with("retention", &foundation(""), &made, Choices { shorten: true });
    let fatal: Vec<&Step> = asked.steps.iter().filter(|s| s.dies.is_some()).collect();
    assert_eq!(fatal.len(), 2);
    assert!(
        fatal.iter().any(|s| s
            .dies
            .as_ref()
            .unwrap()
            .contains("12 bytes in y that is older than 30 days"))
    );
}

#[test]
fn a_region_that_was_never_asked_is_unknown_too() {
    let made = [groups("eu-west-1", &[("x", Some(30))])];
    let plan = planned("retention", &foundation(""), &made);
    let unknown = plan.unknown.iter().find(|t| t.subject == "retention").unwrap();
    assert!(unknown.region == "us-east-1" && unknown.why.contains("was not asked"), "{unknown:?}");
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let out = foundation(
        "opt_outs: [{what: retention, regions: [us-east-1], reason: nothing runs there}]",
    );
    let plan = planned("retention", &out, &[groups("eu-west-1", &[])]);
    assert_eq!(plan.left_out.len(), 1);
    assert_eq!(
        (plan.left_out[0].region.as_str(), plan.left_out[0].why.as_str()),
        ("us-east-1", "nothing runs there")
    );
}

#[test]
fn accounts_and_regions_beyond_the_foundation_are_told() {
    let made = [
        Made::global(
            "organizations:ListAccounts",
            json!({"Accounts": [{"Id": "111122223333"}, {"Id": "999988887777"}]}),
        ),
        Made::global(
            "ec2:DescribeRegions",
            json!({"regionInfo": [{"regionName": "eu-west-1"}, {"regionName": "eu-north-1"}]}),
        ),
        groups("eu-west-1", &[]),
        groups("us-east-1", &[]),
    ];
    let plan = planned("retention", &foundation(""), &made);
    let beyond: Vec<&str> = plan.beyond.iter().map(|t| t.why.as_str()).collect();
    assert!(beyond.len() == 2 && plan.is_whole(), "{beyond:?} {:?}", plan.unknown);
    assert_eq!(
        (plan.beyond[0].account.as_str(), plan.beyond[1].region.as_str()),
        ("999988887777", "eu-north-1")
    );
}

#[test]
fn every_subject_reads_what_is_asked_and_has_a_name_of_its_own() {
    let mut names: Vec<&str> = ALL.iter().map(|s| s.id).collect();
    for subject in ALL {
        assert!(!subject.title.is_empty() && !subject.serves.is_empty(), "{}", subject.id);
        for read in subject.reads {
            assert!(crate::inventory::named(read).next().is_some(), "{} reads {read}", subject.id);
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    assert_eq!(subjects(&["nobody".into()]).unwrap_err(), "nobody");
}
