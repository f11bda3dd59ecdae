//! AWS Config in a region, and the organisation's rules.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, block, refer, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::subjects::{config, roles};

/// Recorder and channel. The role is AWS's own, made once for the account.
pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    let role = format!(
        "arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/aws-service-role/config.amazonaws.com/{}",
        roles::CONFIG
    );
    stack.add(
        "ConfigRecorder",
        "AWS::Config::ConfigurationRecorder",
        json!({
            "Name": config::NAME,
            "RoleARN": {"Fn::Sub": role},
            "RecordingGroup": {
                "AllSupported": true,
                "IncludeGlobalResourceTypes": {"Fn::If": ["IsHome", true, false]},
            },
        }),
    );
    stack.add(
        "ConfigChannel",
        "AWS::Config::DeliveryChannel",
        json!({
            "Name": config::NAME,
            "S3BucketName": f.buckets.config,
            "ConfigSnapshotDeliveryProperties": {"DeliveryFrequency": f.config.snapshots},
        }),
    );
}

/// The role that AWS Config makes for itself.
pub(super) fn role_stack(stack: &mut Stack) {
    stack.parameter(
        "MakeConfigRole",
        json!({
            "Type": "String",
            "Default": "true",
            "AllowedValues": ["true", "false"],
            "Description": "false where AWS Config was used already: its role is there then",
        }),
    );
    stack.condition("MakesConfigRole", json!({"Fn::Equals": [{"Ref": "MakeConfigRole"}, "true"]}));
    stack.add_if(
        "MakesConfigRole",
        "ConfigRole",
        "AWS::IAM::ServiceLinkedRole",
        json!({
            "AWSServiceName": "config.amazonaws.com",
        }),
    );
}

/// Rules for the whole organisation; those about what is one for an account only at home.
pub(super) fn rules_stack(f: &Foundation, stack: &mut Stack) {
    let everywhere = config::rules_of(f, "");
    for identifier in &f.config.rules {
        let id = format!("Rule{}", identifier.replace('_', ""));
        let mut rule = json!({"RuleIdentifier": identifier});
        if identifier == "ENCRYPTED_VOLUMES" {
            rule["ResourceTypesScope"] = json!(["AWS::EC2::Volume"]);
        }
        let properties = json!({
            "OrganizationConfigRuleName": config::rule_name(identifier),
            "OrganizationManagedRuleMetadata": rule,
        });
        if everywhere.contains(&identifier.as_str()) {
            stack.add(&id, "AWS::Config::OrganizationConfigRule", properties);
        } else {
            stack.add_if("IsHome", &id, "AWS::Config::OrganizationConfigRule", properties);
        }
    }
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    let role = format!(
        "\"arn:${{data.aws_partition.current.partition}}:iam::${{data.aws_caller_identity.current.account_id}}:role/aws-service-role/config.amazonaws.com/{}\"",
        roles::CONFIG
    );
    vec![
        resource(
            "aws_config_configuration_recorder",
            "this",
            vec![
                set("name", config::NAME),
                refer("role_arn", &role),
                block(
                    "recording_group",
                    vec![
                        set("all_supported", true),
                        refer("include_global_resource_types", "var.is_home"),
                    ],
                ),
            ],
        ),
        resource(
            "aws_config_delivery_channel",
            "this",
            vec![
                set("name", config::NAME),
                set("s3_bucket_name", f.buckets.config.clone()),
                block(
                    "snapshot_delivery_properties",
                    vec![set("delivery_frequency", f.config.snapshots.clone())],
                ),
                refer("depends_on", "[aws_config_configuration_recorder.this]"),
            ],
        ),
        resource(
            "aws_config_configuration_recorder_status",
            "this",
            vec![
                refer("name", "aws_config_configuration_recorder.this.name"),
                set("is_enabled", true),
                refer("depends_on", "[aws_config_delivery_channel.this]"),
            ],
        ),
    ]
}

pub(super) fn role_module() -> Vec<Hcl> {
    vec![resource(
        "aws_iam_service_linked_role",
        "config",
        vec![
            refer("count", "var.make_config_role ? 1 : 0"),
            set("aws_service_name", "config.amazonaws.com"),
        ],
    )]
}

pub(super) fn rules_module(f: &Foundation) -> Vec<Hcl> {
    let everywhere = config::rules_of(f, "");
    let one = |identifier: &String| {
        let mut body = Vec::new();
        if !everywhere.contains(&identifier.as_str()) {
            body.push(refer("count", "var.is_home ? 1 : 0"));
        }
        body.push(set("name", config::rule_name(identifier)));
        body.push(set("rule_identifier", identifier.clone()));
        if identifier == "ENCRYPTED_VOLUMES" {
            body.push(set("resource_types_scope", json!(["AWS::EC2::Volume"])));
        }
        resource("aws_config_organization_managed_rule", &super::hcl::name(identifier), body)
    };
    f.config.rules.iter().map(one).collect()
}
