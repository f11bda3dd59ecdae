//! Model invocation logs of Amazon Bedrock: who asked which model, and how much it read and wrote.
//!
//! * Format: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html>.
//! * The request id is the identity. Prompts and answers stay in `raw` and in no column.
//! * Tokens are counted in two places; the larger number is taken, as one of them may be absent.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// Model invocation logs.
pub const SOURCE: Source = Source {
    id: "bedrock",
    title: "Bedrock model invocation logs",
    page: "https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html",
    serves: &["R-180"],
    table: &TABLE,
    product: "aws",
    service: Some("bedrock"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of invocations.
pub static TABLE: Table = Table {
    name: "bedrock_invocation",
    doc: "Calls of models through Amazon Bedrock.",
    columns: &[
        column("modelId", ColumnType::Text, "model or inference profile"),
        column("operation", ColumnType::Text, "InvokeModel, Converse, ConverseStream, …"),
        column("input.inputTokenCount", ColumnType::Int, "tokens that the model read"),
        column("output.outputTokenCount", ColumnType::Int, "tokens that the model wrote"),
        column("totalTokens", ColumnType::Int, "both, or the model's own sum if that is larger"),
        column("output.outputBodyJson.stopReason", ColumnType::Text, "why the answer ended"),
        column("errorCode", ColumnType::Text, "error, if there was one"),
        column("inferenceRegion", ColumnType::Text, "region in which the model ran"),
        column("schemaVersion", ColumnType::Text, "version of the record's form"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("requestId", "event_id"),
        ("timestamp", "event_time"),
        ("accountId", "account"),
        ("identity.arn", "actor"),
    ],
};

const READ: usize = 2;
const WRITTEN: usize = 3;
const TOTAL: usize = 4;

fn claims(record: Value<'_>) -> bool {
    record.text("schemaType").as_deref() == Some("ModelInvocationLog")
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let Some(id) = fields::text(record, "requestId") else {
        return Err(Refusal("the invocation has no requestId".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = EventId::Own(id);
    fields::fill(&mut row, record);
    let usage = fields::find(record, "output.outputBodyJson.usage");
    let sum = |v: Value<'_>| fields::find(v, "totalTokens").and_then(fields::as_int);
    let counted = [READ, WRITTEN].iter().filter_map(|at| match row.cells[*at] {
        Cell::Int(count) => Some(count),
        _ => None,
    });
    let counted = counted.fold(0, i64::saturating_add);
    row.cells[TOTAL] = Cell::Int(usage.and_then(sum).unwrap_or(0).max(counted));
    row.time = fields::time(&mut row, record, "timestamp").or(context.envelope.time);
    row.account = fields::text(record, "accountId").or(context.envelope.account.map(Cow::Borrowed));
    row.region = fields::text(record, "region").or(context.envelope.region.map(Cow::Borrowed));
    row.actor = fields::text(record, "identity.arn");
    row.action = fields::text(record, "operation");
    row.outcome = match fields::text(record, "errorCode").as_deref() {
        None => Some(Outcome::Success),
        Some(code) if code.starts_with("AccessDenied") => Some(Outcome::Denied),
        Some(_) => Some(Outcome::Failure),
    };
    fields::resources(&mut row, record, "modelId");
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("input.inputTokenCount", READ),
            ("output.outputTokenCount", WRITTEN),
            ("totalTokens", TOTAL),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn an_invocation_is_counted_and_its_prompt_is_in_no_column() {
        check(
            r#"{"schemaType":"ModelInvocationLog","schemaVersion":"1.0","timestamp":"2024-02-15T14:23:00Z","accountId":"111122223333","identity":{"arn":"arn:aws:sts::111122223333:assumed-role/shop/s"},"region":"eu-west-1","requestId":"r-1","operation":"Converse","modelId":"example.model-v1","input":{"inputContentType":"application/json","inputBodyJson":{"messages":["hello"]},"inputTokenCount":12},"output":{"outputBodyJson":{"stopReason":"end_turn","usage":{"inputTokens":12,"outputTokens":30,"totalTokens":42}},"outputTokenCount":30}}"#,
            expect![[r#"
                bedrock event_time=2024-02-15T14:23:00Z event_id=r-1 account=111122223333 region=eu-west-1 actor=arn:aws:sts::111122223333:assumed-role/shop/s action=Converse outcome=success resource_ids=example.model-v1 modelId=example.model-v1 operation=Converse input.inputTokenCount=12 output.outputTokenCount=30 totalTokens=42 output.outputBodyJson.stopReason=end_turn schemaVersion=1.0
            "#]],
        );
    }

    #[test]
    fn a_refused_invocation_without_an_answer() {
        check(
            r#"{"schemaType":"ModelInvocationLog","timestamp":"later","requestId":"r-2","operation":"InvokeModel","errorCode":"AccessDeniedException","input":{"inputTokenCount":"x"}}"#,
            expect![[r#"
                bedrock event_id=r-2 action=InvokeModel outcome=denied operation=InvokeModel totalTokens=0 errorCode=AccessDeniedException flags=input.inputTokenCount=is not a whole number: "x"; timestamp=is no time: "later"
            "#]],
        );
    }

    #[test]
    fn an_invocation_without_an_id_is_refused() {
        check(
            r#"{"schemaType":"ModelInvocationLog"}"#,
            expect![[r#"
                refused bedrock 0 the invocation has no requestId
            "#]],
        );
    }
}
