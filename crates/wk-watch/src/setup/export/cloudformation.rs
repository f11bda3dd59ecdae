//! Templates for CloudFormation, as JSON: one for each place, some of them for stack sets.

use serde_json::{Map, Value, json};

use super::{
    Exported, File, Format, alarms, buckets, config, dashboard, events, flow_logs, guardduty, key,
    readme, security_hub, topic, trail, vpcs,
};
use crate::posture::Posture;
use crate::setup::foundation::Foundation;

/// A template that is being made.
pub(super) struct Stack {
    description: String,
    parameters: Map<String, Value>,
    conditions: Map<String, Value>,
    resources: Map<String, Value>,
}

impl Stack {
    fn new(description: &str) -> Self {
        let (parameters, conditions, resources) = (Map::new(), Map::new(), Map::new());
        Self { description: description.to_owned(), parameters, conditions, resources }
    }

    pub(super) fn parameter(&mut self, name: &str, of: Value) {
        self.parameters.insert(name.to_owned(), of);
    }

    pub(super) fn condition(&mut self, name: &str, is: Value) {
        self.conditions.insert(name.to_owned(), is);
    }

    /// A resource.
    pub(super) fn add(&mut self, id: &str, kind: &str, properties: Value) {
        self.insert(id, kind, properties, json!({}));
    }

    /// One that holds evidence, or makes it: it stays when the stack goes.
    pub(super) fn kept(&mut self, id: &str, kind: &str, properties: Value) {
        let stays = json!({"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"});
        self.insert(id, kind, properties, stays);
    }

    /// One that needs others first.
    pub(super) fn after(&mut self, first: &[&str], id: &str, kind: &str, properties: Value) {
        self.insert(id, kind, properties, json!({"DependsOn": first}));
    }

    /// One that is made where a condition holds.
    pub(super) fn add_if(&mut self, condition: &str, id: &str, kind: &str, properties: Value) {
        self.insert(id, kind, properties, json!({"Condition": condition}));
    }

    fn insert(&mut self, id: &str, kind: &str, properties: Value, mut resource: Value) {
        resource["Type"] = kind.into();
        resource["Properties"] = properties;
        self.resources.insert(id.to_owned(), resource);
    }

    /// Whether a stack is deployed to the home region.
    fn knows_home(&mut self, f: &Foundation) {
        self.condition("IsHome", json!({"Fn::Equals": [{"Ref": "AWS::Region"}, f.home()]}));
    }

    fn file(self, name: &str) -> Option<File> {
        if self.resources.is_empty() {
            return None;
        }
        let mut template =
            json!({"AWSTemplateFormatVersion": "2010-09-09", "Description": self.description});
        for (part, members) in [("Parameters", self.parameters), ("Conditions", self.conditions)] {
            let used = members.into_iter().filter(|(member, _)| {
                part != "Conditions" || self.resources.values().any(|r| names(r, member))
            });
            let members: Map<String, Value> = used.collect();
            if !members.is_empty() {
                template[part] = Value::Object(members);
            }
        }
        template["Resources"] = Value::Object(self.resources);
        Some(File { name: format!("{name}.cloudformation.json"), text: format!("{template:#}\n") })
    }
}

/// Whether a resource names a condition.
fn names(resource: &Value, condition: &str) -> bool {
    let quoted = format!("\"{condition}\"");
    resource.to_string().contains(&quoted)
}

pub(super) fn export(f: &Foundation, posture: Option<&Posture>) -> Exported {
    let mut files = vec![
        archive(f),
        management(f),
        management_regions(f),
        security(f),
        accounts(f),
        regions(f),
    ];
    let (mut notes, mut missing) = (Vec::new(), Vec::new());
    if super::on(f, "flow-logs") {
        let (told, unknown) = vpcs(f, posture);
        for (account, region, ids) in &told {
            let mut stack = Stack::new(&format!("Flow logs of the VPCs of {account} in {region}"));
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            flow_logs::stack(f, account, &ids, &mut stack);
            files.push(stack.file(&format!("flow-logs.{account}.{region}")));
        }
        missing = unknown;
    }
    if super::on(f, "guardduty-administrator") {
        notes.push(format!(
            "CloudFormation cannot name GuardDuty's administrator: in the management account, for each region, aws guardduty enable-organization-admin-account --admin-account-id {} --region REGION",
            f.accounts.security
        ));
    }
    notes.push("Log groups that are there already keep what they keep: their terms are set by the calls of watchkeeper setup plan --only retention.".to_owned());
    let mut files: Vec<File> = files.into_iter().flatten().collect();
    files.push(readme::file(
        f,
        Format::CloudFormation,
        &super::accounts(f, posture),
        &[&notes[..], &missing].concat(),
    ));
    Exported { files, notes, missing }
}

fn archive(f: &Foundation) -> Option<File> {
    let mut stack = Stack::new("Watchkeeper: key and buckets of logs, in the archive's account");
    key::stack(f, &mut stack);
    if super::on(f, "buckets") {
        buckets::stack(f, &mut stack);
    }
    stack.file("1-archive")
}

fn management(f: &Foundation) -> Option<File> {
    let mut stack = Stack::new(
        "Watchkeeper: the organization's trail and its alarms, in the management account",
    );
    let account = &f.accounts.management;
    if super::on(f, "topic") {
        topic::stack(f, account, &mut stack);
    }
    if super::on(f, "trail") {
        trail::stack(f, &mut stack);
    }
    if super::on(f, "alarms") && super::on(f, "trail") {
        alarms::filters_stack(f, &mut stack);
        alarms::stack(f, account, &topic_of(f, account), &mut stack);
    }
    if super::on(f, "dashboard") {
        dashboard::stack(f, &mut stack);
    }
    stack.file("2-management")
}

/// The topic of the same stack, where there is one.
fn topic_of(f: &Foundation, account: &str) -> Value {
    if super::on(f, "topic") { json!({"Ref": "Topic"}) } else { json!(f.topic_arn(account)) }
}

fn security(f: &Foundation) -> Option<File> {
    let mut stack =
        Stack::new("Watchkeeper: findings of the organization, in the security account");
    let account = &f.accounts.security;
    if *account != f.accounts.management {
        if super::on(f, "topic") {
            topic::stack(f, account, &mut stack);
        }
        if super::on(f, "alarms") {
            alarms::stack(f, account, &topic_of(f, account), &mut stack);
        }
    }
    if super::on(f, "events") {
        events::hub_stack(f, &mut stack);
    }
    stack.file("3-security")
}

fn accounts(f: &Foundation) -> Option<File> {
    let mut stack = Stack::new(
        "Watchkeeper: roles by which logs are delivered; a stack set over every account, home region",
    );
    if super::on(f, "config") {
        config::role_stack(&mut stack);
    }
    if super::on(f, "flow-logs") {
        flow_logs::role_stack(f, &mut stack);
    }
    if super::on(f, "events") {
        events::role_stack(f, &mut stack);
    }
    stack.file("4-accounts")
}

fn regions(f: &Foundation) -> Option<File> {
    let mut stack = Stack::new(
        "Watchkeeper: Config, GuardDuty, Security Hub and a rule; a stack set over every region of every account",
    );
    stack.knows_home(f);
    if super::on(f, "config") {
        config::stack(f, &mut stack);
    }
    if super::on(f, "guardduty") {
        guardduty::stack(f, &mut stack);
    }
    if super::on(f, "security-hub") {
        security_hub::stack(f, &mut stack);
    }
    if super::on(f, "events") {
        events::forward_stack(f, &mut stack);
    }
    stack.file("5-regions")
}

fn management_regions(f: &Foundation) -> Option<File> {
    let mut stack = Stack::new(
        "Watchkeeper: rules of AWS Config for the organization; in every region of the management account",
    );
    stack.knows_home(f);
    if super::on(f, "organization-rules") {
        config::rules_stack(f, &mut stack);
    }
    stack.file("6-organization-rules")
}
