//! The same for Terraform, in its JSON form (`.tf.json`).

use serde_json::{Value, json};

use super::cloudformation::{senders, trust};
use super::{Choices, Permissions, policy};

/// The reader role of one account; a module for each of them.
pub fn reader(permissions: &Permissions, choices: &Choices) -> Value {
    let trusted = format!("arn:{}:iam::{}:root", choices.partition, choices.account);
    let policies: serde_json::Map<String, Value> = policy::reads(permissions)
        .into_iter()
        .map(|(name, document)| {
            let resource = json!({
                "name": name,
                "role": "${aws_iam_role.reader.id}",
                "policy": plain(&document),
            });
            (name.replace('-', "_"), resource)
        })
        .collect();
    let role = json!({
        "name": choices.role,
        "description": "Watchkeeper reads this account",
        "max_session_duration": 3600,
        "assume_role_policy": trust(&json!("${var.trusted_principal}"), &json!("${var.external_id}")).to_string(),
    });
    json!({
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "variable": {
            "trusted_principal": {"type": "string", "default": trusted},
            "external_id": {"type": "string", "default": plain_text(&choices.external_id)},
        },
        "resource": {
            "aws_iam_role": {"reader": role},
            "aws_iam_role_policy": policies,
        },
        "output": {"reader_role_arn": {"value": "${aws_iam_role.reader.arn}"}},
    })
}

/// Queue, rule and policy in the account of the service.
pub fn hub(permissions: &Permissions, choices: &Choices) -> Value {
    let redrive = json!({
        "deadLetterTargetArn": "${aws_sqs_queue.dead_letters.arn}",
        "maxReceiveCount": 10,
    });
    let queues = json!({
        "dead_letters": {
            "name": choices.dead_letters(),
            "message_retention_seconds": 1_209_600,
            "sqs_managed_sse_enabled": true,
        },
        "queue": {
            "name": choices.queue,
            "visibility_timeout_seconds": 300,
            "message_retention_seconds": 1_209_600,
            "receive_wait_time_seconds": 20,
            "sqs_managed_sse_enabled": true,
            "redrive_policy": redrive.to_string(),
        },
    });
    let queue = json!("${aws_sqs_queue.queue.arn}");
    json!({
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "resource": {
            "aws_sqs_queue": queues,
            "aws_sqs_queue_policy": {"queue": {
                "queue_url": "${aws_sqs_queue.queue.id}",
                "policy": senders(choices, &queue).to_string(),
            }},
            "aws_cloudwatch_event_rule": {"findings": {
                "name": choices.rule_name(),
                "description": "Findings and health events to Watchkeeper",
                "event_pattern": choices.pattern().to_string(),
            }},
            "aws_cloudwatch_event_target": {"findings": {
                "rule": "${aws_cloudwatch_event_rule.findings.name}",
                "target_id": "watchkeeper",
                "arn": queue,
            }},
            "aws_iam_policy": {"service": {
                "name": "watchkeeper-service",
                "description": "What the Watchkeeper service may do; attach it to the role it runs as",
                "policy": plain(&policy::service(permissions, choices)),
            }},
        },
        "output": {
            "queue_url": {"value": "${aws_sqs_queue.queue.id}"},
            "service_policy_arn": {"value": "${aws_iam_policy.service.arn}"},
        },
    })
}

/// A document as text in which Terraform sees no expression of its own.
fn plain(document: &Value) -> String {
    plain_text(&document.to_string())
}

fn plain_text(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::super::{example, reads, service, some_permissions};
    use super::*;

    fn document(text: &Value) -> Value {
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    }

    #[test]
    fn terraform_and_cloudformation_say_the_same() {
        let (permissions, choices) = (some_permissions(), example());
        let module = reader(&permissions, &choices);
        let policies = &module["resource"]["aws_iam_role_policy"];
        for (name, expected) in reads(&permissions) {
            assert_eq!(document(&policies[name.replace('-', "_")]["policy"]), expected);
        }
        let hub = hub(&permissions, &choices);
        let service_policy = &hub["resource"]["aws_iam_policy"]["service"]["policy"];
        assert_eq!(document(service_policy), service(&permissions, &choices));
        let trust = document(&module["resource"]["aws_iam_role"]["reader"]["assume_role_policy"]);
        let external_id = &trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
        assert_eq!(external_id, "${var.external_id}");
    }

    #[test]
    fn no_text_of_the_user_becomes_an_expression() {
        let sly = Choices { external_id: "${file(\"/etc/passwd\")}".into(), ..example() };
        let module = reader(&some_permissions(), &sly);
        let default = &module["variable"]["external_id"]["default"];
        assert_eq!(default, "$${file(\"/etc/passwd\")}");
    }
}
