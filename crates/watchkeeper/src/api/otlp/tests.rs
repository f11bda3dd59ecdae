use http_body_util::BodyExt as _;
use wk_model::Timestamp;
use wk_seam::clock::StandingClock;
use wk_store::spool::FolderSpool;

use super::messages::{
    AnyValue, KeyValue, LogRecord, Resource, ResourceLogs, Scope, ScopeLogs, Value,
};
use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_708_000_000);

fn receiver(folder: &std::path::Path, bytes_max: u64) -> Receiver {
    let clock = Arc::new(StandingClock::at(NOW));
    let spool = FolderSpool::open(folder, bytes_max, clock.clone()).unwrap();
    Receiver::new(Arc::new(spool), Tools::new(clock))
}

fn any(value: Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: any(Value::Text(value.to_owned())) }
}

fn request(bodies: &[&str]) -> ExportLogs {
    let record = |body: &&str| LogRecord {
        time_unix_nano: 1_708_005_780_000_000_123,
        severity_number: 17,
        severity_text: "ERR".to_owned(),
        body: any(Value::Text((*body).to_owned())),
        attributes: vec![
            text("enduser.id", "alice"),
            KeyValue { key: "n".to_owned(), value: any(Value::Int(7)) },
            // A sender cannot pass for another source.
            text("eventVersion", "1.08"),
        ],
        trace_id: vec![0xab; 16],
        ..LogRecord::default()
    };
    let scope = Scope { name: "shop.cart".to_owned(), ..Scope::default() };
    let scope_logs =
        ScopeLogs { scope: Some(scope), log_records: bodies.iter().map(record).collect() };
    let attributes = vec![text("service.name", "shop"), text("host.name", "h1")];
    let resource = Some(Resource { attributes });
    ExportLogs { resource_logs: vec![ResourceLogs { resource, scope_logs: vec![scope_logs] }] }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, header::HeaderValue::from_static(value));
    }
    headers
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GRPC: (&str, &str) = ("content-type", "application/grpc");

async fn http(
    receiver: &Receiver,
    with: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> (u16, Vec<u8>) {
    let answer = over_http(State(receiver.clone()), headers(with), Bytes::from(body)).await;
    let code = answer.status().as_u16();
    (code, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// The status and message of the trailers, and the body.
async fn call(
    receiver: &Receiver,
    with: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> (String, String, Vec<u8>) {
    let answer = grpc::export(State(receiver.clone()), headers(with), Bytes::from(body)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let whole = answer.into_body().collect().await.unwrap();
    let trailers = whole.trailers().cloned().unwrap_or_default();
    let of = |name| trailers.get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
    (of("grpc-status"), of("grpc-message"), whole.to_bytes().to_vec())
}

fn framed(packed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[packed][..], &length, message].concat()
}

async fn spooled(receiver: &Receiver) -> Vec<serde_json::Value> {
    let closed = receiver.spool.closed().await.unwrap();
    let text: String = closed.iter().map(|o| std::fs::read_to_string(&o.uri).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The events that the reader makes of lines.
fn rows(lines: &[serde_json::Value]) -> Vec<String> {
    struct Rows(Vec<String>);
    impl wk_watch::reader::Sink for Rows {
        fn event(
            &mut self,
            source: &'static wk_watch::sources::Source,
            row: wk_model::Row<'_>,
            _: Option<wk_lang::json::Value<'_>>,
            _: u64,
        ) {
            let cell = |name: &str| match source.table.index(name).map(|at| &row.cells[at]) {
                Some(wk_model::event::Cell::Text(text)) => text.to_string(),
                _ => String::new(),
            };
            let time = row.time.map(|t| t.to_string()).unwrap_or_default();
            let actor = row.actor.as_deref().unwrap_or_default();
            let cells = ["level", "message", "service", "host", "logger", "trace_id"].map(cell);
            self.0.push(format!("{} {time} {actor} {}", source.id, cells.join(" ")));
        }
        fn refuse(&mut self, _: &str, _: u64, reason: &str, _: &[u8]) {
            self.0.push(format!("refused: {reason}"));
        }
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let settings = wk_watch::sources::Settings::default();
    let facts = wk_watch::reader::ObjectFacts { uri: "x", modified: NOW, metadata: &[] };
    let mut rows = Rows(Vec::new());
    let mut reader = wk_watch::reader::Reader::new(facts, &settings, None, 1 << 24);
    reader.read(text.as_bytes(), true, &mut rows);
    rows.0
}

#[tokio::test]
async fn logs_by_protobuf_json_and_grpc_become_application_logs() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(folder.path(), 1 << 20);
    let message = request(&["the cart is\nlost"]).encode_to_vec();
    assert_eq!(http(&receiver, &[PROTOBUF], message.clone()).await, (200, Vec::new()));
    let packed = wk_store::inflate::gzip(&message).unwrap();
    let gzip = ("content-encoding", "gzip");
    assert_eq!(http(&receiver, &[PROTOBUF, gzip], packed.clone()).await.0, 200);
    let as_json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"h1"}}]},"scopeLogs":[{"scope":{"name":"shop.cart"},"logRecords":[{"timeUnixNano":"1708005780000000123","severityNumber":17,"severityText":"ERR","body":{"stringValue":"the cart is\nlost"},"attributes":[{"key":"enduser.id","value":{"stringValue":"alice"}},{"key":"n","value":{"intValue":"7"}},{"key":"eventVersion","value":{"stringValue":"1.08"}}],"traceId":"ABABABABABABABABABABABABABABABAB","unknownField":1}]}]}]}"#;
    assert_eq!(http(&receiver, &[JSON], as_json.into()).await, (200, b"{}".to_vec()));
    let (status, _, body) = call(&receiver, &[GRPC], framed(0, &message)).await;
    assert_eq!((status.as_str(), body), ("0", framed(0, b"")));
    let encoded = ("grpc-encoding", "gzip");
    assert_eq!(call(&receiver, &[GRPC, encoded], framed(1, &packed)).await.0, "0");
    let lines = spooled(&receiver).await;
    let expected = format!(
        "applog 2024-02-15T14:03:00Z alice ERROR the cart is\nlost shop h1 shop.cart {}",
        "ab".repeat(16)
    );
    assert_eq!(rows(&lines), vec![expected; 5]);
    assert_eq!(lines[0]["attributes"]["n"], 7);
    let mut ids: Vec<String> = lines.iter().map(|line| line["otlp"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5, "records that say the same are told apart");
    assert_eq!(receiver.tools.counts.sum(counts::OTLP_RECORDS, &[("became", "taken")]), 5);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_in_the_protocols_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(folder.path(), 1 << 20);
    let (code, body) = http(&receiver, &[JSON], b"{\"resourceLogs\":7}".to_vec()).await;
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((code, &told["code"]), (400, &3.into()), "{told}");
    let (code, body) = http(&receiver, &[PROTOBUF], b"\xff\xff\xff".to_vec()).await;
    assert_eq!((code, Status::decode(&*body).unwrap().code), (400, 3));
    assert_eq!(http(&receiver, &[("content-type", "text/plain")], Vec::new()).await.0, 415);
    let gzip = ("content-encoding", "gzip");
    let bomb = wk_store::inflate::gzip(&vec![0; 17 << 20]).unwrap();
    for body in [b"no gzip".to_vec(), bomb] {
        assert_eq!(http(&receiver, &[PROTOBUF, gzip], body).await.0, 400);
    }
    for body in [vec![], vec![0; 4], framed(7, b""), [framed(0, b"xy"), vec![0]].concat()] {
        assert_eq!(call(&receiver, &[GRPC], body).await.0, "3");
    }
    // One of two is too large.
    let large = "x".repeat(2 << 20);
    let message = request(&[&large, "small"]).encode_to_vec();
    let (code, body) = http(&receiver, &[PROTOBUF], message).await;
    let partial = Exported::decode(&*body).unwrap().partial_success.unwrap();
    assert_eq!((code, partial.rejected_log_records), (200, 1));
    assert_eq!(spooled(&receiver).await.len(), 1);
}

#[tokio::test]
async fn a_full_spool_asks_to_come_again_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(folder.path(), 10);
    let message = request(&["a"]).encode_to_vec();
    let answer =
        over_http(State(receiver.clone()), headers(&[PROTOBUF]), message.clone().into()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    let (status, why, _) = call(&receiver, &[GRPC], framed(0, &message)).await;
    assert_eq!((status.as_str(), why.as_str()), ("14", "the spool is full"));
    assert_eq!(spooled(&receiver).await.len(), 0);
}

#[test]
fn deep_and_odd_values_end_in_text_or_a_refusal() {
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(400), "]}}".repeat(400));
    assert!(serde_json::from_str::<AnyValue>(&deep).is_err());
    let nested = (0..300).fold(AnyValue::default(), |inner, _| AnyValue {
        value: Some(Value::Array(messages::ArrayValue { values: vec![inner] })),
    });
    let request = |body| ExportLogs {
        resource_logs: vec![ResourceLogs {
            resource: None,
            scope_logs: vec![ScopeLogs {
                scope: None,
                log_records: vec![LogRecord { body: Some(body), ..LogRecord::default() }],
            }],
        }],
    };
    assert!(ExportLogs::decode(&*request(nested).encode_to_vec()).is_err());
    let list = messages::KeyValueList { values: vec![text("a", "b")] };
    for (value, shown) in [
        (Value::Double(f64::NAN), "NaN"),
        (Value::Bytes(vec![0, 255]), r#"{"hex":"00ff"}"#),
        (Value::List(list), r#"{"a":"b"}"#),
        (Value::Bool(true), "true"),
    ] {
        let lines = lines::lines(request(AnyValue { value: Some(value) }), NOW, "m");
        let line: serde_json::Value = serde_json::from_slice(&lines.text).unwrap();
        assert_eq!(line["message"], shown);
        assert_eq!(line["time"], NOW.to_string(), "the time of arrival stands for it");
    }
}
