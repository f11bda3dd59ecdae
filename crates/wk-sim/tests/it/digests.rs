//! Digest files cover every delivered log file, and chain.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wk_model::{Sha256, Timestamp};

use crate::{text, week};

#[test]
fn every_log_file_is_in_one_digest_with_its_hash() {
    let files = &week().0;
    let mut logs: BTreeMap<&str, &wk_sim::File> =
        files.iter().filter(|f| f.source == "cloudtrail").map(|f| (f.path.as_str(), f)).collect();
    for digest in files.iter().filter(|f| f.source == "cloudtrail-digest") {
        let whole: Value = serde_json::from_slice(&digest.bytes).unwrap();
        let time = |field: &str| Timestamp::parse(&text(&whole[field])).unwrap();
        for entry in whole["logFiles"].as_array().unwrap() {
            let path = text(&entry["s3Object"]);
            let log = logs.remove(path.as_str()).expect("listed once, and delivered");
            assert_eq!(text(&entry["hashValue"]), Sha256::of(&log.bytes).to_string());
            assert!(
                time("digestStartTime") <= log.delivered && log.delivered < time("digestEndTime")
            );
            assert!(log.delivered < digest.delivered);
        }
    }
    assert!(logs.is_empty(), "not covered: {:?}", logs.keys().next());
}

#[test]
fn every_digest_names_the_one_before_and_its_hash() {
    let mut last: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    let mut chains = BTreeSet::new();
    for file in week().0.iter().filter(|f| f.source == "cloudtrail-digest") {
        let digest: Value = serde_json::from_slice(&file.bytes).unwrap();
        assert_eq!(text(&digest["digestS3Object"]), file.path);
        let region = file.path.split('/').nth(4).unwrap().to_owned();
        let chain = (text(&digest["awsAccountId"]), region);
        chains.insert(chain.clone());
        let hash = Sha256::of(&file.bytes).to_string();
        match last.insert(chain, (file.path.clone(), hash)) {
            None => assert!(digest["previousDigestS3Object"].is_null()),
            Some((path, hash)) => {
                assert_eq!(text(&digest["previousDigestS3Object"]), path);
                assert_eq!(text(&digest["previousDigestHashValue"]), hash);
            }
        }
    }
    assert_eq!(chains.len(), 6);
}
