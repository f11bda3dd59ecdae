//! One request with its repetitions: sign, send, judge, wait, again; and its record.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;
use wk_model::Sha256;
use wk_seam::aws::{
    AwsError, AwsErrorKind, AwsResult, CallName, CallRecord, Operation, Recorder, Target,
};
use wk_seam::clock::Clock;
use wk_seam::credentials::{CredentialSource, Credentials};

use super::endpoints::{Endpoint, Endpoints};
use super::refusal;
use super::retry::{self, Failed, Quota};
use super::services::{self, Service};
use super::sign::{ToSign, sign};
use super::skew::Skew;
use super::throttle::{Key, Throttle};
use super::wire::{self, Built};
use crate::clock::Pause;
use crate::http::{CALL_LIMIT, Http, Reply};

/// An answer that is longer is refused: AWS's own limits are far below.
const ANSWER_BYTES_MAX: usize = 32 << 20;
const USER_AGENT: &str = concat!("watchkeeper/", env!("CARGO_PKG_VERSION"));

/// What is asked of whom.
pub(crate) struct Ask<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) parameters: &'a Value,
    pub(crate) target: &'a Target,
    /// Which page of an answer, from 1.
    pub(crate) page: u32,
    /// For how long the service may hold the request before it answers.
    pub(crate) wait_seconds: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) answer: Value,
    /// Empty where the service named none.
    pub(crate) request_id: String,
    pub(crate) bytes: u64,
}

/// Makes requests; shared by a client and the roles it enters.
pub(super) struct Exchange {
    http: Http,
    endpoints: Endpoints,
    region: Option<String>,
    throttle: Throttle,
    quota: Quota,
    skew: Skew,
    clock: Arc<dyn Clock>,
    pause: Arc<dyn Pause>,
    recorder: Arc<dyn Recorder>,
}

/// A request that is ready to be signed, as often as need be.
struct Ready<'a> {
    ask: &'a Ask<'a>,
    service: &'static Service,
    endpoint: Endpoint,
    url: Url,
    built: Built,
    key: Key,
    name: CallName,
}

/// An attempt that failed.
struct Trouble {
    error: Box<AwsError>,
    failed: Failed,
    /// The clocks may be the reason.
    refused_proof: bool,
    date: Option<String>,
}

/// What a record says of the last attempt.
#[derive(Default)]
struct Seen {
    principal: String,
    status: Option<u16>,
    request_id: Option<String>,
    answer_sha256: Option<Sha256>,
    answer_bytes: u64,
}

impl Exchange {
    pub(super) fn new(
        http: Http,
        endpoints: Endpoints,
        region: Option<String>,
        clock: Arc<dyn Clock>,
        pause: Arc<dyn Pause>,
        recorder: Arc<dyn Recorder>,
    ) -> Self {
        Self {
            http,
            endpoints,
            region,
            throttle: Throttle::default(),
            quota: Quota::default(),
            skew: Skew::default(),
            clock,
            pause,
            recorder,
        }
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(super) fn clock_ahead_seconds(&self) -> Option<i64> {
        self.skew.seen_seconds()
    }

    /// Makes a request until it went well, or repeating makes no more sense.
    pub(super) async fn make(&self, ask: &Ask<'_>, who: &dyn CredentialSource) -> AwsResult<Given> {
        let ready = self.prepare(ask)?;
        let (mut retries, mut last, mut corrected) = (0, None, false);
        loop {
            self.wait_for_turn(&ready).await;
            let mut seen = Seen::default();
            let trouble = match self.attempt(&ready, who, &mut seen).await {
                Ok(given) => {
                    self.quota.refund(last);
                    self.throttle.well(&ready.key);
                    self.record(&ready, retries, seen, None);
                    return Ok(given);
                }
                Err(trouble) => trouble,
            };
            if trouble.failed.kind == AwsErrorKind::Throttled {
                self.throttle.slower(&ready.key);
            }
            let date = trouble.date.as_deref();
            if trouble.refused_proof && !corrected && self.skew.learn(date, self.clock.now()) {
                corrected = true;
            } else if retries + 1 < retry::ATTEMPTS_MAX
                && trouble.failed.may_repeat(ask.operation.effect)
                && self.quota.pay(trouble.failed)
            {
                last = Some(trouble.failed);
                self.pause.pause(retry::wait(retries + 1, retry::dice())).await;
            } else {
                let mut error = trouble.error;
                error.retries = retries;
                self.record(&ready, retries, seen, Some(&error));
                return Err(error);
            }
            retries += 1;
        }
    }

    fn prepare<'a>(&self, ask: &'a Ask<'a>) -> AwsResult<Ready<'a>> {
        let mut name = CallName::of(ask.operation, ask.target);
        let refuse =
            |name: &CallName, why: String| AwsError::new(name.clone(), AwsErrorKind::Invalid, why);
        let Some(region) = ask.target.region.as_deref().or(self.region()) else {
            let why = "no region is named: set AWS_REGION, or the region of the profile";
            return Err(refuse(&name, why.into()));
        };
        name.region = Some(region.to_owned());
        let service = services::find(ask.operation.service)
            .ok_or_else(|| refuse(&name, "nobody knows this service here".into()))?;
        let endpoint =
            self.endpoints.of(service, region).map_err(|e| refuse(&name, e.to_string()))?;
        let built = wire::build(service, ask.operation, ask.parameters)
            .map_err(|e| refuse(&name, e.to_string()))?;
        let url = Url::parse(&format!("{}{}", endpoint.url, built.path)).map_err(|e| {
            refuse(&name, format!("its endpoint {:?} is no address: {e}", endpoint.url))
        })?;
        let account = ask.target.account.as_ref().map(ToString::to_string).unwrap_or_default();
        let key = (service.name, endpoint.region.clone(), account);
        Ok(Ready { ask, service, endpoint, url, built, key, name })
    }

    async fn wait_for_turn(&self, ready: &Ready<'_>) {
        let wait = self.throttle.turn(&ready.key, ready.service.per_second, self.clock.now());
        if !wait.is_zero() {
            self.pause.pause(wait).await;
        }
    }

    async fn attempt(
        &self,
        ready: &Ready<'_>,
        who: &dyn CredentialSource,
        seen: &mut Seen,
    ) -> Result<Given, Trouble> {
        let credentials = who.credentials().await.map_err(|failure| {
            let transient = failure.transient;
            let kind =
                if transient { AwsErrorKind::Unreachable } else { AwsErrorKind::Credentials };
            ready.trouble(kind, whole_chain(&failure), true)
        })?;
        seen.principal.clone_from(&credentials.access_key);
        let request = self.signed(ready, &credentials)?;
        let limit = ANSWER_BYTES_MAX;
        let reply = self.http.send(request, limit).await.map_err(|error| {
            ready.trouble(AwsErrorKind::Unreachable, whole_chain(&error), error.was_not_sent())
        })?;
        self.judge(ready, &reply, seen)
    }

    fn signed(&self, ready: &Ready<'_>, credentials: &Credentials) -> Result<Request, Trouble> {
        let to_sign = ToSign {
            method: ready.built.method,
            url: ready.url.as_str(),
            headers: &ready.built.headers,
            body: &ready.built.body,
            service: ready.service.name,
            region: &ready.endpoint.region,
            at: self.skew.corrected(self.clock.now()),
        };
        let unsendable = |why: String| ready.trouble(AwsErrorKind::Invalid, why, true);
        let proof = sign(&to_sign, credentials).map_err(|e| unsendable(e.to_string()))?;
        let method = Method::from_bytes(ready.built.method.as_bytes())
            .map_err(|e| unsendable(e.to_string()))?;
        let mut request = Request::new(method, ready.url.clone());
        let ours = ready.built.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let proof = proof.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in ours.chain(proof).chain([("user-agent", USER_AGENT)]) {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value)) else {
                return Err(unsendable("a header cannot be sent".into()));
            };
            // Signatures and tokens travel in headers; none is for a log.
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        *request.body_mut() = Some(ready.built.body.clone().into());
        let limit = CALL_LIMIT + Duration::from_secs(ready.ask.wait_seconds);
        *request.timeout_mut() = Some(limit);
        Ok(request)
    }

    fn judge(&self, ready: &Ready<'_>, reply: &Reply, seen: &mut Seen) -> Result<Given, Trouble> {
        let request_id = request_id(reply);
        seen.status = Some(reply.status);
        seen.request_id.clone_from(&request_id);
        seen.answer_sha256 = Some(Sha256::of(&reply.body));
        seen.answer_bytes = reply.body.len() as u64;
        let date = reply.header("date");
        self.skew.see(date.as_deref(), self.clock.now());
        if (200..300).contains(&reply.status) {
            let read = wire::read(ready.service, ready.ask.operation, &reply.body);
            return match read {
                Ok(answer) => {
                    let request_id = request_id.or_else(|| id_inside(&answer)).unwrap_or_default();
                    Ok(Given { answer, request_id, bytes: seen.answer_bytes })
                }
                Err(e) => {
                    let mut trouble =
                        ready.trouble(AwsErrorKind::Malformed, whole_chain(&e), false);
                    trouble.error.request_id = request_id;
                    Err(trouble)
                }
            };
        }
        let trouble = ready.refused(reply, request_id, date);
        seen.request_id.clone_from(&trouble.error.request_id);
        Err(trouble)
    }

    fn record(&self, ready: &Ready<'_>, retries: u32, seen: Seen, error: Option<&AwsError>) {
        let ask = ready.ask;
        let sent = ask.parameters.to_string();
        let told = |e: &AwsError| e.code.clone().unwrap_or_else(|| e.message.clone());
        self.recorder.record(&CallRecord {
            at: self.clock.now().to_string(),
            service: ready.service.name,
            operation: ask.operation.name,
            principal: seen.principal,
            account: ask.target.account.as_ref().map(ToString::to_string),
            region: ready.endpoint.region.clone(),
            parameters: CallRecord::masked(ask.parameters, ask.operation.masked),
            parameters_sha256: Sha256::of(sent.as_bytes()),
            page: ask.page,
            retries,
            status: seen.status,
            request_id: seen.request_id,
            answer_sha256: seen.answer_sha256,
            answer_bytes: seen.answer_bytes,
            error: error.map(told),
        });
    }
}

impl Ready<'_> {
    /// A failure without a refusal.
    fn trouble(&self, kind: AwsErrorKind, why: String, not_done: bool) -> Trouble {
        Trouble {
            error: AwsError::new(self.name.clone(), kind, why),
            failed: Failed { kind, not_done },
            refused_proof: false,
            date: None,
        }
    }

    /// A refusal of the service.
    fn refused(&self, reply: &Reply, request_id: Option<String>, date: Option<String>) -> Trouble {
        let header = |name: &str| reply.header(name);
        let said = refusal::read(self.service.protocol, &header, &reply.body);
        let kind = refusal::kind(reply.status, said.code.as_deref().unwrap_or_default());
        let message = if said.code.is_none() && said.message.is_empty() {
            format!("HTTP status {}", reply.status)
        } else {
            said.message
        };
        let mut error = AwsError::new(self.name.clone(), kind, message);
        error.code = said.code;
        error.status = Some(reply.status);
        error.request_id = request_id.or(said.request_id);
        Trouble {
            error,
            failed: Failed { kind, not_done: kind == AwsErrorKind::Throttled },
            refused_proof: matches!(kind, AwsErrorKind::Skewed | AwsErrorKind::Credentials),
            date,
        }
    }
}

fn request_id(reply: &Reply) -> Option<String> {
    ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"]
        .iter()
        .find_map(|name| reply.header(name))
        .map(|id| id.chars().take(200).collect())
}

/// EC2 puts it into the answer.
fn id_inside(answer: &Value) -> Option<String> {
    answer.get("requestId").and_then(Value::as_str).map(str::to_owned)
}

/// An error and its causes in one line.
fn whole_chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| (*e).source()).take(16);
    let mut said: Vec<String> = causes.map(ToString::to_string).collect();
    said.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    said.join(": ")
}
