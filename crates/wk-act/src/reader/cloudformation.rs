//! The templates for CloudFormation, as JSON.

use serde_json::{Value, json};

use super::{Choices, Permissions, policy};

/// For a stack set over every account: the reader role.
pub fn reader(permissions: &Permissions, choices: &Choices) -> Value {
    let trusted = format!("arn:{}:iam::{}:root", choices.partition, choices.account);
    let policies: Vec<Value> = policy::reads(permissions)
        .into_iter()
        .map(|(name, document)| json!({"PolicyName": name, "PolicyDocument": document}))
        .collect();
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Watchkeeper: the role by which its service reads this account. It changes nothing.",
        "Parameters": {
            "TrustedPrincipal": {
                "Type": "String",
                "Default": trusted,
                "Description": "Who may assume the role: the account of the service, or better its role",
            },
            "ExternalId": {
                "Type": "String",
                "Default": choices.external_id,
                "MinLength": 2,
                "Description": "What the service says when it assumes the role",
            },
        },
        "Resources": {
            "ReaderRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": choices.role,
                    "Description": "Watchkeeper reads this account",
                    "MaxSessionDuration": 3600,
                    "AssumeRolePolicyDocument": trust(
                        &json!({"Ref": "TrustedPrincipal"}),
                        &json!({"Ref": "ExternalId"}),
                    ),
                    "Policies": policies,
                },
            },
        },
        "Outputs": {
            "ReaderRoleArn": {"Value": {"Fn::GetAtt": ["ReaderRole", "Arn"]}},
        },
    })
}

/// Who may assume the role.
pub(super) fn trust(principal: &Value, external_id: &Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }],
    })
}

/// For the account of the service: queue, rule, and the service's policy.
pub fn hub(permissions: &Permissions, choices: &Choices) -> Value {
    let queue = json!({"Fn::GetAtt": ["Queue", "Arn"]});
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Watchkeeper: the queue that its service pulls, the rule that fills it, and its policy.",
        "Resources": {
            "DeadLetters": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": choices.dead_letters(),
                    "MessageRetentionPeriod": 1_209_600,
                    "SqsManagedSseEnabled": true,
                },
            },
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": choices.queue,
                    "VisibilityTimeout": 300,
                    "MessageRetentionPeriod": 1_209_600,
                    "ReceiveMessageWaitTimeSeconds": 20,
                    "SqsManagedSseEnabled": true,
                    "RedrivePolicy": {
                        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                        "maxReceiveCount": 10,
                    },
                },
            },
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": senders(choices, &queue),
                },
            },
            "FindingsRule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": choices.rule_name(),
                    "Description": "Findings and health events to Watchkeeper",
                    "EventPattern": choices.pattern(),
                    "State": "ENABLED",
                    "Targets": [{"Id": "watchkeeper", "Arn": queue}],
                },
            },
            "ServicePolicy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": "watchkeeper-service",
                    "Description": "What the Watchkeeper service may do; attach it to the role it runs as",
                    "PolicyDocument": policy::service(permissions, choices),
                },
            },
        },
        "Outputs": {
            "QueueUrl": {"Value": {"Ref": "Queue"}},
            "QueueArn": {"Value": queue},
            "ServicePolicyArn": {"Value": {"Ref": "ServicePolicy"}},
        },
    })
}

/// Who may send to the queue: the buckets and the rule, and nobody without TLS.
pub(super) fn senders(choices: &Choices, queue: &Value) -> Value {
    let rule = choices.arn("events", &choices.region, &format!("rule/{}", choices.rule_name()));
    let mut statements = vec![
        json!({
            "Sid": "Findings",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }),
        json!({
            "Sid": "NobodyInTheOpen",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
    ];
    if !choices.log_buckets.is_empty() {
        let bucket = |name: &String| format!("arn:{}:s3:::{name}", choices.partition);
        statements.push(json!({
            "Sid": "NewObjects",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            // A bucket's name belongs to one account only, so its ARN says whose it is.
            "Condition": {"ArnEquals": {
                "aws:SourceArn": choices.log_buckets.iter().map(bucket).collect::<Vec<_>>(),
            }},
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::super::{example, some_permissions};
    use super::*;

    #[test]
    fn the_reader_trusts_one_account_and_only_with_the_external_id() {
        let template = reader(&some_permissions(), &example());
        let role = &template["Resources"]["ReaderRole"]["Properties"];
        let statement = &role["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(
            statement["Condition"]["StringEquals"]["sts:ExternalId"],
            json!({"Ref": "ExternalId"})
        );
        assert_eq!(
            template["Parameters"]["TrustedPrincipal"]["Default"],
            "arn:aws:iam::111122223333:root"
        );
        assert_eq!(template["Parameters"]["ExternalId"]["Default"], "an-outside-id");
        assert_eq!(role["Policies"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn only_the_rule_and_the_named_buckets_fill_the_queue() {
        let template = hub(&some_permissions(), &example());
        let policy = &template["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"];
        let allowed: Vec<&Value> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|s| s["Effect"] == "Allow")
            .collect();
        assert!(allowed.iter().all(|s| s.get("Condition").is_some()), "{policy}");
        assert_eq!(
            allowed[1]["Condition"]["ArnEquals"]["aws:SourceArn"],
            json!(["arn:aws:s3:::org-trail"])
        );
        // A dead letter is kept as long as SQS keeps anything.
        let dead = &template["Resources"]["DeadLetters"]["Properties"];
        assert_eq!(dead["MessageRetentionPeriod"], 1_209_600);
    }
}
