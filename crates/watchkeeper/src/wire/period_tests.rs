//! Checks over a period and checks of the user, over a lake of three days.

use std::sync::Arc;

use serde_json::{Value, json};
use wk_engine::ingest::Progress;
use wk_model::capture::Outcome;
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Sha256, Timestamp};
use wk_seam::clock::StandingClock;
use wk_seam::objects::Objects;
use wk_store::objects::LocalTree;
use wk_watch::{period, sources};

use super::App;
use super::inventory::{take_in, write_lines};
use super::own_checks::Asked;
use crate::config::Home;

const OWN: &str = "111122223333";
const START: i64 = 1_782_864_000; // 2026-07-01
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(START + second)
}

struct World {
    folder: tempfile::TempDir,
    app: App,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(&folder.path().join("home"))).unwrap();
        let app = App::open(home).unwrap();
        Self { folder, app: app.with_clock(Arc::new(StandingClock::at(at(4 * DAY)))) }
    }

    /// Walks that saw the recorder: when, and whether it was on.
    async fn walked(&self, seen: &[(i64, bool)]) {
        let lines: Vec<Value> = seen.iter().map(|(s, on)| json!(capture(*s, *on))).collect();
        let folder = self.folder.path().join("walks");
        write_lines(&folder, "walks.ndjson", &lines).unwrap();
        take_in(&self.app, &folder, &sources::inventory::SOURCE).await.unwrap();
    }

    async fn called(&self, calls: &[(i64, &str)]) {
        let records: Vec<Value> = calls.iter().map(|(second, name)| call(*second, name)).collect();
        let file = self.folder.path().join("calls.json");
        std::fs::write(&file, json!({"Records": records}).to_string()).unwrap();
        let ingest = self.app.ingest(None, wk_watch::detect::Detections::none()).await.unwrap();
        let places: [Arc<dyn Objects>; 1] = [Arc::new(LocalTree::new(file.to_str().unwrap()))];
        ingest.run(&places, &Progress::default()).await.unwrap();
    }

    fn own(&self, name: &str, text: &str) {
        let folder = self.app.home.path().join("checks");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
}

fn capture(second: i64, on: bool) -> Capture {
    let (run, key) = (at(second).to_string(), "config:DescribeConfigurationRecorderStatus");
    Capture {
        id: Capture::id_of(&run, key, OWN, "eu-west-1", &json!({})),
        run,
        service: "config".into(),
        operation: "DescribeConfigurationRecorderStatus".into(),
        parameters: json!({}),
        account: OWN.into(),
        region: "eu-west-1".into(),
        at: at(second).to_string(),
        principal: "arn:me".into(),
        request_ids: Vec::new(),
        outcome: Outcome::Answered,
        reason: None,
        answer_sha256: Sha256::of(b""),
        masked: Vec::new(),
        answer: vec![json!({"ConfigurationRecordersStatus": [{"recording": on}]})],
    }
}

fn call(second: i64, name: &str) -> Value {
    json!({
        "eventVersion": "1.09", "eventTime": at(second).to_string(),
        "eventSource": "config.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7", "readOnly": false,
        "userIdentity": {"type": "IAMUser", "accountId": OWN, "arn": "arn:eve"},
        "eventID": format!("{name}-{second}"), "eventType": "AwsApiCall",
        "managementEvent": true, "recipientAccountId": OWN,
    })
}

fn said(rows: &[CheckResult]) -> Vec<String> {
    rows.iter().map(|r| format!("{} {} {}: {}", r.verdict, r.region, r.resource, r.why)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_an_outage_is_told_out_of_calls_and_walks_of_the_lake() {
    let world = World::new();
    world.walked(&[(-HOUR, true), (23 * HOUR, true), (47 * HOUR, true), (71 * HOUR, true)]).await;
    let (stop, start) = ("StopConfigurationRecorder", "StartConfigurationRecorder");
    world.called(&[(30 * HOUR, stop), (32 * HOUR, start)]).await;
    let check = period::named("config-recorder-on-for-the-period").unwrap();
    let rows = world.app.over_period(&[check], (at(0), at(3 * DAY))).await.unwrap();
    let rows: Vec<CheckResult> = rows.into_iter().map(|(_, row)| row).collect();
    assert_eq!(
        said(&rows),
        [
            "NON_COMPLIANT eu-west-1 recorder: off for 2 h of 72 h: 2026-07-02T06:00:00Z to 2026-07-02T08:00:00Z (StopConfigurationRecorder by arn:eve at 2026-07-02T06:00:00Z, StartConfigurationRecorder by arn:eve at 2026-07-02T08:00:00Z)"
        ]
    );
    assert!(rows[0].evidence.contains(&"StopConfigurationRecorder-108000".to_owned()));
    // The first day was well, and of a day that no walk is near nobody knows.
    let day = |from: i64| (at(from * DAY), at((from + 1) * DAY));
    let verdict =
        async |period| world.app.over_period(&[check], period).await.unwrap()[0].1.verdict;
    assert_eq!(verdict(day(0)).await, Verdict::Compliant);
    assert_eq!(verdict(day(20)).await, Verdict::NoData);
}

const HOURS: &str = "\
id: hours-with-calls
title: Every hour has calls
severity: medium
points: [CC7.2]
why: A silent hour is a hole.
remediation: Look at the trail.
rows: faults
needs: SELECT 1 FROM cloudtrail WHERE event_time >= ${since} AND event_time < ${until} LIMIT 1
sql: SELECT account, region, \"eventName\" AS resource, 'it was called' AS why FROM cloudtrail WHERE event_time >= ${since} AND event_time < ${until} ORDER BY event_time
";

#[tokio::test(flavor = "multi_thread")]
async fn slow_a_check_of_the_user_is_asked_within_its_period_and_an_empty_lake_is_no_data() {
    let world = World::new();
    world.called(&[(30 * HOUR, "StopConfigurationRecorder")]).await;
    world.own("hours.yml", HOURS);
    world.own("broken.yml", "id: x\n");
    world.own(
        "gone.yml",
        &HOURS.replace("hours-with", "columns-of").replace("account, region", "nobody"),
    );
    let (checks, bad) = world.app.own_checks().unwrap();
    assert_eq!((checks.len(), bad.len()), (2, 1), "{bad:?}");
    let asked =
        |from: i64| Asked { run: String::new(), period: (at(from * DAY), at((from + 1) * DAY)) };
    let rows = world.app.ask_own(&checks, &asked(1)).await.unwrap();
    let rows: Vec<CheckResult> = rows.into_iter().map(|(_, row)| row).collect();
    let told = said(&rows);
    assert!(
        told[0].starts_with("NO_DATA global the lake: sql") && told[0].contains("nobody"),
        "{told:?}"
    );
    assert_eq!(told[1], "NON_COMPLIANT eu-west-1 StopConfigurationRecorder: it was called");
    assert_eq!(rows[1].account, OWN);
    let empty = world.app.ask_own(&checks[1..], &asked(0)).await.unwrap();
    assert_eq!((empty.len(), empty[0].1.verdict), (1, Verdict::NoData));
    assert!(world.app.plan_own(&checks[1]).await.is_ok());
    let wrong = format!("{:#}", world.app.plan_own(&checks[0]).await.unwrap_err());
    assert!(wrong.contains("nobody"), "{wrong}");
}
