//! AWS Network Firewall: alerts, flows and TLS inspection.
//!
//! * Format: <https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html>;
//!   the member `event` is Suricata's EVE:
//!   <https://docs.suricata.io/en/latest/output/eve/eve-json-format.html>.
//! * What the firewall dropped or rejected is denied.
//! * One flow has several records, so the flow id is no identity.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::Outcome;
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::{fields, spaced};

/// Network Firewall logs.
pub const SOURCE: Source = Source {
    id: "networkfirewall",
    title: "Network Firewall alert, flow and TLS logs",
    page: "https://docs.aws.amazon.com/network-firewall/latest/developerguide/firewall-logging-contents.html",
    serves: &[],
    table: &TABLE,
    product: "aws",
    service: Some("networkfirewall"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of Network Firewall logs.
pub static TABLE: Table = Table {
    name: "network_firewall",
    doc: "Alerts, flows and TLS inspections of AWS Network Firewall.",
    columns: &[
        column("firewall_name", ColumnType::Text, "firewall that saw the traffic"),
        column("availability_zone", ColumnType::Text, "zone of its endpoint"),
        column("event_timestamp", ColumnType::Time, "when the record was made"),
        column("event.event_type", ColumnType::Text, "alert, netflow, tls"),
        column("event.src_port", ColumnType::Int, "port of the source"),
        column("event.dest_ip", ColumnType::Text, "address of the destination"),
        column("event.dest_port", ColumnType::Int, "port of the destination"),
        column("event.proto", ColumnType::Text, "TCP, UDP, ICMP"),
        column("event.app_proto", ColumnType::Text, "tls, http, dns, unknown"),
        column("event.direction", ColumnType::Text, "to_server or to_client"),
        column("event.flow_id", ColumnType::Int, "links the records of a flow"),
        column("event.alert.action", ColumnType::Text, "allowed or blocked"),
        column("event.alert.signature", ColumnType::Text, "message of the rule that matched"),
        column("event.alert.signature_id", ColumnType::Int, "id of the rule that matched"),
        column("event.alert.category", ColumnType::Text, "class of the rule"),
        column("event.alert.severity", ColumnType::Int, "1 is the gravest"),
        column("event.alert.metadata", ColumnType::Json, "metadata of the rule"),
        column("event.verdict.action", ColumnType::Text, "pass, drop or reject, for the packet"),
        column("event.netflow.pkts", ColumnType::Int, "packets of the flow"),
        column("event.netflow.bytes", ColumnType::Int, "bytes of the flow"),
        column("event.netflow.start", ColumnType::Time, "first packet of the flow"),
        column("event.netflow.end", ColumnType::Time, "last packet of the flow"),
        column("event.netflow.age", ColumnType::Int, "seconds between them"),
        column("event.tcp.tcp_flags", ColumnType::Text, "flags of TCP, in hexadecimal"),
        column("event.tls.sni", ColumnType::Text, "server name the client gave"),
        column("event.tls.version", ColumnType::Text, "version of TLS"),
        column("event.tls.subject", ColumnType::Text, "subject of the server's certificate"),
        column("event.http.hostname", ColumnType::Text, "Host header"),
        column("event.http.url", ColumnType::Text, "path"),
        column("event.http.http_method", ColumnType::Text, "HTTP method"),
        column("event.http.status", ColumnType::Int, "HTTP status"),
        column("event.dns.rrname", ColumnType::Text, "name that was asked for"),
    ],
    sort: &["source_ip", "event_time"],
    aliases: &[("event.timestamp", "event_time"), ("event.src_ip", "source_ip")],
};

// Places of the columns that the code names; a test compares them with the table.
const ALERT_ACTION: usize = 11;
const VERDICT_ACTION: usize = 17;

fn claims(record: Value<'_>) -> bool {
    record.get("firewall_name").is_some()
        && record.get("event").is_some_and(|event| event.kind() == Kind::Object)
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = spaced::id_of_envelope(context);
    fields::fill(&mut row, record);
    row.time = fields::time(&mut row, record, "event.timestamp")
        .or_else(|| fields::time(&mut row, record, "event_timestamp"));
    row.source_ip = fields::text(record, "event.src_ip");
    row.user_agent = fields::text(record, "event.http.http_user_agent");
    let (account, region) = spaced::place_of_key(context.uri);
    row.account = context.envelope.account.or(account).map(Cow::Borrowed);
    row.region = context.envelope.region.or(region).map(Cow::Borrowed);
    for path in ["firewall_name", "event.dest_ip"] {
        if let Some(name) = fields::text(record, path) {
            row.resource(name);
        }
    }
    let decided = [VERDICT_ACTION, ALERT_ACTION].iter().find_map(|at| spaced::cell_text(&row, *at));
    row.outcome = decided.and_then(|word| match word {
        "drop" | "reject" | "blocked" => Some(Outcome::Denied),
        "pass" | "accept" | "allowed" | "alert" => Some(Outcome::Success),
        _ => None,
    });
    row.action = fields::first_text(record, &["event.alert.action", "event.event_type"]);
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in
            [("event.alert.action", ALERT_ACTION), ("event.verdict.action", VERDICT_ACTION)]
        {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn an_alert_that_dropped_and_a_flow() {
        check(
            r#"{"firewall_name":"edge","availability_zone":"us-east-1a","event_timestamp":"1708006981","event":{"timestamp":"2024-02-15T14:23:00.933410+0000","flow_id":328474246651493,"event_type":"alert","src_ip":"10.0.0.7","src_port":36434,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","app_proto":"tls","alert":{"action":"blocked","signature_id":4,"signature":"no such hosts","category":"","severity":3},"tls":{"sni":"c2.example.net","version":"TLS 1.2"},"verdict":{"action":"drop"}}}
{"firewall_name":"edge","availability_zone":"us-east-1a","event_timestamp":"1708006981","event":{"timestamp":"2024-02-15T14:23:01.404578+0000","event_type":"netflow","src_ip":"10.0.0.7","src_port":60448,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","tcp":{"tcp_flags":"13","syn":true},"netflow":{"pkts":21,"bytes":"x","start":"2024-02-15T14:22:00.200427+0000","age":63}}}"#,
            expect![[r#"
                networkfirewall event_time=2024-02-15T14:23:00.933410Z source_ip=10.0.0.7 action=blocked outcome=denied resource_ids=edge,203.0.113.9 firewall_name=edge availability_zone=us-east-1a event_timestamp=2024-02-15T14:23:01Z event.event_type=alert event.src_port=36434 event.dest_ip=203.0.113.9 event.dest_port=443 event.proto=TCP event.app_proto=tls event.flow_id=328474246651493 event.alert.action=blocked event.alert.signature=no such hosts event.alert.signature_id=4 event.alert.category= event.alert.severity=3 event.verdict.action=drop event.tls.sni=c2.example.net event.tls.version=TLS 1.2
                networkfirewall event_time=2024-02-15T14:23:01.404578Z source_ip=10.0.0.7 action=netflow resource_ids=edge,203.0.113.9 firewall_name=edge availability_zone=us-east-1a event_timestamp=2024-02-15T14:23:01Z event.event_type=netflow event.src_port=60448 event.dest_ip=203.0.113.9 event.dest_port=443 event.proto=TCP event.netflow.pkts=21 event.netflow.start=2024-02-15T14:22:00.200427Z event.netflow.age=63 event.tcp.tcp_flags=13 flags=event.netflow.bytes=is not a whole number: "x"
            "#]],
        );
    }

    #[test]
    fn an_object_without_an_event_is_refused() {
        check(
            r#"{"firewall_name":"edge","event":"x"}"#,
            expect![[r#"
            refused unknown 0 no source knows a record of this form
        "#]],
        );
    }
}
