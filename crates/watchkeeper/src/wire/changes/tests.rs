//! The service's posture under a clock that is set by hand, against an AWS that is made up.

use std::collections::BTreeMap;
use std::sync::{Mutex as StdMutex, PoisonError};

use serde_json::{Value, json};
use wk_model::finding::Origin;
use wk_model::{Exception, Finding};
use wk_seam::aws::{AwsError, AwsErrorKind, AwsRead, AwsResult, CallName, ReadCall, Whole};
use wk_seam::clock::StandingClock;
use wk_seam::fakes::MemoryBookmarks;
use wk_seam::ledger::FindingQuery;
use wk_seam::objects::Objects;
use wk_store::objects::LocalTree;

use super::*;
use crate::config::Home;

const OWN: &str = "111122223333";
const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/org";
const START: i64 = 1_795_341_600; // 2026-11-22T10:00:00Z

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(START + second)
}

/// Answers by question; what has none is denied.
#[derive(Default)]
struct Made(StdMutex<BTreeMap<&'static str, Value>>);

impl Made {
    fn put(&self, key: &'static str, page: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, page);
    }
    fn deny(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
    fn logs(&self, on: bool) {
        self.put("cloudtrail:GetTrailStatus", json!({"IsLogging": on}));
    }
}

impl AwsRead for Made {
    fn read<'a>(&'a self, call: &'a ReadCall) -> Future<'a, AwsResult<Whole<Value>>> {
        let key = format!("{}:{}", call.operation.service, call.operation.name);
        let page = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key.as_str()).cloned();
        let name = CallName::of(call.operation, &call.target);
        Box::pin(async move {
            let page = page.ok_or_else(|| AwsError::new(name, AwsErrorKind::Denied, "no"))?;
            Ok(Whole { pages: vec![page], next: None, request_ids: vec!["q".into()] })
        })
    }
}

/// A home, a clock, an AWS.
struct World {
    folder: tempfile::TempDir,
    clock: Arc<StandingClock>,
    app: Arc<App>,
    aws: Arc<Made>,
    bookmarks: Arc<MemoryBookmarks>,
    files: usize,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(StandingClock::at(at(0)));
        let home = Home::open(Some(&folder.path().join("home"))).unwrap();
        let config = "[inventory]\nat = '01:00'\nservices = ['cloudtrail', 'guardduty']\n";
        std::fs::write(home.config(), config).unwrap();
        let app = Arc::new(App::open(home).unwrap().with_clock(clock.clone()));
        let aws = Arc::new(Made::default());
        aws.put("sts:GetCallerIdentity", json!({"Account": OWN, "Arn": "arn:me"}));
        aws.put("ec2:DescribeRegions", json!({"regionInfo": [{"regionName": "eu-west-1"}]}));
        let trail = json!({
            "Name": "org", "TrailARN": TRAIL, "HomeRegion": "eu-west-1", "S3BucketName": "b",
            "IsMultiRegionTrail": true, "LogFileValidationEnabled": true,
        });
        aws.put("cloudtrail:DescribeTrails", json!({"trailList": [trail]}));
        aws.logs(true);
        aws.put("guardduty:ListDetectors", json!({"detectorIds": ["d1"]}));
        aws.put("guardduty:GetDetector", json!({"status": "ENABLED"}));
        let bookmarks = Arc::new(MemoryBookmarks::new(clock.clone()));
        Self { folder, clock, app, aws, bookmarks, files: 0 }
    }

    fn way(&self) -> Way {
        Way { aws: self.aws.clone(), home_region: "eu-west-1".into() }
    }

    fn watch(&self) -> ChangeWatch {
        let way = self.way();
        let ways: Ways = Box::new(move || {
            let way = way.clone();
            Box::pin(async move { Ok(way) })
        });
        ChangeWatch::new(self.app.clone(), ways, self.bookmarks.clone())
    }

    async fn daily(&self, second: i64) -> String {
        self.clock.set(at(second));
        daily(&self.app, &self.way(), &counts::Counts::default()).await.unwrap()
    }

    /// A call happens at one time and is read at another.
    async fn call(&mut self, happened: i64, read: i64, service: &str, name: &str) {
        let record = json!({
            "eventVersion": "1.09", "eventTime": at(happened).to_string(),
            "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
            "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "readOnly": false,
            "userIdentity": {"type": "IAMUser", "accountId": OWN, "userName": "eve",
                "arn": "arn:aws:iam::111122223333:user/eve"},
            "eventID": format!("{name}-{happened}"), "eventType": "AwsApiCall",
            "managementEvent": true, "eventCategory": "Management", "recipientAccountId": OWN,
        });
        self.files += 1;
        let file = self.folder.path().join(format!("{}.json", self.files));
        std::fs::write(&file, json!({"Records": [record]}).to_string()).unwrap();
        self.clock.set(at(read));
        let ingest = self.app.ingest(None, wk_watch::detect::Detections::none()).await.unwrap();
        let places: [Arc<dyn Objects>; 1] = [Arc::new(LocalTree::new(file.to_str().unwrap()))];
        ingest.run(&places, &wk_engine::ingest::Progress::default()).await.unwrap();
    }

    async fn turn(&self, watch: &ChangeWatch, second: i64) -> Vec<Looked> {
        self.clock.set(at(second));
        watch.turn().await.unwrap()
    }

    /// Findings of one check, the oldest first.
    async fn findings(&self, check: &str) -> Vec<Finding> {
        let query = FindingQuery { product: Some("posture".into()), ..FindingQuery::default() };
        let mut all = self.app.ledger.findings(&query).await.unwrap();
        all.retain(|finding| finding.rule.id == check);
        all.sort_by_key(|finding| finding.first_seen);
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_a_drift_is_a_finding_within_a_minute_of_its_event_and_over_when_it_is_mended() {
    let mut world = World::new();
    let said = world.daily(0).await;
    assert!(said.contains("1 accounts, 1 regions") && said.contains("0 drifted"), "{said}");
    let watch = world.watch();
    assert_eq!(world.turn(&watch, 5).await, []);

    world.aws.logs(false);
    world.call(600, 620, "cloudtrail", "StopLogging").await;
    let looked = world.turn(&watch, 625).await;
    assert_eq!(looked.len(), 1);
    let look = &looked[0].look;
    assert_eq!((look.region.clone(), &look.services), (None, &vec!["cloudtrail"]));
    assert_eq!(look.events, ["cloudtrail:StopLogging"]);
    let found = world.findings("CLOUD_TRAIL_ENABLED").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    let known = world.app.ledger.known_since().await.unwrap()[&found[0].id];
    assert!(known <= at(660), "known at {known}, a minute after {}", at(600));
    assert_eq!(found[0].resources, [OWN]);
    assert_eq!(found[0].rule.controls, ["CC7.2"]);
    assert_eq!((found[0].origin, found[0].ended), (Origin::Live, None));
    let grounds: BTreeMap<&str, &str> =
        found[0].matched.iter().map(|m| (m.field.as_str(), m.value.as_str())).collect();
    assert_eq!(grounds["check.requirements"], "R-051");
    assert_eq!(grounds["check.because"], "cloudtrail:StopLogging");
    assert!(!grounds["check.evidence"].is_empty());

    // Nothing new: nothing is asked again.
    assert_eq!(world.turn(&watch, 700).await, []);
    world.aws.logs(true);
    world.call(900, 910, "cloudtrail", "StartLogging").await;
    assert_eq!(world.turn(&watch, 915).await[0].mended, looked[0].drifted);
    let found = world.findings("CLOUD_TRAIL_ENABLED").await;
    assert_eq!((found.len(), found[0].ended), (1, Some(at(915))));

    // A second drift is another finding.
    world.aws.logs(false);
    world.call(1800, 1810, "cloudtrail", "StopLogging").await;
    world.turn(&watch, 1815).await;
    let found = world.findings("CLOUD_TRAIL_ENABLED").await;
    assert_eq!((found.len(), found[1].ended), (2, None));
    // What is judged later is judged with what was asked again.
    let posture = Posture::of(
        world.app.caught(&world.app.newest_walk().await.unwrap().unwrap()).await.unwrap(),
    );
    let view = posture.view(OWN, GLOBAL);
    let status = view.one_of("cloudtrail:GetTrailStatus", TRAIL).unwrap().unwrap();
    assert_eq!(status["IsLogging"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_a_detector_that_is_gone_is_a_drift_and_what_is_denied_is_none() {
    let mut world = World::new();
    world.daily(0).await;
    let watch = world.watch();
    world.turn(&watch, 5).await;
    world.aws.deny("cloudtrail:GetTrailStatus");
    world.call(100, 110, "cloudtrail", "UpdateTrail").await;
    let looked = world.turn(&watch, 115).await;
    assert_eq!((looked.len(), looked[0].drifted), (1, 0));
    assert!(world.findings("CLOUD_TRAIL_ENABLED").await.is_empty());
    world.aws.logs(true);
    world.call(300, 310, "cloudtrail", "UpdateTrail").await;
    assert_eq!(world.turn(&watch, 315).await[0].drifted, 0, "it was good before and is now");

    world.aws.put("guardduty:ListDetectors", json!({"detectorIds": []}));
    world.call(600, 610, "guardduty", "DeleteDetector").await;
    let looked = world.turn(&watch, 615).await;
    assert_eq!(looked[0].look.region.as_deref(), Some("eu-west-1"));
    let found = world.findings("GUARDDUTY_ENABLED_CENTRALIZED").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].title.contains("there is no detector"), "{}", found[0].title);
    // The daily run says the same, and tells nobody again.
    let said = world.daily(3_600).await;
    assert!(said.contains("0 drifted"), "{said}");
    assert_eq!(world.findings("GUARDDUTY_ENABLED_CENTRALIZED").await.len(), 1);
    world.aws.put("guardduty:ListDetectors", json!({"detectorIds": ["d2"]}));
    world.daily(7_200).await;
    let found = world.findings("GUARDDUTY_ENABLED_CENTRALIZED").await;
    assert_eq!((found.len(), found[0].ended), (1, Some(at(7_200))));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_what_changed_while_the_service_was_down_is_looked_at_when_it_is_up_again() {
    let mut world = World::new();
    world.daily(0).await;
    world.turn(&world.watch(), 5).await;
    world.aws.logs(false);
    world.call(100, 4_000, "cloudtrail", "StopLogging").await;
    let looked = world.turn(&world.watch(), 7_000).await;
    assert_eq!(looked.len(), 1);
    assert_eq!(world.findings("CLOUD_TRAIL_ENABLED").await.len(), 1);
    // Calls of accounts that nobody walks, and calls that change nothing, are left.
    let watch = world.watch();
    world.turn(&watch, 7_600).await;
    world.call(8_000, 8_000, "logs", "CreateLogStream").await;
    world.call(8_000, 8_000, "ecr", "CreateRepository").await;
    assert_eq!(world.turn(&watch, 8_005).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_what_an_exception_covers_is_counted_and_open_again_as_soon_as_it_ends() {
    let mut world = World::new();
    world.aws.logs(false);
    world.daily(0).await;
    let exception = Exception {
        id: "x-1".into(),
        rules: vec!["CLOUD_TRAIL_ENABLED".into()],
        pattern: Some(format!(r#"{{"account":["{OWN}"]}}"#)),
        reason: "a move".into(),
        owner: "ada".into(),
        approver: "bob".into(),
        ticket: "T-1".into(),
        granted: at(10),
        until: at(5_000),
        revoked: None,
        settled: None,
    };
    world.app.ledger.grant(&exception).await.unwrap();
    let watch = world.watch();
    world.turn(&watch, 20).await;
    world.call(100, 110, "cloudtrail", "UpdateTrail").await;
    world.turn(&watch, 115).await;
    let kept = rows(
        &world.app,
        "SELECT verdict, \"exception\" FROM checks WHERE \"check\" = 'CLOUD_TRAIL_ENABLED' \
         ORDER BY event_time",
    );
    let kept: Vec<String> = kept.await.unwrap().iter().map(|row| row.join(" ")).collect();
    assert_eq!(kept, ["NON_COMPLIANT ", "NON_COMPLIANT x-1"]);
    assert!(world.findings("CLOUD_TRAIL_ENABLED").await.is_empty(), "it was never good");

    world.turn(&watch, 4_990).await;
    assert!(world.findings("CLOUD_TRAIL_ENABLED").await.is_empty());
    world.turn(&watch, 5_005).await;
    let found = world.findings("CLOUD_TRAIL_ENABLED").await;
    assert_eq!(found.len(), 1);
    assert!(found[0].title.contains("its exception is over"), "{}", found[0].title);
    world.turn(&watch, 5_010).await;
    assert_eq!(world.findings("CLOUD_TRAIL_ENABLED").await[0].count, 1, "it is told once");
}
