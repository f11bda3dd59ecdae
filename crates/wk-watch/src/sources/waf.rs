//! Web ACL traffic logs of AWS WAF: which requests were let through and which were not.
//!
//! * Format: <https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html>.
//! * The column `action` holds WAF's own word: ALLOW, BLOCK, CAPTCHA or CHALLENGE. What did not get
//!   through is denied.
//! * Header names come in the client's letter case and are compared without regard to it.
//! * The request id of a load balancer is a trace id, which a client may choose: it is no identity.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, Outcome};
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::{fields, spaced};

/// WAF web ACL logs.
pub const SOURCE: Source = Source {
    id: "waf",
    title: "WAF web ACL logs",
    page: "https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html",
    serves: &[],
    table: &TABLE,
    product: "aws",
    service: Some("waf"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of WAF logs.
pub static TABLE: Table = Table {
    name: "waf",
    doc: "Requests that AWS WAF inspected, and what it did with them.",
    columns: &[
        column("formatVersion", ColumnType::Int, "version of the record's form"),
        column("webaclId", ColumnType::Text, "ARN of the web ACL; a bare id for WAF Classic"),
        column("terminatingRuleId", ColumnType::Text, "rule that decided, or Default_Action"),
        column(
            "terminatingRuleType",
            ColumnType::Text,
            "REGULAR, RATE_BASED, GROUP, MANAGED_RULE_GROUP",
        ),
        column(
            "terminatingRuleMatchDetails",
            ColumnType::Json,
            "what matched: SQL injection, cross-site scripting",
        ),
        column(
            "httpSourceName",
            ColumnType::Text,
            "CF, ALB, APIGW, APPSYNC, COGNITOIDP, APPRUNNER, …",
        ),
        column("httpSourceId", ColumnType::Text, "id of the protected resource"),
        column("ruleGroupList", ColumnType::Json, "rule groups that were asked"),
        column("rateBasedRuleList", ColumnType::Json, "rate-based rules that were asked"),
        column(
            "nonTerminatingMatchingRules",
            ColumnType::Json,
            "rules that matched and only counted",
        ),
        column("requestHeadersInserted", ColumnType::Json, "headers that WAF added"),
        column("responseCodeSent", ColumnType::Int, "status of WAF's own answer"),
        column("labels", ColumnType::TextList, "labels that rules put on the request"),
        column("ja3Fingerprint", ColumnType::Text, "JA3 fingerprint of the client's TLS"),
        column("ja4Fingerprint", ColumnType::Text, "JA4 fingerprint of the client's TLS"),
        column("captchaResponse", ColumnType::Json, "how a CAPTCHA ended"),
        column("challengeResponse", ColumnType::Json, "how a challenge ended"),
        column("httpRequest.country", ColumnType::Text, "country of the client's address"),
        column("httpRequest.httpMethod", ColumnType::Text, "HTTP method"),
        column("httpRequest.host", ColumnType::Text, "Host header"),
        column("httpRequest.uri", ColumnType::Text, "path"),
        column("httpRequest.args", ColumnType::Text, "query string"),
        column("httpRequest.httpVersion", ColumnType::Text, "version of HTTP"),
        column(
            "httpRequest.requestId",
            ColumnType::Text,
            "id that the protected service gave the request",
        ),
        column("httpRequest.headers", ColumnType::Json, "headers as they came"),
    ],
    sort: &["source_ip", "event_time"],
    aliases: &[("timestamp", "event_time"), ("httpRequest.clientIp", "source_ip")],
};

// Places of the columns that the code names; a test compares them with the table.
const WEBACL_ID: usize = 1;
const HTTP_SOURCE_ID: usize = 6;
const LABELS: usize = 12;
const COUNTRY: usize = 17;
const METHOD: usize = 18;
const HOST: usize = 19;
const URI: usize = 20;
const ARGS: usize = 21;
const HTTP_VERSION: usize = 22;
const REQUEST_ID: usize = 23;
const HEADERS: usize = 24;

fn claims(record: Value<'_>) -> bool {
    record.get("webaclId").is_some() && record.get("httpRequest").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = spaced::id_of_envelope(context);
    for (key, value) in record.fields() {
        if !value.is_null() {
            field(&mut row, &key, value);
        }
    }
    for at in [WEBACL_ID, HTTP_SOURCE_ID] {
        if let Some(id) = text_of(&row, at) {
            row.resource(id);
        }
    }
    let acl = text_of(&row, WEBACL_ID).unwrap_or_default();
    let (account, region) = spaced::place_of_arn(&acl);
    row.account = account.or(context.envelope.account).map(|a| Cow::Owned(a.to_owned()));
    row.region = region.or(context.envelope.region).map(|r| Cow::Owned(r.to_owned()));
    row.outcome = row.action.as_deref().map(|action| match action {
        "BLOCK" | "CAPTCHA" | "CHALLENGE" => Outcome::Denied,
        _ => Outcome::Success,
    });
    Ok(row)
}

fn field<'a>(row: &mut Row<'a>, key: &str, value: Value<'a>) {
    match key {
        "timestamp" => {
            row.time = spaced::time_of(value);
            if row.time.is_none() {
                row.flag("event_time", "is no time", value.raw());
            }
        }
        "action" => row.action = value.as_str(),
        "httpRequest" => request(row, value),
        "labels" => {
            let names = value.items().take(256).filter_map(|label| label.text("name"));
            row.cells[LABELS] = Cell::List(names.collect());
        }
        other => {
            if let Some(at) = TABLE.index(other) {
                fields::put(row, at, value);
            }
        }
    }
}

fn request<'a>(row: &mut Row<'a>, request: Value<'a>) {
    for (key, value) in request.fields().filter(|(_, value)| !value.is_null()) {
        let at = match &*key {
            "clientIp" => {
                row.source_ip = value.as_str();
                continue;
            }
            "headers" => {
                headers(row, value);
                HEADERS
            }
            "country" => COUNTRY,
            "httpMethod" => METHOD,
            "host" => HOST,
            "uri" => URI,
            "args" => ARGS,
            "httpVersion" => HTTP_VERSION,
            "requestId" => REQUEST_ID,
            _ => continue, // kept in raw
        };
        fields::put(row, at, value);
    }
}

fn headers<'a>(row: &mut Row<'a>, headers: Value<'a>) {
    for header in headers.items() {
        let (Some(name), Some(value)) = (header.text("name"), header.get("value")) else {
            continue;
        };
        if name.eq_ignore_ascii_case("user-agent") {
            row.user_agent = value.as_str();
        } else if name.eq_ignore_ascii_case("host") && row.cells[HOST] == Cell::Null {
            fields::put(row, HOST, value);
        }
    }
}

fn text_of<'a>(row: &Row<'a>, at: usize) -> Option<Cow<'a, str>> {
    match &row.cells[at] {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("webaclId", WEBACL_ID),
            ("httpSourceId", HTTP_SOURCE_ID),
            ("labels", LABELS),
            ("httpRequest.country", COUNTRY),
            ("httpRequest.httpMethod", METHOD),
            ("httpRequest.host", HOST),
            ("httpRequest.uri", URI),
            ("httpRequest.args", ARGS),
            ("httpRequest.httpVersion", HTTP_VERSION),
            ("httpRequest.requestId", REQUEST_ID),
            ("httpRequest.headers", HEADERS),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn a_blocked_request() {
        check(
            r#"{"timestamp":1708006980123,"formatVersion":1,"webaclId":"arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/585e38b5","terminatingRuleId":"no-sql","terminatingRuleType":"REGULAR","action":"BLOCK","terminatingRuleMatchDetails":[{"conditionType":"SQL_INJECTION","location":"ARGS"}],"httpSourceName":"ALB","httpSourceId":"111122223333-app/shop/1","ruleGroupList":[],"responseCodeSent":null,"httpRequest":{"clientIp":"198.51.100.7","country":"DE","headers":[{"name":"Host","value":"shop.example.com"},{"name":"User-Agent","value":"sqlmap/1.7"}],"uri":"/items","args":"id=1+OR+1","httpVersion":"HTTP/1.1","httpMethod":"GET","requestId":"1-58337262-36d2"},"labels":[{"name":"awswaf:managed:aws:sql-database:SQLi"}]}"#,
            expect![[r#"
                waf event_time=2024-02-15T14:23:00.123Z account=111122223333 region=us-east-1 source_ip=198.51.100.7 user_agent=sqlmap/1.7 action=BLOCK outcome=denied resource_ids=arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/585e38b5,111122223333-app/shop/1 formatVersion=1 webaclId=arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/585e38b5 terminatingRuleId=no-sql terminatingRuleType=REGULAR terminatingRuleMatchDetails=[{"conditionType":"SQL_INJECTION","location":"ARGS"}] httpSourceName=ALB httpSourceId=111122223333-app/shop/1 ruleGroupList=[] labels=awswaf:managed:aws:sql-database:SQLi httpRequest.country=DE httpRequest.httpMethod=GET httpRequest.host=shop.example.com httpRequest.uri=/items httpRequest.args=id=1+OR+1 httpRequest.httpVersion=HTTP/1.1 httpRequest.requestId=1-58337262-36d2 httpRequest.headers=[{"name":"Host","value":"shop.example.com"},{"name":"User-Agent","value":"sqlmap/1.7"}]
            "#]],
        );
    }

    #[test]
    fn an_allowed_request_under_the_classic_waf() {
        check(
            r#"{"timestamp":1708006980123,"webaclId":"cc7b3c1f-0000","action":"ALLOW","terminatingRuleId":"Default_Action","httpRequest":{"clientIp":"2001:db8::7","uri":"/"}}"#,
            expect![[r#"
                waf event_time=2024-02-15T14:23:00.123Z source_ip=2001:db8::7 action=ALLOW outcome=success resource_ids=cc7b3c1f-0000 webaclId=cc7b3c1f-0000 terminatingRuleId=Default_Action httpRequest.uri=/
            "#]],
        );
    }

    #[test]
    fn a_record_with_broken_fields_is_kept_and_flagged() {
        check(
            r#"{"timestamp":"now","webaclId":7,"action":"COUNT","httpRequest":{"clientIp":null,"headers":{}}}"#,
            expect![[r#"
                waf action=COUNT outcome=success resource_ids=7 webaclId=7 httpRequest.headers={} flags=event_time=is no time: "now"
            "#]],
        );
    }

    #[test]
    fn an_object_without_a_request_is_refused() {
        check(
            r#"{"webaclId":"x","action":"BLOCK"}"#,
            expect![[r#"
            refused unknown 0 no source knows a record of this form
        "#]],
        );
    }
}
