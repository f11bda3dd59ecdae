//! The one call of gRPC that takes logs, over plain HTTP/2.
//!
//! Form: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>. A message is five bytes
//! (packed or not, and its length) and then the message; how it ended stands in the trailers.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;

use super::messages::ExportLogs;
use super::{Receiver, Refused, text_of, unpacked};

/// The call's path.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Bytes before a message.
const HEAD: usize = 5;

pub(super) async fn export(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = text_of(&headers, header::CONTENT_TYPE).unwrap_or_default();
    if kind != "application/grpc" && !kind.starts_with("application/grpc+proto") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let request = message(&headers, &body).and_then(|bytes| {
        ExportLogs::decode(&*bytes).map_err(|e| Refused::Malformed(e.to_string()))
    });
    let kept = match request {
        Ok(request) => receiver.keep(request).await,
        Err(refused) => Err(refused),
    };
    match kept {
        Ok(exported) => ended(framed(&exported.encode_to_vec()), "0", ""),
        Err(Refused::Malformed(why)) => ended(Vec::new(), "3", &why),
        Err(Refused::Full) => ended(Vec::new(), "14", "the spool is full"),
        Err(Refused::Failed(why)) => ended(Vec::new(), "14", &why),
    }
}

/// The one message of a call.
fn message(headers: &HeaderMap, body: &Bytes) -> Result<Vec<u8>, Refused> {
    let malformed = |why: &str| Refused::Malformed(why.to_owned());
    let (head, rest) =
        body.split_first_chunk::<HEAD>().ok_or_else(|| malformed("the message has no frame"))?;
    let [packed, length @ ..] = *head;
    if usize::try_from(u32::from_be_bytes(length)) != Ok(rest.len()) {
        return Err(malformed("the message is not as long as its frame says"));
    }
    let packing = match packed {
        0 => None,
        1 => text_of(headers, "grpc-encoding"),
        _ => return Err(malformed("the frame is none of gRPC")),
    };
    unpacked(packing, body.slice(HEAD..))
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), message].concat()
}

/// An answer with its status in the trailers.
fn ended(body: Vec<u8>, status: &'static str, message: &str) -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    if let Ok(message) = HeaderValue::from_str(&escaped(message))
        && !message.is_empty()
    {
        trailers.insert("grpc-message", message);
    }
    let body = Full::new(Bytes::from(body)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let kind = [(header::CONTENT_TYPE, "application/grpc")];
    (StatusCode::OK, kind, Body::new(body)).into_response()
}

/// A status message in percent encoding.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().take(300).map(one).collect()
}
