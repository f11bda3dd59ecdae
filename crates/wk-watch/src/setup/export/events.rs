//! Rules of EventBridge: from every region to the security account, and there to the queue.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, block, json as document, name, refer, resource, set};
use super::roles;
use crate::setup::foundation::Foundation;
use crate::setup::policies;
use crate::setup::subjects::events::{Rule, STATEMENT, target_json, wanted};
use crate::setup::subjects::roles as names;

/// The role by which rules send on, once for the account.
pub(super) fn role_stack(f: &Foundation, stack: &mut Stack) {
    let trust = policies::trust("events.amazonaws.com");
    roles::stack("EventsRole", names::EVENTS, &trust, &policies::events_forward(f), stack);
}

/// What sends on, everywhere but in the home region of the security account.
pub(super) fn forward_stack(f: &Foundation, stack: &mut Stack) {
    let hub = json!({"Fn::And": [
        {"Fn::Equals": [{"Ref": "AWS::AccountId"}, f.accounts.security]},
        {"Fn::Equals": [{"Ref": "AWS::Region"}, f.home()]},
    ]});
    stack.condition("SendsOn", json!({"Fn::Not": [hub]}));
    for rule in wanted(f, "", "") {
        let bus = rule.targets.iter().map(|(id, arn, _)| {
            let role =
                format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{}", names::EVENTS);
            json!({"Id": id, "Arn": arn, "RoleArn": {"Fn::Sub": role}})
        });
        let properties = properties(&rule, bus.collect());
        stack.add_if("SendsOn", "FindingsRule", "AWS::Events::Rule", properties);
    }
}

/// The security account's bus and its rules. The queue's own policy must let them in.
pub(super) fn hub_stack(f: &Foundation, stack: &mut Stack) {
    stack.add(
        "BusPolicy",
        "AWS::Events::EventBusPolicy",
        json!({
            "EventBusName": "default",
            "StatementId": STATEMENT,
            "Statement": {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": f.arn("events", f.home(), &f.accounts.security, "event-bus/default"),
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": f.organization}},
            },
        }),
    );
    for (n, rule) in wanted(f, &f.accounts.security, f.home()).iter().enumerate() {
        let targets = rule.targets.iter().map(target_json).collect();
        stack.add(&format!("Rule{}", n + 1), "AWS::Events::Rule", properties(rule, targets));
    }
}

fn properties(rule: &Rule, targets: Vec<Value>) -> Value {
    let mut told = json!({"Name": rule.name, "EventPattern": rule.pattern, "State": "ENABLED"});
    told["Targets"] = Value::Array(targets);
    told
}

pub(super) fn role_module(f: &Foundation) -> Vec<Hcl> {
    let trust = policies::trust("events.amazonaws.com");
    roles::module("events", names::EVENTS, &trust, document("policy", &policies::events_forward(f)))
}

pub(super) fn forward_module(f: &Foundation) -> Vec<Hcl> {
    let role = format!(
        "\"arn:${{data.aws_partition.current.partition}}:iam::${{data.aws_caller_identity.current.account_id}}:role/{}\"",
        names::EVENTS
    );
    wanted(f, "", "").iter().flat_map(|rule| of_rule(rule, Some(&role))).collect()
}

pub(super) fn hub_module(f: &Foundation) -> Vec<Hcl> {
    let mut all = vec![resource(
        "aws_cloudwatch_event_permission",
        "organization",
        vec![
            set("principal", "*"),
            set("statement_id", STATEMENT),
            set("action", "events:PutEvents"),
            block(
                "condition",
                vec![
                    set("key", "aws:PrincipalOrgID"),
                    set("type", "StringEquals"),
                    set("value", f.organization.clone()),
                ],
            ),
        ],
    )];
    all.extend(
        wanted(f, &f.accounts.security, f.home()).iter().flat_map(|rule| of_rule(rule, None)),
    );
    all
}

/// A rule and its targets; with a role they are counted away where the rule would send to itself.
fn of_rule(rule: &Rule, role: Option<&str>) -> Vec<Hcl> {
    let id = name(rule.name);
    let count = || role.map(|_| refer("count", "var.is_hub ? 0 : 1"));
    let mut body: Vec<Hcl> = count().into_iter().collect();
    body.extend([set("name", rule.name), document("event_pattern", &rule.pattern)]);
    let mut all = vec![resource("aws_cloudwatch_event_rule", &id, body)];
    for (target, arn, _) in &rule.targets {
        let mut body: Vec<Hcl> = count().into_iter().collect();
        body.extend([set("rule", rule.name), set("target_id", *target), set("arn", arn.clone())]);
        body.extend(role.map(|role| refer("role_arn", role)));
        body.push(refer("depends_on", &format!("[aws_cloudwatch_event_rule.{id}]")));
        all.push(resource("aws_cloudwatch_event_target", &format!("{id}_{}", name(target)), body));
    }
    all
}
