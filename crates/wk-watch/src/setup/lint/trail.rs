//! Mistakes with trails.

use super::Lint;
use super::script::{Command, Script};

fn lacking(script: &Script<'_>, operation: &str, lacks: impl Fn(&Command) -> bool) -> Vec<usize> {
    script.calls("cloudtrail", operation).filter(|c| lacks(c)).map(|c| c.line).collect()
}

pub(super) const LINTS: &[Lint] = &[
    Lint {
        id: "trail-without-key",
        title: "A trail is made without a KMS key",
        why: "Its files lie under the bucket's own key: whoever reads the bucket reads the trail, and \
              SSE-KMS, which is asked for, is not on.",
        right: "Pass --kms-key-id, with a key whose policy lets CloudTrail encrypt for the trail.",
        example: "aws cloudtrail create-trail --name t --s3-bucket-name b",
        mended: "aws cloudtrail create-trail --name t --s3-bucket-name b --kms-key-id alias/logs",
        find: |script| lacking(script, "create-trail", |c| c.flag("kms-key-id").is_none()),
    },
    Lint {
        id: "trail-without-log-group",
        title: "A trail is made without a log group",
        why: "Metric filters read log groups: without one no filter sees an event, and no alarm on \
              its metric can ever fire.",
        right: "Pass --cloud-watch-logs-log-group-arn and --cloud-watch-logs-role-arn.",
        example: "aws cloudtrail create-trail --name t",
        mended: "aws cloudtrail create-trail --name t --cloud-watch-logs-log-group-arn a --cloud-watch-logs-role-arn r",
        find: |script| {
            lacking(script, "create-trail", |c| c.flag("cloud-watch-logs-log-group-arn").is_none())
        },
    },
    Lint {
        id: "one-insight",
        title: "Only one kind of Insights is switched on",
        why: "Bursts of calls are looked for, and bursts of errors, by which guessing shows, are not.",
        right: "Name both ApiCallRateInsight and ApiErrorRateInsight.",
        example: "aws cloudtrail put-insight-selectors --trail-name t --insight-selectors '[{\"InsightType\":\"ApiCallRateInsight\"}]'",
        mended: "aws cloudtrail put-insight-selectors --trail-name t --insight-selectors '[{\"InsightType\":\"ApiCallRateInsight\"},{\"InsightType\":\"ApiErrorRateInsight\"}]'",
        find: |script| {
            let both = |c: &Command| c.says("ApiCallRateInsight") && c.says("ApiErrorRateInsight");
            lacking(script, "put-insight-selectors", |c| !both(c))
        },
    },
    Lint {
        id: "objects-selector",
        title: "arn:aws:s3:::*/ selects no object",
        why: "CloudTrail takes it for a bucket that is called *, so no data event is logged.",
        right: "All buckets are arn:aws:s3 in a basic selector; better an advanced one by \
                resources.type AWS::S3::Object that leaves out the log buckets.",
        example: "\"Values\": [\"arn:aws:s3:::*/\"]",
        mended: "\"Values\": [\"arn:aws:s3\"]",
        find: |script| script.holding("arn:aws:s3:::*/\"").collect(),
    },
    Lint {
        id: "functions-selector",
        title: "Data events of functions are not selected",
        why: "Who invoked a function is not logged unless AWS::Lambda::Function is selected too.",
        right: "Add a selector of AWS::Lambda::Function beside that of AWS::S3::Object.",
        example: "aws cloudtrail put-event-selectors --trail-name t --event-selectors '[{\"DataResources\":[{\"Type\":\"AWS::S3::Object\"}]}]'",
        mended: "aws cloudtrail put-event-selectors --trail-name t --event-selectors '[{\"DataResources\":[{\"Type\":\"AWS::S3::Object\"},{\"Type\":\"AWS::Lambda::Function\"}]}]'",
        find: |script| lacking(script, "put-event-selectors", |c| !c.says("AWS::Lambda::Function")),
    },
    Lint {
        id: "single-region-rule",
        title: "CLOUD_TRAIL_ENABLED is taken for a rule about all regions",
        why: "The rule is content with one trail in one region.",
        right: "MULTI_REGION_CLOUD_TRAIL_ENABLED asks for a trail of all regions.",
        example: "- `CLOUD_TRAIL_ENABLED` - CloudTrail active in all regions",
        mended: "- `MULTI_REGION_CLOUD_TRAIL_ENABLED` - CloudTrail active in all regions",
        find: |script| {
            let so = |line: &str| {
                line.contains("CLOUD_TRAIL_ENABLED")
                    && line.contains("all regions")
                    && !line.contains("MULTI_REGION_")
            };
            script.where_line(so).collect()
        },
    },
];
