//! Query logs of public hosted zones in Route 53: what resolvers asked about our names.
//!
//! * Format: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html>.
//! * The address is the resolver's, not that of the machine that asked it; the column
//!   `edns_client_subnet` may say more.
//! * Delivered to CloudWatch Logs only, one line for each query; Route 53 samples nothing but
//!   resolvers cache, so the log is not a count of look-ups.

use std::borrow::Cow;

use wk_model::event::Outcome;
use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::spaced;

/// Route 53 public query logs.
pub const SOURCE: Source = Source {
    id: "route53",
    title: "Route 53 query logs of public hosted zones",
    page: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html",
    serves: &["R-184"],
    table: &TABLE,
    product: "aws",
    service: Some("route53"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of public DNS queries.
pub static TABLE: Table = Table {
    name: "route53_query",
    doc: "DNS queries that Route 53 answered for public hosted zones.",
    columns: &[
        column("version", ColumnType::Text, "version of the line's form"),
        column("hosted_zone_id", ColumnType::Text, "hosted zone that was asked"),
        column("query_name", ColumnType::Text, "name that was asked for"),
        column("query_type", ColumnType::Text, "A, AAAA, MX, ANY, …"),
        column("rcode", ColumnType::Text, "NOERROR, NXDOMAIN, REFUSED, …"),
        column("protocol", ColumnType::Text, "UDP or TCP"),
        column("edge_location", ColumnType::Text, "edge location that answered"),
        column("edns_client_subnet", ColumnType::Text, "part of the client's address, where given"),
        column("extra", ColumnType::TextList, "fields that are newer than this table"),
    ],
    sort: &["query_name", "event_time"],
    aliases: &[("query_timestamp", "event_time"), ("resolver_ip", "source_ip")],
};

const RCODE: usize = 4;
const EXTRA: usize = 8;
const FIELDS_MIN: usize = 9;

fn claims(head: &[&str], _: &Settings) -> bool {
    spaced::mostly(head, |line| {
        let mut fields = line.split_ascii_whitespace();
        let version = fields.next().is_some_and(|v| v.len() == 3 && v.contains('.'));
        let time = fields.next().is_some_and(|time| Timestamp::parse(time).is_ok());
        version && time && fields.next().is_some_and(|zone| zone.starts_with('Z'))
    })
}

struct Lines;

impl LineReader for Lines {
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        match read(text, context) {
            Ok(row) => Line::Event(Box::new(row)),
            Err(refusal) => Line::Refused(refusal),
        }
    }
}

fn read<'a>(line: &'a str, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, line);
    row.delivered = Some(context.delivered());
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    let mut count = 0;
    for (n, text) in line.split_ascii_whitespace().enumerate() {
        count = n + 1;
        let Some(text) = spaced::given(text) else { continue };
        match n {
            0 => row.read(0, text),
            1 => match Timestamp::parse(text) {
                Ok(time) => row.time = Some(time),
                Err(_) => row.flag("event_time", "is no time", text),
            },
            2 => {
                row.resource(text);
                row.read(1, text);
            }
            3..=7 => row.read(n - 1, text),
            8 => row.source_ip = Some(Cow::Borrowed(text)),
            9 => row.read(7, text),
            _ => spaced::extra(&mut row, EXTRA, text),
        }
    }
    if count < FIELDS_MIN {
        return Err(Refusal(format!("has {count} fields; a query log has at least {FIELDS_MIN}")));
    }
    row.outcome = spaced::cell_text(&row, RCODE).map(|rcode| match rcode {
        "NOERROR" => Outcome::Success,
        "REFUSED" => Outcome::Denied,
        _ => Outcome::Failure,
    });
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn lines_with_and_without_a_client_subnet() {
        assert_eq!((TABLE.index("rcode"), TABLE.index("extra")), (Some(RCODE), Some(EXTRA)));
        check(
            "1.0 2024-02-15T14:23:00.130Z Z123412341234 example.com A NOERROR UDP FRA6 192.0.2.1 -\n1.0 2024-02-15T14:23:01Z Z123412341234 x.example.com TXT NXDOMAIN TCP IAD12 2001:db8::1 198.51.100.0/24 new\n1.0 2024-02-15T14:23:01Z Z1 x\n",
            expect![[r#"
                route53 event_time=2024-02-15T14:23:00.130Z source_ip=192.0.2.1 outcome=success resource_ids=Z123412341234 version=1.0 hosted_zone_id=Z123412341234 query_name=example.com query_type=A rcode=NOERROR protocol=UDP edge_location=FRA6
                route53 event_time=2024-02-15T14:23:01Z source_ip=2001:db8::1 outcome=failure resource_ids=Z123412341234 version=1.0 hosted_zone_id=Z123412341234 query_name=x.example.com query_type=TXT rcode=NXDOMAIN protocol=TCP edge_location=IAD12 edns_client_subnet=198.51.100.0/24 extra=new
                refused route53 194 has 4 fields; a query log has at least 9
            "#]],
        );
    }

    #[test]
    fn lines_of_other_kinds_are_not_claimed() {
        for line in ["1.0 2024-02-15T14:23:00Z started", "2 111122223333 eni-1", "1.0 x Z1"] {
            assert!(!claims(&[line], &Settings::default()), "{line}");
        }
    }
}
