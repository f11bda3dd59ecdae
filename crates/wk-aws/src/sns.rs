//! SNS as a courier (query): notices to topics and text messages to telephones.
//!
//! * A publication is repeated here only where it is sure that it was not made; whoever keeps the
//!   parcel decides about the rest, and knows from the outcome that it may have been.
//! * What is published, and to which telephone, stands in no record of calls.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::Future;
use wk_seam::aws::{AwsError, AwsErrorKind, Call, Effect, Operation, Target};
use wk_seam::courier::{Courier, Outcome, Parcel, SnsTarget};

use crate::client::{Client, is_region};

/// The longest receipt.
const RECEIPT_CHARS_MAX: usize = 300;

/// Publishes parcels for SNS; refuses others.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
}

impl Sns {
    /// With a client, in whose region text messages are sent; a topic names its own.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn publish(&self, ask: &Publish<'_>) -> Outcome {
        let region = match ask.to {
            SnsTarget::Topic(arn) => match region_of(arn) {
                Some(region) => Some(region.to_owned()),
                None => {
                    let reason = format!(
                        "{arn:?} is not the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME"
                    );
                    return Outcome::Refused { reason };
                }
            },
            SnsTarget::Phone(_) => None,
        };
        match self.client.one(ask, &Target { account: None, region }, 0).await {
            Ok(published) => {
                let receipt = format!("SNS message {}", published.message_id);
                let receipt = receipt.chars().take(RECEIPT_CHARS_MAX).collect();
                Outcome::Accepted { receipt, reference: None }
            }
            Err(error) => outcome(&error),
        }
    }
}

impl Courier for Sns {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Future<'a, Outcome> {
        Box::pin(async move {
            match parcel {
                Parcel::Sns { to, subject, message, attributes } => {
                    let subject = subject.as_deref();
                    self.publish(&Publish { to, subject, message, attributes }).await
                }
                _ => Outcome::Refused { reason: "SNS carries no such parcel".to_owned() },
            }
        })
    }
}

fn outcome(error: &AwsError) -> Outcome {
    let reason = error.to_string();
    match error.kind {
        AwsErrorKind::Throttled => Outcome::Later { reason, after_seconds: None },
        // Somebody signs in again, or sets the clock, and it goes through as it is.
        AwsErrorKind::Credentials | AwsErrorKind::Skewed => {
            Outcome::Later { reason, after_seconds: Some(60) }
        }
        AwsErrorKind::Service | AwsErrorKind::Unreachable | AwsErrorKind::Malformed => {
            let reason = format!("it may have been published: {reason}");
            Outcome::Later { reason, after_seconds: None }
        }
        AwsErrorKind::Denied
        | AwsErrorKind::NotFound
        | AwsErrorKind::NotEnabled
        | AwsErrorKind::Invalid
        | AwsErrorKind::TokenRepeated => Outcome::Refused { reason },
    }
}

/// The region of a topic's ARN.
fn region_of(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "sns", region, _, name] if is_region(region) && !name.is_empty() => Some(region),
        _ => None,
    }
}

/// What this adapter asks of SNS.
pub(crate) const OPERATIONS: &[&Operation] = &[Publish::OPERATION];

struct Publish<'a> {
    to: &'a SnsTarget,
    subject: Option<&'a str>,
    message: &'a str,
    attributes: &'a [(String, String)],
}

#[derive(Deserialize)]
struct Published {
    #[serde(rename = "MessageId")]
    message_id: String,
}

impl Call for Publish<'_> {
    const OPERATION: &'static Operation = &Operation {
        service: "sns",
        name: "Publish",
        permission: "sns:Publish",
        effect: Effect::EachTime,
        masked: &["Message", "PhoneNumber", "Subject", "MessageAttributes"],
        ..Operation::READ
    };
    type Answer = Published;
    fn parameters(&self) -> Value {
        let (topic, phone) = match self.to {
            SnsTarget::Topic(arn) => (Some(arn), None),
            SnsTarget::Phone(number) => (None, Some(number)),
        };
        let entry = |(name, value): &(String, String)| json!({"Name": name, "Value": {"DataType": "String", "StringValue": value}});
        let entries: Vec<Value> = self.attributes.iter().map(entry).collect();
        let attributes = if entries.is_empty() { Value::Null } else { json!({"entry": entries}) };
        json!({
            "TopicArn": topic,
            "PhoneNumber": phone,
            "Message": self.message,
            "Subject": self.subject,
            "MessageAttributes": attributes,
        })
    }
}
