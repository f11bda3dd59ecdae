//! Mistakes with alarms and dashboards.

use super::Lint;
use super::script::Script;

/// Metrics that documents name and AWS does not publish.
const UNPUBLISHED: [(&str, &str); 3] = [
    ("AWS/GuardDuty", "FindingCount"),
    ("AWS/Config", "ComplianceViolations"),
    ("AWS/CloudTrail", "UnauthorizedAPICallCount"),
];

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "alarm-without-filter",
        title: "An alarm looks at a metric that nothing fills",
        why: "Outside of AWS's own name spaces a metric is what a metric filter or a program publishes; \
              without one the alarm stays in INSUFFICIENT_DATA for ever.",
        right: "aws logs put-metric-filter on the trail's log group, with this metricName and \
                metricNamespace.",
        example: "aws cloudwatch put-metric-alarm --metric-name RootAccountUsage --namespace CISBenchmark --treat-missing-data notBreaching",
        mended: "aws logs put-metric-filter --metric-transformations metricName=RootAccountUsage,metricNamespace=CISBenchmark,metricValue=1\naws cloudwatch put-metric-alarm --metric-name RootAccountUsage --namespace CISBenchmark --treat-missing-data notBreaching",
        find: alarms_without_filter,
    },
    Lint {
        id: "unpublished-metric",
        title: "A metric is named that AWS does not publish",
        why: "GuardDuty, AWS Config and CloudTrail publish no such counts: the graph stays empty and the \
              alarm never fires.",
        right: "Count events by metric filters on the trail's log group, or findings by a rule of \
                EventBridge; GuardDuty publishes FindingsMatchedByFilter for its filters.",
        example: "[\"AWS/GuardDuty\", \"FindingCount\", {\"stat\": \"Sum\"}]",
        mended: "[\"AWS/GuardDuty\", \"FindingsMatchedByFilter\", {\"stat\": \"Sum\"}]",
        find: |script: &Script<'_>| {
            let in_line = script.where_line(|line| {
                UNPUBLISHED.iter().any(|(s, n)| line.contains(s) && line.contains(n))
            });
            let in_alarm = script.calls("cloudwatch", "put-metric-alarm").filter(|c| {
                let (space, name) = (c.flag("namespace"), c.flag("metric-name"));
                UNPUBLISHED.iter().any(|(s, n)| space == Some(s) && name == Some(n))
            });
            in_line.chain(in_alarm.map(|c| c.line)).collect()
        },
    },
    Lint {
        id: "missing-data",
        title: "An alarm does not say what missing data mean",
        why: "A metric that exists only while something happens is missing otherwise, and the alarm is \
              then in INSUFFICIENT_DATA, which looks like a fault or hides one.",
        right: "Pass --treat-missing-data notBreaching for counts of what should not happen.",
        example: "aws cloudwatch put-metric-alarm --metric-name CPUUtilization --namespace AWS/EC2",
        mended: "aws cloudwatch put-metric-alarm --metric-name CPUUtilization --namespace AWS/EC2 --treat-missing-data notBreaching",
        find: |script| {
            let calls = script.calls("cloudwatch", "put-metric-alarm");
            calls.filter(|c| c.flag("treat-missing-data").is_none()).map(|c| c.line).collect()
        },
    },
    Lint {
        id: "exact-error-code",
        title: "A query asks for one spelling of an error code",
        why: "EC2 writes Client.UnauthorizedOperation, other services AccessDeniedException: both are \
              missed.",
        right: "filter errorCode like /UnauthorizedOperation|AccessDenied/",
        example: "filter errorCode = 'UnauthorizedOperation' or errorCode = 'AccessDenied'",
        mended: "filter errorCode like /UnauthorizedOperation|AccessDenied/",
        find: |script| script.holding("errorCode = 'UnauthorizedOperation'").collect(),
    },
    Lint {
        id: "joined-statistics",
        title: "Statistics are joined by a comma",
        why: "The AWS CLI sends one statistic that is called Average,Maximum.",
        right: "Part them by a blank: --statistics Average Maximum",
        example: "aws cloudwatch get-metric-statistics --namespace AWS/RDS --dimensions Name=a,Value=b --statistics Average,Maximum",
        mended: "aws cloudwatch get-metric-statistics --namespace AWS/RDS --dimensions Name=a,Value=b --statistics Average Maximum",
        find: |script| {
            let calls = script.calls("cloudwatch", "get-metric-statistics");
            let joined = calls.filter(|c| c.flag("statistics").is_some_and(|s| s.contains(',')));
            joined.map(|c| c.line).collect()
        },
    },
    Lint {
        id: "no-dimension",
        title: "A metric of EC2 is asked for without a dimension",
        why: "Without one only machines with detailed monitoring are counted, all in one number.",
        right: "Name each one: --dimensions Name=InstanceId,Value=…, or ask by a search expression.",
        example: "aws cloudwatch get-metric-statistics --namespace AWS/EC2 --metric-name CPUUtilization",
        mended: "aws cloudwatch get-metric-statistics --namespace AWS/EC2 --metric-name CPUUtilization --dimensions Name=InstanceId,Value=i",
        find: |script| {
            let calls = script.calls("cloudwatch", "get-metric-statistics");
            let bare = calls.filter(|c| {
                c.flag("namespace") == Some("AWS/EC2") && c.flag("dimensions").is_none()
            });
            bare.map(|c| c.line).collect()
        },
    },
];

fn alarms_without_filter(script: &Script<'_>) -> Vec<usize> {
    let alarms = script.calls("cloudwatch", "put-metric-alarm").filter(|alarm| {
        let (Some(space), Some(name)) = (alarm.flag("namespace"), alarm.flag("metric-name")) else {
            return false;
        };
        let fills = |filter: &super::script::Command| filter.says(space) && filter.says(name);
        !space.starts_with("AWS/") && !script.calls("logs", "put-metric-filter").any(fills)
    });
    alarms.map(|alarm| alarm.line).collect()
}
