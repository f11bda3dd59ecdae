//! One CloudTrail record, in AWS's field order.
//!
//! * Every record has the fields that CloudTrail's reference calls required; others only where AWS
//!   writes them (no `requestID` on service events, no `tlsDetails` on calls of services).

use serde_json::Value;
use wk_model::Timestamp;

use crate::identity::Actor;
use crate::rng::Rng;
use crate::world::Place;

/// A call, before anyone makes it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The service's name without `.amazonaws.com`.
    pub source: &'static str,
    /// The event's name.
    pub name: &'static str,
    /// `requestParameters`, as JSON.
    pub params: String,
    /// `responseElements`, as JSON.
    pub response: String,
    /// `resources`, as JSON; empty if there are none.
    pub resources: String,
    extra: String,
    details: String,
    error: Option<(String, String)>,
    shared: Option<String>,
    endpoint: Option<String>,
    kind: &'static str,
    data: bool,
}

/// A record, when and where.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub time: Timestamp,
    pub place: Place,
    pub id: String,
    pub json: String,
}

impl Call {
    /// A management call without parameters or answer.
    pub(crate) fn new(source: &'static str, name: &'static str) -> Self {
        Self {
            source,
            name,
            params: "null".to_owned(),
            response: "null".to_owned(),
            resources: String::new(),
            extra: String::new(),
            details: String::new(),
            error: None,
            shared: None,
            endpoint: None,
            kind: "AwsApiCall",
            data: false,
        }
    }
    /// Sets `requestParameters`.
    pub(crate) fn params(mut self, params: &Value) -> Self {
        self.params = params.to_string();
        self
    }
    /// Sets `responseElements`.
    pub(crate) fn response(mut self, response: &Value) -> Self {
        self.response = response.to_string();
        self
    }
    /// Sets `resources`.
    pub(crate) fn resources(mut self, resources: &Value) -> Self {
        self.resources = resources.to_string();
        self
    }
    /// Sets `additionalEventData`.
    pub(crate) fn extra(mut self, extra: &Value) -> Self {
        self.extra = extra.to_string();
        self
    }
    /// Makes it an event of the service itself, with `serviceEventDetails`.
    pub(crate) fn service_event(mut self, details: &Value) -> Self {
        self.details = details.to_string();
        self.kind = "AwsServiceEvent";
        self
    }
    /// Makes it a sign-in to the console.
    pub(crate) fn sign_in(mut self) -> Self {
        self.kind = "AwsConsoleSignIn";
        self
    }
    /// Makes it a data event.
    pub(crate) fn data(mut self) -> Self {
        self.data = true;
        self
    }
    /// Makes it fail; a failed call answers nothing.
    pub(crate) fn fails(mut self, code: &str, message: &str) -> Self {
        self.error = Some((code.to_owned(), message.to_owned()));
        self.response = "null".to_owned();
        self
    }
    /// Makes it complain without a code, as sign-ins do; the answer stays.
    pub(crate) fn complains(mut self, message: &str) -> Self {
        self.error = Some((String::new(), message.to_owned()));
        self
    }
    /// Makes it fail for want of permission, in the spelling of its service.
    pub(crate) fn denied(self, actor: &Actor, resource: &str) -> Self {
        let action = format!("{}:{}", self.source, self.name);
        let because = "because no identity-based policy allows the";
        let message = match self.source {
            "s3" => "Access Denied".to_owned(),
            "ec2" => format!(
                "You are not authorized to perform this operation. User: {} is not authorized to \
                 perform: {action} {because} {action} action",
                actor.arn
            ),
            _ => format!(
                "User: {} is not authorized to perform: {action} on resource: {resource} \
                 {because} {action} action",
                actor.arn
            ),
        };
        let code = match self.source {
            "ec2" => "Client.UnauthorizedOperation",
            "s3" | "iam" | "sts" => "AccessDenied",
            _ => "AccessDeniedException",
        };
        self.fails(code, &message)
    }
    /// Gives it the id that two accounts' records of one call have in common.
    pub(crate) fn shared(mut self, id: &str) -> Self {
        self.shared = Some(id.to_owned());
        self
    }
    /// Makes it come through an endpoint of a VPC.
    pub(crate) fn through(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// The record of this call.
    pub(crate) fn made(self, rng: &mut Rng, time: Timestamp, place: Place, actor: &Actor) -> Event {
        let (request, id) = (rng.uuid(), rng.uuid());
        let mut line = Line(String::with_capacity(1500));
        line.text("eventVersion", version(self.source));
        line.raw("userIdentity", &actor.identity);
        line.text("eventTime", &time.floor_to(1).to_string());
        line.text("eventSource", &format!("{}.amazonaws.com", self.source));
        line.text("eventName", self.name);
        line.text("awsRegion", place.region);
        line.text("sourceIPAddress", &actor.address);
        line.text("userAgent", &self.agent(actor));
        if let Some((code, message)) = &self.error {
            if !code.is_empty() {
                line.text("errorCode", code);
            }
            line.text("errorMessage", message);
        }
        line.raw("requestParameters", &self.params);
        line.raw("responseElements", &self.response.replace("@request", &request));
        self.extra_data(rng, &mut line);
        if self.kind == "AwsApiCall" {
            let short = request.chars().filter(|c| *c != '-').take(16).collect::<String>();
            let s3 = self.source == "s3";
            line.text("requestID", &if s3 { short.to_ascii_uppercase() } else { request });
        }
        line.text("eventID", &id);
        line.raw("readOnly", if reads(self.name) { "true" } else { "false" });
        if !self.resources.is_empty() {
            line.raw("resources", &self.resources);
        }
        line.text("eventType", self.kind);
        line.raw("managementEvent", if self.data { "false" } else { "true" });
        line.text("recipientAccountId", place.account);
        self.ending(rng, place, actor, &mut line);
        Event { time: time.floor_to(1), place, id, json: line.end() }
    }

    /// The command line says which command it runs.
    fn agent(&self, actor: &Actor) -> String {
        if !actor.agent.ends_with("command/") {
            return actor.agent.clone();
        }
        let mut agent = format!("{}{}.", actor.agent, self.source);
        for (place, letter) in self.name.chars().filter(|c| !c.is_ascii_digit()).enumerate() {
            if letter.is_ascii_uppercase() && place > 0 {
                agent.push('-');
            }
            agent.push(letter.to_ascii_lowercase());
        }
        agent
    }

    fn extra_data(&self, rng: &mut Rng, line: &mut Line) {
        if !self.extra.is_empty() {
            return line.raw("additionalEventData", &self.extra);
        }
        if self.source == "s3" && self.kind == "AwsApiCall" {
            let (sent, got, id) = (rng.range(240, 90_000), rng.range(0, 9), rng.alnum(74));
            line.raw(
                "additionalEventData",
                &format!(
                    r#"{{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":{got},"AuthenticationMethod":"AuthHeader","x-amz-id-2":"{id}==","bytesTransferredOut":{sent}}}"#
                ),
            );
        }
    }

    fn ending(&self, rng: &mut Rng, place: Place, actor: &Actor, line: &mut Line) {
        if !self.details.is_empty() {
            line.raw("serviceEventDetails", &self.details);
        }
        if let Some(shared) = &self.shared {
            line.text("sharedEventID", shared);
        }
        if let Some(endpoint) = &self.endpoint {
            line.text("vpcEndpointId", endpoint);
        }
        line.text("eventCategory", if self.data { "Data" } else { "Management" });
        if actor.tls && !actor.console && self.kind != "AwsServiceEvent" {
            let new = rng.chance(850);
            let (version, suite) = if new {
                ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
            } else {
                ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
            };
            line.raw(
                "tlsDetails",
                &format!(
                    r#"{{"tlsVersion":"{version}","cipherSuite":"{suite}","clientProvidedHostHeader":"{}.{}.amazonaws.com"}}"#,
                    self.source, place.region
                ),
            );
        }
        if actor.console && self.kind == "AwsApiCall" {
            line.text("sessionCredentialFromConsole", "true");
        }
    }
}

/// Each service moves to a new event version in its own time.
fn version(source: &str) -> &'static str {
    match source {
        "ec2" | "kms" | "cloudtrail" | "guardduty" => "1.09",
        "s3" | "logs" | "lambda" => "1.10",
        "secretsmanager" | "ecs" => "1.11",
        _ => "1.08",
    }
}

/// Whether CloudTrail marks a call of this name as reading only.
fn reads(name: &str) -> bool {
    const VERBS: [&str; 18] = [
        "Describe",
        "Get",
        "List",
        "Head",
        "Lookup",
        "Search",
        "Select",
        "BatchGet",
        "Decrypt",
        "Generate",
        "AssumeRole",
        "Discover",
        "Estimate",
        "Filter",
        "Query",
        "Scan",
        "Simulate",
        "View",
    ];
    VERBS.iter().any(|verb| name.starts_with(verb)) && name != "GetSigninToken"
}

/// A JSON object on its way to a string.
struct Line(String);

impl Line {
    fn key(&mut self, name: &str) {
        self.0.push_str(if self.0.is_empty() { "{\"" } else { ",\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
    }
    fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.0.push_str(json);
    }
    fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        if text.bytes().any(|b| b < 0x20 || matches!(b, b'"' | b'\\')) {
            self.0.push_str(&Value::from(text).to_string());
        } else {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        }
    }
    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
