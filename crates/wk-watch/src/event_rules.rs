//! Event patterns over events that came by EventBridge: what the user's routes ask to be told of,
//! although it is no finding by itself.
//!
//! * The first pattern that matches decides, unless it says that those behind it are asked too.
//! * What an event is told by is a finding of the rule `route.NAME`; who routes findings gives it to
//!   the route NAME.
//! * An event that is a finding already, such as a failed backup, is told again only for a pattern
//!   that asks for what the finding has not kept: something in `detail`.
//! * A call that CloudTrail tells of is one event by whichever way it comes: in EventBridge's envelope or
//!   in a file of the trail. Patterns that name a `detail-type` … `via CloudTrail` are asked of it, in the
//!   envelope that EventBridge puts around it.

use std::collections::BTreeSet;
use std::sync::Arc;

use wk_lang::json::{Tape, Value};
use wk_lang::pattern::{Field, Pattern, PatternSet, Scratch, Verdict};
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Row, Severity, Timestamp};

/// The table whose events are asked.
const TABLE: &str = "eventbridge";
/// The table of calls.
const CALLS: &str = "cloudtrail";
/// How the `detail-type` of a call ends.
const VIA: &str = "via CloudTrail";
/// Repeats within an hour are one finding.
const WINDOW_SECONDS: i64 = 3600;

/// A route, as far as it is about events.
#[derive(Debug)]
pub struct EventRule {
    /// The route's name.
    pub name: String,
    /// The pattern.
    pub pattern: Pattern,
    /// Whether it asks for something to be told or done. `false`: it suppresses.
    pub asks: bool,
    /// Until when it suppresses.
    pub until: Option<Timestamp>,
    /// Whether those behind it are asked too.
    pub goes_on: bool,
    /// How bad an event of it is.
    pub severity: Severity,
}

/// Routes over events, in their order.
#[derive(Debug, Default)]
pub(crate) struct EventRules {
    rules: Vec<EventRule>,
    set: PatternSet,
    calls: Calls,
}

/// Which calls some rule may ask for: most are ruled out by their name.
#[derive(Debug, Default)]
enum Calls {
    /// None.
    #[default]
    None,
    /// Those with one of these names.
    Named(BTreeSet<String>),
    /// Any.
    Any,
}

impl EventRules {
    pub(crate) fn new(rules: Vec<EventRule>) -> Self {
        let set = PatternSet::new(rules.iter().map(|rule| &rule.pattern));
        let calls = Calls::of(&rules);
        Self { rules, set, calls }
    }

    /// Asks every rule of an event, or of a call as EventBridge would tell of it.
    pub(crate) fn run(&self, row: &Row<'_>, record: Value<'_>, see: &mut dyn FnMut(Sighting)) {
        match row.table.name {
            TABLE if !self.rules.is_empty() => self.ask(row, record, see),
            CALLS if self.calls.may_be(record) => {
                let (event, mut tape) = (enveloped(row, record), Tape::new());
                if let Ok(event) = tape.parse(&event) {
                    self.ask(row, event, see);
                }
            }
            _ => {}
        }
    }

    fn ask(&self, row: &Row<'_>, record: Value<'_>, see: &mut dyn FnMut(Sighting)) {
        let is_call = row.table.name == CALLS;
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        self.set.verdicts(record, &mut scratch, &mut found);
        for (place, verdict) in found {
            let Some(rule) = self.rules.get(place) else { continue };
            if is_call && !rule.asks_for_calls() {
                continue;
            }
            let over = rule.until.is_some_and(|until| row.time.is_some_and(|time| until <= time));
            // What only may match is told, and keeps nothing from being told.
            let unclear = verdict == Verdict::Unclear;
            if over || (unclear && !rule.asks) {
                continue;
            }
            if rule.asks && !(row.sighting.is_some() && rule.asks_envelope_only()) {
                see(rule.sighting(row, record));
            }
            if !rule.goes_on && !unclear {
                return;
            }
        }
    }
}

impl Calls {
    fn of(rules: &[EventRule]) -> Self {
        let mut names = BTreeSet::new();
        let mut any = false;
        for branch in rules.iter().flat_map(|rule| rule.pattern.branches()).filter(|b| of_calls(b))
        {
            any = true;
            let name = branch.iter().find(|field| field.path == "detail.eventName");
            match name.and_then(|field| field.texts.as_ref()) {
                Some(texts) => names.extend(texts.iter().map(|text| (*text).to_owned())),
                None => return Self::Any,
            }
        }
        if any { Self::Named(names) } else { Self::None }
    }

    fn may_be(&self, call: Value<'_>) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Named(names) => call.text("eventName").is_some_and(|name| names.contains(&*name)),
        }
    }
}

/// Whether a branch asks for calls: it names what kind of event it wants, and calls may be that.
fn of_calls(branch: &[Field<'_>]) -> bool {
    let kind = branch.iter().find(|field| field.path == "detail-type" && field.required);
    kind.is_some_and(|kind| {
        kind.texts.as_ref().is_none_or(|texts| texts.iter().any(|text| text.ends_with(VIA)))
    })
}

/// A call in EventBridge's envelope
/// (<https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cloudtrail.html>).
fn enveloped(row: &Row<'_>, call: Value<'_>) -> String {
    let text = |key: &str| call.text(key).unwrap_or_default();
    let kind = match &*text("eventType") {
        "AwsConsoleSignIn" => "AWS Console Sign In via CloudTrail",
        "AwsServiceEvent" => "AWS Service Event via CloudTrail",
        "AwsConsoleAction" => "AWS Console Action via CloudTrail",
        "AwsCloudTrailInsight" => "AWS Insight via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    let from = text("eventSource");
    let service = from.strip_suffix(".amazonaws.com").unwrap_or(&from);
    let (account, region) = (row.account.as_deref(), row.region.as_deref());
    let members = [
        ("version", "0"),
        ("id", &*text("eventID")),
        ("detail-type", kind),
        ("source", &format!("aws.{service}")),
        ("account", account.unwrap_or_default()),
        ("time", &*text("eventTime")),
        ("region", region.unwrap_or_default()),
    ];
    let head: String =
        members.iter().map(|(key, of)| format!("\"{key}\":{},", quoted(of))).collect();
    // The call goes in as it stands: a key that occurs twice stays twice.
    format!("{{{head}\"resources\":[],\"detail\":{}}}", call.compact())
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // What else may not stand in JSON cannot stand in an event either.
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

impl EventRule {
    /// Whether a branch asks for calls that CloudTrail tells of.
    fn asks_for_calls(&self) -> bool {
        self.pattern.branches().any(|branch| of_calls(&branch))
    }

    /// Whether a branch asks for nothing in `detail`.
    fn asks_envelope_only(&self) -> bool {
        let in_detail = |path: &str| path == "detail" || path.starts_with("detail.");
        self.pattern.branches().any(|fields| !fields.iter().any(|field| in_detail(field.path)))
    }

    /// The machinery fills in the event's id and origin.
    fn sighting(&self, row: &Row<'_>, record: Value<'_>) -> Sighting {
        let time = row.time.unwrap_or_default();
        let id = format!("{}{}", Rule::OF_ROUTE, self.name);
        let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let mut resources: Vec<String> =
            row.resources.iter().map(|resource| resource.clone().into_owned()).collect();
        resources.truncate(wk_model::Finding::RESOURCES_MAX);
        let (account, actor) = (own(&row.account), own(&row.actor));
        let finding = FindingId::of_rule(
            &id,
            account.as_deref().unwrap_or_default(),
            actor.as_deref().unwrap_or_default(),
            resources.first().map_or("", String::as_str),
            time.floor_to(WINDOW_SECONDS),
        );
        Sighting {
            finding,
            rule: Arc::new(Rule {
                id,
                version: "1".to_owned(),
                product: "watchkeeper".to_owned(),
                attack: Vec::new(),
                controls: Vec::new(),
            }),
            title: title(record).into(),
            severity: self.severity,
            account,
            region: own(&row.region),
            actor,
            resources,
            event: EventRef { time, table: row.table.name.to_owned(), id: String::new() },
            first_seen: time,
            last_seen: time,
            reported_count: None,
            origin: Origin::BackFill,
            ended: None,
            grounds: Default::default(),
        }
    }
}

/// What an event is, in a line; of a call also its name.
fn title(event: Value<'_>) -> String {
    let text = |key: &str| event.text(key).unwrap_or_default();
    let (kind, from) = (text("detail-type"), text("source"));
    match event.get("detail").and_then(|detail| detail.text("eventName")) {
        Some(name) if kind.ends_with(VIA) => format!("{kind} from {from}: {name}"),
        _ => format!("{kind} from {from}"),
    }
}

#[cfg(test)]
mod tests {
    use wk_model::SeverityWord;

    use super::*;
    use crate::detect::Detections;
    use crate::reader::{ObjectFacts, Reader, Sink};
    use crate::sources::{Settings, Source};

    fn rule(name: &str, pattern: &str, asks: bool, goes_on: bool) -> EventRule {
        EventRule {
            name: name.to_owned(),
            pattern: Pattern::parse(pattern).unwrap(),
            asks,
            until: None,
            goes_on,
            severity: Severity::of_word(SeverityWord::Medium),
        }
    }

    /// Runs rules over what is read.
    struct Told {
        detections: Detections,
        names: Vec<String>,
    }

    impl Sink for Told {
        fn event(
            &mut self,
            source: &'static Source,
            row: Row<'_>,
            record: Option<Value<'_>>,
            _: u64,
        ) {
            let names = &mut self.names;
            self.detections.run(source, &row, record, &mut Vec::new(), &mut |sighting| {
                names.push(format!("{} {}", sighting.rule.id, sighting.title));
            });
        }
        fn refuse(&mut self, source: &str, _: u64, reason: &str, _: &[u8]) {
            panic!("{source}: {reason}");
        }
    }

    /// What rules see in an event.
    fn seen(rules: Vec<EventRule>, source: &str, kind: &str, detail: &str) -> Vec<String> {
        let event = format!(
            r#"{{"version":"0","id":"e-1","detail-type":"{kind}","source":"{source}","account":"111122223333","time":"2024-02-15T14:00:00Z","region":"eu-west-1","resources":[],"detail":{detail}}}"#
        );
        read(rules, &event)
    }

    /// What rules see in a record.
    fn read(rules: Vec<EventRule>, record: &str) -> Vec<String> {
        let facts = ObjectFacts { uri: "object", modified: Timestamp::default(), metadata: &[] };
        let detections = Detections::none().with_event_rules(rules);
        let mut told = Told { detections, names: Vec::new() };
        let settings = Settings::default();
        Reader::new(facts, &settings, None, 16 << 20).read(record.as_bytes(), true, &mut told);
        told.names
    }

    const TAG: &str = r#"{"source":["aws.tag"],"detail":{"service":["ec2"]}}"#;

    #[test]
    fn an_event_that_a_route_asks_for_is_told() {
        let rules = || vec![rule("tags", TAG, true, false), rule("late", TAG, true, false)];
        let told = seen(rules(), "aws.tag", "Tag Change on Resource", r#"{"service":"ec2"}"#);
        assert_eq!(told, ["route.tags Tag Change on Resource from aws.tag"]);
        assert!(
            seen(rules(), "aws.tag", "Tag Change on Resource", r#"{"service":"s3"}"#).is_empty()
        );
    }

    #[test]
    fn the_first_decides_and_a_suppression_keeps_those_behind_it_quiet() {
        let event = ("aws.tag", "Tag Change on Resource", r#"{"service":"ec2"}"#);
        let told = |rules| seen(rules, event.0, event.1, event.2).len();
        assert_eq!(told(vec![rule("a", TAG, true, true), rule("b", TAG, true, false)]), 2);
        assert_eq!(told(vec![rule("a", TAG, false, false), rule("b", TAG, true, false)]), 0);
        let mut over = rule("a", TAG, false, false);
        over.until = Timestamp::parse("2024-02-15T14:00:00Z").ok();
        assert_eq!(told(vec![over, rule("b", TAG, true, false)]), 1);
    }

    #[test]
    fn a_failure_that_is_a_finding_is_told_again_only_for_what_lies_in_its_detail() {
        let failed = |pattern| {
            let rules = vec![rule("backups", pattern, true, false)];
            seen(rules, "aws.backup", "Backup Job State Change", r#"{"state":"FAILED"}"#).len()
        };
        assert_eq!(failed(r#"{"source":["aws.backup"]}"#), 0);
        assert_eq!(failed(r#"{"source":["aws.backup"],"detail":{"state":["FAILED"]}}"#), 1);
    }

    const CALL: &str = r#"{"eventVersion":"1.08","eventID":"11111111-2222-3333-4444-555555555555","eventTime":"2024-02-15T14:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","eventType":"AwsApiCall","awsRegion":"us-east-1","recipientAccountId":"111122223333","readOnly":false,"userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"operator"},"requestParameters":{"userName":"deployer"}}"#;

    #[test]
    fn a_call_is_seen_by_a_pattern_from_aws_whichever_way_it_comes() {
        let pattern = r#"{"source":["aws.iam"],"detail-type":["AWS API Call via CloudTrail"],"account":["111122223333"],"region":["us-east-1"],"detail":{"eventSource":["iam.amazonaws.com"],"eventName":["CreateAccessKey"],"requestParameters":{"userName":["deployer"]}}}"#;
        let rules = || vec![rule("keys", pattern, true, false)];
        let expected = ["route.keys AWS API Call via CloudTrail from aws.iam: CreateAccessKey"];
        let kind = "AWS API Call via CloudTrail";
        assert_eq!(seen(rules(), "aws.iam", kind, CALL), expected, "by EventBridge");
        let file = format!(r#"{{"Records":[{CALL}]}}"#);
        assert_eq!(read(rules(), &file), expected, "in a file of the trail");
        assert!(read(rules(), &file.replace("CreateAccessKey", "DeleteUser")).is_empty());
        assert!(read(rules(), &file.replace("deployer", "somebody")).is_empty());
    }

    #[test]
    fn calls_are_asked_of_nobody_who_does_not_name_them() {
        let file = format!(r#"{{"Records":[{CALL}]}}"#);
        let told = |pattern| read(vec![rule("r", pattern, true, false)], &file).len();
        assert_eq!(told(r#"{"source":["aws.iam"]}"#), 0, "any event of the service");
        assert_eq!(told(r#"{"detail-type":["EC2 Instance State-change Notification"]}"#), 0);
        assert_eq!(told(r#"{"detail-type":[{"suffix":"via CloudTrail"}]}"#), 1, "any call");
        assert_eq!(
            told(
                r#"{"$or":[{"detail-type":["X"]},{"detail-type":["AWS API Call via CloudTrail"]}]}"#
            ),
            1
        );
    }
}
