//! What is logged, where it is kept, and what is left out: each with its defaults and its mistakes.

use wk_lang::yaml::{Content, Node};

use super::fields::{Fields, cut};
use super::{Buckets, FlowLogs, Lock, OptOut, Trail};

/// The fields of flow logs that are asked for: all that the mission's document lists.
pub const FLOW_FIELDS: [&str; 25] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
];

/// What may be left out, with a reason.
pub const OPT_OUTS: [&str; 18] = [
    "alarms",
    "buckets",
    "config",
    "dashboard",
    "events",
    "flow-logs",
    "flow-logs-cloudwatch",
    "guardduty",
    "guardduty-administrator",
    "insights",
    "key",
    "lock",
    "organization-rules",
    "pci-dss",
    "retention",
    "security-hub",
    "topic",
    "trail",
];

const INSIGHTS: [&str; 2] = ["ApiCallRateInsight", "ApiErrorRateInsight"];
const DATA_EVENTS: [&str; 2] = ["AWS::S3::Object", "AWS::Lambda::Function"];
pub(super) fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A list of words, each one of those that there are; the default where nothing is said.
pub(super) fn words(
    fields: &mut Fields<'_>,
    node: Option<&Node>,
    what: &str,
    there_are: &[&str],
    default: &[&str],
) -> Vec<String> {
    let Some(node) = node else { return owned(default) };
    let texts = fields.texts(node, what);
    texts.into_iter().filter_map(|(_, item)| fields.one_of(&item, what, there_are)).collect()
}

pub(super) fn buckets(fields: &mut Fields<'_>, root: &Node) -> Option<Buckets> {
    let Some(node) = root.get("buckets") else {
        fields.wrong(root, "buckets is missing: where trail, config and flow_logs are kept");
        return None;
    };
    let keys = ["trail", "config", "flow_logs", "hot_days", "archive_days", "keep_days", "lock"];
    if !fields.mapping(node, "buckets", &keys) {
        return None;
    }
    let mut name = |key: &str| {
        let Some(inner) = node.get(key) else {
            fields.wrong(node, format!("{key} is missing: the name of a bucket"));
            return None;
        };
        let name = fields.name(inner, "a bucket's name", ".-", 63)?;
        if name.len() < 3 || name.chars().any(|c| c.is_ascii_uppercase()) {
            fields.wrong(
                inner,
                "a bucket's name has 3 to 63 small letters, digits, dots and hyphens",
            );
            return None;
        }
        Some(name)
    };
    let (trail, config, flow_logs) = (name("trail"), name("config"), name("flow_logs"));
    let mut days = |key: &str, default: u32| match node.get(key) {
        None => default,
        Some(inner) => fields.whole(inner, key, 1, 36_500).unwrap_or(default),
    };
    let hot_days = days("hot_days", 90);
    let (archive_days, keep_days) = (days("archive_days", 365), days("keep_days", 2557));
    let lock = lock(fields, node, keep_days);
    let at = |key: &str| node.get(key).unwrap_or(node);
    if hot_days < 30 {
        fields.wrong(
            at("hot_days"),
            "what is at hand for less than 30 days cannot go to STANDARD_IA",
        );
    }
    if !(hot_days < archive_days && archive_days < keep_days) {
        fields.wrong(
            node,
            format!("{hot_days}, {archive_days} and {keep_days} days do not follow each other"),
        );
    }
    if crate::setup::retention::years_without_leap_days(keep_days) {
        let years = keep_days / 365;
        let right = crate::setup::retention::next_term(keep_days).unwrap_or(keep_days + 3);
        let why = format!(
            "{keep_days} days are {years} years without their leap days: the last days of the term would be missing. Right: {right}"
        );
        fields.wrong(at("keep_days"), why);
    }
    Some(Buckets {
        trail: trail?,
        config: config?,
        flow_logs: flow_logs?,
        hot_days,
        archive_days,
        keep_days,
        lock,
    })
}

fn lock(fields: &mut Fields<'_>, buckets: &Node, keep_days: u32) -> Option<Lock> {
    let default = Lock { mode: "GOVERNANCE".to_owned(), days: 365 };
    let Some(node) = buckets.get("lock") else { return Some(default) };
    if !fields.mapping(node, "lock", &["mode", "days"]) {
        return None;
    }
    let mode =
        node.get("mode").and_then(|m| fields.one_of(m, "mode", &["GOVERNANCE", "COMPLIANCE"]));
    let days = node.get("days").and_then(|d| fields.whole(d, "days", 1, 36_500));
    let lock = Lock { mode: mode.unwrap_or(default.mode), days: days.unwrap_or(default.days) };
    if lock.days > keep_days {
        let why = format!(
            "locked for {} days and deleted after {keep_days}: no expiry removes what is locked",
            lock.days
        );
        fields.wrong(node, why);
    }
    Some(lock)
}

pub(super) fn trail(fields: &mut Fields<'_>, root: &Node) -> Trail {
    let default = |name: &str| format!("/aws/cloudtrail/{name}");
    let name = "org-security-trail";
    let mut trail = Trail {
        name: name.to_owned(),
        log_group: default(name),
        insights: owned(&INSIGHTS),
        data_events: owned(&DATA_EVENTS),
    };
    let Some(node) = root.get("trail") else { return trail };
    if !fields.mapping(node, "trail", &["name", "log_group", "insights", "data_events"]) {
        return trail;
    }
    if let Some(name) = node.get("name").and_then(|n| fields.name(n, "a trail's name", "._-", 128))
    {
        trail = Trail { log_group: default(&name), name, ..trail };
    }
    match node.get("log_group").map(|n| (n, &n.content)) {
        Some((node, Content::Null)) => fields.known(node, "trail-without-log-group"),
        Some((node, _)) => {
            let name = fields.name(node, "a log group's name", "_-/.#", 512);
            trail.log_group = name.unwrap_or(trail.log_group);
        }
        None => {}
    }
    trail.insights = words(fields, node.get("insights"), "insights", &INSIGHTS, &INSIGHTS);
    if let Some(insights) = node.get("insights").filter(|_| trail.insights.len() < INSIGHTS.len()) {
        fields.known(insights, "one-insight");
    }
    if let Some(node) = node.get("data_events") {
        trail.data_events = data_events(fields, node);
    }
    trail
}

fn data_events(fields: &mut Fields<'_>, node: &Node) -> Vec<String> {
    let mut types = Vec::new();
    for (text, item) in fields.texts(node, "data_events") {
        if text.starts_with("arn:") {
            fields.known(&item, "objects-selector");
        } else if text.starts_with("AWS::") {
            types.push(text);
        } else {
            let why = format!("{:?} is no type of resource, such as AWS::S3::Object", cut(&text));
            fields.wrong(&item, why);
        }
    }
    if !types.iter().any(|t| t == "AWS::Lambda::Function") {
        fields.known(node, "functions-selector");
    }
    if !types.iter().any(|t| t == "AWS::S3::Object") {
        fields.wrong(
            node,
            "AWS::S3::Object is missing: who took what from a bucket would not be logged",
        );
    }
    types
}

pub(super) fn flow_logs(fields: &mut Fields<'_>, root: &Node) -> FlowLogs {
    let mut logs = FlowLogs {
        destinations: owned(&["cloud-watch-logs", "s3"]),
        fields: owned(&FLOW_FIELDS),
        log_group: "/aws/vpc/flowlogs".to_owned(),
        interval_seconds: 600,
        tags: Vec::new(),
    };
    let Some(node) = root.get("flow_logs") else { return logs };
    let keys = ["destinations", "fields", "log_group", "interval_seconds", "tags"];
    if !fields.mapping(node, "flow_logs", &keys) {
        return logs;
    }
    if let Some(to) = node.get("destinations") {
        let there = ["cloud-watch-logs", "s3"];
        logs.destinations = words(fields, Some(to), "destinations", &there, &there);
        if logs.destinations.len() < 2 {
            fields.known(to, "flow-log-destination");
        }
    }
    if let Some(format) = node.get("fields") {
        let told = fields.texts(format, "fields");
        let bare = |t: String| t.trim_start_matches("${").trim_end_matches('}').to_owned();
        logs.fields = told.into_iter().map(|(text, _)| bare(text)).collect();
        let lacks: Vec<&str> =
            FLOW_FIELDS.into_iter().filter(|f| !logs.fields.iter().any(|l| l == f)).collect();
        if !lacks.is_empty() {
            fields.known(format, "flow-log-format");
            fields.wrong(format, format!("the format lacks {}", lacks.join(", ")));
        }
    }
    if let Some(group) =
        node.get("log_group").and_then(|n| fields.name(n, "a log group's name", "_-/.#", 400))
    {
        logs.log_group = group.trim_end_matches('/').to_owned();
    }
    if let Some(interval) = node.get("interval_seconds") {
        match fields.whole(interval, "interval_seconds", 60, 600) {
            Some(seconds) if seconds == 60 || seconds == 600 => logs.interval_seconds = seconds,
            Some(_) => fields.wrong(interval, "interval_seconds is 60 or 600"),
            None => {}
        }
    }
    for (key, value) in node.get("tags").and_then(Node::members).into_iter().flatten() {
        if let Some(value) = fields.text(value, "a tag") {
            logs.tags.push((key.text.clone(), value));
        }
    }
    logs
}

pub(super) fn opt_outs(fields: &mut Fields<'_>, root: &Node) -> Vec<OptOut> {
    let items: Vec<Node> = root.get("opt_outs").map(|n| n.items().to_vec()).unwrap_or_default();
    items.iter().filter_map(|item| opt_out(fields, item)).collect()
}

fn opt_out(fields: &mut Fields<'_>, node: &Node) -> Option<OptOut> {
    if !fields.mapping(node, "an opt-out", &["what", "accounts", "regions", "reason"]) {
        return None;
    }
    let Some(what) = node.get("what") else {
        fields.wrong(node, "what is missing: what is left out");
        return None;
    };
    let what = fields.one_of(what, "what", &OPT_OUTS)?;
    let reason = fields.needed(node, "reason", "why it is left out; an auditor will ask")?;
    if reason.trim().chars().count() < 10 {
        fields.wrong(
            node.get("reason").unwrap_or(node),
            "a reason of fewer than 10 characters is none",
        );
    }
    let accounts = node.get("accounts").map(|n| fields.texts(n, "accounts")).unwrap_or_default();
    let accounts =
        accounts.into_iter().filter_map(|(_, item)| fields.account(&item, "accounts")).collect();
    let regions = node.get("regions").map(|n| fields.texts(n, "regions")).unwrap_or_default();
    let regions =
        regions.into_iter().filter_map(|(_, item)| fields.region(&item, "regions")).collect();
    Some(OptOut { what, accounts, regions, reason })
}
