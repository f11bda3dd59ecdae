//! What a message of a queue says: objects to be fetched, a record, a test, or nothing that is known.
//!
//! * S3 notifications, also by way of EventBridge and SNS, wrapped and raw; CloudTrail's and
//!   Config's own notices; any record that a source knows is a record itself.
//! * Message bodies are hostile: bounded in depth and number, read without panic, and a key that
//!   they name is only ever asked for, never used as a path.
//! * Forms: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//!   <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>,
//!   <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html>,
//!   <https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html>.

use std::borrow::Cow;

use wk_lang::json::{Kind, Tape, Value};

use crate::sources;

/// How deep wrappings may nest: SNS in SQS, and one to spare.
const DEPTH_MAX: usize = 4;
/// Objects that one message may name. S3 names one, CloudTrail a handful.
const OBJECTS_MAX: usize = 1000;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// These objects are there to be read.
    Objects(Vec<Named>),
    /// It is a record itself: this text is read as if it lay in an object.
    Record(String),
    /// A test that the queue can be reached. Nothing is to be done.
    Test,
    /// Something that asks for nothing: an object was removed, a snapshot was begun.
    Notice,
    /// Nothing that is known: why, as a sentence without a final stop.
    Unknown(String),
}

/// An object that a message names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// Region of the bucket, where the message says it.
    pub region: Option<String>,
    /// Its size in bytes, where the message says it.
    pub size: Option<u64>,
}

/// Reads the body of a message.
pub fn says(body: &str) -> Says {
    says_within(body, 0)
}

fn says_within(body: &str, depth: usize) -> Says {
    let text = body.trim();
    if depth > DEPTH_MAX {
        return Says::Unknown("wrappings nest too deeply".to_owned());
    }
    // What CloudTrail sends when a topic is set up is no JSON.
    if text.starts_with("CloudTrail validation message") {
        return Says::Test;
    }
    let mut tape = Tape::default();
    match tape.parse(text) {
        Ok(value) if value.kind() == Kind::Object => of_value(value, text, depth),
        Ok(_) => Says::Unknown("it is no JSON object".to_owned()),
        Err(defect) => Says::Unknown(format!("it is no JSON: {}", defect.reason)),
    }
}

fn of_value(value: Value<'_>, text: &str, depth: usize) -> Says {
    if let Some(kind) = value.text("Type").filter(|_| value.get("TopicArn").is_some()) {
        return match (&*kind, value.text("Message")) {
            ("Notification", Some(message)) => within_sns(&message, text, depth),
            ("Notification", None) => Says::Unknown("the SNS wrapper holds no message".to_owned()),
            // A subscription is confirmed by people, never because a message asks for it.
            _ => Says::Notice,
        };
    }
    if value.text("Event").as_deref() == Some("s3:TestEvent") {
        return Says::Test;
    }
    if let Some(records) = value.get("Records").filter(|r| of_s3(r).is_some()) {
        return objects(records.items().filter_map(created).collect(), "an S3 notification");
    }
    if let (Some(bucket), Some(keys)) = (value.text("s3Bucket"), value.get("s3ObjectKey")) {
        return own_notice(&bucket, keys);
    }
    if value.text("source").as_deref() == Some("aws.s3") && value.get("detail-type").is_some() {
        return by_event_bridge(value);
    }
    if let Some(kind) = value.text("messageType").filter(|kind| kind.contains("Delivery")) {
        return if kind.ends_with("Started") { Says::Notice } else { record(value, text) };
    }
    record(value, text)
}

/// A record in an SNS wrapper is read with it: the wrapper is context.
fn within_sns(message: &str, whole: &str, depth: usize) -> Says {
    match says_within(message, depth + 1) {
        Says::Record(_) => Says::Record(whole.to_owned()),
        other => other,
    }
}

/// Whether these are records of S3 notifications: the first one, which tells.
fn of_s3<'v>(records: &Value<'v>) -> Option<Value<'v>> {
    let first = records.items().next()?;
    (first.text("eventSource").as_deref() == Some("aws:s3") && first.get("s3").is_some())
        .then_some(first)
}

/// An object that was created, by a record of a notification; `None` for other events.
fn created(record: Value<'_>) -> Option<Result<Named, String>> {
    let name = record.text("eventName").unwrap_or_default();
    // `ObjectCreated:Put`; with some senders `s3:ObjectCreated:Put`.
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return None;
    }
    let bucket = record.at(&["s3", "bucket", "name"]).and_then(|b| b.as_str());
    let key = record.at(&["s3", "object", "key"]).and_then(|k| k.as_str());
    let (Some(bucket), Some(key)) = (bucket, key) else {
        return Some(Err("an S3 notification names no bucket and key".to_owned()));
    };
    let Some(key) = url_decoded(&key) else {
        return Some(Err("the key of an S3 notification is not UTF-8".to_owned()));
    };
    let region = record.text("awsRegion").map(Cow::into_owned);
    let size = record.at(&["s3", "object", "size"]).and_then(|s| s.as_u64());
    Some(Ok(Named { bucket: bucket.into_owned(), key, region, size }))
}

/// Keys of S3 by way of EventBridge are not encoded.
fn by_event_bridge(value: Value<'_>) -> Says {
    if value.text("detail-type").as_deref() != Some("Object Created") {
        return Says::Notice;
    }
    let text = |path: &[&str]| value.at(path).and_then(|v| v.as_str()).map(Cow::into_owned);
    let (bucket, key) = (text(&["detail", "bucket", "name"]), text(&["detail", "object", "key"]));
    let named = match (bucket, key) {
        (Some(bucket), Some(key)) => {
            let size = value.at(&["detail", "object", "size"]).and_then(|s| s.as_u64());
            Ok(Named { bucket, key, region: text(&["region"]), size })
        }
        _ => Err("an event of S3 names no bucket and key".to_owned()),
    };
    objects(vec![named], "an event of S3")
}

/// CloudTrail names a list of keys, Config one. Neither is encoded.
fn own_notice(bucket: &str, keys: Value<'_>) -> Says {
    let named = |key: Value<'_>| match key.as_str() {
        Some(key) => {
            Ok(Named { bucket: bucket.to_owned(), key: key.into_owned(), region: None, size: None })
        }
        None => Err("a notice of delivery names a key that is no text".to_owned()),
    };
    let all = match keys.kind() {
        Kind::Array => keys.items().take(OBJECTS_MAX + 1).map(named).collect(),
        _ => vec![named(keys)],
    };
    objects(all, "a notice of delivery")
}

/// What is named must be readable as a whole: half a message is none.
fn objects(all: Vec<Result<Named, String>>, what: &str) -> Says {
    if all.len() > OBJECTS_MAX {
        return Says::Unknown(format!("{what} names more than {OBJECTS_MAX} objects"));
    }
    let named: Result<Vec<Named>, String> = all.into_iter().collect();
    match named {
        Err(why) => Says::Unknown(why),
        // A key that ends in a slash, or is empty, is what consoles show as a folder.
        Ok(named) => {
            let full = |n: &Named| n.size != Some(0) && !n.key.is_empty();
            let named: Vec<Named> = named.into_iter().filter(full).collect();
            if named.iter().any(|n| n.bucket.is_empty()) {
                return Says::Unknown(format!("{what} names no bucket"));
            }
            if named.is_empty() { Says::Notice } else { Says::Objects(named) }
        }
    }
}

/// A record, if anything that reads records knows its form.
fn record(value: Value<'_>, text: &str) -> Says {
    let envelope = value.get("detail-type").is_some()
        || value.get("logEvents").is_some()
        || value.get("awslogs").is_some()
        || value.get("Records").is_some_and(|r| r.kind() == Kind::Array);
    if envelope || sources::of_json(value, None).is_some() {
        return Says::Record(text.to_owned());
    }
    Says::Unknown("it is no notification and no record that a source knows".to_owned())
}

/// `a%3Db+c` is `a=b c`. A percent sign that begins no escape stands for itself.
fn url_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
        match (first, hex(behind.first()), hex(behind.get(1))) {
            (b'+', ..) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(says: Says) -> String {
        match says {
            Says::Objects(all) => {
                let each: Vec<String> =
                    all.iter().map(|n| format!("{}/{}", n.bucket, n.key)).collect();
                each.join(" ")
            }
            Says::Record(_) => "a record".to_owned(),
            Says::Test => "a test".to_owned(),
            Says::Notice => "a notice".to_owned(),
            Says::Unknown(why) => format!("unknown: {why}"),
        }
    }

    fn notification(event: &str, key: &str, size: u64) -> String {
        format!(
            r#"{{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventName":"{event}","s3":{{"bucket":{{"name":"logs"}},"object":{{"key":"{key}","size":{size},"eTag":"x"}}}}}}"#
        )
    }

    fn records(all: &[String]) -> String {
        format!(r#"{{"Records":[{}]}}"#, all.join(","))
    }

    fn in_sns(message: &str) -> String {
        let message = serde_json::Value::from(message);
        format!(
            r#"{{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":{message}}}"#
        )
    }

    #[test]
    fn an_s3_notification_names_what_was_created() {
        let put = notification("ObjectCreated:Put", "AWSLogs/1/a.json.gz", 9);
        let copied = notification("s3:ObjectCreated:Copy", "b", 9);
        let removed = notification("ObjectRemoved:Delete", "c", 9);
        let empty = notification("ObjectCreated:Put", "folder/", 0);
        let all = records(&[put.clone(), copied, removed.clone(), empty]);
        assert_eq!(named(says(&all)), "logs/AWSLogs/1/a.json.gz logs/b");
        assert_eq!(named(says(&in_sns(&all))), "logs/AWSLogs/1/a.json.gz logs/b");
        assert_eq!(named(says(&records(&[removed]))), "a notice");
        let Says::Objects(one) = says(&records(&[put])) else { panic!("it names one") };
        assert_eq!((one[0].region.as_deref(), one[0].size), (Some("eu-west-1"), Some(9)));
    }

    #[test]
    fn keys_of_notifications_are_url_encoded_and_others_are_not() {
        let key = |key| named(says(&records(&[notification("ObjectCreated:Put", key, 1)])));
        assert_eq!(key("a+b%2Bc%3Dd%C3%A9/%25"), "logs/a b+c=dé/%");
        assert_eq!(key("100%/x%zz"), "logs/100%/x%zz");
        assert_eq!(key("%ff"), "unknown: the key of an S3 notification is not UTF-8");
        let bridge = r#"{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","account":"111122223333","region":"eu-west-1","detail":{"bucket":{"name":"logs"},"object":{"key":"a+b%20c","size":5}}}"#;
        assert_eq!(named(says(bridge)), "logs/a+b%20c");
        assert_eq!(named(says(&in_sns(bridge))), "logs/a+b%20c");
        assert_eq!(named(says(&bridge.replace("Created", "Deleted"))), "a notice");
        let trail = r#"{"s3Bucket":"logs","s3ObjectKey":["a+b","c%20d"]}"#;
        assert_eq!(named(says(trail)), "logs/a+b logs/c%20d");
        assert_eq!(named(says(&in_sns(trail))), "logs/a+b logs/c%20d");
    }

    #[test]
    fn config_names_one_key_and_starts_nothing_with_a_start() {
        let done = r#"{"s3ObjectKey":"AWSLogs/1/Config/x.json.gz","s3Bucket":"conf","notificationCreationTime":"2024-02-15T14:00:03Z","messageType":"ConfigurationHistoryDeliveryCompleted","recordVersion":"1.1"}"#;
        assert_eq!(named(says(&in_sns(done))), "conf/AWSLogs/1/Config/x.json.gz");
        let begun = r#"{"configSnapshotId":"1","notificationCreationTime":"2024-02-15T14:00:03Z","messageType":"ConfigurationSnapshotDeliveryStarted","recordVersion":"1.1"}"#;
        assert_eq!(named(says(begun)), "a notice");
        let change = r#"{"configurationItem":{"configurationItemCaptureTime":"2024-02-15T14:00:00.500Z","configurationItemStatus":"OK","resourceType":"AWS::EC2::SecurityGroup","resourceId":"sg-1","awsAccountId":"111122223333"},"messageType":"ConfigurationItemChangeNotification","recordVersion":"1.3"}"#;
        assert_eq!(named(says(change)), "a record");
    }

    #[test]
    fn an_event_is_a_record_and_keeps_its_wrapper() {
        let event = r#"{"version":"0","id":"7","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","time":"2024-02-15T14:00:00Z","region":"eu-west-1","resources":[],"detail":{}}"#;
        assert_eq!(says(event), Says::Record(event.to_owned()));
        let wrapped = in_sns(event);
        assert_eq!(says(&wrapped), Says::Record(wrapped.clone()));
    }

    #[test]
    fn tests_and_confirmations_ask_for_nothing() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-02-15T14:00:00.000Z","Bucket":"logs","RequestId":"r","HostId":"h"}"#;
        assert_eq!(says(test), Says::Test);
        assert_eq!(says(&in_sns(test)), Says::Test);
        assert_eq!(says("CloudTrail validation message."), Says::Test);
        let confirm =
            in_sns("You have chosen…").replace("Notification", "SubscriptionConfirmation");
        assert_eq!(says(&confirm), Says::Notice);
    }

    #[test]
    fn what_nobody_knows_is_told_and_never_a_panic() {
        let nested = (0..9).fold("x".to_owned(), |inner, _| in_sns(&inner));
        let many = format!(r#"{{"s3Bucket":"b","s3ObjectKey":[{}"x"]}}"#, r#""k","#.repeat(1001));
        for (body, told) in [
            ("", "it is no JSON"),
            ("[1]", "no JSON object"),
            (r#"{"hello":"world"}"#, "no record"),
            (&nested, "too deeply"),
            (&many, "more than 1000"),
            (r#"{"s3Bucket":"b","s3ObjectKey":[{}]}"#, "no text"),
            (r#"{"s3Bucket":"","s3ObjectKey":"k"}"#, "no bucket"),
            (r#"{"Type":"Notification","TopicArn":"t"}"#, "holds no message"),
            (
                r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}]}"#,
                "no bucket and key",
            ),
        ] {
            let Says::Unknown(why) = says(body) else { panic!("{body} was understood") };
            assert!(why.contains(told), "{body}: {why}");
        }
    }
}
