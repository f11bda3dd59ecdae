//! Verdicts of our own checks: what was judged, when, and on what grounds.
//!
//! * Taken only from our own runs, as captures are.
//! * A resource that was compliant and is so no more is a finding; it is over when the resource is
//!   compliant again. One whose exception is over is a finding too.

use std::sync::Arc;

use wk_lang::json::Value;
use wk_model::check::Verdict;
use wk_model::event::{EventId, Outcome};
use wk_model::finding::{Grounds, Matched};
use wk_model::severity::SeverityWord;
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Severity, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::posture::drift::{Before, Turn};
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
        column("test", ColumnType::Text, "design: how it is set up; operation: how that went"),
        column("requirements", ColumnType::TextList, "promises that the check serves"),
        column(
            "drifted",
            ColumnType::Text,
            "the drift that it is part of: when that was first seen",
        ),
        column("exception", ColumnType::Text, "the exception that covers it"),
        column("wasException", ColumnType::Text, "the exception that covered it before"),
        column("appeared", ColumnType::Text, "yes: the resource is new, and not as it should be"),
        column(
            "because",
            ColumnType::TextList,
            "changes that it was judged again for, the first few",
        ),
        column("since", ColumnType::Text, "where a period was judged: its beginning"),
        column("until", ColumnType::Text, "where a period was judged: its end"),
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
    drift(&mut row, record, &check, &resource);
    Ok(row)
}

/// A drift, its end, and the end of what covered one are a finding.
fn drift(row: &mut Row<'_>, record: Value<'_>, check: &str, resource: &str) {
    let text = |name| fields::text(record, name).unwrap_or_default().into_owned();
    let filled = |name| Some(text(name)).filter(|t| !t.is_empty());
    let Some(verdict) = Verdict::parse(&text("verdict")) else { return };
    let before = Before {
        verdict: Verdict::parse(&text("was")),
        drifted: filled("drifted"),
        exception: filled("wasException"),
        absent: filled("appeared").is_some(),
    };
    let why = text("why");
    let turn = Turn::of(&before, verdict, filled("exception").as_deref());
    let title = match turn {
        Turn::Drifted => format!("{resource} is no longer as it should be: {why}"),
        Turn::Appeared => format!("{resource} is new, and not as it should be: {why}"),
        Turn::Uncovered => {
            format!("{resource} is not as it should be, and its exception is over: {why}")
        }
        Turn::Mended => format!("{resource} is as it should be again: {why}"),
        Turn::Same => return,
    };
    let (account, region) = (text("account"), text("region"));
    let mut name = vec![check, &account, &region, resource];
    name.extend(before.drifted.as_deref());
    let word = SeverityWord::parse(&text("severity")).unwrap_or(SeverityWord::Medium);
    let points = list(record, "points");
    let controls: Vec<&str> = points.iter().map(String::as_str).collect();
    report(
        row,
        &Report {
            product: "posture",
            native_id: &name.join("/"),
            kind: check,
            version: "",
            title,
            severity: Severity::of_word(word),
            first_seen: None,
            last_seen: None,
            count: None,
            controls: &controls,
        },
    );
    let Some(sighting) = &mut row.sighting else { return };
    sighting.grounds.matched = grounds(record);
    if turn == Turn::Mended {
        sighting.ended = row.time;
    }
}

/// What a finding of a check rests on, beside its event.
fn grounds(record: Value<'_>) -> Arc<[Matched]> {
    let all = ["title", "requirements", "because", "evidence"];
    let said = |name: &str| {
        let one = fields::text(record, name).map(std::borrow::Cow::into_owned);
        let value = one.unwrap_or_else(|| list(record, name).join(" "));
        let value: String = value.chars().take(Grounds::VALUE_CHARS).collect();
        (!value.is_empty()).then(|| Matched { field: format!("check.{name}"), value })
    };
    all.into_iter().filter_map(said).collect()
}

fn list(record: Value<'_>, name: &str) -> Vec<String> {
    let Some(list) = record.get(name) else { return Vec::new() };
    list.items().filter_map(|item| item.as_str().map(std::borrow::Cow::into_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::SOURCE;
    use crate::record::testing::read;
    use crate::sources::Settings;
    use expect_test::expect;

    fn said(verdict: &str, was: &str) -> String {
        said_with(verdict, was, "")
    }

    fn said_with(verdict: &str, was: &str, more: &str) -> String {
        let record = format!(
            r#"{{{more}"resultId":"r-1","run":"c1","inventoryRun":"i1","checkedAt":"2026-11-22T10:00:00Z","check":"trail-delivers","title":"t","severity":"high","resource":"arn:t","account":"111122223333","region":"global","verdict":"{verdict}","was":"{was}","why":"it does not log","evidence":["e1","e2"],"points":["CC7.2"]}}"#
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

    #[test]
    fn a_drift_is_over_when_the_resource_is_good_again_and_open_when_its_exception_ends() {
        let drifted = r#""drifted":"2026-11-21T10:00:00Z","#;
        let mended = said_with("COMPLIANT", "NON_COMPLIANT", drifted);
        assert!(mended.contains("arn:t is as it should be again"), "{mended}");
        let covered = r#""drifted":"2026-11-21T10:00:00Z","wasException":"x-1","#;
        let open = said_with("NON_COMPLIANT", "NON_COMPLIANT", covered);
        assert!(open.contains("its exception is over"), "{open}");
        let still = format!(r#"{covered}"exception":"x-1","#);
        assert!(!said_with("NON_COMPLIANT", "NON_COMPLIANT", &still).contains("finding="));
    }
}
