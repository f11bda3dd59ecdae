//! CloudWatch Logs by pull: against moto, and against a service that brings events late and twice.

use serde_json::{Value, json};
use wk_aws::{Cursor, LogsPull, Pulled};
use wk_model::Timestamp;
use wk_seam::aws::Target;

use crate::moto::Moto;
use crate::service::{Service, client, wait_for};

const OWNER: &str = "123456789012";

fn documents(pulled: &Pulled) -> Vec<Value> {
    pulled.documents.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn moto_a_group_is_read_to_its_end_in_the_form_of_a_subscription() {
    let Some(moto) = Moto::start() else { return };
    moto.cli(&["logs", "create-log-group", "--log-group-name", "/app/web"]);
    let now = 1_795_000_000_000_i64;
    for stream in ["a", "b"] {
        moto.cli(&[
            "logs",
            "create-log-stream",
            "--log-group-name",
            "/app/web",
            "--log-stream-name",
            stream,
        ]);
        let events: Vec<Value> = (0..30)
            .map(|n| json!({"timestamp": now - 60_000 + n, "message": format!("{stream} {n} \"x\"")}))
            .collect();
        let events = Value::from(events).to_string();
        moto.cli(&[
            "logs",
            "put-log-events",
            "--log-group-name",
            "/app/web",
            "--log-stream-name",
            stream,
            "--log-events",
            &events,
        ]);
    }
    let (client, _) = client(&moto.url);
    let pull = LogsPull::new(client.clone(), "/app/web", OWNER, Target::default()).unwrap();
    let from = Cursor::from(Timestamp::from_millis(now - 3_600_000));
    let first = wait_for(pull.page(&from, Timestamp::from_millis(now))).unwrap();
    assert_eq!((first.events, first.again, first.done), (60, 0, true));
    let told = documents(&first);
    let (kind, stream) = (&told[0]["messageType"], &told[1]["logStream"]);
    assert_eq!((kind, stream), (&json!("DATA_MESSAGE"), &json!("b")));
    assert_eq!(told[0]["logEvents"][29]["message"], "a 29 \"x\"");
    // The next round looks back, and what it sees again is left out.
    let second = wait_for(pull.page(&first.cursor, Timestamp::from_millis(now + 1000))).unwrap();
    assert_eq!((second.events, second.again, second.documents.len()), (0, 60, 0));
    let groups = wait_for(client.log_groups(&Target::default())).unwrap();
    assert_eq!(groups.pages[0].log_group_name, "/app/web");
}

#[test]
fn moto_log_groups_beyond_the_first_page_are_seen() {
    let Some(moto) = Moto::start() else { return };
    let names: Vec<String> = (0..61).map(|n| format!("/app/{n:03}")).collect();
    let make = "import boto3, sys\nc = boto3.client('logs', endpoint_url=sys.argv[1], region_name='eu-central-1', aws_access_key_id='AKIAEXAMPLE', aws_secret_access_key='example')\nfor n in sys.argv[2:]: c.create_log_group(logGroupName=n)";
    let python = crate::moto::python().unwrap();
    let made = std::process::Command::new(python)
        .args(["-c", make, &moto.url])
        .args(&names)
        .status()
        .unwrap();
    assert!(made.success());
    let (client, _) = client(&moto.url);
    let groups = wait_for(client.log_groups(&Target::default())).unwrap();
    assert_eq!((groups.pages.len(), groups.is_whole()), (61, true));
    assert!(groups.request_ids.len() > 1);
}

#[test]
fn a_round_goes_on_where_it_was_stopped_and_late_events_are_found() {
    let event = |id: &str, at: i64| json!({"eventId": id, "timestamp": at, "message": id, "logStreamName": "s"});
    let now = 100_000_000_i64;
    let service = Service::start(move |before, asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let answer = match before {
            0 => json!({"events": [event("1", now - 5000)], "nextToken": "t1"}),
            1 => {
                assert_eq!((&body["nextToken"], &body["endTime"]), (&json!("t1"), &json!(now)));
                json!({"events": [event("2", now - 4000)]})
            }
            _ => {
                assert!(
                    body["startTime"].as_i64().unwrap() < now - 5000
                        && body.get("nextToken").is_none()
                );
                json!({"events": [event("1", now - 5000), event("late", now - 4500), event("2", now - 4000)]})
            }
        };
        (200, Vec::new(), answer.to_string())
    });
    let (client, _) = client(&service.url);
    let pull = LogsPull::new(client, "g", OWNER, Target::default()).unwrap();
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    for later in 0..3 {
        let page =
            wait_for(pull.page(&cursor, Timestamp::from_millis(now + later * 1000))).unwrap();
        seen.push((page.events, page.again, page.done));
        // Kept and read again, as after a restart.
        cursor = serde_json::from_str(&serde_json::to_string(&page.cursor).unwrap()).unwrap();
    }
    assert_eq!(seen, [(1, 0, false), (1, 0, true), (1, 2, true)]);
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let (client, _) = client("http://127.0.0.1:9");
    for name in ["", "a b", "x\ny", &"g".repeat(513)] {
        let refused = LogsPull::new(client.clone(), name, OWNER, Target::default());
        assert!(refused.is_err(), "{name}");
    }
}
