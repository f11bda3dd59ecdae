//! S3 server access logs: who asked a bucket for what, and what it answered.
//!
//! * Format: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>; the JSON form
//!   of CloudWatch Logs: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/sal-cw-log-format.html>.
//! * Reads lines of every age: fields were appended over the years, and fields that are newer than
//!   this file are kept in `extra`.
//! * S3 delivers these logs as best it can: completeness cannot be shown, only volume.
//! * One request may write several lines (copies, batch deletes), so the request id is no identity.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::spaced::{self, Fields};
use crate::record::{fields, stamps};

/// S3 server access logs.
pub const SOURCE: Source = Source {
    id: "s3access",
    title: "S3 server access logs",
    page: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html",
    serves: &["R-178"],
    table: &TABLE,
    product: "aws",
    service: Some("s3access"),
    json: Some(JsonForm { claims: claims_json, read: read_json }),
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of S3 server access logs.
pub static TABLE: Table = Table {
    name: "s3_access",
    doc: "Requests to S3 buckets, as their server access logs tell them.",
    columns: &[
        column("bucket_owner", ColumnType::Text, "canonical user id of the bucket's owner"),
        column("bucket", ColumnType::Text, "bucket that was asked"),
        column("request_id", ColumnType::Text, "S3's id of the request"),
        column("key", ColumnType::Text, "key of the object, URL-encoded as it came"),
        column("request_uri", ColumnType::Text, "request line: method, path and protocol"),
        column("http_status", ColumnType::Int, "HTTP status of the answer"),
        column("error_code", ColumnType::Text, "S3 error code, where there was one"),
        column("bytes_sent", ColumnType::Int, "bytes of the answer without HTTP overhead"),
        column("object_size", ColumnType::Int, "size of the object in bytes"),
        column("total_time", ColumnType::Int, "milliseconds from request to last byte sent"),
        column("turn_around_time", ColumnType::Int, "milliseconds S3 worked on the request"),
        column("referer", ColumnType::Text, "HTTP Referer header"),
        column("version_id", ColumnType::Text, "version of the object"),
        column("host_id", ColumnType::Text, "extended request id (x-amz-id-2)"),
        column("signature_version", ColumnType::Text, "SigV2 or SigV4; absent when not signed"),
        column("cipher_suite", ColumnType::Text, "cipher of TLS; absent for plain HTTP"),
        column(
            "authentication_type",
            ColumnType::Text,
            "AuthHeader, QueryString; absent if anonymous",
        ),
        column("host_header", ColumnType::Text, "endpoint that was addressed"),
        column("tls_version", ColumnType::Text, "version of TLS"),
        column("access_point_arn", ColumnType::Text, "ARN of the access point"),
        column("acl_required", ColumnType::Text, "Yes if an ACL was needed to allow the request"),
        column("source_region", ColumnType::Text, "region the request came from"),
        column("extra", ColumnType::TextList, "fields that are newer than this table"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("time", "event_time"),
        ("remote_ip", "source_ip"),
        ("requester", "actor"),
        ("operation", "action"),
        // The names of the JSON form.
        ("bucket_owner_id", "bucket_owner"),
        ("bucket_name", "bucket"),
        ("request_time", "event_time"),
        // The names of AWS's Athena table.
        ("bucketowner", "bucket_owner"),
        ("requestdatetime", "event_time"),
        ("remoteip", "source_ip"),
        ("requestid", "request_id"),
        ("httpstatus", "http_status"),
        ("errorcode", "error_code"),
        ("bytessent", "bytes_sent"),
        ("objectsize", "object_size"),
        ("totaltime", "total_time"),
        ("turnaroundtime", "turn_around_time"),
        ("referrer", "referer"),
        ("useragent", "user_agent"),
        ("versionid", "version_id"),
        ("hostid", "host_id"),
        ("sigv", "signature_version"),
        ("ciphersuite", "cipher_suite"),
        ("authtype", "authentication_type"),
        ("endpoint", "host_header"),
        ("tlsversion", "tls_version"),
        ("accesspointarn", "access_point_arn"),
        ("aclrequired", "acl_required"),
    ],
};

// Places of the columns that the code names; a test compares them with the table.
const BUCKET: usize = 1;
const KEY: usize = 3;
const HTTP_STATUS: usize = 5;
const EXTRA: usize = 22;

/// Where a field of a line goes.
enum To {
    Own(usize),
    Time,
    SourceIp,
    Requester,
    Operation,
    UserAgent,
}

/// The fields of a line in their order.
const LAYOUT: &[To] = &[
    To::Own(0),
    To::Own(BUCKET),
    To::Time,
    To::SourceIp,
    To::Requester,
    To::Own(2),
    To::Operation,
    To::Own(KEY),
    To::Own(4),
    To::Own(HTTP_STATUS),
    To::Own(6),
    To::Own(7),
    To::Own(8),
    To::Own(9),
    To::Own(10),
    To::Own(11),
    To::UserAgent,
    To::Own(12),
    To::Own(13),
    To::Own(14),
    To::Own(15),
    To::Own(16),
    To::Own(17),
    To::Own(18),
    To::Own(19),
    To::Own(20),
    To::Own(21),
];

/// The oldest lines end with the user agent.
const FIELDS_MIN: usize = 17;

fn claims(head: &[&str], _: &Settings) -> bool {
    spaced::mostly(head, |line| {
        let mut fields = Fields::with_brackets(line);
        let owner = fields.next().unwrap_or_default();
        let hex = owner.len() == 64 && owner.bytes().all(|b| b.is_ascii_hexdigit());
        let time = fields.nth(1).unwrap_or_default();
        (hex || owner == "-") && stamps::common_log(time).is_some()
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
    let mut count = 0;
    let mut status = "";
    for field in Fields::with_brackets(line) {
        match LAYOUT.get(count) {
            Some(to) => {
                if let Some(text) = spaced::given(field) {
                    put(&mut row, to, text);
                    status = if matches!(to, To::Own(HTTP_STATUS)) { text } else { status };
                }
            }
            None => spaced::extra(&mut row, EXTRA, field),
        }
        count += 1;
    }
    if count < FIELDS_MIN {
        return Err(Refusal(format!(
            "has {count} fields; an S3 access log has at least {FIELDS_MIN}"
        )));
    }
    row.outcome = spaced::outcome_of_status(status);
    complete(&mut row, context);
    Ok(row)
}

fn put<'a>(row: &mut Row<'a>, to: &To, text: &'a str) {
    match to {
        To::Own(at) => row.read(*at, text),
        To::Time => {
            row.time = stamps::common_log(text);
            if row.time.is_none() {
                row.flag("event_time", "is no time", text);
            }
        }
        To::SourceIp => row.source_ip = Some(Cow::Borrowed(text)),
        To::Requester => row.actor = Some(Cow::Borrowed(text)),
        To::Operation => row.action = Some(Cow::Borrowed(text)),
        To::UserAgent => row.user_agent = Some(Cow::Borrowed(text)),
    }
}

/// What the line does not say: the place, and what was touched.
fn complete<'a>(row: &mut Row<'a>, context: &Context<'a>) {
    row.delivered = Some(context.delivered());
    let (account, region) = spaced::place_of_key(context.uri);
    row.account = context.envelope.account.or(account).map(Cow::Borrowed);
    row.region = context.envelope.region.or(region).map(Cow::Borrowed);
    if let Some(bucket) = text_of(row, BUCKET) {
        let object = text_of(row, KEY).map(|key| ["arn:aws:s3:::", &bucket, "/", &key].concat());
        row.resource(["arn:aws:s3:::", &bucket].concat());
        object.into_iter().for_each(|arn| row.resource(arn));
    }
}

fn text_of<'a>(row: &Row<'a>, at: usize) -> Option<Cow<'a, str>> {
    match &row.cells[at] {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn claims_json(record: Value<'_>) -> bool {
    record.get("bucket_owner_id").is_some() && record.get("request_time").is_some()
}

fn read_json<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = Row::new(&TABLE, record.compact());
    row.id = spaced::id_of_envelope(context);
    for (key, value) in record.fields().filter(|(_, value)| !value.is_null()) {
        let text = || value.as_str().filter(|text| spaced::given(text).is_some());
        match &*key {
            "request_time" => row.time = spaced::time_of(value),
            "remote_ip" => row.source_ip = text(),
            "requester" => row.actor = text(),
            "operation" => row.action = text(),
            "user_agent" => row.user_agent = text(),
            other => {
                if let Some(at) = spaced::column_named(&TABLE, other) {
                    fields::put(&mut row, at, value);
                }
            }
        }
    }
    row.outcome = match row.cells[HTTP_STATUS] {
        Cell::Int(status) => outcome_of(status),
        _ => None,
    };
    complete(&mut row, context);
    Ok(row)
}

fn outcome_of(status: i64) -> Option<Outcome> {
    spaced::outcome_of_status(&status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{check, read as read_bytes};
    use expect_test::expect;

    const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd4700000";

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in
            [("bucket", BUCKET), ("key", KEY), ("http_status", HTTP_STATUS), ("extra", EXTRA)]
        {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        let own = LAYOUT.iter().filter(|to| matches!(to, To::Own(_))).count();
        assert_eq!(own, EXTRA, "every column but `extra` is a field");
    }

    #[test]
    fn a_line_of_today() {
        check(
            &format!(
                r#"{OWNER} payroll [15/Feb/2024:14:23:00 +0000] 198.51.100.7 arn:aws:sts::111122223333:assumed-role/ci/deploy 3E57427F3EXAMPLE REST.GET.OBJECT 2024/jan.csv "GET /2024/jan.csv HTTP/1.1" 403 AccessDenied 243 - 7 - "-" "aws-cli/2 "x"" - s9lzHYrFp76 SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader payroll.s3.us-east-1.amazonaws.com TLSv1.3 - Yes us-east-1 new-field"#
            ),
            expect![[r#"
                s3access event_time=2024-02-15T14:23:00Z actor=arn:aws:sts::111122223333:assumed-role/ci/deploy source_ip=198.51.100.7 user_agent=aws-cli/2 "x" action=REST.GET.OBJECT outcome=denied resource_ids=arn:aws:s3:::payroll,arn:aws:s3:::payroll/2024/jan.csv bucket_owner=79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd4700000 bucket=payroll request_id=3E57427F3EXAMPLE key=2024/jan.csv request_uri=GET /2024/jan.csv HTTP/1.1 http_status=403 error_code=AccessDenied bytes_sent=243 total_time=7 host_id=s9lzHYrFp76 signature_version=SigV4 cipher_suite=ECDHE-RSA-AES128-GCM-SHA256 authentication_type=AuthHeader host_header=payroll.s3.us-east-1.amazonaws.com tls_version=TLSv1.3 acl_required=Yes source_region=us-east-1 extra=new-field
            "#]],
        );
    }

    #[test]
    fn a_line_of_long_ago_and_an_anonymous_reader() {
        check(
            &format!(
                r#"{OWNER} site [15/Feb/2014:14:23:00 +0000] 2001:db8::7 - 3E57427F3EXAMPLE WEBSITE.GET.OBJECT index.html "GET /index.html HTTP/1.1" 200 - 2400 2400 12 9 "http://www.example.com/a b" "Mozilla/5.0 (X11)""#
            ),
            expect![[r#"
                s3access event_time=2014-02-15T14:23:00Z source_ip=2001:db8::7 user_agent=Mozilla/5.0 (X11) action=WEBSITE.GET.OBJECT outcome=success resource_ids=arn:aws:s3:::site,arn:aws:s3:::site/index.html bucket_owner=79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd4700000 bucket=site request_id=3E57427F3EXAMPLE key=index.html request_uri=GET /index.html HTTP/1.1 http_status=200 bytes_sent=2400 object_size=2400 total_time=12 turn_around_time=9 referer=http://www.example.com/a b
            "#]],
        );
    }

    #[test]
    fn a_cut_line_is_refused_and_a_wrong_number_flagged() {
        check(
            &format!(
                "{OWNER} a [15/Feb/2024:14:23:00 +0000] 192.0.2.1 - X REST.HEAD.BUCKET - \"HEAD / HTTP/1.1\" 2x0 - - - 1 1 - -\n{OWNER} a [15/Feb/2024:14:23:00 +0000] 192.0.2.1"
            ),
            expect![[r#"
                s3access event_time=2024-02-15T14:23:00Z source_ip=192.0.2.1 action=REST.HEAD.BUCKET resource_ids=arn:aws:s3:::a bucket_owner=79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd4700000 bucket=a request_id=X request_uri=HEAD / HTTP/1.1 total_time=1 turn_around_time=1 flags=http_status=does not fit its type: 2x0
                refused s3access 165 has 4 fields; an S3 access log has at least 17
            "#]],
        );
    }

    #[test]
    fn the_json_form_gives_the_same_columns() {
        check(
            r#"{"schema_version_id":"V_1_0","bucket_arn":"arn:aws:s3:::payroll","bucket_name":"payroll","request_time":"2024-02-15T14:23:00.000Z","bucket_owner_id":"79a5","remote_ip":"198.51.100.7","requester":null,"request_id":"3E5","operation":"REST.GET.OBJECT","key":"a.csv","http_status":200,"bytes_sent":"12","user_agent":"curl/8"}"#,
            expect![[r#"
                s3access event_time=2024-02-15T14:23:00Z source_ip=198.51.100.7 user_agent=curl/8 action=REST.GET.OBJECT outcome=success resource_ids=arn:aws:s3:::payroll,arn:aws:s3:::payroll/a.csv bucket_owner=79a5 bucket=payroll request_id=3E5 key=a.csv http_status=200 bytes_sent=12
            "#]],
        );
    }

    #[test]
    fn lines_of_other_kinds_are_not_claimed() {
        let settings = Settings::default();
        for line in ["79a5 bucket [15/Feb/2024:14:23:00 +0000] x", "a b c d", ""] {
            assert!(!claims(&[line], &settings), "{line}");
        }
    }

    #[test]
    fn a_line_of_sixteen_megabytes_stays_one_event() {
        let line = format!("{OWNER} b [15/Feb/2024:14:23:00 +0000] {}", "x ".repeat(8_000_000));
        let out = read_bytes(line.as_bytes(), &Settings::default(), None);
        assert_eq!(out.lines().count(), 1);
        assert!(out.len() < 4_000, "{}", out.len());
    }
}
