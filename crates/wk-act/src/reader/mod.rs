//! The way into AWS as templates: the reader role for every account, and what stands beside the
//! service: queue, rule and the service's own policy.
//!
//! * Permissions come from what the calls themselves declare; nothing is allowed that nobody asks.
//! * What is never to happen is denied in words of its own ([`NEVER`]), so that it stays denied
//!   when somebody attaches a wider policy later.
//! * Everything is a value here: nothing is read, written or sent.

mod cloudformation;
mod never;
mod policy;
mod terraform;

use wk_model::AccountId;

pub use cloudformation::{hub as hub_stack, reader as reader_stack};
pub use never::{NEVER, Never};
pub use policy::{reads, service};
pub use terraform::{hub as hub_terraform, reader as reader_terraform};

/// What a user decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The account in which the service runs.
    pub account: AccountId,
    /// The region of its queue.
    pub region: String,
    /// The reader role's name, the same in every account.
    pub role: String,
    /// What the role's trust asks for besides the account.
    pub external_id: String,
    /// The queue's name.
    pub queue: String,
    /// Buckets with logs.
    pub log_buckets: Vec<String>,
    /// KMS keys under which logs lie, by ARN. None: any, but only by way of S3.
    pub log_keys: Vec<String>,
    /// The bucket of the lake, if it lies in S3.
    pub lake_bucket: Option<String>,
    /// The organisation's id, `o-…`; then roles are assumed only within it.
    pub organization: Option<String>,
}

/// What is allowed, by where it is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// To the reader role in every account.
    pub reader: Vec<String>,
    /// To the service on its queue.
    pub queue: Vec<String>,
    /// To the service on topics of SNS.
    pub topics: Vec<String>,
}

impl Choices {
    fn arn(&self, service: &str, region: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{rest}", self.partition, self.account)
    }

    /// The queue's ARN.
    pub fn queue_arn(&self) -> String {
        self.arn("sqs", &self.region, &self.queue)
    }

    fn rule_name(&self) -> String {
        format!("{}-findings", self.queue)
    }

    /// The ARN of the queue of messages that nobody could handle.
    pub fn dead_letters_arn(&self) -> String {
        self.arn("sqs", &self.region, &self.dead_letters())
    }

    fn dead_letters(&self) -> String {
        format!("{}-dead", self.queue)
    }

    /// The patterns of the rule: findings of GuardDuty and Security Hub, and AWS Health.
    fn pattern(&self) -> serde_json::Value {
        serde_json::json!({
            "source": ["aws.guardduty", "aws.securityhub", "aws.health"],
            "detail-type": [
                "GuardDuty Finding",
                "Security Hub Findings - Imported",
                "AWS Health Event",
            ],
        })
    }

    /// What a bucket is told to send to the queue: the argument of
    /// `aws s3api put-bucket-notification-configuration`.
    pub fn notification(&self) -> serde_json::Value {
        serde_json::json!({
            "QueueConfigurations": [{
                "Id": "watchkeeper",
                "QueueArn": self.queue_arn(),
                "Events": ["s3:ObjectCreated:*"],
            }],
        })
    }
}

#[cfg(test)]
pub(crate) fn example() -> Choices {
    Choices {
        partition: "aws".into(),
        account: AccountId::try_from("111122223333".to_owned()).unwrap(),
        region: "eu-west-1".into(),
        role: "watchkeeper-reader".into(),
        external_id: "an-outside-id".into(),
        queue: "watchkeeper".into(),
        log_buckets: vec!["org-trail".into()],
        log_keys: Vec::new(),
        lake_bucket: Some("the-lake".into()),
        organization: Some("o-example".into()),
    }
}

#[cfg(test)]
pub(crate) fn some_permissions() -> Permissions {
    let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
    Permissions {
        reader: texts(&["cloudtrail:DescribeTrails", "logs:FilterLogEvents"]),
        queue: texts(&["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]),
        topics: texts(&["sns:Publish"]),
    }
}
