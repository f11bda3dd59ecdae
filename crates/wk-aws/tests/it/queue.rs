//! SQS: against moto, read back with the AWS CLI; and against a service that does half.

use std::sync::Arc;

use serde_json::json;
use wk_aws::Sqs;
use wk_fake_aws::{FakeAws, World};
use wk_model::Timestamp;
use wk_seam::clock::{Clock as _, StandingClock};
use wk_seam::fakes::queue_promises::holds_and_lets_go;
use wk_seam::queue::Queue as _;

use crate::moto::Moto;
use crate::service::{Keys, NOW, Service, client, client_by, wait_for};

fn waiting(moto: &Moto, url: &str) -> (String, String) {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let mut words = vec!["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names"];
    words.extend(names);
    let said = moto.cli(&words);
    let count = |name: &str| said["Attributes"][name].as_str().unwrap_or("?").to_owned();
    (count(names[0]), count(names[1]))
}

#[test]
fn moto_messages_are_received_extended_deleted_and_counted() {
    let Some(moto) = Moto::start() else { return };
    let made = moto.cli(&["sqs", "create-queue", "--queue-name", "logs"]);
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    for number in 0..12 {
        let body = format!("message {number} with \"quotes\", ümlaut and <xml>");
        moto.cli(&["sqs", "send-message", "--queue-url", &url, "--message-body", &body]);
    }
    let (client, notes) = client(&moto.url);
    let arn = "arn:aws:sqs:eu-central-1:123456789012:logs";
    let all = wait_for(async {
        let queue = Sqs::over(client.clone(), arn).await.unwrap();
        assert_eq!(queue.name(), url);
        assert_eq!(queue.depth().await.unwrap().waiting, 12);
        let mut all = queue.receive(10, 0, 30).await.unwrap();
        all.extend(queue.receive(10, 0, 30).await.unwrap());
        let receipts: Vec<String> = all.iter().map(|m| m.receipt.clone()).collect();
        assert_eq!(queue.extend(&receipts, 600).await.unwrap(), Vec::<String>::new());
        assert_eq!(queue.depth().await.unwrap().in_flight, 12);
        // Two come back at once, ten are done; a receipt that was never one has failed.
        assert!(queue.extend(&receipts[..2], 0).await.unwrap().is_empty());
        let mut done = receipts[2..].to_vec();
        done.push("never-one".into());
        assert_eq!(queue.delete(&done).await.unwrap(), ["never-one"]);
        all
    });
    assert_eq!(all.len(), 12);
    assert!(
        all.iter().all(|m| m.deliveries == 1 && m.body.contains("\"quotes\", ümlaut and <xml>"))
    );
    assert_eq!(waiting(&moto, &url), ("2".into(), "0".into()));
    let again = wait_for(async {
        let queue = Sqs::over(client, "logs").await.unwrap();
        queue.receive(10, 1, 30).await.unwrap()
    });
    assert_eq!(again.iter().map(|m| m.deliveries).collect::<Vec<_>>(), [2, 2]);
    assert!(!serde_json::to_string(&notes.records()).unwrap().contains(&again[0].receipt));
}

#[test]
fn moto_a_queue_that_is_not_there_is_named() {
    let Some(moto) = Moto::start() else { return };
    let (client, _) = client(&moto.url);
    let failure = wait_for(Sqs::over(client, "nowhere")).unwrap_err();
    let said = format!("{failure}: {}", failure.source);
    assert!(said.contains("NonExistentQueue") && said.contains("check the name"), "{said}");
    assert!(!failure.transient);
}

#[test]
fn what_sqs_could_not_delete_is_answered_also_when_it_says_nothing_of_it() {
    let service = Service::start(|before, _| {
        let body = match before {
            0 => {
                json!({"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "x", "SenderFault": true}]})
            }
            _ => json!({}),
        };
        (200, Vec::new(), body.to_string())
    });
    let (client, _) = client(&service.url);
    let failed = wait_for(async {
        let queue = Sqs::over(client, &format!("{}/1/q", service.url)).await.unwrap();
        let receipts: Vec<String> = (0..11).map(|n| format!("receipt-{n}")).collect();
        queue.delete(&receipts).await.unwrap()
    });
    assert_eq!(failed.len(), 10, "{failed:?}");
    assert!(!failed.contains(&"receipt-0".to_owned()));
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn a_message_without_its_count_of_deliveries_is_an_error() {
    let service = Service::start(|_, _| {
        let message = json!({"MessageId": "m", "ReceiptHandle": "h", "Body": "b"});
        (200, Vec::new(), json!({"Messages": [message]}).to_string())
    });
    let (client, _) = client(&service.url);
    let queue: Arc<dyn wk_seam::queue::Queue> =
        Arc::new(wait_for(Sqs::over(client, &format!("{}/1/q", service.url))).unwrap());
    assert!(wait_for(queue.receive(10, 0, 30)).is_err());
}

const SENT: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "\"k\"", "<ü & m>"];

#[test]
fn moto_sqs_holds_what_every_queue_promises() {
    let Some(moto) = Moto::start() else { return };
    let made = moto.cli(&["sqs", "create-queue", "--queue-name", "logs"]);
    let url = made["QueueUrl"].as_str().unwrap();
    for ten in SENT.chunks(10) {
        let entries: Vec<serde_json::Value> = ten
            .iter()
            .enumerate()
            .map(|(n, body)| json!({"Id": n.to_string(), "MessageBody": body}))
            .collect();
        let entries = serde_json::Value::from(entries).to_string();
        moto.cli(&["sqs", "send-message-batch", "--queue-url", url, "--entries", &entries]);
    }
    let (client, _) = client(&moto.url);
    wait_for(async {
        let queue = Sqs::over(client, "logs").await.unwrap();
        holds_and_lets_go(&queue, &SENT).await;
    });
}

#[test]
fn the_strict_stand_in_s_sqs_holds_the_same() {
    let clock = std::sync::Arc::new(StandingClock::at(Timestamp::parse(NOW).unwrap()));
    let mut world = World::organization(&["111122223333"], &["eu-central-1"], "r", "x");
    let here = world.here("111122223333", "eu-central-1");
    SENT.iter().for_each(|body| here.send("logs", body, clock.now()));
    let fake = FakeAws::start(world, clock.clone()).unwrap();
    let (client, _) = client_by(fake.url(), None, clock, Keys("example"));
    wait_for(async {
        let queue = Sqs::over(client, "logs").await.unwrap();
        holds_and_lets_go(&queue, &SENT).await;
    });
}
