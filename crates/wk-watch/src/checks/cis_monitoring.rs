//! CIS monitoring: for each of fifteen subjects a metric filter sees it, an alarm looks at the filter's
//! metric, and somebody hears the alarm. What a filter sees is told by holding made events against its
//! pattern, not by comparing its text.

use serde_json::Value;
use wk_lang::filter::Filter;
use wk_lang::json::Tape;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::{alarms, trails};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{list, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "cis-monitoring",
    title: "Each subject of CIS monitoring has a filter, an alarm and somebody who hears it",
    severity: SeverityWord::Medium,
    points: &["CC7.2", "CC7.3"],
    nist: &["SI-4", "AU-6", "IR-6"],
    cis: &[
        "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12",
        "4.13", "4.14", "4.15",
    ],
    serves: &["R-071", "R-356"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "logs:DescribeMetricFilters",
        "monitoring:DescribeAlarms",
        "sns:ListSubscriptionsByTopic",
    ],
    why: "A metric that no filter fills stays silent for ever, and so does its alarm; a subscription \
          that nobody confirmed reaches nobody.",
    remedy: "Make the filter on the trail's log group, an alarm on its metric (Sum, 300 s, at least 1), \
             and confirm a subscription to the alarm's topic.",
    ..Check::NATIVE
};

/// A subject: events that its filter must see, and one that it must not.
struct Subject {
    number: &'static str,
    what: &'static str,
    seen: &'static [&'static str],
    not_seen: &'static str,
}

/// Something that happens all day.
const CALM: &str = r#"{"eventName":"DescribeInstances","eventSource":"ec2.amazonaws.com","eventType":"AwsApiCall","userIdentity":{"type":"AssumedRole"}}"#;

const SUBJECTS: &[Subject] = &[
    Subject {
        number: "4.1",
        what: "unauthorized calls",
        seen: &[
            r#"{"eventName":"RunInstances","errorCode":"Client.UnauthorizedOperation"}"#,
            r#"{"eventName":"GetSecretValue","errorCode":"AccessDeniedException"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.2",
        what: "console sign-in without MFA",
        seen: &[
            r#"{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}"#,
        ],
        not_seen: r#"{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}}"#,
    },
    Subject {
        number: "4.3",
        what: "use of root",
        seen: &[
            r#"{"eventName":"CreateBucket","eventType":"AwsApiCall","userIdentity":{"type":"Root"}}"#,
        ],
        not_seen: r#"{"eventName":"X","eventType":"AwsServiceEvent","userIdentity":{"type":"Root"}}"#,
    },
    Subject {
        number: "4.4",
        what: "IAM policy changes",
        seen: &[
            r#"{"eventName":"AttachUserPolicy","eventSource":"iam.amazonaws.com"}"#,
            r#"{"eventName":"PutRolePolicy","eventSource":"iam.amazonaws.com"}"#,
            r#"{"eventName":"CreatePolicyVersion","eventSource":"iam.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.5",
        what: "changes to CloudTrail",
        seen: &[
            r#"{"eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com"}"#,
            r#"{"eventName":"DeleteTrail","eventSource":"cloudtrail.amazonaws.com"}"#,
            r#"{"eventName":"UpdateTrail","eventSource":"cloudtrail.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.6",
        what: "failed console sign-in",
        seen: &[r#"{"eventName":"ConsoleLogin","errorMessage":"Failed authentication"}"#],
        not_seen: r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}"#,
    },
    Subject {
        number: "4.7",
        what: "keys disabled or scheduled for deletion",
        seen: &[
            r#"{"eventName":"DisableKey","eventSource":"kms.amazonaws.com"}"#,
            r#"{"eventName":"ScheduleKeyDeletion","eventSource":"kms.amazonaws.com"}"#,
        ],
        not_seen: r#"{"eventName":"Decrypt","eventSource":"kms.amazonaws.com"}"#,
    },
    Subject {
        number: "4.8",
        what: "bucket policy changes",
        seen: &[
            r#"{"eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com"}"#,
            r#"{"eventName":"DeleteBucketPolicy","eventSource":"s3.amazonaws.com"}"#,
            r#"{"eventName":"PutBucketAcl","eventSource":"s3.amazonaws.com"}"#,
        ],
        not_seen: r#"{"eventName":"GetBucketPolicy","eventSource":"s3.amazonaws.com"}"#,
    },
    Subject {
        number: "4.9",
        what: "changes to AWS Config",
        seen: &[
            r#"{"eventName":"StopConfigurationRecorder","eventSource":"config.amazonaws.com"}"#,
            r#"{"eventName":"DeleteDeliveryChannel","eventSource":"config.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.10",
        what: "security group changes",
        seen: &[
            r#"{"eventName":"AuthorizeSecurityGroupIngress","eventSource":"ec2.amazonaws.com"}"#,
            r#"{"eventName":"DeleteSecurityGroup","eventSource":"ec2.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.11",
        what: "network ACL changes",
        seen: &[
            r#"{"eventName":"CreateNetworkAclEntry","eventSource":"ec2.amazonaws.com"}"#,
            r#"{"eventName":"ReplaceNetworkAclAssociation","eventSource":"ec2.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.12",
        what: "network gateway changes",
        seen: &[
            r#"{"eventName":"AttachInternetGateway","eventSource":"ec2.amazonaws.com"}"#,
            r#"{"eventName":"CreateCustomerGateway","eventSource":"ec2.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.13",
        what: "route table changes",
        seen: &[
            r#"{"eventName":"CreateRoute","eventSource":"ec2.amazonaws.com"}"#,
            r#"{"eventName":"ReplaceRouteTableAssociation","eventSource":"ec2.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.14",
        what: "VPC changes",
        seen: &[
            r#"{"eventName":"DeleteVpc","eventSource":"ec2.amazonaws.com"}"#,
            r#"{"eventName":"CreateVpcPeeringConnection","eventSource":"ec2.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
    Subject {
        number: "4.15",
        what: "changes to the organization",
        seen: &[
            r#"{"eventName":"LeaveOrganization","eventSource":"organizations.amazonaws.com"}"#,
            r#"{"eventName":"AttachPolicy","eventSource":"organizations.amazonaws.com"}"#,
        ],
        not_seen: CALM,
    },
];

/// A metric filter on a trail's log group, in the region where it lies.
struct Found<'a> {
    region: &'a str,
    told: &'a Value,
}

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let (filters, elsewhere) = filters(view)?;
    if let Some(account) = elsewhere.filter(|_| filters.is_empty()) {
        let why =
            format!("the trail delivers to a log group of account {account}, and is judged there");
        return Ok(vec![view.beside(view.account(), why)]);
    }
    Ok(view.each(
        SUBJECTS,
        |s| format!("{} {}", s.number, s.what),
        |view, name, subject| {
            let mut lacks = "no metric filter on a trail's log group sees it".to_owned();
            for filter in filters.iter().filter(|f| sees(word(f.told, "filterPattern"), subject)) {
                match told(view, filter)? {
                    Ok(why) => return Ok(view.good(name, why)),
                    Err(why) => lacks = why,
                }
            }
            Ok(view.bad(name, lacks))
        },
    ))
}

/// The metric filters on log groups that trails of all regions deliver to while they log; and another
/// account whose log group one delivers to.
fn filters<'a>(view: &View<'a>) -> Result<(Vec<Found<'a>>, Option<&'a str>), Blind> {
    let (mut found, mut elsewhere) = (Vec::new(), None);
    for trail in trails::all(view)?.into_iter().filter(|trail| trail.multi_region) {
        let Some(arn) = text(trail.told, "CloudWatchLogsLogGroupArn") else { continue };
        // arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*
        let parts: Vec<&str> = arn.split(':').collect();
        let (Some(region), Some(account), Some(group)) = (parts.get(3), parts.get(4), parts.get(6))
        else {
            continue;
        };
        if *account != view.account() {
            elsewhere = Some(*account);
            continue;
        }
        if !trail.logs(view)? {
            continue;
        }
        let there = view.in_region(region);
        let all = there.list("logs:DescribeMetricFilters", &["metricFilters"])?;
        view.also(&there);
        let of_group = all.into_iter().filter(|f| text(f, "logGroupName") == Some(*group));
        found.extend(of_group.map(|told| Found { region, told }));
    }
    Ok((found, elsewhere))
}

fn sees(pattern: &str, subject: &Subject) -> bool {
    let Ok(filter) = Filter::parse(pattern) else { return false };
    let mut tape = Tape::default();
    let mut meets = |event: &str| tape.parse(event).is_ok_and(|event| filter.meets(event));
    subject.seen.iter().all(|event| meets(event)) && !meets(subject.not_seen)
}

/// Whether an alarm on the filter's metric is heard; else what is missing.
fn told<'a>(view: &View<'a>, filter: &Found<'a>) -> Result<Result<String, String>, Blind> {
    let there = view.in_region(filter.region);
    let all = alarms::all(&there)?;
    let name = word(filter.told, "filterName");
    let metrics: Vec<(&str, &str)> = list(filter.told, "metricTransformations")
        .into_iter()
        .map(|t| (word(t, "metricNamespace"), word(t, "metricName")))
        .collect();
    let mut lacks = format!("filter {name} sees it, and no alarm looks at its metric");
    for alarm in all {
        if !alarms::metric(alarm).is_some_and(|metric| metrics.contains(&metric)) {
            continue;
        }
        let heard = alarms::heard(&there, alarm)?;
        view.also(&there);
        match heard {
            Ok(()) => {
                return Ok(Ok(format!("filter {name}, alarm {}, heard", word(alarm, "AlarmName"))));
            }
            Err(why) => {
                lacks = format!("alarm {} looks at it, but {why}", word(alarm, "AlarmName"))
            }
        }
    }
    view.also(&there);
    Ok(Err(lacks))
}

#[cfg(test)]
mod tests {
    use super::super::Overrides;
    use super::super::facts::alarms::made::{alarm, alarms, subscribed};
    use super::super::facts::trails::made::{logging, trail};
    use super::super::testing::{Made, world};
    use super::{CHECK, SUBJECTS, sees};
    use serde_json::json;
    use wk_model::check::Verdict;

    const CONFIRMED: &str = "arn:aws:sns:eu-west-1:111122223333:alerts:1";
    const STOPPED: &str =
        "{ ($.eventName=StopLogging) || ($.eventName=DeleteTrail) || ($.eventName=UpdateTrail) }";

    fn said(pattern: &str, group: &str, made: &[Made]) -> (Verdict, String) {
        let filter = json!({"filterName": "f", "filterPattern": pattern, "logGroupName": group, "metricTransformations": [{"metricNamespace": "Cis", "metricName": "Trail"}]});
        let filters = Made::answer(
            "eu-west-1",
            "logs:DescribeMetricFilters",
            json!({"metricFilters": [filter]}),
        );
        let more = json!({"CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-west-1:111122223333:log-group:trail:*"});
        let made = [&[trail(&more), logging(true), filters], made].concat();
        let rows = CHECK.run(&world(&made), &Overrides::new());
        assert_eq!(rows.len(), SUBJECTS.len());
        let row = rows.into_iter().find(|r| r.resource.starts_with("4.5 ")).unwrap();
        (row.verdict, row.why)
    }

    #[test]
    fn filter_alarm_and_confirmed_subscriber_are_all_wanted() {
        let on = || alarms(&[alarm("a", "Cis", "Trail", &json!({}))]);
        let good = said(STOPPED, "trail", &[on(), subscribed(CONFIRMED)]);
        assert_eq!(good, (Verdict::Compliant, "filter f, alarm a, heard".into()));
        let waiting = said(STOPPED, "trail", &[on(), subscribed("PendingConfirmation")]);
        assert!(waiting.0 == Verdict::NonCompliant && waiting.1.contains("nobody has confirmed"));
        let other = said(STOPPED, "trail", &[alarms(&[alarm("a", "Cis", "Other", &json!({}))])]);
        assert!(other.1.contains("no alarm looks at its metric"), "{}", other.1);
        let off = alarms(&[alarm("a", "Cis", "Trail", &json!({"ActionsEnabled": "false"}))]);
        assert!(said(STOPPED, "trail", &[off]).1.contains("actions are off"));
        let elsewhere = said(STOPPED, "app", &[on(), subscribed(CONFIRMED)]);
        assert!(elsewhere.1.contains("no metric filter"), "{}", elsewhere.1);
        let half = said("{ $.eventName = StopLogging }", "trail", &[on(), subscribed(CONFIRMED)]);
        assert!(half.1.contains("no metric filter"), "{}", half.1);
    }

    #[test]
    fn what_cannot_be_seen_is_not_missing() {
        let denied = Made::denied("eu-west-1", "monitoring:DescribeAlarms");
        assert_eq!(said(STOPPED, "trail", &[denied]).0, Verdict::NoData);
    }

    #[test]
    fn a_filter_of_everything_is_a_filter_of_nothing() {
        for subject in SUBJECTS {
            assert!(
                !sees("{ $.eventName = * || $.eventType = * || $.errorCode = * }", subject),
                "{}",
                subject.number
            );
        }
    }
}
