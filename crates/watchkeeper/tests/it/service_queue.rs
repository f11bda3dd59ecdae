//! The service on a queue and a bucket of moto, which tells the queue of every object as S3 does.

use std::time::Duration;

use crate::corpus::Corpus;
use crate::program::Home;
use crate::s3::{Moto, as_reader};
use crate::service::Running;

/// Makes a bucket `logs` that tells the queue `trail` of every object, and its dead letters.
const SET_UP: &str = "
import json
sqs = boto3.client('sqs', endpoint_url=endpoint, **keys)
s3.create_bucket(Bucket='logs', CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})
def arn(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']['QueueArn']
dead = sqs.create_queue(QueueName='dead')['QueueUrl']
redrive = json.dumps({'deadLetterTargetArn': arn(dead), 'maxReceiveCount': 50})
url = sqs.create_queue(QueueName='trail', Attributes={'RedrivePolicy': redrive})['QueueUrl']
s3.put_bucket_notification_configuration(Bucket='logs', NotificationConfiguration={
    'QueueConfigurations': [{'QueueArn': arn(url), 'Events': ['s3:ObjectCreated:*']}]})
print(url)
";

/// Puts files into the bucket, and tells of every third one again, as CloudTrail does by SNS.
const PUT: &str = "
import json
sqs = boto3.client('sqs', endpoint_url=endpoint, **keys)
url = sqs.get_queue_url(QueueName='trail')['QueueUrl']
for number, path in enumerate(words):
    key = 'trail/with blank+plus/' + path.replace('/', '_')
    s3.upload_file(path, 'logs', key)
    if number % 3 == 0:
        inner = json.dumps({'s3Bucket': 'logs', 's3ObjectKey': [key]})
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(
            {'Type': 'Notification', 'TopicArn': 'arn:aws:sns:eu-central-1:123456789012:t', 'Message': inner}))
";

/// How many messages the queue holds, those that are in flight too.
const LEFT: &str = "
sqs = boto3.client('sqs', endpoint_url=endpoint, **keys)
url = sqs.get_queue_url(QueueName='trail')['QueueUrl']
a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
print(int(a['ApproximateNumberOfMessages']) + int(a['ApproximateNumberOfMessagesNotVisible']))
";

const POISON: &str = "
sqs = boto3.client('sqs', endpoint_url=endpoint, **keys)
sqs.send_message(QueueUrl=words[0], MessageBody='what is this')
";

/// What was opened: new objects, and such as were known.
const HANDLED: &str = "watchkeeper_objects_total|watchkeeper_known_objects_total";

#[test]
fn moto_a_queue_is_read_to_its_end_over_kills_and_redelivery() {
    let Some(moto) = Moto::start() else { return };
    let (corpus, plain_home, home) = (Corpus::some(90), Home::new(), Home::new());
    plain_home.ingest([corpus.path()]);
    let url = moto.do_in_python(SET_UP, &[]).trim().to_owned();
    std::fs::create_dir_all(home.path()).unwrap();
    let config = format!(
        "[service]\nlisten = '127.0.0.1:0'\ngather_seconds = 1\n[[queue]]\nurl = '{url}'\nprofile = 'reader'\nbuckets = ['logs']\ninvisible_seconds = 30\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let begin =
        || Running::begin(as_reader(&home, &moto.endpoint, &["run", "--log-format", "json"]));
    let put = |files: std::ops::Range<usize>| {
        let files: Vec<&str> = corpus.files[files].iter().map(|f| f.to_str().unwrap()).collect();
        moto.do_in_python(PUT, &files);
    };
    // Killed while it reads, twice: its messages come again when they are visible again.
    for files in [0..40, 40..70] {
        put(files);
        let mut running = begin();
        running.reaches(HANDLED, 1.0);
        running.kill();
    }
    put(70..90);
    moto.do_in_python(POISON, &[&url]);
    let last = begin();
    let left = || moto.do_in_python(LEFT, &[]).trim().parse::<u32>().unwrap();
    for _ in 0..90 {
        if left() <= 1 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(900));
    }
    assert_eq!(left(), 1, "only what nobody understands is left");
    assert_eq!(last.stop().0, Some(0));
    let (mut seen, plain) = (home.seen(), plain_home.seen());
    let complaints = |seen: &crate::program::Seen| seen.complaints.as_array().unwrap().len();
    assert_eq!(complaints(&seen), 1 + complaints(&plain), "{}", seen.complaints);
    assert!(seen.complaints.to_string().contains("what is this"), "{}", seen.complaints);
    // Two keys are two objects, whatever they hold: they differ in what was a duplicate, and in the
    // names of rows that have no id of their own.
    let raws = |home: &Home| {
        let ask = "SELECT source, event_time, raw FROM events ORDER BY source, event_time, raw";
        home.run(["query", "--format", "jsonl", "--sql", ask]).out
    };
    assert!(raws(&home) == raws(&plain_home), "the same events, each once");
    seen.complaints = plain.complaints.clone();
    (seen.tallies, seen.digest) = (plain.tallies.clone(), plain.digest);
    assert_eq!(seen, plain);
}
