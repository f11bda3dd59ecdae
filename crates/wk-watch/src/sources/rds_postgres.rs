//! Logs of PostgreSQL on RDS and Aurora: errors, connections, slow statements, pgAudit.
//!
//! * Format: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html>:
//!   `log_line_prefix` is `%t:%r:%u@%d:[%p]:`, or begins so.
//! * Lines without the prefix go on with the record before them, and so do the DETAIL, HINT,
//!   CONTEXT and STATEMENT that PostgreSQL writes in one piece with a message.
//! * Refused log-ins and missing permissions are denied. Statements are kept as they were logged.

use std::borrow::Cow;

use wk_model::event::{Cell, Outcome};
use wk_model::table::{BY_TIME, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::{spaced, stamps};

/// PostgreSQL logs of RDS.
pub const SOURCE: Source = Source {
    id: "rds-postgres",
    title: "RDS PostgreSQL logs",
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html",
    serves: &["R-182"],
    table: &TABLE,
    product: "aws",
    service: Some("rds"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of PostgreSQL logs.
pub static TABLE: Table = Table {
    name: "rds_postgres",
    doc: "Messages of PostgreSQL servers on RDS and Aurora.",
    columns: &[
        column("severity", ColumnType::Text, "LOG, WARNING, ERROR, FATAL, PANIC, AUDIT, …"),
        column("message", ColumnType::Text, "the message"),
        column("database", ColumnType::Text, "database of the session"),
        column("remote_port", ColumnType::Int, "port of the client"),
        column("pid", ColumnType::Int, "process of the session"),
        column("sqlstate", ColumnType::Text, "error code, where the prefix has it"),
        column("statement", ColumnType::Text, "the statement that caused the message"),
        column("detail", ColumnType::Text, "DETAIL of the message"),
        column("hint", ColumnType::Text, "HINT of the message"),
        column("context", ColumnType::Text, "CONTEXT of the message"),
        column("duration_ms", ColumnType::Float, "duration of a slow statement, in milliseconds"),
        column("audit.class", ColumnType::Text, "pgAudit: READ, WRITE, ROLE, DDL, MISC"),
        column("audit.command", ColumnType::Text, "pgAudit: the command, as ALTER ROLE"),
        column("audit.object", ColumnType::Text, "pgAudit: the object"),
        column("log_group", ColumnType::Text, "log group, which names the instance"),
    ],
    sort: BY_TIME,
    aliases: &[("user", "actor"), ("remote_host", "source_ip")],
};

const SEVERITY: usize = 0;
const MESSAGE: usize = 1;
const DATABASE: usize = 2;
const REMOTE_PORT: usize = 3;
const PID: usize = 4;
const SQLSTATE: usize = 5;
const STATEMENT: usize = 6;
const DETAIL: usize = 7;
const HINT: usize = 8;
const CONTEXT: usize = 9;
const DURATION_MS: usize = 10;
const AUDIT_CLASS: usize = 11;
const AUDIT_COMMAND: usize = 12;
const AUDIT_OBJECT: usize = 13;
const LOG_GROUP: usize = 14;

/// The parts that follow a message, and their columns.
const PARTS: &[(&str, usize)] = &[
    ("STATEMENT", STATEMENT),
    ("DETAIL", DETAIL),
    ("HINT", HINT),
    ("CONTEXT", CONTEXT),
    ("QUERY", STATEMENT),
];

fn claims(head: &[&str], _: &Settings) -> bool {
    // A file may begin in the middle of a statement; nothing else has such a prefix.
    head.iter().any(|line| prefix(line).is_some())
}

/// The fixed part of a line.
struct Prefix<'a> {
    time: stamps::Stamp,
    remote: &'a str,
    user: &'a str,
    database: &'a str,
    pid: &'a str,
    severity: &'a str,
    /// What stands between the prefix and the severity in newer forms of the prefix.
    between: &'a str,
    message: &'a str,
}

/// `2024-02-15 14:23:00 UTC:10.0.0.7(52834):app@shop:[20175]:ERROR:  message`
fn prefix(line: &str) -> Option<Prefix<'_>> {
    let time = stamps::leading(line, wk_model::Timestamp::default())?;
    let rest = line.get(time.end..)?.strip_prefix(':')?;
    // Nothing before the process id is long: users and databases have 63 bytes at most.
    let head = rest.get(..rest.len().min(400)).or_else(|| rest.get(..floor(rest, 400)))?;
    let (session, _) = head.split_once(":[")?;
    let (pid, rest) = rest.get(session.len() + 2..)?.split_once("]:")?;
    if pid.is_empty() || pid.len() > 10 || !pid.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An IPv6 address has colons; the user begins behind the last one before the `@`.
    let at = session.rfind('@')?;
    let (origin, database) = (session.get(..at)?, session.get(at + 1..)?);
    let (remote, user) = origin.rsplit_once(':').unwrap_or(("", origin));
    let (between, severity, message) = severity(rest)?;
    Some(Prefix { time, remote, user, database, pid, severity, between, message })
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0)
}

/// The severity, what stands before it, and what behind.
fn severity(rest: &str) -> Option<(&str, &str, &str)> {
    const NAMES: &[&str] = &[
        "LOG",
        "ERROR",
        "FATAL",
        "WARNING",
        "STATEMENT",
        "DETAIL",
        "HINT",
        "CONTEXT",
        "QUERY",
        "NOTICE",
        "INFO",
        "PANIC",
        "LOCATION",
        "DEBUG1",
        "DEBUG2",
        "DEBUG3",
        "DEBUG4",
        "DEBUG5",
    ];
    let named = |text: &str| NAMES.iter().find(|name| text.ends_with(**name)).copied();
    let mut from = 0;
    for part in rest.split(':').take(16) {
        let end = from + part.len();
        if let Some(name) = named(part).filter(|_| rest.as_bytes().get(end) == Some(&b':')) {
            let start = end - name.len();
            return Some((
                rest.get(..start)?,
                rest.get(start..end)?,
                rest.get(end + 1..)?.trim_start(),
            ));
        }
        from = end + 1;
    }
    None
}

/// Whether a line begins a record: it has the prefix, and is no part of a message.
fn begins(line: &str) -> bool {
    prefix(line).is_some_and(|p| !is_part(p.severity))
}

fn is_part(severity: &str) -> bool {
    PARTS.iter().any(|(name, _)| *name == severity) || severity == "LOCATION"
}

struct Lines;

impl LineReader for Lines {
    fn begins(&self) -> Option<fn(&str) -> bool> {
        Some(begins)
    }
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        match read(text, context) {
            Some(row) => Line::Event(Box::new(row)),
            None => {
                let reason = "does not begin with the prefix %t:%r:%u@%d:[%p]:";
                Line::Refused(Refusal(reason.to_owned()))
            }
        }
    }
}

fn read<'a>(text: &'a str, context: &Context<'a>) -> Option<Row<'a>> {
    let (first, more) = split_message(text);
    let prefix = prefix(first)?;
    let mut row = Row::new(&TABLE, text);
    row.delivered = Some(context.delivered());
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    context.envelope.log_group.into_iter().for_each(|group| row.text(LOG_GROUP, group));
    row.time = Some(prefix.time.time);
    row.actor = spaced::given(prefix.user).filter(|u| *u != "[unknown]").map(Cow::Borrowed);
    if let Some(database) = spaced::given(prefix.database).filter(|d| *d != "[unknown]") {
        row.text(DATABASE, database);
        row.resource(database);
    }
    remote(&mut row, prefix.remote);
    row.read(PID, prefix.pid);
    row.text(SEVERITY, prefix.severity);
    let state =
        |p: &&str| p.len() == 5 && p.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    prefix.between.split(':').find(state).into_iter().for_each(|s| row.text(SQLSTATE, s));
    let part = PARTS.iter().find(|(name, _)| *name == prefix.severity);
    row.text(part.map_or(MESSAGE, |(_, at)| *at), prefix.message.trim_end());
    parts(&mut row, more);
    judge(&mut row, prefix.severity, prefix.message);
    Some(row)
}

/// A message ends where a line begins that has the prefix again.
fn split_message(text: &str) -> (&str, &str) {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    for end in ends.take(LINES_MAX) {
        if let Some(rest) = text.get(end + 1..)
            && prefix(rest.lines().next().unwrap_or_default()).is_some()
        {
            return (text.get(..end).unwrap_or(text), rest);
        }
    }
    (text, "")
}

/// How many lines of a record are looked at for its parts; all are in `raw`.
const LINES_MAX: usize = 1_000;

/// The parts behind a message, each with the prefix again.
fn parts<'a>(row: &mut Row<'a>, mut rest: &'a str) {
    for _ in 0..16 {
        let (part, more) = split_message(rest);
        let Some(prefix) = prefix(part) else { return };
        if let Some((_, at)) = PARTS.iter().find(|(name, _)| *name == prefix.severity)
            && row.cells[*at] == Cell::Null
        {
            row.text(*at, prefix.message.trim_end());
        }
        rest = more;
    }
}

/// `10.0.0.7(52834)`, `[local]`
fn remote<'a>(row: &mut Row<'a>, remote: &'a str) {
    let (host, port) = remote.split_once('(').unwrap_or((remote, ""));
    row.source_ip = spaced::given(host).map(Cow::Borrowed);
    if let Some(port) = port.strip_suffix(')') {
        row.read(REMOTE_PORT, port);
    }
}

/// What the message says of how it ended, of durations and of pgAudit.
fn judge<'a>(row: &mut Row<'a>, severity: &str, message: &'a str) {
    let denied = [
        "permission denied",
        "password authentication failed",
        "no pg_hba.conf entry",
        "authentication failed",
        "must be owner",
        "must be superuser",
    ];
    let is_permitted = !denied.iter().any(|words| message.contains(words));
    row.outcome = match severity {
        "ERROR" | "FATAL" | "PANIC" if !is_permitted => Some(Outcome::Denied),
        "ERROR" | "FATAL" | "PANIC" => Some(Outcome::Failure),
        _ if message.starts_with("connection authorized") => Some(Outcome::Success),
        _ => None,
    };
    if let Some(audit) = message.strip_prefix("AUDIT: ") {
        return pgaudit(row, audit);
    }
    for words in [
        "connection received",
        "connection authorized",
        "connection authenticated",
        "disconnection",
    ] {
        if message.starts_with(words) {
            row.action = Some(Cow::Borrowed(words));
        }
    }
    if let Some((number, rest)) =
        message.strip_prefix("duration: ").and_then(|m| m.split_once(" ms"))
    {
        row.read(DURATION_MS, number);
        let statement = rest.trim_start().split_once(": ").map(|(_, statement)| statement);
        statement.into_iter().for_each(|s| row.text(STATEMENT, s.trim_end()));
    }
}

/// `SESSION,1,1,DDL,CREATE TABLE,TABLE,public.t,"create table t ()",<not logged>`
fn pgaudit<'a>(row: &mut Row<'a>, audit: &'a str) {
    let mut fields = audit.splitn(8, ',');
    let class = fields.nth(3).and_then(spaced::given);
    let command = fields.next().and_then(spaced::given);
    let object = fields.nth(1).and_then(spaced::given);
    for (at, text) in [(AUDIT_CLASS, class), (AUDIT_COMMAND, command), (AUDIT_OBJECT, object)] {
        text.into_iter().for_each(|text| row.text(at, text));
    }
    row.text(SEVERITY, "AUDIT");
    row.action = command.map(Cow::Borrowed);
    object.into_iter().for_each(|object| row.resource(object));
    if let Some(rest) = fields.next() {
        row.text(STATEMENT, rest.trim_end());
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
            ("severity", SEVERITY),
            ("message", MESSAGE),
            ("database", DATABASE),
            ("remote_port", REMOTE_PORT),
            ("pid", PID),
            ("sqlstate", SQLSTATE),
            ("statement", STATEMENT),
            ("detail", DETAIL),
            ("hint", HINT),
            ("context", CONTEXT),
            ("duration_ms", DURATION_MS),
            ("audit.class", AUDIT_CLASS),
            ("audit.command", AUDIT_COMMAND),
            ("audit.object", AUDIT_OBJECT),
            ("log_group", LOG_GROUP),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn a_message_keeps_its_parts_and_its_lines() {
        check(
            "2024-02-15 14:23:00 UTC:10.0.0.7(52834):app@shop:[20175]:ERROR:  permission denied for table t\n2024-02-15 14:23:00 UTC:10.0.0.7(52834):app@shop:[20175]:HINT:  ask\n2024-02-15 14:23:00 UTC:10.0.0.7(52834):app@shop:[20175]:STATEMENT:  select *\n\tfrom t\n2024-02-15 14:23:01 UTC::@:[377]:LOG:  checkpoint starting: time\n",
            expect![[r#"
                rds-postgres event_time=2024-02-15T14:23:00Z actor=app source_ip=10.0.0.7 outcome=denied resource_ids=shop severity=ERROR message=permission denied for table t database=shop remote_port=52834 pid=20175 statement=select *
                	from t hint=ask
                rds-postgres event_time=2024-02-15T14:23:01Z severity=LOG message=checkpoint starting: time pid=377
            "#]],
        );
    }

    #[test]
    fn connections_slow_statements_and_audit() {
        check(
            "2024-02-15 14:23:00 UTC:2001:db8::7(52834):app@shop:[7]:LOG:  connection authorized: user=app database=shop SSL enabled\n2024-02-15 14:23:01 UTC:[local]:rdsadmin@rdsadmin:[8]:FATAL:  password authentication failed for user \"rdsadmin\"\n2024-02-15 14:23:02 UTC:10.0.0.7(1):app@shop:[7]:LOG:  duration: 1234.567 ms  statement: select 1\n2024-02-15 14:23:03 UTC:10.0.0.7(1):app@shop:[7]:LOG:  AUDIT: SESSION,1,1,ROLE,ALTER ROLE,,,\"alter role bob superuser\",<not logged>\n2024-02-15 14:23:04 UTC:10.0.0.7(1):app@shop:[7]:12:42P01:2024-02-15 14:00:00 UTC:3/4:0:65ce.1:psqlERROR:  relation \"t\" does not exist\n",
            expect![[r#"
                rds-postgres event_time=2024-02-15T14:23:00Z actor=app source_ip=2001:db8::7 action=connection authorized outcome=success resource_ids=shop severity=LOG message=connection authorized: user=app database=shop SSL enabled database=shop remote_port=52834 pid=7
                rds-postgres event_time=2024-02-15T14:23:01Z actor=rdsadmin source_ip=[local] outcome=denied resource_ids=rdsadmin severity=FATAL message=password authentication failed for user "rdsadmin" database=rdsadmin pid=8
                rds-postgres event_time=2024-02-15T14:23:02Z actor=app source_ip=10.0.0.7 resource_ids=shop severity=LOG message=duration: 1234.567 ms  statement: select 1 database=shop remote_port=1 pid=7 statement=select 1 duration_ms=1234.567
                rds-postgres event_time=2024-02-15T14:23:03Z actor=app source_ip=10.0.0.7 action=ALTER ROLE resource_ids=shop severity=AUDIT message=AUDIT: SESSION,1,1,ROLE,ALTER ROLE,,,"alter role bob superuser",<not logged> database=shop remote_port=1 pid=7 statement="alter role bob superuser",<not logged> audit.class=ROLE audit.command=ALTER ROLE
                rds-postgres event_time=2024-02-15T14:23:04Z actor=app source_ip=10.0.0.7 outcome=failure resource_ids=shop severity=ERROR message=relation "t" does not exist database=shop remote_port=1 pid=7 sqlstate=42P01
            "#]],
        );
    }

    #[test]
    fn lines_of_other_kinds_are_not_claimed() {
        for line in
            ["2024-02-15 14:23:00 UTC: started", "2024-02-15 14:23:00 UTC:a:b@c:[x]:LOG:", "x"]
        {
            assert!(!claims(&[line], &Settings::default()), "{line}");
        }
    }

    #[test]
    fn a_long_line_of_colons_is_no_trouble() {
        let line = format!("2024-02-15 14:23:00 UTC:{}", ":[é]:".repeat(2_000_000));
        assert!(prefix(&line).is_none());
    }
}
