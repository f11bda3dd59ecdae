//! Logs over the OpenTelemetry protocol: HTTP with protobuf or JSON, and gRPC; gzip where the sender
//! likes.
//!
//! * The answer comes after the lines are on disk: what was answered for is not lost, whatever
//!   happens. A sender that got no answer sends again, and its records may then be there twice.
//! * Bounded: a request, what it holds when it is inflated, a record, and the spool. A full spool is
//!   told as something that passes.

mod grpc;
mod lines;
mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use prost::Message as _;
use serde_json::json;
use wk_engine::service::{Tools, counts};
use wk_seam::spool::{Added, Spool};

use messages::{ExportLogs, Exported, PartialSuccess, Status};

/// A request may have so many bytes, as it comes. What it is when inflated is bounded by
/// `wk_store::inflate::small`.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// Takes logs.
#[derive(Clone)]
pub(crate) struct Receiver {
    spool: Arc<dyn Spool>,
    tools: Tools,
    requests: Arc<AtomicU64>,
}

/// Why nothing of a request was kept.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// It cannot be read: the sender's mistake.
    Malformed(String),
    /// There is no room: the sender is to come again.
    Full,
    /// The disk fails: the same.
    Failed(String),
}

impl Receiver {
    /// One that keeps what it takes in this spool.
    pub(crate) fn new(spool: Arc<dyn Spool>, tools: Tools) -> Self {
        Self { spool, tools, requests: Arc::default() }
    }

    /// The pages of HTTP and gRPC; both may be offered on one address.
    pub(crate) fn pages(self) -> Router {
        Router::new()
            .route("/v1/logs", post(over_http))
            .route(grpc::PATH, post(grpc::export))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .with_state(self)
    }

    /// Keeps a request's records durably; answers what of it was refused.
    async fn keep(&self, request: ExportLogs) -> Result<Exported, Refused> {
        let now = self.tools.clock.now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{}-{number}", now.micros(), std::process::id());
        let lines = lines::lines(request, now, &mark);
        let (taken, refused) = (lines.taken, lines.refused);
        if taken > 0 {
            match self.spool.add(lines.text).await {
                Ok(Added::Kept) => {}
                Ok(Added::Full) => {
                    self.count("sent away", taken);
                    return Err(Refused::Full);
                }
                Err(failure) => {
                    self.count("sent away", taken);
                    self.tools.teller.warn("otlp", "could not keep logs", &failure.chain());
                    return Err(Refused::Failed("the spool cannot be written".to_owned()));
                }
            }
        }
        self.count("taken", taken);
        self.count("refused", refused);
        let told = || PartialSuccess {
            rejected_log_records: i64::try_from(refused).unwrap_or(i64::MAX),
            error_message: "records of more than 1 MiB are not taken".to_owned(),
        };
        Ok(Exported { partial_success: (refused > 0).then(told) })
    }

    fn count(&self, became: &str, records: u64) {
        self.tools.counts.add(counts::OTLP_RECORDS, &[("became", became)], records);
    }
}

/// The bytes of a body whose packing is named.
fn unpacked(packing: Option<&str>, body: Bytes) -> Result<Vec<u8>, Refused> {
    match packing {
        None | Some("identity" | "") => Ok(body.into()),
        Some("gzip") if wk_store::inflate::is_gzip(&body) => wk_store::inflate::small(&body)
            .ok_or_else(|| Refused::Malformed("the gzip is damaged or too large".to_owned())),
        Some("gzip") => Err(Refused::Malformed("it is not gzip".to_owned())),
        Some(_) => Err(Refused::Malformed("only gzip and identity are unpacked".to_owned())),
    }
}

fn text_of(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn over_http(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = text_of(&headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    let as_json = match kind.as_str() {
        "application/json" => true,
        "application/x-protobuf" => false,
        _ => {
            let why = "send application/x-protobuf or application/json\n";
            return (StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
        }
    };
    let request = unpacked(text_of(&headers, header::CONTENT_ENCODING), body).and_then(|bytes| {
        if as_json {
            serde_json::from_slice(&bytes).map_err(|e| Refused::Malformed(e.to_string()))
        } else {
            ExportLogs::decode(&*bytes).map_err(|e| Refused::Malformed(e.to_string()))
        }
    });
    let kept = match request {
        Ok(request) => receiver.keep(request).await,
        Err(refused) => Err(refused),
    };
    answer(kept, as_json)
}

fn answer(kept: Result<Exported, Refused>, as_json: bool) -> Response {
    let kind = if as_json { "application/json" } else { "application/x-protobuf" };
    let kind = [(header::CONTENT_TYPE, kind)];
    match kept {
        Ok(exported) => {
            let body = if as_json { exported_json(&exported) } else { exported.encode_to_vec() };
            (StatusCode::OK, kind, body).into_response()
        }
        Err(refused) => {
            // The numbers of gRPC: 3 invalid argument, 14 unavailable.
            let (code, number, message) = match refused {
                Refused::Malformed(why) => (StatusCode::BAD_REQUEST, 3, why),
                Refused::Full => {
                    (StatusCode::SERVICE_UNAVAILABLE, 14, "the spool is full".to_owned())
                }
                Refused::Failed(why) => (StatusCode::SERVICE_UNAVAILABLE, 14, why),
            };
            let body = if as_json {
                json!({"code": number, "message": message}).to_string().into_bytes()
            } else {
                Status { code: number, message }.encode_to_vec()
            };
            let mut response = (code, kind, body).into_response();
            if number == 14 {
                let seconds = header::HeaderValue::from_static("10");
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            response
        }
    }
}

fn exported_json(exported: &Exported) -> Vec<u8> {
    let partial = exported.partial_success.as_ref().map(|partial| {
        json!({"rejectedLogRecords": partial.rejected_log_records.to_string(),
            "errorMessage": partial.error_message})
    });
    match partial {
        Some(partial) => json!({"partialSuccess": partial}).to_string().into_bytes(),
        None => b"{}".to_vec(),
    }
}

#[cfg(test)]
mod tests;
