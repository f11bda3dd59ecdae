//! What events of a source look like, so that a pattern that asks for what they never have is seen.

use wk_lang::nearest::nearest;
use wk_lang::pattern::Field;

use super::lint::Flaw;

/// Events of one source: their `detail-type`s, and the keys of their `detail`.
struct Shape {
    source: &'static str,
    kinds: &'static [&'static str],
    /// Empty: many forms.
    keys: &'static [&'static str],
}

/// The keys of every event
/// (<https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>).
const ENVELOPE: [&str; 10] = [
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
    "replay-name",
];

const SHAPES: &[Shape] = &[
    Shape {
        source: "watchkeeper",
        kinds: &["Watchkeeper Finding"],
        keys: &[
            "id",
            "type",
            "title",
            "severity",
            "severityWord",
            "product",
            "ruleVersion",
            "attack",
            "controls",
            "accountId",
            "region",
            "actor",
            "resources",
            "firstSeen",
            "lastSeen",
            "count",
            "origin",
            "table",
            "ended",
        ],
    },
    Shape {
        source: "aws.guardduty",
        kinds: &["GuardDuty Finding", "GuardDuty Malware Protection Object Scan Result"],
        keys: &[
            "schemaVersion",
            "accountId",
            "region",
            "partition",
            "id",
            "arn",
            "type",
            "resource",
            "severity",
            "createdAt",
            "updatedAt",
            "title",
            "description",
            "service",
            "associatedAttackSequenceArn",
        ],
    },
    Shape {
        source: "aws.securityhub",
        kinds: &[
            "Security Hub Findings - Imported",
            "Security Hub Findings - Custom Action",
            "Security Hub Insight Results",
            "Findings Imported V2",
        ],
        keys: &[
            "findings",
            "actionName",
            "actionDescription",
            "insightName",
            "insightArn",
            "resultType",
            "number of results",
            "insightResults",
        ],
    },
    Shape {
        source: "aws.cloudwatch",
        kinds: &["CloudWatch Alarm State Change", "CloudWatch Alarm Configuration Change"],
        keys: &[
            "alarmName",
            "alarmArn",
            "state",
            "previousState",
            "configuration",
            "operation",
            "muteDetail",
        ],
    },
];

/// `detail` of a call that CloudTrail reports, whatever its source
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).
const CALL: [&str; 34] = [
    "addendum",
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "insightDetails",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointAccountId",
    "vpcEndpointId",
    "credentialDetails",
    "networkActivityEvent",
];

/// Judges what a branch asks for.
pub(super) fn judge(branch: &[Field<'_>]) -> Vec<Flaw> {
    let mut flaws: Vec<Flaw> = branch.iter().filter_map(envelope).collect();
    flaws.extend(branch.iter().filter_map(digits));
    let texts = |path: &str| {
        let field = branch.iter().find(|field| field.path == path);
        field.and_then(|field| field.texts.as_deref()).unwrap_or(&[])
    };
    let (sources, kinds) = (texts("source"), texts("detail-type"));
    flaws.extend(sources.iter().filter_map(|source| source_name(source)));
    let is_call = |kind: &&str| kind.ends_with("via CloudTrail");
    let shapes: Vec<&Shape> =
        SHAPES.iter().filter(|shape| sources.contains(&shape.source)).collect();
    let known = !sources.is_empty() && shapes.len() == sources.len();
    if known && !kinds.iter().any(is_call) {
        let all: Vec<&str> = shapes.iter().flat_map(|shape| shape.kinds).copied().collect();
        flaws.extend(kinds.iter().filter_map(|kind| kind_name(kind, &all, sources)));
        if kinds.iter().all(|kind| all.contains(kind)) {
            let keys: Vec<&str> = shapes.iter().flat_map(|shape| shape.keys).copied().collect();
            flaws.extend(branch.iter().filter_map(|field| key(field, &keys, sources)));
        }
    } else if !kinds.is_empty() && kinds.iter().all(is_call) {
        flaws.extend(branch.iter().filter_map(|field| key(field, &CALL, kinds)));
    }
    flaws
}

/// A field beside `detail` that no event has.
fn envelope(field: &Field<'_>) -> Option<Flaw> {
    let first = field.path.split('.').next()?;
    if ENVELOPE.contains(&first) || !field.required {
        return None;
    }
    let mut flaw = Flaw::new(
        "unknown-field",
        format!("no event has the field {first:?}; what the event itself says is below detail"),
    );
    let near = nearest(first, ENVELOPE).map(str::to_owned);
    flaw.instead = near.or_else(|| Some(format!("detail.{}", field.path)));
    Some(flaw)
}

/// An account is a text; written as a number it matches nothing.
fn digits(field: &Field<'_>) -> Option<Flaw> {
    let last = field.path.rsplit('.').next()?;
    let numbers = field.numbers.as_deref().filter(|_| {
        ["account", "accountId", "recipientAccountId", "AwsAccountId"].contains(&last)
    })?;
    let texts: Vec<String> = numbers.iter().map(|n| format!("\"{n:012}\"")).collect();
    let say = format!("{} is a text in every event; a number never matches it", field.path);
    let instead = Some(format!("{}: [{}]", field.path, texts.join(", ")));
    Some(Flaw { kind: "account-as-number", say, instead })
}

/// `guardduty.amazonaws.com` is how CloudTrail calls a service, not how EventBridge does.
fn source_name(source: &str) -> Option<Flaw> {
    let service = source.strip_suffix(".amazonaws.com")?;
    let say = format!("no event has the source {source:?}: that is how CloudTrail calls a service");
    let instead = Some(format!("source: [aws.{service}], or detail: {{eventSource: [{source}]}}"));
    Some(Flaw { kind: "unknown-source", say, instead })
}

fn kind_name(kind: &str, known: &[&str], sources: &[&str]) -> Option<Flaw> {
    if known.contains(&kind) {
        return None;
    }
    let say = format!("{} sends no event with the detail-type {kind:?}", sources.join(", "));
    let instead = nearest(kind, known.iter().copied()).or(known.first().copied());
    Some(Flaw { kind: "unknown-detail-type", say, instead: instead.map(str::to_owned) })
}

fn key(field: &Field<'_>, known: &[&str], of: &[&str]) -> Option<Flaw> {
    let mut keys = field.path.split('.');
    let key = keys.next().filter(|first| *first == "detail").and(keys.next())?;
    if known.is_empty() || known.contains(&key) || !field.required {
        return None;
    }
    let say = format!("events of {} have no detail.{key}: the route never matches", of.join(", "));
    let instead = nearest(key, known.iter().copied()).map(|near| format!("detail.{near}"));
    Some(Flaw { kind: "unknown-field", say, instead })
}
