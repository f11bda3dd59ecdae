//! Application and container logs: whatever a program writes, line by line or as JSON.
//!
//! * The last source to be asked. Lines are claimed if half of the first ones carry a time that is
//!   recognised, JSON if it has a member that usually holds the time, or the one that the user
//!   named. In a CloudWatch Logs subscription any message that nobody else knows is read here.
//! * What the log says of its own time is kept apart from what was assumed: see `time_from`. A
//!   record without a time has none here; the machinery puts the delivery time there, with a flag.
//! * Lines of a stack trace belong to the record before them.
//! * Knows Lambda's lines, sshd and sudo, and the wrappers of Docker and of the container runtime
//!   interface: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>,
//!   <https://docs.docker.com/engine/logging/drivers/json-file/>.
//! * Completeness cannot be shown for such logs, only volume.

use core::net::IpAddr;
use std::borrow::Cow;

use wk_lang::json::{Kind, Tape, Value};
use wk_model::event::{Cell, Outcome};
use wk_model::table::{BY_TIME, ColumnType, column};
use wk_model::{Row, Table, Timestamp};

use super::{Context, JsonForm, Line, LineForm, LineReader, Refusal, Settings, Source};
use crate::record::spaced;
use crate::record::stamps::{self, Assumed, Stamp};

/// Application and container logs.
pub const SOURCE: Source = Source {
    id: "applog",
    title: "Application and container logs",
    page: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/WhatIsCloudWatchLogs.html",
    serves: &["R-180", "R-181", "R-185", "R-186", "R-303"],
    table: &TABLE,
    product: "aws",
    service: None,
    json: Some(JsonForm { claims: claims_json, read: read_json }),
    lines: Some(LineForm { claims, begin: |_| Box::<Lines>::default() }),
};

/// The table of application logs.
pub static TABLE: Table = Table {
    name: "app_log",
    doc: "What applications, containers, functions and hosts wrote to their logs.",
    columns: &[
        column("log_group", ColumnType::Text, "log group in CloudWatch Logs"),
        column("log_stream", ColumnType::Text, "log stream in CloudWatch Logs"),
        column(
            "level",
            ColumnType::Text,
            "TRACE, DEBUG, INFO, WARN, ERROR or FATAL, whatever the log calls them",
        ),
        column("message", ColumnType::Text, "the record without its time and wrapping"),
        column("logger", ColumnType::Text, "logger or component that wrote it"),
        column("service", ColumnType::Text, "service or application that wrote it"),
        column("host", ColumnType::Text, "host that wrote it"),
        column("process", ColumnType::Text, "program that wrote it"),
        column("pid", ColumnType::Int, "its process id"),
        column("stream", ColumnType::Text, "stdout or stderr of a container"),
        column(
            "partial",
            ColumnType::Bool,
            "whether the runtime cut the line and the next record goes on",
        ),
        column("container", ColumnType::Text, "container that wrote it"),
        column("pod", ColumnType::Text, "Kubernetes pod that wrote it"),
        column("namespace", ColumnType::Text, "Kubernetes namespace of the pod"),
        column("trace_id", ColumnType::Text, "trace that the record belongs to"),
        column("request_id", ColumnType::Text, "request that the record belongs to"),
        column(
            "error",
            ColumnType::Text,
            "error or exception, where the record has a member for it",
        ),
        column(
            "duration_ms",
            ColumnType::Float,
            "how long a Lambda invocation took, in milliseconds",
        ),
        column("billed_duration_ms", ColumnType::Float, "how long it was billed for"),
        column("memory_size_mb", ColumnType::Int, "memory it was given"),
        column("max_memory_used_mb", ColumnType::Int, "memory it used"),
        column(
            "time_from",
            ColumnType::Text,
            "where the time comes from: record, record without zone, record without year, runtime, envelope",
        ),
    ],
    sort: BY_TIME,
    aliases: &[("logGroup", "log_group"), ("logStream", "log_stream"), ("requestId", "request_id")],
};

// Places of the columns; a test compares them with the table.
const LOG_GROUP: usize = 0;
const LOG_STREAM: usize = 1;
const LEVEL: usize = 2;
const MESSAGE: usize = 3;
const LOGGER: usize = 4;
const SERVICE: usize = 5;
const HOST: usize = 6;
const PROCESS: usize = 7;
const PID: usize = 8;
const STREAM: usize = 9;
const PARTIAL: usize = 10;
const CONTAINER: usize = 11;
const POD: usize = 12;
const NAMESPACE: usize = 13;
const TRACE_ID: usize = 14;
const REQUEST_ID: usize = 15;
const ERROR: usize = 16;
const DURATION_MS: usize = 17;
const BILLED_DURATION_MS: usize = 18;
const MEMORY_SIZE_MB: usize = 19;
const MAX_MEMORY_USED_MB: usize = 20;
const TIME_FROM: usize = 21;

/// Members that usually hold the time, the likeliest first.
const TIME_KEYS: &[&str] = &[
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "eventTime",
    "date",
    "datetime",
    "asctime",
    "@t",
    "Timestamp",
    "Time",
    "event_time",
    "event_timestamp",
    "requestTime",
    "_aws",
];

// ---- Lines ----

fn claims(head: &[&str], _: &Settings) -> bool {
    let near = Timestamp::from_seconds(4_000_000_000); // the year does not matter here
    let known = |line: &str| {
        stamps::leading(line, near).is_some()
            || lambda_verb(line).is_some()
            || (line.starts_with('{') && line.trim_end().ends_with('}'))
    };
    let starts: Vec<&str> = head.iter().copied().filter(|line| begins(line)).collect();
    spaced::mostly(&starts, known)
}

/// Whether a line begins a record: not so what is indented, and what goes on with a stack trace.
fn begins(line: &str) -> bool {
    const GO_ON: &[&str] = &[
        "Caused by:",
        "Suppressed:",
        "Traceback (",
        "During handling of the above",
        "The above exception",
        "... ",
        "at ",
        "}",
        "]",
        ")",
        "goroutine ",
        "created by ",
    ];
    let goes_on = GO_ON.iter().any(|start| line.starts_with(start)) || names_exception(line);
    !line.starts_with([' ', '\t']) && !goes_on
}

/// `java.lang.IllegalStateException: closed`, `ValueError: x`; a bare `Error:` may be a record.
fn names_exception(line: &str) -> bool {
    let head = line.get(..line.len().min(200)).unwrap_or(line);
    let name = head.split(':').next().unwrap_or_default();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$');
    let kinds = ["Error", "Exception", "Interrupt"];
    name.bytes().all(is_name)
        && kinds.iter().any(|kind| name.len() > kind.len() && name.ends_with(kind))
}

#[derive(Default)]
struct Lines {
    tape: Tape,
}

impl LineReader for Lines {
    fn begins(&self) -> Option<fn(&str) -> bool> {
        Some(begins)
    }
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a> {
        let mut row = start(text, context);
        if !json_text(&mut row, text, &mut self.tape, context) {
            line(&mut row, text, &mut self.tape, context);
        }
        finish(&mut row, context);
        Line::Event(Box::new(row))
    }
}

/// What is known before the record is looked at.
fn start<'a>(raw: impl Into<Cow<'a, str>>, context: &Context<'a>) -> Row<'a> {
    let mut row = Row::new(&TABLE, raw);
    let envelope = &context.envelope;
    row.delivered = Some(context.delivered());
    row.account = envelope.account.map(Cow::Borrowed);
    row.region = envelope.region.map(Cow::Borrowed);
    for (at, text) in [(LOG_GROUP, envelope.log_group), (LOG_STREAM, envelope.log_stream)] {
        text.into_iter().for_each(|text| row.text(at, text));
    }
    row
}

/// The envelope's time where the record has none.
fn finish(row: &mut Row<'_>, context: &Context<'_>) {
    if let (None, Some(time)) = (row.time, context.envelope.time) {
        row.time = Some(time);
        row.text(TIME_FROM, "envelope");
    }
}

/// A line of text: its time, then what its writer is known to put behind it.
fn line<'a>(row: &mut Row<'a>, text: &'a str, tape: &mut Tape, context: &Context<'a>) {
    let stamp = stamps::leading(text, context.delivered());
    let body = match stamp {
        Some(stamp) => {
            stamped(row, stamp);
            text.get(stamp.end..).unwrap_or_default()
        }
        None => text,
    };
    if let Some(inner) = stamp.and_then(|_| runtime_line(row, body)) {
        if !json_text(row, inner, tape, context) {
            written(row, inner);
        }
        return;
    }
    let message = body.trim_start_matches([' ', '\t', ']', ')', '"', ':', ',', '-']);
    row.text(MESSAGE, message.trim_end());
    level(row, text);
    if lambda(row, body) || stamp.is_none() {
        return;
    }
    if let Some(message) = syslog(row, body, stamp.is_some_and(|s| s.assumed == Assumed::Year)) {
        row.text(MESSAGE, message);
        logins(row, message);
    } else if let Some(ip) = text.split(' ').next().filter(|t| t.parse::<IpAddr>().is_ok()) {
        row.source_ip = Some(Cow::Borrowed(ip)); // an access log begins with its client
    }
}

fn stamped(row: &mut Row<'_>, stamp: Stamp) {
    row.time = Some(stamp.time);
    row.text(
        TIME_FROM,
        match stamp.assumed {
            Assumed::Nothing => "record",
            Assumed::Zone => "record without zone",
            Assumed::Year => "record without year",
        },
    );
}

/// ` stdout F message`, as container runtimes write behind the time; answers the message.
fn runtime_line<'a>(row: &mut Row<'a>, body: &'a str) -> Option<&'a str> {
    let mut parts = body.strip_prefix(' ')?.splitn(3, ' ');
    let (stream, tag) = (parts.next()?, parts.next()?);
    let partial = match tag {
        "F" => false,
        "P" => true,
        _ => return None,
    };
    if !matches!(stream, "stdout" | "stderr") {
        return None;
    }
    row.text(STREAM, stream);
    row.cells[PARTIAL] = Cell::Bool(partial);
    row.text(TIME_FROM, "runtime");
    Some(parts.next().unwrap_or_default())
}

/// What a program wrote, in a wrapper that has the time already.
fn written<'a>(row: &mut Row<'a>, text: &'a str) {
    level(row, text);
    row.text(MESSAGE, text);
}

/// ` host program[pid]: message`. Behind a time with a year only where a pid is given, for other
/// logs look alike.
fn syslog<'a>(row: &mut Row<'a>, body: &'a str, classic: bool) -> Option<&'a str> {
    let (host, rest) = body.strip_prefix(' ')?.split_once(' ')?;
    let (tag, message) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    let (program, pid) = match tag.split_once('[') {
        Some((program, pid)) => (program, pid.strip_suffix(']')),
        None => (tag, None),
    };
    let plain = |t: &str| !t.is_empty() && !t.contains([' ', '=', '[', ']', '"']);
    let pid = pid.filter(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if !plain(host) || !plain(program) || !(classic || pid.is_some()) {
        return None;
    }
    row.text(HOST, host);
    row.text(PROCESS, program);
    pid.into_iter().for_each(|pid| row.read(PID, pid));
    Some(message.trim_start())
}

/// Who came in, or did not, by sshd and sudo.
fn logins<'a>(row: &mut Row<'a>, message: &'a str) {
    match spaced::cell_text(row, PROCESS) {
        Some("sshd" | "sshd-session" | "sshd-auth") => sshd(row, message),
        Some("sudo") => sudo(row, message),
        _ => {}
    }
}

/// `Failed password for invalid user bob from 192.0.2.1 port 22 ssh2`. The user's name is the
/// client's own text and may hold words such as ` from `: the last one counts.
fn sshd<'a>(row: &mut Row<'a>, message: &'a str) {
    let verb = message.split(' ').next().unwrap_or_default();
    row.outcome = match verb {
        "Accepted" => Some(Outcome::Success),
        "Failed" | "Invalid" => Some(Outcome::Denied),
        _ => None,
    };
    if row.outcome.is_some() {
        row.action = Some(Cow::Owned(["sshd:", verb].concat()));
    }
    let Some((before, address)) =
        message.rsplit_once(" from ").or_else(|| message.rsplit_once(" by "))
    else {
        return;
    };
    let mut words = address.split(' ');
    row.source_ip = words.find(|w| w.parse::<IpAddr>().is_ok()).map(Cow::Borrowed);
    let user = before.split_once(" for ").or_else(|| before.split_once("Invalid ")).map(|(_, u)| u);
    let user = user.map(|u| u.trim_start_matches("invalid ").trim_start_matches("user "));
    row.actor = user.filter(|u| !u.is_empty()).map(Cow::Borrowed);
}

/// `alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh`
fn sudo<'a>(row: &mut Row<'a>, message: &'a str) {
    let Some((user, rest)) = message.split_once(" : ") else { return };
    if !rest.contains("COMMAND=") {
        return;
    }
    row.actor = Some(Cow::Borrowed(user.trim()));
    row.action = Some(Cow::Borrowed("sudo"));
    let refused = ["incorrect password", "NOT in sudoers", "command not allowed", "not allowed to"];
    let denied = refused.iter().any(|word| rest.contains(word));
    row.outcome = Some(if denied { Outcome::Denied } else { Outcome::Success });
}

/// `START RequestId: …`, `END …`, `REPORT …`
fn lambda_verb(line: &str) -> Option<(&str, &str)> {
    let (verb, rest) = line.trim_start().split_once(' ')?;
    let rest = rest.strip_prefix("RequestId: ")?;
    matches!(verb, "START" | "END" | "REPORT" | "INIT_REPORT").then_some((verb, rest))
}

/// Lambda's own lines, and the request id that its runtimes put before a message.
fn lambda<'a>(row: &mut Row<'a>, body: &'a str) -> bool {
    if let Some((verb, rest)) = lambda_verb(body) {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(rest.len());
        let (id, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        row.text(REQUEST_ID, id);
        row.action = Some(Cow::Borrowed(verb));
        if verb == "REPORT" {
            lambda_report(row, rest);
        }
        return true;
    }
    let mut words = body.split(['\t', ' ']).filter(|w| !w.is_empty());
    let Some(id) = words.next().filter(|w| is_uuid(w)) else { return false };
    row.text(REQUEST_ID, id);
    if body.contains("Task timed out after") {
        row.text(LEVEL, "ERROR");
        row.outcome = Some(Outcome::Failure);
    }
    true
}

fn is_uuid(word: &str) -> bool {
    let digit = |(at, b): (usize, u8)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    };
    word.len() == 36 && word.bytes().enumerate().all(digit)
}

/// `\tDuration: 1.76 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\t…`. Some shippers write the
/// tabs as a backslash and a t.
fn lambda_report<'a>(row: &mut Row<'a>, rest: &'a str) {
    for part in rest.split('\t').flat_map(|part| part.split("\\t")) {
        let Some((name, value)) = part.split_once(": ") else { continue };
        let number = value.split(' ').next().unwrap_or_default();
        match name.trim() {
            "Duration" => row.read(DURATION_MS, number),
            "Billed Duration" => row.read(BILLED_DURATION_MS, number),
            "Memory Size" => row.read(MEMORY_SIZE_MB, number),
            "Max Memory Used" => row.read(MAX_MEMORY_USED_MB, number),
            "XRAY TraceId" => row.text(TRACE_ID, number),
            "Status" if matches!(number, "error" | "timeout") => {
                row.outcome = Some(Outcome::Failure)
            }
            _ => {}
        }
    }
}

// ---- Levels ----

/// The one name for each of the many names of a level.
fn level_named(word: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &[&str])] = &[
        ("INFO", &["info", "information", "informational", "notice", "note"]),
        ("ERROR", &["error", "err", "severe"]),
        ("WARN", &["warn", "warning"]),
        ("DEBUG", &["debug", "fine", "verbose"]),
        ("TRACE", &["trace", "finer", "finest"]),
        ("FATAL", &["fatal", "critical", "crit", "alert", "emerg", "emergency", "panic"]),
    ];
    if word.len() < 3 || word.len() > 13 {
        return None;
    }
    let is = |name: &&str| name.eq_ignore_ascii_case(word);
    NAMES.iter().find(|(_, names)| names.iter().any(is)).map(|(level, _)| *level)
}

/// The level of a line: a word near its beginning that is written as levels are, in capitals, in
/// brackets, as `level=…`, or before a colon.
fn level(row: &mut Row<'_>, text: &str) {
    const WORDS: usize = 14;
    let head = text.lines().next().unwrap_or_default();
    let end = (0..=head.len().min(300)).rev().find(|n| head.is_char_boundary(*n)).unwrap_or(0);
    let head = head.get(..end).unwrap_or_default();
    if let Some(level) = klog_level(head) {
        return row.text(LEVEL, level);
    }
    let words = head.split([' ', '\t', '|']).filter(|w| !w.is_empty()).take(WORDS);
    if let Some(level) = words.into_iter().find_map(level_of_word) {
        row.text(LEVEL, level);
    }
}

fn level_of_word(word: &str) -> Option<&'static str> {
    for name in ["level=", "lvl=", "severity=", "loglevel="] {
        if let Some(value) = word.strip_prefix(name) {
            return level_named(value.trim_matches(['"', ',']));
        }
    }
    let bracketed = word.starts_with(['[', '<', '(']) || word.ends_with([']', '>', ':']);
    let bare = word.trim_matches(['[', ']', '<', '>', '(', ')', ':', ',', '"']);
    // `[core:error]`, `app.ERROR:`
    let last = bare.rsplit([':', '.']).next().unwrap_or(bare);
    let capitals = last.bytes().all(|b| b.is_ascii_uppercase());
    if bracketed || capitals { level_named(last) } else { None }
}

/// `E0215 14:23:00.123456`
fn klog_level(head: &str) -> Option<&'static str> {
    let (first, rest) = head.split_at_checked(1)?;
    if !rest.bytes().take(4).all(|b| b.is_ascii_digit()) || rest.as_bytes().get(4) != Some(&b' ') {
        return None;
    }
    match first {
        "I" => Some("INFO"),
        "W" => Some("WARN"),
        "E" => Some("ERROR"),
        "F" => Some("FATAL"),
        _ => None,
    }
}

/// A level as JSON has it: a word, or a number of the scale that bunyan, pino and Python share.
/// Smaller numbers mean one thing in syslog and another elsewhere, and are left alone.
fn level_value(value: Value<'_>) -> Option<&'static str> {
    if let Some(word) = value.as_str() {
        return level_named(word.trim());
    }
    match value.as_i64()? {
        10..=19 => Some("TRACE"),
        20..=29 => Some("DEBUG"),
        30..=39 => Some("INFO"),
        40..=49 => Some("WARN"),
        50..=59 => Some("ERROR"),
        60 => Some("FATAL"),
        _ => None,
    }
}

// ---- JSON ----

fn claims_json(record: Value<'_>) -> bool {
    record.fields().any(|(key, _)| TIME_KEYS.contains(&&*key))
}

/// Whether a JSON object that no source claims is to be read here all the same: it came out of a
/// log group, or has the time member that the user named.
pub(crate) fn adopts(record: Value<'_>, context: &Context<'_>) -> bool {
    context.envelope.log_group.is_some() || named_time(record, context.settings).is_some()
}

fn read_json<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let mut row = start(record.compact(), context);
    row.id = spaced::id_of_envelope(context);
    json_time(&mut row, record, context.settings);
    members(&mut row, record, |text| text);
    // What a container runtime or a shipper wrapped.
    if let Some(inner) = record.text("log") {
        unwrap_log(&mut row, inner, context);
    }
    finish(&mut row, context);
    Ok(row)
}

/// What the program wrote, inside the wrapper `{"log":"…\n","stream":"stdout","time":"…"}`.
fn unwrap_log<'a>(row: &mut Row<'a>, inner: Cow<'a, str>, context: &Context<'a>) {
    if row.time.is_some() {
        row.text(TIME_FROM, "runtime");
    }
    if row.cells[STREAM] != Cell::Null {
        row.cells[PARTIAL] = Cell::Bool(!inner.ends_with('\n'));
    }
    let text = inner.trim_end_matches(['\n', '\r']);
    if json_text(row, text, &mut Tape::default(), context) {
        return;
    }
    level(row, text);
    if row.time.is_none()
        && let Some(stamp) = stamps::leading(text, context.delivered())
    {
        stamped(row, stamp);
    }
    let message = match inner {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\n', '\r'])),
        Cow::Owned(mut text) => {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
            Cow::Owned(text)
        }
    };
    row.text(MESSAGE, message);
}

/// Text that is a JSON object: its members are read. Answers whether it was one.
fn json_text(row: &mut Row<'_>, text: &str, tape: &mut Tape, context: &Context<'_>) -> bool {
    let text = text.trim();
    if !text.starts_with('{') || !text.ends_with('}') {
        return false;
    }
    let Ok(record) = tape.parse(text) else { return false };
    if row.time.is_none() {
        json_time(row, record, context.settings);
    }
    members(row, record, |text| Cow::Owned(text.into_owned()));
    if row.cells[MESSAGE] == Cell::Null {
        row.text(MESSAGE, text.to_owned());
    }
    true
}

/// The member that the user named as the time.
fn named_time<'v>(record: Value<'v>, settings: &Settings) -> Option<Value<'v>> {
    let path = settings.time_field.as_deref()?;
    record.get(path).or_else(|| path.split('.').try_fold(record, |value, key| value.get(key)))
}

/// The named member, else the likeliest one that holds a time.
fn json_time(row: &mut Row<'_>, record: Value<'_>, settings: &Settings) {
    let named = named_time(record, settings);
    let usual = || TIME_KEYS.iter().filter_map(|key| record.get(key));
    let mut first = None;
    for value in named.into_iter().chain(usual()) {
        let value = value.get("Timestamp").unwrap_or(value); // `_aws`, the embedded metric format
        let text = value.as_str();
        let stamp = match &text {
            Some(text) => stamps::whole(text.trim()).or_else(|| common_log(text)),
            None => {
                spaced::time_of(value).map(|time| Stamp { time, end: 0, assumed: Assumed::Nothing })
            }
        };
        if let Some(stamp) = stamp {
            return stamped(row, stamp);
        }
        first.get_or_insert(value);
    }
    if let Some(value) = first {
        row.flag("event_time", "is no time", value.raw());
    }
}

fn common_log(text: &str) -> Option<Stamp> {
    let time = stamps::common_log(text.trim_matches(['[', ']']))?;
    Some(Stamp { time, end: text.len(), assumed: Assumed::Nothing })
}

/// The members that logging libraries agree on, more or less. `keep` makes a text last as long as
/// the row.
fn members<'a, 'v>(row: &mut Row<'a>, record: Value<'v>, keep: fn(Cow<'v, str>) -> Cow<'a, str>) {
    for (key, value) in record.fields() {
        if value.is_null() {
            continue;
        }
        let text = value.as_str().filter(|text| spaced::given(text).is_some());
        match &*key {
            "level" | "severity" | "lvl" | "levelname" | "log.level" | "loglevel" | "@l"
            | "Level" | "severity_text" | "status" => {
                if let (Some(level), true) = (level_value(value), key != "status" || text.is_some())
                {
                    row.text(LEVEL, level);
                }
            }
            "log" if value.kind() == Kind::Object => members(row, value, keep),
            "kubernetes" | "record" | "metrics" => members(row, value, keep),
            "user" | "username" | "user.name" | "userName" | "user_id" | "userId" => {
                row.actor = row.actor.take().or_else(|| text.map(keep));
            }
            "client_ip" | "clientIp" | "client.ip" | "remote_addr" | "remote_ip" | "remoteIp"
            | "ip" | "source_ip" | "sourceIp" | "remoteAddr" => {
                row.source_ip = row.source_ip.take().or_else(|| text.map(keep));
            }
            "user_agent" | "userAgent" | "user_agent.original" => {
                row.user_agent = row.user_agent.take().or_else(|| text.map(keep));
            }
            other => {
                if let Some(at) = place_of(other).filter(|at| row.cells[*at] == Cell::Null) {
                    cell(row, at, value, keep);
                }
            }
        }
    }
}

/// The column of a member.
fn place_of(key: &str) -> Option<usize> {
    Some(match key {
        "message" | "msg" | "@message" | "@m" | "MESSAGE" | "short_message" | "event" => MESSAGE,
        "logger" | "logger_name" | "name" | "loggerName" | "log.logger" | "component" => LOGGER,
        "service" | "service_name" | "service.name" | "serviceName" | "app" | "application" => {
            SERVICE
        }
        "host" | "hostname" | "host.name" => HOST,
        "process" | "process.name" => PROCESS,
        "pid" => PID,
        "stream" | "source" => STREAM,
        "container_name" => CONTAINER,
        "pod_name" => POD,
        "namespace_name" => NAMESPACE,
        "trace_id" | "traceId" | "traceID" | "trace.id" | "TraceId" | "xray_trace_id"
        | "dd.trace_id" => TRACE_ID,
        "requestId"
        | "request_id"
        | "aws_request_id"
        | "AWSRequestId"
        | "awsRequestId"
        | "function_request_id" => REQUEST_ID,
        "error" | "err" | "exception" | "stack" | "stack_trace" | "exc_info" | "error.message" => {
            ERROR
        }
        "duration_ms" | "durationMs" => DURATION_MS,
        "billedDurationMs" => BILLED_DURATION_MS,
        "memorySizeMB" => MEMORY_SIZE_MB,
        "maxMemoryUsedMB" => MAX_MEMORY_USED_MB,
        _ => return None,
    })
}

/// Fills a column; these members have no fixed type, so what does not fit is left to `raw`.
fn cell<'a, 'v>(
    row: &mut Row<'a>,
    at: usize,
    value: Value<'v>,
    keep: fn(Cow<'v, str>) -> Cow<'a, str>,
) {
    let text = value.as_str();
    row.cells[at] = match TABLE.columns[at].kind {
        ColumnType::Int => {
            value.as_i64().or_else(|| text?.parse().ok()).map_or(Cell::Null, Cell::Int)
        }
        ColumnType::Float => value.as_f64().map_or(Cell::Null, Cell::Float),
        _ => match (at, text) {
            (STREAM, Some(text)) if !matches!(&*text, "stdout" | "stderr") => Cell::Null,
            (_, Some(text)) => Cell::Text(keep(text)),
            // `"service":{"name":"shop"}`
            (SERVICE | HOST | LOGGER | PROCESS, None) => {
                value.text("name").map_or(Cell::Null, |name| Cell::Text(keep(name)))
            }
            (_, None) => Cell::Text(keep(value.compact())),
        },
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{check, check_with, read as read_bytes};
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("log_group", LOG_GROUP),
            ("log_stream", LOG_STREAM),
            ("level", LEVEL),
            ("message", MESSAGE),
            ("logger", LOGGER),
            ("service", SERVICE),
            ("host", HOST),
            ("process", PROCESS),
            ("pid", PID),
            ("stream", STREAM),
            ("partial", PARTIAL),
            ("container", CONTAINER),
            ("pod", POD),
            ("namespace", NAMESPACE),
            ("trace_id", TRACE_ID),
            ("request_id", REQUEST_ID),
            ("error", ERROR),
            ("duration_ms", DURATION_MS),
            ("billed_duration_ms", BILLED_DURATION_MS),
            ("memory_size_mb", MEMORY_SIZE_MB),
            ("max_memory_used_mb", MAX_MEMORY_USED_MB),
            ("time_from", TIME_FROM),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn a_stack_trace_belongs_to_the_line_before_it() {
        check(
            "2024-02-15 14:23:00,123 ERROR [main] c.e.Shop - boom\njava.lang.IllegalStateException: closed\n\tat com.example.Shop.sell(Shop.java:7)\nCaused by: java.io.IOException: disk\n\t... 3 more\n2024-02-15 14:23:01,000 INFO [main] c.e.Shop - on\n2024-02-15 14:23:02,000 ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: bad\n",
            expect![[r#"
                applog event_time=2024-02-15T14:23:00.123Z level=ERROR message=ERROR [main] c.e.Shop - boom
                java.lang.IllegalStateException: closed
                	at com.example.Shop.sell(Shop.java:7)
                Caused by: java.io.IOException: disk
                	... 3 more time_from=record without zone
                applog event_time=2024-02-15T14:23:01Z level=INFO message=INFO [main] c.e.Shop - on time_from=record without zone
                applog event_time=2024-02-15T14:23:02Z level=ERROR message=ERROR x
                Traceback (most recent call last):
                  File "a.py", line 1
                ValueError: bad time_from=record without zone
            "#]],
        );
    }

    #[test]
    fn sshd_and_sudo_say_who_and_from_where() {
        check(
            "Oct 15 14:23:00 web-1 sshd[129]: Failed password for invalid user bob from 192.0.2.9 from 198.51.100.7 port 4022 ssh2\nOct 15 14:23:01 web-1 sshd[129]: Accepted publickey for ec2-user from 198.51.100.8 port 4023 ssh2: RSA SHA256:abc\nOct 15 14:23:02 web-1 sudo:   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh\n2023-10-15T14:23:03.5+00:00 web-1 sshd[130]: Invalid user admin from 2001:db8::7 port 4024\nOct 15 14:23:04 web-1 kernel: eth0: link up\n",
            expect![[r#"
                applog event_time=2023-10-15T14:23:00Z actor=bob from 192.0.2.9 source_ip=198.51.100.7 action=sshd:Failed outcome=denied message=Failed password for invalid user bob from 192.0.2.9 from 198.51.100.7 port 4022 ssh2 host=web-1 process=sshd pid=129 time_from=record without year
                applog event_time=2023-10-15T14:23:01Z actor=ec2-user source_ip=198.51.100.8 action=sshd:Accepted outcome=success message=Accepted publickey for ec2-user from 198.51.100.8 port 4023 ssh2: RSA SHA256:abc host=web-1 process=sshd pid=129 time_from=record without year
                applog event_time=2023-10-15T14:23:02Z actor=alice action=sudo outcome=success message=alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh host=web-1 process=sudo time_from=record without year
                applog event_time=2023-10-15T14:23:03.500Z actor=admin source_ip=2001:db8::7 action=sshd:Invalid outcome=denied message=Invalid user admin from 2001:db8::7 port 4024 host=web-1 process=sshd pid=130 time_from=record
                applog event_time=2023-10-15T14:23:04Z message=eth0: link up host=web-1 process=kernel time_from=record without year
            "#]],
        );
    }

    #[test]
    fn lambda_lines() {
        check(
            "2024-02-15T14:23:00.000Z START RequestId: 8c9567b5-107b-4a6c-8798-0157ac21db52 Version: $LATEST\n2024-02-15T14:23:00.113Z\t8c9567b5-107b-4a6c-8798-0157ac21db52\tWARN\tslow\nREPORT RequestId: 8c9567b5-107b-4a6c-8798-0157ac21db52\tDuration: 1.76 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 48 MB\n2024-02-15T14:23:03.113Z 8c9567b5-107b-4a6c-8798-0157ac21db52 Task timed out after 3.00 seconds\n",
            expect![[r#"
                applog event_time=2024-02-15T14:23:00Z action=START message=START RequestId: 8c9567b5-107b-4a6c-8798-0157ac21db52 Version: $LATEST request_id=8c9567b5-107b-4a6c-8798-0157ac21db52 time_from=record
                applog event_time=2024-02-15T14:23:00.113Z level=WARN message=8c9567b5-107b-4a6c-8798-0157ac21db52	WARN	slow request_id=8c9567b5-107b-4a6c-8798-0157ac21db52 time_from=record
                applog action=REPORT message=REPORT RequestId: 8c9567b5-107b-4a6c-8798-0157ac21db52	Duration: 1.76 ms	Billed Duration: 100 ms	Memory Size: 128 MB	Max Memory Used: 48 MB request_id=8c9567b5-107b-4a6c-8798-0157ac21db52 duration_ms=1.76 billed_duration_ms=100 memory_size_mb=128 max_memory_used_mb=48
                applog event_time=2024-02-15T14:23:03.113Z outcome=failure level=ERROR message=8c9567b5-107b-4a6c-8798-0157ac21db52 Task timed out after 3.00 seconds request_id=8c9567b5-107b-4a6c-8798-0157ac21db52 time_from=record
            "#]],
        );
    }

    #[test]
    fn container_wrappers() {
        check(
            r#"{"log":"2024/02/15 14:22:59 [error] 7#7: refused\n","stream":"stderr","time":"2024-02-15T14:23:00.123456789Z"}
{"log":"{\"level\":30,\"msg\":\"up\",\"traceId\":\"abc\"}\n","stream":"stdout","time":"2024-02-15T14:23:01Z"}
{"log":"half of a li","stream":"stdout","time":"2024-02-15T14:23:02Z","kubernetes":{"pod_name":"shop-1","namespace_name":"prod","container_name":"web"}}"#,
            expect![[r#"
                applog event_time=2024-02-15T14:23:00.123456Z level=ERROR message=2024/02/15 14:22:59 [error] 7#7: refused stream=stderr partial=false time_from=runtime
                applog event_time=2024-02-15T14:23:01Z level=INFO message=up stream=stdout partial=false trace_id=abc time_from=runtime
                applog event_time=2024-02-15T14:23:02Z message=half of a li stream=stdout partial=true container=web pod=shop-1 namespace=prod time_from=runtime
            "#]],
        );
        check(
            "2024-02-15T14:23:00.123456789Z stdout F {\"severity\":\"WARNING\",\"message\":\"low\",\"user\":\"bob\"}\n2024-02-15T14:23:01Z stderr P panic: at the\n",
            expect![[r#"
                applog event_time=2024-02-15T14:23:00.123456Z actor=bob level=WARN message=low stream=stdout partial=false time_from=runtime
                applog event_time=2024-02-15T14:23:01Z level=FATAL message=panic: at the stream=stderr partial=true time_from=runtime
            "#]],
        );
    }

    #[test]
    fn json_lines_of_several_libraries() {
        check(
            r#"{"time":"2024-02-15T14:23:00Z","level":"error","msg":"no","error":{"code":7},"service":{"name":"shop"},"client_ip":"198.51.100.7"}
{"level":50,"ts":1708006980.25,"pid":7,"hostname":"h","name":"api","msg":"x"}
{"@timestamp":"yesterday","date":1708006980123,"log.level":"WARN","message":"m","trace.id":"t"}
{"timestamp":"later","message":"kept"}"#,
            expect![[r#"
                applog event_time=2024-02-15T14:23:00Z source_ip=198.51.100.7 level=ERROR message=no service=shop error={"code":7} time_from=record
                applog event_time=2024-02-15T14:23:00.250Z level=ERROR message=x logger=api host=h pid=7 time_from=record
                applog event_time=2024-02-15T14:23:00.123Z level=WARN message=m trace_id=t time_from=record
                applog message=kept flags=event_time=is no time: "later"
            "#]],
        );
    }

    #[test]
    fn the_time_member_that_the_user_named() {
        let settings = Settings { time_field: Some("meta.at".to_owned()), ..Settings::default() };
        check_with(
            r#"{"meta":{"at":"2024-02-15T14:23:00Z"},"time":"2020-01-01T00:00:00Z","text":"x"}
{"meta":{"at":1708006980},"msg":"y"}"#,
            &settings,
            expect![[r#"
                applog event_time=2024-02-15T14:23:00Z time_from=record
                applog event_time=2024-02-15T14:23:00Z message=y time_from=record
            "#]],
        );
    }

    #[test]
    fn any_message_of_a_subscription_finds_a_home() {
        check(
            r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/ecs/shop","logStream":"web/1","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1708006980000,"message":"[ERROR] no time here\n"},{"id":"2","timestamp":1708006980001,"message":"{\"message\":\"hello\"}"},{"id":"3","timestamp":1708006980002,"message":"{\"broken\":"},{"id":"4","timestamp":1708006980003,"message":"2024-02-15T14:22:00Z INFO own time"}]}"#,
            expect![[r#"
                applog event_time=2024-02-15T14:23:00Z event_id=1 account=111122223333 log_group=/ecs/shop log_stream=web/1 level=ERROR message=[ERROR] no time here time_from=envelope
                applog event_time=2024-02-15T14:23:00.001Z event_id=2 account=111122223333 log_group=/ecs/shop log_stream=web/1 message=hello time_from=envelope
                applog event_time=2024-02-15T14:23:00.002Z event_id=3 account=111122223333 log_group=/ecs/shop log_stream=web/1 message={"broken": time_from=envelope
                applog event_time=2024-02-15T14:22:00Z event_id=4 account=111122223333 log_group=/ecs/shop log_stream=web/1 level=INFO message=INFO own time time_from=record
            "#]],
        );
    }

    #[test]
    fn lines_that_begin_with_a_bracket_are_no_json() {
        check(
            "[15/Feb/2024:14:23:00 +0000] GET /\n",
            expect![[r#"
            applog event_time=2024-02-15T14:23:00Z message=GET / time_from=record
        "#]],
        );
        check(
            "[INFO] 2024-02-15 14:23:00 started\n",
            expect![[r#"
            applog event_time=2024-02-15T14:23:00Z level=INFO message=started time_from=record without zone
        "#]],
        );
    }

    #[test]
    fn text_without_times_is_refused_and_json_without_a_time_too() {
        check(
            "a poem\nwithout a time\n",
            expect![[r#"
            refused unknown 0 not a kind of log that Watchkeeper knows; --source names one
        "#]],
        );
        check(
            r#"{"colour":"blue"}"#,
            expect![[r#"
            refused unknown 0 no source knows a record of this form
        "#]],
        );
    }

    #[test]
    fn text_without_times_is_read_when_the_user_says_so() {
        let out = read_bytes(b"a poem\nWARNING: no rhyme\n", &Settings::default(), Some(&SOURCE));
        expect![[r#"
            applog message=a poem
            applog level=WARN message=WARNING: no rhyme
        "#]]
        .assert_eq(&out);
    }

    #[test]
    fn a_line_of_sixteen_megabytes_stays_one_event() {
        let line = format!("2024-02-15T14:23:00Z {}", "[a.b:".repeat(3_000_000));
        let out = read_bytes(line.as_bytes(), &Settings::default(), None);
        assert_eq!(out.lines().count(), 1);
    }
}
