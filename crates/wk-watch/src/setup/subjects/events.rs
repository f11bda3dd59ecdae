//! Rules of EventBridge: findings of every region of every account come to the security account's bus,
//! and from there to the service's queue; high ones of GuardDuty to the topic as well.

use serde_json::{Value, json};

use super::{Subject, Where, roles};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "events",
    title: "Findings of every region come to the service's queue, high ones to the topic",
    serves: &["R-063", "R-074"],
    at: Where::Regions,
    cost: "",
    reads: &[
        "events:ListEventBuses",
        "events:ListRules",
        "events:ListTargetsByRule",
        "iam:ListRoles",
    ],
    drift,
};

/// The rule that brings findings on.
pub(in crate::setup) const FINDINGS: &str = "watchkeeper-foundation-findings";
/// The rule that meets GuardDuty's high findings.
pub(in crate::setup) const HIGH: &str = "watchkeeper-guardduty-high";
/// The statement that lets the organisation's accounts send to the bus.
pub(in crate::setup) const STATEMENT: &str = "organization-sends";

/// A rule with its targets.
pub(in crate::setup) struct Rule {
    pub(in crate::setup) name: &'static str,
    pub(in crate::setup) pattern: Value,
    /// Their ids and ARNs, and the role that sends, where one is needed.
    pub(in crate::setup) targets: Vec<(&'static str, String, Option<String>)>,
}

/// What comes as findings.
fn findings() -> Value {
    json!({
        "source": ["aws.guardduty", "aws.securityhub", "aws.config", "aws.health"],
        "detail-type": [
            "GuardDuty Finding",
            "Security Hub Findings - Imported",
            "Config Rules Compliance Change",
            "AWS Health Event",
        ],
    })
}

/// The rules of a region of an account.
pub(in crate::setup) fn wanted(f: &Foundation, account: &str, region: &str) -> Vec<Rule> {
    let hub = account == f.accounts.security && region == f.home();
    if !hub {
        let bus = f.arn("events", f.home(), &f.accounts.security, "event-bus/default");
        let role = f.arn("iam", "", account, &format!("role/{}", roles::EVENTS));
        let targets = vec![("security-account", bus, Some(role))];
        return vec![Rule { name: FINDINGS, pattern: findings(), targets }];
    }
    let queue = ("watchkeeper", f.events.queue.clone(), None);
    let high = json!({
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        "detail": {"severity": [{"numeric": [">=", f.events.severity_min]}]},
    });
    vec![
        Rule { name: FINDINGS, pattern: findings(), targets: vec![queue] },
        Rule { name: HIGH, pattern: high, targets: vec![("topic", f.topic_arn(account), None)] },
    ]
}

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let hub = view.account() == f.accounts.security && view.region() == f.home();
    let sends = !hub || f.regions.len() > 1;
    if view.region() == f.home() && sends {
        let trust = policies::trust("events.amazonaws.com");
        roles::make(view, roles::EVENTS, &trust, &policies::events_forward(f), draft)?;
    }
    if hub {
        bus(f, view, draft)?;
    }
    let there = view.list("events:ListRules", &["Rules"])?;
    for rule in wanted(f, view.account(), view.region()) {
        one(view, &rule, &there, draft)?;
    }
    Ok(())
}

fn bus(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let buses = view.list("events:ListEventBuses", &["EventBuses"])?;
    let own = buses.into_iter().find(|b| word(b, "Name") == "default");
    let policy = own.and_then(|b| text(b, "Policy")).unwrap_or_default();
    if policy.contains(&format!("\"{}\"", f.organization)) {
        draft.good();
        return Ok(());
    }
    let to = json!({
        "Action": "events:PutEvents",
        "Principal": "*",
        "StatementId": STATEMENT,
        "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": f.organization},
    });
    draft.step(
        call!("events", "PutPermission"),
        to,
        "accounts of the organization may not send to the bus",
    );
    Ok(())
}

fn one(view: &View<'_>, rule: &Rule, there: &[&Value], draft: &mut Draft<'_>) -> Result<(), Blind> {
    let own = there.iter().find(|r| {
        word(r, "Name") == rule.name && matches!(word(r, "EventBusName"), "" | "default")
    });
    let same = |own: &&&Value| {
        let pattern: Option<Value> =
            text(own, "EventPattern").and_then(|t| serde_json::from_str(t).ok());
        pattern.is_some_and(|p| same_json(&p, &rule.pattern)) && word(own, "State") != "DISABLED"
    };
    if own.filter(same).is_some() {
        draft.good();
    } else {
        let why = if own.is_some() { "differs or is off" } else { "is not there" };
        let to = json!({"Name": rule.name, "EventPattern": rule.pattern.to_string(), "State": "ENABLED"});
        draft.step(call!("events", "PutRule"), to, format!("the rule {} {why}", rule.name));
    }
    let told = match own {
        Some(_) => view.list_of("events:ListTargetsByRule", rule.name, &["Targets"])?,
        None => Vec::new(),
    };
    let lacks: Vec<&(&str, String, Option<String>)> = rule
        .targets
        .iter()
        .filter(|(_, arn, _)| !told.iter().any(|t| word(t, "Arn") == arn))
        .collect();
    if lacks.is_empty() {
        draft.good();
        return Ok(());
    }
    let targets: Vec<Value> = lacks.iter().map(|target| target_json(target)).collect();
    let arns: Vec<&str> = lacks.iter().map(|(_, arn, _)| arn.as_str()).collect();
    let why = format!("the rule {} does not send to {}", rule.name, arns.join(", "));
    let call = call!("events", "PutTargets", "events:PutTargets", "iam:PassRole");
    draft.step(call, json!({"Rule": rule.name, "Targets": targets}), why);
    Ok(())
}

/// A target as PutTargets takes it.
pub(in crate::setup) fn target_json((id, arn, role): &(&str, String, Option<String>)) -> Value {
    let mut target = json!({"Id": id, "Arn": arn});
    if let Some(role) = role {
        target["RoleArn"] = role.clone().into();
    }
    target
}

/// Whether two documents are the same, whatever the order of members and the form of numbers.
fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same_json(v, w)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same_json(v, w))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
