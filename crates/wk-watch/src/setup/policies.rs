//! Policy documents of the foundation: who may write where, and nobody else.

use serde_json::{Value, json};

use super::foundation::Foundation;

/// A document of these statements.
fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(sid: &str, principal: Value, action: Value, resource: Value, condition: Value) -> Value {
    let mut statement = json!({"Sid": sid, "Effect": "Allow"});
    statement["Principal"] = principal;
    statement["Action"] = action;
    statement["Resource"] = resource;
    if condition.as_object().is_some_and(|c| !c.is_empty()) {
        statement["Condition"] = condition;
    }
    statement
}

fn service(name: &str) -> Value {
    json!({"Service": name})
}

fn root(f: &Foundation, account: &str) -> Value {
    json!({"AWS": f.arn("iam", "", account, "root")})
}

/// The key under which logs lie: services of the organisation encrypt, the security account reads.
pub(super) fn key(f: &Foundation) -> Value {
    let of_organization = json!({"StringEquals": {"aws:SourceOrgID": f.organization}});
    let trail = f.trail_arn();
    let trails = f.arn("cloudtrail", "*", &f.accounts.management, "trail/*");
    let data_key = json!(["kms:GenerateDataKey*", "kms:Decrypt"]);
    document(&[
        allow("Owner", root(f, &f.accounts.archive), json!("kms:*"), json!("*"), json!({})),
        allow(
            "TrailEncrypts",
            service("cloudtrail.amazonaws.com"),
            json!(["kms:GenerateDataKey*", "kms:DescribeKey"]),
            json!("*"),
            json!({
                "StringEquals": {"aws:SourceArn": trail},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
            }),
        ),
        allow(
            "ConfigEncrypts",
            service("config.amazonaws.com"),
            data_key.clone(),
            json!("*"),
            of_organization.clone(),
        ),
        allow(
            "FlowLogsEncrypt",
            service("delivery.logs.amazonaws.com"),
            data_key,
            json!("*"),
            of_organization,
        ),
        allow(
            "SecurityReads",
            root(f, &f.accounts.security),
            json!("kms:Decrypt"),
            json!("*"),
            json!({"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}),
        ),
    ])
}

/// The policy of a bucket with logs.
pub(super) fn bucket(f: &Foundation, name: &str) -> Value {
    let arn = f.bucket_arn(name);
    let mut statements = vec![json!({
        "Sid": "NobodyInTheOpen",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })];
    if name == f.buckets.trail {
        let by = json!({"StringEquals": {"aws:SourceArn": f.trail_arn()}});
        let folders =
            [&f.accounts.management, &f.organization].map(|of| format!("{arn}/AWSLogs/{of}/*"));
        statements.extend(writer("Trail", "cloudtrail.amazonaws.com", &arn, json!(folders), by));
    }
    let by = || json!({"StringEquals": {"aws:SourceOrgID": f.organization}});
    if name == f.buckets.config {
        let to = json!(format!("{arn}/AWSLogs/*/Config/*"));
        statements.extend(writer("Config", "config.amazonaws.com", &arn, to, by()));
    }
    if name == f.buckets.flow_logs {
        let to = json!(format!("{arn}/AWSLogs/*"));
        statements.extend(writer("FlowLogs", "delivery.logs.amazonaws.com", &arn, to, by()));
    }
    statements.push(allow(
        "SecurityReads",
        root(f, &f.accounts.security),
        json!(["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"]),
        json!([arn, format!("{arn}/*")]),
        json!({}),
    ));
    document(&statements)
}

/// A service looks at the bucket, and writes so that the bucket's owner owns what it writes.
fn writer(sid: &str, name: &str, bucket: &str, objects: Value, by: Value) -> [Value; 2] {
    let mut writes = by.clone();
    writes["StringEquals"]["s3:x-amz-acl"] = "bucket-owner-full-control".into();
    let looks = json!(["s3:GetBucketAcl", "s3:ListBucket"]);
    [
        allow(&format!("{sid}Looks"), service(name), looks, json!(bucket), by),
        allow(&format!("{sid}Writes"), service(name), json!("s3:PutObject"), objects, writes),
    ]
}

/// Who may assume a role: one service.
pub(super) fn trust(name: &str) -> Value {
    document(&[json!({
        "Effect": "Allow",
        "Principal": service(name),
        "Action": "sts:AssumeRole",
    })])
}

/// What the trail may in its log group.
pub(super) fn trail_writes(f: &Foundation) -> Value {
    let group = f.arn(
        "logs",
        f.home(),
        &f.accounts.management,
        &format!("log-group:{}:log-stream:*", f.trail.log_group),
    );
    document(&[json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": group,
    })])
}

/// What flow logs may in their log groups.
pub(super) fn flow_logs_write(f: &Foundation, account: &str) -> Value {
    let groups = f.arn("logs", "*", account, &format!("log-group:{}/*", f.flow_logs.log_group));
    document(&[json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"],
        "Resource": [groups, format!("{groups}:*")],
    })])
}

/// What rules may that send to the security account.
pub(super) fn events_forward(f: &Foundation) -> Value {
    document(&[json!({
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": f.arn("events", f.home(), &f.accounts.security, "event-bus/default"),
    })])
}

/// Who may tell a topic: alarms and rules of its own account.
pub(super) fn topic(f: &Foundation, account: &str) -> Value {
    let arn = f.topic_arn(account);
    let own = json!({"StringEquals": {"aws:SourceAccount": account}});
    let tells = |sid: &str, name: &str| {
        allow(sid, service(name), json!("sns:Publish"), json!(arn), own.clone())
    };
    document(&[
        allow(
            "Owner",
            root(f, account),
            json!([
                "sns:GetTopicAttributes",
                "sns:SetTopicAttributes",
                "sns:Subscribe",
                "sns:ListSubscriptionsByTopic",
                "sns:Publish"
            ]),
            json!(arn),
            json!({}),
        ),
        tells("Alarms", "cloudwatch.amazonaws.com"),
        tells("Rules", "events.amazonaws.com"),
    ])
}

/// The statements of a document that another lacks.
pub(super) fn lacks<'w>(wanted: &'w Value, has: Option<&Value>) -> Vec<&'w Value> {
    let statements = |document: &'w Value| document["Statement"].as_array();
    let own: Vec<&Value> = match has.map(|h| &h["Statement"]) {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    };
    let all = statements(wanted).into_iter().flatten();
    all.filter(|s| !own.iter().any(|o| same(o, s))).collect()
}

/// Whether two statements say the same: AWS writes a list of one as its element.
fn same(a: &Value, b: &Value) -> bool {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Array(items) if items.len() == 1 => plain(&items[0]),
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(plain).collect();
                items.sort_by_key(Value::to_string);
                Value::Array(items)
            }
            Value::Object(members) => {
                let mut sorted: Vec<(&String, Value)> =
                    members.iter().map(|(k, v)| (k, plain(v))).collect();
                sorted.sort_by_key(|(k, _)| k.as_str());
                sorted.into_iter().map(|(k, v)| (k.clone(), v)).collect()
            }
            other => other.clone(),
        }
    }
    plain(a) == plain(b)
}

/// A document with what it lacks behind what it says.
pub(super) fn joined(wanted: &Value, has: Option<&Value>) -> Value {
    let Some(has) = has else { return wanted.clone() };
    let mut joined = has.clone();
    let mut statements = match &has["Statement"] {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    statements.extend(lacks(wanted, Some(has)).into_iter().cloned());
    joined["Statement"] = Value::Array(statements);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::plan::tests::foundation;

    #[test]
    fn every_service_that_writes_is_held_to_the_organization_or_its_trail() {
        let f = foundation("");
        for document in [key(&f), bucket(&f, "logs-1")] {
            for statement in document["Statement"].as_array().unwrap() {
                let by_service = statement["Principal"]["Service"].is_string();
                let text = statement["Condition"].to_string();
                let held = text.contains("aws:SourceOrgID") || text.contains("aws:SourceArn");
                assert!(!by_service || held, "{statement}");
            }
        }
    }

    #[test]
    fn a_document_is_joined_and_what_it_says_stays() {
        let wanted = document(&[json!({"Sid": "a", "Action": ["x", "y"]}), json!({"Sid": "b"})]);
        let has =
            json!({"Version": "2008-10-17", "Statement": {"Action": ["y", "x"], "Sid": ["a"]}});
        assert_eq!(lacks(&wanted, Some(&has)), [&json!({"Sid": "b"})]);
        let both = joined(&wanted, Some(&has));
        assert_eq!(both["Statement"].as_array().unwrap().len(), 2);
        assert!(lacks(&wanted, Some(&both)).is_empty());
        assert_eq!(joined(&wanted, None), wanted);
    }
}
