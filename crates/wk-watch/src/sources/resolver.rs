//! Route 53 Resolver query logs: which names the machines of a VPC asked for.
//!
//! * Format: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html>.
//! * A query that DNS Firewall blocked, or the resolver refused, is denied; any other answer than
//!   NOERROR is a failure.
//! * The actor is the instance that asked, where AWS knows it, else its address.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, Outcome};
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::{fields, spaced};

/// Route 53 Resolver query logs.
pub const SOURCE: Source = Source {
    id: "resolver",
    title: "Route 53 Resolver query logs",
    page: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html",
    serves: &["R-164", "R-184"],
    table: &TABLE,
    product: "aws",
    service: Some("resolver"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of Resolver queries.
pub static TABLE: Table = Table {
    name: "resolver_query",
    doc: "DNS queries that the machines of VPCs sent to Route 53 Resolver.",
    columns: &[
        column("version", ColumnType::Text, "version of the record's form"),
        column("vpc_id", ColumnType::Text, "VPC the query came from"),
        column("query_name", ColumnType::Text, "name that was asked for, with its final dot"),
        column("query_type", ColumnType::Text, "A, AAAA, TXT, …"),
        column("query_class", ColumnType::Text, "IN nearly always"),
        column("rcode", ColumnType::Text, "NOERROR, NXDOMAIN, SERVFAIL, REFUSED, …"),
        column("answers", ColumnType::Json, "answers: Rdata, Type, Class"),
        column("answers.Rdata", ColumnType::TextList, "what the name stands for"),
        column("srcport", ColumnType::Int, "port the query came from"),
        column("transport", ColumnType::Text, "UDP, TCP, DoH, DoH-FIPS"),
        column("srcids.instance", ColumnType::Text, "instance that asked"),
        column("srcids.resolver_endpoint", ColumnType::Text, "endpoint the query came through"),
        column(
            "srcids.resolver_network_interface",
            ColumnType::Text,
            "network interface of the endpoint",
        ),
        column(
            "firewall_rule_action",
            ColumnType::Text,
            "ALERT or BLOCK, where DNS Firewall acted",
        ),
        column("firewall_rule_group_id", ColumnType::Text, "rule group of DNS Firewall"),
        column("firewall_domain_list_id", ColumnType::Text, "domain list that matched"),
        column(
            "firewall_protection",
            ColumnType::Text,
            "DNS Firewall Advanced: DGA, DNS_TUNNELING",
        ),
    ],
    sort: &["query_name", "event_time"],
    aliases: &[
        ("account_id", "account"),
        ("query_timestamp", "event_time"),
        ("srcaddr", "source_ip"),
    ],
};

// Places of the columns that the code names; a test compares them with the table.
const QUERY_NAME: usize = 2;
const RCODE: usize = 5;
const ANSWERS: usize = 6;
const ANSWERS_RDATA: usize = 7;
const INSTANCE: usize = 10;
const ENDPOINT: usize = 11;
const NETWORK_INTERFACE: usize = 12;
const FIREWALL_RULE_ACTION: usize = 13;

fn claims(record: Value<'_>) -> bool {
    record.get("query_timestamp").is_some() && record.get("query_name").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = spaced::id_of_envelope(context);
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    for (key, value) in record.fields() {
        if !value.is_null() {
            field(&mut row, &key, value);
        }
    }
    let name = spaced::cell_text(&row, QUERY_NAME).map(str::to_owned);
    name.into_iter().for_each(|name| row.resource(name));
    row.actor = text_of(&row, INSTANCE).or_else(|| row.source_ip.clone());
    row.outcome = outcome(&row);
    Ok(row)
}

fn field<'a>(row: &mut Row<'a>, key: &str, value: Value<'a>) {
    match key {
        "account_id" => row.account = value.as_str().or_else(|| row.account.take()),
        "region" => row.region = value.as_str().or_else(|| row.region.take()),
        "srcaddr" => row.source_ip = value.as_str(),
        "query_timestamp" => {
            row.time = spaced::time_of(value);
            if row.time.is_none() {
                row.flag("event_time", "is no time", value.raw());
            }
        }
        "answers" => {
            fields::put(row, ANSWERS, value);
            let answers = value.items().take(ANSWERS_MAX);
            let data = answers.filter_map(|a| fields::scalar(a.get("Rdata")?)).collect();
            row.cells[ANSWERS_RDATA] = Cell::List(data);
        }
        "srcids" => {
            for (key, at) in [
                ("instance", INSTANCE),
                ("resolver_endpoint", ENDPOINT),
                ("resolver_network_interface", NETWORK_INTERFACE),
            ] {
                if let Some(id) = fields::find(value, key) {
                    fields::put(row, at, id);
                }
            }
        }
        other => {
            if let Some(at) = TABLE.index(other) {
                fields::put(row, at, value);
            }
        }
    }
}

/// How many answers have their data in a column; all are in `answers`.
const ANSWERS_MAX: usize = 64;

fn text_of<'a>(row: &Row<'a>, at: usize) -> Option<Cow<'a, str>> {
    match &row.cells[at] {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn outcome(row: &Row<'_>) -> Option<Outcome> {
    if spaced::cell_text(row, FIREWALL_RULE_ACTION) == Some("BLOCK") {
        return Some(Outcome::Denied);
    }
    Some(match spaced::cell_text(row, RCODE)? {
        "NOERROR" => Outcome::Success,
        "REFUSED" => Outcome::Denied,
        _ => Outcome::Failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("query_name", QUERY_NAME),
            ("rcode", RCODE),
            ("answers", ANSWERS),
            ("answers.Rdata", ANSWERS_RDATA),
            ("srcids.instance", INSTANCE),
            ("srcids.resolver_endpoint", ENDPOINT),
            ("srcids.resolver_network_interface", NETWORK_INTERFACE),
            ("firewall_rule_action", FIREWALL_RULE_ACTION),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn an_answered_query_names_the_instance_and_the_answers() {
        check(
            r#"{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-0a1b","query_timestamp":"2024-02-15T14:23:00Z","query_name":"updates.example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"192.0.2.10","Type":"A","Class":"IN"},{"Rdata":"192.0.2.11","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.7","srcport":"54321","transport":"UDP","srcids":{"instance":"i-0123456789abcdef0"}}"#,
            expect![[r#"
                resolver event_time=2024-02-15T14:23:00Z account=111122223333 region=us-east-1 actor=i-0123456789abcdef0 source_ip=10.0.0.7 outcome=success resource_ids=updates.example.com. version=1.100000 vpc_id=vpc-0a1b query_name=updates.example.com. query_type=A query_class=IN rcode=NOERROR answers=[{"Rdata":"192.0.2.10","Type":"A","Class":"IN"},{"Rdata":"192.0.2.11","Type":"A","Class":"IN"}] answers.Rdata=192.0.2.10,192.0.2.11 srcport=54321 transport=UDP srcids.instance=i-0123456789abcdef0
            "#]],
        );
    }

    #[test]
    fn a_blocked_query_is_denied_and_a_missing_name_a_failure() {
        check(
            r#"{"version":"1.1","query_timestamp":"2024-02-15T14:23:00Z","query_name":"c2.example.net.","query_type":"TXT","rcode":"NOERROR","answers":[],"srcaddr":"10.0.0.7","srcport":53,"firewall_rule_action":"BLOCK","firewall_rule_group_id":"rslvr-frg-1","firewall_domain_list_id":"rslvr-fdl-1"}
{"version":"1.1","query_timestamp":"2024-02-15T14:23:01Z","query_name":"nowhere.example.","rcode":"NXDOMAIN","answers":null,"srcaddr":"10.0.0.7","srcport":"x"}"#,
            expect![[r#"
                resolver event_time=2024-02-15T14:23:00Z actor=10.0.0.7 source_ip=10.0.0.7 outcome=denied resource_ids=c2.example.net. version=1.1 query_name=c2.example.net. query_type=TXT rcode=NOERROR answers=[] answers.Rdata= srcport=53 firewall_rule_action=BLOCK firewall_rule_group_id=rslvr-frg-1 firewall_domain_list_id=rslvr-fdl-1
                resolver event_time=2024-02-15T14:23:01Z actor=10.0.0.7 source_ip=10.0.0.7 outcome=failure resource_ids=nowhere.example. version=1.1 query_name=nowhere.example. rcode=NXDOMAIN flags=srcport=is not a whole number: "x"
            "#]],
        );
    }

    #[test]
    fn a_query_out_of_a_log_group_has_the_id_of_its_log_event() {
        check(
            r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"dns","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"38","timestamp":1708006980000,"message":"{\"query_timestamp\":\"2024-02-15T14:23:00Z\",\"query_name\":\"a.example.\",\"srcaddr\":\"10.0.0.7\"}"}]}"#,
            expect![[r#"
                resolver event_time=2024-02-15T14:23:00Z event_id=38 account=111122223333 actor=10.0.0.7 source_ip=10.0.0.7 resource_ids=a.example. query_name=a.example.
            "#]],
        );
    }

    #[test]
    fn an_object_that_only_looks_alike_is_refused() {
        check(
            r#"{"query_name":"a.example.","rcode":"NOERROR"}"#,
            expect![[r#"
            refused unknown 0 no source knows a record of this form
        "#]],
        );
    }
}
