//! Error logs of MySQL and MariaDB on RDS and Aurora.
//!
//! * Format: <https://dev.mysql.com/doc/refman/8.4/en/error-log-format.html>; on RDS:
//!   <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQL.LogFileSize.html>.
//! * Lines that do not begin with a time go on with the record before them.
//! * Refused log-ins are denied; other errors are failures.

use std::borrow::Cow;

use wk_model::event::Outcome;
use wk_model::table::{BY_TIME, ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::{spaced, stamps};

/// MySQL and MariaDB error logs of RDS.
pub const SOURCE: Source = Source {
    id: "rds-error",
    title: "RDS MySQL and MariaDB error logs",
    page: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQL.LogFileSize.html",
    serves: &["R-182"],
    table: &TABLE,
    product: "aws",
    service: Some("rds"),
    json: None,
    lines: Some(LineForm { claims, begin: |_| Box::new(Lines) }),
};

/// The table of MySQL error logs.
pub static TABLE: Table = Table {
    name: "rds_mysql_error",
    doc: "Messages of MySQL and MariaDB servers on RDS and Aurora.",
    columns: &[
        column("thread", ColumnType::Int, "connection that the message is about; 0 is the server"),
        column("severity", ColumnType::Text, "System, Note, Warning or ERROR"),
        column("code", ColumnType::Text, "MY-010055 and the like"),
        column("subsystem", ColumnType::Text, "Server, InnoDB, Repl, …"),
        column("message", ColumnType::Text, "the message"),
        column("log_group", ColumnType::Text, "log group, which names the instance"),
    ],
    sort: BY_TIME,
    aliases: &[("user", "actor"), ("host", "source_ip")],
};

const THREAD: usize = 0;
const SEVERITY: usize = 1;
const CODE: usize = 2;
const SUBSYSTEM: usize = 3;
const MESSAGE: usize = 4;
const LOG_GROUP: usize = 5;

fn claims(head: &[&str], _: &Settings) -> bool {
    let starts: Vec<&str> = head.iter().copied().filter(|line| begins(line)).collect();
    spaced::mostly(&starts, |line| parts(line).is_some())
}

fn begins(line: &str) -> bool {
    stamps::leading(line, Timestamp::default()).is_some_and(|s| s.end > 14)
}

/// Time, thread, severity and what follows.
fn parts(line: &str) -> Option<(stamps::Stamp, &str, &str, &str)> {
    let stamp = stamps::leading(line, Timestamp::default())?;
    let (thread, rest) = line.get(stamp.end..)?.trim_start().split_once(' ')?;
    let (severity, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let known = matches!(severity, "System" | "Note" | "Warning" | "ERROR" | "Error");
    let thread = thread.parse::<u64>().is_ok().then_some(thread)?;
    known.then_some((stamp, thread, severity, rest))
}

struct Lines;

impl LineReader for Lines {
    fn begins(&self) -> Option<fn(&str) -> bool> {
        Some(begins)
    }
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        match read(text, context) {
            Some(row) => Line::Event(Box::new(row)),
            None => Line::Refused(Refusal("has no time, thread and [severity]".to_owned())),
        }
    }
}

fn read<'a>(text: &'a str, context: &Context<'a>) -> Option<Row<'a>> {
    let (stamp, thread, severity, mut rest) = parts(text)?;
    let mut row = Row::new(&TABLE, text);
    row.delivered = Some(context.delivered());
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    context.envelope.log_group.into_iter().for_each(|group| row.text(LOG_GROUP, group));
    row.time = Some(stamp.time);
    row.read(THREAD, thread);
    row.text(SEVERITY, severity);
    for at in [CODE, SUBSYSTEM] {
        if let Some((word, more)) =
            rest.trim_start().strip_prefix('[').and_then(|r| r.split_once(']'))
        {
            row.text(at, word);
            rest = more;
        }
    }
    let message = rest.trim();
    row.text(MESSAGE, message);
    if message.contains("Access denied") {
        row.outcome = Some(Outcome::Denied);
        refused(&mut row, message);
    } else if severity.eq_ignore_ascii_case("error") {
        row.outcome = Some(Outcome::Failure);
    }
    Some(row)
}

/// `Access denied for user 'app'@'192.0.2.1' (using password: YES)`
fn refused<'a>(row: &mut Row<'a>, message: &'a str) {
    let Some((_, rest)) = message.split_once("user '") else { return };
    // A user's name may hold quotes; the host may not.
    let Some((user, host)) = rest.rsplit_once("'@'") else { return };
    row.actor = Some(Cow::Borrowed(user));
    row.source_ip = host.split('\'').next().and_then(spaced::given).map(Cow::Borrowed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn lines_of_mysql_5_and_8_and_of_mariadb() {
        assert_eq!(TABLE.index("message"), Some(MESSAGE));
        assert_eq!(TABLE.index("log_group"), Some(LOG_GROUP));
        check(
            "2024-02-15T14:23:00.123456Z 12 [Warning] [MY-013360] [Server] Plugin x is deprecated\n2024-02-15T14:23:01.123456Z 0 [Note] InnoDB: page_cleaner took long\nand a second line\n2024-02-15 14:23:02 12 [Warning] Access denied for user 'o'brien'@'192.0.2.1' (using password: YES)\n2024-02-15T14:23:03Z 0 [ERROR] [MY-010262] [Server] Can't start server\n",
            expect![[r#"
                rds-error event_time=2024-02-15T14:23:00.123456Z thread=12 severity=Warning code=MY-013360 subsystem=Server message=Plugin x is deprecated
                rds-error event_time=2024-02-15T14:23:01.123456Z thread=0 severity=Note message=InnoDB: page_cleaner took long
                and a second line
                rds-error event_time=2024-02-15T14:23:02Z actor=o'brien source_ip=192.0.2.1 outcome=denied thread=12 severity=Warning message=Access denied for user 'o'brien'@'192.0.2.1' (using password: YES)
                rds-error event_time=2024-02-15T14:23:03Z outcome=failure thread=0 severity=ERROR code=MY-010262 subsystem=Server message=Can't start server
            "#]],
        );
    }

    #[test]
    fn lines_of_other_kinds_are_not_claimed() {
        for line in ["2024-02-15 14:23:00 12 [main] x", "2024-02-15 14:23:00 x [Note] y", "[Note]"]
        {
            assert!(!claims(&[line], &Settings::default()), "{line}");
        }
    }
}
