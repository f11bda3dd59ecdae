//! Envelopes around records: SNS, SQS, EventBridge, CloudWatch Logs subscriptions, Kinesis, Firehose,
//! the call of a Config rule, and lists in text.
//!
//! * What is inside an envelope is read as if it lay alone; what the envelope says is context.
//! * Bounded: envelopes nest at most [`DEPTH_MAX`] deep.
//! * Only leaves are records; an envelope is not counted.

use std::borrow::Cow;

use base64::Engine as _;
use wk_lang::json::{Kind, Tape, Value};
use wk_model::Timestamp;

use crate::reader::{LIST_KEYS, Sink};
use crate::sources::{self, Context, Line, Source, applog};

/// How deep envelopes may nest: SNS in SQS around EventBridge around a record is four.
const DEPTH_MAX: usize = 6;

/// Reads one JSON record, with envelopes or without. Answers its source, as a hint for the next.
pub(crate) fn record(
    value: Value<'_>,
    context: &Context<'_>,
    forced: Option<&'static Source>,
    hint: Option<&'static Source>,
    at: u64,
    sink: &mut dyn Sink,
) -> Option<&'static Source> {
    Unwrapping { forced, hint, at, sink, depth: 0 }.value(value, context)
}

struct Unwrapping<'s> {
    forced: Option<&'static Source>,
    hint: Option<&'static Source>,
    at: u64,
    sink: &'s mut dyn Sink,
    depth: usize,
}

impl Unwrapping<'_> {
    fn value(&mut self, value: Value<'_>, context: &Context<'_>) -> Option<&'static Source> {
        if self.depth > DEPTH_MAX {
            self.refuse(value.raw(), "envelopes nest too deeply");
            return None;
        }
        if value.kind() != Kind::Object {
            self.refuse(value.raw(), "is not a JSON object");
            return None;
        }
        // The most common case first: a plain record of the source that was seen before.
        // Not so the fall-back: it claims much that others read better.
        let hint = self.hint.filter(|s| s.id != applog::SOURCE.id);
        let plain = hint.filter(|s| s.json.as_ref().is_some_and(|f| (f.claims)(value)));
        if plain.is_none() && self.envelope(value, context) {
            return None;
        }
        let source = self
            .forced
            .filter(|s| s.json.is_some())
            .or(plain)
            .or_else(|| sources::of_json(value, None))
            .or_else(|| applog::adopts(value, context).then_some(&applog::SOURCE));
        let Some((source, form)) = source.and_then(|s| Some((s, s.json.as_ref()?))) else {
            self.refuse(value.raw(), "no source knows a record of this form");
            return None;
        };
        if !self.sink.wants_row(source, value) {
            return Some(source);
        }
        match (form.read)(value, context) {
            Ok(row) => self.sink.event(source, row, Some(value), self.at),
            Err(refusal) => {
                self.sink.refuse(source.id, self.at, &refusal.0, value.raw().as_bytes());
            }
        }
        // An EventBridge event says nothing of the next one: that may be around a finding.
        Some(source).filter(|source| source.id != sources::eventbridge::SOURCE.id)
    }

    fn refuse(&mut self, text: &str, reason: &str) {
        let source = self.forced.or(self.hint).map_or("unknown", |s| s.id);
        self.sink.refuse(source, self.at, reason, text.as_bytes());
    }

    /// Reads what lies in an envelope; answers whether the value was one.
    fn envelope(&mut self, value: Value<'_>, context: &Context<'_>) -> bool {
        // As search engines keep CloudTrail records.
        if let Some(record) =
            value.at(&["aws", "cloudtrail"]).filter(|r| r.get("eventVersion").is_some())
        {
            return self.inner(record, context);
        }
        if let Some(sns) = value.get("Sns").filter(|s| s.get("Message").is_some()) {
            return self.nested_text(sns, "Message", context);
        }
        if value.get("TopicArn").is_some() && value.get("Message").is_some() {
            return self.nested_text(value, "Message", context);
        }
        if value.get("eventSource").is_some_and(|s| s.as_str().as_deref() == Some("aws:sqs")) {
            return self.nested_text(value, "body", context);
        }
        if value.get("ReceiptHandle").is_some() && value.get("Body").is_some() {
            return self.nested_text(value, "Body", context); // as SQS's API answers
        }
        if value.get("messageType").is_some() && value.get("logEvents").is_some() {
            return self.subscription(value, context);
        }
        if let Some(data) =
            value.at(&["awslogs", "data"]).or_else(|| value.at(&["kinesis", "data"]))
        {
            return self.encoded(data, context);
        }
        if let Some(data) = value.get("data").filter(|_| value.get("recordId").is_some()) {
            return self.encoded(data, context); // Firehose
        }
        if value.get("detail-type").is_some() {
            return self.event_bridge(value, context);
        }
        // A page of Google's reports, a page of Microsoft Graph.
        if value.text("kind").as_deref() == Some("admin#reports#activities") {
            return self.list(value, "items", context);
        }
        if value.get("@odata.context").is_some() {
            return self.list(value, "value", context);
        }
        if value.text("invokingEvent").is_some_and(|event| event.contains("\"messageType\"")) {
            let account = value.text("accountId");
            let mut within = context.clone();
            within.envelope.account = account.as_deref().or(within.envelope.account);
            return self.nested_text(value, "invokingEvent", &within);
        }
        false
    }

    fn inner(&mut self, value: Value<'_>, context: &Context<'_>) -> bool {
        self.depth += 1;
        self.value(value, context);
        self.depth -= 1;
        true
    }

    fn list(&mut self, page: Value<'_>, key: &str, context: &Context<'_>) -> bool {
        let Some(items) = page.get(key).filter(|items| items.kind() == Kind::Array) else {
            return false;
        };
        for item in items.items() {
            self.inner(item, context);
        }
        true
    }

    /// Text that is JSON again, or a line of a log.
    fn nested_text(&mut self, value: Value<'_>, key: &str, context: &Context<'_>) -> bool {
        match value.text(key) {
            Some(text) => self.text(&text, context),
            None => self.refuse(value.raw(), "the envelope holds no text"),
        }
        true
    }

    fn text(&mut self, text: &str, context: &Context<'_>) {
        let trimmed = text.trim();
        if !trimmed.starts_with(['{', '[']) {
            return self.line(text, context);
        }
        let mut tape = Tape::default();
        match tape.parse(trimmed) {
            Ok(inner) if inner.kind() == Kind::Array => {
                for item in inner.items() {
                    self.inner(item, context);
                }
            }
            Ok(inner) => match list_in(inner) {
                Some(records) => records.items().for_each(|item| {
                    self.inner(item, context);
                }),
                None => {
                    self.inner(inner, context);
                }
            },
            Err(_) => self.line(text, context), // a log line may begin with a brace
        }
    }

    /// A line of a log in an envelope: read by the source that knows it, else as plain text.
    fn line(&mut self, text: &str, context: &Context<'_>) {
        let source = self
            .forced
            .filter(|s| s.lines.is_some())
            .or_else(|| sources::of_lines(&[text], context.settings))
            .or_else(|| sources::named("applog"));
        let Some((source, form)) = source.and_then(|s| Some((s, s.lines.as_ref()?))) else {
            return self.refuse(text, "no source knows a line of this form");
        };
        match (form.begin)(context.settings).record(text, context) {
            Line::Event(mut row) => {
                if let (wk_model::EventId::Ordinal, Some(id)) = (&row.id, context.envelope.id) {
                    row.id = wk_model::EventId::Own(Cow::Borrowed(id));
                }
                self.sink.event(source, *row, None, self.at);
            }
            Line::Header => {}
            Line::Refused(refusal) => {
                self.sink.refuse(source.id, self.at, &refusal.0, text.as_bytes());
            }
        }
    }

    /// CloudWatch Logs subscription payload:
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>.
    fn subscription(&mut self, value: Value<'_>, context: &Context<'_>) -> bool {
        let (owner, group) = (value.text("owner"), value.text("logGroup"));
        let stream = value.text("logStream");
        if value.text("messageType").as_deref() == Some("CONTROL_MESSAGE") {
            return true; // AWS's test that the destination can be reached
        }
        for event in value.get("logEvents").into_iter().flat_map(|events| events.items()) {
            let (id, message) = (event.text("id"), event.text("message"));
            let mut within = context.clone();
            within.envelope.account = owner.as_deref().or(within.envelope.account);
            within.envelope.log_group = group.as_deref();
            within.envelope.log_stream = stream.as_deref();
            within.envelope.time =
                event.get("timestamp").and_then(|t| t.as_i64()).map(Timestamp::from_millis);
            within.envelope.id = id.as_deref();
            match &message {
                Some(message) => {
                    self.depth += 1;
                    self.text(message, &within);
                    self.depth -= 1;
                }
                None => self.refuse(event.raw(), "the log event has no message"),
            }
        }
        true
    }

    /// Base64 around gzip or plain text, as Lambda and Kinesis hand subscriptions over.
    fn encoded(&mut self, data: Value<'_>, context: &Context<'_>) -> bool {
        let bytes = data
            .as_str()
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(&*text).ok());
        let plain = bytes.and_then(|b| (context.settings.inflate)(&b));
        match plain.as_deref().map(std::str::from_utf8) {
            Some(Ok(text)) if self.depth < DEPTH_MAX => {
                self.depth += 1;
                self.text(text, context);
                self.depth -= 1;
            }
            _ => {
                self.refuse(data.raw(), "the data is not base64 of text or gzip within its limits")
            }
        }
        true
    }

    /// EventBridge: records that have a form of their own are read as such, the rest as events.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>
    fn event_bridge(&mut self, value: Value<'_>, context: &Context<'_>) -> bool {
        let (Some(kind), Some(detail)) = (value.text("detail-type"), value.get("detail")) else {
            return false;
        };
        let (account, region) = (value.text("account"), value.text("region"));
        let id = value.text("id");
        let mut within = context.clone();
        within.envelope.account = account.as_deref().or(within.envelope.account);
        within.envelope.region = region.as_deref().or(within.envelope.region);
        within.envelope.time = value.text("time").and_then(|t| Timestamp::parse(&t).ok());
        within.envelope.id = id.as_deref();
        let known = |v: &Value<'_>| sources::of_json(*v, None).is_some();
        if let Some(findings) = detail.get("findings").filter(|f| f.items().any(|f| known(&f))) {
            for finding in findings.items() {
                self.inner(finding, &within);
            }
            return true;
        }
        let has_own_form = kind.ends_with("via CloudTrail")
            || &*kind == "GuardDuty Finding"
            || &*kind == "SystemLog" // Okta's
            || kind.starts_with("Config ");
        has_own_form && known(&detail) && self.inner(detail, &within)
    }
}

/// The list of records that a document is around, as the splitter would find it in a file.
fn list_in(document: Value<'_>) -> Option<Value<'_>> {
    let is_list = |list: &Value<'_>| match list.items().next() {
        Some(first) => first.kind() == Kind::Object,
        None => list.kind() == Kind::Array,
    };
    LIST_KEYS.iter().find_map(|key| document.get(key).filter(is_list))
}
