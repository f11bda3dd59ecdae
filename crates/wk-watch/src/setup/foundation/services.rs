//! What the services of AWS are to do: each with its defaults and its mistakes.

use wk_lang::yaml::{Content, Node};

use super::fields::{Fields, cut};
use super::parts::{owned, words};
use super::{Alarms, Config, Events, GuardDuty, OwnAlarm, SecurityHub};

const RULES: [&str; 9] = [
    "ENCRYPTED_VOLUMES",
    "S3_BUCKET_PUBLIC_READ_PROHIBITED",
    "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
    "IAM_PASSWORD_POLICY",
    "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
    "ROOT_ACCOUNT_MFA_ENABLED",
    "CLOUD_TRAIL_ENABLED",
    "MULTI_REGION_CLOUD_TRAIL_ENABLED",
    "GUARDDUTY_ENABLED_CENTRALIZED",
];
const FEATURES: [&str; 7] = [
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
    "RUNTIME_MONITORING",
    "EKS_RUNTIME_MONITORING",
];
/// Those that need nothing beside them.
const FEATURES_ON: [&str; 5] = [
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
];
const STANDARDS: [&str; 2] =
    ["aws-foundational-security-best-practices/v/1.0.0", "cis-aws-foundations-benchmark/v/3.0.0"];
const PRODUCTS: [&str; 4] = ["guardduty", "config", "inspector", "macie"];

pub(super) fn config(fields: &mut Fields<'_>, root: &Node) -> Config {
    const EVERY: [&str; 5] =
        ["One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours"];
    let mut config = Config { snapshots: "TwentyFour_Hours".to_owned(), rules: owned(&RULES) };
    let Some(node) = root.get("config") else { return config };
    if !fields.mapping(node, "config", &["snapshots", "rules"]) {
        return config;
    }
    if let Some(every) = node.get("snapshots").and_then(|n| fields.one_of(n, "snapshots", &EVERY)) {
        config.snapshots = every;
    }
    if let Some(node) = node.get("rules") {
        let told = fields.texts(node, "rules");
        let names = told
            .into_iter()
            .filter_map(|(_, item)| fields.name(&item, "a rule's identifier", "_", 128));
        config.rules = names.collect();
        let has = |name: &str| config.rules.iter().any(|r| r == name);
        if has("CLOUD_TRAIL_ENABLED") && !has("MULTI_REGION_CLOUD_TRAIL_ENABLED") {
            fields.known(node, "single-region-rule");
        }
    }
    config
}

pub(super) fn guardduty(fields: &mut Fields<'_>, root: &Node) -> GuardDuty {
    const OFTEN: &str = "FIFTEEN_MINUTES";
    let mut told = GuardDuty { frequency: OFTEN.to_owned(), features: owned(&FEATURES_ON) };
    let Some(node) = root.get("guardduty") else { return told };
    if let Some(old) = node.get("data_sources").or_else(|| node.get("data-sources")) {
        fields.known(old, "guardduty-data-sources");
        return told;
    }
    if !fields.mapping(node, "guardduty", &["frequency", "features"]) {
        return told;
    }
    if let Some(frequency) = node.get("frequency") {
        let there = [OFTEN, "ONE_HOUR", "SIX_HOURS"];
        if let Some(word) =
            fields.one_of(frequency, "frequency", &there).filter(|word| word != OFTEN)
        {
            let why =
                format!("{word} is longer than the 15 minutes that are promised; write {OFTEN}");
            fields.wrong(frequency, why);
        }
    }
    told.features = words(fields, node.get("features"), "features", &FEATURES, &FEATURES_ON);
    if let Some(node) = node.get("features") {
        let has = |name: &str| told.features.iter().any(|f| f == name);
        let lacks: Vec<&str> =
            ["S3_DATA_EVENTS", "EKS_AUDIT_LOGS"].into_iter().filter(|f| !has(f)).collect();
        if !lacks.is_empty() {
            fields.wrong(node, format!("{} is asked for and missing", lacks.join(" and ")));
        }
        if has("RUNTIME_MONITORING") && has("EKS_RUNTIME_MONITORING") {
            fields
                .wrong(node, "RUNTIME_MONITORING holds EKS_RUNTIME_MONITORING: AWS takes only one");
        }
    }
    told.frequency = OFTEN.to_owned();
    told
}

pub(super) fn security_hub(fields: &mut Fields<'_>, root: &Node) -> SecurityHub {
    let mut hub = SecurityHub { standards: owned(&STANDARDS), products: owned(&PRODUCTS) };
    let Some(node) = root.get("security_hub") else { return hub };
    if let Some(old) = node.get("update_findings").or_else(|| node.get("update-findings")) {
        fields.known(old, "update-findings");
        return hub;
    }
    if !fields.mapping(node, "security_hub", &["standards", "products"]) {
        return hub;
    }
    if let Some(node) = node.get("standards") {
        let told = fields.texts(node, "standards");
        hub.standards =
            told.into_iter().filter_map(|(text, item)| standard(fields, &text, &item)).collect();
    }
    if let Some(node) = node.get("products") {
        for (text, item) in fields.texts(node, "products") {
            if text == "update-findings" {
                fields.known(&item, "update-findings");
            }
        }
        let there = [
            "guardduty",
            "config",
            "inspector",
            "macie",
            "access-analyzer",
            "health",
            "firewall-manager",
        ];
        hub.products = words(fields, Some(node), "products", &there, &PRODUCTS);
    }
    hub
}

/// The end of an ARN that AWS knows: `NAME/v/VERSION`.
fn standard(fields: &mut Fields<'_>, text: &str, item: &Node) -> Option<String> {
    let end = text.rsplit_once("standards/").map_or(text, |(_, end)| end);
    let end = end.rsplit_once("ruleset/").map_or(end, |(_, end)| end);
    if end == "cis-aws-foundations-benchmark/v/1.2.0" || end == "pci-dss/v/3.2.1" {
        fields.known(item, "old-standard");
        return None;
    }
    let parts: Vec<&str> = end.split('/').collect();
    let version =
        |v: &str| v.split('.').count() == 3 && v.split('.').all(|n| n.parse::<u16>().is_ok());
    if let [name, "v", number] = parts[..]
        && version(number)
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Some(end.to_owned());
    }
    let why =
        format!("{:?} is no standard: NAME/v/VERSION, as describe-standards tells it", cut(text));
    fields.wrong(item, why);
    None
}

pub(super) fn alarms(fields: &mut Fields<'_>, root: &Node) -> Alarms {
    let mut alarms = Alarms {
        topic: "security-critical-alerts".to_owned(),
        namespace: "CISBenchmark".to_owned(),
        unauthorized_above: 5,
        also: Vec::new(),
    };
    let Some(node) = root.get("alarms") else { return alarms };
    if !fields.mapping(node, "alarms", &["topic", "namespace", "unauthorized_above", "also"]) {
        return alarms;
    }
    if let Some(topic) = node.get("topic").and_then(|n| fields.name(n, "a topic's name", "_-", 256))
    {
        alarms.topic = topic;
    }
    if let Some(space) = node.get("namespace") {
        match fields.name(space, "a name space", ".-_/#:", 255) {
            Some(name) if name.starts_with("AWS/") => {
                fields.wrong(
                    space,
                    "name spaces that begin with AWS/ are AWS's own; nobody else fills them",
                );
            }
            Some(name) => alarms.namespace = name,
            None => {}
        }
    }
    if let Some(above) = node
        .get("unauthorized_above")
        .and_then(|n| fields.whole(n, "unauthorized_above", 0, 1_000_000))
    {
        alarms.unauthorized_above = above;
    }
    let also: Vec<Node> = node.get("also").map(|n| n.items().to_vec()).unwrap_or_default();
    alarms.also = also.iter().filter_map(|item| own_alarm(fields, item)).collect();
    alarms
}

fn own_alarm(fields: &mut Fields<'_>, node: &Node) -> Option<OwnAlarm> {
    if !fields.mapping(node, "an alarm", &["name", "namespace", "metric", "threshold"]) {
        return None;
    }
    let name = fields.needed(node, "name", "the alarm's name")?;
    let namespace = fields.needed(node, "namespace", "the metric's name space")?;
    let metric = fields.needed(node, "metric", "the metric's name")?;
    let unpublished = [
        ("AWS/GuardDuty", "FindingCount"),
        ("AWS/Config", "ComplianceViolations"),
        ("AWS/CloudTrail", "UnauthorizedAPICallCount"),
    ];
    if unpublished.contains(&(namespace.as_str(), metric.as_str())) {
        fields.known(node.get("metric").unwrap_or(node), "unpublished-metric");
        return None;
    }
    if !namespace.starts_with("AWS/") {
        let why = "nobody says that this metric is published: name one of AWS's own, or write a metric filter for it and check with watchkeeper check run alarm-metric-has-data";
        fields.doubt(node, why);
    }
    let threshold =
        node.get("threshold").and_then(Node::scalar).and_then(|t| t.parse::<f64>().ok());
    let Some(threshold) = threshold.filter(|t| t.is_finite()) else {
        fields.wrong(node, "threshold is missing: a number from which on it alarms");
        return None;
    };
    Some(OwnAlarm { name, namespace, metric, threshold })
}

pub(super) fn events(fields: &mut Fields<'_>, root: &Node, queue: String) -> Events {
    let mut events = Events { queue, severity_min: 7.0 };
    let Some(node) = root.get("events") else { return events };
    if !fields.mapping(node, "events", &["queue", "severity_min"]) {
        return events;
    }
    if let Some(node) = node.get("queue") {
        match fields.text(node, "queue") {
            Some(arn) if arn.starts_with("arn:") && arn.contains(":sqs:") => events.queue = arn,
            Some(arn) => fields.wrong(node, format!("{:?} is not the ARN of a queue", cut(&arn))),
            None => {}
        }
    }
    if let Some(node) = node.get("severity_min") {
        let number = node.scalar().and_then(|text| text.parse::<f64>().ok());
        match number.filter(|n| (1.0..=10.0).contains(n)) {
            Some(least) => events.severity_min = least,
            None if matches!(node.content, Content::List(_)) => fields.known(node, "severity-list"),
            None => fields.wrong(node, "severity_min is a number from 1 to 10"),
        }
    }
    events
}
