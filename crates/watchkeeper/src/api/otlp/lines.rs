//! OTLP's log records as lines that the source of application logs reads.
//!
//! * The names at the top of a line are ours; what the sender named lies below `attributes` and
//!   `resource`. So no sender can make a line look like a record of another source.
//! * Every line differs, so that two records that say the same are two.

use serde_json::{Map, Value as Json, json};
use wk_lang::insights::meaning::codec::hex;
use wk_model::Timestamp;

use super::messages::{AnyValue, ExportLogs, KeyValue, LogRecord, Resource, Scope, Value};

/// A record that is larger as a line is refused.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What became of a sender's records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// The lines.
    pub(super) text: Vec<u8>,
    /// Records that became lines.
    pub(super) taken: u64,
    /// Records that did not.
    pub(super) refused: u64,
}

/// The lines of a request. `mark` is a text that no other request has.
pub(super) fn lines(request: ExportLogs, received: Timestamp, mark: &str) -> Lines {
    let mut lines = Lines::default();
    for of_resource in request.resource_logs {
        let resource = of_resource.resource.unwrap_or_default();
        for of_scope in of_resource.scope_logs {
            let scope = of_scope.scope.unwrap_or_default();
            for record in of_scope.log_records {
                let id = format!("{mark}-{}", lines.taken + lines.refused);
                let line = line(record, &scope, &resource, received, id).to_string();
                if line.len() > LINE_BYTES_MAX {
                    lines.refused += 1;
                    continue;
                }
                lines.text.extend_from_slice(line.as_bytes());
                lines.text.push(b'\n');
                lines.taken += 1;
            }
        }
    }
    lines
}

fn line(
    record: LogRecord,
    scope: &Scope,
    resource: &Resource,
    received: Timestamp,
    id: String,
) -> Json {
    let mut line = Map::new();
    let time = time_of(record.time_unix_nano)
        .or_else(|| time_of(record.observed_time_unix_nano))
        .unwrap_or(received);
    let of_resource = object(&resource.attributes);
    let attributes = object(&record.attributes);
    let mut put = |name: &str, value: Json| {
        let blank = value.is_null() || value.as_str() == Some("");
        if !blank {
            line.insert(name.to_owned(), value);
        }
    };
    let text = |of: &Map<String, Json>, names: &[&str]| {
        let found = names.iter().find_map(|name| of.get(*name).and_then(Json::as_str));
        found.map_or(Json::Null, Json::from)
    };
    put("time", time.to_string().into());
    put("level", level(&record).into());
    put("message", record.body.as_ref().map_or(Json::Null, message));
    put("service", text(&of_resource, &["service.name"]));
    put("host", text(&of_resource, &["host.name"]));
    put("logger", scope.name.clone().into());
    put("container_name", text(&of_resource, &["container.name", "k8s.container.name"]));
    put("pod_name", text(&of_resource, &["k8s.pod.name"]));
    put("namespace_name", text(&of_resource, &["k8s.namespace.name"]));
    put("user", text(&attributes, &["enduser.id", "user.name", "user.id"]));
    put("client_ip", text(&attributes, &["client.address", "source.address"]));
    put("error", text(&attributes, &["exception.stacktrace", "exception.message"]));
    put("trace_id", hex(&record.trace_id).into());
    put("span_id", hex(&record.span_id).into());
    put("event_name", record.event_name.into());
    put("severity_text", record.severity_text.into());
    put("severity_number", number(record.severity_number));
    put("flags", number(record.flags));
    put("dropped_attributes", number(record.dropped_attributes_count));
    put("attributes", some(attributes));
    put("resource", some(of_resource));
    put("scope_version", scope.version.clone().into());
    put("scope_attributes", some(object(&scope.attributes)));
    put("received", received.to_string().into());
    put("otlp", id.into());
    Json::Object(line)
}

/// Nanoseconds since 1970; 0 is unknown.
fn time_of(nanos: u64) -> Option<Timestamp> {
    let micros = i64::try_from(nanos / 1000).ok().filter(|micros| *micros > 0)?;
    Some(Timestamp::from_micros(micros))
}

/// The level by the protocol's number, which is alike for all senders; else by its text.
fn level(record: &LogRecord) -> String {
    match record.severity_number {
        1..=4 => "TRACE".to_owned(),
        5..=8 => "DEBUG".to_owned(),
        9..=12 => "INFO".to_owned(),
        13..=16 => "WARN".to_owned(),
        17..=20 => "ERROR".to_owned(),
        21..=24 => "FATAL".to_owned(),
        _ => record.severity_text.clone(),
    }
}

/// A body that is no text is its JSON.
fn message(body: &AnyValue) -> Json {
    match plain(body) {
        Json::String(text) => text.into(),
        Json::Null => Json::Null,
        other => other.to_string().into(),
    }
}

fn plain(value: &AnyValue) -> Json {
    match &value.value {
        None => Json::Null,
        Some(Value::Text(text)) => text.clone().into(),
        Some(Value::Bool(b)) => (*b).into(),
        Some(Value::Int(n)) => (*n).into(),
        // What JSON has no number for is its word.
        Some(Value::Double(n)) => match Json::from(*n) {
            Json::Null => n.to_string().into(),
            number => number,
        },
        Some(Value::Array(array)) => array.values.iter().map(plain).collect(),
        Some(Value::List(list)) => Json::Object(object(&list.values)),
        Some(Value::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text.into(),
            _ => json!({"hex": hex(bytes)}),
        },
    }
}

fn object(pairs: &[KeyValue]) -> Map<String, Json> {
    let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.as_ref().map_or(Json::Null, plain));
    pairs.iter().map(pair).collect()
}

fn some(object: Map<String, Json>) -> Json {
    if object.is_empty() { Json::Null } else { Json::Object(object) }
}

fn number<N: Into<Json> + PartialEq + Default>(number: N) -> Json {
    if number == N::default() { Json::Null } else { number.into() }
}
