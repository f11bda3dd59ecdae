//! OCSF: events in the Open Cybersecurity Schema Framework, as Security Lake, the newer Security
//! Hub and scanners such as Prowler write them.
//!
//! * Schema: <https://schema.ocsf.io/>; Security Lake's use of it:
//!   <https://docs.aws.amazon.com/security-lake/latest/userguide/open-cybersecurity-schema-framework.html>.
//! * Any class and any version: what moved between versions (`cloud.account_uid` became
//!   `cloud.account.uid`) is looked for in both places.
//! * Time is in milliseconds in the schema; seconds, microseconds and text occur and are read.
//! * Findings (category 2) that say that something is wrong become sightings: not those that
//!   are resolved, archived or passed, that need a manual check, or that are informational.
//! * `-` in a field stands for absent, as in the flow logs it comes from.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::severity::SeverityWord;
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Severity, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// OCSF events.
pub const SOURCE: Source = Source {
    id: "ocsf",
    title: "OCSF events (Security Lake)",
    page: "https://docs.aws.amazon.com/security-lake/latest/userguide/open-cybersecurity-schema-framework.html",
    serves: &["R-012", "R-364", "R-365", "R-366"],
    table: &TABLE,
    product: "aws",
    service: Some("ocsf"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of OCSF events. Columns are named by their path.
pub static TABLE: Table = Table {
    name: "ocsf",
    doc: "Events in the Open Cybersecurity Schema Framework.",
    columns: &[
        column("class_uid", ColumnType::Int, "class: 4001 is network activity, 2004 a detection"),
        column("class_name", ColumnType::Text, "name of the class"),
        column("category_uid", ColumnType::Int, "category: 2 is findings"),
        column("type_uid", ColumnType::Int, "class and activity in one number"),
        column("activity_id", ColumnType::Int, "activity within the class"),
        column("activity_name", ColumnType::Text, "name of the activity"),
        column(
            "severity_id",
            ColumnType::Int,
            "1 informational to 5 critical, 6 fatal; 0 and 99 say nothing",
        ),
        column("severity", ColumnType::Text, "name of the severity"),
        column("status", ColumnType::Text, "how it ended, or where a finding stands"),
        column("status_id", ColumnType::Int, "the same as a number"),
        column("status_code", ColumnType::Text, "the source's own word or code for it"),
        column("status_detail", ColumnType::Text, "more about it"),
        column("message", ColumnType::Text, "the event in words"),
        column("metadata.version", ColumnType::Text, "version of the schema"),
        column("metadata.product.name", ColumnType::Text, "product that reported it"),
        column("metadata.product.vendor_name", ColumnType::Text, "maker of that product"),
        column("metadata.event_code", ColumnType::Text, "the product's own kind of event"),
        column("api.operation", ColumnType::Text, "operation of an API call"),
        column("api.service.name", ColumnType::Text, "service of an API call"),
        column("api.response.error", ColumnType::Text, "error of an API call"),
        column("actor.user.name", ColumnType::Text, "name of the user"),
        column("src_endpoint.port", ColumnType::Int, "source port"),
        column("dst_endpoint.ip", ColumnType::Text, "destination address"),
        column("dst_endpoint.port", ColumnType::Int, "destination port"),
        column("connection_info.protocol_num", ColumnType::Int, "IANA number of the protocol"),
        column("connection_info.direction", ColumnType::Text, "Inbound, Outbound or Unknown"),
        column("traffic.packets", ColumnType::Int, "packets"),
        column("traffic.bytes", ColumnType::Int, "bytes"),
        column("query.hostname", ColumnType::Text, "name that was asked for, of DNS activity"),
        column("disposition", ColumnType::Text, "what a control did: Allowed, Blocked, …"),
        column("finding_info", ColumnType::Json, "the finding"),
        column("resources", ColumnType::Json, "what it is about"),
        column("compliance", ColumnType::Json, "the check that a finding is the result of"),
        column("unmapped", ColumnType::Json, "what the schema has no place for"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("src_endpoint.ip", "source_ip"),
        ("cloud.account.uid", "account"),
        ("cloud.region", "region"),
        ("http_request.user_agent", "user_agent"),
    ],
};

const ACCOUNTS: &[&str] = &[
    "cloud.account.uid",
    "cloud.account_uid",
    "unmapped.recipientAccountId",
    "actor.user.account.uid",
    "actor.user.account_uid",
];
/// In OCSF 1.1 `uid` is the ARN; before, `uuid` was.
const ACTORS: &[&str] = &[
    "actor.user.uuid",
    "actor.user.uid",
    "actor.user.name",
    "actor.invoked_by",
    "actor.session.issuer",
    "identity.user.uuid",
    "identity.user.name",
];
const RESOURCES: &[&str] = &[
    "resources.uid",
    "resource.uid",
    "affected_resources.uid",
    "dst_endpoint.instance_uid",
    "dst_endpoint.interface_uid",
    "dst_endpoint.vpc_uid",
    "src_endpoint.instance_uid",
    "src_endpoint.interface_uid",
    "src_endpoint.vpc_uid",
    "user.uid",
    "user.name",
    "user_result.uid",
    "device.uid",
];
/// What stands for the resource where nothing has an id.
const NAMES: &[&str] = &[
    "resources.name",
    "metadata.product.feature.uid",
    "http_request.url.hostname",
    "dst_endpoint.hostname",
    "dst_endpoint.svc_name",
];
const FINDING_IDS: &[&str] = &["finding_info.uid", "finding.uid"];

fn claims(record: Value<'_>) -> bool {
    record.get("class_uid").is_some() && record.at(&["metadata", "version"]).is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    fields::fill(&mut row, record);
    let text = |paths: &[&str]| {
        paths.iter().find_map(|path| fields::text(record, path).filter(|text| text != "-"))
    };
    // EKS audit events have the ARN of the session where the account should be.
    row.account = ACCOUNTS
        .iter()
        .find_map(|path| text(&[path]).filter(|uid| !uid.contains(':')))
        .or(context.envelope.account.map(Cow::Borrowed));
    row.region = text(&["cloud.region"]).or(context.envelope.region.map(Cow::Borrowed));
    row.time = fields::time(&mut row, record, "time")
        .or_else(|| at(record, "time_dt"))
        .or(context.envelope.time);
    row.source_ip = text(&["src_endpoint.ip", "src_endpoint.domain", "src_endpoint.svc_name"]);
    row.actor = text(ACTORS).or_else(|| row.source_ip.clone());
    row.actor_type = text(&["actor.user.type"]);
    row.access_key = text(&["actor.user.credential_uid"]);
    row.session_issuer = text(&["actor.session.issuer"]);
    row.user_agent = text(&["http_request.user_agent"]);
    row.action = action(record);
    row.outcome = outcome(record);
    row.id = identity(&row, record);
    for path in RESOURCES {
        fields::resources(&mut row, record, path);
    }
    for path in NAMES {
        if row.resources.is_empty() {
            fields::resources(&mut row, record, path);
        }
    }
    row.resources.retain(|resource| resource != "-");
    if is_wrong(record) {
        sighting(&mut row, record);
    }
    Ok(row)
}

fn at(record: Value<'_>, path: &str) -> Option<Timestamp> {
    fields::find(record, path).and_then(fields::as_time)
}

fn number(record: Value<'_>, path: &str) -> Option<i64> {
    fields::find(record, path).and_then(fields::as_int)
}

/// `iam:CreateUser` for an API call, else the activity.
fn action(record: Value<'_>) -> Option<Cow<'_, str>> {
    let activity = || fields::first_text(record, &["activity_name", "activity", "type_name"]);
    let Some(operation) = fields::text(record, "api.operation") else { return activity() };
    match fields::text(record, "api.service.name") {
        None => Some(operation),
        Some(service) => {
            let service = service.split('.').next().unwrap_or_default().to_owned();
            Some(Cow::Owned([&service, ":", &*operation].concat()))
        }
    }
}

fn outcome(record: Value<'_>) -> Option<Outcome> {
    let error = fields::first_text(record, &["api.response.error", "api.response.error_message"]);
    let blocked = fields::text(record, "disposition").is_some_and(|d| d == "Blocked");
    let status = fields::text(record, "status");
    let finding = number(record, "category_uid") == Some(2);
    match (error, status.as_deref(), number(record, "status_id")) {
        (Some(error), ..) if super::cloudtrail::is_denial(&error) => Some(Outcome::Denied),
        _ if blocked => Some(Outcome::Denied),
        (Some(_), ..) => Some(Outcome::Failure),
        _ if finding => None,
        (None, Some("Success"), _) | (None, None, Some(1)) => Some(Outcome::Success),
        (None, Some("Failure"), _) | (None, None, Some(2)) => Some(Outcome::Failure),
        _ => None,
    }
}

/// Findings are updated under one id; other events may have one of their own.
fn identity<'a>(row: &Row<'a>, record: Value<'a>) -> EventId<'a> {
    if let Some(finding) = fields::first_text(record, FINDING_IDS) {
        let modified = ["finding_info.modified_time", "finding.modified_time"];
        let version = modified.iter().find_map(|path| at(record, path)).or(row.time);
        let version = version.map_or_else(String::new, |time| time.to_string());
        return EventId::Versioned(finding, Cow::Owned(version));
    }
    match fields::text(record, "metadata.uid") {
        Some(id) => EventId::Own(id),
        None => EventId::Ordinal,
    }
}

/// Whether it is a finding that says, now, that something is wrong.
fn is_wrong(record: Value<'_>) -> bool {
    let says = |path: &str, words: &[&str]| {
        let text = fields::text(record, path).unwrap_or_default();
        words.iter().any(|word| text.eq_ignore_ascii_case(word))
    };
    let finding = matches!(number(record, "class_uid"), Some(2001..=2099))
        && fields::first_text(record, FINDING_IDS).is_some();
    let over = says("status", &["Resolved", "Archived"])
        || matches!(number(record, "status_id"), Some(4 | 5));
    let fine = says("status_code", &["PASS", "PASSED", "MANUAL", "NOT_AVAILABLE"])
        || says("compliance.status", &["Pass", "PASSED", "NOT_AVAILABLE"]);
    finding && !over && !fine && severity(record).word() != SeverityWord::Informational
}

/// OCSF's numbers; where they say nothing, the name, else medium.
fn severity(record: Value<'_>) -> Severity {
    let word = match number(record, "severity_id") {
        Some(1) => Some(SeverityWord::Informational),
        Some(2) => Some(SeverityWord::Low),
        Some(3) => Some(SeverityWord::Medium),
        Some(4) => Some(SeverityWord::High),
        Some(5 | 6) => Some(SeverityWord::Critical),
        _ => fields::text(record, "severity").and_then(|text| SeverityWord::parse(&text)),
    };
    Severity::of_word(word.unwrap_or(SeverityWord::Medium))
}

fn sighting(row: &mut Row<'_>, record: Value<'_>) {
    let text = |paths| fields::first_text(record, paths).unwrap_or_default();
    let native = text(FINDING_IDS);
    let product = text(&["metadata.product.name"]).to_ascii_lowercase();
    let kinds = ["metadata.event_code", "finding_info.types", "compliance.control", "class_name"];
    let first_type = || {
        let types =
            fields::find(record, "finding_info.types").or(fields::find(record, "finding.types"));
        types?.items().find_map(|t| t.as_str())
    };
    let kind = fields::text(record, kinds[0])
        .or_else(first_type)
        .or_else(|| fields::first_text(record, &kinds[2..]))
        .unwrap_or_default();
    let titles = ["finding_info.title", "finding.title", "message", "status_detail"];
    let first = ["finding_info.first_seen_time", "finding.first_seen_time"];
    let last = ["finding_info.last_seen_time", "finding.last_seen_time"];
    let count = number(record, "count").and_then(|n| u64::try_from(n).ok());
    let is_check = record.get("compliance").is_some();
    report(
        row,
        &Report {
            product: if product.is_empty() { "ocsf" } else { &product },
            native_id: &native,
            kind: &kind,
            version: &text(&["metadata.version"]),
            title: text(&titles).into_owned(),
            severity: severity(record),
            first_seen: first.iter().find_map(|path| at(record, path)),
            last_seen: last.iter().find_map(|path| at(record, path)),
            count,
            controls: if is_check { &["CC7.1"] } else { &["CC7.2"] },
        },
    );
}

#[cfg(test)]
mod tests {
    use crate::record::testing::{check, read};
    use crate::sources::Settings;
    use expect_test::expect;

    #[test]
    fn an_api_call_says_who_what_and_where() {
        check(
            r#"{"class_uid":6003,"class_name":"API Activity","category_uid":6,"activity_id":1,"activity_name":"Create","type_uid":600301,"severity_id":1,"severity":"Informational","status":"Failure","status_id":2,"time":1708005600000,"metadata":{"version":"1.1.0","uid":"00000000-0000-0000-0000-000000000001","product":{"name":"CloudTrail","vendor_name":"AWS"}},"cloud":{"provider":"AWS","region":"eu-west-1","account":{"uid":"111122223333"}},"actor":{"user":{"uid":"arn:aws:iam::111122223333:user/anna","uid_alt":"AIDAEXAMPLE","name":"anna","type":"IAMUser","credential_uid":"AKIAEXAMPLE"}},"api":{"operation":"CreateUser","service":{"name":"iam.amazonaws.com"},"response":{"error":"AccessDenied"}},"src_endpoint":{"ip":"198.51.100.7"},"http_request":{"user_agent":"aws-cli"}}"#,
            expect![[r#"
                ocsf event_time=2024-02-15T14:00:00Z event_id=00000000-0000-0000-0000-000000000001 account=111122223333 region=eu-west-1 actor=arn:aws:iam::111122223333:user/anna actor_type=IAMUser access_key=AKIAEXAMPLE source_ip=198.51.100.7 user_agent=aws-cli action=iam:CreateUser outcome=denied class_uid=6003 class_name=API Activity category_uid=6 type_uid=600301 activity_id=1 activity_name=Create severity_id=1 severity=Informational status=Failure status_id=2 metadata.version=1.1.0 metadata.product.name=CloudTrail metadata.product.vendor_name=AWS api.operation=CreateUser api.service.name=iam.amazonaws.com api.response.error=AccessDenied actor.user.name=anna
            "#]],
        );
    }

    #[test]
    fn an_older_version_names_account_and_principal_elsewhere() {
        check(
            r#"{"class_uid":3005,"category_uid":3,"activity_name":"Read","time":1708005600000,"metadata":{"version":"1.0.0-rc.2"},"cloud":{"region":"eu-west-1","account_uid":"111122223333"},"actor":{"user":{"uid":"AIDAEXAMPLE","uuid":"arn:aws:iam::111122223333:user/anna"}},"src_endpoint":{"ip":"-","svc_name":"ec2.amazonaws.com"}}"#,
            expect![[r#"
                ocsf event_time=2024-02-15T14:00:00Z account=111122223333 region=eu-west-1 actor=arn:aws:iam::111122223333:user/anna source_ip=ec2.amazonaws.com action=Read class_uid=3005 category_uid=3 activity_name=Read metadata.version=1.0.0-rc.2
            "#]],
        );
    }

    const FAILED: &str = r#"{"class_uid":2004,"class_name":"Detection Finding","category_uid":2,"severity_id":2,"severity":"Low","status":"New","status_id":1,"status_code":"FAIL","time":1708005600,"metadata":{"version":"1.4.0","event_code":"bucket_public","product":{"name":"Prowler"}},"finding_info":{"uid":"f-1","title":"A bucket is public","types":["S3"],"created_time":1708005600},"resources":[{"uid":"arn:aws:s3:::ledger"}],"cloud":{"account":{"uid":"111122223333"},"region":"eu-west-1"}}"#;

    #[test]
    fn a_failed_check_is_a_finding() {
        check(
            FAILED,
            expect![[r#"
            ocsf event_time=2024-02-15T14:00:00Z event_id=f-1@2024-02-15T14:00:00Z account=111122223333 region=eu-west-1 resource_ids=arn:aws:s3:::ledger class_uid=2004 class_name=Detection Finding category_uid=2 severity_id=2 severity=Low status=New status_id=1 status_code=FAIL metadata.version=1.4.0 metadata.product.name=Prowler metadata.event_code=bucket_public finding_info={"uid":"f-1","title":"A bucket is public","types":["S3"],"created_time":1708005600} resources=[{"uid":"arn:aws:s3:::ledger"}] finding=bucket_public 2.0 "A bucket is public"
        "#]],
        );
    }

    #[test]
    fn what_passed_is_manual_or_over_is_stored_without_being_a_finding() {
        for (from, to) in [
            ("\"FAIL\"", "\"PASS\""),
            ("\"FAIL\"", "\"MANUAL\""),
            ("\"New\"", "\"Resolved\""),
            ("\"severity_id\":2", "\"severity_id\":1"),
            ("\"uid\":\"f-1\",", ""),
        ] {
            let seen = read(FAILED.replace(from, to).as_bytes(), &Settings::default(), None);
            assert!(seen.starts_with("ocsf ") && !seen.contains("finding="), "{to}: {seen}");
        }
    }

    #[test]
    fn every_unit_of_time_that_occurs_is_read_and_nonsense_is_flagged() {
        for time in ["1708005600", "1708005600000", "1708005600000000", "\"2024-02-15T14:00:00Z\""]
        {
            let json = FAILED.replace("\"time\":1708005600", &format!("\"time\":{time}"));
            let seen = read(json.as_bytes(), &Settings::default(), None);
            assert!(seen.starts_with("ocsf event_time=2024-02-15T14:00:00Z "), "{seen}");
        }
        let json = FAILED.replace("\"time\":1708005600", "\"time\":\"soon\"");
        let seen = read(json.as_bytes(), &Settings::default(), None);
        assert!(seen.contains("flags=time=is no time: \"soon\""), "{seen}");
    }
}
