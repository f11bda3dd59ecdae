//! AWS Config: what resources were configured like, when, and what changed.
//!
//! * Items: <https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html>;
//!   notifications: <https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html>.
//! * Reads items of history and snapshot files, of the API and of notifications; a notification is
//!   kept whole, because only it has the difference to the item before.
//! * Oversized notifications carry a summary of the item; it is read in the item's place.
//! * A resource that becomes non-compliant with a rule, and a delivery that failed, are findings.
//!   Other notices of Config are stored.
//! * Files of the AWS CLI write times as numbers and `configuration` as text that is JSON.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::severity::SeverityWord;
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Severity, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// AWS Config items and notifications.
pub const SOURCE: Source = Source {
    id: "config",
    title: "AWS Config items and notifications",
    page: "https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html",
    serves: &["R-014", "R-329", "R-350"],
    table: &TABLE,
    product: "aws",
    service: Some("config"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of AWS Config. Columns are named as in configuration items.
pub static TABLE: Table = Table {
    name: "config",
    doc: "Configuration items, compliance changes and notices of AWS Config.",
    columns: &[
        column("messageType", ColumnType::Text, "kind of notification; absent for a bare item"),
        column("resourceType", ColumnType::Text, "type of the resource: `AWS::EC2::SecurityGroup`"),
        column("resourceId", ColumnType::Text, "id of the resource"),
        column("resourceName", ColumnType::Text, "name of the resource"),
        column("arn", ColumnType::Text, "ARN of the resource"),
        column(
            "configurationItemStatus",
            ColumnType::Text,
            "OK, ResourceDiscovered, ResourceDeleted, …",
        ),
        column("configurationItemCaptureTime", ColumnType::Time, "when Config recorded it"),
        column("configurationStateId", ColumnType::Text, "orders the items of a resource"),
        column("resourceCreationTime", ColumnType::Time, "when the resource was made"),
        column("availabilityZone", ColumnType::Text, "where the resource is"),
        column("changeType", ColumnType::Text, "CREATE, UPDATE or DELETE, from a notification"),
        column("configurationItemDiff", ColumnType::Json, "what changed, from a notification"),
        column("configuration", ColumnType::Json, "the resource as its service describes it"),
        column("supplementaryConfiguration", ColumnType::Json, "further parts of it"),
        column("tags", ColumnType::Json, "tags of the resource"),
        column("relationships", ColumnType::Json, "related resources"),
        column("relatedEvents", ColumnType::TextList, "ids of the CloudTrail events behind it"),
        column("configRuleName", ColumnType::Text, "rule of a compliance change"),
        column(
            "complianceType",
            ColumnType::Text,
            "COMPLIANT, NON_COMPLIANT or NOT_APPLICABLE, now",
        ),
        column("oldComplianceType", ColumnType::Text, "the same, before"),
        column("annotation", ColumnType::Text, "what the rule says about it"),
        column("s3DeliverySummary", ColumnType::Json, "where an oversized item lies"),
    ],
    sort: BY_ACTION,
    aliases: &[("awsAccountId", "account"), ("accountId", "account"), ("awsRegion", "region")],
};

/// Columns whose member has another name or place in some of the forms.
const ELSEWHERE: &[(&str, &str)] = &[
    ("arn", "ARN"),
    ("configurationStateId", "configurationStateID"),
    ("changeType", "configurationItemDiff.changeType"),
    ("complianceType", "newEvaluationResult.complianceType"),
    ("oldComplianceType", "oldEvaluationResult.complianceType"),
    ("annotation", "newEvaluationResult.annotation"),
];

fn claims(record: Value<'_>) -> bool {
    is_item(record)
        || record.get("messageType").is_some()
            && [
                "configurationItem",
                "configurationItemSummary",
                "notificationCreationTime",
                "newEvaluationResult",
                "configSnapshotId",
            ]
            .iter()
            .any(|key| record.get(key).is_some())
}

fn is_item(record: Value<'_>) -> bool {
    fields::find(record, "resourceType").is_some()
        && (fields::find(record, "configurationItemCaptureTime").is_some()
            || fields::find(record, "configurationItemStatus").is_some())
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    let sent = fields::time(&mut row, record, "notificationCreationTime");
    row.delivered = Some(sent.unwrap_or_else(|| context.delivered()));
    let item = ["configurationItem", "configurationItemSummary"]
        .iter()
        .find_map(|key| record.get(key).filter(|v| v.kind() == Kind::Object));
    fill(&mut row, record, item);
    let item = item.unwrap_or(record);
    row.account = fields::first_text(item, &["awsAccountId", "accountId"])
        .or_else(|| fields::text(record, "awsAccountId"))
        .or(context.envelope.account.map(Cow::Borrowed));
    row.region = fields::text(item, "awsRegion").or(context.envelope.region.map(Cow::Borrowed));
    row.time = cell_time(&row, "configurationItemCaptureTime")
        .or_else(|| fields::time(&mut row, record, "newEvaluationResult.resultRecordedTime"))
        .or(sent)
        .or(context.envelope.time);
    row.action = action(&row);
    row.id = identity(&row, record);
    for column in ["arn", "resourceId", "resourceName"] {
        if let Some(id) = text_of(&row, column) {
            row.resource(id);
        }
    }
    fields::resources(&mut row, record, "configRuleARN");
    verdict(&mut row, context);
    row.actor = Some(Cow::Borrowed("config.amazonaws.com")); // who says it, not who did it
    Ok(row)
}

/// The columns, from the item where there is one, then from the notification around it.
fn fill<'a>(row: &mut Row<'a>, record: Value<'a>, item: Option<Value<'a>>) {
    for value in item.into_iter().chain([record]) {
        fields::fill(row, value);
        for (column, path) in ELSEWHERE {
            let at = place(column);
            if row.cells[at] == Cell::Null
                && let Some(found) = fields::find(value, path)
            {
                fields::put(row, at, found);
            }
        }
    }
}

fn place(column: &str) -> usize {
    TABLE.index(column).expect("the column is in the table")
}

fn text_of<'a>(row: &Row<'a>, column: &str) -> Option<Cow<'a, str>> {
    match &row.cells[place(column)] {
        Cell::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn cell_time(row: &Row<'_>, column: &str) -> Option<wk_model::Timestamp> {
    match row.cells[place(column)] {
        Cell::Time(time) => Some(time),
        _ => None,
    }
}

/// What happened: the change if it is known, else the item's status, else the notice.
fn action<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    ["changeType", "complianceType", "configurationItemStatus", "messageType"]
        .iter()
        .find_map(|column| text_of(row, column))
}

/// The same item comes in history files and in snapshots, and its times are written in several
/// ways: the identity has them in one. A notification says more, so it is an event of its own.
fn identity<'a>(row: &Row<'a>, record: Value<'a>) -> EventId<'a> {
    let resource = text_of(row, "resourceType").zip(text_of(row, "resourceId"));
    let (Some((kind, id)), Some(time)) = (resource, row.time) else {
        return match fields::text(record, "configSnapshotId") {
            Some(snapshot) => {
                EventId::Versioned(snapshot, text_of(row, "messageType").unwrap_or_default())
            }
            None => EventId::Ordinal,
        };
    };
    let rule = text_of(row, "configRuleName").map_or_else(String::new, |rule| format!("{rule}:"));
    let mut version = time.to_string();
    for column in ["configurationStateId", "messageType"] {
        if let Some(text) = text_of(row, column) {
            version.extend([" ", &text]);
        }
    }
    EventId::Versioned(Cow::Owned(format!("{rule}{kind}/{id}")), Cow::Owned(version))
}

/// Non-compliance and failed deliveries are findings.
fn verdict(row: &mut Row<'_>, context: &Context<'_>) {
    let message = text_of(row, "messageType").unwrap_or_default();
    let rule = text_of(row, "configRuleName").unwrap_or_default();
    let resource = text_of(row, "resourceId").unwrap_or_default();
    let compliance = text_of(row, "complianceType").unwrap_or_default();
    let account = row.account.clone().unwrap_or_default();
    let region = row.region.clone().unwrap_or_default();
    let (kind, native, title, word) = match (&*compliance, message.ends_with("DeliveryFailed")) {
        ("COMPLIANT", _) => {
            row.outcome = Some(Outcome::Success);
            return;
        }
        ("NON_COMPLIANT", _) => (
            rule.clone(),
            format!("{account}/{region}/{rule}/{resource}"),
            format!("{resource} does not comply with the Config rule {rule}"),
            SeverityWord::Medium,
        ),
        (_, true) => (
            message.clone(),
            context
                .envelope
                .id
                .map_or_else(|| format!("{account}/{region}/{message}"), str::to_owned),
            "AWS Config could not deliver what it recorded".to_owned(),
            SeverityWord::High,
        ),
        _ => return,
    };
    row.outcome = Some(Outcome::Failure);
    let (product, severity) = ("config", Severity::of_word(word));
    let (first_seen, last_seen, count) = (None, None, None);
    report(
        row,
        &Report {
            product,
            native_id: &native,
            kind: &kind,
            version: "",
            title,
            severity,
            first_seen,
            last_seen,
            count,
            controls: &["CC7.1"],
        },
    );
}

#[cfg(test)]
mod tests {
    use crate::record::testing::{check, read};
    use crate::sources::Settings;
    use expect_test::expect;

    const ITEM: &str = r#"{"version":"1.3","accountId":"111122223333","configurationItemCaptureTime":"2024-02-15T14:00:00.500Z","configurationItemStatus":"OK","configurationStateId":"1708005600500","arn":"arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1","resourceType":"AWS::EC2::SecurityGroup","resourceId":"sg-1","awsRegion":"eu-west-1","availabilityZone":"Not Applicable","tags":{"app":"shop"},"relatedEvents":["00000000-0000-0000-0000-000000000001"],"relationships":[],"configuration":"{\"groupId\":\"sg-1\"}"}"#;

    #[test]
    fn an_item_of_a_history_file_says_what_the_resource_was_like() {
        check(
            &format!(r#"{{"fileVersion":"1.0","configurationItems":[{ITEM}]}}"#),
            expect![[r#"
            config event_time=2024-02-15T14:00:00.500Z event_id=AWS::EC2::SecurityGroup/sg-1@2024-02-15T14:00:00.500Z 1708005600500 account=111122223333 region=eu-west-1 actor=config.amazonaws.com action=OK resource_ids=arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1,sg-1 resourceType=AWS::EC2::SecurityGroup resourceId=sg-1 arn=arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1 configurationItemStatus=OK configurationItemCaptureTime=2024-02-15T14:00:00.500Z configurationStateId=1708005600500 availabilityZone=Not Applicable configuration="{\"groupId\":\"sg-1\"}" tags={"app":"shop"} relationships=[] relatedEvents=00000000-0000-0000-0000-000000000001
        "#]],
        );
    }

    #[test]
    fn one_item_is_one_event_however_its_time_and_state_are_written() {
        let id = |json: &str| {
            let seen = read(json.as_bytes(), &Settings::default(), None);
            seen.split(" account=").next().unwrap().to_owned()
        };
        let plain = id(ITEM);
        assert_eq!(
            plain,
            "config event_time=2024-02-15T14:00:00.500Z event_id=AWS::EC2::SecurityGroup/sg-1@2024-02-15T14:00:00.500Z 1708005600500"
        );
        for (from, to) in [
            ("\"2024-02-15T14:00:00.500Z\"", "\"2024-02-15T09:00:00.500000-05:00\""),
            ("\"2024-02-15T14:00:00.500Z\"", "1708005600.5"),
            ("\"1708005600500\"", "1708005600500"),
            ("\"arn\"", "\"ARN\""),
        ] {
            assert_eq!(id(&ITEM.replace(from, to)), plain, "{to}");
        }
    }

    const CHANGE: &str = r#"{"configurationItemDiff":{"changedProperties":{"Configuration.Open":{"previousValue":null,"updatedValue":"0.0.0.0/0","changeType":"CREATE"}},"changeType":"UPDATE"},"configurationItem":ITEM,"notificationCreationTime":"2024-02-15T14:00:03Z","messageType":"ConfigurationItemChangeNotification","recordVersion":"1.3"}"#;

    #[test]
    fn a_notification_keeps_the_difference_in_every_wrapping() {
        let change = CHANGE.replace("ITEM", ITEM);
        check(
            &change,
            expect![[r#"
                config event_time=2024-02-15T14:00:00.500Z event_id=AWS::EC2::SecurityGroup/sg-1@2024-02-15T14:00:00.500Z 1708005600500 ConfigurationItemChangeNotification account=111122223333 region=eu-west-1 actor=config.amazonaws.com action=UPDATE resource_ids=arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1,sg-1 messageType=ConfigurationItemChangeNotification resourceType=AWS::EC2::SecurityGroup resourceId=sg-1 arn=arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1 configurationItemStatus=OK configurationItemCaptureTime=2024-02-15T14:00:00.500Z configurationStateId=1708005600500 availabilityZone=Not Applicable changeType=UPDATE configurationItemDiff={"changedProperties":{"Configuration.Open":{"previousValue":null,"updatedValue":"0.0.0.0/0","changeType":"CREATE"}},"changeType":"UPDATE"} configuration="{\"groupId\":\"sg-1\"}" tags={"app":"shop"} relationships=[] relatedEvents=00000000-0000-0000-0000-000000000001
            "#]],
        );
        let plain = read(change.as_bytes(), &Settings::default(), None);
        let text = serde_json::to_string(&change).unwrap();
        for wrapped in [
            format!(
                r#"{{"version":"0","id":"e-1","detail-type":"Config Configuration Item Change","source":"aws.config","account":"111122223333","time":"2024-02-15T14:00:04Z","region":"eu-west-1","resources":[],"detail":{change}}}"#
            ),
            format!(
                r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:111122223333:config","Message":{text}}}"#
            ),
            format!(
                r#"{{"version":"1.0","invokingEvent":{text},"ruleParameters":"{{}}","accountId":"111122223333"}}"#
            ),
        ] {
            assert_eq!(read(wrapped.as_bytes(), &Settings::default(), None), plain, "{wrapped}");
        }
    }

    #[test]
    fn an_oversized_notification_is_read_by_its_summary() {
        check(
            r#"{"configurationItemSummary":{"changeType":"UPDATE","configurationItemVersion":"1.2","configurationItemCaptureTime":"2024-02-15T14:00:00Z","configurationStateId":0,"awsAccountId":"111122223333","configurationItemStatus":"OK","resourceType":"AWS::IAM::Role","resourceId":"AROAEXAMPLE","resourceName":"deploy","ARN":"arn:aws:iam::111122223333:role/deploy","awsRegion":"global"},"s3DeliverySummary":{"s3BucketLocation":"bucket/key.json.gz","errorCode":null,"errorMessage":null},"notificationCreationTime":"2024-02-15T14:00:05Z","messageType":"OversizedConfigurationItemChangeNotification","recordVersion":"1.0"}"#,
            expect![[r#"
                config event_time=2024-02-15T14:00:00Z event_id=AWS::IAM::Role/AROAEXAMPLE@2024-02-15T14:00:00Z 0 OversizedConfigurationItemChangeNotification account=111122223333 region=global actor=config.amazonaws.com action=UPDATE resource_ids=arn:aws:iam::111122223333:role/deploy,AROAEXAMPLE,deploy messageType=OversizedConfigurationItemChangeNotification resourceType=AWS::IAM::Role resourceId=AROAEXAMPLE resourceName=deploy arn=arn:aws:iam::111122223333:role/deploy configurationItemStatus=OK configurationItemCaptureTime=2024-02-15T14:00:00Z configurationStateId=0 changeType=UPDATE s3DeliverySummary={"s3BucketLocation":"bucket/key.json.gz","errorCode":null,"errorMessage":null}
            "#]],
        );
    }

    #[test]
    fn a_resource_that_breaks_a_rule_is_a_finding_and_one_that_keeps_it_is_not() {
        let change = r#"{"awsAccountId":"111122223333","configRuleName":"encrypted-volumes","configRuleARN":"arn:aws:config:eu-west-1:111122223333:config-rule/r-1","resourceType":"AWS::EC2::Volume","resourceId":"vol-1","awsRegion":"eu-west-1","newEvaluationResult":{"complianceType":"NON_COMPLIANT","resultRecordedTime":"2024-02-15T14:00:00Z","annotation":"no key"},"oldEvaluationResult":{"complianceType":"COMPLIANT"},"notificationCreationTime":"2024-02-15T14:00:02Z","messageType":"ComplianceChangeNotification","recordVersion":"1.0"}"#;
        check(
            change,
            expect![[r#"
                config event_time=2024-02-15T14:00:00Z event_id=encrypted-volumes:AWS::EC2::Volume/vol-1@2024-02-15T14:00:00Z ComplianceChangeNotification account=111122223333 region=eu-west-1 actor=config.amazonaws.com action=NON_COMPLIANT outcome=failure resource_ids=vol-1,arn:aws:config:eu-west-1:111122223333:config-rule/r-1 messageType=ComplianceChangeNotification resourceType=AWS::EC2::Volume resourceId=vol-1 configRuleName=encrypted-volumes complianceType=NON_COMPLIANT oldComplianceType=COMPLIANT annotation=no key finding=encrypted-volumes 5.0 "vol-1 does not comply with the Config rule encrypted-volumes"
            "#]],
        );
        let better =
            change.replace("\"COMPLIANT\"", "\"OLD\"").replace("NON_COMPLIANT", "COMPLIANT");
        assert!(!read(better.as_bytes(), &Settings::default(), None).contains("finding="));
    }

    #[test]
    fn a_failed_delivery_is_a_finding_and_a_completed_one_is_not() {
        check(
            r#"{"configSnapshotId":"s-1","s3Bucket":"b","notificationCreationTime":"2024-02-15T14:00:00Z","messageType":"ConfigurationSnapshotDeliveryCompleted","recordVersion":"1.1"}"#,
            expect![[r#"
                config event_time=2024-02-15T14:00:00Z event_id=s-1@ConfigurationSnapshotDeliveryCompleted actor=config.amazonaws.com action=ConfigurationSnapshotDeliveryCompleted messageType=ConfigurationSnapshotDeliveryCompleted
            "#]],
        );
        check(
            r#"{"errorCode":"AccessDenied","notificationCreationTime":"2024-02-15T14:00:00Z","messageType":"ConfigurationHistoryDeliveryFailed","recordVersion":"1.1"}"#,
            expect![[r#"
                config event_time=2024-02-15T14:00:00Z actor=config.amazonaws.com action=ConfigurationHistoryDeliveryFailed outcome=failure messageType=ConfigurationHistoryDeliveryFailed finding=ConfigurationHistoryDeliveryFailed 8.0 "AWS Config could not deliver what it recorded"
            "#]],
        );
    }
}
