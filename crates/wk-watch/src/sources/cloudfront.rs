//! CloudFront standard access logs: one line for each request of a viewer.
//!
//! * Format: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>.
//! * The order of the fields comes from the `#Fields` line; without one it is the usual order. The
//!   JSON form of the second version has the same names.
//! * Values are kept as CloudFront encoded them; a decoded copy could no longer be compared.
//! * Fields that are newer than this file are kept in `extra` as `name=value`.
//! * CloudFront's request id is unique, and so is the identity of the event.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, EventId};
use wk_model::table::{ColumnType, column};
use wk_model::time::Day;
use wk_model::{Row, Table, Timestamp};

use super::{Context, JsonForm, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::{fields, spaced};

/// CloudFront standard logs.
pub const SOURCE: Source = Source {
    id: "cloudfront",
    title: "CloudFront access logs",
    page: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html",
    serves: &["R-179"],
    table: &TABLE,
    product: "aws",
    service: Some("cloudfront"),
    json: Some(JsonForm { claims: claims_json, read: read_json }),
    lines: Some(LineForm { claims, begin: |_| Box::<Lines>::default() }),
};

/// The table of CloudFront access logs.
pub static TABLE: Table = Table {
    name: "cloudfront",
    doc: "Requests of viewers to CloudFront distributions.",
    columns: &[
        column("x-edge-location", ColumnType::Text, "edge location that served the request"),
        column("sc-bytes", ColumnType::Int, "bytes sent to the viewer"),
        column("cs(Host)", ColumnType::Text, "domain of the distribution"),
        column("cs-uri-stem", ColumnType::Text, "path"),
        column("sc-status", ColumnType::Int, "HTTP status; 000 if the viewer went away"),
        column("cs(Referer)", ColumnType::Text, "Referer header"),
        column("cs-uri-query", ColumnType::Text, "query string"),
        column("cs(Cookie)", ColumnType::Text, "Cookie header, where cookies are logged"),
        column("x-edge-result-type", ColumnType::Text, "Hit, Miss, Error, LimitExceeded, …"),
        column("x-host-header", ColumnType::Text, "Host header of the viewer"),
        column("cs-protocol", ColumnType::Text, "http, https, ws, wss, grpcs"),
        column("cs-bytes", ColumnType::Int, "bytes of the request"),
        column("time-taken", ColumnType::Float, "seconds from request to last byte"),
        column("x-forwarded-for", ColumnType::Text, "address behind a proxy"),
        column("ssl-protocol", ColumnType::Text, "version of TLS"),
        column("ssl-cipher", ColumnType::Text, "cipher of TLS"),
        column(
            "x-edge-response-result-type",
            ColumnType::Text,
            "result before the answer was sent",
        ),
        column("cs-protocol-version", ColumnType::Text, "version of HTTP"),
        column("fle-status", ColumnType::Text, "field-level encryption: how it ended"),
        column("fle-encrypted-fields", ColumnType::Int, "field-level encryption: how many fields"),
        column("c-port", ColumnType::Int, "port of the viewer"),
        column("time-to-first-byte", ColumnType::Float, "seconds from request to first byte"),
        column("x-edge-detailed-result-type", ColumnType::Text, "the result in detail"),
        column("sc-content-type", ColumnType::Text, "Content-Type of the answer"),
        column("sc-content-len", ColumnType::Int, "Content-Length of the answer"),
        column("sc-range-start", ColumnType::Int, "first byte of a range"),
        column("sc-range-end", ColumnType::Int, "last byte of a range"),
        column("c-country", ColumnType::Text, "country of the viewer"),
        column("asn", ColumnType::Int, "autonomous system of the viewer"),
        column("DistributionId", ColumnType::Text, "id of the distribution"),
        column("extra", ColumnType::TextList, "fields that are newer than this table, name=value"),
    ],
    sort: &["source_ip", "event_time"],
    aliases: &[
        ("c-ip", "source_ip"),
        ("cs-method", "action"),
        ("cs(User-Agent)", "user_agent"),
        ("x-edge-request-id", "event_id"),
        // The names of AWS's Athena table.
        ("location", "x-edge-location"),
        ("bytes", "sc-bytes"),
        ("request_ip", "source_ip"),
        ("host", "cs(Host)"),
        ("uri", "cs-uri-stem"),
        ("status", "sc-status"),
        ("query_string", "cs-uri-query"),
        ("result_type", "x-edge-result-type"),
        ("request_id", "event_id"),
        ("host_header", "x-host-header"),
        ("time_taken", "time-taken"),
        ("distributionid", "DistributionId"),
    ],
};

// Places of the columns that the code names; a test compares them with the table.
const HOST: usize = 2;
const STATUS: usize = 4;
const DISTRIBUTION: usize = 29;
const EXTRA: usize = 30;

/// The fields of a line without a `#Fields` line before it.
const USUAL: &str = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem \
    sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type \
    x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol \
    ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields \
    c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len \
    sc-range-start sc-range-end";
/// Lines of 2013 have twelve fields.
const FIELDS_MIN: usize = 12;
/// How many fields a `#Fields` line may name.
const FIELDS_MAX: usize = 128;

/// Where a field goes.
#[derive(Clone)]
enum To {
    Own(usize),
    Date,
    Time,
    /// Seconds or milliseconds since the epoch.
    Stamp,
    SourceIp,
    Method,
    UserAgent,
    RequestId,
    Extra(String),
}

impl To {
    fn of(name: &str) -> Self {
        match name {
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" | "timestamp(ms)" => Self::Stamp,
            "c-ip" => Self::SourceIp,
            "cs-method" => Self::Method,
            "cs(User-Agent)" => Self::UserAgent,
            "x-edge-request-id" => Self::RequestId,
            _ => TABLE
                .index(name)
                .filter(|at| *at != EXTRA)
                .map_or_else(|| Self::Extra(name.chars().take(100).collect()), Self::Own),
        }
    }
}

fn claims(head: &[&str], _: &Settings) -> bool {
    let header = head.iter().find_map(|line| line.strip_prefix("#Fields:"));
    match header {
        // Other servers write `#Fields` lines too; only CloudFront has edges.
        Some(names) => names.contains("x-edge-") || names.contains("DistributionId"),
        None => spaced::mostly(head, |line| {
            let mut fields = line.split('\t');
            fields.next().and_then(Day::parse).is_some() && fields.count() + 1 >= FIELDS_MIN
        }),
    }
}

struct Lines {
    layout: Vec<To>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { layout: USUAL.split_whitespace().map(To::of).collect() }
    }
}

impl LineReader for Lines {
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        if let Some(names) = text.strip_prefix("#Fields:") {
            self.layout = names.split_whitespace().take(FIELDS_MAX).map(To::of).collect();
            return Line::Header;
        }
        if text.starts_with('#') {
            return Line::Header;
        }
        match read(text, &self.layout, context) {
            Ok(row) => Line::Event(Box::new(row)),
            Err(refusal) => Line::Refused(refusal),
        }
    }
}

fn read<'a>(line: &'a str, layout: &[To], context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, line);
    let (mut date, mut time) = ("", "");
    let (mut layout, mut count) = (layout.iter(), 0);
    for field in line.split('\t') {
        count += 1;
        let value = spaced::given(field);
        match (layout.next(), value) {
            (None, _) => spaced::extra(&mut row, EXTRA, field),
            (_, None) => {}
            (Some(To::Date), Some(value)) => date = value,
            (Some(To::Time), Some(value)) => time = value,
            (Some(To::Own(at)), Some(value)) => row.read(*at, value),
            (Some(to), Some(value)) => place(&mut row, to, Cow::Borrowed(value)),
        }
    }
    if layout.next().is_some() && count < FIELDS_MIN {
        return Err(Refusal(format!("has {count} fields, fewer than its `#Fields` line names")));
    }
    timed(&mut row, date, time);
    complete(&mut row, context);
    Ok(row)
}

/// A field that has no column of the table.
fn place<'a>(row: &mut Row<'a>, to: &To, value: Cow<'a, str>) {
    match to {
        To::SourceIp => row.source_ip = Some(value),
        To::Method => row.action = Some(value),
        To::UserAgent => row.user_agent = Some(value),
        To::RequestId => row.id = EventId::Own(value),
        To::Stamp => row.time = crate::record::stamps::epoch(&value),
        To::Extra(name) => match &mut row.cells[EXTRA] {
            Cell::List(items) if items.len() < FIELDS_MAX => items.push(named(name, &value)),
            Cell::List(_) => {}
            cell => *cell = Cell::List(vec![named(name, &value)]),
        },
        To::Own(_) | To::Date | To::Time => {}
    }
}

fn named<'a>(name: &str, value: &str) -> Cow<'a, str> {
    Cow::Owned([name, "=", value].concat())
}

/// `2024-02-15` and `14:23:00`, in UTC.
fn timed(row: &mut Row<'_>, date: &str, time: &str) {
    if date.is_empty() && time.is_empty() {
        return;
    }
    let text = [date, "T", time, "Z"].concat();
    match Timestamp::parse(&text) {
        Ok(time) => row.time = Some(time),
        Err(_) => row.flag("event_time", "is no time", &text),
    }
}

fn complete<'a>(row: &mut Row<'a>, context: &Context<'a>) {
    row.delivered = Some(context.delivered());
    let (account, _) = spaced::place_of_key(context.uri);
    row.account = context.envelope.account.or(account).map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    if let Cell::Int(status) = row.cells[STATUS] {
        row.outcome = spaced::outcome_of_status(&status.to_string());
    }
    for at in [DISTRIBUTION, HOST] {
        if let Cell::Text(name) = &row.cells[at] {
            let name = name.clone();
            row.resource(name);
        }
    }
}

fn claims_json(record: Value<'_>) -> bool {
    record.get("x-edge-location").is_some() && record.get("detail-type").is_none()
}

fn read_json<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.id = spaced::id_of_envelope(context);
    let (mut date, mut time) = (Cow::default(), Cow::default());
    for (key, value) in record.fields() {
        let Some(text) = fields::scalar(value).filter(|t| spaced::given(t).is_some()) else {
            continue;
        };
        match To::of(&key) {
            To::Own(at) => fields::put(&mut row, at, value),
            To::Date => date = text,
            To::Time => time = text,
            to => place(&mut row, &to, text),
        }
    }
    timed(&mut row, &date, &time);
    complete(&mut row, context);
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
            ("cs(Host)", HOST),
            ("sc-status", STATUS),
            ("DistributionId", DISTRIBUTION),
            ("extra", EXTRA),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        assert!(USUAL.split_whitespace().all(|name| !matches!(To::of(name), To::Extra(_))));
    }

    const LINE: &str = "2024-02-15\t14:23:00\tFRA56-C1\t675\t198.51.100.7\tGET\td111.cloudfront.net\t/a%20b\t403\t-\tMozilla/5.0%20(X11)\t-\t-\tError\tY5rIQOuGs==\twww.example.com\thttps\t536\t0.623\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\tHTTP/2.0\t-\t-\t12812\t0.600\tError\ttext/html\t12\t-\t-";

    #[test]
    fn a_line_in_the_usual_order_with_and_without_its_header() {
        let header = format!("#Version: 1.0\n#Fields: {USUAL}\n");
        check(
            &format!("{header}{LINE}\n"),
            expect![[r#"
            cloudfront event_time=2024-02-15T14:23:00Z event_id=Y5rIQOuGs== source_ip=198.51.100.7 user_agent=Mozilla/5.0%20(X11) action=GET outcome=denied resource_ids=d111.cloudfront.net x-edge-location=FRA56-C1 sc-bytes=675 cs(Host)=d111.cloudfront.net cs-uri-stem=/a%20b sc-status=403 x-edge-result-type=Error x-host-header=www.example.com cs-protocol=https cs-bytes=536 time-taken=0.623 ssl-protocol=TLSv1.3 ssl-cipher=TLS_AES_128_GCM_SHA256 x-edge-response-result-type=Error cs-protocol-version=HTTP/2.0 c-port=12812 time-to-first-byte=0.6 x-edge-detailed-result-type=Error sc-content-type=text/html sc-content-len=12
        "#]],
        );
        let read =
            |text: &str| crate::record::testing::read(text.as_bytes(), &Settings::default(), None);
        assert_eq!(read(LINE), read(&format!("{header}{LINE}\n")));
    }

    #[test]
    fn the_header_says_the_order_and_new_fields_are_kept() {
        check(
            "#Version: 1.0\n#Fields: c-ip time date x-edge-request-id sc-status cs-new DistributionId\n192.0.2.7\t14:23:00\t2024-02-15\tabc\t2x0\tv\tE1\tmore\n192.0.2.8\t14:23\n",
            expect![[r#"
                cloudfront event_time=2024-02-15T14:23:00Z event_id=abc source_ip=192.0.2.7 resource_ids=E1 DistributionId=E1 extra=cs-new=v,more flags=sc-status=does not fit its type: 2x0
                refused cloudfront 136 has 2 fields, fewer than its `#Fields` line names
            "#]],
        );
    }

    #[test]
    fn the_json_form() {
        check(
            r#"{"date":"2024-02-15","time":"14:23:00","x-edge-location":"FRA56-C1","sc-bytes":"675","c-ip":"198.51.100.7","cs-method":"GET","cs(Host)":"d111.cloudfront.net","sc-status":"200","x-edge-request-id":"Y5r","time-taken":"0.623","sc-content-len":"-","asn":"64500"}"#,
            expect![[r#"
                cloudfront event_time=2024-02-15T14:23:00Z event_id=Y5r source_ip=198.51.100.7 action=GET outcome=success resource_ids=d111.cloudfront.net x-edge-location=FRA56-C1 sc-bytes=675 cs(Host)=d111.cloudfront.net sc-status=200 time-taken=0.623 asn=64500
            "#]],
        );
    }

    #[test]
    fn the_fields_of_another_server_are_not_claimed() {
        let head = [
            "#Software: IIS",
            "#Fields: date time s-ip cs-method cs-uri-stem",
            "2024-02-15 14:23:00 x",
        ];
        assert!(!claims(&head, &Settings::default()));
    }
}
