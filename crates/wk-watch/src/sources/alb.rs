//! Access logs of Application Load Balancers, and of Classic ones.
//!
//! * Format: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>;
//!   Classic: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>.
//! * Reads http, https, h2, grpcs, ws and wss lines; fields that are newer than this file are kept
//!   in `extra`.
//! * Addresses and ports have columns of their own, named as in AWS's Athena table.
//! * The trace id may be the client's own invention, so it is no identity.

use std::borrow::Cow;

use wk_model::table::{ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::spaced::{self, Fields};
use crate::record::stamps;

/// Load balancer access logs.
pub const SOURCE: Source = Source {
    id: "alb",
    title: "Load balancer access logs (Application, Classic)",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    serves: &["R-183", "R-249"],
    table: &TABLE,
    product: "aws",
    service: Some("alb"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of load balancer access logs.
pub static TABLE: Table = Table {
    name: "alb",
    doc: "Requests to Application and Classic Load Balancers.",
    columns: &[
        column("type", ColumnType::Text, "http, https, h2, grpcs, ws, wss; absent for Classic"),
        column("elb", ColumnType::Text, "resource id of the load balancer"),
        column("client_port", ColumnType::Int, "port of the client"),
        column("target_ip", ColumnType::Text, "address of the target"),
        column("target_port", ColumnType::Int, "port of the target"),
        column(
            "request_processing_time",
            ColumnType::Float,
            "seconds until sent to the target; -1 if it was not",
        ),
        column(
            "target_processing_time",
            ColumnType::Float,
            "seconds until the target answered; -1 if it did not",
        ),
        column(
            "response_processing_time",
            ColumnType::Float,
            "seconds until sent to the client; -1 if it was not",
        ),
        column("elb_status_code", ColumnType::Int, "status the load balancer answered"),
        column("target_status_code", ColumnType::Int, "status the target answered"),
        column("received_bytes", ColumnType::Int, "bytes of the request"),
        column("sent_bytes", ColumnType::Int, "bytes of the answer"),
        column("request_verb", ColumnType::Text, "HTTP method"),
        column("request_url", ColumnType::Text, "address that was asked for"),
        column("request_proto", ColumnType::Text, "version of HTTP"),
        column("ssl_cipher", ColumnType::Text, "cipher of TLS"),
        column("ssl_protocol", ColumnType::Text, "version of TLS"),
        column("target_group_arn", ColumnType::Text, "ARN of the target group"),
        column("trace_id", ColumnType::Text, "X-Amzn-Trace-Id header"),
        column("domain_name", ColumnType::Text, "server name the client gave in the handshake"),
        column("chosen_cert_arn", ColumnType::Text, "ARN of the certificate that was shown"),
        column("matched_rule_priority", ColumnType::Int, "rule that matched; 0 default, -1 none"),
        column("request_creation_time", ColumnType::Time, "when the request arrived"),
        column("actions_executed", ColumnType::Text, "waf, authenticate, forward, redirect, …"),
        column("redirect_url", ColumnType::Text, "where the client was sent"),
        column("error_reason", ColumnType::Text, "why an action failed"),
        column("target_port_list", ColumnType::Text, "addresses of the targets that were tried"),
        column("target_status_code_list", ColumnType::Text, "their statuses"),
        column("classification", ColumnType::Text, "Acceptable, Ambiguous or Severe (desync)"),
        column("classification_reason", ColumnType::Text, "why it was classified so"),
        column("conn_trace_id", ColumnType::Text, "links to the connection log"),
        column("transformed_host", ColumnType::Text, "Host header after a rewrite"),
        column("transformed_uri", ColumnType::Text, "URI after a rewrite"),
        column("request_transform_status", ColumnType::Text, "how the rewrite ended"),
        column("extra", ColumnType::TextList, "fields that are newer than this table"),
    ],
    sort: &["source_ip", "event_time"],
    aliases: &[
        ("time", "event_time"),
        ("client_ip", "source_ip"),
        ("lambda_error_reason", "error_reason"),
        ("traceability_id", "conn_trace_id"),
    ],
};

// Places of the columns that the code names; a test compares them with the table.
const ELB: usize = 1;
const CLIENT_PORT: usize = 2;
const TARGET_IP: usize = 3;
const TARGET_PORT: usize = 4;
const ELB_STATUS_CODE: usize = 8;
const REQUEST_VERB: usize = 12;
const REQUEST_URL: usize = 13;
const REQUEST_PROTO: usize = 14;
const TARGET_GROUP_ARN: usize = 17;
const CHOSEN_CERT_ARN: usize = 20;
const EXTRA: usize = 34;

/// Where a field of a line goes.
enum To {
    Own(usize),
    Time,
    Client,
    Target,
    Request,
    UserAgent,
}
use To::{Client, Own, Request, Target, Time, UserAgent};

/// The fields of an Application Load Balancer's line in their order.
const APPLICATION: &[To] = &[
    Own(0),
    Time,
    Own(ELB),
    Client,
    Target,
    Own(5),
    Own(6),
    Own(7),
    Own(ELB_STATUS_CODE),
    Own(9),
    Own(10),
    Own(11),
    Request,
    UserAgent,
    Own(15),
    Own(16),
    Own(TARGET_GROUP_ARN),
    Own(18),
    Own(19),
    Own(CHOSEN_CERT_ARN),
    Own(21),
    Own(22),
    Own(23),
    Own(24),
    Own(25),
    Own(26),
    Own(27),
    Own(28),
    Own(29),
    Own(30),
    Own(31),
    Own(32),
    Own(33),
];
/// The fields of a Classic Load Balancer's line in their order.
const CLASSIC: &[To] = &[
    Time,
    Own(ELB),
    Client,
    Target,
    Own(5),
    Own(6),
    Own(7),
    Own(ELB_STATUS_CODE),
    Own(9),
    Own(10),
    Own(11),
    Request,
    UserAgent,
    Own(15),
    Own(16),
];
/// The oldest lines of both end with the bytes sent and the request.
const APPLICATION_FIELDS_MIN: usize = 13;
const CLASSIC_FIELDS_MIN: usize = 12;

fn claims(head: &[&str], _: &Settings) -> bool {
    spaced::mostly(head, |line| layout(line).is_some())
}

/// Which of the two a line is.
fn layout(line: &str) -> Option<(&'static [To], usize)> {
    let mut fields = Fields::of(line);
    let first = fields.next()?;
    if matches!(first, "http" | "https" | "h2" | "grpcs" | "ws" | "wss") {
        let time = stamps::whole(fields.next()?).is_some();
        return (time && fields.next()?.contains('/'))
            .then_some((APPLICATION, APPLICATION_FIELDS_MIN));
    }
    if !first.contains('T') || stamps::whole(first).is_none() {
        return None;
    }
    // A Classic line: name, client, backend, and then three durations in seconds.
    let is_seconds = |text: Option<&str>| text.is_some_and(|t| t.parse::<f64>().is_ok());
    let client = fields.nth(1)?;
    fields.next()?;
    let durations = (0..3).all(|_| is_seconds(fields.next()));
    (durations && spaced::address(client).1.is_some()).then_some((CLASSIC, CLASSIC_FIELDS_MIN))
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
    let (fields, least) = layout(line)
        .ok_or_else(|| Refusal("does not begin as a load balancer's access log does".to_owned()))?;
    let mut row = Row::new(&TABLE, line);
    let mut count = 0;
    for field in Fields::of(line) {
        match (fields.get(count), spaced::given(field)) {
            (Some(to), Some(text)) => put(&mut row, to, text),
            (Some(_), None) => {}
            (None, _) => spaced::extra(&mut row, EXTRA, field),
        }
        count += 1;
    }
    if count < least {
        return Err(Refusal(format!("has {count} fields; an access log has at least {least}")));
    }
    complete(&mut row, context);
    Ok(row)
}

fn put<'a>(row: &mut Row<'a>, to: &To, text: &'a str) {
    match to {
        Own(ELB_STATUS_CODE) => {
            row.outcome = spaced::outcome_of_status(text);
            row.read(ELB_STATUS_CODE, text);
        }
        Own(at @ (ELB | TARGET_GROUP_ARN)) => {
            row.resource(text);
            row.read(*at, text);
        }
        Own(at) => row.read(*at, text),
        Time => {
            row.time = stamps::whole(text).map(|stamp| stamp.time);
            if row.time.is_none() {
                row.flag("event_time", "is no time", text);
            }
        }
        Client => {
            let (ip, port) = spaced::address(text);
            row.source_ip = Some(Cow::Borrowed(ip));
            port.into_iter().for_each(|port| row.read(CLIENT_PORT, port));
        }
        Target => {
            let (ip, port) = spaced::address(text);
            row.read(TARGET_IP, ip);
            port.into_iter().for_each(|port| row.read(TARGET_PORT, port));
        }
        Request => request(row, text),
        UserAgent => row.user_agent = Some(Cow::Borrowed(text)),
    }
}

/// `GET https://www.example.com:443/a HTTP/1.1`; spaces may stand in the address.
fn request<'a>(row: &mut Row<'a>, text: &'a str) {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (url, protocol) = rest.trim_end().rsplit_once(' ').unwrap_or((rest, ""));
    // A request that was none is written `- http://192.0.2.1:80- -`.
    let url = if verb == "-" { url.trim_end_matches('-') } else { url };
    for (at, part) in [(REQUEST_VERB, verb), (REQUEST_URL, url), (REQUEST_PROTO, protocol)] {
        if let Some(part) = spaced::given(part.trim()) {
            row.read(at, part);
        }
    }
    row.action = spaced::given(verb).map(Cow::Borrowed);
}

/// Account and region: the target group's, else the certificate's, else the key's.
fn complete<'a>(row: &mut Row<'a>, context: &Context<'a>) {
    row.delivered = Some(context.delivered());
    let of_cell = |at| {
        let (account, region) = spaced::place_of_arn(spaced::cell_text(row, at)?);
        Some((account?.to_owned(), region?.to_owned()))
    };
    if let Some((account, region)) = of_cell(TARGET_GROUP_ARN).or_else(|| of_cell(CHOSEN_CERT_ARN))
    {
        row.account = Some(Cow::Owned(account));
        row.region = Some(Cow::Owned(region));
        return;
    }
    let (account, region) = spaced::place_of_key(context.uri);
    row.account = context.envelope.account.or(account).map(Cow::Borrowed);
    row.region = context.envelope.region.or(region).map(Cow::Borrowed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{check, read as read_bytes};
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("elb", ELB),
            ("client_port", CLIENT_PORT),
            ("target_ip", TARGET_IP),
            ("target_port", TARGET_PORT),
            ("request_processing_time", 5),
            ("elb_status_code", ELB_STATUS_CODE),
            ("request_verb", REQUEST_VERB),
            ("request_url", REQUEST_URL),
            ("request_proto", REQUEST_PROTO),
            ("ssl_cipher", 15),
            ("target_group_arn", TARGET_GROUP_ARN),
            ("chosen_cert_arn", CHOSEN_CERT_ARN),
            ("request_transform_status", 33),
            ("extra", EXTRA),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    const HEAD: &str = r#"app/shop/50dc6c495c0c9188 198.51.100.7:2817 10.0.0.1:80 0.001 0.044 0.000 403 403 34 366 "GET https://shop.example.com:443/a b HTTP/2.0" "Mozilla/5.0 (X11)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.com" "arn:aws:acm:us-east-1:111122223333:certificate/12345678" 1 2024-02-15T14:22:59.900000Z "waf,forward" "-" "-" "10.0.0.1:80" "403" "-" "-""#;

    #[test]
    fn a_request_over_http_2() {
        check(
            &format!("h2 2024-02-15T14:23:00.123456Z {HEAD}"),
            expect![[r#"
            alb event_time=2024-02-15T14:23:00.123456Z account=111122223333 region=us-east-1 source_ip=198.51.100.7 user_agent=Mozilla/5.0 (X11) action=GET outcome=denied resource_ids=app/shop/50dc6c495c0c9188,arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 type=h2 elb=app/shop/50dc6c495c0c9188 client_port=2817 target_ip=10.0.0.1 target_port=80 request_processing_time=0.001 target_processing_time=0.044 response_processing_time=0 elb_status_code=403 target_status_code=403 received_bytes=34 sent_bytes=366 request_verb=GET request_url=https://shop.example.com:443/a b request_proto=HTTP/2.0 ssl_cipher=ECDHE-RSA-AES128-GCM-SHA256 ssl_protocol=TLSv1.2 target_group_arn=arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 trace_id=Root=1-58337262-36d228ad5d99923122bbe354 domain_name=shop.example.com chosen_cert_arn=arn:aws:acm:us-east-1:111122223333:certificate/12345678 matched_rule_priority=1 request_creation_time=2024-02-15T14:22:59.900Z actions_executed=waf,forward target_port_list=10.0.0.1:80 target_status_code_list=403
        "#]],
        );
    }

    #[test]
    fn fields_that_came_later_are_kept() {
        check(
            &format!("wss 2024-02-15T14:23:00.123456Z {HEAD} TID_12ab \"-\" \"-\" \"-\" \"new\" -"),
            expect![[r#"
                alb event_time=2024-02-15T14:23:00.123456Z account=111122223333 region=us-east-1 source_ip=198.51.100.7 user_agent=Mozilla/5.0 (X11) action=GET outcome=denied resource_ids=app/shop/50dc6c495c0c9188,arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 type=wss elb=app/shop/50dc6c495c0c9188 client_port=2817 target_ip=10.0.0.1 target_port=80 request_processing_time=0.001 target_processing_time=0.044 response_processing_time=0 elb_status_code=403 target_status_code=403 received_bytes=34 sent_bytes=366 request_verb=GET request_url=https://shop.example.com:443/a b request_proto=HTTP/2.0 ssl_cipher=ECDHE-RSA-AES128-GCM-SHA256 ssl_protocol=TLSv1.2 target_group_arn=arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 trace_id=Root=1-58337262-36d228ad5d99923122bbe354 domain_name=shop.example.com chosen_cert_arn=arn:aws:acm:us-east-1:111122223333:certificate/12345678 matched_rule_priority=1 request_creation_time=2024-02-15T14:22:59.900Z actions_executed=waf,forward target_port_list=10.0.0.1:80 target_status_code_list=403 conn_trace_id=TID_12ab extra=new,-
            "#]],
        );
    }

    #[test]
    fn a_request_that_reached_no_target() {
        check(
            r#"http 2024-02-15T14:23:00.123456Z app/shop/50dc6c495c0c9188 [2001:db8::7]:2817 - -1 -1 -1 502 - 34 - "- http://192.0.2.1:80- -" "-" - - - "-" "-" "-" - 2024-02-15T14:22:59.900000Z "-" "-" "-" "-" "-" "-" "-""#,
            expect![[r#"
                alb event_time=2024-02-15T14:23:00.123456Z source_ip=2001:db8::7 outcome=failure resource_ids=app/shop/50dc6c495c0c9188 type=http elb=app/shop/50dc6c495c0c9188 client_port=2817 request_processing_time=-1 target_processing_time=-1 response_processing_time=-1 elb_status_code=502 received_bytes=34 request_url=http://192.0.2.1:80 request_creation_time=2024-02-15T14:22:59.900Z
            "#]],
        );
    }

    #[test]
    fn a_classic_load_balancer() {
        check(
            r#"2024-02-15T14:23:00.123456Z classic 198.51.100.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -"#,
            expect![[r#"
                alb event_time=2024-02-15T14:23:00.123456Z source_ip=198.51.100.7 user_agent=curl/7.38.0 action=GET outcome=success resource_ids=classic elb=classic client_port=2817 target_ip=10.0.0.1 target_port=80 request_processing_time=0.000073 target_processing_time=0.001048 response_processing_time=0.000057 elb_status_code=200 target_status_code=200 received_bytes=0 sent_bytes=29 request_verb=GET request_url=http://www.example.com:80/ request_proto=HTTP/1.1
            "#]],
        );
    }

    #[test]
    fn lines_of_other_kinds_are_not_claimed() {
        let settings = Settings::default();
        for line in ["http is a protocol", "2024-02-15T14:23:00Z INFO started", "h2 2024 app/x"] {
            assert!(!claims(&[line], &settings), "{line}");
        }
    }

    #[test]
    fn a_cut_line_is_refused() {
        check(
            &format!(
                "h2 2024-02-15T14:23:00.123456Z {HEAD}\nh2 2024-02-15T14:23:00Z app/shop/5 198.51.100.7:1"
            ),
            expect![[r#"
                alb event_time=2024-02-15T14:23:00.123456Z account=111122223333 region=us-east-1 source_ip=198.51.100.7 user_agent=Mozilla/5.0 (X11) action=GET outcome=denied resource_ids=app/shop/50dc6c495c0c9188,arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 type=h2 elb=app/shop/50dc6c495c0c9188 client_port=2817 target_ip=10.0.0.1 target_port=80 request_processing_time=0.001 target_processing_time=0.044 response_processing_time=0 elb_status_code=403 target_status_code=403 received_bytes=34 sent_bytes=366 request_verb=GET request_url=https://shop.example.com:443/a b request_proto=HTTP/2.0 ssl_cipher=ECDHE-RSA-AES128-GCM-SHA256 ssl_protocol=TLSv1.2 target_group_arn=arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 trace_id=Root=1-58337262-36d228ad5d99923122bbe354 domain_name=shop.example.com chosen_cert_arn=arn:aws:acm:us-east-1:111122223333:certificate/12345678 matched_rule_priority=1 request_creation_time=2024-02-15T14:22:59.900Z actions_executed=waf,forward target_port_list=10.0.0.1:80 target_status_code_list=403
                refused alb 510 has 4 fields; an access log has at least 13
            "#]],
        );
    }

    #[test]
    fn a_line_of_sixteen_megabytes_stays_one_event() {
        let line = format!("h2 2024-02-15T14:23:00.123456Z {HEAD} {}", "x ".repeat(8_000_000));
        let out = read_bytes(line.as_bytes(), &Settings::default(), None);
        assert_eq!(out.lines().count(), 1);
        assert!(out.len() < 4_000);
    }
}
