//! Audit logs of MySQL and MariaDB on RDS, and Advanced Auditing of Aurora MySQL.
//!
//! * Format: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Options.AuditPlugin.html>,
//!   <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Auditing.html>:
//!   `timestamp,serverhost,username,host,connectionid,queryid,operation,database,object,retcode`.
//! * The object is a statement in single quotes, which may hold commas and line ends; the fields
//!   behind it are read from the right.
//! * A return code that means "not permitted" is denied, any other than 0 a failure.

use std::borrow::Cow;

use wk_model::event::{Cell, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::{spaced, stamps};

/// Audit logs of RDS.
pub const SOURCE: Source = Source {
    id: "rds-audit",
    title: "RDS MySQL and MariaDB audit logs",
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Options.AuditPlugin.html",
    serves: &["R-180", "R-182"],
    table: &TABLE,
    product: "aws",
    service: Some("rds"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of database audit logs.
pub static TABLE: Table = Table {
    name: "rds_audit",
    doc: "Connections and statements that MySQL and MariaDB servers audited.",
    columns: &[
        column("serverhost", ColumnType::Text, "server that wrote the record"),
        column("connectionid", ColumnType::Int, "connection"),
        column("queryid", ColumnType::Int, "links the records of a statement"),
        column("database", ColumnType::Text, "database of the connection"),
        column("statement", ColumnType::Text, "field `object`: statement, or name of the table"),
        column("retcode", ColumnType::Int, "return code; 0 is success"),
        column("extra", ColumnType::TextList, "fields that are newer than this table"),
        column("log_group", ColumnType::Text, "log group, which names the instance"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("timestamp", "event_time"),
        ("username", "actor"),
        ("host", "source_ip"),
        ("operation", "action"),
    ],
};

const SERVERHOST: usize = 0;
const CONNECTIONID: usize = 1;
const QUERYID: usize = 2;
const DATABASE: usize = 3;
const STATEMENT: usize = 4;
const RETCODE: usize = 5;
const EXTRA: usize = 6;
const LOG_GROUP: usize = 7;

fn claims(head: &[&str], _: &Settings) -> bool {
    let starts: Vec<&str> = head.iter().copied().filter(|line| begins(line)).collect();
    spaced::mostly(&starts, |line| fields(line).is_some())
        && head.first().is_some_and(|line| begins(line))
}

/// `20240215 14:23:00`, or microseconds since the epoch as Aurora writes.
fn time_of(text: &str) -> Option<Timestamp> {
    (text.len() >= 16).then(|| stamps::whole(text)).flatten().map(|stamp| stamp.time)
}

fn begins(line: &str) -> bool {
    let head = line.split(',').next().unwrap_or_default();
    head.len() <= 32 && time_of(head).is_some()
}

/// The fields before the object, and the object with what follows.
fn fields(line: &str) -> Option<([&str; 8], &str)> {
    let mut parts = line.splitn(9, ',');
    let mut fields = [""; 8];
    for field in &mut fields {
        *field = parts.next()?;
    }
    let rest = parts.next()?;
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_verb =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    (is_number(fields[4]) && is_number(fields[5]) && is_verb(fields[6])).then_some((fields, rest))
}

struct Lines;

impl LineReader for Lines {
    fn begins(&self) -> Option<fn(&str) -> bool> {
        Some(begins)
    }
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        match read(text, context) {
            Some(row) => Line::Event(Box::new(row)),
            None => Line::Refused(Refusal("has not the ten fields of an audit record".to_owned())),
        }
    }
}

fn read<'a>(text: &'a str, context: &Context<'a>) -> Option<Row<'a>> {
    let ([time, server, user, host, connection, query, operation, database], rest) = fields(text)?;
    let mut row = Row::new(&TABLE, text);
    row.delivered = Some(context.delivered());
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    context.envelope.log_group.into_iter().for_each(|group| row.text(LOG_GROUP, group));
    row.time = time_of(time);
    if row.time.is_none() {
        row.flag("event_time", "is no time", time);
    }
    row.actor = spaced::given(user).map(Cow::Borrowed);
    row.source_ip = spaced::given(host).map(Cow::Borrowed);
    row.action = Some(Cow::Borrowed(operation));
    for (at, text) in
        [(SERVERHOST, server), (CONNECTIONID, connection), (QUERYID, query), (DATABASE, database)]
    {
        spaced::given(text).into_iter().for_each(|text| row.read(at, text));
    }
    spaced::given(database).into_iter().for_each(|database| row.resource(database));
    object(&mut row, rest);
    row.outcome = match row.cells[RETCODE] {
        Cell::Int(0) => Some(Outcome::Success),
        // Access denied to: database, user, table, column, privilege, routine, without password.
        Cell::Int(1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1698) => Some(Outcome::Denied),
        Cell::Int(_) => Some(Outcome::Failure),
        _ => None,
    };
    Some(row)
}

/// `'select 1, 2',0` and `shop,0`; some versions have fields behind the return code.
fn object<'a>(row: &mut Row<'a>, rest: &'a str) {
    let (object, behind) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.rsplit_once("',").unwrap_or((quoted, "")),
        None => rest.split_once(',').unwrap_or((rest, "")),
    };
    spaced::given(object).into_iter().for_each(|object| row.text(STATEMENT, object));
    let mut behind = behind.trim_end().split(',');
    if let Some(code) = behind.next().and_then(spaced::given) {
        row.read(RETCODE, code);
    }
    behind.for_each(|field| spaced::extra(row, EXTRA, field));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn connections_and_statements() {
        for (name, at) in [
            ("statement", STATEMENT),
            ("retcode", RETCODE),
            ("extra", EXTRA),
            ("log_group", LOG_GROUP),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        check(
            "20240215 14:23:00,ip-10-0-0-1,app,192.0.2.1,12,0,FAILED_CONNECT,,,1045\n20240215 14:23:01,ip-10-0-0-1,app,192.0.2.1,13,77,QUERY,shop,'select \\'a\\', b\nfrom t',0\n1708006982123456,aurora-1,app,192.0.2.1,13,78,READ,shop,orders,0,SOCKET\n20240215 14:23:03,ip-10-0-0-1,app,192.0.2.1,13,79,QUERY,shop,'drop table t',1142\n20240215 14:23:04,ip-10-0-0-1,app\n",
            expect![[r#"
                rds-audit event_time=2024-02-15T14:23:00Z actor=app source_ip=192.0.2.1 action=FAILED_CONNECT outcome=denied serverhost=ip-10-0-0-1 connectionid=12 queryid=0 retcode=1045
                rds-audit event_time=2024-02-15T14:23:01Z actor=app source_ip=192.0.2.1 action=QUERY outcome=success resource_ids=shop serverhost=ip-10-0-0-1 connectionid=13 queryid=77 database=shop statement=select \'a\', b
                from t retcode=0
                rds-audit event_time=2024-02-15T14:23:02.123456Z actor=app source_ip=192.0.2.1 action=READ outcome=success resource_ids=shop serverhost=aurora-1 connectionid=13 queryid=78 database=shop statement=orders retcode=0 extra=SOCKET
                rds-audit event_time=2024-02-15T14:23:03Z actor=app source_ip=192.0.2.1 action=QUERY outcome=denied resource_ids=shop serverhost=ip-10-0-0-1 connectionid=13 queryid=79 database=shop statement=drop table t retcode=1142
                refused rds-audit 312 has not the ten fields of an audit record
            "#]],
        );
    }

    #[test]
    fn other_tables_with_commas_are_not_claimed() {
        for line in
            ["2024-02-15,a,b", "20240215 14:23:00,a,b,c,d,e,f,g,h,i", "a,b,c,d,1,2,QUERY,x,'y',0"]
        {
            assert!(!claims(&[line], &Settings::default()), "{line}");
        }
    }
}
