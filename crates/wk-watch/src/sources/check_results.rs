//! Verdicts of our own checks: what was judged, when, and on what grounds.
//!
//! * Taken only from our own runs, as captures are.
//! * A resource that was compliant and is so no more is a finding.

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::severity::SeverityWord;
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Severity, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;
use crate::record::report::{Report, report};

/// Verdicts of checks.
pub const SOURCE: Source = Source {
    id: "check_results",
    title: "Verdicts of posture checks",
    page: "https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config.html",
    serves: &["R-165", "R-225"],
    table: &TABLE,
    product: "aws",
    service: None,
    json: Some(JsonForm { claims: |_| false, read }),
    lines: None,
};

/// The table of verdicts.
pub static TABLE: Table = Table {
    name: "checks",
    doc: "Verdicts of posture checks: one row for each check, resource and run.",
    columns: &[
        column("run", ColumnType::Text, "the run of checks"),
        column("inventoryRun", ColumnType::Text, "the walk whose captures were judged"),
        column(
            "check",
            ColumnType::Text,
            "the check; in capitals, an AWS Config rule's identifier",
        ),
        column("title", ColumnType::Text, "what should be so"),
        column("severity", ColumnType::Text, "how bad it is where it is not"),
        column("resource", ColumnType::Text, "what was judged"),
        column("verdict", ColumnType::Text, "COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE or NO_DATA"),
        column("was", ColumnType::Text, "the verdict of the run before; absent if there was none"),
        column("why", ColumnType::Text, "why"),
        column("evidence", ColumnType::TextList, "event ids of the captures in `inventory`"),
        column("points", ColumnType::TextList, "points of SOC 2 that it serves"),
        column("nist", ColumnType::TextList, "controls of NIST SP 800-53"),
        column("cis", ColumnType::TextList, "recommendations of CIS"),
        column("parameters", ColumnType::Json, "what the check was asked with"),
    ],
    sort: &["check", "event_time"],
    aliases: &[],
};

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let wanted = |name: &str| {
        fields::text(record, name).ok_or_else(|| Refusal(format!("a verdict without {name}")))
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = EventId::Own(wanted("resultId")?);
    row.time = Timestamp::parse(&wanted("checkedAt")?).ok();
    fields::fill(&mut row, record);
    row.account = fields::text(record, "account");
    row.region = fields::text(record, "region");
    row.action = Some(wanted("check")?);
    let (check, resource, verdict) = (wanted("check")?, wanted("resource")?, wanted("verdict")?);
    row.outcome = match &*verdict {
        "COMPLIANT" => Some(Outcome::Success),
        "NON_COMPLIANT" => Some(Outcome::Failure),
        _ => None,
    };
    row.resource(resource.clone());
    let was = fields::text(record, "was").unwrap_or_default();
    if verdict == "NON_COMPLIANT" && was == "COMPLIANT" {
        let text = |name| fields::text(record, name).unwrap_or_default().into_owned();
        let (account, region) = (text("account"), text("region"));
        let word = SeverityWord::parse(&text("severity")).unwrap_or(SeverityWord::Medium);
        let drift = Report {
            product: "posture",
            native_id: &format!("{check}/{account}/{region}/{resource}"),
            kind: &check,
            version: "",
            title: format!("{resource} is no longer as it should be: {}", text("why")),
            severity: Severity::of_word(word),
            first_seen: None,
            last_seen: None,
            count: None,
            controls: &["CC7.1"],
        };
        report(&mut row, &drift);
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::SOURCE;
    use crate::record::testing::read;
    use crate::sources::Settings;
    use expect_test::expect;

    fn said(verdict: &str, was: &str) -> String {
        let record = format!(
            r#"{{"resultId":"r-1","run":"c1","inventoryRun":"i1","checkedAt":"2026-11-22T10:00:00Z","check":"trail-delivers","title":"t","severity":"high","resource":"arn:t","account":"111122223333","region":"global","verdict":"{verdict}","was":"{was}","why":"it does not log","evidence":["e1","e2"],"points":["CC7.2"]}}"#
        );
        read(record.as_bytes(), &Settings::default(), Some(&SOURCE))
    }

    #[test]
    fn what_was_good_and_is_not_is_a_finding() {
        expect![[r#"
            check_results event_time=2026-11-22T10:00:00Z event_id=r-1 account=111122223333 region=global action=trail-delivers outcome=failure resource_ids=arn:t run=c1 inventoryRun=i1 check=trail-delivers title=t severity=high resource=arn:t verdict=NON_COMPLIANT was=COMPLIANT why=it does not log evidence=e1,e2 points=CC7.2 finding=trail-delivers 8.0 "arn:t is no longer as it should be: it does not log"
        "#]].assert_eq(&said("NON_COMPLIANT", "COMPLIANT"));
    }

    #[test]
    fn what_was_never_good_or_could_not_be_told_is_none() {
        for (verdict, was) in [
            ("NON_COMPLIANT", "NON_COMPLIANT"),
            ("NON_COMPLIANT", ""),
            ("NO_DATA", "COMPLIANT"),
            ("COMPLIANT", "NON_COMPLIANT"),
        ] {
            assert!(!said(verdict, was).contains("finding="), "{verdict} {was}");
        }
    }
}
