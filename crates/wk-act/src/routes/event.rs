//! What is routed: a finding as EventBridge events, or an event of the lake as it came.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use wk_lang::json::{Kind, Tape};
use wk_model::Finding;
use wk_model::finding::{Origin, Rule};

/// A finding or an event in every shape that patterns may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedEvent {
    faces: Vec<Face>,
    origin: Origin,
    drill: bool,
    /// The route that asked for the event behind it, when the event came in.
    asked_by: Option<String>,
}

/// One shape: an EventBridge event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// Whose shape it is: `watchkeeper`, `aws`, or `event` for what came as an event.
    pub name: &'static str,
    /// The event as JSON.
    pub text: String,
}

impl RoutedEvent {
    /// A finding: in our own shape, and for findings of AWS's products in AWS's, as far as a finding
    /// has kept of what the product said.
    pub fn of_finding(finding: &Finding) -> Self {
        let own = Face { name: "watchkeeper", text: own(finding).to_string() };
        let theirs = aws(finding).map(|event| Face { name: "aws", text: event.to_string() });
        let faces = [own].into_iter().chain(theirs).collect();
        let asked_by = match finding.rule.product.as_str() {
            "watchkeeper" => finding.rule.id.strip_prefix(Rule::OF_ROUTE).map(str::to_owned),
            _ => None,
        };
        Self { faces, origin: finding.origin, drill: false, asked_by }
    }

    /// A finding with the record of the product that reported it, as the lake keeps it: AWS's shape
    /// is then complete. A record without EventBridge's envelope gets one.
    pub fn of_report(finding: &Finding, record: &str) -> Self {
        let mut event = Self::of_finding(finding);
        if let Some(text) = enveloped(finding, record) {
            event.faces.retain(|face| face.name != "aws");
            event.faces.push(Face { name: "aws", text });
        }
        event
    }

    /// An event as it came, in EventBridge's envelope.
    pub fn of_event(record: &str, origin: Origin) -> Self {
        let face = Face { name: "event", text: record.to_owned() };
        Self { faces: vec![face], origin, drill: false, asked_by: None }
    }

    /// The same as an exercise. Only who makes the exercise may say so, never a record.
    pub fn as_drill(self) -> Self {
        Self { drill: true, ..self }
    }

    /// The shapes.
    pub fn faces(&self) -> &[Face] {
        &self.faces
    }

    /// The route that asked for the event behind it, when the event came in.
    pub(super) fn asked_by(&self) -> Option<&str> {
        self.asked_by.as_deref()
    }

    /// Whether it is news.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether it is an exercise.
    pub fn is_drill(&self) -> bool {
        self.drill
    }
}

/// The envelope of EventBridge.
fn envelope(finding: &Finding, source: &str, kind: &str, detail: &Value) -> Value {
    json!({
        "version": "0",
        "id": finding.id,
        "detail-type": kind,
        "source": source,
        "account": finding.account.as_deref().unwrap_or_default(),
        "time": finding.last_seen.to_string(),
        "region": finding.region.as_deref().unwrap_or_default(),
        "resources": finding.resources,
        "detail": detail,
    })
}

/// Our own shape, which every finding has.
fn own(f: &Finding) -> Value {
    let mut detail = json!({
        "id": f.id,
        "type": f.rule.id,
        "title": f.title,
        "severity": f.severity.number(),
        "severityWord": f.severity.word(),
        "product": f.rule.product,
        "ruleVersion": f.rule.version,
        "attack": f.rule.attack,
        "controls": f.rule.controls,
        "accountId": f.account,
        "region": f.region,
        "actor": f.actor,
        "resources": f.resources,
        "firstSeen": f.first_seen.to_string(),
        "lastSeen": f.last_seen.to_string(),
        "count": f.count,
        "origin": f.origin.as_str(),
        "table": f.latest.table,
    });
    if let Some(ended) = f.ended {
        detail["ended"] = ended.to_string().into();
    }
    envelope(f, "watchkeeper", "Watchkeeper Finding", &detail)
}

/// AWS's shape of what AWS reported.
fn aws(f: &Finding) -> Option<Value> {
    match f.rule.product.as_str() {
        "guardduty" => Some(envelope(f, "aws.guardduty", "GuardDuty Finding", &guardduty(f))),
        "securityhub" => {
            let detail = json!({"findings": [security_hub(f)]});
            Some(envelope(f, "aws.securityhub", "Security Hub Findings - Imported", &detail))
        }
        // Alarms and failures came over EventBridge; their type is the `detail-type`. What lies in
        // their `detail` is asked when they come in.
        product if f.latest.table == "eventbridge" && product != "watchkeeper" => {
            Some(envelope(f, &format!("aws.{product}"), &f.rule.id, &json!({})))
        }
        _ => None,
    }
}

/// The product's own id: the event's, without the version of the update behind it.
fn native_id(f: &Finding) -> &str {
    f.latest.id.rsplit_once('@').map_or(&f.latest.id, |(id, _)| id)
}

fn guardduty(f: &Finding) -> Value {
    let mut resource = Map::new();
    for id in &f.resources {
        resource_of(id, &mut resource);
    }
    json!({
        "schemaVersion": f.rule.version,
        "accountId": f.account,
        "region": f.region,
        "id": native_id(f),
        "type": f.rule.id,
        "severity": f.severity.number(),
        "title": f.title,
        "resource": resource,
        "service": {
            "serviceName": "guardduty",
            "eventFirstSeen": f.first_seen.to_string(),
            "eventLastSeen": f.last_seen.to_string(),
            "archived": f.title.contains("(archived in GuardDuty)"),
            "count": f.count,
        },
        "updatedAt": f.last_seen.to_string(),
    })
}

/// What an id of a resource says of its kind, where GuardDuty would have put it.
fn resource_of(id: &str, resource: &mut Map<String, Value>) {
    let mut put = |kind: &str, part: &str, value: Value| {
        resource.entry("resourceType").or_insert_with(|| kind.into());
        resource.entry(part).or_insert(value);
    };
    if id.starts_with("i-") {
        put("Instance", "instanceDetails", json!({"instanceId": id}));
    } else if id.starts_with("AKIA") || id.starts_with("ASIA") {
        put("AccessKey", "accessKeyDetails", json!({"accessKeyId": id}));
    } else if id.starts_with("arn:") && id.contains(":s3:::") {
        put("S3Bucket", "s3BucketDetails", json!([{"arn": id}]));
    } else if id.starts_with("arn:") && id.contains(":function:") {
        put("Lambda", "lambdaDetails", json!({"functionArn": id}));
    } else if id.starts_with("arn:") && id.contains(":eks:") {
        put("EKSCluster", "eksClusterDetails", json!({"arn": id}));
    } else if id.starts_with("arn:") && id.contains(":rds:") {
        put("RDSDBInstance", "rdsDbInstanceDetails", json!({"dbInstanceArn": id}));
    }
}

fn security_hub(f: &Finding) -> Value {
    let resources: Vec<Value> = f.resources.iter().map(|id| json!({"Id": id})).collect();
    json!({
        "SchemaVersion": f.rule.version,
        "Id": native_id(f),
        "GeneratorId": f.rule.id,
        "Types": [f.rule.id],
        "Title": f.title,
        "AwsAccountId": f.account,
        "Region": f.region,
        "Severity": {
            "Label": f.severity.word().as_str().to_uppercase(),
            "Normalized": f.severity.tenths(),
        },
        "Resources": resources,
        "FirstObservedAt": f.first_seen.to_string(),
        "LastObservedAt": f.last_seen.to_string(),
        "UpdatedAt": f.last_seen.to_string(),
    })
}

/// The record in EventBridge's envelope; nothing if it is no object, or of no product that is known
/// to send such events.
fn enveloped(f: &Finding, record: &str) -> Option<String> {
    let mut tape = Tape::new();
    let value = tape.parse(record).ok().filter(|value| value.kind() == Kind::Object)?;
    if value.get("detail-type").is_some() && value.get("detail").is_some() {
        return Some(record.to_owned());
    }
    let (source, kind, detail): (&str, &str, Cow<'_, str>) = match f.rule.product.as_str() {
        // The API writes names in another letter case, which no pattern for events expects.
        "guardduty" if value.get("type").is_some() => {
            ("aws.guardduty", "GuardDuty Finding", value.compact())
        }
        "securityhub" => {
            let detail = format!("{{\"findings\":[{}]}}", value.compact());
            ("aws.securityhub", "Security Hub Findings - Imported", Cow::Owned(detail))
        }
        _ => return None,
    };
    let mut outside = envelope(f, source, kind, &Value::Null);
    let members = outside.as_object_mut()?;
    members.remove("detail");
    let head = outside.to_string();
    let head = head.strip_suffix('}')?;
    // The record goes in as it stands: a key that occurs twice stays twice.
    Some(format!("{head},\"detail\":{detail}}}"))
}
