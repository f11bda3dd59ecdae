//! Security Hub: findings of many products in one form (ASFF): Security Hub's own controls,
//! Inspector, Macie, Config, GuardDuty, partners.
//!
//! * Form: <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>.
//! * Each update is an event of its own; all updates are one finding.
//! * Every finding is stored. It becomes a sighting while it says that something is wrong: not
//!   when its compliance check passed, could not be made, or is archived or resolved, nor when it is
//!   informational without being a failed check.
//! * A threat that was archived or resolved in Security Hub stays a sighting, and its title says so:
//!   who put it away there has decided nothing here.
//! * What GuardDuty found, and says itself too, is one finding with GuardDuty's own.
//! * Findings that a user suppressed in Security Hub stay sightings, and their title says so.
//! * OCSF findings of the newer Security Hub are read by [`super::ocsf`].

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::severity::SeverityWord;
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Severity, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// Security Hub findings.
pub const SOURCE: Source = Source {
    id: "securityhub",
    title: "Security Hub findings (ASFF)",
    page: "https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html",
    serves: &["R-012", "R-062", "R-140", "R-310", "R-350"],
    table: &TABLE,
    product: "aws",
    service: Some("securityhub"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of ASFF findings. Columns are named by their path.
pub static TABLE: Table = Table {
    name: "securityhub",
    doc: "Findings in the AWS Security Finding Format; one row for each update of a finding.",
    columns: &[
        column("SchemaVersion", ColumnType::Text, "version of the form"),
        column("ProductArn", ColumnType::Text, "product that found it"),
        column("ProductName", ColumnType::Text, "name of that product"),
        column("CompanyName", ColumnType::Text, "maker of that product"),
        column("GeneratorId", ColumnType::Text, "the product's rule or check"),
        column("Types", ColumnType::TextList, "types of finding: namespace/category/classifier"),
        column("Title", ColumnType::Text, "the finding in a sentence"),
        column("Description", ColumnType::Text, "the finding in words"),
        column("Severity.Label", ColumnType::Text, "INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL"),
        column("Severity.Normalized", ColumnType::Int, "severity from 0 to 100"),
        column("Severity.Product", ColumnType::Float, "severity on the product's own scale"),
        column("Severity.Original", ColumnType::Text, "severity in the product's own words"),
        column("FirstObservedAt", ColumnType::Time, "first time of what was found"),
        column("LastObservedAt", ColumnType::Time, "last time of what was found"),
        column("CreatedAt", ColumnType::Time, "when the product made the finding"),
        column(
            "UpdatedAt",
            ColumnType::Time,
            "when the product last changed it: the row's version",
        ),
        column("Compliance.Status", ColumnType::Text, "PASSED, WARNING, FAILED or NOT_AVAILABLE"),
        column("Compliance.SecurityControlId", ColumnType::Text, "the control: `S3.5`"),
        column("Workflow.Status", ColumnType::Text, "NEW, NOTIFIED, RESOLVED or SUPPRESSED"),
        column("RecordState", ColumnType::Text, "ACTIVE or ARCHIVED"),
        column("Confidence", ColumnType::Int, "how sure the product is, from 0 to 100"),
        column("Criticality", ColumnType::Int, "how much the resource matters, from 0 to 100"),
        column("Sample", ColumnType::Bool, "whether it is a sample"),
        column("Resources", ColumnType::Json, "what it is about"),
        column("Vulnerabilities", ColumnType::Json, "vulnerabilities that were found"),
        column("Compliance", ColumnType::Json, "the check that it is the result of"),
        column("Remediation", ColumnType::Json, "what to do about it"),
        column("ProductFields", ColumnType::Json, "what the product adds"),
    ],
    sort: BY_ACTION,
    aliases: &[("Id", "event_id"), ("AwsAccountId", "account")],
};

/// Where findings of different products keep the address at the other end.
const ADDRESSES: &[&str] = &[
    "Action.AwsApiCallAction.RemoteIpDetails.IpAddressV4",
    "Action.NetworkConnectionAction.RemoteIpDetails.IpAddressV4",
    "ProductFields.action/awsApiCallAction/remoteIpDetails/ipAddressV4",
    "ProductFields.action/networkConnectionAction/remoteIpDetails/ipAddressV4",
    "Network.SourceIpV4",
    "Network.SourceIpV6",
];

fn claims(record: Value<'_>) -> bool {
    record.get("ProductArn").is_some()
        && record.get("AwsAccountId").is_some()
        && record.get("Id").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let Some(id) = fields::text(record, "Id") else {
        return Err(Refusal("the finding has no id".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    fields::fill(&mut row, record);
    row.account =
        fields::text(record, "AwsAccountId").or(context.envelope.account.map(Cow::Borrowed));
    row.region = fields::text(record, "Region")
        .or_else(|| record.get("Resources")?.items().find_map(|r| fields::text(r, "Region")))
        .or_else(|| region_of_arn(record))
        .or(context.envelope.region.map(Cow::Borrowed));
    let updated = at(record, "UpdatedAt").or_else(|| at(record, "CreatedAt"));
    row.time = at(record, "LastObservedAt").or(updated).or(context.envelope.time);
    row.id = EventId::Versioned(id.clone(), Cow::Owned(version(record, updated.or(row.time))));
    row.source_ip = fields::first_text(record, ADDRESSES);
    row.actor = principal(record).or_else(|| row.source_ip.clone());
    row.outcome = match fields::text(record, "Compliance.Status").as_deref() {
        Some("PASSED") => Some(Outcome::Success),
        Some("FAILED") => Some(Outcome::Failure),
        _ => None,
    };
    fields::resources(&mut row, record, "Resources.Id");
    if is_wrong(&mut row, record) {
        sighting(&mut row, record, &id);
    }
    // Where nobody is named, the event still has an origin: who says it, not who did it.
    row.actor = row.actor.or_else(|| fields::text(record, "ProductArn"));
    Ok(row)
}

fn at(record: Value<'_>, path: &str) -> Option<Timestamp> {
    fields::find(record, path).and_then(fields::as_time)
}

/// `UpdatedAt` is the product's; what Security Hub and its users change afterwards is part of the
/// version too.
fn version(record: Value<'_>, updated: Option<Timestamp>) -> String {
    let mut version = updated.map_or_else(String::new, |time| time.to_string());
    for path in ["ProcessedAt", "Workflow.Status", "RecordState", "Note.UpdatedAt"] {
        if let Some(text) = fields::text(record, path) {
            version.extend([" ", &text]);
        }
    }
    version
}

/// `arn:aws:securityhub:eu-west-1::product/…` is of `eu-west-1`.
fn region_of_arn(record: Value<'_>) -> Option<Cow<'_, str>> {
    let arn = fields::text(record, "ProductArn")?;
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty())?;
    Some(Cow::Owned(region.to_owned()))
}

/// The principal, where one of the resources is an access key.
fn principal(record: Value<'_>) -> Option<Cow<'_, str>> {
    let paths = ["Details.AwsIamAccessKey.PrincipalName", "Details.AwsIamAccessKey.UserName"];
    record.get("Resources")?.items().find_map(|item| fields::first_text(item, &paths))
}

/// Whether the finding says, now, that something is wrong.
fn is_wrong(row: &mut Row<'_>, record: Value<'_>) -> bool {
    let is = |path, word: &str| fields::text(record, path).is_some_and(|t| t == word);
    let compliance = fields::text(record, "Compliance.Status");
    let away = is("RecordState", "ARCHIVED") || is("Workflow.Status", "RESOLVED");
    let over = away && record.get("Compliance").is_some();
    let fine = matches!(compliance.as_deref(), Some("PASSED" | "NOT_AVAILABLE"));
    let failed = compliance.as_deref() == Some("FAILED");
    let informational = severity(row, record).word() == SeverityWord::Informational;
    !over && !fine && (failed || !informational)
}

/// The label is what AWS goes by; the number refines it where the two agree.
fn severity(row: &mut Row<'_>, record: Value<'_>) -> Severity {
    let label = fields::text(record, "Severity.Label").and_then(|l| SeverityWord::parse(&l));
    let number = |path, scale: f64| {
        let number = fields::find(record, path).and_then(fields::as_float)?;
        Severity::try_from(number / scale).ok()
    };
    let number = number("Severity.Normalized", 10.0).or_else(|| number("Severity.Product", 1.0));
    match (label, number) {
        (Some(label), Some(number)) if number.word() == label => number,
        (Some(label), _) => Severity::of_word(label),
        (None, Some(number)) => number,
        (None, None) => {
            let text = record.get("Severity").map_or("absent", |v| v.raw());
            row.flag("Severity", "says no severity, taken as medium", text);
            Severity::of_word(SeverityWord::Medium)
        }
    }
}

fn sighting(row: &mut Row<'_>, record: Value<'_>, id: &str) {
    let version = fields::text(record, "SchemaVersion").unwrap_or_default();
    let kind = kind(record);
    let mut title = fields::text(record, "Title").unwrap_or_else(|| kind.clone()).into_owned();
    if fields::text(record, "Workflow.Status").as_deref() == Some("SUPPRESSED") {
        title.push_str(" (suppressed in Security Hub)");
    }
    if fields::text(record, "RecordState").as_deref() == Some("ARCHIVED") {
        title.push_str(" (archived in Security Hub)");
    }
    if fields::text(record, "Workflow.Status").as_deref() == Some("RESOLVED") {
        title.push_str(" (resolved in Security Hub)");
    }
    if fields::find(record, "Sample").and_then(fields::as_bool) == Some(true) {
        title.push_str(" (sample)");
    }
    let severity = severity(row, record);
    let is_check = record.get("Compliance").is_some();
    let of_guardduty = is_of_guardduty(record, id);
    let kind = if of_guardduty { guardduty_type(&kind) } else { kind };
    report(
        row,
        &Report {
            product: if of_guardduty { "guardduty" } else { "securityhub" },
            native_id: id,
            kind: &kind,
            version: &version,
            title,
            severity,
            first_seen: at(record, "FirstObservedAt"),
            last_seen: at(record, "LastObservedAt"),
            // Updates of one finding are no further events of it.
            count: Some(count(record)),
            controls: if is_check { &["CC7.1"] } else { &["CC7.2"] },
        },
    );
}

/// Whether GuardDuty itself tells of this finding too, under the same ARN: then they are one.
fn is_of_guardduty(record: Value<'_>, id: &str) -> bool {
    let product = fields::text(record, "ProductArn").unwrap_or_default();
    let mut arn = id.splitn(4, ':');
    let of_service = arn.next() == Some("arn") && arn.nth(1) == Some("guardduty");
    of_service && product.ends_with(":product/aws/guardduty")
}

/// GuardDuty's own type: `TTPs/Discovery/Recon:EC2-Portscan` is `Recon:EC2/Portscan`.
fn guardduty_type(kind: &str) -> Cow<'static, str> {
    let own = kind.rsplit('/').next().unwrap_or(kind);
    match own.split_once(':').map(|(purpose, rest)| (purpose, rest.replacen('-', "/", 1))) {
        Some((purpose, rest)) => format!("{purpose}:{rest}").into(),
        None => own.to_owned().into(),
    }
}

/// How often the product counted it, where it says so.
fn count(record: Value<'_>) -> u64 {
    let paths = ["aws/guardduty/service/count", "action/awsApiCallAction/count"];
    let fields = record.get("ProductFields");
    let said = paths.iter().find_map(|path| fields?.get(path)).and_then(|value| {
        let text = value.as_str()?;
        text.parse::<u64>().ok()
    });
    said.unwrap_or(1)
}

/// What was checked says more than the type that all checks share.
fn kind(record: Value<'_>) -> Cow<'_, str> {
    let generator = || fields::text(record, "GeneratorId");
    let first_type = || record.get("Types")?.items().find_map(|t| t.as_str());
    let found = match record.get("Compliance") {
        Some(_) => generator().or_else(first_type),
        None => first_type().or_else(generator),
    };
    found.unwrap_or(Cow::Borrowed("unnamed"))
}

#[cfg(test)]
mod tests {
    use crate::record::testing::{check, read};
    use crate::sources::Settings;
    use expect_test::expect;

    const CHECK: &str = r#"{"SchemaVersion":"2018-10-08","Id":"arn:aws:securityhub:eu-west-1:111122223333:control/f-1","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub","ProductName":"Security Hub","GeneratorId":"security-control/S3.5","AwsAccountId":"111122223333","Types":["Software and Configuration Checks/Practices"],"CreatedAt":"2024-02-01T00:00:00Z","UpdatedAt":"2024-02-15T14:00:00Z","Severity":{"Label":"MEDIUM","Normalized":40},"Title":"Buckets ask for TLS","Resources":[{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::ledger","Region":"eu-west-1"}],"Compliance":{"Status":"FAILED","SecurityControlId":"S3.5"},"Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}"#;

    #[test]
    fn a_failed_check_is_a_finding() {
        check(
            CHECK,
            expect![[r#"
                securityhub event_time=2024-02-15T14:00:00Z event_id=arn:aws:securityhub:eu-west-1:111122223333:control/f-1@2024-02-15T14:00:00Z NEW ACTIVE account=111122223333 region=eu-west-1 actor=arn:aws:securityhub:eu-west-1::product/aws/securityhub outcome=failure resource_ids=arn:aws:s3:::ledger SchemaVersion=2018-10-08 ProductArn=arn:aws:securityhub:eu-west-1::product/aws/securityhub ProductName=Security Hub GeneratorId=security-control/S3.5 Types=Software and Configuration Checks/Practices Title=Buckets ask for TLS Severity.Label=MEDIUM Severity.Normalized=40 CreatedAt=2024-02-01T00:00:00Z UpdatedAt=2024-02-15T14:00:00Z Compliance.Status=FAILED Compliance.SecurityControlId=S3.5 Workflow.Status=NEW RecordState=ACTIVE Resources=[{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::ledger","Region":"eu-west-1"}] Compliance={"Status":"FAILED","SecurityControlId":"S3.5"} finding=security-control/S3.5 4.0 "Buckets ask for TLS"
            "#]],
        );
    }

    fn finding_of(json: &str) -> String {
        let seen = read(json.as_bytes(), &Settings::default(), None);
        assert!(seen.starts_with("securityhub ") && seen.lines().count() == 1, "{seen}");
        seen.trim().split_once("finding=").map(|(_, f)| f.to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_passed_or_is_over_is_stored_without_being_a_finding() {
        assert!(!finding_of(CHECK).is_empty());
        for (from, to) in [
            ("FAILED", "PASSED"),
            ("FAILED", "NOT_AVAILABLE"),
            ("\"ACTIVE\"", "\"ARCHIVED\""),
            ("\"NEW\"", "\"RESOLVED\""),
        ] {
            assert_eq!(finding_of(&CHECK.replace(from, to)), "", "{to}");
        }
        assert!(
            finding_of(&CHECK.replace("\"NEW\"", "\"SUPPRESSED\""))
                .ends_with("(suppressed in Security Hub)\"")
        );
    }

    #[test]
    fn the_label_decides_and_the_number_refines() {
        for (severity, seen) in [
            (r#"{"Label":"MEDIUM","Normalized":50}"#, "5.0"),
            (r#"{"Label":"LOW","Normalized":1}"#, "2.0"),
            (r#"{"Normalized":90}"#, "9.0"),
            (r#"{"Product":8}"#, "8.0"),
            (r#"{"Label":"CRITICAL"}"#, "9.5"),
            (r#"{"Product":800}"#, "5.0"),
        ] {
            let json = CHECK.replace(r#"{"Label":"MEDIUM","Normalized":40}"#, severity);
            assert!(
                finding_of(&json).contains(&format!(" {seen} ")),
                "{severity}: {}",
                finding_of(&json)
            );
        }
    }

    #[test]
    fn a_product_s_finding_on_eventbridge_names_principal_and_address() {
        check(
            r#"{"version":"0","id":"e-1","detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"111122223333","time":"2024-02-15T14:00:00Z","region":"eu-west-1","resources":["arn:x"],"detail":{"findings":[{"SchemaVersion":"2018-10-08","Id":"f-2","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/guardduty","GeneratorId":"d-1","AwsAccountId":"111122223333","Types":["Unusual Behaviors/User/UnauthorizedAccess:IAMUser-ConsoleLogin"],"FirstObservedAt":"2024-02-15T13:00:00Z","LastObservedAt":"2024-02-15T13:30:00Z","UpdatedAt":"2024-02-15T14:00:00Z","Severity":{"Product":5,"Normalized":50},"Title":"Odd sign-in","ProductFields":{"action/awsApiCallAction/remoteIpDetails/ipAddressV4":"198.51.100.7"},"Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:null","Details":{"AwsIamAccessKey":{"UserName":"anna"}}}],"RecordState":"ACTIVE"}]}}"#,
            expect![[r#"
                securityhub event_time=2024-02-15T13:30:00Z event_id=f-2@2024-02-15T14:00:00Z ACTIVE account=111122223333 region=eu-west-1 actor=anna source_ip=198.51.100.7 resource_ids=AWS::IAM::AccessKey:null SchemaVersion=2018-10-08 ProductArn=arn:aws:securityhub:eu-west-1::product/aws/guardduty GeneratorId=d-1 Types=Unusual Behaviors/User/UnauthorizedAccess:IAMUser-ConsoleLogin Title=Odd sign-in Severity.Normalized=50 Severity.Product=5 FirstObservedAt=2024-02-15T13:00:00Z LastObservedAt=2024-02-15T13:30:00Z UpdatedAt=2024-02-15T14:00:00Z RecordState=ACTIVE Resources=[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:null","Details":{"AwsIamAccessKey":{"UserName":"anna"}}}] ProductFields={"action/awsApiCallAction/remoteIpDetails/ipAddressV4":"198.51.100.7"} finding=Unusual Behaviors/User/UnauthorizedAccess:IAMUser-ConsoleLogin 5.0 "Odd sign-in"
            "#]],
        );
    }

    #[test]
    fn a_threat_that_was_put_away_in_security_hub_stays_in_sight_and_says_so() {
        let threat =
            CHECK.replace(r#","Compliance":{"Status":"FAILED","SecurityControlId":"S3.5"}"#, "");
        assert_ne!(threat, CHECK);
        let archived = finding_of(&threat.replace("\"ACTIVE\"", "\"ARCHIVED\""));
        assert!(archived.ends_with("(archived in Security Hub)\""), "{archived}");
        let resolved = finding_of(&threat.replace("\"NEW\"", "\"RESOLVED\""));
        assert!(resolved.ends_with("(resolved in Security Hub)\""), "{resolved}");
    }

    #[test]
    fn a_finding_of_guardduty_has_the_type_that_guardduty_gives_it() {
        for (here, own) in [
            (
                "TTPs/Discovery/Recon:EC2-PortProbeUnprotectedPort",
                "Recon:EC2/PortProbeUnprotectedPort",
            ),
            (
                "Unusual Behaviors/User/UnauthorizedAccess:IAMUser-ConsoleLogin",
                "UnauthorizedAccess:IAMUser/ConsoleLogin",
            ),
            ("odd", "odd"),
        ] {
            assert_eq!(super::guardduty_type(here), own);
        }
    }

    #[test]
    fn an_informational_note_stays_quiet_and_one_without_id_is_refused() {
        check(
            r#"{"findings":[{"Id":"f-3","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/macie","AwsAccountId":"111122223333","UpdatedAt":"2024-02-15T14:00:00Z","Severity":{"Label":"INFORMATIONAL"},"Title":"a note","Resources":[]},{"Id":"","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/macie","AwsAccountId":"111122223333"}]}"#,
            expect![[r#"
                securityhub event_time=2024-02-15T14:00:00Z event_id=f-3@2024-02-15T14:00:00Z account=111122223333 region=eu-west-1 actor=arn:aws:securityhub:eu-west-1::product/aws/macie ProductArn=arn:aws:securityhub:eu-west-1::product/aws/macie Title=a note Severity.Label=INFORMATIONAL UpdatedAt=2024-02-15T14:00:00Z Resources=[]
                refused securityhub 224 the finding has no id
            "#]],
        );
    }
}
