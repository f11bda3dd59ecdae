//! Policy documents.

use serde_json::{Value, json};

use super::{Choices, NEVER, Permissions};

/// The policies of the reader role by name: what it reads, and what it never does.
pub fn reads(permissions: &Permissions) -> Vec<(&'static str, Value)> {
    let reads = json!({
        "Sid": "ReadTheWatch",
        "Effect": "Allow",
        "Action": permissions.reader,
        "Resource": "*",
    });
    vec![("watchkeeper-reads", document(&[reads])), ("watchkeeper-never", never())]
}

/// The policy of the service itself: its queue, the readers in other accounts, logs, lake, topics.
pub fn service(permissions: &Permissions, choices: &Choices) -> Value {
    let mut statements = vec![
        json!({
            "Sid": "PullTheQueue",
            "Effect": "Allow",
            "Action": permissions.queue,
            "Resource": choices.queue_arn(),
        }),
        enter(choices),
    ];
    // How many dead letters there are is asked; to read or delete them is for people.
    let asks = |action: &&String| action.starts_with("sqs:Get");
    let asks: Vec<&String> = permissions.queue.iter().filter(asks).collect();
    if !asks.is_empty() {
        statements.push(json!({
            "Sid": "CountDeadLetters",
            "Effect": "Allow",
            "Action": asks,
            "Resource": choices.dead_letters_arn(),
        }));
    }
    let bucket = |name: &String| format!("arn:{}:s3:::{name}", choices.partition);
    let objects = |name: &String| format!("arn:{}:s3:::{name}/*", choices.partition);
    if !choices.log_buckets.is_empty() {
        statements.push(json!({
            "Sid": "ListLogs",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket"],
            "Resource": choices.log_buckets.iter().map(bucket).collect::<Vec<_>>(),
        }));
        statements.push(json!({
            "Sid": "ReadLogs",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": choices.log_buckets.iter().map(objects).collect::<Vec<_>>(),
        }));
        statements.push(decrypt(choices));
    }
    if let Some(lake) = &choices.lake_bucket {
        statements.push(json!({
            "Sid": "ListTheLake",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": bucket(lake),
        }));
        statements.push(json!({
            "Sid": "KeepTheLake",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            "Resource": objects(lake),
        }));
    }
    statements.push(json!({
        "Sid": "TellPeople",
        "Effect": "Allow",
        "Action": permissions.topics,
        "Resource": choices.arn("sns", "*", "watchkeeper-*"),
    }));
    statements.extend(denies(choices.lake_bucket.as_ref().map(objects).as_deref()));
    document(&statements)
}

fn enter(choices: &Choices) -> Value {
    let role = format!("arn:{}:iam::*:role/{}", choices.partition, choices.role);
    let mut statement = json!({
        "Sid": "EnterAccounts",
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Resource": role,
    });
    if let (Some(organization), Some(members)) = (&choices.organization, statement.as_object_mut())
    {
        let only = json!({"StringEquals": {"aws:ResourceOrgID": organization}});
        members.insert("Condition".to_owned(), only);
    }
    statement
}

/// Any key, but only by way of S3, where no key is named.
fn decrypt(choices: &Choices) -> Value {
    let resource = if choices.log_keys.is_empty() { json!("*") } else { json!(choices.log_keys) };
    json!({
        "Sid": "DecryptLogs",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": resource,
        "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
    })
}

/// What is never done, anywhere.
fn never() -> Value {
    document(&denies(None))
}

fn denies(lake: Option<&str>) -> Vec<Value> {
    let deny = |never: &super::Never| match lake {
        Some(objects) if never.but_the_lake => json!({
            "Sid": never.sid,
            "Effect": "Deny",
            "Action": never.actions,
            "NotResource": objects,
        }),
        _ => json!({
            "Sid": never.sid,
            "Effect": "Deny",
            "Action": never.actions,
            "Resource": "*",
        }),
    };
    NEVER.iter().map(deny).collect()
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::super::{example, some_permissions};
    use super::*;

    /// IAM's limits without blanks: all inline policies of a role, and one managed policy.
    const INLINE_CHARS_MAX: usize = 10_240;
    const MANAGED_CHARS_MAX: usize = 6_144;

    fn statement<'a>(document: &'a Value, sid: &str) -> &'a Value {
        let all = document["Statement"].as_array().unwrap();
        all.iter().find(|s| s["Sid"] == sid).unwrap_or_else(|| panic!("no {sid}"))
    }

    #[test]
    fn the_reader_may_what_is_asked_and_never_what_is_promised() {
        let policies = reads(&some_permissions());
        let allowed = statement(&policies[0].1, "ReadTheWatch");
        assert_eq!(allowed["Action"], json!(["cloudtrail:DescribeTrails", "logs:FilterLogEvents"]));
        for never in NEVER {
            let denied = statement(&policies[1].1, never.sid);
            assert_eq!((&denied["Effect"], &denied["Resource"]), (&json!("Deny"), &json!("*")));
            assert_eq!(denied["Action"], json!(never.actions));
        }
        let chars: usize = policies.iter().map(|(_, p)| p.to_string().len()).sum();
        assert!(chars < INLINE_CHARS_MAX, "{chars}");
    }

    #[test]
    fn the_service_deletes_in_its_own_lake_and_nowhere_else() {
        let policy = service(&some_permissions(), &example());
        let denied = statement(&policy, "NeverDeleteLogs");
        assert_eq!(denied["NotResource"], "arn:aws:s3:::the-lake/*");
        assert!(denied.get("Resource").is_none());
        let without = Choices { lake_bucket: None, ..example() };
        let policy = service(&some_permissions(), &without);
        assert_eq!(statement(&policy, "NeverDeleteLogs")["Resource"], "*");
    }

    #[test]
    fn nothing_is_allowed_that_is_denied_but_in_the_lake() {
        let policy = service(&some_permissions(), &example());
        for allowed in
            policy["Statement"].as_array().unwrap().iter().filter(|s| s["Effect"] == "Allow")
        {
            for action in allowed["Action"].as_array().unwrap() {
                let denied = NEVER.iter().any(|n| n.actions.contains(&action.as_str().unwrap()));
                assert!(!denied || allowed["Sid"] == "KeepTheLake", "{action}");
            }
        }
    }

    #[test]
    fn the_service_s_policy_fits_into_one_managed_policy() {
        let many =
            Choices { log_buckets: (0..5).map(|n| format!("bucket-{n}")).collect(), ..example() };
        let chars = service(&some_permissions(), &many).to_string().len();
        assert!(chars < MANAGED_CHARS_MAX, "{chars}");
    }

    #[test]
    fn dead_letters_are_counted_and_never_taken() {
        let policy = service(&some_permissions(), &example());
        let dead = statement(&policy, "CountDeadLetters");
        assert_eq!(dead["Action"], json!(["sqs:GetQueueAttributes"]));
        assert_eq!(dead["Resource"], "arn:aws:sqs:eu-west-1:111122223333:watchkeeper-dead");
    }

    #[test]
    fn roles_are_entered_only_within_the_organization() {
        let policy = service(&some_permissions(), &example());
        let enter = statement(&policy, "EnterAccounts");
        assert_eq!(enter["Resource"], "arn:aws:iam::*:role/watchkeeper-reader");
        assert_eq!(enter["Condition"]["StringEquals"]["aws:ResourceOrgID"], "o-example");
    }
}
