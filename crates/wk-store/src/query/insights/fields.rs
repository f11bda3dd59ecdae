//! What a field's name means in one table.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, ident, lit, when};
use datafusion::scalar::ScalarValue;
use wk_lang::nearest::nearest;
use wk_model::Table;
use wk_model::table::{CORE, Column, ColumnType};

use super::catalog::{Form, Known};
use super::functions;
use super::own;
use super::value::{Value, kind_of, text};

/// What a name is in a table.
pub(super) enum Found {
    /// A value of every record.
    Value(Value),
    /// Nothing; perhaps this was meant.
    Unknown(Option<String>),
}

/// Looks a field up.
pub(super) fn find(table: &Table, known: &Known, name: &str) -> Found {
    if let Some(value) = automatic(table, known, name).or_else(|| column(table, name)) {
        return Found::Value(value);
    }
    if name.starts_with('@') && !name.starts_with("@@") {
        let near = nearest(name, AUTOMATIC.iter().copied()).map(str::to_owned);
        return if near.is_none() && known.form == Form::Free {
            Found::Value(path(table, name)) // an agent's own field, such as @DeviceId
        } else {
            Found::Unknown(near)
        };
    }
    match known.form {
        Form::Free => Found::Value(path(table, name)),
        Form::Lines => folded(table, name).map_or_else(
            || {
                in_json_column(table, name)
                    .map_or_else(|| Found::Unknown(near(table, name)), Found::Value)
            },
            Found::Value,
        ),
        Form::Json => match misspelt(table, name) {
            Some(right) => Found::Unknown(Some(right)),
            None => match folded_snake(table, name) {
                Some(value) => Found::Value(value),
                None => Found::Value(path(table, name)),
            },
        },
    }
}

/// Whether a name says something of the table: a column or a field of its own, not just a path that
/// might be there.
pub(super) fn is_own(table: &Table, known: &Known, name: &str) -> bool {
    if AUTOMATIC.contains(&name) {
        return LAMBDA.contains(&name) && table.index("duration_ms").is_some();
    }
    let own = |name: &str| {
        table.columns.iter().any(|c| c.name == name)
            || table.aliases.iter().any(|(alias, _)| *alias == name)
    };
    let head = name.split('.').next().unwrap_or_default();
    let below =
        table.columns.iter().any(|c| c.name.split('.').next() == Some(head) && c.name != head);
    own(name)
        || (name.contains('.') && (own(head) || below))
        || (name == "action" && ["vpc_flow", "waf"].contains(&table.name))
        || (known.form != Form::Free
            && name.len() > 3
            && folded(table, name).is_some()
            && !core(name))
}

fn core(name: &str) -> bool {
    CORE.iter().any(|c| c.name == name)
}

/// What is to be said about a field of CloudWatch Logs that the table does not keep.
pub(super) fn not_kept(table: &Table, name: &str) -> Option<String> {
    let (column, what) = match name {
        "@logStream" if table.name != "eks_audit" => ("log_stream", "streams"),
        "@logGroup" | "@source.log" => ("log_group", "groups"),
        _ => return None,
    };
    let lacks = table.index(column).is_none();
    lacks.then(|| format!("table {} keeps no names of log {what}: {name} is empty", table.name))
}

/// The fields that CloudWatch Logs gives every record.
pub(super) const AUTOMATIC: &[&str] = &[
    "@timestamp",
    "@message",
    "@ptr",
    "@ingestionTime",
    "@logStream",
    "@log",
    "@logGroup",
    "@aws.region",
    "@aws.account",
    "@source.log",
    "@data_source_name",
    "@data_source_type",
    "@data_format",
    "@entity.KeyAttributes.Name",
    "@entity.KeyAttributes.Type",
    "@entity.Attributes.Host",
    "@type",
    "@requestId",
    "@duration",
    "@billedDuration",
    "@memorySize",
    "@maxMemoryUsed",
    "@initDuration",
    "@xrayTraceId",
    "@xraySegmentId",
    "@extendedRequestId",
];

/// Those that are found in Lambda's own lines.
const LAMBDA: &[&str] = &[
    "@type",
    "@requestId",
    "@duration",
    "@billedDuration",
    "@memorySize",
    "@maxMemoryUsed",
    "@initDuration",
    "@xrayTraceId",
    "@xraySegmentId",
];

fn automatic(table: &Table, known: &Known, name: &str) -> Option<Value> {
    let constant = |t: &str| if t.is_empty() { Value::null() } else { Value::text(lit(t)) };
    Some(match name {
        "@timestamp" => Value::time(ident("event_time")),
        "@ingestionTime" => Value::time(ident("received_time")),
        "@message" => Value::text(ident("raw")),
        "@aws.region" => Value::text(ident("region")),
        "@aws.account" => Value::text(ident("account")),
        // The streams of a cluster's log that hold what this table holds.
        "@logStream" if table.name == "eks_audit" => constant("kube-apiserver-audit"),
        "@logStream" => optional(table, "log_stream"),
        "@logGroup" | "@source.log" => group(table),
        "@log" => log(table),
        "@ptr" => Value::text(pointer(table)),
        "@data_source_name" => constant(known.source_name()),
        "@data_source_type" => constant(known.source_type()),
        "@data_format" => constant(if known.form == Form::Json { "JSON" } else { "Default" }),
        "@entity.KeyAttributes.Name" => optional(table, "service"),
        "@entity.Attributes.Host" => optional(table, "host"),
        "@entity.KeyAttributes.Type" => Value::null(),
        _ if LAMBDA.contains(&name) => lambda(table, name),
        _ => return None,
    })
}

/// `account:group`, as `@log` says it; the table's name stands for a group that is not known.
fn log(table: &Table) -> Value {
    let account = functions::call("coalesce", vec![ident("account"), lit("")]);
    let group = functions::call("coalesce", vec![group(table).expr, lit(table.name)]);
    Value::text(functions::call("concat", vec![account, lit(":"), group]))
}

fn group(table: &Table) -> Value {
    optional(table, "log_group")
}

fn optional(table: &Table, name: &str) -> Value {
    column(table, name).unwrap_or_else(Value::null)
}

/// Where a record lies: `table:event time in microseconds:object:ordinal`.
fn pointer(table: &Table) -> Expr {
    let micros = cast(cast(ident("event_time"), DataType::Int64), DataType::Utf8);
    let ordinal = cast(ident("ordinal"), DataType::Utf8);
    let parts =
        vec![lit([table.name, ":"].concat()), micros, lit(":"), ident("object"), lit(":"), ordinal];
    functions::call("concat", parts)
}

/// Lambda's fields; AWS gives memory in bytes, a megabyte being a million.
fn lambda(table: &Table, name: &str) -> Value {
    let Some(_) = table.index("duration_ms") else { return Value::null() };
    let bytes = |column: &str| Value::of(ident(column) * lit(1_000_000_i64), DataType::Int64);
    match name {
        "@type" => {
            let verbs = ["START", "END", "REPORT", "INIT_START", "INIT_REPORT"].map(lit).to_vec();
            let verb = when(ident("action").in_list(verbs, false), ident("action")).end();
            verb.map_or_else(|_| Value::null(), Value::text)
        }
        "@requestId" => Value::text(ident("request_id")),
        "@duration" => Value::of(ident("duration_ms"), DataType::Float64),
        "@billedDuration" => Value::of(ident("billed_duration_ms"), DataType::Float64),
        "@memorySize" => bytes("memory_size_mb"),
        "@maxMemoryUsed" => bytes("max_memory_used_mb"),
        "@xrayTraceId" => Value::text(ident("trace_id")),
        "@initDuration" => {
            let is_report = ident("action").eq(lit("REPORT"));
            let number = when(is_report, own::report_number(ident("raw"), "Init Duration")).end();
            number.map_or_else(|_| Value::null(), Value::number)
        }
        _ => Value::null(),
    }
}

/// A column by its name or alias, the core's among them.
fn column(table: &Table, name: &str) -> Option<Value> {
    let alias = table.aliases.iter().find(|(alias, _)| *alias == name).map(|(_, column)| *column);
    let real = alias.unwrap_or(name);
    columns(table).find(|c| c.name == real).map(|c| of_column(table, c))
}

fn columns(table: &Table) -> impl Iterator<Item = &'static Column> {
    table.columns.iter().chain(CORE)
}

fn of_column(table: &Table, column: &Column) -> Value {
    let value = Value::of(ident(column.name), kind_of(column.kind));
    // A flow log says seconds of the epoch, and queries count with them.
    if table.name == "vpc_flow" && ["start", "end"].contains(&column.name) {
        let seconds = cast(value.expr, DataType::Int64) / lit(1_000_000_i64);
        return Value::of(seconds, DataType::Int64);
    }
    value
}

/// A column whose name differs in case, underscores and dashes only.
fn folded(table: &Table, name: &str) -> Option<Value> {
    let wanted = fold(name);
    let alias = table.aliases.iter().find(|(alias, _)| fold(alias) == wanted);
    let real = alias.map_or(wanted, |(_, column)| fold(column));
    columns(table).find(|c| fold(c.name) == real).map(|c| of_column(table, c))
}

/// The same for JSON whose members are written with underscores: `queryName` for `query_name`.
fn folded_snake(table: &Table, name: &str) -> Option<Value> {
    let snake = columns(table).find(|c| c.name.contains('_') && fold(c.name) == fold(name))?;
    (!core(snake.name)).then(|| of_column(table, snake))
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// A path into the records: of the narrowest JSON column that holds it, else of the whole record.
fn path(table: &Table, name: &str) -> Value {
    in_json_column(table, name).unwrap_or_else(|| text::path(ident("raw"), name))
}

fn in_json_column(table: &Table, name: &str) -> Option<Value> {
    let mut best: Option<(&str, &str)> = None;
    for column in table.columns.iter().filter(|c| c.kind == ColumnType::Json) {
        let rest = name.strip_prefix(column.name).and_then(|rest| rest.strip_prefix('.'));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else { continue };
        if best.is_none_or(|(of, _)| of.len() < column.name.len()) {
            best = Some((column.name, rest));
        }
    }
    let fallback = (table.name == "vpc_flow").then_some(("other", name));
    let known_elsewhere = table.name == "vpc_flow" && near(table, name).is_none();
    let (column, path) = best.or_else(|| fallback.filter(|_| known_elsewhere))?;
    Some(text::path(ident(column), path))
}

/// The column that was meant by a name which differs only in case, or by very little.
pub(super) fn misspelt(table: &Table, name: &str) -> Option<String> {
    let names = || all_names(table);
    let same = |n: &&str| n.eq_ignore_ascii_case(name) && *n != name;
    if let Some(right) = names().find(same) {
        return Some(right.to_owned());
    }
    let dots = |n: &str| n.bytes().filter(|b| *b == b'.').count();
    let near = nearest(name, names().filter(|n| dots(n) == dots(name) && !core(n)))?;
    let short = name.len() < 6 || near.len().abs_diff(name.len()) > 1;
    (!short && edits_few(name, near)).then(|| near.to_owned())
}

/// Whether two names differ by one letter, or two neighbours that changed places.
fn edits_few(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail =
        a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (left, right) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    match (left, right) {
        ([w, x], [y, z]) => w == z && x == y,
        _ => left.len() <= 1 && right.len() <= 1,
    }
}

fn near(table: &Table, name: &str) -> Option<String> {
    let known = all_names(table).chain(AUTOMATIC.iter().copied());
    nearest(name, known).map(str::to_owned)
}

/// Every name that a table's fields have.
pub(super) fn all_names(table: &Table) -> impl Iterator<Item = &'static str> + use<> {
    let aliases: Vec<&'static str> = table.aliases.iter().map(|(alias, _)| *alias).collect();
    let own: Vec<&'static str> = columns(table).map(|c| c.name).collect();
    own.into_iter().chain(aliases)
}

/// Nothing, as a typed value.
pub(super) fn nothing(kind: &DataType) -> Expr {
    ScalarValue::try_from(kind).map_or_else(|_| lit(ScalarValue::Null), lit)
}
