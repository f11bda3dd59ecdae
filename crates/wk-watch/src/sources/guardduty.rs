//! GuardDuty: findings of AWS's own threat detection, as native findings.
//!
//! * Finding format: <https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html>;
//!   on EventBridge: <https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html>.
//! * Both letter cases are read: EventBridge and S3 exports write `resourceType`, the API (and,
//!   once seen, an EventBridge envelope) writes `ResourceType`.
//! * Any type is taken as it is, also one that AWS adds tomorrow; no part of a finding is required
//!   but type, severity and id.
//! * Each update is an event of its own; all updates are one finding, with GuardDuty's own count.
//! * Archived findings and samples are kept and marked, never dropped.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::EventId;
use wk_model::severity::SeverityWord;
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Severity, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// GuardDuty findings.
pub const SOURCE: Source = Source {
    id: "guardduty",
    title: "GuardDuty findings",
    page: "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html",
    serves: &["R-013", "R-075", "R-350", "R-353"],
    table: &TABLE,
    product: "aws",
    service: Some("guardduty"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of GuardDuty findings. Columns are named by their path as EventBridge writes it; JSON
/// in a column keeps the letter case of the record.
pub static TABLE: Table = Table {
    name: "guardduty",
    doc: "Findings of Amazon GuardDuty; one row for each update of a finding.",
    columns: &[
        column("schemaVersion", ColumnType::Text, "version of the finding's form"),
        column("type", ColumnType::Text, "type of finding: `Recon:EC2/PortProbeUnprotectedPort`"),
        column("severity", ColumnType::Float, "severity from 1.0 to 10.0, as GuardDuty rates it"),
        column("title", ColumnType::Text, "the finding in a sentence"),
        column("description", ColumnType::Text, "the finding in words"),
        column("arn", ColumnType::Text, "ARN of the finding"),
        column("createdAt", ColumnType::Time, "when GuardDuty made the finding"),
        column("updatedAt", ColumnType::Time, "when GuardDuty last changed it: the row's version"),
        column(
            "resource.resourceType",
            ColumnType::Text,
            "kind of resource: Instance, AccessKey, …",
        ),
        column(
            "resource.instanceDetails.instanceId",
            ColumnType::Text,
            "EC2 instance, if there is one",
        ),
        column(
            "resource.accessKeyDetails.userName",
            ColumnType::Text,
            "user or role of the access key",
        ),
        column(
            "resource.accessKeyDetails.principalId",
            ColumnType::Text,
            "unique id of the principal",
        ),
        column("service.detectorId", ColumnType::Text, "detector that made the finding"),
        column("service.resourceRole", ColumnType::Text, "whether the resource is TARGET or ACTOR"),
        column("service.eventFirstSeen", ColumnType::Time, "first time of the activity"),
        column("service.eventLastSeen", ColumnType::Time, "last time of the activity"),
        column("service.count", ColumnType::Int, "how often GuardDuty saw it"),
        column("service.archived", ColumnType::Bool, "whether it is archived in GuardDuty"),
        column("service.featureName", ColumnType::Text, "feature or data source that saw it"),
        column(
            "service.action.actionType",
            ColumnType::Text,
            "kind of activity: NETWORK_CONNECTION, …",
        ),
        column("service.action", ColumnType::Json, "the activity"),
        column("service.additionalInfo", ColumnType::Json, "what GuardDuty adds to it"),
        column("service.evidence", ColumnType::Json, "threat lists that matched"),
        column("resource", ColumnType::Json, "the resource"),
        column("sample", ColumnType::Bool, "whether it is one of GuardDuty's sample findings"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("id", "event_id"),
        ("accountId", "account"),
        ("archived", "service.archived"),
        ("resource.accessKeyDetails.accessKeyId", "access_key"),
        ("resource.accessKeyDetails.userType", "actor_type"),
    ],
};

const INSTANCE: &str = "resource.instanceDetails.instanceId";

/// Where findings name what they are about, besides the ids of the finding itself.
const RESOURCES: &[&str] = &[
    INSTANCE,
    "resource.accessKeyDetails.accessKeyId",
    "resource.accessKeyDetails.userName",
    "resource.s3BucketDetails.arn",
    "resource.s3BucketDetails.s3ObjectDetails.objectArn",
    "resource.eksClusterDetails.arn",
    "resource.ecsClusterDetails.arn",
    "resource.ecsClusterDetails.taskDetails.arn",
    "resource.containerDetails.id",
    "resource.lambdaDetails.functionArn",
    "resource.rdsDbInstanceDetails.dbInstanceArn",
    "resource.rdsLimitlessDbDetails.dbShardGroupArn",
    "resource.ebsVolumeDetails.scannedVolumeDetails.volumeArn",
    "resource.ebsSnapshotDetails.snapshotArn",
    "resource.ec2ImageDetails.imageArn",
    "resource.recoveryPointDetails.recoveryPointArn",
    "service.detection.sequence.resources.uid",
];

/// Who is behind it, where the resource is a principal of some kind.
const ACTORS: &[&str] = &[
    "resource.accessKeyDetails.principalId",
    "resource.accessKeyDetails.userName",
    "resource.kubernetesDetails.kubernetesUserDetails.username",
    "resource.rdsDbUserDetails.user",
];

fn claims(record: Value<'_>) -> bool {
    let has = |key| fields::find(record, key).is_some();
    has("service") && has("severity") && has("type") && has("resource") && has("id")
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let Some(id) = fields::text(record, "id") else {
        return Err(Refusal("the finding has no id".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    fields::fill(&mut row, record);
    if is_sample(record) {
        row.cells[TABLE.index("sample").expect("it is in the table")] =
            wk_model::event::Cell::Bool(true);
    }
    row.account = fields::text(record, "accountId").or(context.envelope.account.map(Cow::Borrowed));
    row.region = fields::text(record, "region").or(context.envelope.region.map(Cow::Borrowed));
    let updated = at(record, "updatedAt").or_else(|| at(record, "createdAt"));
    row.time = at(record, "service.eventLastSeen").or(updated).or(context.envelope.time);
    row.id = EventId::Versioned(id.clone(), Cow::Owned(version(record, updated.or(row.time))));
    row.access_key = fields::text(record, "resource.accessKeyDetails.accessKeyId");
    row.actor_type = fields::text(record, "resource.accessKeyDetails.userType");
    row.source_ip = remote_address(record);
    row.actor =
        actor(record).or_else(|| row.source_ip.clone()).or_else(|| fields::text(record, INSTANCE)); // DNS requests have no other end
    row.action = fields::first_text(
        record,
        &["service.action.awsApiCallAction.api", "service.action.actionType"],
    );
    for path in RESOURCES {
        fields::resources(&mut row, record, path);
    }
    affected(&mut row, record);
    sighting(&mut row, record, &id);
    Ok(row)
}

fn at(record: Value<'_>, path: &str) -> Option<Timestamp> {
    fields::find(record, path).and_then(fields::as_time)
}

/// The time of the update. The API's letter case is part of it, so that a finding that came both
/// ways is no contradiction; and the archive, because putting a finding there is no update.
fn version(record: Value<'_>, updated: Option<Timestamp>) -> String {
    let mut version = updated.map_or_else(String::new, |time| time.to_string());
    if record.get("Id").is_some() {
        version.push_str(" API");
    }
    if is_archived(record) {
        version.push_str(" archived");
    }
    version
}

fn is_archived(record: Value<'_>) -> bool {
    fields::find(record, "service.archived").and_then(fields::as_bool) == Some(true)
}

/// Old findings say `additionalInfo.sample`, newer ones hide it in text that is JSON.
fn is_sample(record: Value<'_>) -> bool {
    let Some(info) = fields::find(record, "service.additionalInfo") else { return false };
    fields::find(info, "sample").and_then(fields::as_bool).unwrap_or_else(|| {
        fields::text(info, "value").is_some_and(|text| text.contains("\"sample\":true"))
    })
}

/// The principal that the finding names; else the instance, where it is the one that acts.
fn actor(record: Value<'_>) -> Option<Cow<'_, str>> {
    fields::first_text(record, ACTORS).or_else(|| {
        let acts = fields::text(record, "service.resourceRole").as_deref() == Some("ACTOR");
        acts.then(|| fields::text(record, INSTANCE)).flatten()
    })
}

/// The address at the other end, wherever the kind of action keeps it.
fn remote_address(record: Value<'_>) -> Option<Cow<'_, str>> {
    let action = fields::find(record, "service.action")?;
    let of = |v: Value<'_>| {
        let address =
            ["remoteIpDetails", "remoteIPDetails"].iter().find_map(|k| fields::find(v, k))?;
        fields::first_text(address, &["ipAddressV4", "ipAddressV6"]).map(Cow::into_owned)
    };
    let mut kinds = action.fields().map(|(_, v)| v).filter(|v| v.kind() == Kind::Object);
    kinds
        .find_map(|kind| {
            of(kind).or_else(|| fields::find(kind, "portProbeDetails")?.items().find_map(of))
        })
        .map(Cow::Owned)
}

/// What an API call touched: `{"AWS::S3::Bucket": "name"}`.
fn affected<'a>(row: &mut Row<'a>, record: Value<'a>) {
    let touched = fields::find(record, "service.action.awsApiCallAction.affectedResources");
    for (_, name) in touched.into_iter().flat_map(|t| t.fields()) {
        if let Some(name) = name.as_str() {
            row.resource(name);
        }
    }
}

fn sighting(row: &mut Row<'_>, record: Value<'_>, id: &str) {
    let text = |path| fields::text(record, path).unwrap_or_default();
    let (kind, version, arn) = (text("type"), text("schemaVersion"), text("arn"));
    let mut title = fields::text(record, "title").unwrap_or_else(|| kind.clone()).into_owned();
    if is_archived(record) {
        title.push_str(" (archived in GuardDuty)");
    }
    if is_sample(record) {
        title.push_str(" (sample)");
    }
    let severity = severity(row, record);
    let count = fields::find(record, "service.count").and_then(fields::as_int);
    report(
        row,
        &Report {
            product: "guardduty",
            native_id: &if arn.is_empty() { arn_of(record, id) } else { arn.clone() },
            kind: &kind,
            version: &version,
            title,
            severity,
            first_seen: at(record, "service.eventFirstSeen"),
            last_seen: at(record, "service.eventLastSeen"),
            count: count.and_then(|n| u64::try_from(n).ok()),
            controls: &["CC7.2"],
        },
    );
}

/// The ARN that a finding has, where it does not say it: Security Hub knows it by that. Its id, where
/// too little is known.
fn arn_of<'a>(record: Value<'a>, id: &'a str) -> Cow<'a, str> {
    let text = |path| fields::text(record, path);
    let parts = (text("region"), text("accountId"), text("service.detectorId"));
    let (Some(region), Some(account), Some(detector)) = parts else { return Cow::Borrowed(id) };
    let partition = text("partition").unwrap_or(Cow::Borrowed("aws"));
    format!("arn:{partition}:guardduty:{region}:{account}:detector/{detector}/finding/{id}").into()
}

/// GuardDuty's number; one that is off the scale is flagged and taken as medium.
fn severity(row: &mut Row<'_>, record: Value<'_>) -> Severity {
    let value = fields::find(record, "severity");
    let number = value.and_then(fields::as_float).and_then(|n| Severity::try_from(n).ok());
    number.unwrap_or_else(|| {
        let text = value.map_or("absent", |v| v.raw());
        row.flag("severity", "is not a number from 0 to 10, taken as medium", text);
        Severity::of_word(SeverityWord::Medium)
    })
}

#[cfg(test)]
mod tests {
    use crate::record::testing::{check, read};
    use crate::sources::Settings;
    use expect_test::expect;
    use wk_lang::json::Tape;

    const BRUTE_FORCE: &str = r#"{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","partition":"aws","id":"f-1","arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d-1/finding/f-1","type":"UnauthorizedAccess:EC2/SSHBruteForce","resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0123456789abcdef0","instanceType":"t3.small"}},"service":{"serviceName":"guardduty","detectorId":"d-1","resourceRole":"TARGET","action":{"actionType":"NETWORK_CONNECTION","networkConnectionAction":{"connectionDirection":"INBOUND","remoteIpDetails":{"ipAddressV4":"198.51.100.42"}}},"eventFirstSeen":"2024-10-30T11:45:00Z","eventLastSeen":"2024-10-30T12:00:00Z","archived":false,"count":147},"severity":5,"createdAt":"2024-10-30T11:50:00Z","updatedAt":"2024-10-30T12:01:00Z","title":"Someone tries passwords on i-0123456789abcdef0","description":"Many logins by SSH."}"#;

    fn on_event_bridge(detail: &str) -> String {
        format!(
            r#"{{"version":"0","id":"e-1","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","time":"2024-10-30T12:05:00Z","region":"eu-west-1","resources":[],"detail":{detail}}}"#
        )
    }

    #[test]
    fn severity_five_on_eventbridge_is_medium_and_counted_as_guardduty_counts() {
        check(
            &on_event_bridge(BRUTE_FORCE),
            expect![[r#"
            guardduty event_time=2024-10-30T12:00:00Z event_id=f-1@2024-10-30T12:01:00Z account=111122223333 region=eu-west-1 actor=198.51.100.42 source_ip=198.51.100.42 action=NETWORK_CONNECTION resource_ids=i-0123456789abcdef0 schemaVersion=2.0 type=UnauthorizedAccess:EC2/SSHBruteForce severity=5 title=Someone tries passwords on i-0123456789abcdef0 description=Many logins by SSH. arn=arn:aws:guardduty:eu-west-1:111122223333:detector/d-1/finding/f-1 createdAt=2024-10-30T11:50:00Z updatedAt=2024-10-30T12:01:00Z resource.resourceType=Instance resource.instanceDetails.instanceId=i-0123456789abcdef0 service.detectorId=d-1 service.resourceRole=TARGET service.eventFirstSeen=2024-10-30T11:45:00Z service.eventLastSeen=2024-10-30T12:00:00Z service.count=147 service.archived=false service.action.actionType=NETWORK_CONNECTION service.action={"actionType":"NETWORK_CONNECTION","networkConnectionAction":{"connectionDirection":"INBOUND","remoteIpDetails":{"ipAddressV4":"198.51.100.42"}}} resource={"resourceType":"Instance","instanceDetails":{"instanceId":"i-0123456789abcdef0","instanceType":"t3.small"}} finding=UnauthorizedAccess:EC2/SSHBruteForce 5.0 "Someone tries passwords on i-0123456789abcdef0"
        "#]],
        );
    }

    #[test]
    fn the_same_finding_in_pascal_case_from_the_api_and_in_an_envelope() {
        let pascal = pascal(BRUTE_FORCE);
        assert!(pascal.contains(r#""ResourceType":"Instance""#), "{pascal}");
        let plain = read(BRUTE_FORCE.as_bytes(), &Settings::default(), None);
        for text in [
            pascal.clone(),
            on_event_bridge(&pascal),
            format!(r#"{{"Findings":[{pascal}]}}"#),
            format!(
                r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":{}}}"#,
                serde_json::to_string(&on_event_bridge(BRUTE_FORCE)).unwrap()
            ),
            format!(
                r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":{}}}"#,
                serde_json::to_string(&format!(r#"{{"Findings":[{pascal}]}}"#)).unwrap()
            ),
        ] {
            let seen = read(text.as_bytes(), &Settings::default(), None).replace("Z API", "Z");
            // JSON columns keep the letter case of the record.
            assert_eq!(seen.to_ascii_lowercase(), plain.to_ascii_lowercase(), "{text}");
        }
    }

    /// Every key with a capital first letter.
    fn pascal(json: &str) -> String {
        let mut out = String::new();
        let mut rest = json;
        while let Some((before, after)) = rest.split_once('"') {
            let (inside, behind) = after.split_once('"').unwrap();
            out.push_str(before);
            out.push('"');
            let mut letters = inside.chars();
            match letters.next().filter(|_| behind.starts_with(':')) {
                Some(first) => out.extend(first.to_uppercase().chain(letters)),
                None => out.push_str(inside),
            }
            out.push('"');
            rest = behind;
        }
        out + rest
    }

    #[test]
    fn a_finding_without_an_instance_and_of_an_unknown_type_flows_through() {
        check(
            r#"{"accountId":"111122223333","region":"eu-west-1","id":"f-2","type":"Novelty:Moon/Landing","resource":{"resourceType":"Moon"},"service":{},"severity":7.5}"#,
            expect![[r#"
                guardduty event_id=f-2@ account=111122223333 region=eu-west-1 type=Novelty:Moon/Landing severity=7.5 resource.resourceType=Moon resource={"resourceType":"Moon"} finding=Novelty:Moon/Landing 7.5 "Novelty:Moon/Landing"
            "#]],
        );
    }

    #[test]
    fn an_archived_sample_with_an_access_key_is_kept_and_marked() {
        check(
            r#"{"AccountId":"111122223333","Region":"eu-west-1","Id":"f-3","Type":"UnauthorizedAccess:IAMUser/TorIPCaller","Resource":{"ResourceType":"AccessKey","AccessKeyDetails":{"AccessKeyId":"ASIAEXAMPLE","PrincipalId":"AIDAEXAMPLE","UserName":"anna","UserType":"IAMUser"}},"Service":{"Action":{"ActionType":"AWS_API_CALL","AwsApiCallAction":{"Api":"ListBuckets","RemoteIpDetails":{"IpAddressV4":"203.0.113.9"},"AffectedResources":{"AWS::S3::Bucket":"ledger"}}},"Archived":true,"AdditionalInfo":{"Type":"default","Value":"{\"sample\":true}"},"Count":2,"EventLastSeen":"2024-10-30T12:00:00Z"},"Severity":"high","UpdatedAt":"2024-10-30T12:01:00Z"}"#,
            expect![[r#"
                guardduty event_time=2024-10-30T12:00:00Z event_id=f-3@2024-10-30T12:01:00Z API archived account=111122223333 region=eu-west-1 actor=AIDAEXAMPLE actor_type=IAMUser access_key=ASIAEXAMPLE source_ip=203.0.113.9 action=ListBuckets resource_ids=ASIAEXAMPLE,anna,ledger type=UnauthorizedAccess:IAMUser/TorIPCaller updatedAt=2024-10-30T12:01:00Z resource.resourceType=AccessKey resource.accessKeyDetails.userName=anna resource.accessKeyDetails.principalId=AIDAEXAMPLE service.eventLastSeen=2024-10-30T12:00:00Z service.count=2 service.archived=true service.action.actionType=AWS_API_CALL service.action={"ActionType":"AWS_API_CALL","AwsApiCallAction":{"Api":"ListBuckets","RemoteIpDetails":{"IpAddressV4":"203.0.113.9"},"AffectedResources":{"AWS::S3::Bucket":"ledger"}}} service.additionalInfo={"Type":"default","Value":"{\"sample\":true}"} resource={"ResourceType":"AccessKey","AccessKeyDetails":{"AccessKeyId":"ASIAEXAMPLE","PrincipalId":"AIDAEXAMPLE","UserName":"anna","UserType":"IAMUser"}} sample=true flags=severity=is not a number: "high"; severity=is not a number from 0 to 10, taken as medium: "high" finding=UnauthorizedAccess:IAMUser/TorIPCaller 5.0 "UnauthorizedAccess:IAMUser/TorIPCaller (archived in GuardDuty) (sample)"
            "#]],
        );
    }

    #[test]
    fn what_only_resembles_a_finding_is_not_claimed() {
        for json in [
            r#"{"id":"1","type":"x","severity":3,"service":{"name":"shop"}}"#,
            r#"{"SchemaVersion":"2018-10-08","Id":"1","Types":["x"],"Severity":{"Normalized":50},"Resources":[]}"#,
        ] {
            assert!(!super::claims(Tape::default().parse(json).unwrap()), "{json}");
        }
    }

    #[test]
    fn the_sample_event_of_the_mission_is_taken_as_it_stands() {
        let page = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/mission/cc7-system-operations.md"
        );
        let Ok(text) = std::fs::read_to_string(page) else {
            return println!("skipped: {page} is not here");
        };
        let block = text
            .split("```json")
            .find(|b| {
                b.contains("\"GuardDuty Finding\"")
                    && b.contains("\"detail\": {\n    \"schemaVersion\"")
            })
            .unwrap();
        let event = block.split("```").next().unwrap();
        let seen = read(event.as_bytes(), &Settings::default(), None);
        for part in [
            "guardduty event_time=",
            "type=UnauthorizedAccess:EC2/SSHBruteForce",
            " severity=5 ",
            "source_ip=198.51.100.42",
            "service.count=147",
            "finding=UnauthorizedAccess:EC2/SSHBruteForce 5.0 ",
        ] {
            assert!(seen.contains(part), "{part} in {seen}");
        }
        assert!(!seen.contains("flags="), "{seen}");
        assert_eq!(seen.lines().count(), 1);
    }
}
