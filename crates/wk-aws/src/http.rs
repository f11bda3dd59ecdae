//! Our one HTTP stack as the AWS libraries want it.
//!
//! * A call has 5 s to connect and 30 s in all, or less where the caller asks for less.
//! * Redirects are not followed: a signed request or a token goes to the host it was made for.
//! * What never leaves the machine (loopback, instance and container metadata) never goes to a
//!   proxy; the rest goes by the proxy that the environment names.
//! * Besides the system's certificates, those count that `AWS_CA_BUNDLE` or the profile names.
//! * Answers to the chain are at most 1 MiB, to our own calls as long as they say; requests are whole before they are sent.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Method, Request, Url};

/// To connect.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A whole call, from connecting to the last byte.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(30);
/// An answer that is longer is none of ours.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The clients, shared by everything that calls AWS.
#[derive(Clone)]
pub(crate) struct Http {
    outside: Client,
    inside: Client,
}

/// The clients with the time that one kind of call may take.
#[derive(Debug)]
struct Caller {
    http: Http,
    limit: Duration,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    host: String,
}

/// A call that brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no answer from {host}")]
    NoAnswer { host: String, source: reqwest::Error },
    #[error("the answer from {host} is longer than {bytes_max} bytes")]
    Long { host: String, bytes_max: usize },
    #[error("the answer from {host} is malformed")]
    Malformed { host: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the request cannot be sent: {what}")]
    Unsendable { what: &'static str },
}

impl Http {
    /// With these certificates besides the system's.
    pub(crate) fn new(trusted: &[Certificate]) -> Result<Self, reqwest::Error> {
        let common = || {
            let bare = Client::builder();
            trusted
                .iter()
                .cloned()
                .fold(bare, ClientBuilder::add_root_certificate)
                .connect_timeout(CONNECT_LIMIT)
                .timeout(CALL_LIMIT)
                .redirect(reqwest::redirect::Policy::none())
        };
        Ok(Self { outside: common().build()?, inside: common().no_proxy().build()? })
    }

    /// Sends a request; an answer beyond so many bytes is an error.
    pub(crate) async fn send(
        &self,
        request: Request,
        bytes_max: usize,
    ) -> Result<Reply, CallError> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let client = if stays_inside(&host) { &self.inside } else { &self.outside };
        let no_answer = |source: reqwest::Error| CallError::NoAnswer {
            host: host.clone(),
            source: source.without_url(),
        };
        let mut answer = client.execute(request).await.map_err(no_answer)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > bytes_max {
                return Err(CallError::Long { host: host.clone(), bytes_max });
            }
            body.extend_from_slice(&chunk);
        }
        let status = answer.status().as_u16();
        Ok(Reply { status, headers: std::mem::take(answer.headers_mut()), body, host })
    }

    async fn call(&self, request: Request) -> Result<HttpResponse, ConnectorError> {
        let reply = self.send(request, ANSWER_BYTES_MAX).await.map_err(CallError::into_theirs)?;
        theirs(&reply).map_err(|source| {
            let host = reply.host.clone();
            ConnectorError::other(CallError::Malformed { host, source }.into(), None)
        })
    }
}

impl Reply {
    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }
}

impl CallError {
    /// Whether it is sure that nobody got the request.
    pub(crate) fn was_not_sent(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => source.is_connect(),
            Self::Unsendable { .. } => true,
            Self::Long { .. } | Self::Malformed { .. } => false,
        }
    }

    fn into_theirs(self) -> ConnectorError {
        match self {
            Self::NoAnswer { ref source, .. } if source.is_timeout() => {
                ConnectorError::timeout(self.into())
            }
            Self::NoAnswer { .. } => ConnectorError::io(self.into()),
            Self::Long { .. } | Self::Malformed { .. } | Self::Unsendable { .. } => {
                ConnectorError::other(self.into(), None)
            }
        }
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // The two limits become one on the whole call: no client per pair of limits is needed.
        let limit = match (settings.connect_timeout(), settings.read_timeout()) {
            (Some(connect), Some(read)) => (connect + read).min(CALL_LIMIT),
            _ => CALL_LIMIT,
        };
        SharedHttpConnector::new(Caller { http: self.clone(), limit })
    }
}

impl HttpConnector for Caller {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (http, limit) = (self.http.clone(), self.limit);
        HttpConnectorFuture::new(async move {
            let request = ours(&request, limit)
                .map_err(|what| ConnectorError::user(CallError::Unsendable { what }.into()))?;
            http.call(request).await
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// Their request as the client takes it.
fn ours(request: &HttpRequest, limit: Duration) -> Result<Request, &'static str> {
    let method = Method::from_bytes(request.method().as_bytes()).map_err(|_| "its method")?;
    let url = Url::parse(request.uri()).map_err(|_| "its address")?;
    let body = request.body().bytes().ok_or("its body is a stream")?;
    let mut call = Request::new(method, url);
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name")?;
        let mut value = HeaderValue::from_str(value).map_err(|_| "a header's value")?;
        // Signatures and tokens travel in headers; none is for a log.
        value.set_sensitive(true);
        call.headers_mut().append(name, value);
    }
    if !body.is_empty() {
        *call.body_mut() = Some(body.to_vec().into());
    }
    *call.timeout_mut() = Some(limit);
    Ok(call)
}

/// The client's answer as they take it.
fn theirs(reply: &Reply) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
    let status = StatusCode::try_from(reply.status)?;
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body.clone()));
    for (name, value) in &reply.headers {
        // A header that is not text is none that the chain reads.
        if let Ok(text) = value.to_str() {
            response.headers_mut().try_append(name.as_str().to_owned(), text.to_owned())?;
        }
    }
    Ok(response)
}

/// Whether a host is this machine or its metadata service: loopback, link-local, `fd00:ec2::`.
fn stays_inside(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback()
                || ip.is_unicast_link_local()
                || (ip.segments()[0], ip.segments()[1]) == (0xfd00, 0x0ec2)
        }
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_never_asked_by_a_proxy() {
        let inside = ["127.0.0.1", "localhost", "169.254.169.254", "169.254.170.23", "[::1]"];
        assert!(inside.into_iter().all(stays_inside));
        assert!(stays_inside("[fd00:ec2::254]") && stays_inside("[fe80::1]"));
        let outside = ["sts.eu-west-1.amazonaws.com", "10.0.0.1", "[2001:db8::1]", "localhost.com"];
        assert!(!outside.into_iter().any(stays_inside));
    }

    #[test]
    fn a_request_keeps_its_method_headers_and_body() {
        let mut request = HttpRequest::new(SdkBody::from("Action=AssumeRole"));
        request.set_method("POST").unwrap();
        request.set_uri("https://sts.amazonaws.com/").unwrap();
        request.headers_mut().insert("authorization", "AWS4-HMAC-SHA256 secret");
        let call = ours(&request, Duration::from_secs(1)).unwrap();
        assert_eq!(
            (call.method(), call.url().as_str()),
            (&Method::POST, "https://sts.amazonaws.com/")
        );
        assert_eq!(call.body().and_then(|b| b.as_bytes()), Some(&b"Action=AssumeRole"[..]));
        assert_eq!(call.timeout(), Some(&Duration::from_secs(1)));
        assert!(!format!("{call:?}").contains("secret"), "{call:?}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri("/latest/meta-data").unwrap();
        assert!(ours(&request, CALL_LIMIT).is_err());
    }
}
