//! SNS: against moto, read back from a queue with the AWS CLI; and against a service that fails.

use wk_aws::Sns;
use wk_seam::courier::{Courier as _, Outcome, Parcel, SnsTarget};

use crate::moto::Moto;
use crate::service::{Reply, Service, client, wait_for};

fn parcel(to: SnsTarget) -> Parcel {
    let subject = matches!(to, SnsTarget::Topic(_)).then(|| "High: root was used".to_owned());
    Parcel::Sns {
        to,
        subject,
        message: "root did it & \"more\" ümlaut".into(),
        attributes: vec![("severity".into(), "High".into())],
    }
}

fn topic() -> SnsTarget {
    SnsTarget::Topic("arn:aws:sns:eu-central-1:123456789012:alerts".into())
}

#[test]
fn moto_a_notice_arrives_with_subject_and_attributes() {
    let Some(moto) = Moto::start() else { return };
    let topic = moto.cli(&["sns", "create-topic", "--name", "alerts"]);
    let topic = topic["TopicArn"].as_str().unwrap();
    let queue = moto.cli(&["sqs", "create-queue", "--queue-name", "seen"]);
    let queue = queue["QueueUrl"].as_str().unwrap();
    let arn = "arn:aws:sqs:eu-central-1:123456789012:seen";
    moto.cli(&[
        "sns",
        "subscribe",
        "--topic-arn",
        topic,
        "--protocol",
        "sqs",
        "--notification-endpoint",
        arn,
    ]);
    let (client, notes) = client(&moto.url);
    let sns = Sns::new(client);
    let outcome = wait_for(sns.carry(&parcel(SnsTarget::Topic(topic.into()))));
    let Outcome::Accepted { receipt, .. } = outcome else { panic!("{outcome:?}") };
    let got = moto.cli(&["sqs", "receive-message", "--queue-url", queue]);
    let seen: serde_json::Value =
        serde_json::from_str(got["Messages"][0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(seen["Subject"], "High: root was used");
    assert_eq!(seen["Message"], "root did it & \"more\" ümlaut");
    assert_eq!(seen["MessageAttributes"]["severity"]["Value"], "High");
    assert!(receipt.contains(seen["MessageId"].as_str().unwrap()), "{receipt}");
    let phone = wait_for(sns.carry(&parcel(SnsTarget::Phone("+491700000000".into()))));
    assert!(matches!(phone, Outcome::Accepted { .. }), "{phone:?}");
    let recorded = serde_json::to_string(&notes.records()).unwrap();
    assert!(!recorded.contains("root did it") && !recorded.contains("+4917"), "{recorded}");
}

#[test]
fn moto_a_topic_that_is_not_there_is_refused_for_good() {
    let Some(moto) = Moto::start() else { return };
    let (client, _) = client(&moto.url);
    let outcome = wait_for(Sns::new(client).carry(&parcel(topic())));
    let Outcome::Refused { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("sns:Publish") && reason.contains("NotFound"), "{reason}");
}

fn carried(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Outcome, usize) {
    let service = Service::start(move |before, _| reply(before));
    let (client, _) = client(&service.url);
    let outcome = wait_for(Sns::new(client).carry(&parcel(topic())));
    (outcome, service.asked().len())
}

fn refusal(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
    );
    (status, Vec::new(), body)
}

#[test]
fn a_publication_that_may_have_been_made_is_not_made_again_blindly() {
    for reply in [refusal(500, "InternalError"), (0, Vec::new(), String::new())] {
        let (outcome, asked) = carried(move |_| reply.clone());
        let Outcome::Later { reason, .. } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("may have been published"), "{reason}");
        assert_eq!(asked, 1);
    }
}

#[test]
fn a_publication_that_was_throttled_was_not_made_and_is_made_again() {
    let published = "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";
    let (outcome, asked) = carried(move |before| match before {
        0 | 1 => refusal(400, "Throttling"),
        _ => (200, Vec::new(), published.into()),
    });
    let receipt = "SNS message m-1".to_owned();
    assert_eq!((outcome, asked), (Outcome::Accepted { receipt, reference: None }, 3));
}

#[test]
fn what_signing_in_again_mends_waits_and_what_it_does_not_is_refused() {
    let (expired, _) = carried(|_| refusal(403, "ExpiredToken"));
    assert!(matches!(expired, Outcome::Later { .. }), "{expired:?}");
    let (denied, asked) = carried(|_| refusal(403, "AuthorizationError"));
    assert!(matches!(denied, Outcome::Refused { .. }) && asked == 1, "{denied:?}");
    let (client, _) = client("http://127.0.0.1:9");
    let wrong = wait_for(Sns::new(client).carry(&parcel(SnsTarget::Topic("alerts".into()))));
    assert!(matches!(wrong, Outcome::Refused { .. }), "{wrong:?}");
}
