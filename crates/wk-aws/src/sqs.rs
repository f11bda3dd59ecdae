//! SQS as a queue (JSON 1.0).
//!
//! * A queue is named by its URL, its ARN or its name; names are asked for their URL once.
//! * A URL whose host is not AWS's own is its own endpoint, where nobody named another.
//! * Batches are of ten. What SQS could not do to single messages is answered, not lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use wk_model::{AccountId, Timestamp};
use wk_seam::aws::{
    AwsError, AwsResult, Call, CallName, Effect, Operation, Recorder, Target, number,
};
use wk_seam::queue::{Depth, Message, Queue};
use wk_seam::{Answer, Failure, Future};

use crate::client::{Client, Settings, is_region};

/// Messages in a batch.
const BATCH: usize = 10;
/// The longest time of invisibility: twelve hours.
const INVISIBLE_SECONDS_MAX: u32 = 43_200;
/// The longest time that a request waits for messages.
const WAIT_SECONDS_MAX: u8 = 20;

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
    target: Target,
}

/// How somebody names a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Url { url: String, region: Option<String>, endpoint: Option<String> },
    Name { name: String, owner: Option<AccountId>, region: Option<String> },
}

impl Sqs {
    /// Opens the queue of this URL, ARN or name, with a client of its own.
    ///
    /// # Errors
    /// If the address is none, the profile does not exist, or there is no queue of this name.
    pub async fn open(
        address: &str,
        settings: &Settings,
        recorder: Arc<dyn Recorder>,
    ) -> Answer<Self> {
        let mut settings = settings.clone();
        if let Named::Url { endpoint: Some(endpoint), .. } = named(address)?
            && settings.endpoint.is_none()
        {
            settings.endpoint = Some(endpoint);
        }
        let client = Client::load(&settings, recorder).await?;
        Self::over(client, address).await
    }

    /// The client that it is reached with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens the queue with a client that is there.
    ///
    /// # Errors
    /// If the address is none, or there is no queue of this name.
    pub async fn over(client: Client, address: &str) -> Answer<Self> {
        match named(address)? {
            Named::Url { url, region, .. } => {
                Ok(Self { client, url, target: Target { account: None, region } })
            }
            Named::Name { name, owner, region } => {
                let target = Target { account: None, region };
                let ask = GetQueueUrl { name, owner };
                let found = client.one(&ask, &target, 0).await.map_err(AwsError::into_failure)?;
                Ok(Self { client, url: found.queue_url, target })
            }
        }
    }

    async fn receive(
        &self,
        max: u8,
        wait_seconds: u8,
        invisible_seconds: u32,
    ) -> AwsResult<Vec<Message>> {
        let ask = ReceiveMessage {
            url: &self.url,
            max: max.clamp(1, 10),
            wait_seconds: wait_seconds.min(WAIT_SECONDS_MAX),
            invisible_seconds: invisible_seconds.min(INVISIBLE_SECONDS_MAX),
        };
        let answer = self.client.one(&ask, &self.target, u64::from(ask.wait_seconds)).await?;
        answer.messages.unwrap_or_default().into_iter().map(|m| self.message(m)).collect()
    }

    fn message(&self, given: GivenMessage) -> AwsResult<Message> {
        let text = |name: &str| given.attributes.get(name).map(String::as_str);
        let sent = text("SentTimestamp").and_then(|ms| ms.parse().ok()).map(Timestamp::from_millis);
        let deliveries = text("ApproximateReceiveCount").and_then(|n| n.parse().ok());
        let (Some(sent), Some(deliveries)) = (sent, deliveries) else {
            let name = CallName::of(ReceiveMessage::OPERATION, &self.target);
            let why = "a message says neither when it was sent nor how often it was delivered";
            return Err(AwsError::malformed(name, why));
        };
        Ok(Message {
            id: given.message_id,
            receipt: given.receipt_handle,
            body: given.body.unwrap_or_default(),
            deliveries,
            sent,
        })
    }

    /// Does something to messages, ten at a time; answers the receipts with which it failed.
    async fn batches<'a, C>(
        &'a self,
        receipts: &'a [String],
        make: impl Fn(&'a [String]) -> C,
    ) -> AwsResult<Vec<String>>
    where
        C: Call<Answer = Batch>,
    {
        let mut failed = Vec::new();
        for ten in receipts.chunks(BATCH) {
            let answer = self.client.one(&make(ten), &self.target, 0).await?;
            let done: Vec<&str> =
                answer.successful.iter().flatten().map(|one| one.id.as_str()).collect();
            // What is in neither list was not done.
            let undone =
                ten.iter().enumerate().filter(|(n, _)| !done.contains(&n.to_string().as_str()));
            failed.extend(undone.map(|(_, receipt)| receipt.clone()));
        }
        Ok(failed)
    }

    async fn depth(&self) -> AwsResult<Depth> {
        let answer =
            self.client.one(&GetQueueAttributes { url: &self.url }, &self.target, 0).await?;
        let count = |count: Option<i64>| count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let of = answer.attributes;
        // What is delayed waits too. SQS does not tell the age of the oldest message here.
        Ok(Depth {
            waiting: count(of.waiting) + count(of.delayed),
            in_flight: count(of.in_flight),
            oldest_seconds: None,
        })
    }
}

impl Queue for Sqs {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn receive(
        &self,
        max: u8,
        wait_seconds: u8,
        invisible_seconds: u32,
    ) -> Future<'_, Answer<Vec<Message>>> {
        Box::pin(async move {
            let received = Self::receive(self, max, wait_seconds, invisible_seconds).await;
            received.map_err(AwsError::into_failure)
        })
    }

    fn extend<'a>(
        &'a self,
        receipts: &'a [String],
        invisible_seconds: u32,
    ) -> Future<'a, Answer<Vec<String>>> {
        let seconds = invisible_seconds.min(INVISIBLE_SECONDS_MAX);
        Box::pin(async move {
            let make =
                |receipts| ChangeMessageVisibilityBatch { url: &self.url, receipts, seconds };
            self.batches(receipts, make).await.map_err(AwsError::into_failure)
        })
    }

    fn delete<'a>(&'a self, receipts: &'a [String]) -> Future<'a, Answer<Vec<String>>> {
        Box::pin(async move {
            let make = |receipts| DeleteMessageBatch { url: &self.url, receipts };
            self.batches(receipts, make).await.map_err(AwsError::into_failure)
        })
    }

    fn depth(&self) -> Future<'_, Answer<Depth>> {
        Box::pin(async move { Self::depth(self).await.map_err(AwsError::into_failure) })
    }
}

fn named(address: &str) -> Answer<Named> {
    let refuse =
        |why: &str| Err(Failure::new(format!("open the queue {address:?}"), why.to_owned()));
    if let Some(rest) = address.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.split(':').collect();
        let [_, "sqs", region, owner, name] = parts[..] else {
            return refuse("it is not the ARN of a queue: arn:aws:sqs:REGION:ACCOUNT:NAME");
        };
        let Ok(owner) = AccountId::try_from(owner.to_owned()) else {
            return refuse("its account is not a number of twelve digits");
        };
        if !is_region(region) || !is_name(name) {
            return refuse("its region or its name cannot be one");
        }
        let region = Some(region.to_owned());
        return Ok(Named::Name { name: name.to_owned(), owner: Some(owner), region });
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains('@') {
            return refuse(
                "it is not the URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
            );
        }
        let region = region_of(host);
        let own = region.is_some();
        let endpoint = if own { None } else { Some(format!("{scheme}://{host}")) };
        return Ok(Named::Url { url: address.to_owned(), region, endpoint });
    }
    if is_name(address) {
        return Ok(Named::Name { name: address.to_owned(), owner: None, region: None });
    }
    refuse("it is neither the URL, nor the ARN, nor the name of a queue")
}

/// The region that a host of AWS's own names.
fn region_of(host: &str) -> Option<String> {
    let ours = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn"];
    let before = ours.iter().find_map(|end| host.strip_suffix(end)?.strip_suffix('.'))?;
    let region = match before.split_once('.') {
        Some(("sqs" | "sqs-fips", region)) => region,
        // The form of long ago: `eu-west-1.queue.amazonaws.com`.
        Some((region, "queue")) => region,
        _ => return None,
    };
    is_region(region).then(|| region.to_owned())
}

fn is_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=80).contains(&text.len()) && !stem.is_empty() && stem.bytes().all(fits)
}

/// What this adapter asks of SQS.
pub(crate) const OPERATIONS: &[&Operation] = &[
    ChangeMessageVisibilityBatch::OPERATION,
    DeleteMessageBatch::OPERATION,
    GetQueueAttributes::OPERATION,
    GetQueueUrl::OPERATION,
    ReceiveMessage::OPERATION,
];

struct GetQueueUrl {
    name: String,
    owner: Option<AccountId>,
}

#[derive(Deserialize)]
struct QueueUrl {
    #[serde(rename = "QueueUrl")]
    queue_url: String,
}

impl Call for GetQueueUrl {
    const OPERATION: &'static Operation = &Operation {
        service: "sqs",
        name: "GetQueueUrl",
        permission: "sqs:GetQueueUrl",
        ..Operation::READ
    };
    type Answer = QueueUrl;
    fn parameters(&self) -> Value {
        let owner = self.owner.as_ref().map(AccountId::as_str);
        json!({"QueueName": self.name, "QueueOwnerAWSAccountId": owner})
    }
}

struct ReceiveMessage<'a> {
    url: &'a str,
    max: u8,
    wait_seconds: u8,
    invisible_seconds: u32,
}

#[derive(Deserialize)]
struct Received {
    #[serde(rename = "Messages")]
    messages: Option<Vec<GivenMessage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GivenMessage {
    message_id: String,
    receipt_handle: String,
    body: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

impl Call for ReceiveMessage<'_> {
    // Messages that were received twice come again later: nothing is lost by repeating it.
    const OPERATION: &'static Operation = &Operation {
        service: "sqs",
        name: "ReceiveMessage",
        permission: "sqs:ReceiveMessage",
        effect: Effect::Repeatable,
        ..Operation::READ
    };
    type Answer = Received;
    fn parameters(&self) -> Value {
        json!({
            "QueueUrl": self.url,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
            "MaxNumberOfMessages": self.max,
            "VisibilityTimeout": self.invisible_seconds,
            "WaitTimeSeconds": self.wait_seconds,
        })
    }
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Successful")]
    successful: Option<Vec<Done>>,
}

#[derive(Deserialize)]
struct Done {
    #[serde(rename = "Id")]
    id: String,
}

struct DeleteMessageBatch<'a> {
    url: &'a str,
    receipts: &'a [String],
}

impl Call for DeleteMessageBatch<'_> {
    const OPERATION: &'static Operation = &Operation {
        service: "sqs",
        name: "DeleteMessageBatch",
        permission: "sqs:DeleteMessage",
        effect: Effect::Repeatable,
        masked: &["ReceiptHandle"],
        ..Operation::READ
    };
    type Answer = Batch;
    fn parameters(&self) -> Value {
        let entry = |(n, receipt)| json!({"Id": usize::to_string(&n), "ReceiptHandle": receipt});
        let entries: Vec<Value> = self.receipts.iter().enumerate().map(entry).collect();
        json!({"QueueUrl": self.url, "Entries": entries})
    }
}

struct ChangeMessageVisibilityBatch<'a> {
    url: &'a str,
    receipts: &'a [String],
    seconds: u32,
}

impl Call for ChangeMessageVisibilityBatch<'_> {
    const OPERATION: &'static Operation = &Operation {
        service: "sqs",
        name: "ChangeMessageVisibilityBatch",
        permission: "sqs:ChangeMessageVisibility",
        effect: Effect::Repeatable,
        masked: &["ReceiptHandle"],
        ..Operation::READ
    };
    type Answer = Batch;
    fn parameters(&self) -> Value {
        let entry = |(n, receipt)| {
            json!({
                "Id": usize::to_string(&n),
                "ReceiptHandle": receipt,
                "VisibilityTimeout": self.seconds,
            })
        };
        let entries: Vec<Value> = self.receipts.iter().enumerate().map(entry).collect();
        json!({"QueueUrl": self.url, "Entries": entries})
    }
}

struct GetQueueAttributes<'a> {
    url: &'a str,
}

#[derive(Deserialize)]
struct QueueAttributes {
    #[serde(rename = "Attributes", default)]
    attributes: Counts,
}

#[derive(Deserialize, Default)]
struct Counts {
    #[serde(rename = "ApproximateNumberOfMessages", default, deserialize_with = "number")]
    waiting: Option<i64>,
    #[serde(
        rename = "ApproximateNumberOfMessagesNotVisible",
        default,
        deserialize_with = "number"
    )]
    in_flight: Option<i64>,
    #[serde(rename = "ApproximateNumberOfMessagesDelayed", default, deserialize_with = "number")]
    delayed: Option<i64>,
}

impl Call for GetQueueAttributes<'_> {
    const OPERATION: &'static Operation = &Operation {
        service: "sqs",
        name: "GetQueueAttributes",
        permission: "sqs:GetQueueAttributes",
        ..Operation::READ
    };
    type Answer = QueueAttributes;
    fn parameters(&self) -> Value {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        json!({"QueueUrl": self.url, "AttributeNames": names})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(address: &str) -> Option<(Option<String>, Option<String>)> {
        match named(address).ok()? {
            Named::Url { region, endpoint, .. } => Some((region, endpoint)),
            Named::Name { .. } => None,
        }
    }

    #[test]
    fn a_queue_is_known_by_url_arn_or_name() {
        let west = Some("eu-west-1".to_owned());
        for host in [
            "sqs.eu-west-1.amazonaws.com",
            "eu-west-1.queue.amazonaws.com",
            "sqs-fips.eu-west-1.api.aws",
        ] {
            assert_eq!(
                url(&format!("https://{host}/111122223333/q")),
                Some((west.clone(), None)),
                "{host}"
            );
        }
        let local = url("http://127.0.0.1:5000/111122223333/q");
        assert_eq!(local, Some((None, Some("http://127.0.0.1:5000".into()))));
        let arn = named("arn:aws:sqs:eu-west-1:111122223333:logs.fifo").unwrap();
        let owner = AccountId::try_from("111122223333".to_owned()).ok();
        assert_eq!(arn, Named::Name { name: "logs.fifo".into(), owner, region: west });
        let name = Named::Name { name: "logs".into(), owner: None, region: None };
        assert_eq!(named("logs").unwrap(), name);
    }

    #[test]
    fn what_names_no_queue_is_refused_with_the_form_that_is_wanted() {
        let wrong = [
            "",
            "a b",
            "arn:aws:sns:eu-west-1:111122223333:t",
            "arn:aws:sqs:evil/:111122223333:q",
            "ftp://x/q",
            "https://",
            "https://me@host/q",
            "arn:aws:sqs:eu-west-1:1:q",
        ];
        for address in wrong {
            assert!(named(address).is_err(), "{address}");
        }
        let evil = url("https://sqs.eu-west-1.amazonaws.com.evil.example/1/q").unwrap();
        assert_eq!(evil.0, None, "another's host is not AWS's");
    }
}
