//! Chains that were tampered with. Signatures here are hashes of key and text: what signs is not
//! what is tested.

use super::super::keys::Key;
use super::*;

const BUCKET: &str = "trail";

fn sign(text: &str) -> String {
    Sha256::of(["k", text].concat().as_bytes()).to_string()
}

fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    Sha256::of(&[key, message].concat()).0 == signature
}

fn keys() -> Keyring {
    let key =
        Key { region: None, fingerprint: "f".into(), der: b"k".to_vec(), from: None, until: None };
    let mut ring = Keyring::default();
    ring.add([key]);
    ring
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_225_600 + hour * 3600) // 2026-01-01
}

fn key(hour: i64) -> String {
    format!("AWSLogs/1/CloudTrail-Digest/r/d{hour}.json.gz")
}

/// A digest's text with its signature; `mark` makes other content of it.
#[derive(Clone)]
struct Made {
    hour: i64,
    text: String,
    signature: String,
}

fn make(hour: i64, previous: Option<&Made>, mark: &str) -> Made {
    let before = previous.map(|p| {
        let hash = Sha256::of(p.text.as_bytes());
        format!(
            r#","previousDigestS3Bucket":"{BUCKET}","previousDigestS3Object":"{}","previousDigestHashValue":"{hash}","previousDigestSignature":"{}""#,
            key(p.hour),
            p.signature
        )
    });
    let before = before.unwrap_or_else(|| r#","previousDigestSignature":null"#.to_owned());
    let text = format!(
        r#"{{"mark":"{mark}","digestStartTime":"{}","digestEndTime":"{}","digestS3Bucket":"{BUCKET}","digestS3Object":"{}","digestPublicKeyFingerprint":"f"{before},"logFiles":[]}}"#,
        at(hour - 1),
        at(hour),
        key(hour)
    );
    let signature = sign(&Digest::read(text.as_bytes()).unwrap().signed_text());
    Made { hour, text, signature }
}

fn chain_of(hours: i64) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for hour in 1..=hours {
        let next = make(hour, made.last(), "");
        made.push(next);
    }
    made
}

fn opened(made: &Made) -> Opened {
    Opened {
        subject: key(made.hour),
        key: key(made.hour),
        time: at(made.hour),
        content: Digest::read(made.text.as_bytes()).map_err(|e| e.to_string()),
        signature: Some(made.signature.clone()),
        generated: None,
    }
}

fn told(steps: Vec<Step>) -> Vec<String> {
    let tell = |step: Step| match step {
        Step::Proven(digest, _) => format!("{} proven", digest.key),
        Step::Wrong(p) => format!("{}: {}", p.kind.name(), p.subject),
    };
    steps.into_iter().map(tell).collect()
}

/// What is wrong with a chain; what is proved is only counted.
fn wrong(made: &[Made]) -> (usize, Vec<String>) {
    let keys = keys();
    let mut chain = Chain::new(verify, &keys, "1", "r").in_bucket(BUCKET);
    let mut said: Vec<String> = made.iter().flat_map(|m| told(chain.push(opened(m)))).collect();
    said.extend(told(chain.finish()));
    let proven = said.iter().filter(|s| s.ends_with("proven")).count();
    said.retain(|s| !s.ends_with("proven"));
    (proven, said.iter().map(|s| s.replace("AWSLogs/1/CloudTrail-Digest/r/", "")).collect())
}

#[test]
fn a_whole_chain_is_proved() {
    assert_eq!(wrong(&chain_of(6)), (6, vec![]));
}

#[test]
fn a_digest_that_is_gone_is_named_by_its_successor() {
    let mut made = chain_of(6);
    made.remove(2);
    assert_eq!(wrong(&made), (5, vec!["DIGEST MISSING: s3://trail/d3.json.gz".into()]));
}

#[test]
fn a_digest_that_was_changed_fails_alone() {
    let mut made = chain_of(6);
    made[2].text = made[2].text.replace("\"mark\":\"\"", "\"mark\":\"x\"");
    assert_eq!(wrong(&made), (5, vec!["SIGNATURE FAILED: d3.json.gz".into()]));
    made[2].text = "{}".into();
    assert_eq!(wrong(&made), (5, vec!["DIGEST INVALID: d3.json.gz".into()]));
}

#[test]
fn another_signed_digest_in_its_place_breaks_the_chain() {
    let mut made = chain_of(6);
    let before = made[1].clone();
    made[2] = make(3, Some(&before), "another");
    assert_eq!(wrong(&made), (6, vec!["CHAIN BROKEN: d3.json.gz".into()]));
}

#[test]
fn a_digest_that_lies_elsewhere_was_moved() {
    let mut made = chain_of(3);
    made[1].text = made[0].text.clone();
    made[1].signature = made[0].signature.clone();
    assert_eq!(wrong(&made), (2, vec!["DIGEST MOVED: d2.json.gz".into()]));
}

#[test]
fn a_digest_that_is_passed_over_is_out_of_the_chain() {
    let mut made = chain_of(2);
    let third = make(4, Some(&made[1]), "");
    made.push(make(3, Some(&made[1]), "put in between"));
    made.push(third);
    assert_eq!(wrong(&made), (4, vec!["OUT OF CHAIN: d3.json.gz".into()]));
}

#[test]
fn a_restart_after_a_while_is_a_gap_and_one_without_is_none() {
    let mut made = chain_of(2);
    made.push(make(3, None, ""));
    assert_eq!(wrong(&made), (3, vec![]));
    made.push(make(6, None, ""));
    assert_eq!(wrong(&made), (4, vec!["GAP: s3://trail/d6.json.gz".into()]));
}

#[test]
fn a_chain_that_goes_further_back_says_so_unless_the_period_begins_later() {
    let made = chain_of(3);
    assert_eq!(wrong(&made[1..]), (2, vec!["HEAD MISSING: s3://trail/d2.json.gz".into()]));
    let keys = keys();
    let mut chain = Chain::new(verify, &keys, "1", "r").in_bucket(BUCKET).after(None, true);
    assert_eq!(told(chain.push(opened(&made[1]))).len(), 1);
}

#[test]
fn a_key_that_nobody_lists_proves_nothing() {
    let made = chain_of(1);
    let none = Keyring::default();
    let mut chain = Chain::new(verify, &none, "1", "r").in_bucket(BUCKET);
    assert_eq!(told(chain.push(opened(&made[0]))), [format!("KEY UNKNOWN: {}", key(1))]);
}

#[test]
fn in_a_copy_each_digest_is_proved_by_the_signature_that_its_successor_holds() {
    let (made, keys) = (chain_of(4), keys());
    let without = |made: &Made| Opened { signature: None, ..opened(made) };
    let mut chain = Chain::new(verify, &keys, "1", "r");
    let mut said: Vec<String> = made.iter().flat_map(|m| told(chain.push(without(m)))).collect();
    said.extend(told(chain.finish()));
    let mut expected: Vec<String> = (1..4).map(|hour| format!("{} proven", key(hour))).collect();
    expected.push(format!("SIGNATURE NOT HELD: {}", key(4)));
    assert_eq!(said, expected);
    // In the bucket itself, the signature has to be there.
    let mut chain = Chain::new(verify, &keys, "1", "r").in_bucket(BUCKET);
    assert_eq!(told(chain.push(without(&made[0]))), [format!("SIGNATURE FAILED: {}", key(1))]);
}

#[test]
fn what_was_proved_before_is_what_the_next_run_begins_with() {
    let (made, keys) = (chain_of(3), keys());
    let mut chain = Chain::new(verify, &keys, "1", "r").in_bucket(BUCKET);
    let mut last = None;
    for step in chain.push(opened(&made[0])) {
        if let Step::Proven(_, held) = step {
            last = Some(held);
        }
    }
    let other = make(1, None, "another");
    let exchanged =
        Held { sha256: Some(Sha256::of(other.text.as_bytes())), ..last.clone().unwrap() };
    for (held, expected) in [(last, 1), (Some(exchanged), 2)] {
        let mut chain = Chain::new(verify, &keys, "1", "r").in_bucket(BUCKET).after(held, true);
        assert_eq!(told(chain.push(opened(&made[1]))).len(), expected);
    }
}

#[test]
fn signatures_that_are_none_are_refused() {
    let digest = Digest::read(chain_of(1)[0].text.as_bytes()).unwrap();
    for signature in ["", "abc", "zz", &"ab".repeat(2000), "é"] {
        let judged = judge_signature(verify, &keys(), "r", &digest, signature, None);
        assert_eq!(judged.unwrap_err().0, Kind::DigestSignature, "{signature}");
    }
}
