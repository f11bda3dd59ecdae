//! HTTP: one request, one answer, within limits.
//!
//! * 5 s to connect, 30 s in all, at most 64 KiB of answer; redirects are not followed.
//! * A secret is not sent in the clear, except to this machine.
//! * 2xx is accepted; 408, 425, 429 and 5xx may go through later; any other answer is a refusal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url};
use wk_model::Timestamp;
use wk_seam::clock::Clock;
use wk_seam::courier::{Outcome, Parcel, Proof, SecretName, Secretive};

use crate::outcome::{accepted, later, refused, said};
use crate::secret::{Secret, SecretError};
use crate::sign::signatures;

/// To connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A whole call, from connecting to the last byte.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of the other side's key of what it made.
const REFERENCE_CHARS: usize = 200;

/// The HTTP client cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up; are the system's certificates there?")]
pub struct Unset(#[source] reqwest::Error);

/// Carries HTTP parcels.
pub(crate) struct Http {
    outside: Client,
    /// For this machine: never by a proxy.
    inside: Client,
    clock: Arc<dyn Clock>,
    /// Whose clock was seen last, and how many seconds ours is ahead of it.
    ahead: Mutex<Option<(String, i64)>>,
}

/// Why there is no request to send.
enum Unsendable {
    Secret(SecretError),
    Address,
    Clear,
    Body,
    Header,
}

/// A request with the secrets that are in it.
struct Ready {
    request: reqwest::Request,
    secrets: Vec<Secret>,
    inside: bool,
}

/// What the other side answered.
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    /// What it asked for before the next call, in seconds.
    pub(crate) after: Option<u64>,
    pub(crate) body: Vec<u8>,
    /// Whether that is all of it.
    pub(crate) whole: bool,
}

impl Http {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Result<Self, Unset> {
        let common = || {
            Client::builder()
                .connect_timeout(CONNECT_LIMIT)
                .timeout(CALL_LIMIT)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
        };
        let outside = common().build().map_err(Unset)?;
        let inside = common().no_proxy().build().map_err(Unset)?;
        Ok(Self { outside, inside, clock, ahead: Mutex::default() })
    }

    /// Whose clock an answer named last, and how many seconds ours was ahead of it.
    pub(crate) fn ahead(&self) -> Option<(String, i64)> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares clocks by the `Date` of an answer; this machine's own says nothing new.
    fn compare(&self, host: &str, date: Option<&str>) {
        let Some(theirs) = date.and_then(http_date).filter(|_| !is_this_machine(host)) else {
            return;
        };
        let ahead = self.clock.now().seconds().saturating_sub(theirs.seconds());
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some((host.to_owned(), ahead));
    }

    pub(crate) async fn carry(&self, parcel: &Parcel) -> Outcome {
        let pointer = match parcel {
            Parcel::Http { reference, .. } => *reference,
            _ => None,
        };
        match ready(parcel, self.clock.now()) {
            Ok(ready) => self.send(ready, pointer).await,
            Err(why) => why.outcome(),
        }
    }

    async fn send(&self, ready: Ready, pointer: Option<&'static str>) -> Outcome {
        let host = ready.request.url().host_str().unwrap_or_default().to_owned();
        let secrets = ready.secrets;
        let fetched = self.fetch(ready.request, ready.inside, ANSWER_BYTES_MAX).await;
        let Fetched { status, after, body, whole } = match fetched {
            Ok(fetched) => fetched,
            Err(why) => return later(why, None),
        };
        if status.is_success() {
            let reference = pointer.filter(|_| whole).and_then(|at| reference(&body, at));
            let more = reference.as_deref().map(|r| format!(", {r}")).unwrap_or_default();
            return accepted(format!("{host} answered {status}{more}"), reference);
        }
        let why = format!("{host} answered {status}: {}", said(&body, &secrets));
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                later(why, after)
            }
            status if status.is_server_error() => later(why, after),
            _ => refused(why),
        }
    }

    /// Sends a request and reads its answer, of which so many bytes at most.
    ///
    /// # Errors
    /// Why there is no answer, without the address.
    pub(crate) async fn fetch(
        &self,
        request: reqwest::Request,
        inside: bool,
        bytes_max: usize,
    ) -> Result<Fetched, String> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let client = if inside { &self.inside } else { &self.outside };
        let mut answer = client.execute(request).await.map_err(|e| no_answer(&host, e))?;
        let status = answer.status();
        self.compare(&host, answer.headers().get(DATE).and_then(|v| v.to_str().ok()));
        let wait = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok());
        // PagerDuty says when its own counting begins anew, in seconds.
        let after = wait(RETRY_AFTER.as_str()).or_else(|| wait("ratelimit-reset"));
        let after = after.and_then(|text| retry_after(text, self.clock.now()));
        let mut body = Vec::new();
        let mut whole = true;
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= bytes_max => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                // The status counts; what follows it is for people.
                Ok(Some(_)) | Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        Ok(Fetched { status, after, body, whole })
    }
}

impl Unsendable {
    /// A secret that is not there may be there later: somebody is changing it.
    fn outcome(&self) -> Outcome {
        match self {
            Self::Secret(why) => later(why.to_string(), None),
            Self::Address => refused("the channel's address is none"),
            Self::Clear => refused("a secret would be sent in the clear; use https://"),
            Self::Body => refused("the body is no JSON object"),
            Self::Header => refused("a header has characters that HTTP does not allow"),
        }
    }
}

fn ready(parcel: &Parcel, now: Timestamp) -> Result<Ready, Unsendable> {
    let Parcel::Http { method, url, headers, body, proof, .. } = parcel else {
        return Err(Unsendable::Address);
    };
    let mut secrets = Vec::new();
    let url = match url {
        Secretive::Plain(url) => url.clone(),
        Secretive::Secret(name) => take(name, &mut secrets)?,
    };
    let url = Url::parse(&url).map_err(|_| Unsendable::Address)?;
    let inside = url.host_str().is_some_and(is_this_machine);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        put(&mut map, name, value, false)?;
    }
    let mut body = body.clone();
    prove(proof, &mut map, &mut body, &mut secrets, now)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Unsendable::Address);
    }
    if url.scheme() == "http" && !inside && !secrets.is_empty() {
        return Err(Unsendable::Clear);
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Unsendable::Address)?;
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = map;
    if !body.is_empty() {
        *request.body_mut() = Some(body.into());
    }
    Ok(Ready { request, secrets, inside })
}

/// Adds what proves who sends it.
fn prove(
    proof: &Proof,
    headers: &mut HeaderMap,
    body: &mut Vec<u8>,
    secrets: &mut Vec<Secret>,
    now: Timestamp,
) -> Result<(), Unsendable> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    match proof {
        Proof::None => Ok(()),
        Proof::Bearer { scheme, secret } => {
            let value = format!("{scheme} {}", take(secret, secrets)?);
            put(headers, "authorization", &value, true)
        }
        Proof::Basic { user, secret } => {
            let pair = STANDARD.encode(format!("{user}:{}", take(secret, secrets)?));
            put(headers, "authorization", &format!("Basic {pair}"), true)
        }
        Proof::StandardWebhook { id, secrets: names } => {
            let mut keys = Vec::new();
            for name in names {
                keys.push(Secret::read(name).map_err(Unsendable::Secret)?);
            }
            put(headers, "webhook-id", id, false)?;
            put(headers, "webhook-timestamp", &now.seconds().to_string(), false)?;
            // The keys themselves do not travel: plain HTTP gives none away.
            put(headers, "webhook-signature", &signatures(id, now.seconds(), body, &keys), true)
        }
        Proof::BodyMember { member, secret } => {
            let mut object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(body).map_err(|_| Unsendable::Body)?;
            object.insert((*member).to_owned(), take(secret, secrets)?.into());
            *body = serde_json::to_vec(&object).map_err(|_| Unsendable::Body)?;
            Ok(())
        }
    }
}

/// The secret of this name, noted as one that travels.
fn take(name: &SecretName, secrets: &mut Vec<Secret>) -> Result<String, Unsendable> {
    let secret = Secret::read(name).map_err(Unsendable::Secret)?;
    let text = secret.expose().to_owned();
    secrets.push(secret);
    Ok(text)
}

fn put(
    headers: &mut HeaderMap,
    name: &str,
    value: &str,
    sensitive: bool,
) -> Result<(), Unsendable> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unsendable::Header)?;
    let mut value = HeaderValue::from_str(value).map_err(|_| Unsendable::Header)?;
    value.set_sensitive(sensitive);
    headers.insert(name, value);
    Ok(())
}

/// Why no answer came, without the address: it may be a secret.
fn no_answer(host: &str, error: reqwest::Error) -> String {
    let what = if error.is_timeout() { "no answer in time" } else { "no answer" };
    let error = error.without_url();
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause.filter(|_| causes.len() < 4) {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    let last = causes.pop().map(|c| format!(": {c}")).unwrap_or_default();
    format!("{what} from {host}{last}")
}

/// The other side's key of what it made.
fn reference(body: &[u8], pointer: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let key = match answer.pointer(pointer)? {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let clean = !key.is_empty() && !key.contains(char::is_control);
    (clean && key.chars().count() <= REFERENCE_CHARS).then_some(key)
}

/// Whether a host is this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// A date as RFC 9110 prefers it.
fn http_date(text: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day:0>2}T{time}Z")).ok()
}

/// Seconds to wait, as `Retry-After` says: a number, or a date as RFC 9110 prefers it.
fn retry_after(text: &str, now: Timestamp) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(seconds);
    }
    let at = http_date(text)?;
    u64::try_from(at.seconds() - now.seconds()).ok().or(Some(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_wait_is_a_number_or_a_date() {
        let now = Timestamp::parse("1994-11-06T08:49:00Z").unwrap();
        assert_eq!(retry_after("30", now), Some(30));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(37));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(0));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn the_key_of_a_ticket_is_read_where_it_was_said_to_be() {
        let read = |body: &str, at| reference(body.as_bytes(), at);
        assert_eq!(read(r#"{"key":"SEC-1"}"#, "/key").as_deref(), Some("SEC-1"));
        assert_eq!(read(r#"{"result":{"sys_id":7}}"#, "/result/sys_id").as_deref(), Some("7"));
        assert_eq!(read("{\"key\":\"a\\nb\"}", "/key"), None);
        assert_eq!(read("nonsense", "/key"), None);
    }

    #[test]
    fn a_secret_goes_in_the_clear_to_this_machine_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "s3cret").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let parcel = |url: &str| Parcel::Http {
            method: "POST",
            url: Secretive::Plain(url.to_owned()),
            headers: vec![],
            body: b"{\"a\":1}".to_vec(),
            proof: Proof::BodyMember {
                member: "routing_key",
                secret: SecretName(format!("file:{}", path.display())),
            },
            reference: None,
        };
        let clear = ready(&parcel("http://203.0.113.1/x"), Timestamp::default());
        assert!(matches!(clear, Err(Unsendable::Clear)));
        let Ok(sent) = ready(&parcel("http://127.0.0.1/x"), Timestamp::default()) else {
            panic!("not sent to this machine")
        };
        let body = sent.request.body().and_then(|b| b.as_bytes()).unwrap();
        assert_eq!(body, br#"{"a":1,"routing_key":"s3cret"}"#);
        assert!(ready(&parcel("ftp://127.0.0.1/x"), Timestamp::default()).is_err());
    }
}
