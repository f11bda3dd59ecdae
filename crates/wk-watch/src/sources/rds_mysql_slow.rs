//! Slow query logs of MySQL and MariaDB on RDS and Aurora.
//!
//! * Format: <https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html>; on RDS:
//!   <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQL.Generallog.html>.
//! * A record begins at its `# User@Host:` line. The `# Time:` line before it is written only when
//!   the second has changed: it counts for all records up to the next one.
//! * The banner that the server writes when it starts is no record.
//! * The server writes statements as they are: one with a line `# User@Host:` in it looks like two
//!   records, and nothing in the file tells them apart.

use std::borrow::Cow;

use wk_model::table::{BY_TIME, ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::{spaced, stamps};

/// MySQL and MariaDB slow query logs of RDS.
pub const SOURCE: Source = Source {
    id: "rds-slow",
    title: "RDS MySQL and MariaDB slow query logs",
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQL.Generallog.html",
    serves: &["R-182"],
    table: &TABLE,
    product: "aws",
    service: Some("rds"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::<Lines>::default() }),
};

/// The table of slow queries.
pub static TABLE: Table = Table {
    name: "rds_slow",
    doc: "Slow statements of MySQL and MariaDB servers on RDS and Aurora.",
    columns: &[
        column("Query_time", ColumnType::Float, "seconds the statement took"),
        column("Lock_time", ColumnType::Float, "seconds it waited for locks"),
        column("Rows_sent", ColumnType::Int, "rows it gave back"),
        column("Rows_examined", ColumnType::Int, "rows it read"),
        column("Rows_affected", ColumnType::Int, "rows it changed"),
        column("Bytes_sent", ColumnType::Int, "bytes it gave back"),
        column("Id", ColumnType::Int, "connection"),
        column("Schema", ColumnType::Text, "database, where the log names it"),
        column("statement", ColumnType::Text, "the statement"),
        column("log_group", ColumnType::Text, "log group, which names the instance"),
    ],
    sort: BY_TIME,
    aliases: &[("user", "actor"), ("host", "source_ip"), ("Thread_id", "Id")],
};

const ID: usize = 6;
const SCHEMA: usize = 7;
const STATEMENT: usize = 8;
const LOG_GROUP: usize = 9;

fn claims(head: &[&str], _: &Settings) -> bool {
    // In an envelope, a whole record is one of these `lines`.
    head.iter().flat_map(|text| text.lines()).any(|line| line.starts_with("# User@Host: "))
}

/// A record, or the banner of a server that starts.
fn begins(line: &str) -> bool {
    line.starts_with("# User@Host: ") || is_banner(line)
}

fn is_banner(line: &str) -> bool {
    (line.starts_with('/') && line.contains(", Version: ") && line.contains("started with:"))
        || (line.starts_with("Tcp port:") && line.contains("Unix socket:"))
        || (line.starts_with("Time ") && line.trim_end().ends_with("Argument"))
}

#[derive(Default)]
struct Lines {
    /// The last `# Time:` line, without its line end.
    time: String,
}

impl LineReader for Lines {
    fn begins(&self) -> Option<fn(&str) -> bool> {
        Some(begins)
    }
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        let (before, block) = match text.find("# User@Host: ") {
            Some(at) => text.split_at_checked(at).unwrap_or((text, "")),
            None => (text, ""),
        };
        self.remember(before);
        if block.is_empty() {
            let is_header = before.lines().all(|l| is_banner(l) || l.starts_with("# Time:"));
            let reason = "has no line `# User@Host:`";
            return if is_header {
                Line::Header
            } else {
                Line::Refused(Refusal(reason.to_owned()))
            };
        }
        // The time of the next record hangs on to this one.
        let (own, next) = match block.rfind("\n# Time:") {
            Some(at) => block.split_at_checked(at).unwrap_or((block, "")),
            None => (block, ""),
        };
        let row = read(own, &self.time, context);
        self.remember(next);
        Line::Event(Box::new(row))
    }
}

impl Lines {
    fn remember(&mut self, text: &str) {
        if let Some(line) = text.lines().rev().find(|line| line.starts_with("# Time:")) {
            self.time = line.chars().take(64).collect();
        }
    }
}

fn read<'a>(block: &'a str, time: &str, context: &Context<'a>) -> Row<'a> {
    // Where the time stands in a line of its own, it is part of the record all the same.
    let raw = if time.is_empty() {
        Cow::Borrowed(block)
    } else {
        Cow::Owned([time, "\n", block].concat())
    };
    let mut row = Row::new(&TABLE, raw);
    row.delivered = Some(context.delivered());
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    context.envelope.log_group.into_iter().for_each(|group| row.text(LOG_GROUP, group));
    row.time = time.strip_prefix("# Time:").and_then(|t| time_of(t.trim()));
    let mut rest = block;
    while let Some((line, more)) =
        rest.split_once('\n').or((!rest.is_empty()).then_some((rest, "")))
    {
        if let Some(who) = line.strip_prefix("# User@Host: ") {
            user(&mut row, who);
        } else if let Some(numbers) = line.strip_prefix("# ") {
            measures(&mut row, numbers);
        } else if let Some(seconds) = line.strip_prefix("SET timestamp=") {
            let seconds = stamps::epoch(seconds.trim_end().trim_end_matches(';'));
            row.time = row.time.or(seconds);
        } else if let Some(schema) = line.strip_prefix("use ") {
            row.text(SCHEMA, schema.trim_end().trim_end_matches(';').trim_matches('`'));
        } else {
            row.text(STATEMENT, rest.trim_end());
            break;
        }
        rest = more;
    }
    if let Some(schema) = spaced::cell_text(&row, SCHEMA).map(str::to_owned) {
        row.resource(schema);
    }
    row
}

/// `2024-02-15T14:23:00.123456Z`; servers before MySQL 5.7 write `240215 14:23:00`.
fn time_of(text: &str) -> Option<Timestamp> {
    stamps::whole(text).or_else(|| stamps::whole(&["20", text].concat())).map(|stamp| stamp.time)
}

/// `app[app] @  [192.0.2.1]  Id:    12`, `app[app] @ host [192.0.2.1]`
fn user<'a>(row: &mut Row<'a>, who: &'a str) {
    let (user, host) = who.split_once(" @ ").unwrap_or((who, ""));
    row.actor = user.split('[').next().and_then(spaced::given).map(Cow::Borrowed);
    let (name, rest) = host.split_once('[').unwrap_or((host, ""));
    let (address, rest) = rest.split_once(']').unwrap_or(("", rest));
    row.source_ip =
        spaced::given(address).or_else(|| spaced::given(name.trim())).map(Cow::Borrowed);
    if let Some(id) = rest.trim_start().strip_prefix("Id:") {
        row.read(ID, id.trim());
    }
}

/// `Query_time: 2.000  Lock_time: 0.000 Rows_sent: 1  Rows_examined: 0`
fn measures<'a>(row: &mut Row<'a>, text: &'a str) {
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_suffix(':') else { continue };
        let at = if name == "Thread_id" { Some(ID) } else { TABLE.index(name) };
        if let (Some(at), Some(value)) = (at.filter(|at| *at < STATEMENT), words.next()) {
            row.read(at, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn records_of_one_second_share_its_time_line() {
        for (name, at) in
            [("Id", ID), ("Schema", SCHEMA), ("statement", STATEMENT), ("log_group", LOG_GROUP)]
        {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
        check(
            "/rdsdbbin/mysql/bin/mysqld, Version: 8.0.35 (Source distribution). started with:\nTcp port: 3306  Unix socket: /tmp/mysql.sock\nTime                 Id Command    Argument\n# Time: 2024-02-15T14:23:00.123456Z\n# User@Host: app[app] @  [192.0.2.1]  Id:    12\n# Query_time: 2.000167  Lock_time: 0.000001 Rows_sent: 1  Rows_examined: 7\nuse shop;\nSET timestamp=1708006978;\nselect sleep(2),\n  1;\n# User@Host: root[root] @ localhost []  Id: 13\n# Query_time: 1.5  Lock_time: 0 Rows_sent: x  Rows_examined: 0\nSET timestamp=1708006979;\nselect 2;\n# Time: 2024-02-15T14:24:00.000000Z\n# User@Host: app[app] @  [192.0.2.2]  Id:    14\n# Query_time: 3\nselect 3;\n",
            expect![[r#"
                rds-slow event_time=2024-02-15T14:23:00.123456Z actor=app source_ip=192.0.2.1 resource_ids=shop Query_time=2.000167 Lock_time=0.000001 Rows_sent=1 Rows_examined=7 Id=12 Schema=shop statement=select sleep(2),
                  1;
                rds-slow event_time=2024-02-15T14:23:00.123456Z actor=root source_ip=localhost Query_time=1.5 Lock_time=0 Rows_examined=0 Id=13 statement=select 2; flags=Rows_sent=does not fit its type: x
                rds-slow event_time=2024-02-15T14:24:00Z actor=app source_ip=192.0.2.2 Query_time=3 Id=14 statement=select 3;
            "#]],
        );
    }

    #[test]
    fn mariadb_and_old_servers() {
        check(
            "# Time: 240215 14:23:00\n# User@Host: app[app] @ h [192.0.2.1]\n# Thread_id: 9  Schema: shop  QC_hit: No\n# Query_time: 2.5  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 5\n# Rows_affected: 0  Bytes_sent: 60\nSET timestamp=1708006980;\nselect 1;\n# User@Host: b[b] @ [192.0.2.3]\n# Query_time: 1\nselect 2;",
            expect![[r#"
                rds-slow event_time=2024-02-15T14:23:00Z actor=app source_ip=192.0.2.1 resource_ids=shop Query_time=2.5 Lock_time=0 Rows_sent=1 Rows_examined=5 Rows_affected=0 Bytes_sent=60 Id=9 Schema=shop statement=select 1;
                rds-slow event_time=2024-02-15T14:23:00Z actor=b source_ip=192.0.2.3 Query_time=1 statement=select 2;
            "#]],
        );
    }

    #[test]
    fn a_banner_alone_is_no_slow_log() {
        assert!(!claims(&["Tcp port: 3306  Unix socket: /tmp/mysql.sock"], &Settings::default()));
    }
}
