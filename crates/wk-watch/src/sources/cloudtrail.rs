//! CloudTrail: who did what, where from, and how it ended.
//!
//! * Record contents: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.
//! * Reads management, data, network activity and Insights events of every event version.
//! * The account of an event is its recipient's; the one in the file's name may be another.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};

/// CloudTrail events.
pub const SOURCE: Source = Source {
    id: "cloudtrail",
    title: "CloudTrail events",
    page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html",
    serves: &["R-011", "R-364", "R-365", "R-366", "R-382"],
    table: &TABLE,
    product: "aws",
    service: Some("cloudtrail"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of CloudTrail events.
pub static TABLE: Table = Table {
    name: "cloudtrail",
    doc: "API calls, console sign-ins, service events and Insights of AWS CloudTrail.",
    columns: &[
        column("eventVersion", ColumnType::Text, "version of the record's form"),
        column("eventSource", ColumnType::Text, "service that was called: `iam.amazonaws.com`"),
        column("eventName", ColumnType::Text, "operation, as the service spells it"),
        column("errorCode", ColumnType::Text, "error, where the call failed"),
        column("errorMessage", ColumnType::Text, "the error in words"),
        column("requestID", ColumnType::Text, "the service's id of the request"),
        column("eventType", ColumnType::Text, "AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, …"),
        column("eventCategory", ColumnType::Text, "Management, Data, Insight, NetworkActivity"),
        column("recipientAccountId", ColumnType::Text, "account that received the event"),
        column("readOnly", ColumnType::Bool, "whether the call only reads"),
        column("managementEvent", ColumnType::Bool, "whether it is a management event"),
        column(
            "sharedEventID",
            ColumnType::Text,
            "links the copies of one event in several accounts",
        ),
        column("vpcEndpointId", ColumnType::Text, "VPC endpoint the call came through"),
        column("userIdentity.principalId", ColumnType::Text, "unique id of the principal"),
        column("userIdentity.arn", ColumnType::Text, "ARN of the principal"),
        column("userIdentity.accountId", ColumnType::Text, "account of the principal"),
        column("userIdentity.userName", ColumnType::Text, "friendly name of the principal"),
        column(
            "userIdentity.invokedBy",
            ColumnType::Text,
            "service that made the call for the principal",
        ),
        column(
            "userIdentity.sessionContext.sessionIssuer.userName",
            ColumnType::Text,
            "name of the role",
        ),
        column(
            "userIdentity.sessionContext.attributes.mfaAuthenticated",
            ColumnType::Text,
            "whether MFA was used",
        ),
        column("tlsDetails.tlsVersion", ColumnType::Text, "version of TLS"),
        column("requestParameters", ColumnType::Json, "parameters of the call"),
        column("responseElements", ColumnType::Json, "answer of a call that makes changes"),
        column("resources", ColumnType::Json, "resources as CloudTrail lists them"),
        column("additionalEventData", ColumnType::Json, "what does not fit elsewhere"),
        column("serviceEventDetails", ColumnType::Json, "details of a service event"),
        column("insightDetails", ColumnType::Json, "what an Insights event found unusual"),
    ],
    sort: &["eventName", "actor", "event_time"],
    aliases: &[
        ("eventTime", "event_time"),
        ("eventID", "event_id"),
        ("awsRegion", "region"),
        ("sourceIPAddress", "source_ip"),
        ("userAgent", "user_agent"),
        ("userIdentity.type", "actor_type"),
        ("userIdentity.accessKeyId", "access_key"),
        ("userIdentity.sessionContext.sessionIssuer.arn", "session_issuer"),
    ],
};

/// Fields of the record that columns hold as they were written, whenever a row has no flags and is no
/// Insights event.
pub(crate) const AS_WRITTEN: [&str; 19] = [
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventName",
    "eventSource",
    "eventType",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "sourceIPAddress",
    "userAgent",
    "userIdentity.accessKeyId",
    "userIdentity.accountId",
    "userIdentity.arn",
    "userIdentity.invokedBy",
    "userIdentity.principalId",
    "userIdentity.type",
    "userIdentity.userName",
];

// Places of the columns; a test compares them with the table.
const EVENT_VERSION: usize = 0;
const EVENT_SOURCE: usize = 1;
const EVENT_NAME: usize = 2;
const ERROR_CODE: usize = 3;
const ERROR_MESSAGE: usize = 4;
const REQUEST_ID: usize = 5;
const EVENT_TYPE: usize = 6;
const EVENT_CATEGORY: usize = 7;
const RECIPIENT_ACCOUNT_ID: usize = 8;
const READ_ONLY: usize = 9;
const MANAGEMENT_EVENT: usize = 10;
const SHARED_EVENT_ID: usize = 11;
const VPC_ENDPOINT_ID: usize = 12;
const UI_PRINCIPAL_ID: usize = 13;
const UI_ARN: usize = 14;
const UI_ACCOUNT_ID: usize = 15;
const UI_USER_NAME: usize = 16;
const UI_INVOKED_BY: usize = 17;
const UI_ISSUER_NAME: usize = 18;
const UI_MFA: usize = 19;
const TLS_VERSION: usize = 20;
const REQUEST_PARAMETERS: usize = 21;
const RESPONSE_ELEMENTS: usize = 22;
const RESOURCES: usize = 23;
const ADDITIONAL_EVENT_DATA: usize = 24;
const SERVICE_EVENT_DETAILS: usize = 25;
const INSIGHT_DETAILS: usize = 26;

fn claims(record: Value<'_>) -> bool {
    record.get("eventVersion").is_some()
        && record.get("detail-type").is_none()
        && (record.get("eventName").is_some() && record.get("eventSource").is_some()
            || record.get("insightDetails").is_some())
        && record.get("s3").is_none()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    for (key, value) in record.fields() {
        match value.is_null() {
            true => null(&mut row, &key),
            false => field(&mut row, &key, value),
        }
    }
    row.account = [RECIPIENT_ACCOUNT_ID, UI_ACCOUNT_ID]
        .iter()
        .find_map(|at| text_of(&row, *at))
        .or(context.envelope.account.map(Cow::Borrowed));
    if let (None, Some(region)) = (&row.region, context.envelope.region) {
        row.flag("awsRegion", "is absent, the envelope's stands for it", region);
        row.region = Some(Cow::Borrowed(region));
    }
    row.actor = actor(&row);
    row.action = action(&row);
    row.outcome = Some(outcome(&row, record));
    row.as_written = row.flags.is_empty() && row.cells[INSIGHT_DETAILS] == Cell::Null;
    Ok(row)
}

/// A member that is null: a column cannot tell that from one that is absent, and rules can.
fn null(row: &mut Row<'_>, field: &str) {
    if AS_WRITTEN.contains(&field) {
        row.flag(field, "is null", "null");
    }
}

/// One member of the record.
fn field<'a>(row: &mut Row<'a>, key: &str, value: Value<'a>) {
    match key {
        "eventVersion" => text(row, EVENT_VERSION, value),
        "userIdentity" => identity(row, value),
        "eventTime" => time(row, value),
        "eventSource" => text(row, EVENT_SOURCE, value),
        "eventName" => text(row, EVENT_NAME, value),
        "awsRegion" => row.region = core_text(row, "region", value),
        "sourceIPAddress" => row.source_ip = core_text(row, "source_ip", value),
        "userAgent" => row.user_agent = core_text(row, "user_agent", value),
        "errorCode" => text(row, ERROR_CODE, value),
        "errorMessage" => text(row, ERROR_MESSAGE, value),
        "requestParameters" => {
            parameters(row, value);
            json(row, REQUEST_PARAMETERS, value);
        }
        "responseElements" => json(row, RESPONSE_ELEMENTS, value),
        "requestID" => text(row, REQUEST_ID, value),
        "eventID" => match core_text(row, "event_id", value) {
            Some(id) if !id.is_empty() => row.id = EventId::Own(id),
            _ => row.flag("event_id", "is empty", value.raw()),
        },
        "readOnly" => boolean(row, READ_ONLY, value),
        "resources" => {
            listed(row, value);
            json(row, RESOURCES, value);
        }
        "eventType" => text(row, EVENT_TYPE, value),
        "managementEvent" => boolean(row, MANAGEMENT_EVENT, value),
        "recipientAccountId" => text(row, RECIPIENT_ACCOUNT_ID, value),
        "sharedEventID" | "sharedEventId" => text(row, SHARED_EVENT_ID, value),
        "eventCategory" => text(row, EVENT_CATEGORY, value),
        "tlsDetails" => {
            if let Some(version) = value.get("tlsVersion") {
                text(row, TLS_VERSION, version);
            }
        }
        "vpcEndpointId" => text(row, VPC_ENDPOINT_ID, value),
        "additionalEventData" => json(row, ADDITIONAL_EVENT_DATA, value),
        "serviceEventDetails" => json(row, SERVICE_EVENT_DETAILS, value),
        "insightDetails" => insight(row, value),
        _ => {} // kept in raw
    }
}

fn identity<'a>(row: &mut Row<'a>, identity: Value<'a>) {
    for (key, value) in identity.fields() {
        if value.is_null() {
            null(row, &["userIdentity.", &*key].concat());
            continue;
        }
        match &*key {
            "type" => row.actor_type = core_text(row, "actor_type", value),
            "principalId" => text(row, UI_PRINCIPAL_ID, value),
            "arn" => text(row, UI_ARN, value),
            "accountId" => text(row, UI_ACCOUNT_ID, value),
            "accessKeyId" => row.access_key = core_text(row, "access_key", value),
            "userName" => text(row, UI_USER_NAME, value),
            "invokedBy" => text(row, UI_INVOKED_BY, value),
            "sessionContext" => session(row, value),
            _ => {}
        }
    }
}

fn session<'a>(row: &mut Row<'a>, session: Value<'a>) {
    if let Some(issuer) = session.get("sessionIssuer") {
        row.session_issuer = issuer.text("arn").filter(|arn| !arn.is_empty());
        if let Some(name) = issuer.get("userName") {
            text(row, UI_ISSUER_NAME, name);
        }
    }
    if let Some(mfa) = session.at(&["attributes", "mfaAuthenticated"]) {
        // A string in most records, a boolean in some.
        match mfa.as_bool() {
            Some(used) => row.text(UI_MFA, if used { "true" } else { "false" }),
            None => text(row, UI_MFA, mfa),
        }
    }
}

fn time<'a>(row: &mut Row<'a>, value: Value<'a>) {
    row.time = value.as_str().and_then(|text| Timestamp::parse(&text).ok());
    if row.time.is_none() {
        row.flag("event_time", "is no time", value.raw());
    }
}

/// A text column; another type keeps its JSON text and is flagged.
fn text<'a>(row: &mut Row<'a>, at: usize, value: Value<'a>) {
    match value.as_str() {
        Some(text) => row.cells[at] = Cell::Text(text),
        None => {
            row.flag(row.table.columns[at].name, "is not text", value.raw());
            row.cells[at] = Cell::Text(value.compact());
        }
    }
}

/// Text for a column of the core; another type is flagged and left out.
fn core_text<'a>(row: &mut Row<'a>, column: &str, value: Value<'a>) -> Option<Cow<'a, str>> {
    let text = value.as_str();
    if text.is_none() {
        row.flag(column, "is not text", value.raw());
    }
    text
}

fn boolean<'a>(row: &mut Row<'a>, at: usize, value: Value<'a>) {
    match (value.as_bool(), value.as_str().as_deref()) {
        (Some(truth), _) => row.cells[at] = Cell::Bool(truth),
        (None, Some("true")) => row.cells[at] = Cell::Bool(true),
        (None, Some("false")) => row.cells[at] = Cell::Bool(false),
        _ => row.flag(row.table.columns[at].name, "is not true or false", value.raw()),
    }
}

fn json<'a>(row: &mut Row<'a>, at: usize, value: Value<'a>) {
    row.cells[at] = Cell::Text(value.compact());
}

/// An Insights event says inside what it is about.
fn insight<'a>(row: &mut Row<'a>, value: Value<'a>) {
    for (name, at) in
        [("eventSource", EVENT_SOURCE), ("eventName", EVENT_NAME), ("errorCode", ERROR_CODE)]
    {
        if let Some(inner) = value.get(name).filter(|_| row.cells[at] == Cell::Null) {
            text(row, at, inner);
        }
    }
    json(row, INSIGHT_DETAILS, value);
}

/// The ARNs that CloudTrail lists.
fn listed<'a>(row: &mut Row<'a>, value: Value<'a>) {
    for item in value.items().take(Row::RESOURCES_MAX + 1) {
        if let Some(arn) = item.text("ARN").or_else(|| item.text("arn")) {
            row.resource(arn);
        }
    }
}

/// The things that the parameters of a call name: ARNs, and the ids that most services use.
fn parameters<'a>(row: &mut Row<'a>, value: Value<'a>) {
    if value.kind() != Kind::Object {
        return;
    }
    for (key, member) in value.fields() {
        let is_name = matches!(
            &*key,
            "bucketName"
                | "instanceId"
                | "volumeId"
                | "snapshotId"
                | "groupId"
                | "imageId"
                | "vpcId"
                | "subnetId"
                | "networkInterfaceId"
                | "routeTableId"
                | "keyId"
                | "secretId"
                | "functionName"
                | "roleName"
                | "userName"
                | "groupName"
                | "policyName"
                | "instanceProfileName"
                | "accessKeyId"
                | "trailName"
                | "detectorId"
                | "clusterName"
                | "dBInstanceIdentifier"
                | "dBSnapshotIdentifier"
                | "tableName"
                | "topicName"
                | "queueName"
                | "logGroupName"
                | "ruleName"
                | "stackName"
                | "repositoryName"
        );
        if is_name || key.ends_with("Arn") || key.ends_with("ARN") {
            if let Some(name) = member.as_str() {
                row.resource(name);
            }
        } else if &*key == "instancesSet" {
            for item in member.get("items").into_iter().flat_map(|items| items.items()).take(20) {
                if let Some(id) = item.text("instanceId") {
                    row.resource(id);
                }
            }
        }
    }
}

fn text_of<'a>(row: &Row<'a>, at: usize) -> Option<Cow<'a, str>> {
    match &row.cells[at] {
        Cell::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// Principal ARN, else what else names the caller. Insights events have none: CloudTrail says them.
fn actor<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    [UI_ARN, UI_INVOKED_BY, UI_PRINCIPAL_ID, UI_USER_NAME, UI_ACCOUNT_ID]
        .iter()
        .find_map(|at| text_of(row, *at))
        .or_else(|| match row.cells[INSIGHT_DETAILS] {
            Cell::Null => None,
            _ => Some(Cow::Borrowed("cloudtrail.amazonaws.com")),
        })
}

/// `iam:CreateUser`: the service without its domain, the operation without its version suffix.
fn action<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    let name = text_of(row, EVENT_NAME)?;
    let operation = without_version(&name);
    match text_of(row, EVENT_SOURCE) {
        None => Some(Cow::Owned(operation.to_owned())),
        Some(source) => {
            let service = source.split('.').next().unwrap_or_default();
            Some(Cow::Owned([service, ":", operation].concat()))
        }
    }
}

/// `UpdateFunctionCode20150331v2` is `UpdateFunctionCode`; `CreateDistribution2020_05_31` is
/// `CreateDistribution`.
pub fn without_version(name: &str) -> &str {
    let stem = match name.rfind('v') {
        Some(v) if v + 1 < name.len() && name.bytes().skip(v + 1).all(|b| b.is_ascii_digit()) => {
            name.get(..v).unwrap_or(name)
        }
        _ => name,
    };
    let end = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let digits = stem.bytes().skip(end.len()).filter(u8::is_ascii_digit).count();
    if digits == 8 && !end.is_empty() { end } else { name }
}

fn outcome(row: &Row<'_>, record: Value<'_>) -> Outcome {
    let failed_login = record
        .at(&["responseElements", "ConsoleLogin"])
        .is_some_and(|v| v.as_str().as_deref() == Some("Failure"));
    match text_of(row, ERROR_CODE) {
        Some(code) if is_denial(&code) => Outcome::Denied,
        Some(_) => Outcome::Failure,
        None if failed_login || row.cells[ERROR_MESSAGE] != Cell::Null => Outcome::Failure,
        None => Outcome::Success,
    }
}

/// The spellings in which services say "not permitted": `AccessDenied`, `AccessDeniedException`,
/// `Client.UnauthorizedOperation`, …
pub fn is_denial(code: &str) -> bool {
    let bare = code.rsplit('.').next().unwrap_or(code);
    ["AccessDenied", "UnauthorizedOperation", "UnauthorizedAccess", "NotAuthorized", "Forbidden"]
        .iter()
        .any(|stem| bare.starts_with(stem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("eventVersion", EVENT_VERSION),
            ("errorMessage", ERROR_MESSAGE),
            ("requestID", REQUEST_ID),
            ("eventType", EVENT_TYPE),
            ("eventCategory", EVENT_CATEGORY),
            ("readOnly", READ_ONLY),
            ("managementEvent", MANAGEMENT_EVENT),
            ("sharedEventID", SHARED_EVENT_ID),
            ("vpcEndpointId", VPC_ENDPOINT_ID),
            ("userIdentity.principalId", UI_PRINCIPAL_ID),
            ("userIdentity.invokedBy", UI_INVOKED_BY),
            ("userIdentity.sessionContext.sessionIssuer.userName", UI_ISSUER_NAME),
            ("userIdentity.sessionContext.attributes.mfaAuthenticated", UI_MFA),
            ("tlsDetails.tlsVersion", TLS_VERSION),
            ("requestParameters", REQUEST_PARAMETERS),
            ("responseElements", RESPONSE_ELEMENTS),
            ("resources", RESOURCES),
            ("additionalEventData", ADDITIONAL_EVENT_DATA),
            ("serviceEventDetails", SERVICE_EVENT_DETAILS),
            ("insightDetails", INSIGHT_DETAILS),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        assert_eq!(TABLE.columns.len(), INSIGHT_DETAILS + 1);
    }

    #[test]
    fn version_suffixes_are_no_part_of_the_operation() {
        let names = [
            "UpdateFunctionCode20150331v2",
            "CreateDistribution2020_05_31",
            "CreateFunction20150331",
            "GetV2",
            "v2",
            "ListObjectsV2",
        ];
        let bare: Vec<_> = names.iter().map(|n| without_version(n)).collect();
        assert_eq!(
            bare,
            [
                "UpdateFunctionCode",
                "CreateDistribution",
                "CreateFunction",
                "GetV2",
                "v2",
                "ListObjectsV2"
            ]
        );
    }

    #[test]
    fn the_three_spellings_of_a_denial() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "Client.UnauthorizedOperation",
            "UnauthorizedOperation",
        ] {
            assert!(is_denial(code), "{code}");
        }
        assert!(!is_denial("ThrottlingException"));
    }

    const CREATE_USER: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:deploy","arn":"arn:aws:sts::111122223333:assumed-role/ci/deploy","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci","userName":"ci"},"attributes":{"mfaAuthenticated":"false"}}},"eventTime":"2024-02-15T14:23:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","errorCode":"AccessDenied","requestParameters":{"userName":"x"},"responseElements":null,"eventID":"00000000-0000-0000-0000-000000000001","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"444455556666"}"#;

    #[test]
    fn who_what_where_and_how_it_ended() {
        check(
            CREATE_USER,
            expect![[r#"
                cloudtrail event_time=2024-02-15T14:23:00Z event_id=00000000-0000-0000-0000-000000000001 account=444455556666 region=us-east-1 actor=arn:aws:sts::111122223333:assumed-role/ci/deploy actor_type=AssumedRole access_key=ASIAEXAMPLE session_issuer=arn:aws:iam::111122223333:role/ci source_ip=198.51.100.7 user_agent=aws-cli/2 action=iam:CreateUser outcome=denied resource_ids=x eventVersion=1.08 eventSource=iam.amazonaws.com eventName=CreateUser errorCode=AccessDenied eventType=AwsApiCall recipientAccountId=444455556666 readOnly=false userIdentity.principalId=AROAEXAMPLE:deploy userIdentity.arn=arn:aws:sts::111122223333:assumed-role/ci/deploy userIdentity.accountId=111122223333 userIdentity.sessionContext.sessionIssuer.userName=ci userIdentity.sessionContext.attributes.mfaAuthenticated=false requestParameters={"userName":"x"}
            "#]],
        );
    }

    #[test]
    fn every_wrapping_that_aws_uses_gives_the_same_event() {
        let plain = crate::record::testing::read(
            CREATE_USER.as_bytes(),
            &crate::sources::Settings::default(),
            None,
        );
        let text = serde_json::to_string(CREATE_USER).unwrap();
        for wrapped in [
            format!(r#"{{"Records":[{CREATE_USER}]}}"#),
            format!("[{CREATE_USER}]"),
            format!("\n {CREATE_USER}\n"),
            format!(
                r#"{{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"444455556666","time":"2024-02-15T14:23:00Z","region":"us-east-1","resources":[],"detail":{CREATE_USER}}}"#
            ),
            format!(
                r#"{{"messageType":"DATA_MESSAGE","owner":"444455556666","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{{"id":"1","timestamp":1708006980000,"message":{text}}}]}}"#
            ),
            format!(
                r#"{{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":{text}}}"#
            ),
        ] {
            assert_eq!(
                crate::record::testing::read(
                    wrapped.as_bytes(),
                    &crate::sources::Settings::default(),
                    None
                ),
                plain,
                "{wrapped}"
            );
        }
    }

    #[test]
    fn a_broken_field_is_flagged_and_the_event_stays() {
        check(
            r#"{"eventVersion":"1.08","eventTime":"yesterday","eventSource":"s3.amazonaws.com","eventName":7,"eventID":"e","readOnly":"maybe"}"#,
            expect![[r#"
                cloudtrail event_id=e action=s3:7 outcome=success eventVersion=1.08 eventSource=s3.amazonaws.com eventName=7 flags=event_time=is no time: "yesterday"; eventName=is not text: 7; readOnly=is not true or false: "maybe"
            "#]],
        );
    }
}
