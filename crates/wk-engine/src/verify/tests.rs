//! Whatever cannot be read, nothing is called proven, and nothing is called wrong. Signatures here are
//! hashes of key and text: what signs is not what is tested.

use wk_model::Sha256;
use wk_seam::clock::StandingClock;
use wk_seam::fakes::{Fault, Faults, MemoryBuckets, MemoryLedger, PlainUnpack};
use wk_seam::objects::Buckets as _;
use wk_watch::digest::{Digest, Key, Keyring, Verdict, file_name};

use super::*;

const HOURS: i64 = 4;

fn at(hour: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_225_600 + hour * 3600) // 2026-01-01
}

fn rsa(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    Sha256::of(&[key, message].concat()).0 == signature
}

fn keys() -> FileKeys {
    let der = b"k".to_vec();
    let key = Key { region: None, fingerprint: "f".into(), der, from: None, until: None };
    let mut ring = Keyring::default();
    ring.add([key]);
    FileKeys(ring)
}

type Metadata = BTreeMap<String, Vec<(String, String)>>;

/// A trail of some hours with a log each, and the signatures of its digests.
fn trail() -> (MemoryBuckets, Metadata) {
    let (buckets, mut metadata) = (MemoryBuckets::default(), Metadata::new());
    let mut previous: Option<(String, String, String)> = None;
    for hour in 1..=HOURS {
        let (start, end) = (at(hour - 1), at(hour));
        let log = format!(
            "AWSLogs/1/CloudTrail/r/2026/01/01/1_CloudTrail_r_20260101T{:02}05Z_x.json.gz",
            hour - 1
        );
        let content = format!("log of hour {hour}");
        let hash = Sha256::of(content.as_bytes());
        buckets.put("b", &log, content, end);
        let key = format!(
            "AWSLogs/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_t_r_20260101T{hour:02}0000Z.json.gz"
        );
        let before = previous.take().map(|(key, hash, signature)| {
            format!(
                r#","previousDigestS3Bucket":"b","previousDigestS3Object":"{key}","previousDigestHashValue":"{hash}","previousDigestSignature":"{signature}""#
            )
        });
        let before = before.unwrap_or_else(|| r#","previousDigestSignature":null"#.to_owned());
        let text = format!(
            r#"{{"digestStartTime":"{start}","digestEndTime":"{end}","digestS3Bucket":"b","digestS3Object":"{key}","digestPublicKeyFingerprint":"f"{before},"logFiles":[{{"s3Bucket":"b","s3Object":"{log}","hashValue":"{hash}"}}]}}"#
        );
        let signed = Digest::read(text.as_bytes()).unwrap().signed_text();
        let signature = Sha256::of(["k", &signed].concat().as_bytes()).to_string();
        let named = vec![("signature".to_owned(), signature.clone())];
        metadata.insert(file_name(&key).to_owned(), named);
        previous = Some((key.clone(), Sha256::of(text.as_bytes()).to_string(), signature));
        buckets.put("b", &key, text, end);
    }
    (buckets, metadata)
}

/// One run over a copy, with these faults.
fn run(buckets: &MemoryBuckets, metadata: &Metadata, faults: Arc<Faults>) -> Answer<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let bucket = buckets.with_faults(faults).bucket("b", None).await.unwrap();
        let verify = Verify {
            bucket,
            address: "s3://b/".into(),
            prefix: String::new(),
            original: None,
            metadata: metadata.clone(),
            keys: Arc::new(keys()),
            rsa,
            unpack: PlainUnpack::boxed,
            clock: Arc::new(StandingClock::at(at(HOURS))),
            ledger: Some(Arc::new(MemoryLedger::default())),
            scope: Scope { until: Some(at(HOURS)), ..Scope::default() },
            past: BTreeMap::new(),
        };
        verify.run(&Progress::default()).await
    })
}

#[test]
fn whatever_call_fails_nothing_is_called_proven_and_nothing_is_called_wrong() {
    let (buckets, metadata) = trail();
    let calm = Arc::new(Faults::default());
    let whole = run(&buckets, &metadata, calm.clone()).unwrap();
    assert!(whole.is_proven(), "{:?}", whole.problems);
    assert_eq!(whole.chains[0].counts.logs_proven, 4);
    let mut partly = 0;
    for call in 1..=calm.calls() {
        let faults = Arc::new(Faults::at(vec![(call, Fault::Transient)]));
        let Ok(report) = run(&buckets, &metadata, faults) else { continue };
        partly += 1;
        assert!(!report.is_proven(), "call {call} of {}", calm.calls());
        let wrong = report.problems.iter().find(|p| p.kind.verdict() == Verdict::Invalid);
        assert!(wrong.is_none(), "call {call}: {wrong:?}");
        assert!(
            report.by_kind.contains_key(&Kind::Unreadable),
            "call {call}: {:?}",
            report.by_kind
        );
    }
    assert_eq!(partly, 8, "every digest and every log");
}

#[test]
fn a_key_that_leads_out_of_its_place_is_not_followed() {
    let (buckets, mut metadata) = trail();
    let key = "AWSLogs/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_u_r_20260101T010000Z.json.gz";
    let hash = Sha256::of(b"");
    let text = format!(
        r#"{{"digestStartTime":"{}","digestEndTime":"{}","digestS3Bucket":"b","digestS3Object":"{key}","digestPublicKeyFingerprint":"f","previousDigestSignature":null,"logFiles":[{{"s3Bucket":"b","s3Object":"AWSLogs/1/../../etc/passwd","hashValue":"{hash}"}}]}}"#,
        at(0),
        at(1)
    );
    let signed = Digest::read(text.as_bytes()).unwrap().signed_text();
    let signature = Sha256::of(["k", &signed].concat().as_bytes()).to_string();
    metadata.insert(file_name(key).to_owned(), vec![("signature".to_owned(), signature)]);
    buckets.put("b", key, text, at(1));
    let report = run(&buckets, &metadata, Arc::default()).unwrap();
    let told = report.problems.iter().find(|p| p.kind == Kind::Unreadable).unwrap();
    assert!(told.says.contains("none that CloudTrail gives"), "{told:?}");
}
