//! The walk over accounts and regions: what is asked, what is kept, and that it goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wk_engine::inventory::{Progress, Walk, Walked};
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::{AccountId, Capture, Timestamp};
use wk_seam::Future;
use wk_seam::aws::{AwsError, AwsErrorKind, AwsRead, AwsResult, CallName, ReadCall, Whole};
use wk_seam::clock::StandingClock;
use wk_seam::fakes::MemoryShelf;
use wk_watch::posture::Posture;

const OWN: &str = "111122223333";
const OTHER: &str = "222233334444";

/// Answers by region and question; what has none is denied there.
#[derive(Default)]
struct Scripted {
    answers: BTreeMap<(String, String), Value>,
    fails: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn with(mut self, region: &str, key: &str, page: Value) -> Self {
        self.answers.insert((region.into(), key.into()), page);
        self
    }

    fn asked(&self, key: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(key)).count()
    }

    fn answer(&self, call: &ReadCall) -> AwsResult<Whole<Value>> {
        let key = format!("{}:{}", call.operation.service, call.operation.name);
        let region = call.target.region.clone().unwrap();
        let account = call.target.account.as_ref().map_or(OWN, AccountId::as_str);
        self.asked.lock().unwrap().push(format!("{key} {account} {region} {}", call.parameters));
        let name = CallName::of(call.operation, &call.target);
        if self.fails.lock().unwrap().contains(&key) {
            return Err(AwsError::new(name, AwsErrorKind::Service, "it failed"));
        }
        let page = match key.as_str() {
            "sts:GetCallerIdentity" if account == OTHER => None,
            "sts:GetCallerIdentity" => Some(json!({"Account": account, "Arn": "arn:me"})),
            _ => self.answers.get(&(region, key)).cloned(),
        };
        let page = page.ok_or_else(|| AwsError::new(name, AwsErrorKind::Denied, "no"))?;
        Ok(Whole { pages: vec![page], next: None, request_ids: vec!["q-1".into()] })
    }
}

impl AwsRead for Scripted {
    fn read<'a>(&'a self, call: &'a ReadCall) -> Future<'a, AwsResult<Whole<Value>>> {
        Box::pin(async move { self.answer(call) })
    }
}

fn scripted() -> Scripted {
    let trail = |name: &str, home: &str| json!({"Name": name, "TrailARN": format!("arn:{name}"), "HomeRegion": home});
    let trails = json!({"trailList": [trail("a", "eu-west-1"), trail("b", "us-east-1")]});
    let region = |name: &str| json!({"regionName": name});
    Scripted::default()
        .with("eu-west-1", "ec2:DescribeRegions", json!({"regionInfo": [region("us-east-1"), region("eu-west-1")]}))
        .with("eu-west-1", "cloudtrail:DescribeTrails", trails.clone())
        .with("us-east-1", "cloudtrail:DescribeTrails", trails)
        .with("eu-west-1", "cloudtrail:GetTrailStatus", json!({"IsLogging": true}))
        .with("eu-west-1", "lambda:ListFunctions", json!({"Functions": [{"Environment": {"Variables": {"KEY": "secret"}}}]}))
        .with("eu-west-1", "s3:ListBuckets", json!({"Buckets": {"Bucket": [{"Name": "near", "BucketRegion": "eu-west-1"}, {"Name": "far", "BucketRegion": "us-east-1"}]}}))
        .with("us-east-1", "s3:GetBucketPolicy", json!({"Policy": "{}"}))
}

fn walk(aws: &Arc<Scripted>, shelf: &Arc<MemoryShelf>) -> (Walked, Progress) {
    let walk = Walk {
        aws: aws.clone(),
        shelf: shelf.clone(),
        clock: Arc::new(StandingClock::at(Timestamp::from_seconds(1_795_341_600))),
        run: "r1".into(),
        accounts: vec![AccountId::try_from(OTHER.to_owned()).unwrap()],
        only_accounts: false,
        regions: Vec::new(),
        home_region: "eu-west-1".into(),
        services: Vec::new(),
    };
    let progress = Progress::default();
    let walked = crate::expiry::block_on(walk.run(&progress)).unwrap();
    (walked, progress)
}

fn captures(shelf: &MemoryShelf) -> Vec<Capture> {
    shelf.all().into_values().flatten().collect()
}

#[test]
fn every_region_is_asked_and_what_is_denied_is_kept_as_denied() {
    let (aws, shelf) = (Arc::new(scripted()), Arc::new(MemoryShelf::default()));
    let (walked, _) = walk(&aws, &shelf);
    assert_eq!((walked.accounts, walked.regions), (vec![OWN.to_owned()], 2));
    assert_eq!(walked.not_entered[0].0, OTHER);
    let slices: Vec<String> = shelf.all().into_keys().collect();
    assert_eq!(
        slices,
        [
            "111122223333-eu-west-1",
            "111122223333-global",
            "111122223333-us-east-1",
            "222233334444-global"
        ]
    );
    let posture = Posture::of(captures(&shelf));
    let denied = posture.view(OWN, "us-east-1").ask("ec2:DescribeVpcs").unwrap_err();
    assert!(denied.why.contains("ec2:DescribeVpcs in us-east-1 was denied"), "{}", denied.why);
    let other = posture.view(OTHER, GLOBAL).ask("iam:ListUsers").unwrap_err();
    assert!(other.why.contains("could not be entered"), "{}", other.why);
}

#[test]
fn what_an_answer_names_is_asked_where_it_is_at_home() {
    let (aws, shelf) = (Arc::new(scripted()), Arc::new(MemoryShelf::default()));
    walk(&aws, &shelf);
    let asked: Vec<String> = aws.asked.lock().unwrap().clone();
    let status: Vec<&String> =
        asked.iter().filter(|a| a.starts_with("cloudtrail:GetTrailStatus")).collect();
    assert_eq!(status.len(), 2, "{status:?}");
    assert!(status.iter().any(|a| a.contains("eu-west-1") && a.contains("arn:a")));
    assert!(status.iter().any(|a| a.contains("us-east-1") && a.contains("arn:b")));
    let policies = asked.iter().filter(|a| a.starts_with("s3:GetBucketPolicy"));
    let far: Vec<&String> = policies.filter(|a| a.contains("\"far\"")).collect();
    assert!(far.len() == 1 && far[0].contains("us-east-1"), "{far:?}");
    let kept = captures(&shelf);
    let policy =
        kept.iter().find(|c| c.key() == "s3:GetBucketPolicy" && c.outcome == Outcome::Answered);
    assert_eq!(policy.unwrap().region, "us-east-1");
}

#[test]
fn secrets_are_masked_before_they_are_kept() {
    let (aws, shelf) = (Arc::new(scripted()), Arc::new(MemoryShelf::default()));
    walk(&aws, &shelf);
    let kept = captures(&shelf);
    assert!(!serde_json::to_string(&kept).unwrap().contains("secret"));
    let functions = kept.iter().find(|c| c.key() == "lambda:ListFunctions" && !c.masked.is_empty());
    assert_eq!(functions.unwrap().masked[0].sha256, wk_model::Sha256::of(b"secret"));
}

#[test]
fn a_walk_that_was_killed_goes_on_and_asks_again_only_what_failed() {
    let (aws, shelf) = (Arc::new(scripted()), Arc::new(MemoryShelf::default()));
    aws.fails.lock().unwrap().push("cloudtrail:GetTrailStatus".into());
    let (first, _) = walk(&aws, &shelf);
    assert_eq!(first.outcomes.get("failed"), Some(&2));
    aws.fails.lock().unwrap().clear();
    aws.asked.lock().unwrap().clear();
    let (second, progress) = walk(&aws, &shelf);
    assert_eq!(second.outcomes.get("failed"), None);
    assert_eq!(aws.asked("cloudtrail:GetTrailStatus"), 2);
    assert_eq!(aws.asked("cloudtrail:DescribeTrails"), 0, "it was answered before");
    // Who we are is asked always: it is what enters an account.
    let asked = aws.asked.lock().unwrap().len();
    assert_eq!(asked, 4, "{:?}", aws.asked.lock().unwrap());
    let known = progress.known.load(std::sync::atomic::Ordering::Relaxed);
    assert!(known > 50, "{known}");
    let status = |c: &&Capture| c.key() == "cloudtrail:GetTrailStatus" && c.region == "eu-west-1";
    let kept = captures(&shelf);
    let last = kept.iter().rfind(status).unwrap();
    assert_eq!(last.outcome, Outcome::Answered);
    let posture = Posture::of(kept);
    assert!(
        posture.view(OWN, GLOBAL).one_of("cloudtrail:GetTrailStatus", "arn:a").unwrap().is_some()
    );
}
