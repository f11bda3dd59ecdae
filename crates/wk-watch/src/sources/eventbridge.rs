//! EventBridge: what AWS services say happens to the user's resources, as far as no other source
//! reads it.
//!
//! * Form: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>;
//!   events: <https://docs.aws.amazon.com/eventbridge/latest/ref/events.html>.
//! * Any event is stored; those that [`FAILURES`] lists are system failures or deviations in
//!   processing, and findings.
//! * Only events of AWS services (`aws.…`, which nobody else may send) can become findings.
//! * CloudWatch alarms are read in their other forms too: as SNS brings them and as Lambda gets
//!   them.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::severity::SeverityWord::{self, Critical, High, Informational, Low, Medium};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Severity, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// EventBridge events.
pub const SOURCE: Source = Source {
    id: "eventbridge",
    title: "EventBridge events",
    page: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html",
    serves: &["R-197", "R-350", "R-392"],
    table: &TABLE,
    product: "aws",
    service: Some("eventbridge"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of EventBridge events.
pub static TABLE: Table = Table {
    name: "eventbridge",
    doc: "Events of AWS services and applications on EventBridge that no other table holds.",
    columns: &[
        column("source", ColumnType::Text, "service or application that sent it: `aws.backup`"),
        column("detail_type", ColumnType::Text, "kind of event: `Backup Job State Change`"),
        column("state", ColumnType::Text, "state or status that the event tells of"),
        column("previous_state", ColumnType::Text, "state before, where the event says it"),
        column("reason", ColumnType::Text, "why, where the event says it"),
        column("detail", ColumnType::Json, "the event itself"),
    ],
    sort: BY_ACTION,
    aliases: &[("detail-type", "detail_type"), ("id", "event_id"), ("time", "event_time")],
};

const SOURCE_COLUMN: usize = 0;
const DETAIL_TYPE: usize = 1;
const STATE: usize = 2;
const PREVIOUS_STATE: usize = 3;
const REASON: usize = 4;
const DETAIL: usize = 5;

/// Where services put the state that an event tells of.
const STATES: &[&str] = &[
    "state.value",
    "state",
    "status",
    "StatusCode",
    "lastStatus",
    "build-status",
    "NewStateValue",
    "result",
    "State",
    "newEvaluationResult.complianceType",
    "eventTypeCategory",
    "EventCategories",
];
const PREVIOUS_STATES: &[&str] = &["previousState.value", "previousState", "OldStateValue"];
const REASONS: &[&str] = &[
    "state.reason",
    "statusReason",
    "statusMessage",
    "stoppedReason",
    "StatusMessage",
    "NewStateReason",
    "cause",
    "reason",
    "message",
    "Message",
    "Cause",
    "eventTypeCode",
];
/// Where services name what an event is about, besides `resources`.
const SUBJECTS: &[&str] = &[
    "instance-id",
    "EC2InstanceId",
    "AutoScalingGroupName",
    "backupJobId",
    "resourceArn",
    "jobId",
    "jobRunId",
    "jobName",
    "executionArn",
    "taskArn",
    "clusterArn",
    "pipeline",
    "project-name",
    "build-id",
    "SourceArn",
    "SourceIdentifier",
    "alarmName",
    "AlarmArn",
    "affectedEntities.entityValue",
    "resource_id",
];

/// An event that tells of a failure.
pub struct Failure {
    /// `source` of the event, without `aws.`.
    pub service: &'static str,
    /// Its `detail-type`; with `*` at the end any that begins so.
    pub kind: &'static str,
    /// When it tells of one.
    pub when: When,
    /// How bad it is.
    pub severity: SeverityWord,
    /// What happened, as a short statement.
    pub title: &'static str,
    /// Path in `detail` of the id under which updates are one finding; empty: each event is one.
    pub id: &'static str,
}

/// When an event tells of a failure.
pub enum When {
    /// Always.
    Always,
    /// When the text at this path of `detail` is one of these words, in any letter case.
    Is(&'static str, &'static [&'static str]),
    /// When the text at this path of `detail` contains one of these words.
    Has(&'static str, &'static [&'static str]),
    /// When `detail` says so in a way of its own.
    Says(fn(Value<'_>) -> bool),
}

const fn failure(
    service: &'static str,
    kind: &'static str,
    when: When,
    severity: SeverityWord,
    title: &'static str,
    id: &'static str,
) -> Failure {
    Failure { service, kind, when, severity, title, id }
}

const BAD_ENDS: &[&str] =
    &["FAILED", "TIMED_OUT", "TIMEOUT", "ABORTED", "ERROR", "FAULT", "EXPIRED", "PARTIAL"];

/// The events that are system failures or deviations in processing; the first that fits counts.
#[rustfmt::skip]
pub const FAILURES: &[Failure] = &[
    // AWS Health speaks of the hardware and the region itself: lost volumes, degraded instances.
    failure("health", "AWS Health Event", When::Has("eventTypeCode", &["VOLUME_LOST", "DATA_LOSS"]), Critical, "AWS reports that a volume is lost", "eventArn"),
    failure("health", "AWS Health Event", When::Has("eventTypeCode", &["DEGRADED", "IMPAIRED", "RETIREMENT", "DRIVE_FAILURE", "HARDWARE"]), High, "AWS reports that hardware under a resource is failing", "eventArn"),
    failure("health", "AWS Health Event", When::Has("eventTypeCode", &["RISK", "EXPOSED", "ABUSE", "SECURITY"]), High, "AWS reports a risk to the security of the account", "eventArn"),
    failure("health", "AWS Health *", When::Is("eventTypeCategory", &["issue"]), High, "AWS reports an operational issue", "eventArn"),
    failure("health", "AWS Health *", When::Is("eventTypeCategory", &["investigation"]), Medium, "AWS investigates an issue", "eventArn"),
    failure("health", "AWS Health *", When::Is("eventTypeCategory", &["scheduledChange"]), Medium, "AWS will change or retire a resource", "eventArn"),
    failure("health", "AWS Health Abuse Event", When::Always, High, "AWS received a report of abuse", "eventArn"),
    // Machines and disks.
    failure("ec2", "EBS Volume Notification", When::Has("result", &["failed"]), High, "An EBS volume could not be made, attached or changed", ""),
    failure("ec2", "EBS Volume *", When::Has("cause", &["impaired", "stalled", "io-disabled"]), High, "An EBS volume is impaired", ""),
    failure("ec2", "EBS Snapshot Notification", When::Has("result", &["failed"]), High, "An EBS snapshot failed", ""),
    failure("ec2", "EBS Multi-Volume Snapshots Completion Status", When::Has("result", &["failed"]), High, "A set of EBS snapshots failed", ""),
    failure("ec2", "EC2 Instance State-change Notification", When::Is("state", &["stopped", "terminated"]), Informational, "An EC2 instance stopped", ""),
    failure("ec2", "EC2 Spot Instance Interruption Warning", When::Always, Low, "AWS takes a spot instance back", ""),
    failure("autoscaling", "EC2 Instance Launch Unsuccessful", When::Always, Medium, "An Auto Scaling group could not start an instance", ""),
    failure("autoscaling", "EC2 Instance Terminate Unsuccessful", When::Always, Low, "An Auto Scaling group could not end an instance", ""),
    // Alarms, of CloudWatch and its status checks of instances and volumes.
    failure("cloudwatch", "CloudWatch Alarm State Change", When::Says(is_status_check_alarm), High, "The status check of an instance or volume fails", ""),
    failure("cloudwatch", "CloudWatch Alarm State Change", When::Says(is_alarm), Medium, "A CloudWatch alarm went off", ""),
    // Backups and what restores them.
    failure("backup", "Backup Job State Change", When::Is("state", BAD_ENDS), High, "A backup job did not complete", "backupJobId"),
    failure("backup", "Copy Job State Change", When::Is("state", BAD_ENDS), Medium, "A copy of a backup did not complete", "copyJobId"),
    failure("backup", "Restore Job State Change", When::Is("status", BAD_ENDS), High, "A restore did not complete", "restoreJobId"),
    failure("backup", "Recovery Point State Change", When::Is("status", &["EXPIRED", "PARTIAL"]), Medium, "A recovery point is incomplete or could not be removed", "recoveryPointArn"),
    failure("rds", "RDS DB *", When::Says(is_database_failure), High, "A database reports a failure", ""),
    // Processing.
    failure("batch", "Batch Job State Change", When::Is("status", BAD_ENDS), Medium, "A batch job failed", "jobId"),
    failure("states", "Step Functions Execution Status Change", When::Is("status", BAD_ENDS), Medium, "A Step Functions execution failed", "executionArn"),
    failure("glue", "Glue Job State Change", When::Is("state", BAD_ENDS), Medium, "A Glue job failed", "jobRunId"),
    failure("glue", "Glue Crawler State Change", When::Is("state", BAD_ENDS), Low, "A Glue crawler failed", ""),
    failure("glue", "Glue Data Quality*", When::Is("state", BAD_ENDS), Medium, "Data fails its quality rules", ""),
    failure("datasync", "DataSync Task Execution State Change", When::Is("State", BAD_ENDS), Medium, "A DataSync transfer failed", ""),
    failure("dms", "DMS Replication Task State Change", When::Has("eventType", &["FAILED", "ERROR"]), Medium, "A database migration task failed", ""),
    failure("emr", "EMR Step Status Change", When::Is("state", BAD_ENDS), Medium, "An EMR step failed", "stepId"),
    failure("emr", "EMR Cluster State Change", When::Is("state", &["TERMINATED_WITH_ERRORS"]), Medium, "An EMR cluster ended with errors", "clusterId"),
    failure("sagemaker", "SageMaker *", When::Says(is_failed_job), Medium, "A SageMaker job failed", ""),
    failure("ecs", "ECS Task State Change", When::Says(is_failed_task), Medium, "An ECS task stopped with an error", "taskArn"),
    failure("ecs", "ECS Deployment State Change", When::Is("eventName", &["SERVICE_DEPLOYMENT_FAILED"]), Medium, "An ECS deployment failed", "deploymentId"),
    failure("ecs", "ECS Service Action", When::Is("eventType", &["ERROR"]), Medium, "An ECS service reports an error", ""),
    failure("lambda", "Lambda Function Invocation Result - Failure", When::Always, Medium, "A Lambda invocation failed", ""),
    // Changes that did not go through.
    failure("codepipeline", "CodePipeline Pipeline Execution State Change", When::Is("state", BAD_ENDS), Low, "A pipeline failed", "execution-id"),
    failure("codebuild", "CodeBuild Build State Change", When::Is("build-status", &["FAILED", "FAULT", "TIMED_OUT"]), Low, "A build failed", "build-id"),
    failure("codedeploy", "CodeDeploy Deployment State-change Notification", When::Is("state", &["FAILURE"]), Medium, "A deployment failed", "deploymentId"),
    failure("cloudformation", "CloudFormation Stack Status Change", When::Has("status-details.status", &["FAILED", "ROLLBACK_COMPLETE"]), Medium, "A CloudFormation stack could not be changed", ""),
    failure("cloudformation", "CloudFormation Drift Detection Status Change", When::Is("status-details.stack-drift-status", &["DRIFTED"]), Low, "A CloudFormation stack was changed by other means", ""),
    failure("ssm", "EC2 Command *", When::Is("status", &["Failed", "TimedOut", "Undeliverable"]), Low, "A command on an instance failed", ""),
    failure("ssm", "EC2 Automation Execution Status-change Notification", When::Is("Status", &["Failed", "TimedOut"]), Low, "An automation failed", "ExecutionId"),
    // Advice and rules.
    failure("trustedadvisor", "Trusted Advisor Check Item Refresh Notification", When::Is("status", &["ERROR"]), Medium, "Trusted Advisor advises to act", ""),
    failure("trustedadvisor", "Trusted Advisor Check Item Refresh Notification", When::Is("status", &["WARN"]), Low, "Trusted Advisor advises to look", ""),
    failure("config", "Config Rules Compliance Change", When::Is("newEvaluationResult.complianceType", &["NON_COMPLIANT"]), Medium, "A resource does not comply with a Config rule", ""),
    failure("acm", "ACM Certificate Approaching Expiration", When::Always, Low, "A certificate is about to expire", ""),
    failure("acm", "ACM Certificate Expired", When::Always, Medium, "A certificate has expired", ""),
];

fn is_alarm(detail: Value<'_>) -> bool {
    let state = fields::first_text(detail, &["state.value", "NewStateValue"]);
    state.as_deref() == Some("ALARM")
}

/// An alarm on the metrics by which EC2 and EBS say that hardware fails.
fn is_status_check_alarm(detail: Value<'_>) -> bool {
    let checks = ["StatusCheckFailed", "VolumeStalledIOCheck"];
    let metrics = ["configuration", "Trigger"].iter().find_map(|key| fields::find(detail, key));
    is_alarm(detail)
        && metrics.is_some_and(|metrics| checks.iter().any(|check| metrics.raw().contains(check)))
}

/// RDS tells the category in a list, or in words.
fn is_database_failure(detail: Value<'_>) -> bool {
    let bad = ["failure", "low storage", "failover"];
    let categories = fields::find(detail, "EventCategories");
    let named = |text: &str| bad.iter().any(|word| text.eq_ignore_ascii_case(word));
    categories.is_some_and(|list| list.items().any(|c| c.as_str().is_some_and(|c| named(&c))))
}

/// Jobs of SageMaker: `TrainingJobStatus`, `TransformJobStatus`, `ProcessingJobStatus`, …
fn is_failed_job(detail: Value<'_>) -> bool {
    let mut members = detail.fields();
    members
        .any(|(key, value)| key.ends_with("Status") && value.as_str().as_deref() == Some("Failed"))
}

/// A container ended with another code than 0, or the task could not be placed or kept. A task
/// that a user or its service ended is stopped by a signal: that is no failure.
fn is_failed_task(detail: Value<'_>) -> bool {
    let is = |path, words: &[&str]| {
        fields::text(detail, path).is_some_and(|text| words.contains(&&*text))
    };
    let containers = fields::find(detail, "containers");
    let code = |c: Value<'_>| fields::find(c, "exitCode").and_then(fields::as_int).unwrap_or(0);
    let failed = containers.is_some_and(|list| list.items().any(|c| code(c) != 0));
    let asked_for = is("stopCode", &["UserInitiated", "ServiceSchedulerInitiated"]);
    let lost = is("stopCode", &["TaskFailedToStart", "TerminationNotice", "SpotInterruption"]);
    is("lastStatus", &["STOPPED"]) && !asked_for && (failed || lost)
}

fn claims(record: Value<'_>) -> bool {
    record.get("detail-type").is_some() && record.get("source").is_some()
        || record.get("alarmData").is_some() && record.get("alarmArn").is_some()
        || record.get("AlarmName").is_some() && record.get("NewStateValue").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.modified);
    let detail = ["detail", "alarmData"].iter().find_map(|key| fields::find(record, key));
    let detail = detail.unwrap_or(record);
    let source = fields::text(record, "source").unwrap_or(Cow::Borrowed("aws.cloudwatch"));
    let kind = fields::text(record, "detail-type")
        .unwrap_or(Cow::Borrowed("CloudWatch Alarm State Change"));
    row.account = fields::first_text(record, &["account", "accountId", "AWSAccountId"])
        .or(context.envelope.account.map(Cow::Borrowed));
    row.region = region(record).or(context.envelope.region.map(Cow::Borrowed));
    row.time = fields::time(&mut row, record, "time")
        .or_else(|| fields::time(&mut row, record, "StateChangeTime"))
        .or(context.envelope.time);
    if let Some(id) = fields::text(record, "id") {
        row.id = EventId::Own(id);
    }
    row.action = Some(kind.clone());
    row.text(SOURCE_COLUMN, source.clone());
    row.text(DETAIL_TYPE, kind.clone());
    row.text(DETAIL, detail.compact());
    for (at, paths) in [(STATE, STATES), (PREVIOUS_STATE, PREVIOUS_STATES), (REASON, REASONS)] {
        if let Some(text) = fields::first_text(detail, paths) {
            row.text(at, text);
        }
    }
    for path in ["resources", "alarmArn", "AlarmArn"] {
        fields::resources(&mut row, record, path);
    }
    for path in SUBJECTS {
        fields::resources(&mut row, detail, path);
    }
    if let Some(failure) = failure_of(&source, &kind, detail) {
        sighting(&mut row, failure, &kind, detail);
    }
    row.actor = Some(source); // who says it, not who did it
    Ok(row)
}

/// SNS brings alarms with a region in words ("EU (Ireland)"); the ARN has its code.
fn region(record: Value<'_>) -> Option<Cow<'_, str>> {
    if let Some(arn) = record.get("AlarmArn").and_then(|arn| arn.as_str()) {
        return arn.split(':').nth(3).filter(|r| !r.is_empty()).map(|r| Cow::Owned(r.to_owned()));
    }
    fields::text(record, "region")
}

/// The services whose failures are findings; some stand several times.
pub(crate) fn services() -> impl Iterator<Item = &'static str> {
    FAILURES.iter().map(|failure| failure.service)
}

fn failure_of(source: &str, kind: &str, detail: Value<'_>) -> Option<&'static Failure> {
    let service = source.strip_prefix("aws.")?;
    FAILURES.iter().find(|f| {
        let same = match f.kind.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == f.kind,
        };
        f.service == service && same && f.when.holds(detail)
    })
}

impl When {
    fn holds(&self, detail: Value<'_>) -> bool {
        let text = |path| fields::text(detail, path).unwrap_or_default();
        match self {
            Self::Always => true,
            Self::Is(path, words) => words.iter().any(|w| text(path).eq_ignore_ascii_case(w)),
            Self::Has(path, words) => words.iter().any(|word| text(path).contains(word)),
            Self::Says(says) => says(detail),
        }
    }
}

fn sighting(row: &mut Row<'_>, failure: &Failure, kind: &str, detail: Value<'_>) {
    let own = match &row.id {
        EventId::Own(id) => Some(id.clone().into_owned()),
        _ => None,
    };
    let named = Some(failure.id).filter(|path| !path.is_empty());
    let native = named
        .and_then(|path| fields::text(detail, path).map(Cow::into_owned))
        .or(own)
        .unwrap_or_else(|| {
            let time = row.time.unwrap_or_default();
            format!("{} {time}", row.resources.first().map_or("", |r| r))
        });
    let severity = Severity::of_word(failure.severity);
    if failure.severity != Informational {
        row.outcome = Some(Outcome::Failure);
    }
    let (first_seen, last_seen, count) = (None, None, None);
    report(
        row,
        &Report {
            product: failure.service,
            native_id: &native,
            kind,
            version: "",
            title: failure.title.to_owned(),
            severity,
            first_seen,
            last_seen,
            count,
            controls: &["CC7.2"],
        },
    );
}

#[cfg(test)]
mod tests {
    use super::{
        DETAIL, DETAIL_TYPE, FAILURES, PREVIOUS_STATE, REASON, SOURCE_COLUMN, STATE, TABLE,
    };
    use crate::record::testing::{check, read};
    use crate::sources::Settings;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        let places = [SOURCE_COLUMN, DETAIL_TYPE, STATE, PREVIOUS_STATE, REASON, DETAIL];
        let names = ["source", "detail_type", "state", "previous_state", "reason", "detail"];
        assert_eq!(names.map(|name| TABLE.index(name).unwrap()), places);
        assert!(FAILURES.iter().all(|f| !f.service.starts_with("aws.") && !f.title.ends_with('.')));
    }

    fn event(source: &str, kind: &str, detail: &str) -> String {
        format!(
            r#"{{"version":"0","id":"e-1","detail-type":"{kind}","source":"{source}","account":"111122223333","time":"2024-02-15T14:00:00Z","region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"],"detail":{detail}}}"#
        )
    }

    #[test]
    fn a_disk_that_is_failing_while_it_still_works_is_a_finding() {
        check(
            &event(
                "aws.health",
                "AWS Health Event",
                r#"{"eventArn":"arn:aws:health:eu-west-1::event/EBS/v/1","service":"EBS","eventTypeCode":"AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE","eventTypeCategory":"issue","affectedEntities":[{"entityValue":"vol-1"}]}"#,
            ),
            expect![[r#"
                eventbridge event_time=2024-02-15T14:00:00Z event_id=e-1 account=111122223333 region=eu-west-1 actor=aws.health action=AWS Health Event outcome=failure resource_ids=arn:aws:ec2:eu-west-1:111122223333:volume/vol-1,vol-1 source=aws.health detail_type=AWS Health Event state=issue reason=AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE detail={"eventArn":"arn:aws:health:eu-west-1::event/EBS/v/1","service":"EBS","eventTypeCode":"AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE","eventTypeCategory":"issue","affectedEntities":[{"entityValue":"vol-1"}]} finding=AWS Health Event 8.0 "AWS reports that hardware under a resource is failing"
            "#]],
        );
    }

    fn finding_of(source: &str, kind: &str, detail: &str) -> String {
        let seen = read(event(source, kind, detail).as_bytes(), &Settings::default(), None);
        assert!(seen.starts_with("eventbridge ") && seen.lines().count() == 1, "{seen}");
        seen.trim().split_once("finding=").map_or("quiet", |(_, finding)| finding).to_owned()
    }

    #[test]
    fn failures_are_findings_and_their_good_ends_are_not() {
        let mut out = String::new();
        for (source, kind, detail) in [
            (
                "aws.health",
                "AWS Health Event",
                r#"{"eventTypeCode":"AWS_EBS_VOLUME_LOST","eventTypeCategory":"issue"}"#,
            ),
            (
                "aws.health",
                "AWS Health Event",
                r#"{"eventTypeCode":"AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED","eventTypeCategory":"scheduledChange"}"#,
            ),
            (
                "aws.health",
                "AWS Health Event",
                r#"{"eventTypeCode":"AWS_X","eventTypeCategory":"accountNotification"}"#,
            ),
            ("aws.ec2", "EBS Volume Notification", r#"{"result":"failed","event":"createVolume"}"#),
            (
                "aws.ec2",
                "EBS Volume Notification",
                r#"{"result":"available","event":"createVolume"}"#,
            ),
            (
                "aws.ec2",
                "EC2 Instance State-change Notification",
                r#"{"state":"terminated","instance-id":"i-1"}"#,
            ),
            (
                "aws.ec2",
                "EC2 Instance State-change Notification",
                r#"{"state":"stopping","instance-id":"i-1"}"#,
            ),
            (
                "aws.cloudwatch",
                "CloudWatch Alarm State Change",
                r#"{"alarmName":"disk","state":{"value":"ALARM"},"configuration":{"metrics":[{"metricStat":{"metric":{"name":"StatusCheckFailed_System"}}}]}}"#,
            ),
            (
                "aws.cloudwatch",
                "CloudWatch Alarm State Change",
                r#"{"alarmName":"cpu","state":{"value":"ALARM"}}"#,
            ),
            (
                "aws.cloudwatch",
                "CloudWatch Alarm State Change",
                r#"{"alarmName":"cpu","state":{"value":"OK"}}"#,
            ),
            ("aws.backup", "Backup Job State Change", r#"{"state":"EXPIRED","backupJobId":"b-1"}"#),
            (
                "aws.backup",
                "Backup Job State Change",
                r#"{"state":"COMPLETED","backupJobId":"b-1"}"#,
            ),
            (
                "aws.ecs",
                "ECS Task State Change",
                r#"{"lastStatus":"STOPPED","stopCode":"EssentialContainerExited","containers":[{"exitCode":1}]}"#,
            ),
            (
                "aws.ecs",
                "ECS Task State Change",
                r#"{"lastStatus":"STOPPED","stopCode":"EssentialContainerExited","containers":[{"exitCode":0}]}"#,
            ),
            (
                "aws.ecs",
                "ECS Task State Change",
                r#"{"lastStatus":"STOPPED","stopCode":"UserInitiated","containers":[{"exitCode":137}]}"#,
            ),
            (
                "aws.rds",
                "RDS DB Instance Event",
                r#"{"EventCategories":["failure"],"SourceIdentifier":"db-1"}"#,
            ),
            (
                "aws.rds",
                "RDS DB Instance Event",
                r#"{"EventCategories":["backup"],"SourceIdentifier":"db-1"}"#,
            ),
            ("aws.states", "Step Functions Execution Status Change", r#"{"status":"TIMED_OUT"}"#),
            ("shop", "Batch Job State Change", r#"{"status":"FAILED"}"#),
        ] {
            use std::fmt::Write as _;
            writeln!(out, "{kind} {detail} -> {}", finding_of(source, kind, detail)).unwrap();
        }
        expect![[r#"
            AWS Health Event {"eventTypeCode":"AWS_EBS_VOLUME_LOST","eventTypeCategory":"issue"} -> AWS Health Event 9.5 "AWS reports that a volume is lost"
            AWS Health Event {"eventTypeCode":"AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED","eventTypeCategory":"scheduledChange"} -> AWS Health Event 8.0 "AWS reports that hardware under a resource is failing"
            AWS Health Event {"eventTypeCode":"AWS_X","eventTypeCategory":"accountNotification"} -> quiet
            EBS Volume Notification {"result":"failed","event":"createVolume"} -> EBS Volume Notification 8.0 "An EBS volume could not be made, attached or changed"
            EBS Volume Notification {"result":"available","event":"createVolume"} -> quiet
            EC2 Instance State-change Notification {"state":"terminated","instance-id":"i-1"} -> EC2 Instance State-change Notification 0.0 "An EC2 instance stopped"
            EC2 Instance State-change Notification {"state":"stopping","instance-id":"i-1"} -> quiet
            CloudWatch Alarm State Change {"alarmName":"disk","state":{"value":"ALARM"},"configuration":{"metrics":[{"metricStat":{"metric":{"name":"StatusCheckFailed_System"}}}]}} -> CloudWatch Alarm State Change 8.0 "The status check of an instance or volume fails"
            CloudWatch Alarm State Change {"alarmName":"cpu","state":{"value":"ALARM"}} -> CloudWatch Alarm State Change 5.0 "A CloudWatch alarm went off"
            CloudWatch Alarm State Change {"alarmName":"cpu","state":{"value":"OK"}} -> quiet
            Backup Job State Change {"state":"EXPIRED","backupJobId":"b-1"} -> Backup Job State Change 8.0 "A backup job did not complete"
            Backup Job State Change {"state":"COMPLETED","backupJobId":"b-1"} -> quiet
            ECS Task State Change {"lastStatus":"STOPPED","stopCode":"EssentialContainerExited","containers":[{"exitCode":1}]} -> ECS Task State Change 5.0 "An ECS task stopped with an error"
            ECS Task State Change {"lastStatus":"STOPPED","stopCode":"EssentialContainerExited","containers":[{"exitCode":0}]} -> quiet
            ECS Task State Change {"lastStatus":"STOPPED","stopCode":"UserInitiated","containers":[{"exitCode":137}]} -> quiet
            RDS DB Instance Event {"EventCategories":["failure"],"SourceIdentifier":"db-1"} -> RDS DB Instance Event 8.0 "A database reports a failure"
            RDS DB Instance Event {"EventCategories":["backup"],"SourceIdentifier":"db-1"} -> quiet
            Step Functions Execution Status Change {"status":"TIMED_OUT"} -> Step Functions Execution Status Change 5.0 "A Step Functions execution failed"
            Batch Job State Change {"status":"FAILED"} -> quiet
        "#]].assert_eq(&out);
    }

    #[test]
    fn an_alarm_is_the_same_thing_by_sns_and_in_lambda() {
        let sns = r#"{"AlarmName":"disk","AlarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:disk","AWSAccountId":"111122223333","NewStateValue":"ALARM","NewStateReason":"over 90","StateChangeTime":"2024-02-15T14:00:00.000+0000","Region":"EU (Ireland)","OldStateValue":"OK","Trigger":{"MetricName":"StatusCheckFailed"}}"#;
        let text = serde_json::to_string(sns).unwrap();
        check(
            &format!(
                r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":{text}}}"#
            ),
            expect![[r#"
                eventbridge event_time=2024-02-15T14:00:00Z account=111122223333 region=eu-west-1 actor=aws.cloudwatch action=CloudWatch Alarm State Change outcome=failure resource_ids=arn:aws:cloudwatch:eu-west-1:111122223333:alarm:disk,disk source=aws.cloudwatch detail_type=CloudWatch Alarm State Change state=ALARM previous_state=OK reason=over 90 detail={"AlarmName":"disk","AlarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:disk","AWSAccountId":"111122223333","NewStateValue":"ALARM","NewStateReason":"over 90","StateChangeTime":"2024-02-15T14:00:00.000+0000","Region":"EU (Ireland)","OldStateValue":"OK","Trigger":{"MetricName":"StatusCheckFailed"}} finding=CloudWatch Alarm State Change 8.0 "The status check of an instance or volume fails"
            "#]],
        );
        check(
            r#"{"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:disk","accountId":"111122223333","time":"2024-02-15T14:00:00.000+0000","region":"eu-west-1","alarmData":{"alarmName":"disk","state":{"value":"OK","reason":"under 90"},"previousState":{"value":"ALARM"}}}"#,
            expect![[r#"
                eventbridge event_time=2024-02-15T14:00:00Z account=111122223333 region=eu-west-1 actor=aws.cloudwatch action=CloudWatch Alarm State Change resource_ids=arn:aws:cloudwatch:eu-west-1:111122223333:alarm:disk,disk source=aws.cloudwatch detail_type=CloudWatch Alarm State Change state=OK previous_state=ALARM reason=under 90 detail={"alarmName":"disk","state":{"value":"OK","reason":"under 90"},"previousState":{"value":"ALARM"}}
            "#]],
        );
    }

    #[test]
    fn events_of_one_file_are_each_told_apart() {
        let finding = r#"{"accountId":"111122223333","region":"eu-west-1","id":"f-2","type":"Recon:EC2/Portscan","resource":{},"service":{},"severity":2}"#;
        let lines = [
            event(
                "aws.ec2",
                "EC2 Instance State-change Notification",
                r#"{"state":"running","instance-id":"i-1"}"#,
            ),
            event("aws.guardduty", "GuardDuty Finding", finding),
            event("aws.guardduty", "GuardDuty Finding", r#"{"unlike":"a finding"}"#),
            event("shop", "Order", "{}"),
        ];
        let seen = read(lines.join("\n").as_bytes(), &Settings::default(), None);
        let kinds: Vec<&str> = seen.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(kinds, ["eventbridge", "guardduty", "eventbridge", "eventbridge"], "{seen}");
    }
}
