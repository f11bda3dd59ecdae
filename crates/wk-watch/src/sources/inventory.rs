//! Answers of AWS to the questions of our own inventory: how an account was set up, when.
//!
//! * One record is one [`wk_model::Capture`]. It is taken only from our own walks: an object that
//!   merely looks like one, in a bucket of logs, is not claimed, for it could say anything.
//! * What was denied or failed is a record too.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// Captures of the inventory.
pub const SOURCE: Source = Source {
    id: "inventory",
    title: "Inventory of AWS accounts",
    page: "https://docs.aws.amazon.com/cli/latest/reference/",
    serves: &["R-101", "R-103", "R-104", "R-107", "R-111"],
    table: &TABLE,
    product: "aws",
    service: None,
    json: Some(JsonForm { claims: |_| false, read }),
    lines: None,
};

/// The table of captures. The answer is in `raw`, below `answer`, page by page.
pub static TABLE: Table = Table {
    name: "inventory",
    doc: "What AWS answered to the inventory's questions; the pages are in `raw`, below `answer`.",
    columns: &[
        column("run", ColumnType::Text, "the walk it belongs to"),
        column("service", ColumnType::Text, "service, as signatures know it"),
        column("operation", ColumnType::Text, "operation"),
        column("parameters", ColumnType::Json, "parameters, without tokens of pages"),
        column("state", ColumnType::Text, "answered, partial, absent, denied or failed"),
        column("reason", ColumnType::Text, "the service's words where there was no answer"),
        column("requestIds", ColumnType::TextList, "AWS's names for the requests, one a page"),
        column("answerSha256", ColumnType::Text, "digest of the pages before masking"),
        column("masked", ColumnType::Json, "what was masked: where it stood, and its digest"),
    ],
    sort: &["action", "event_time"],
    aliases: &[("principal", "actor"), ("capturedAt", "event_time")],
};

const STATE: usize = 4;

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let missing = |what: &str| Refusal(format!("a capture without {what}"));
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    let id = fields::text(record, "captureId").ok_or_else(|| missing("captureId"))?;
    row.id = EventId::Own(id);
    let at = fields::text(record, "capturedAt").ok_or_else(|| missing("capturedAt"))?;
    row.time = Timestamp::parse(&at).ok();
    fields::fill(&mut row, record);
    if let Some(state) = fields::text(record, "outcome") {
        row.outcome = Some(match &*state {
            "denied" => Outcome::Denied,
            "failed" | "partial" => Outcome::Failure,
            _ => Outcome::Success,
        });
        row.text(STATE, state);
    }
    row.account = fields::text(record, "account");
    row.region = fields::text(record, "region");
    row.actor = fields::text(record, "principal");
    let service = fields::text(record, "service").ok_or_else(|| missing("service"))?;
    let operation = fields::text(record, "operation").ok_or_else(|| missing("operation"))?;
    row.action = Some(Cow::Owned(format!("{service}:{operation}")));
    if let Some(parameters) = record.get("parameters") {
        for (_, value) in parameters.fields() {
            if let Some(text) = value.as_str() {
                row.resource(text);
            }
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::SOURCE;
    use crate::record::testing::read;
    use crate::sources::Settings;
    use expect_test::expect;

    const CAPTURE: &str = r#"{"captureId":"0123456789abcdef","run":"r1","service":"cloudtrail","operation":"GetTrailStatus","parameters":{"Name":"arn:t"},"account":"111122223333","region":"eu-west-1","capturedAt":"2026-11-22T10:00:00Z","principal":"arn:p","requestIds":["q1"],"outcome":"answered","answerSha256":"00","answer":[{"IsLogging":true}]}"#;

    #[test]
    fn a_capture_says_what_was_asked_and_what_came() {
        let said = read(CAPTURE.as_bytes(), &Settings::default(), Some(&SOURCE));
        expect![[r#"
            inventory event_time=2026-11-22T10:00:00Z event_id=0123456789abcdef account=111122223333 region=eu-west-1 actor=arn:p action=cloudtrail:GetTrailStatus outcome=success resource_ids=arn:t run=r1 service=cloudtrail operation=GetTrailStatus parameters={"Name":"arn:t"} state=answered requestIds=q1 answerSha256=00
        "#]].assert_eq(&said);
    }

    #[test]
    fn nothing_is_taken_for_a_capture_that_is_not_said_to_be_one() {
        let said = read(CAPTURE.as_bytes(), &Settings::default(), None);
        assert!(!said.starts_with("inventory"), "{said}");
    }

    #[test]
    fn what_is_no_capture_is_refused() {
        let said = read(b"{\"run\":\"r1\"}", &Settings::default(), Some(&SOURCE));
        assert!(said.contains("refused inventory"), "{said}");
        assert!(said.contains("without captureId"), "{said}");
    }
}
